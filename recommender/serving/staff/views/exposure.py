"""How often each clinician was shown and how full they are, with thin bars.

Imported by `staff.overseeing`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

import numpy as np

from recommender.journal.rated_pairings import Exposure
from recommender.practice.definition import Practice
from recommender.tables.roster import Roster

DAYS = 90
BAR = 120
"""Length of the longest bar, in its own units."""


@dataclass(frozen=True, slots=True)
class ExposureBar:
    """An outline, and the part of it that is filled."""

    outline: float
    filled: float

    @classmethod
    def of(cls, part: float, whole: float, most: float) -> Self:
        """A part of a whole, where `most` is as long as there is room for."""
        longest = max(most, 1)
        return cls(round(BAR * whole / longest, 1), round(BAR * part / longest, 1))


@dataclass(frozen=True, slots=True)
class ExposureRow:
    """One clinician: counts, open places where they are counted, and two bars."""

    name: str
    on_roster: bool
    counts: Exposure
    free: int | None
    exposed: ExposureBar
    places: ExposureBar | None


def exposure_rows(
    found: Mapping[str, Exposure], roster: Roster, practice: Practice
) -> tuple[ExposureRow, ...]:
    """Everybody on the roster and whoever was shown, most shown first."""
    names = roster.called
    counts = {each: found.get(each, Exposure()) for each in {*names, *found}}
    free = _free(roster, practice)
    most = max((each.shown for each in counts.values()), default=0)
    fullest = max((counts[each].chosen + places for each, places in free.items()), default=0)
    rows = [
        ExposureRow(
            names.get(each, each),
            each in names,
            told,
            free.get(each),
            ExposureBar.of(told.first, told.shown, most),
            ExposureBar.of(told.chosen, told.chosen + free[each], fullest)
            if each in free
            else None,
        )
        for each, told in counts.items()
    ]
    return tuple(sorted(rows, key=lambda row: (-row.counts.shown, -row.counts.first, row.name)))


def _free(roster: Roster, practice: Practice) -> dict[str, int]:
    """Open places by clinician, of those where they are known."""
    if practice.places is None:
        return {}
    places = np.asarray(roster.columns[practice.places], dtype=np.float64)
    told = zip(roster.ids, places.tolist(), strict=True)
    return {each: int(number) for each, number in told if not np.isnan(number)}
