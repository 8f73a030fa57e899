"""The forms that came back: which sessions, which instrument, what score, and when it was known.

Who returns a form depends a little on the alliance.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, logit

from experiments.simulated_practice.course import Course, Whole
from experiments.simulated_practice.draws import Array, Random, Table, one_hot
from experiments.simulated_practice.forms import answer
from experiments.simulated_practice.settings import Settings
from recommender.practice.definition import Practice

EARLY = 5
"""Last session at which a rating is early; the practice's own window is 2 to 5, then 1."""
SESSIONS = np.array([1, 2, 3, 4, 5, 8, 12])
"""Sessions at which a form may be handed out."""
ASKED = np.array([0.30, 0.40, 1.00, 0.40, 0.35, 0.15, 0.10])
"""Probability that it is."""
PER_SESSION = 0.05
"""Growth of the alliance by session, in standard deviations, up to session 5."""
AGREEMENT, LOWER = 0.36, 0.46
"""How far clinicians' own ratings go with their clients', and by how much they lie below."""


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


def rate(
    rng: Random,
    settings: Settings,
    practice: Practice,
    course: Course,
    start: Array,
    steady: Array,
    clients: Table,
) -> Ratings:
    """The forms of n pairings that came back, by clients and by clinicians.

    Parameters
    ----------
    start, steady
        First day and steady alliance of each pairing, (n,).
    clients
        The client of each pairing, n rows.
    """
    pairing, place = np.nonzero(_handed_in(rng, settings, practice, course, steady, clients))
    session = SESSIONS[place]
    growth = PER_SESSION * (np.minimum(session, EARLY) - 3)
    occasion = rng.normal(0.0, np.sqrt(settings.shares.occasion), len(pairing))
    latent = steady[pairing] + growth + occasion
    own = rng.normal(0.0, 1.0, len(start))[pairing]
    both = rng.random(len(start)) < settings.clinician_rated
    second = np.flatnonzero(both[pairing] & (session == 3))
    theirs = rng.normal(AGREEMENT * latent[second] - LOWER, np.sqrt(1 - AGREEMENT**2))
    row = np.concatenate([np.arange(len(pairing)), second])
    pairing, session = pairing[row], session[row]
    day = (start[pairing] + (session - 1) * course.every[pairing]).astype(np.int64)
    kind = _instruments(rng, settings, len(start))[pairing]
    latent = np.concatenate([latent, theirs])
    own = np.concatenate([own, rng.normal(0.0, 1.0, len(second))])
    return Ratings(
        pairing=pairing.astype(np.int64),
        session=session.astype(np.int64),
        day=day,
        known=np.minimum(day + _delay(rng, len(day)), settings.days + 90),
        instrument=kind,
        score=_scores(rng, settings, practice, kind, latent, own),
        by_client=np.arange(len(row)) < len(row) - len(second),
    )


def _instruments(rng: Random, settings: Settings, size: int) -> Whole:
    odds = np.array([odd for _, odd in settings.instruments])
    return rng.choice(len(odds), size=size, p=odds / odds.sum()).astype(np.int64)


def _handed_in(
    rng: Random,
    settings: Settings,
    practice: Practice,
    course: Course,
    steady: Array,
    clients: Table,
) -> NDArray[np.bool_]:
    """Which forms came back, (n, `SESSIONS`)."""
    size = len(steady)
    english = practice.client["languages_needed"].levels.index("english")
    needs = np.nan_to_num(clients["languages_needed"])
    foreign = needs.sum(axis=1) - needs[:, english] > 0
    young = clients["age_years"] < 25
    tendency = logit(settings.returned) + 0.2 * steady - 0.3 * young - 0.4 * foreign
    willing = rng.random(size) < expit(tendency)
    before_leaving = rng.random(size) < settings.early_leaver_rated
    asked = rng.random((size, len(SESSIONS))) < ASKED
    stayed = asked & (course.sessions[:, None] >= SESSIONS) & willing[:, None]
    # Who left and had returned a form, did so at their last session.
    last = one_hot((course.sessions - 1.0).clip(0, 1), len(SESSIONS)) > 0
    return np.where(course.left_early[:, None], last & before_leaving[:, None], stayed)


def _scores(
    rng: Random, settings: Settings, practice: Practice, kind: Whole, latent: Array, own: Array
) -> Array:
    straight = np.where(latent > 0, settings.straight_high, settings.straight)
    scores = np.empty(len(latent))
    for place, (name, _) in enumerate(settings.instruments):
        rows = kind == place
        instrument = practice.instruments[name]
        scores[rows] = answer(rng, instrument, latent[rows], own[rows], straight[rows])
    return scores


def _delay(rng: Random, size: int) -> Whole:
    """Days until a form is in the practice's hands: mostly the same day."""
    return np.where(rng.random(size) < 0.7, 0, rng.integers(1, 15, size)).astype(np.int64)
