"""Evaluates our learner, every baseline and the champion on the same held-out pairings."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
import pandas as pd
from threadpoolctl import threadpool_limits

from recommender.compute.runner import Progress
from recommender.features.pipeline import Pairs
from recommender.model.alliance_model import AllianceModel, PairScores
from recommender.model.evaluation_report import Concentration
from recommender.practice.columns import Columns
from recommender.practice.definition import Practice
from recommender.practice.fields import Field
from recommender.training import exposure
from recommender.training.baselines import (
    CHAMPION,
    OURS,
    FoldTask,
    Learner,
    LearnerScores,
    learners_for,
)
from recommender.training.dataset import Dataset, RowIndex
from recommender.training.figures import (
    METRICS,
    Metric,
    Sampled,
    ends_of,
    figure_of,
    sample,
    table_of,
)
from recommender.training.fit import fit
from recommender.training.folds import Fold
from recommender.training.held_out import (
    HeldOut,
    Mask,
    began_after,
    joined,
    tested_pairs,
    together,
)
from recommender.training.metrics import Ints
from recommender.training.part_gains import nested_scores
from recommender.training.tree_fitting import FitSettings

WITH_LEVELS = ("category", "ordinal", "tags", "flag")
"""Kinds of fields whose levels are groups."""


def groups_of(practice: Practice, clients: Columns) -> dict[str, Mask]:
    """Rows of each level of every audited answer, by a name such as `client.gender=woman`.

    Where a practice declares no audit field, of every answer with levels. A client who did not
    answer is in no group of the field; one who named several is in each.
    """
    audited = practice.fields("client", "audit") or practice.client
    return {
        f"client.{name}={level}": rows
        for name, field in audited.items()
        if field.kind in WITH_LEVELS
        for level, rows in _levels(field, clients)
    }


def _levels(field: Field, clients: Columns) -> Iterator[tuple[str, Mask]]:
    answer = clients[field.name]
    if field.kind == "flag":
        yield "no", answer == 0
        yield "yes", answer == 1
        return
    for place, level in enumerate(field.levels):
        yield level, (answer[:, place] == 1) if field.kind == "tags" else answer == place


DRAWS = 200


@dataclass(frozen=True, slots=True)
class Evaluation:
    """Figures of every learner on the same held-out pairings.

    Attributes
    ----------
    folds
        Names, in order.
    held_out
        The tested pairings.
    scores
        Of each learner on them; the champion's are NaN where it may have learned from the pairing.
    nested
        Our scores with one part more at a time; see `training.part_gains`.
    table
        One row a learner and metric: value, low, high (95 % bootstrap by client and clinician).
    by_fold
        One row a fold, learner and metric: value.
    exposure
        One row a learner: how concentrated its first ranks are.
    concentration
        The same beside what few kinds of client force; None without our scores.
    groups
        Tested rows of each audited group, by its name.
    sampled, beside_champion
        Every figure by draw; the latter of ours and the champion on the rows that can judge it,
        empty without one.
    seed, draws
        Of the bootstrap.
    """

    folds: tuple[str, ...]
    held_out: HeldOut
    scores: Mapping[str, LearnerScores]
    nested: Mapping[str, LearnerScores]
    table: pd.DataFrame
    by_fold: pd.DataFrame
    exposure: pd.DataFrame
    concentration: Concentration | None
    groups: Mapping[str, Mask]
    sampled: Sampled
    beside_champion: Sampled
    seed: int
    draws: int

    def value(self, learner: str, metric: str) -> float:
        """One figure; NaN where the metric does not apply."""
        values = self.table.query("learner == @learner and metric == @metric")["value"]
        return float(values.iloc[0]) if len(values) else float("nan")

    def counted(self, learner: str) -> Mask:
        """Which rows judge a learner."""
        return np.isfinite(self.scores[learner].pairing)


class _FoldResult(NamedTuple):
    """The scores of one fold, and whom each learner ranks first."""

    tested: HeldOut
    scores: Mapping[str, LearnerScores]
    nested: Mapping[str, LearnerScores]
    first: Mapping[str, list[Ints]]
    asked: Columns
    available: RowIndex


def evaluate(
    dataset: Dataset,
    folds: tuple[Fold, ...],
    settings: FitSettings | None = None,
    progress: Progress = lambda step, done: None,
    *,
    draws: int = DRAWS,
    champion: AllianceModel | None = None,
    learners: Mapping[str, Learner] | None = None,
    metrics: Mapping[str, Metric] = METRICS,
) -> Evaluation:
    """Fits every learner on each fold's training rows and measures all on its test rows.

    Parameters
    ----------
    dataset, folds
        See `recommender.training.folds`, for example `forward(dataset)`.
    settings
        Of our learner.
    draws
        Of the bootstrap.
    champion
        Measured, with ours beside it, on pairings that began after it was trained.
    learners
        Instead of all that apply; ours must be among them.
    metrics
        What is computed of each learner.

    Examples
    --------
    >>> from recommender.training.folds import forward
    >>> evaluation = evaluate(dataset, forward(dataset), draws=10)
    >>> evaluation.folds, int(evaluation.held_out.is_rated.sum())
    (('forward',), 19)
    >>> sorted(evaluation.table["metric"].unique())[:2]
    ['RMSE', 'calibration slope']
    """
    settings = settings or FitSettings()
    learners = learners_for(dataset, champion) if learners is None else learners
    # With one thread the report, and so the bundle, is the same to the byte on every machine.
    with threadpool_limits(1, user_api="blas"):
        parts = []
        for place, fold in enumerate(folds):
            progress(f"fold {fold.name}", place / len(folds))
            parts.append(_evaluate_fold(dataset, fold, place, settings, learners))
        progress("intervals", 1.0)
        tested = joined([part.tested for part in parts])
        scores = {name: _joined_scores([part.scores[name] for part in parts]) for name in learners}
        nested = {
            name: _joined_scores([part.nested[name] for part in parts]) for name in parts[0].nested
        }
        if CHAMPION in scores and champion is not None:
            scores[CHAMPION] = _unseen(scores[CHAMPION], tested, champion)
        first = {name: [each for part in parts for each in part.first[name]] for name in learners}
        available = [part.available for part in parts]
        kinds = exposure.kinds_of(Columns.concatenate([part.asked for part in parts]))
        return _with_figures(
            Evaluation(
                folds=tuple(fold.name for fold in folds),
                held_out=tested,
                scores=scores,
                nested=nested,
                table=pd.DataFrame(),
                by_fold=pd.DataFrame(),
                exposure=exposure.exposure(first, available),
                concentration=exposure.concentration(first, kinds, available, settings.seed),
                groups=groups_of(dataset.practice, dataset.clients.take(tested.client)),
                sampled={},
                beside_champion={},
                seed=settings.seed,
                draws=draws,
            ),
            metrics,
        )


def ours_minus(evaluation: Evaluation, metric: str) -> pd.DataFrame:
    """Our figure minus each baseline's on the same draws: baseline, value, low, high, rated.

    Beside the champion both are measured on the pairings that began after it was trained.
    """
    rows = []
    for name in evaluation.scores:
        sampled = evaluation.beside_champion if name == CHAMPION else evaluation.sampled
        if name != OURS:
            difference = sampled[metric][OURS] - sampled[metric][name]
            judged = evaluation.counted(name) & evaluation.held_out.is_rated
            rows.append((name, *ends_of(difference), int(judged.sum())))
    return pd.DataFrame(rows, columns=["baseline", "value", "low", "high", "rated"])


def _evaluate_fold(
    dataset: Dataset,
    fold: Fold,
    place: int,
    settings: FitSettings,
    learners: Mapping[str, Learner],
) -> _FoldResult:
    """One fold: every learner scores the tested pairings and an exposure grid, in one go."""
    fitted, tested = fit(dataset, fold.train, settings), tested_pairs(dataset, fold)
    available = exposure.available_clinicians(dataset, fold)
    everyone, pairs = np.arange(len(tested.client)), exposure.grid_pairs(len(available))
    grid = exposure.grid(tested, everyone, available, pairs)
    task = FoldTask(dataset, fold.train, together(tested, grid.pairs), fitted, settings.seed)
    scores = {name: learn(task) for name, learn in learners.items()}
    n = len(tested.client)
    return _FoldResult(
        _held_out(task, tested, fold, place, available),
        {name: each.take(slice(n)) for name, each in scores.items()},
        nested_scores(task, n),
        {
            name: exposure.named_first(each.take(slice(n, None)), grid)
            for name, each in scores.items()
        },
        dataset.clients.only(sorted(fitted.model.pipeline.client_fields)).take(grid.client),
        available,
    )


def _held_out(task: FoldTask, pairs: Pairs, fold: Fold, place: int, available: RowIndex) -> HeldOut:
    """The tested pairings, the first that the task scores, with their outcomes."""
    n, rated, dataset = len(pairs.client), len(fold.test), task.dataset
    expected, pairing = task.expected[:n], task.scores.pairing[:n]
    low, high = task.fitted.model.interval_of(PairScores(expected, pairing))
    label = np.full(n, np.nan)
    label[:rated] = task.fitted.labels.alliance[fold.test]
    known = np.bincount(task.train_pairs.clinician, minlength=len(dataset.clinician_ids))
    return HeldOut(
        label=label,
        expected=expected,
        client=pairs.client.astype(np.int64),
        clinician=pairs.clinician.astype(np.int64),
        fold=np.full(n, place, dtype=np.int64),
        began=np.concatenate([dataset.started[fold.test], dataset.dropouts_started[fold.dropouts]]),
        clinician_ratings=known[pairs.clinician],
        rank_share=exposure.places(task, np.arange(rated), available, pairing),
        low=low,
        high=high,
        chance=dataset.chance_of(fold.test, fold.dropouts),
        lowest=task.fitted.model.linker.low,
    )


def _joined_scores(parts: list[LearnerScores]) -> LearnerScores:
    return LearnerScores(
        np.concatenate([part.pairing for part in parts]),
        np.concatenate([part.alliance for part in parts]),
    )


def _unseen(scores: LearnerScores, tested: HeldOut, champion: AllianceModel) -> LearnerScores:
    """The champion's scores where it cannot have learned from the pairing, else NaN."""
    unseen = began_after(tested, champion.manifest.known_until)
    return LearnerScores(
        np.where(unseen, scores.pairing, np.nan), np.where(unseen, scores.alliance, np.nan)
    )


