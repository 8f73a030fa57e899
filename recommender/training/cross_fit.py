"""Figures on every pairing learned from, and the challenger beside its incumbent on the new ones.

A held-back fifth discards four fifths of a small practice's ratings. A fit scores all of them by
models that did not see the client, at no further cost.
"""

from dataclasses import dataclass

import numpy as np
from threadpoolctl import threadpool_limits

from recommender.features.feature import Array
from recommender.features.pipeline import Pairs
from recommender.model.alliance_model import EVIDENCE_PRIOR, AllianceModel
from recommender.model.evaluation_report import (
    COMPOSITE,
    DYAD,
    PARTIAL,
    RANDOM_ORDER,
    BaselineDifference,
    CrossFitted,
    EvaluationReport,
    IncumbentComparison,
    LearnerFigure,
)
from recommender.model.evidence_prior import usual_level
from recommender.training.baselines import OURS, PRIOR, LearnerScores, encode_clinicians
from recommender.training.dataset import Dataset, RowIndex
from recommender.training.evaluate import DRAWS
from recommender.training.expected_gain import ratings_behind
from recommender.training.figures import METRICS, ends_of, sample
from recommender.training.fit import FitResult
from recommender.training.held_out import HeldOut, began_after
from recommender.training.report import MIN_GROUP_SIZE

FIGURES = (COMPOSITE, DYAD, PARTIAL)
GRID_CLIENTS, GRID_CLINICIANS = 200, 120
"""People on each side whose scores are compared for the agreement: its standard error over 200
clients is below .03."""


@dataclass(frozen=True, slots=True)
class Incumbent:
    """What serves while the challenger does not.

    Attributes
    ----------
    name
        `champion`, `evidence prior` or `random order`.
    model
        None for a random order.
    """

    name: str
    model: AllianceModel | None = None

    @classmethod
    def without_champion(cls, declared: AllianceModel) -> "Incumbent":
        """The declared sizes where there are any, else a random order."""
        sizes = any(match.prior for match in declared.practice.matches.values())
        return cls(PRIOR, declared) if sizes else cls(RANDOM_ORDER)


def with_cross_fit(
    report: EvaluationReport, fitted: FitResult, dataset: Dataset, incumbent: Incumbent | None
) -> EvaluationReport:
    """The report with figures on all ratings, and beside the incumbent where there is one."""
    seed = fitted.model.manifest.seed
    parts: dict[str, object] = {
        "cross_fitted": cross_fitted(fitted, dataset, seed=seed, draws=DRAWS)
    }
    if incumbent is not None:
        parts["incumbent"] = beside_incumbent(fitted, dataset, incumbent, seed=seed, draws=DRAWS)
    return report.model_copy(update=parts)


def out_of_fold_rows(fitted: FitResult, dataset: Dataset) -> tuple[HeldOut, LearnerScores]:
    """The pairings learned from with their outcomes, and our scores of them out of fold."""
    scores = fitted.scores_out_of_fold
    n, rated = len(scores.pairing), len(scores.train)
    label = np.full(n, np.nan)
    label[:rated] = fitted.labels.alliance[scores.train]
    unknown = np.full(n, np.nan)
    began = dataset.started[scores.train], dataset.dropouts_started[scores.dropouts]
    rows = HeldOut(
        label=label,
        expected=scores.expected,
        client=scores.pairs.client.astype(np.int64),
        clinician=scores.pairs.clinician.astype(np.int64),
        fold=scores.fold.astype(np.int64),
        began=np.concatenate(began),
        clinician_ratings=np.zeros(n, dtype=np.int64),
        rank_share=unknown,
        low=unknown,
        high=unknown,
        chance=dataset.chance_of(scores.train, scores.dropouts),
        lowest=fitted.model.linker.low,
    )
    scored = np.isfinite(scores.pairing)
    ours = LearnerScores(scores.pairing, scores.expected + scores.pairing)
    return rows.take(scored), ours.take(scored)


def cross_fitted(fitted: FitResult, dataset: Dataset, *, seed: int, draws: int) -> CrossFitted:
    """Figures of our order on every pairing learned from; None of fewer than 10 clients."""
    rows, ours = out_of_fold_rows(fitted, dataset)
    metrics = {name: METRICS[name] for name in FIGURES}
    with threadpool_limits(1, user_api="blas"):
        sampled = sample(rows, {OURS: ours}, seed=seed, draws=draws, metrics=metrics)
    figures = []
    for metric in FIGURES if _enough(rows) else ():
        value, low, high = ends_of(sampled[metric][OURS])
        figures.append(LearnerFigure(learner=OURS, metric=metric, value=value, low=low, high=high))
    rated, left = _counts(rows)
    return CrossFitted(rated=rated, left_unrated=left, figures=tuple(figures))


