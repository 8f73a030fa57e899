"""Everything of a fit that comes before the trees of the pairing part: one preparation, many trees.

Apart from `fit`, so that a search over tree settings does the costly half once. Imported by `fit`
and `tune`.
"""

from dataclasses import dataclass, replace

import numpy as np

from recommender.compute.runner import Progress
from recommender.features.feature import Array
from recommender.features.history import (
    ClientReports,
    HistoryRecords,
    held_out_rows,
    records_of,
    shrinkage_of,
)
from recommender.features.pipeline import Pairs, Pipeline, Rows, fit_pipeline
from recommender.model.additive import (
    DRAWS,
    Additive,
    ClinicianIndex,
    Codes,
    DesignSpec,
    design_spec,
)
from recommender.model.mixed.blocks import Ints
from recommender.model.mixed.fit import MixedFit, fit_mixed, fit_mixed_at
from recommender.training.client_part import ClientPart, client_part, rating_clients
from recommender.training.dataset import Chosen, Dataset, Labels, labels_for
from recommender.training.feature_table import SideTables, feature_table
from recommender.training.folds import client_folds
from recommender.training.tree_fitting import FitSettings

ENOUGH_HELD_OUT = 20_000
"""Held-out rows after which further folds would say the weights and the range no better: an end of
a 90 % range of 20,000 errors is itself unsure by a hundredth of its width."""
TOLERANCE = 1e-3
"""Change of a log variance at which the search rests: far below what 10,000 ratings can tell."""


@dataclass(frozen=True, slots=True)
class LearningRows:
    """The rows the pairing part learns from: rated pairings, then those whose client left unrated.

    Attributes
    ----------
    rows, clinician_index, pairs
        Of all n.
    residual : (n,)
        Label less client part, in points; for those who left the low quantile of the rated ones.
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
    """What the trees of the pairing part stand on.

    Attributes
    ----------
    dataset, train, labels
        What is learned from, and how it is said.
    pipeline, client, records
        The fitted path, the client part, the records.
    learned
        Rows of the pairing part.
    additive
        The mixed model of all rows.
    effect : (clients,)
        Each client's own effect, which no bundle holds.
    held_out : (n,)
        The mixed model's pairing part of each learned row, by a fit that did not see the client;
        NaN in folds that nobody needed to hold out.
    """

    dataset: Dataset
    train: Chosen
    labels: Labels
    pipeline: Pipeline
    client: ClientPart
    records: HistoryRecords
    learned: LearningRows
    additive: Additive
    effect: Array
    held_out: Array

    @property
    def tried(self) -> list[int]:
        """The folds that were held out."""
        return tried_folds(self.learned.fold)

    @property
    def left(self) -> Array:
        """What each learned row's client does not explain: the target of the trees, (n,)."""
        return self.learned.residual - self.effect[self.learned.pairs.client]


def prepare(
    dataset: Dataset,
    train: Chosen,
    settings: FitSettings,
    progress: Progress = lambda step, done: None,
) -> PreparedFit:
    """All steps up to the trees; depends on the rows, the seed, the folds and the client part."""
    return _Preparation(dataset, train, settings, progress).prepared()


def tried_folds(fold: Codes) -> list[int]:
    """As many folds, from the first on, as hold `ENOUGH_HELD_OUT` rows, or all."""
    rows = np.cumsum(np.bincount(fold))
    needed = int(np.searchsorted(rows, ENOUGH_HELD_OUT)) + 1
    return list(range(min(needed, len(rows))))


class _Preparation:
    """One preparation, step by step; each step reads what the earlier ones left."""

    def __init__(
        self, dataset: Dataset, train: Chosen, settings: FitSettings, progress: Progress
    ) -> None:
        self.dataset, self.train, self.settings = dataset, train, settings
        self.progress = progress
        self.labels = labels_for(dataset, train)
        self.label, self.weight = self.labels.alliance[train], self.labels.weight[train]
        counted = dataset.left_with(train)
        self.left = dataset.left.take(
            counted if settings.left_quantile is not None else counted[:0]
        )
        rated = dataset.pairs.take(train)
        self.pairs = Pairs(
            np.concatenate([rated.client, self.left.client]),
            np.concatenate([rated.clinician, self.left.clinician]),
        )
        self.clinician_index = dataset.seats_of(self.pairs)
        self.fold = client_folds(self.pairs.client, settings.folds, settings.seed)

    def prepared(self) -> PreparedFit:
        """Runs all steps."""
        rated = len(self.train)
        self.progress("features", 0.0)
        pipeline = self._pipeline()
        self.progress("client part", 0.1)
        raters = rating_clients(self.pairs.client[:rated], self.label, self.weight)
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
        additive, effect = self._additive(frame, learned)
        return PreparedFit(
            dataset=self.dataset,
            train=self.train,
            labels=self.labels,
            pipeline=pipeline,
            client=client,
            records=records,
            learned=learned,
            additive=additive,
            effect=effect,
            held_out=self._held_out(frame, learned, additive.fit),
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
        # A record that counts more ratings beside those who left would tell the trees who left.
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
        """Rated rows, and those who left at a low residual: not rating is an answer too."""
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
        return design_spec(self.dataset.practice, rows, self._spread, clinicians, levels)

    @property
    def _spread(self) -> float:
        return float(self.label.std())

    def _additive(self, frame: DesignSpec, learned: LearningRows) -> tuple[Additive, Array]:
        """The mixed model on all rows, and each client's effect, which the bundle never holds."""
        blocks = frame.blocks(learned.rows, learned.clinician_index)
        mixed = fit_mixed(
            learned.residual,
            blocks,
            weights=learned.weight,
            group=learned.pairs.client.astype(np.int64),
            keep_factor=True,
            tolerance=TOLERANCE,
            expected=frame.expected(learned.rows, self._spread),
        )
        effect = mixed.effect_of(np.arange(self.dataset.clients.size, dtype=np.int64))
        nobody: Ints = np.zeros(0, dtype=np.int64)
        draws = mixed.draws_of(blocks, DRAWS, self.settings.seed)
        kept = replace(mixed, client_codes=nobody, client_effects=np.zeros(0), factor=None)
        drawn = {name: block.astype(np.float32) for name, block in draws.items()}
        return Additive(frame, kept, drawn), effect

    def _held_out(self, frame: DesignSpec, learned: LearningRows, whole: MixedFit) -> Array:
        """The pairing part of each row, learned without the row's client.

        Variances are those of the whole fit: a fifth of the rows hardly moves them, and seeking
        them again would cost most of the time.
        """
        found = np.full(len(learned.residual), np.nan)
        for number in tried_folds(learned.fold):
            self.progress("out of fold", 0.4 + 0.3 * number / self.settings.folds)
            inside = np.flatnonzero(learned.fold == number)
            outside = np.flatnonzero(learned.fold != number)
            mixed = fit_mixed_at(
                learned.residual[outside],
                frame.blocks(learned.rows.take(outside), learned.clinician_index.take(outside)),
                variances=whole.variances,
                sigma2=whole.sigma2,
                tau2=whole.tau2,
                weights=learned.weight[outside],
                group=learned.pairs.client[outside].astype(np.int64),
            )
            asked = learned.rows.take(inside)
            found[inside] = Additive(frame, mixed).score(
                asked, learned.clinician_index.take(inside)
            )
        return found
