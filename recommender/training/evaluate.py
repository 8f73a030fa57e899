"""Honest figures: our learner, every baseline and the champion on the same held-out pairings.

Imported by `report`, `run`, the command line and the experiments; what is measured comes from the
model's own `score`, the path that serves.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import pandas as pd
from threadpoolctl import threadpool_limits

from recommender.compute.runner import Progress
from recommender.features.pipeline import Pairs
from recommender.model.alliance_model import AllianceModel, PairScores
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
from recommender.training.dataset import EPOCH, Chosen, Dataset
from recommender.training.figures import METRICS, Sampled, ends_of, figure_of, sample, table_of
from recommender.training.fit import fit
from recommender.training.folds import Fold
from recommender.training.held_out import HeldOut, Mask, asked_of, joined, together
from recommender.training.tree_fitting import FitSettings
from recommender.training.weighted_moments import Ints

LISTED = ("category", "ordinal", "tags", "flag")
"""Kinds whose answers are groups as they are."""


def groups_of(practice: Practice, clients: Columns) -> dict[str, Mask]:
    """Rows of each level of every audited answer, by a name such as `client.gender=woman`.

    Where a practice declares no audit field, of every answer with levels. A client who did not
    answer is in no group of the field; one who named several is in each.
    """
    audited = practice.fields("client", "audit") or practice.client
    return {
        f"client.{name}={level}": rows
        for name, field in audited.items()
        if field.kind in LISTED
        for level, rows in _levels(field, clients)
    }


def _levels(field: Field, clients: Columns) -> Iterator[tuple[str, Mask]]:
    told = clients[field.name]
    if field.kind == "flag":
        yield "no", told == 0
        yield "yes", told == 1
        return
    for place, level in enumerate(field.levels):
        yield level, (told[:, place] == 1) if field.kind == "tags" else told == place


DRAWS = 200


@dataclass(frozen=True, slots=True)
class Evaluation:
    """What `recommender evaluate` prints.

    Attributes
    ----------
    folds
        Names, in order.
    tested
        The rows measured on.
    by_learner
        What each learner said of them; the champion's are NaN for what began before it was made.
    table
        One row a learner and metric: value, low, high (95 % bootstrap by client and clinician).
    by_fold
        One row a fold, learner and metric: value.
    exposure
        One row a learner: how concentrated its first ranks are.
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
    table: pd.DataFrame
    by_fold: pd.DataFrame
    exposure: pd.DataFrame
    groups: Mapping[str, Mask]
    sampled: Sampled
    beside_champion: Sampled
    seed: int
    draws: int

    def value(self, learner: str, metric: str) -> float:
        """One figure; NaN where the metric does not apply."""
        found = self.table.query("learner == @learner and metric == @metric")["value"]
        return float(found.iloc[0]) if len(found) else float("nan")

    def counted(self, learner: str) -> Mask:
        """Which rows judge a learner."""
        return np.isfinite(self.scores[learner].pairing)


class _Said(NamedTuple):
    """What came of one fold."""

    tested: HeldOut
    by_learner: Mapping[str, LearnerScores]
    first: Mapping[str, list[Ints]]
    books: Chosen


def evaluate(
    dataset: Dataset,
    folds: tuple[Fold, ...],
    settings: FitSettings | None = None,
    progress: Progress = lambda step, done: None,
    *,
    draws: int = DRAWS,
    champion: AllianceModel | None = None,
    learners: Mapping[str, Learner] | None = None,
) -> Evaluation:
    """Fits every learner on each fold's training rows and measures all on its test rows.

    Parameters
    ----------
    champion
        Judged, and ours beside it, on pairings that began after it was made.
    learners
        Instead of all that apply; ours must be among them.
    """
    settings = settings or FitSettings()
    learners = learners_for(dataset, champion) if learners is None else learners
    # With one thread the report, and so the bundle, is the same to the byte on every machine.
    with threadpool_limits(1, user_api="blas"):
        return _evaluated(dataset, folds, settings, progress, draws, champion, learners)


def _evaluated(
    dataset: Dataset,
    folds: tuple[Fold, ...],
    settings: FitSettings,
    progress: Progress,
    draws: int,
    champion: AllianceModel | None,
    learners: Mapping[str, Learner],
) -> Evaluation:
    parts = []
    for place, fold in enumerate(folds):
        progress(f"fold {fold.name}", place / len(folds))
        parts.append(_said(dataset, fold, place, settings, learners))
    progress("intervals", 1.0)
    tested = joined([part.tested for part in parts])
    by_learner = {
        name: _joined_guess([part.by_learner[name] for part in parts]) for name in learners
    }
    if CHAMPION in by_learner and champion is not None:
        by_learner[CHAMPION] = _unseen(by_learner[CHAMPION], tested, champion)
    first = {name: [each for part in parts for each in part.first[name]] for name in learners}
    groups = groups_of(dataset.practice, dataset.clients.take(tested.client))
    shown = exposure.exposure(first, [part.books for part in parts])
    return _measured(tuple(f.name for f in folds), tested, by_learner, shown, groups,
                     seed=settings.seed, draws=draws)  # fmt: skip


