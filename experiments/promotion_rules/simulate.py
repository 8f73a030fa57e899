"""Four years of a practice with half-yearly looks, under every rule side by side."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import lru_cache

import numpy as np

from experiments.known_truth import Floats, Places
from experiments.promotion_rules.practice import CLINICIANS, Meetings, Model, SmallPractice
from experiments.promotion_rules.rules import RULES, Evidence, Measured
from recommender.training.bootstrap import interval_of, weightings
from recommender.training.cross_fit import within_client_correlation, within_client_slope
from recommender.training.metrics import products

LOOKS, FOLDS, DRAWS = 8, 5, 100
LATER = 0.2
MILDLY, BADLY = 0.10, 0.05
"""Shares of challengers with a fault."""
EXCHANGED = CLINICIANS // 3
"""Clinicians that a mild fault exchanges."""


class Fault(StrEnum):
    """What is wrong with a challenger."""

    NONE = "honest"
    MILD = "a third of the clinicians exchanged"
    ALL = "all clinicians exchanged"
    REVERSED = "learned from reversed ratings"
    REVERSED_TABLE = "every rating in the table reversed"
    REVERSED_HALF = "every rating since the last look reversed in the table"
    MISJOINED = "ratings in the table belong to other pairings"


BAD = (Fault.ALL, Fault.REVERSED)
"""The ratings that such a challenger is judged on are right."""
TABLES = (Fault.REVERSED_TABLE, Fault.REVERSED_HALF, Fault.MISJOINED)
"""Such a challenger is judged on the ratings that it learned from, which are wrong."""


@dataclass(frozen=True, slots=True)
class Look:
    """What a rule decided about one challenger at one look.

    Attributes
    ----------
    rule, look
        Its name, and the number of the look from 1.
    fault
        Of the challenger.
    drawn
        Whether the challenger is the one that the look drew, which serves once promoted. Those with
        other faults are judged as well and never serve.
    promoted
    gain
        True cap of the challenger minus that of the incumbent.
    cap
        True cap of what serves in the half-year after it.
    agreement, retained
        As in `Evidence`.
    """

    rule: str
    look: int
    fault: Fault
    drawn: bool
    promoted: bool
    gain: float
    cap: float
    agreement: float
    retained: float


@dataclass(frozen=True, slots=True)
class Challenger:
    """A model of all ratings, and what it is judged on.

    Attributes
    ----------
    model
    judged
        The ratings as the table has them when it is judged.
    fold, crossed, later : (n,)
        Its folds, scores out of fold, and scores of the last fifth.
    """

    model: Model
    judged: Meetings
    fold: Places
    crossed: Floats
    later: Floats


def simulated(
    seed: int, per_year: int, looks: int = LOOKS, overstated: float = 1.0
) -> Iterator[Look]:
    """Every look of every rule in one practice, looks in order, the drawn challenger last."""
    practice = SmallPractice(seed, overstated)
    rng = np.random.default_rng((seed, per_year))
    serving = dict.fromkeys(RULES, practice.evidence)
    caps = dict.fromkeys(RULES, practice.cap(practice.evidence))
    known: list[Meetings] = []
    for look in range(1, looks + 1):
        known.append(practice.ratings(per_year // 2))
        meetings = _together(known)
        drawn = _fault(rng)
        for fault in (*(each for each in (*BAD, *TABLES) if each is not drawn), drawn):
            challenger = _challenger(practice, meetings, fault, per_year // 2, rng)
            shown = _is_shown(challenger, seed=look)
            cap, table = practice.cap(challenger.model), practice.scores(challenger.model)
            beside: dict[int, Evidence] = {}
            for name, rule in RULES.items():
                before = serving[name]
                if id(before) not in beside:
                    old = practice.scores(before)
                    beside[id(before)] = Evidence(
                        later=_beside(practice, challenger, before, challenger.later, look),
                        crossed=_beside(practice, challenger, before, challenger.crossed, look),
                        before=before.learned,
                        now=challenger.model.learned,
                        shown=shown,
                        agreement=within_client_correlation(table, old),
                        retained=within_client_slope(table, old),
                    )
                found = beside[id(before)]
                promoted, gain = rule(found), cap - caps[name]
                if promoted and fault is drawn:
                    serving[name], caps[name] = challenger.model, cap
                yield Look(
                    rule=name,
                    look=look,
                    fault=fault,
                    drawn=fault is drawn,
                    promoted=promoted,
                    gain=gain,
                    cap=caps[name],
                    agreement=found.agreement,
                    retained=found.retained,
                )


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
    practice: SmallPractice, meetings: Meetings, fault: Fault, new: int, rng: np.random.Generator
) -> Challenger:
    """A challenger with a fault; the last `new` ratings are those since the last look."""
    n, reads = len(meetings.rating), _reads(fault, rng)
    rating = meetings.rating
    if fault in (Fault.REVERSED, Fault.REVERSED_TABLE):
        rating = -rating
    elif fault is Fault.REVERSED_HALF:
        rating = np.where(np.arange(n) < n - new, rating, -rating)
    elif fault is Fault.MISJOINED:
        rating = rng.permutation(rating)
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
    model = Model(practice.learned(meetings, rating), n, reads)
    judged = replace(meetings, rating=rating) if fault in TABLES else meetings
    return Challenger(model, judged, fold, crossed, later)


def _is_shown(challenger: Challenger, *, seed: int) -> bool:
    """Whether composite and dyadic partial of the order lie above 0 with their intervals."""
    n = len(challenger.crossed)
    columns = [np.zeros(n), challenger.judged.rating, challenger.crossed]
    clinician = challenger.judged.clinician.astype(np.int64)
    figures = products(columns), products(columns, clinician * FOLDS + challenger.fold)
    drawn = _draws(clinician.tobytes(), seed)
    lows = (np.quantile(np.concatenate([f.at(w).partial() for w in drawn]), 0.025) for f in figures)
    return bool(all(low > 0 for low in lows))


def _beside(
    practice: SmallPractice, challenger: Challenger, before: Model, ours: Floats, seed: int
) -> Measured:
    """The paired difference on ratings that are new to the incumbent, as the report has it."""
    rows = np.arange(before.learned, len(ours))
    rows = rows[np.isfinite(ours[rows])]
    if len(rows) < FOLDS:
        return Measured(float("nan"), float("nan"), len(rows))
    some = challenger.judged.take(rows)
    theirs = practice.design(some, before.reads) @ before.coefficients
    nothing = np.zeros(len(rows))
    own, other = (products([nothing, some.rating, scores]) for scores in (ours[rows], theirs))

    def apart(weights: Floats) -> Floats:
        return np.asarray(own.at(weights).partial() - other.at(weights).partial())

    value = float(apart(np.ones((len(rows), 1)))[0])
    clinician = some.clinician.astype(np.int64)
    drawn = [apart(weights) for weights in _draws(clinician.tobytes(), seed)]
    return Measured(value, interval_of(value, np.concatenate(drawn)).error, len(rows))


@lru_cache(maxsize=16)
def _draws(clinician: bytes, seed: int) -> tuple[Floats, ...]:
    """Bootstrap weights of ratings of these clinicians (int64), each by a client of its own."""
    codes = np.frombuffer(clinician, dtype=np.int64)
    return tuple(weightings(np.arange(len(codes)), codes, seed=seed, draws=DRAWS))
