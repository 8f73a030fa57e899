"""Prepares a fit: everything that comes before the trees of the pairing part.

Separate from `fit`, so that tuning of the trees does this part once.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from recommender.compute.runner import Progress, TaskRunner
from recommender.compute.threads import side_by_side
from recommender.features.feature import Array
from recommender.features.history import (
    ClientReports,
    HistoryRecords,
    held_out_rows,
    records_of,
    shrinkage_of,
)
from recommender.features.pipeline import Pairs, Pipeline, Places, Rows, fit_pipeline
from recommender.model.additive import (
    DRAWS,
    Additive,
    ClinicianIndex,
    Codes,
    DesignSpec,
    SlopePrior,
    design_spec,
)
from recommender.model.mixed.blocks import Ints
from recommender.model.mixed.fit import MixedFit, fit_mixed, fit_without
from recommender.pooling.pooled_slopes import slope_prior
from recommender.practice.columns import Columns
from recommender.training.client_part import ClientPart, client_part, client_ratings
from recommender.training.dataset import Dataset, Labels, RowIndex, labels_for
from recommender.training.folds import client_folds
from recommender.training.tree_fitting import FitSettings

ENOUGH_HELD_OUT = 20_000
"""Held-out rows after which further folds would not improve the weights and the interval: an end of
a 90 % interval of 20,000 errors is itself uncertain by a hundredth of its width."""
TOLERANCE = 1e-3
"""Change of a log variance at which the search stops: far below what 10,000 ratings can show."""
ONE_ROW = np.zeros(1, dtype=np.intp)
CHUNK_ROWS = 5_000
"""Pairings of a chunk: some 5 MB of their clients' answers, and as much of rows."""


@dataclass(frozen=True, slots=True)
class LearningRows:
    """The rows the pairing part learns from: rated pairings, then dropouts.

    Attributes
    ----------
    rows, clinician_index, pairs
        Of all n.
    residual : (n,)
        Label minus client part, in points; for dropouts a low quantile of the rated rows'.
    weight : (n,)
    fold : (n,) int
        Of the client.
    rated
        How many of them are rated.
    """

    rows: Rows
    clinician_index: ClinicianIndex
    pairs: Pairs
    residual: Array
    weight: Array
    fold: Codes
    rated: int


@dataclass(frozen=True, slots=True)
class PreparedFit:
    """Everything that the trees of the pairing part are fitted to.

    Attributes
    ----------
    dataset, train, labels
        What is learned from, and its labels on one scale.
    pipeline, client, records
        The fitted feature pipeline, the client part, the clinician records.
    learned
        Rows of the pairing part.
    additive
        The mixed model of all rows.
    slope_prior
        What it knew of the matches before the ratings.
    effect : (clients,)
        Each client's own effect, which no bundle holds.
    held_out : (n,)
        The mixed model's pairing part of each row, by a fit that did not see the client; NaN in
        folds that were not held out.
    """

    dataset: Dataset
    train: RowIndex
    labels: Labels
    pipeline: Pipeline
    client: ClientPart
    records: HistoryRecords
    learned: LearningRows
    additive: Additive
    slope_prior: SlopePrior
    effect: Array
    held_out: Array

    @property
    def held_out_folds(self) -> list[int]:
        """The folds that were held out."""
        return held_out_folds(self.learned.fold)

    @property
    def target(self) -> Array:
        """The target of the trees: residual minus the effect of the client, (n,)."""
        return self.learned.residual - self.effect[self.learned.pairs.client]


def prepare(
    dataset: Dataset,
    train: RowIndex,
    settings: FitSettings,
    progress: Progress = lambda step, done: None,
) -> PreparedFit:
    """Runs all steps up to the trees; depends on the rows, seed, folds and client part alone."""
    return _Preparation(dataset, train, settings, progress).prepared()


def held_out_folds(fold: Codes) -> list[int]:
    """As many folds, from the first on, as hold `ENOUGH_HELD_OUT` rows, or all."""
    rows = np.cumsum(np.bincount(fold))
    needed = int(np.searchsorted(rows, ENOUGH_HELD_OUT)) + 1
    return list(range(min(needed, len(rows))))


@dataclass(frozen=True, slots=True)
class SideTables:
    """What all chunks share: the feature pipeline, and every clinician."""

    pipeline: Pipeline
    clinicians: Columns