def _with_figures(evaluation: Evaluation, metrics: Mapping[str, Metric]) -> Evaluation:
    """Every figure by draw: of all rows, and of those that can judge the champion."""
    tested, scores = evaluation.held_out, evaluation.scores
    seed, draws = evaluation.seed, evaluation.draws
    others = {name: each for name, each in scores.items() if name != CHAMPION}
    sampled = sample(tested, others, seed=seed, draws=draws, metrics=metrics)
    beside: Sampled = {}
    if CHAMPION in scores:
        rows = evaluation.counted(CHAMPION)
        two = {name: scores[name].take(rows) for name in (OURS, CHAMPION)}
        beside = sample(tested.take(rows), two, seed=seed, draws=draws, metrics=metrics)
    tables = [table_of(sampled, others), table_of(beside, (CHAMPION,))]
    return replace(
        evaluation,
        table=pd.concat([each for each in tables if len(each)] or tables[:1], ignore_index=True),
        by_fold=pd.DataFrame(
            _each_fold(evaluation, metrics), columns=["fold", "learner", "metric", "value"]
        ),
        sampled=sampled,
        beside_champion=beside,
    )


def _each_fold(
    evaluation: Evaluation, metrics: Mapping[str, Metric]
) -> Iterator[tuple[str, str, str, float]]:
    tested = evaluation.held_out
    for place, name in enumerate(evaluation.folds):
        for learner, scores in evaluation.scores.items():
            rows = (tested.fold == place) & evaluation.counted(learner)
            for metric in metrics if rows.any() else ():
                value = figure_of(metric, tested.take(rows), scores.take(rows), metrics=metrics)
                if np.isfinite(value):
                    yield name, learner, metric, value
