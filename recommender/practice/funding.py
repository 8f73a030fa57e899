"""What a funding scheme pays back for a session, as dated rows of the practice definition.

Rebates change every July, so an amount without its dates is never kept. Nothing here knows what
day it is. Imported by `verdicts`, `practice` and above.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from recommender.errors import Fault
from recommender.practice.fields import Field
from recommender.practice.schema import NUMBER
from recommender.values.parsers import Point, is_on_globe, is_postcode

CAP_PERIODS = ("calendar_year", "approval", "referral", "cycle")
"""What a cap on paid sessions is counted over: from January, by the insurer's approval, by the
referral, by a treatment cycle."""
WARN_DAYS = 60
"""How long before its last day a row is said to end; decided with the practice brief."""

_NEEDED: Mapping[str, type] = {
    "scheme": str,
    "provider": str,
    "from": date,
    "minutes": int,
    "source": str,
}
_OPTIONAL: Mapping[str, type] = {
    "until": date,
    "fee_cents": int,
    "rebate_cents": int,
    "item": str,
    "modes": list,
    "cap": int,
    "cap_per": str,
}
_TOGETHER = (("fee_cents", "rebate_cents"), ("cap", "cap_per"))
_KINDS = {
    str: "a text",
    int: "a whole number",
    date: "a date such as 2026-07-01",
    list: 'a list such as ["video", "phone"]',
}


@dataclass(frozen=True, slots=True)
class FundingRow:
    """What one scheme pays for one kind of provider, while the row is in force.

    Attributes
    ----------
    scheme, provider
        Levels of the client's funding field and of the clinician's provider field.
    start, until
        First and last day in force, both inclusive; `until` is None for a row still open.
    minutes
        Shortest session the row pays for.
    source
        Where the amounts were read, when, and which of them were worked out.
    fee_cents, rebate_cents
        Schedule fee and amount paid back; None where the scheme pays but nobody read how much.
    item
        Item number, where there is one.
    modes
        Ways of meeting the row is for; empty for any.
    cap, cap_per
        Most sessions paid for, over one of `CAP_PERIODS`; None where the scheme states none.
    """

    scheme: str
    provider: str
    start: date
    minutes: int
    source: str
    fee_cents: int | None = None
    rebate_cents: int | None = None
    until: date | None = None
    item: str | None = None
    modes: tuple[str, ...] = ()
    cap: int | None = None
    cap_per: str | None = None

    def in_force(self, day: date) -> bool:
        """Whether the row holds on a day."""
        return self.start <= day and (self.until is None or day <= self.until)

    def is_for(self, modes: Collection[str]) -> bool:
        """Whether the row is for one of some ways of meeting; none given is any."""
        return not modes or not self.modes or not set(self.modes).isdisjoint(modes)


@dataclass(frozen=True, slots=True, order=True)
class Ending:
    """What a scheme pays one kind of provider for until a day that is near, or past.

    Attributes
    ----------
    last
        Last day in force.
    scheme, provider, items
        As in the rows; `items` are empty where the rows have no item numbers.
    """

    last: date
    scheme: str
    provider: str
    items: tuple[str, ...]


def rebate_cents(
    rows: Sequence[FundingRow],
    scheme: str,
    provider: str,
    minutes: float,
    day: date,
    modes: Collection[str] = (),
) -> int | None:
    """Cents paid back for one session; 0 where the scheme pays nothing, None where it is unknown.

    The row with the longest minutes not above the session holds, as schedule items are written
    ("50 minutes or more"). A scheme that never names the provider pays nothing. One that names the
    provider on other days only is an outdated table: the amount is unknown, not nothing.

    Where several ways of meeting are left open and pay differently, the lowest amount is said: a
    client may be told of a gap too large, never of one too small. Without `modes` every way that
    the rows tell apart is open.
    """
    named = _named(rows, scheme, provider)
    if not named:
        return 0
    current = [row for row in named if row.in_force(day)]
    if not current:
        return None
    paid = [row for row in current if row.minutes <= minutes]
    amounts = [_longest(paid, mode) for mode in set(modes) or _told_apart(current)]
    known = [amount for amount in amounts if amount is not None]
    return min(known) if len(known) == len(amounts) else None


def pays(rows: Sequence[FundingRow], scheme: str, provider: str, day: date) -> bool | None:
    """Whether a scheme pays a kind of provider on a day, however little.

    None where it is paid on other days only: the table is outdated. A scheme without any row
    passes, for nothing is claimed of it.
    """
    if not any(row.scheme == scheme for row in rows):
        return True
    named = _named(rows, scheme, provider)
    if not named:
        return False
    return True if any(row.in_force(day) for row in named) else None


def session_cap(rows: Sequence[FundingRow], scheme: str, provider: str, day: date) -> int | None:
    """Most sessions a scheme pays for, the lowest its rows in force state; None if they do not."""
    named = _named(rows, scheme, provider)
    caps = [row.cap for row in named if row.in_force(day) and row.cap is not None]
    return min(caps, default=None)


def endings(rows: Sequence[FundingRow], day: date, within: int = WARN_DAYS) -> tuple[Ending, ...]:
    """What ends at most some days after a day or has ended, and is not continued by a later row."""
    last: dict[tuple[object, ...], FundingRow] = {}
    for row in rows:
        use = row.scheme, row.provider, row.minutes, frozenset(row.modes)
        if use not in last or _last_day(row) > _last_day(last[use]):
            last[use] = row
    items: dict[tuple[date, str, str], set[str]] = {}
    for row in last.values():
        if row.until is not None and (row.until - day).days <= within:
            told = items.setdefault((row.until, row.scheme, row.provider), set())
            told |= {row.item} if row.item else set()
    return tuple(sorted(Ending(*what, tuple(sorted(told))) for what, told in items.items()))


def read_funding(
    declared: Sequence[Mapping[str, Any]],
) -> tuple[tuple[FundingRow, ...], list[Fault]]:
    """The funding rows of a definition, with everything that is wrong about them.

    Two rows of one scheme, provider, length and way of meeting that hold on the same day are a
    fault.
    """
    rows: dict[int, FundingRow] = {}
    faults: list[Fault] = []
    for place, row in enumerate(declared, start=1):
        wrong = _wrong_settings(f"funding.{place}", row)
        faults += wrong
        if not wrong:
            named = {"start" if key == "from" else key: value for key, value in row.items()}
            rows[place] = FundingRow(**named | {"modes": tuple(row.get("modes", ()))})
    return tuple(rows.values()), faults + _overlaps(rows)


def unknown_modes(rows: Sequence[FundingRow], client: Mapping[str, Field]) -> list[Fault]:
    """Faults of ways of meeting that no client can answer: their rows would never hold."""
    answers = {level for field in client.values() for level in field.levels}
    named = {mode for row in rows for mode in row.modes}
    remedy = "mend its spelling, or declare it among the ways of meeting a client is asked about"
    return [
        Fault("funding.modes", f"{mode} is not a level of a client's field", remedy)
        for mode in sorted(named - answers)
    ]


def _named(rows: Sequence[FundingRow], scheme: str, provider: str) -> list[FundingRow]:
    return [row for row in rows if (row.scheme, row.provider) == (scheme, provider)]


def _told_apart(rows: Sequence[FundingRow]) -> set[str]:
    """Ways of meeting some rows name, and one without a name where a row is for any."""
    return {mode for row in rows for mode in row.modes or ("",)}


def _longest(rows: Sequence[FundingRow], mode: str) -> int | None:
    """What the row with the longest minutes pays for one way of meeting."""
    suited = [row for row in rows if row.is_for((mode,))]
    return max(suited, key=lambda row: row.minutes).rebate_cents if suited else 0


def _last_day(row: FundingRow) -> date:
    return row.until or date.max


def _wrong_settings(where: str, row: Mapping[str, Any]) -> list[Fault]:
    known = {**_NEEDED, **_OPTIONAL}
    faults = [
        Fault(f"{where}.{key}", "is not a setting of a funding row", "remove it or mend it")
        for key in sorted(set(row) - set(known))
    ]
    faults += [
        Fault(f"{where}.{key}", "is not given", "every funding row needs it")
        for key in _NEEDED
        if key not in row
    ]
    faults += [
        Fault(f"{where}.{key}", f"is not {_KINDS[kind]}", f"write {_KINDS[kind]}")
        for key, kind in known.items()
        if key in row and not _is_a(row[key], kind)
    ]
    faults += [
        Fault(f"{where}.{key}", "is not given", f"give {one} and {other}, or neither")
        for one, other in _TOGETHER
        for key in (one, other)
        if key not in row and (one in row or other in row)
    ]
    return faults or _wrong_amounts(where, row) + _wrong_reach(where, row)


def _is_a(value: object, kind: type) -> bool:
    # A flag is an int and a moment is a date to Python; neither is one to a reader.
    return isinstance(value, kind) and not isinstance(value, bool | datetime)


def _wrong_amounts(where: str, row: Mapping[str, Any]) -> list[Fault]:
    faults = []
    for key in ("fee_cents", "rebate_cents"):
        if row.get(key, 0) < 0:
            faults.append(Fault(f"{where}.{key}", "is below 0", "give an amount in cents"))
    if row.get("rebate_cents", 0) > row.get("fee_cents", 0) >= 0:
        remedy = "a schedule pays its fee or a part of it: mend one of them"
        faults.append(Fault(f"{where}.rebate_cents", "is above fee_cents", remedy))
    if row.get("cap", 1) < 1:
        faults.append(Fault(f"{where}.cap", "is below 1", "give a number of sessions, or no cap"))
    if row.get("cap_per", CAP_PERIODS[0]) not in CAP_PERIODS:
        remedy = f"use one of {', '.join(CAP_PERIODS)}"
        faults.append(Fault(f"{where}.cap_per", "is not known", remedy))
    return faults


def _wrong_reach(where: str, row: Mapping[str, Any]) -> list[Fault]:
    faults = []
    if not row["source"].strip():
        remedy = "name the document and the day it was read"
        faults.append(Fault(f"{where}.source", "is blank", remedy))
    if row["minutes"] < 1:
        faults.append(Fault(f"{where}.minutes", "is below 1", "give the shortest session paid for"))
    if "until" in row and row["until"] < row["from"]:
        faults.append(Fault(f"{where}.until", "is before from", "give the last day in force"))
    modes = row.get("modes", ["any"])
    if not modes or not all(isinstance(mode, str) for mode in modes):
        remedy = "name ways of meeting, or leave it out for any"
        faults.append(Fault(f"{where}.modes", "names no way of meeting", remedy))
    elif len(set(modes)) != len(modes):
        faults.append(Fault(f"{where}.modes", "names a way of meeting twice", "name each once"))
    return faults


def _overlaps(rows: Mapping[int, FundingRow]) -> list[Fault]:
    ordered = sorted(rows, key=lambda place: (rows[place].start, place))
    problem = "holds on a day when another row of its scheme, provider and minutes holds"
    return [
        Fault(f"funding.{place}.from", problem, "end the earlier row before it")
        for index, place in enumerate(ordered)
        if any(_clash(rows[earlier], rows[place]) for earlier in ordered[:index])
    ]


def _clash(earlier: FundingRow, later: FundingRow) -> bool:
    uses = [(row.scheme, row.provider, row.minutes) for row in (earlier, later)]
    return uses[0] == uses[1] and later.start <= _last_day(earlier) and earlier.is_for(later.modes)


Postcodes = Mapping[str, Point]
"""Latitude and longitude in degrees, by postcode."""


def read_postcodes(table: Mapping[str, Any]) -> tuple[dict[str, Point], list[Fault]]:
    """The postcodes of a definition, with everything that is wrong about them."""
    points: dict[str, Point] = {}
    faults: list[Fault] = []
    for code, declared in table.items():
        wrong = _wrong_code(code) + _wrong_point(code, declared)
        faults += wrong
        if not wrong:
            points[code] = float(declared[0]), float(declared[1])
    return points, faults


def _wrong_code(code: str) -> list[Fault]:
    if is_postcode(code):
        return []
    remedy = "use at most 10 capital letters and digits, at least one a digit"
    return [Fault(f"postcodes.{code}", "is not a postcode", remedy)]


def _wrong_point(code: str, declared: object) -> list[Fault]:
    where, remedy = f"postcodes.{code}", "write [-33.88, 151.22], south and west below 0"
    if not isinstance(declared, list) or len(declared) != 2 or not all(map(NUMBER.holds, declared)):
        return [Fault(where, "is not a latitude and a longitude", remedy)]
    return [] if is_on_globe(*declared) else [Fault(where, "lies outside the globe", remedy)]
