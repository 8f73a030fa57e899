"""What a funding scheme pays back for a session, as dated rows of the practice definition.

Rebates change every July, so each amount has its dates. The day is always an argument.
"""

from bisect import bisect_right
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from typing import Annotated, Any

import numpy as np
from numpy.typing import NDArray
from pydantic import Field as Setting
from pydantic import Strict

from recommender.errors import Fault
from recommender.practice.fields import Field
from recommender.values.bounded_store import store_bounded
from recommender.values.near_names import with_near_name
from recommender.values.toml_settings import (
    FilledText,
    Text,
    Texts,
    Whole,
    one_of,
    read_settings,
    toml_table,
)

CAP_PERIODS = ("calendar_year", "approval", "referral", "cycle")
"""What a cap on paid sessions is counted over: from January, by the insurer's approval, by the
referral, by a treatment cycle."""
WARN_DAYS = 60
"""Days before the last day of a row from which its end is announced."""
MAX_REBATES = 4096
"""Rebates that are stored with the rows of a definition, about 200 bytes each."""

Day = Annotated[date, Strict()]
Cents = Annotated[Whole, Setting(ge=0)]


@toml_table
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
        Where the amounts were read, when, and which of them were calculated.
    fee_cents, rebate_cents
        Schedule fee and amount paid back; None where the scheme pays an unknown amount.
    item
        Item number, where there is one.
    modes
        Ways of meeting the row is for; empty for any.
    cap, cap_per
        Largest number of sessions paid for, over one of `CAP_PERIODS`; None without a cap.
    """

    scheme: Text
    provider: Text
    start: Annotated[Day, Setting(alias="from")]
    minutes: Annotated[Whole, Setting(ge=1)]
    source: FilledText
    fee_cents: Cents | None = None
    rebate_cents: Cents | None = None
    until: Day | None = None
    item: Text | None = None
    modes: Texts = ()
    cap: Annotated[Whole, Setting(ge=1)] | None = None
    cap_per: Annotated[str, one_of(CAP_PERIODS)] | None = None

    def in_force(self, day: date) -> bool:
        """Whether the row holds on a day."""
        return self.start <= day and (self.until is None or day <= self.until)

    def is_for(self, modes: Collection[str]) -> bool:
        """Whether the row is for one of these ways of meeting; empty means any way."""
        return not modes or not self.modes or not set(self.modes).isdisjoint(modes)


class FundingRows(tuple[FundingRow, ...]):
    """The funding rows of a definition; what requests ask of them is computed once."""

    @cached_property
    def changes(self) -> NDArray[np.intp]:
        """The days on which other rows come into force, as ordinals in order."""
        starts = {row.start.toordinal() for row in self}
        ends = {row.until.toordinal() + 1 for row in self if row.until is not None}
        return np.array(sorted(starts | ends), dtype=np.intp)

    def rebate(
        self, scheme: str, provider: str, minutes: float, day: date, modes: tuple[str, ...] = ()
    ) -> int | None:
        """`rebate_cents` by these rows."""
        # Between two changes the same rows are in force.
        period = bisect_right(self._changes, day.toordinal())
        key = scheme, provider, minutes, period, modes
        if key not in self._rebates:
            cents = rebate_cents(
                self.named(scheme, provider), scheme, provider, minutes, day, modes
            )
            store_bounded(self._rebates, key, cents, MAX_REBATES)
        return self._rebates[key]

    def named(self, scheme: str, provider: str) -> Sequence[FundingRow]:
        """The rows of one scheme and kind of provider."""
        return self._by_use.get((scheme, provider), ())

    @cached_property
    def _changes(self) -> list[int]:
        changes: list[int] = self.changes.tolist()
        return changes

    @cached_property
    def _by_use(self) -> Mapping[tuple[str, str], Sequence[FundingRow]]:
        uses = dict.fromkeys((row.scheme, row.provider) for row in self)
        return {use: _named(self, *use) for use in uses}

    @cached_property
    def _rebates(self) -> dict[tuple[str, str, float, int, tuple[str, ...]], int | None]:
        return {}


@dataclass(frozen=True, slots=True, order=True)
class Ending:
    """The last day on which a scheme pays one kind of provider, near or past, with item numbers."""

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

    The row with the longest minutes not above the session applies, as schedule items are written
    ("50 minutes or more"). A scheme that never names the provider pays nothing. If it names the
    provider on other days only, the table is outdated and the amount is unknown.

    If several ways of meeting are possible and pay differently, the result is the lowest amount:
    a stated gap may be too large, never too small. Without `modes` every way that the rows
    distinguish is possible.
    """
    named = _named(rows, scheme, provider)
    if not named:
        return 0
    current = [row for row in named if row.in_force(day)]
    if not current:
        return None
    paid = [row for row in current if row.minutes <= minutes]
    # "" stands for the ways that a row without `modes` is for.
    distinguished = {mode for row in current for mode in row.modes or ("",)}
    amounts = [_longest(paid, mode) for mode in set(modes) or distinguished]
    known = [amount for amount in amounts if amount is not None]
    return min(known) if len(known) == len(amounts) else None