def ours_minus(evaluation: Evaluation, metric: str) -> pd.DataFrame:
    """Our figure less each baseline's on the same draws: baseline, value, low, high, rated.

    Beside the champion both are measured on the pairings that began after it was made.
    """
    rows = []
    for name in evaluation.scores:
        sampled = evaluation.beside_champion if name == CHAMPION else evaluation.sampled
        if name != OURS:
            apart = sampled[metric][OURS] - sampled[metric][name]
            judged = evaluation.counted(name) & evaluation.held_out.is_rated
            rows.append((name, *ends_of(apart), int(judged.sum())))
    return pd.DataFrame(rows, columns=["baseline", "value", "low", "high", "rated"])


def _said(
    dataset: Dataset,
    fold: Fold,
    place: int,
    settings: FitSettings,
    learners: Mapping[str, Learner],
) -> _Said:
    """One fold: every learner is asked of the tested pairings and of a grid, in one go."""
    fitted, tested = fit(dataset, fold.train, settings), asked_of(dataset, fold)
    books = exposure.on_the_books(dataset, fold)
    grid = exposure.grid(tested, np.arange(len(tested.client)), books, exposure.ASKED_OF_ALL)
    asked = together(tested, grid.pairs)
    trial = FoldTask(dataset, fold.train, asked, fitted, settings.seed)
    by_learner = {name: learn(trial) for name, learn in learners.items()}
    n = len(tested.client)
    first = {
        name: exposure.named_first(g.take(slice(n, None)), grid) for name, g in by_learner.items()
    }
    return _Said(
        _tested(trial, tested, fold, place, books),
        {name: learner_scores.take(slice(n)) for name, learner_scores in by_learner.items()},
        first,
        books,
    )


def _tested(trial: FoldTask, asked: Pairs, fold: Fold, place: int, books: Chosen) -> HeldOut:
    """The first of what was asked, with what became of them."""
    n, rated, dataset = len(asked.client), len(fold.test), trial.dataset
    expected = trial.expected[:n]
    pairing = trial.scores.pairing[:n]
    low, high = trial.fitted.model.interval_of(PairScores(expected, pairing))
    label = np.full(n, np.nan)
    label[:rated] = trial.fitted.labels.alliance[fold.test]
    known = np.bincount(trial.learned.clinician, minlength=len(dataset.clinician_ids))
    return HeldOut(
        label=label,
        expected=expected,
        client=asked.client.astype(np.int64),
        clinician=asked.clinician.astype(np.int64),
        fold=np.full(n, place, dtype=np.int64),
        began=np.concatenate([dataset.started[fold.test], dataset.left_started[fold.left]]),
        known=known[asked.clinician],
        place=exposure.places(trial, np.arange(rated), books, pairing),
        low=low,
        high=high,
        chance=dataset.chance_of(fold.test, fold.left),
        lowest=trial.fitted.model.linker.low,
    )


def _joined_guess(parts: list[LearnerScores]) -> LearnerScores:
    return LearnerScores(
        np.concatenate([part.pairing for part in parts]),
        np.concatenate([part.alliance for part in parts]),
    )


def _unseen(
    learner_scores: LearnerScores, tested: HeldOut, champion: AllianceModel
) -> LearnerScores:
    """The champion's guess where it could not have learned from the pairing, else NaN."""
    until = champion.manifest.known_until
    if until is None:
        return learner_scores
    last = int((np.datetime64(until, "D") - EPOCH).astype(np.int64))
    unseen = tested.began > last
    return LearnerScores(
        np.where(unseen, learner_scores.pairing, np.nan),
        np.where(unseen, learner_scores.alliance, np.nan),
    )


def _measured(
    folds: tuple[str, ...],
    tested: HeldOut,
    by_learner: Mapping[str, LearnerScores],
    exposure: pd.DataFrame,
    groups: Mapping[str, Mask],
    *,
    seed: int,
    draws: int,
) -> Evaluation:
    """Every figure by draw: of all rows, and of those that can judge the champion."""
    others = {
        name: learner_scores for name, learner_scores in by_learner.items() if name != CHAMPION
    }
    sampled, beside = sample(tested, others, seed=seed, draws=draws), {}
    if CHAMPION in by_learner:
        rows = np.isfinite(by_learner[CHAMPION].pairing)
        two = {name: by_learner[name].take(rows) for name in (OURS, CHAMPION)}
        beside = dict(sample(tested.take(rows), two, seed=seed, draws=draws))
    tables = [table_of(sampled, others), table_of(beside, (CHAMPION,))]
    by_fold = pd.DataFrame(
        _each_fold(folds, tested, by_learner), columns=["fold", "learner", "metric", "value"]
    )
    table = pd.concat([each for each in tables if len(each)] or tables[:1], ignore_index=True)
    return Evaluation(
        folds, tested, by_learner, table, by_fold, exposure, groups, sampled, beside, seed, draws
    )


def _each_fold(
    folds: tuple[str, ...], tested: HeldOut, by_learner: Mapping[str, LearnerScores]
) -> Iterator[tuple[str, str, str, float]]:
    for place, name in enumerate(folds):
        for learner, learner_scores in by_learner.items():
            rows = (tested.fold == place) & np.isfinite(learner_scores.pairing)
            for metric in METRICS if rows.any() else ():
                value = figure_of(metric, tested.take(rows), learner_scores.take(rows))
                if np.isfinite(value):
                    yield name, learner, metric, value
