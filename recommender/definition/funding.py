"""What a funding scheme pays back for a session, as dated rows of the practice definition.

Rebates change every July, so an amount without its dates is never kept.
Imported by `verdicts`, `practice` and above.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from recommender.errors import Fault

_NEEDED: Mapping[str, type] = {
    "scheme": str,
    "provider": str,
    "from": date,
    "minutes": int,
    "fee_cents": int,
    "rebate_cents": int,
    "source": str,
}
_OPTIONAL: Mapping[str, type] = {"until": date, "item": str}
_KINDS = {str: "a text", int: "a whole number", date: "a date such as 2026-07-01"}


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
    fee_cents, rebate_cents
        Schedule fee and amount paid back.
    item, source
        Item number, where there is one, and where the amounts were read.
    """

    scheme: str
    provider: str
    start: date
    minutes: int
    fee_cents: int
    rebate_cents: int
    source: str
    until: date | None = None
    item: str | None = None

    def in_force(self, day: date) -> bool:
        """Whether the row holds on a day."""
        return self.start <= day and (self.until is None or day <= self.until)


def rebate_cents(
    rows: Sequence[FundingRow], scheme: str, provider: str, minutes: float, day: date
) -> int | None:
    """Cents paid back for one session; 0 where the scheme pays nothing, None where it is unknown.

    The row with the longest minutes not above the session holds, as schedule items are written
    ("50 minutes or more"). A scheme that never names the provider pays nothing. One that names the
    provider on other days only is an outdated table: the amount is unknown, not nothing.
    """
    named = [row for row in rows if (row.scheme, row.provider) == (scheme, provider)]
    if not named:
        return 0
    current = [row for row in named if row.in_force(day)]
    if not current:
        return None
    paid = [row for row in current if row.minutes <= minutes]
    return max(paid, key=lambda row: row.minutes).rebate_cents if paid else 0


def pays(rows: Sequence[FundingRow], scheme: str, provider: str, day: date) -> bool | None:
    """Whether a scheme pays for a provider's sessions on a day; None where that is unknown.

    A scheme without any row claims nothing and so lacks nothing. One whose rows name other
    providers alone pays nothing here, and one that names this one for other days is unknown.
    """
    of_scheme = [row for row in rows if row.scheme == scheme]
    named = [row for row in of_scheme if row.provider == provider]
    if not named:
        return not of_scheme
    return True if any(row.in_force(day) for row in named) else None


def read_funding(
    declared: Sequence[Mapping[str, Any]],
) -> tuple[tuple[FundingRow, ...], list[Fault]]:
    """The funding rows of a definition, with everything that is wrong about them.

    Two rows of one scheme, provider and length that hold on the same day are a fault.
    """
    rows: dict[int, FundingRow] = {}
    faults: list[Fault] = []
    for place, row in enumerate(declared, start=1):
        wrong = _wrong_settings(f"funding.{place}", row)
        faults += wrong
        if not wrong:
            named = {"start" if key == "from" else key: value for key, value in row.items()}
            rows[place] = FundingRow(**named)
    return tuple(rows.values()), faults + _overlaps(rows)


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
    return faults or _wrong_amounts(where, row)


def _is_a(value: object, kind: type) -> bool:
    # A flag is an int and a moment is a date to Python; neither is one to a reader.
    return isinstance(value, kind) and not isinstance(value, bool | datetime)


def _wrong_amounts(where: str, row: Mapping[str, Any]) -> list[Fault]:
    faults = []
    if row["minutes"] < 1:
        faults.append(Fault(f"{where}.minutes", "is below 1", "give the shortest session paid for"))
    for key in ("fee_cents", "rebate_cents"):
        if row[key] < 0:
            faults.append(Fault(f"{where}.{key}", "is below 0", "give an amount in cents"))
    if "until" in row and row["until"] < row["from"]:
        faults.append(Fault(f"{where}.until", "is before from", "give the last day in force"))
    return faults


def _overlaps(rows: Mapping[int, FundingRow]) -> list[Fault]:
    ordered = sorted(
        rows, key=lambda place: (_what_it_pays_for(rows[place]), rows[place].start, place)
    )
    faults = []
    latest: dict[tuple[str, str, int], date] = {}
    for place in ordered:
        row = rows[place]
        held_until = latest.get(_what_it_pays_for(row), date.min)
        if row.start <= held_until:
            problem = "holds on a day when another row of its scheme, provider and minutes holds"
            faults.append(Fault(f"funding.{place}.from", problem, "end the earlier row before it"))
        latest[_what_it_pays_for(row)] = max(held_until, row.until or date.max)
    return faults


def _what_it_pays_for(row: FundingRow) -> tuple[str, str, int]:
    return row.scheme, row.provider, row.minutes
