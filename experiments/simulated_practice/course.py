"""What became of each pairing: who left early, and how many sessions there were.

Leaving depends on the alliance, so the rated are not a random part of the started.
"""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, logit

from experiments.simulated_practice.draws import Array, Random
from experiments.simulated_practice.settings import Settings

Whole = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Course:
    """The course of n pairings.

    Attributes
    ----------
    sessions
        Attended, (n,).
    every
        Days from one session to the next, (n,).
    left_early
        Whether it ended before session 3, (n,).
    ended
        Day of the history it ended on, NaN while it goes on, (n,).
    """

    sessions: Whole
    every: Whole
    left_early: NDArray[np.bool_]
    ended: Array


def run(rng: Random, settings: Settings, start: Array, steady: Array) -> Course:
    """Courses of pairings that started on the given days with the given steady alliance, (n,)."""
    size = len(start)
    early = steady + rng.normal(0.0, np.sqrt(settings.shares.occasion), size)
    left = rng.random(size) < expit(logit(settings.leave) + settings.leave_slope * early)
    stayed = 3 + rng.negative_binomial(1.4, 1.4 / (1.4 + 5.5), size)
    sessions = np.where(left, rng.integers(1, 3, size), np.minimum(stayed, 40))
    every = rng.choice([7, 14, 21], size, p=[0.35, 0.55, 0.10])
    last = start + (sessions - 1) * every
    over = settings.days + 90
    goes_on = last > over - every
    # What lies after the day of the tables has not happened yet.
    sessions = np.minimum(sessions, 1 + (over - start).astype(np.int64) // every)
    ended = np.minimum(last + rng.integers(0, 15, size), over)
    return Course(sessions, every, left, np.where(goes_on, np.nan, ended))


def cut_short(course: Course, start: Array, until: Array) -> Course:
    """The same courses, ended before the given days where there is one (NaN: as they were)."""
    moved = ~np.isnan(until)
    room = np.where(moved, until - start - 1, course.sessions * course.every)
    sessions = np.minimum(course.sessions, 1 + room // course.every).astype(np.int64)
    last = np.minimum(start + sessions * course.every, until - 1)
    return replace(course, sessions=sessions, ended=np.where(moved, last, course.ended))
