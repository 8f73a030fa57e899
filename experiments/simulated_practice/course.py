"""What became of each pairing: who left early, how many sessions, which forms came back.

Leaving depends on the alliance, so the rated are not a random part of the started. Imported by
`world`.
"""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, logit

from experiments.simulated_practice.draws import Array, Random, Table, one_hot
from experiments.simulated_practice.forms import answer
from experiments.simulated_practice.settings import Settings
from recommender.instruments import Instrument
from recommender.practice import Practice

EARLY = 5
"""Sessions in which a rating counts as early; the practice's own window is 2 to 5, then 1."""
LATER = (8, 12)
"""Sessions at which some practices ask again; never part of the early alliance."""
ASKED = (0.30, 0.40, 1.00, 0.40, 0.35)
"""Probability that a form is handed out at sessions 1 to 5."""
PER_SESSION = 0.05
"""Growth of the alliance by session, in standard deviations, up to session 5."""

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


@dataclass(frozen=True, slots=True)
class Ratings:
    """Forms that came back, one row a form.

    Attributes
    ----------
    pairing
        Row of the pairing, (m,).
    session, day, known
        Session rated, day of the history it was filled in, day the practice had it, (m,).
    instrument
        Place in the settings' mixture of instruments, (m,).
    score
        Sum of the items, (m,).
    by_client
        Else by the clinician, (m,).
    """

    pairing: Whole
    session: Whole
    day: Whole
    known: Whole
    instrument: Whole
    score: Array
    by_client: NDArray[np.bool_]


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


def rate(
    rng: Random,
    settings: Settings,
    practice: Practice,
    course: Course,
    start: Array,
    steady: Array,
    clients: Table,
) -> Ratings:
    """The forms of n pairings that came back, by clients and by clinicians."""
    names = [name for name, _ in settings.instruments]
    odds = np.array([odd for _, odd in settings.instruments])
    kind = rng.choice(len(names), size=len(start), p=odds / odds.sum())
    filled = _handed_in(rng, settings, practice, course, steady, clients)
    pairing, place = np.nonzero(filled)
    session = np.array([*range(1, EARLY + 1), *LATER])[place]
    growth = PER_SESSION * (np.minimum(session, EARLY) - 3)
    occasion = rng.normal(0.0, np.sqrt(settings.shares.occasion), len(pairing))
    latent = steady[pairing] + growth + occasion
    own = rng.normal(0.0, 1.0, len(start))[pairing]
    asked = rng.random(len(start)) < settings.clinician_rated
    second = np.flatnonzero(asked[pairing] & (session == 3))
    theirs = 0.36 * latent[second] - 0.46 + np.sqrt(1 - 0.36**2) * rng.normal(size=len(second))
    pairing, session, by_client = (
        np.concatenate([pairing, pairing[second]]),
        np.concatenate([session, session[second]]),
        np.arange(len(session) + len(second)) < len(session),
    )
    day = (start[pairing] + (session - 1) * course.every[pairing]).astype(np.int64)
    return Ratings(
        pairing=pairing.astype(np.int64),
        session=session.astype(np.int64),
        day=day,
        known=np.minimum(day + _delay(rng, len(day)), settings.days + 90),
        instrument=kind[pairing].astype(np.int64),
        score=_scores(
            rng,
            settings,
            [practice.instruments[name] for name in names],
            kind[pairing],
            np.concatenate([latent, theirs]),
            np.concatenate([own, rng.normal(size=len(second))]),
        ),
        by_client=by_client,
    )


def _handed_in(
    rng: Random,
    settings: Settings,
    practice: Practice,
    course: Course,
    steady: Array,
    clients: Table,
) -> NDArray[np.bool_]:
    """Which forms came back, (n, sessions 1 to 5 and later ones)."""
    size = len(steady)
    english = practice.client["languages_needed"].levels.index("english")
    needs = np.nan_to_num(clients["languages_needed"])
    foreign = needs.sum(axis=1) - needs[:, english] > 0
    young = clients["age_years"] < 25
    tendency = logit(settings.returned) + 0.2 * steady - 0.3 * young - 0.4 * foreign
    willing = rng.random(size) < expit(tendency)
    before_leaving = rng.random(size) < settings.early_leaver_rated
    asked = rng.random((size, EARLY + len(LATER))) < np.array([*ASKED, 0.15, 0.10])
    attended = course.sessions[:, None] >= np.array([*range(1, EARLY + 1), *LATER])
    stayed = asked & attended & willing[:, None]
    # Who left and had returned a form, did so at their last session.
    last = one_hot((course.sessions - 1.0).clip(0, 1), asked.shape[1]) > 0
    return np.where(course.left_early[:, None], last & before_leaving[:, None], stayed)


def _scores(
    rng: Random,
    settings: Settings,
    instruments: list[Instrument],
    kind: Whole,
    latent: Array,
    own: Array,
) -> Array:
    straight = np.where(latent > 0, settings.straight_high, settings.straight)
    scores = np.empty(len(latent))
    for place, instrument in enumerate(instruments):
        rows = kind == place
        scores[rows] = answer(rng, instrument, latent[rows], own[rows], straight[rows])
    return scores


def _delay(rng: Random, size: int) -> Whole:
    """Days until a form is in the practice's hands: mostly the same day."""
    return np.where(rng.random(size) < 0.7, 0, rng.integers(1, 15, size)).astype(np.int64)