def pays(rows: Sequence[FundingRow], scheme: str, provider: str, day: date) -> bool | None:
    """Whether a scheme pays a kind of provider anything on a day.

    None if it pays on other days only: the table is outdated. True for a scheme without rows, of
    which the definition states nothing.
    """
    if not any(row.scheme == scheme for row in rows):
        return True
    named = _named(rows, scheme, provider)
    if not named:
        return False
    return True if any(row.in_force(day) for row in named) else None


def session_cap(rows: Sequence[FundingRow], scheme: str, provider: str, day: date) -> int | None:
    """Sessions a scheme pays for: the lowest cap of its rows in force; None without a cap."""
    named = _named(rows, scheme, provider)
    caps = [row.cap for row in named if row.in_force(day) and row.cap is not None]
    return min(caps, default=None)


def endings(rows: Sequence[FundingRow], day: date, within: int = WARN_DAYS) -> tuple[Ending, ...]:
    """Rows that end within some days of a day, or have ended, and that no later row continues."""
    last: dict[tuple[object, ...], FundingRow] = {}
    for row in rows:
        use = row.scheme, row.provider, row.minutes, frozenset(row.modes)
        if use not in last or _last_day(row) > _last_day(last[use]):
            last[use] = row
    items: dict[tuple[date, str, str], set[str]] = {}
    for row in last.values():
        if row.until is not None and (row.until - day).days <= within:
            numbers = items.setdefault((row.until, row.scheme, row.provider), set())
            numbers |= {row.item} if row.item else set()
    return tuple(sorted(Ending(*end, tuple(sorted(numbers))) for end, numbers in items.items()))


def read_funding(
    declared: Sequence[Mapping[str, Any]],
) -> tuple[FundingRows, list[Fault]]:
    """The funding rows of a definition, and everything that is wrong about them.

    Two rows of one scheme, provider, length and way of meeting must not be in force on one day.
    """
    rows: dict[int, FundingRow] = {}
    faults: list[Fault] = []
    for place, table in enumerate(declared, start=1):
        where = f"funding.{place}"
        row, sound, wrong = read_settings(FundingRow, where, "a funding row", table)
        wrong += _wrong_together(where, table, sound)
        faults += wrong
        if row is not None and not wrong:
            rows[place] = row
    return FundingRows(rows.values()), faults + _overlaps(rows)


def unknown_modes(rows: Sequence[FundingRow], client: Mapping[str, Field]) -> list[Fault]:
    """Faults of ways of meeting that no client can answer: their rows would never apply."""
    answers = {level for field in client.values() for level in field.levels}
    named = {mode for row in rows for mode in row.modes}
    remedy = "fix its spelling, or declare it among the ways of meeting a client is asked about"
    return [
        Fault(
            "funding.modes",
            f"{mode} is not a level of a client's field",
            with_near_name(mode, answers, remedy),
        )
        for mode in sorted(named - answers)
    ]


def _named(rows: Sequence[FundingRow], scheme: str, provider: str) -> list[FundingRow]:
    return [row for row in rows if (row.scheme, row.provider) == (scheme, provider)]


def _longest(rows: Sequence[FundingRow], mode: str) -> int | None:
    """What the row with the longest minutes pays for one way of meeting."""
    suited = [row for row in rows if row.is_for((mode,))]
    return max(suited, key=lambda row: row.minutes).rebate_cents if suited else 0


def _last_day(row: FundingRow) -> date:
    return row.until or date.max


def _wrong_together(
    where: str, declared: Mapping[str, Any], sound: Mapping[str, Any]
) -> list[Fault]:
    """Faults of settings that are right by themselves and wrong beside each other."""
    faults = [
        Fault(f"{where}.{key}", "is not given", f"give {one} and {other}, or neither")
        for one, other in (("fee_cents", "rebate_cents"), ("cap", "cap_per"))
        for key in (one, other)
        if key not in declared and (one in declared or other in declared)
    ]
    fee = sound.get("fee_cents")
    if fee is not None and sound.get("rebate_cents", 0) > fee:
        remedy = "a schedule pays its fee or a part of it: fix one of them"
        faults.append(Fault(f"{where}.rebate_cents", "is above fee_cents", remedy))
    if {"from", "until"} <= set(sound) and sound["until"] < sound["from"]:
        faults.append(Fault(f"{where}.until", "is before from", "give the last day in force"))
    modes = sound.get("modes")
    if modes == []:
        remedy = "name ways of meeting, or leave it out for any"
        faults.append(Fault(f"{where}.modes", "names no way of meeting", remedy))
    elif modes and len(set(modes)) != len(modes):
        faults.append(Fault(f"{where}.modes", "names a way of meeting twice", "name each once"))
    return faults


def _overlaps(rows: Mapping[int, FundingRow]) -> list[Fault]:
    ordered = sorted(rows, key=lambda place: (rows[place].start, place))
    problem = "overlaps another row of its scheme, provider and minutes"
    return [
        Fault(f"funding.{place}.from", problem, "end the earlier row before it")
        for index, place in enumerate(ordered)
        if any(_clash(rows[earlier], rows[place]) for earlier in ordered[:index])
    ]


def _clash(earlier: FundingRow, later: FundingRow) -> bool:
    uses = [(row.scheme, row.provider, row.minutes) for row in (earlier, later)]
    return uses[0] == uses[1] and later.start <= _last_day(earlier) and earlier.is_for(later.modes)