def beside_incumbent(
    fitted: FitResult, dataset: Dataset, incumbent: Incumbent, *, seed: int, draws: int
) -> IncumbentComparison:
    """The challenger minus its incumbent on pairings that began after the incumbent learned."""
    rows, ours = out_of_fold_rows(fitted, dataset)
    model = incumbent.model
    new = began_after(rows, None if model is None else model.manifest.known_until)
    rows, ours = rows.take(new), ours.take(new)
    pairs = Pairs(rows.client.astype(np.intp), rows.clinician.astype(np.intp))
    before = np.zeros(len(rows)) if model is None else _scores(model, dataset, pairs)
    both = {OURS: ours, incumbent.name: LearnerScores(before, rows.expected + before)}
    rated, left = _counts(rows)
    metrics = {name: METRICS[name] for name in FIGURES}
    differences = []
    with threadpool_limits(1, user_api="blas"):
        if _enough(rows):
            sampled = sample(rows, both, seed=seed, draws=draws, metrics=metrics)
            for metric in FIGURES:
                apart = sampled[metric][OURS] - sampled[metric][incumbent.name]
                value, low, high = ends_of(apart)
                differences.append(
                    BaselineDifference(
                        baseline=incumbent.name,
                        metric=metric,
                        value=value,
                        low=low,
                        high=high,
                        rated=rated,
                    )
                )
        agreed = (None, None) if model is None else _agreement(fitted, model, dataset)
    return IncumbentComparison(
        name=incumbent.name,
        learned=0 if model is None else ratings_behind(model.manifest),
        learned_now=ratings_behind(fitted.model.manifest),
        rated=rated,
        left_unrated=left,
        differences=tuple(differences),
        agreement=agreed[0],
        retained=agreed[1],
    )


def within_client_correlation(one: Array, other: Array) -> float:
    """Correlation of two tables of scores (clients, clinicians), each centred within the client.

    Pooled over clients: sum(a b) / sqrt(sum(a^2) sum(b^2)). NaN where either orders nobody.
    """
    a, b = _within_client(one), _within_client(other)
    size = float((a**2).sum() * (b**2).sum())
    return float((a * b).sum()) / size**0.5 if size > 0 else float("nan")


def within_client_slope(one: Array, other: Array) -> float:
    """Slope of one table of scores (clients, clinicians) on another, centred within the client.

    sum(a b) / sum(b^2), pooled over clients. NaN where the other orders nobody.

    An honest update is a martingale, E(after | before) = before (Doob 1949), so that its slope on
    what was known is 1 in expectation, however much was learned; ratings that contradict what was
    known draw it below 1 long before they turn the order round.

    >>> before = np.array([[0.0, 1.0], [0.0, 2.0]])
    >>> round(within_client_slope(before + [[0.5, 0.0], [0.0, 0.0]], before), 2)
    0.9
    """
    a, b = _within_client(one), _within_client(other)
    size = float((b**2).sum())
    return float((a * b).sum()) / size if size > 0 else float("nan")


def _within_client(scores: Array) -> Array:
    return np.asarray(scores - scores.mean(axis=1, keepdims=True))


def _agreement(
    fitted: FitResult, incumbent: AllianceModel, dataset: Dataset
) -> tuple[float, float]:
    """Correlation and slope of both models' scores as they would serve.

    Over clients and clinicians spread over the tables. Declared sizes count in standard deviations
    of the ratings that were learned from: without any, they serve in those of the instrument.
    """
    clients = _spread(np.unique(dataset.pairs.client), GRID_CLIENTS)
    clinicians = _spread(np.arange(len(dataset.clinician_ids)), GRID_CLINICIANS)
    pairs = Pairs(np.repeat(clients, len(clinicians)), np.tile(clinicians, len(clients)))
    challenger, before = (
        _scores(model, dataset, pairs).reshape(len(clients), len(clinicians))
        for model in (fitted.model, incumbent)
    )
    if incumbent.manifest.mode == EVIDENCE_PRIOR:
        learned = fitted.labels.alliance[fitted.scores_out_of_fold.train]
        before = before * float(learned.std()) / usual_level(incumbent.practice)[1]
    correlation = within_client_correlation(challenger, before)
    return correlation, within_client_slope(challenger, before)


def _scores(model: AllianceModel, dataset: Dataset, pairs: Pairs) -> Array:
    """A model's pairing scores, as it serves them; only the answers of these clients are read."""
    clients, place = np.unique(pairs.client, return_inverse=True)
    encoding = model.encode_roster(encode_clinicians(dataset).roster)
    asked = dataset.clients.take(clients)
    return model.score(asked, encoding, Pairs(place, pairs.clinician)).pairing


def _spread(people: RowIndex, most: int) -> RowIndex:
    """So many of them at most, evenly spread."""
    places = np.linspace(0, len(people) - 1, min(most, len(people))).astype(np.intp)
    return people[places]


def _counts(rows: HeldOut) -> tuple[int, int]:
    rated = int(rows.is_rated.sum())
    return rated, len(rows) - rated


def _enough(rows: HeldOut) -> bool:
    return len(np.unique(rows.client[rows.is_rated])) >= MIN_GROUP_SIZE
