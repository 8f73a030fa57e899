"""The day of the first possible session with each clinician."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from math import isnan, nan
from typing import Annotated

import numpy as np
from numpy.typing import NDArray
from pydantic import Field as Setting

from recommender.practice.columns import Columns
from recommender.values.kinds import EPOCH
from recommender.values.toml_settings import FilledText, Whole, toml_table

Array = NDArray[np.float64]

COURSE_WEEKS = 10
"""Weeks of a usual course: ten weekly sessions, the most that Medicare's Better Access pays
for in a calendar year."""
MAX_DAYS = 32
"""Days of asking or starting for which the days of a roster are stored."""


@toml_table
@dataclass(frozen=True, slots=True)
class FirstSession:
    """The section `first_session`: where the day of the first possible session comes from.

    Attributes
    ----------
    client
        The client's field of the wished day of the first session, or None.
    clinician
        The clinician's field of the next free day, or None.
    absences
        The clinician's field of absences, or None.
    course_weeks
        Weeks of a usual course of sessions, over which changes of clocks are looked for.
    """

    client: FilledText | None = None
    clinician: FilledText | None = None
    absences: FilledText | None = None
    course_weeks: Annotated[Whole, Setting(ge=0, le=52)] = COURSE_WEEKS


def earliest_day(settings: FirstSession, client: Columns, asked: date) -> float:
    """The day asked or the client's wished day, whichever is later, in days from 1970-01-01."""
    today = float(asked.toordinal() - EPOCH)
    wished = nan if settings.client is None else float(client[settings.client][0])
    return today if isnan(wished) else max(today, wished)


def first_sessions(settings: FirstSession, roster: Columns, earliest: float) -> Array:
    """The first possible session with each clinician, (n,), in days from 1970-01-01.

    It is the latest of the earliest day for the client and the clinician's next free day, moved to
    the day after the clinician's absences. An unknown day and unknown absences do not move it.
    """

    def by_day() -> Callable[[float], Array]:
        return lru_cache(MAX_DAYS)(lambda day: _first_sessions(settings, roster, day))

    return roster.view(("first_session", settings.clinician, settings.absences), by_day)(earliest)


def _first_sessions(settings: FirstSession, roster: Columns, earliest: float) -> Array:
    days = np.full(roster.size, earliest)
    if settings.clinician is not None:
        days = np.fmax(days, roster[settings.clinician])
    if settings.absences is not None:
        # Ranges are sorted and do not touch, so each is passed at most once.
        for first, after in np.moveaxis(roster[settings.absences], 0, -1):
            days = np.where((first <= days) & (days < after), after, days)
    days.setflags(write=False)
    return days