@dataclass(frozen=True, slots=True)
class TrainingPair:
    """Some pairings, with the columns of their own clients alone."""

    clients: Columns
    pairs: Pairs
    history: Array


def feature_table(
    sides: SideTables, clients: Columns, pairs: Pairs, history: Array, runner: TaskRunner
) -> Rows:
    """Builds the feature table of `Pipeline.rows` in chunks, on the given task runner.

    A chunk holds its pairings and those of its clients alone: memory stays bounded, and a worker on
    another machine is sent no more than it needs.
    """
    needed = clients.only(sides.pipeline.client_fields)
    chunks = dict(runner(_rows, sides, _chunks(needed, pairs, history)))
    return Rows.concatenate([chunks[name] for name in sorted(chunks)])


def _rows(sides: SideTables, chunk: TrainingPair) -> Rows:
    return sides.pipeline.rows(chunk.clients, sides.clinicians, chunk.pairs, chunk.history)


def _chunks(clients: Columns, pairs: Pairs, history: Array) -> Iterator[tuple[str, TrainingPair]]:
    # Without a pairing there is one empty chunk: its rows have columns all the same.
    for start in range(0, max(len(pairs.client), 1), CHUNK_ROWS):
        rows = np.arange(start, min(start + CHUNK_ROWS, len(pairs.client)))
        own, place = np.unique(pairs.client[rows], return_inverse=True)
        chunk_pairs = Pairs(place, pairs.clinician[rows])
        yield f"{start:012d}", TrainingPair(clients.take(own), chunk_pairs, history[rows])


