"""Four years of a practice with half-yearly looks, under every rule side by side."""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from experiments.known_truth import Floats, Places
from experiments.promotion_rules.practice import CLINICIANS, Meetings, Model, SmallPractice
from experiments.promotion_rules.rules import RULES, Evidence, Measured
from recommender.training.bootstrap import interval_of, weightings
from recommender.training.cross_fit import within_client_correlation
from recommender.training.metrics import products

LOOKS, FOLDS, DRAWS = 8, 5, 100
LATER = 0.2
MILDLY, BADLY = 0.10, 0.05
"""Shares of challengers with a fault."""
EXCHANGED = CLINICIANS // 3
"""Clinicians that a mild fault exchanges."""


class Fault(StrEnum):
    """What is wrong with a challenger; the ratings it is judged on are right."""

    NONE = "honest"
    MILD = "a third of the clinicians exchanged"
    ALL = "all clinicians exchanged"
    REVERSED = "learned from reversed ratings"


BAD = (Fault.ALL, Fault.REVERSED)


@dataclass(frozen=True, slots=True)
class Look:
    """What a rule decided at one look.

    Attributes
    ----------
    rule, look
        Its name, and the number of the look from 1.
    fault
        Of the challenger.
    promoted
    gain
        True cap of the challenger minus that of the incumbent.
    cap
        True cap of what serves in the half-year after it.
    """

    rule: str
    look: int
    fault: Fault
    promoted: bool
    gain: float
    cap: float


def simulated(seed: int, per_year: int) -> Iterator[Look]:
    """Every look of every rule in one practice, looks in order."""
    practice = SmallPractice(seed)
    rng = np.random.default_rng((seed, per_year))
    serving = dict.fromkeys(RULES, practice.evidence)
    caps = dict.fromkeys(RULES, practice.cap(practice.evidence))
    known: list[Meetings] = []
    for look in range(1, LOOKS + 1):
        known.append(practice.ratings(per_year // 2))
        meetings = _together(known)
        fault = _fault(rng)
        challenger, fold, crossed, later = _challenger(practice, meetings, fault, rng)
        shown = _is_shown(meetings, fold, crossed, seed=look)
        cap, table = practice.cap(challenger), practice.scores(challenger)
        for name, rule in RULES.items():
            before = serving[name]
            evidence = Evidence(
                later=_beside(practice, meetings, before, later, rng_seed=look),
                crossed=_beside(practice, meetings, before, crossed, rng_seed=look),
                before=before.learned,
                now=challenger.learned,
                shown=shown,
                agreement=within_client_correlation(table, practice.scores(before)),
            )
            promoted, gain = rule(evidence), cap - caps[name]
            if promoted:
                serving[name], caps[name] = challenger, cap
            yield Look(name, look, fault, promoted, gain, caps[name])


def _together(parts: list[Meetings]) -> Meetings:
    columns = ("traits", "concern", "clinician", "rating")
    return Meetings(*(np.concatenate([getattr(part, c) for part in parts]) for c in columns))


def _fault(rng: np.random.Generator) -> Fault:
    drawn = rng.random()
    if drawn < BADLY:
        return BAD[int(rng.integers(len(BAD)))]
    return Fault.MILD if drawn < BADLY + MILDLY else Fault.NONE


def _reads(fault: Fault, rng: np.random.Generator) -> Places:
    reads = np.arange(CLINICIANS)
    moved = {Fault.MILD: EXCHANGED, Fault.ALL: CLINICIANS}.get(fault, 0)
    some = rng.permutation(CLINICIANS)[:moved]
    reads[some] = np.roll(some, 1)
    return reads


def _challenger(
    practice: SmallPractice, meetings: Meetings, fault: Fault, rng: np.random.Generator
) -> tuple[Model, Places, Floats, Floats]:
    """A model of all ratings, its folds and scores out of fold, and scores of the last fifth."""
    n, reads = len(meetings.rating), _reads(fault, rng)
    rating = -meetings.rating if fault is Fault.REVERSED else meetings.rating
    design = practice.design(meetings, reads)

    def without(tested: Places) -> Floats:
        """Scores of some ratings by a model of the others."""
        rest = np.delete(np.arange(n), tested)
        coefficients = practice.learned(meetings.take(rest), rating[rest])
        return np.asarray(design[tested] @ coefficients)

    crossed, later = np.full(n, np.nan), np.full(n, np.nan)
    fold = rng.permutation(np.arange(n) % FOLDS)
    for number in range(FOLDS):
        tested = np.flatnonzero(fold == number)
        crossed[tested] = without(tested)
    last = np.arange(n - round(LATER * n), n)
    later[last] = without(last)
    return Model(practice.learned(meetings, rating), n, reads), fold, crossed, later


def _is_shown(meetings: Meetings, fold: Places, ours: Floats, *, seed: int) -> bool:
    """Whether composite and dyadic partial of the order lie above 0 with their intervals."""
    n = len(ours)
    columns = [np.zeros(n), meetings.rating, ours]
    clinician = meetings.clinician.astype(np.int64)
    figures = products(columns), products(columns, clinician * FOLDS + fold)
    drawn = list(weightings(np.arange(n), clinician, seed=seed, draws=DRAWS))
    lows = (np.quantile(np.concatenate([f.at(w).partial() for w in drawn]), 0.025) for f in figures)
    return bool(all(low > 0 for low in lows))


def _beside(
    practice: SmallPractice, meetings: Meetings, before: Model, ours: Floats, *, rng_seed: int
) -> Measured:
    """The paired difference on ratings that are new to the incumbent, as the report has it."""
    rows = np.arange(before.learned, len(ours))
    rows = rows[np.isfinite(ours[rows])]
    if len(rows) < FOLDS:
        return Measured(float("nan"), float("nan"), len(rows))
    some = meetings.take(rows)
    theirs = practice.design(some, before.reads) @ before.coefficients
    clients, rating = np.arange(len(rows)), some.rating
    own, other = (
        products([np.zeros(len(rows)), rating, scores]) for scores in (ours[rows], theirs)
    )

    def apart(weights: Floats) -> Floats:
        return np.asarray(own.at(weights).partial() - other.at(weights).partial())

    value = float(apart(np.ones((len(rows), 1)))[0])
    clinician = some.clinician.astype(np.int64)
    drawn = [apart(w) for w in weightings(clients, clinician, seed=rng_seed, draws=DRAWS)]
    return Measured(value, interval_of(value, np.concatenate(drawn)).error, len(rows))