class _Preparation:
    """One preparation, step by step; each step reads the results of the earlier ones."""

    def __init__(
        self, dataset: Dataset, train: RowIndex, settings: FitSettings, progress: Progress
    ) -> None:
        self.dataset, self.train, self.settings = dataset, train, settings
        self.progress = progress
        self.labels = labels_for(dataset, train)
        self.label, self.weight = self.labels.alliance[train], self.labels.weight[train]
        counted = dataset.dropouts_with(train)
        self.left = dataset.dropouts.take(
            counted if settings.left_quantile is not None else counted[:0]
        )
        rated = dataset.pairs.take(train)
        self.pairs = Pairs(
            np.concatenate([rated.client, self.left.client]),
            np.concatenate([rated.clinician, self.left.clinician]),
        )
        self.clinician_index = dataset.clinician_index_of(self.pairs)
        self.fold = client_folds(self.pairs.client, settings.folds, settings.seed)

    def prepared(self) -> PreparedFit:
        """Runs all steps."""
        rated = len(self.train)
        self.progress("features", 0.0)
        pipeline = self._pipeline()
        self.progress("client part", 0.1)
        raters = client_ratings(self.pairs.client[:rated], self.label, self.weight)
        client_rows = pipeline.client_rows(self.dataset.clients)
        client = client_part(client_rows, raters, self.fold[:rated], self.settings)
        self.progress("clinician records", 0.2)
        residual = self.label - client.expected
        records, history = self._records(residual)
        sides = SideTables(pipeline, self.dataset.clinicians)
        clients, runner = self.dataset.clients, self.settings.runner
        rows = feature_table(sides, clients, self.pairs, history, runner)
        learned = self._learned(rows, residual)
        self.progress("mixed model", 0.3)
        frame = self._frame(rows)
        mixed = self._mixed(frame, learned)
        held_out = self._held_out(frame, learned, mixed)
        additive, effect = self._additive(frame, learned, replace(mixed, equations=None))
        return PreparedFit(
            dataset=self.dataset,
            train=self.train,
            labels=self.labels,
            pipeline=pipeline,
            client=client,
            records=records,
            learned=learned,
            additive=additive,
            slope_prior=frame.slope_prior(additive.fit),
            effect=effect,
            held_out=held_out,
        )

    def _pipeline(self) -> Pipeline:
        met = np.unique(self.pairs.clinician)
        rng = np.random.default_rng(self.settings.seed)
        return fit_pipeline(self.dataset.practice, self.dataset.clinicians.take(met), rng)

    def _records(self, residual: Array) -> tuple[HistoryRecords, Array]:
        """Records of all clinicians, and history rows of all learned pairings out of fold."""
        rated, per = len(residual), self.dataset.practice.history.per
        clinician_index = self.clinician_index.take(np.arange(rated))
        reports = ClientReports(
            clinician=clinician_index.clinician,
            level=clinician_index.level,
            residual=residual,
            clinicians=len(self.dataset.clinician_ids),
            levels=0 if per is None else len(self.dataset.practice.client[per].levels),
        )
        shrinkage = shrinkage_of(reports)
        # A record that counts more ratings beside dropouts would reveal to the trees who they are.
        history = held_out_rows(
            reports,
            self.fold[:rated],
            self.clinician_index.clinician,
            self.clinician_index.level,
            self.fold,
            shrinkage,
        )
        return records_of(reports, shrinkage), history

    def _learned(self, rows: Rows, residual: Array) -> LearningRows:
        """Rated rows, and dropouts at a low residual: not rating is an answer too."""
        quantile = self.settings.left_quantile or 0.0
        low = np.quantile(residual, quantile, weights=self.weight, method="inverted_cdf")
        left = len(self.left.client)
        return LearningRows(
            rows=rows,
            clinician_index=self.clinician_index,
            pairs=self.pairs,
            residual=np.concatenate([residual, np.full(left, low)]),
            weight=np.concatenate([self.weight, np.ones(left)]),
            fold=self.fold,
            rated=len(residual),
        )

    def _frame(self, rows: Rows) -> DesignSpec:
        per = self.dataset.practice.history.per
        levels = 0 if per is None else len(self.dataset.practice.client[per].levels)
        clinicians = len(self.dataset.clinician_ids)
        frame = design_spec(self.dataset.practice, rows, self._spread, clinicians, levels)
        if self.settings.pool is None:
            return frame
        scale = frame.match.interval
        informed = slope_prior(self.settings.pool, self.dataset.practice, self._spread, scale)
        return replace(frame, informed=informed)

    @property
    def _spread(self) -> float:
        return float(self.label.std())

    def _mixed(self, frame: DesignSpec, learned: LearningRows) -> MixedFit:
        """The mixed model on all rows."""
        return fit_mixed(
            learned.residual - frame.offset(learned.rows),
            frame.blocks(learned.rows, learned.clinician_index),
            weights=learned.weight,
            group=learned.pairs.client.astype(np.int64),
            keep_factor=True,
            keep_equations=True,
            tolerance=TOLERANCE,
            expected=frame.expected(learned.rows, self._spread),
        )

    def _additive(
        self, frame: DesignSpec, learned: LearningRows, mixed: MixedFit
    ) -> tuple[Additive, Array]:
        """The mixed model for scoring, and each client's effect, which the bundle never holds."""
        effect = mixed.effect_of(np.arange(self.dataset.clients.size, dtype=np.int64))
        nobody: Ints = np.zeros(0, dtype=np.int64)
        # Only the widths of blocks matter, which one row shows.
        blocks = frame.blocks(learned.rows.take(ONE_ROW), learned.clinician_index.take(ONE_ROW))
        draws = frame.settled_draws(mixed.draws_of(blocks, DRAWS, self.settings.seed))
        stored = replace(mixed, client_codes=nobody, client_effects=np.zeros(0), factor=None)
        drawn = {name: block.astype(np.float32) for name, block in draws.items()}
        scoring = replace(frame, informed=None, declared=())
        return Additive(scoring, frame.settled(stored), drawn), effect

    def _held_out(self, frame: DesignSpec, learned: LearningRows, mixed: MixedFit) -> Array:
        """The pairing part of each row, learned without the row's client.

        Variances are those of the fit to all rows: a fifth of the rows hardly moves them, and
        estimating them again would cost most of the time.
        """
        scores = np.full(len(learned.residual), np.nan)

        def held_out(inside: Places) -> Array:
            rows, index = learned.rows.take(inside), learned.clinician_index.take(inside)
            others = fit_without(
                mixed,
                learned.residual[inside] - frame.offset(rows),
                frame.blocks(rows, index),
                weights=learned.weight[inside],
                group=learned.pairs.client[inside].astype(np.int64),
            )
            return Additive(frame, frame.settled(others)).score(rows, index)

        folds = [np.flatnonzero(learned.fold == each) for each in held_out_folds(learned.fold)]
        for number, (inside, own) in enumerate(
            zip(folds, side_by_side(held_out, folds), strict=True)
        ):
            self.progress("out of fold", 0.4 + 0.3 * number / self.settings.folds)
            scores[inside] = own
        return scores
