"""Learning an alliance model from rated pairings.

Step by step in `_Learner.fitted`. Whatever is not an answer, a rating or a setting comes from the
seed, so equal tables and settings give equal bytes. Imported by `evaluate` and `run`.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from importlib.metadata import version

import numpy as np

from recommender.additive import Additive, Frame, frame_of
from recommender.errors import RecommenderError
from recommender.features.feature import Array
from recommender.features.history import (
    Records,
    Reports,
    out_of_fold_rows,
    records_of,
    shrinkage_of,
)
from recommender.features.pipeline import Pipeline, Rows, fit_pipeline
from recommender.mixed.blocks import Ints
from recommender.mixed.fit import MixedFit, fit_mixed, fit_mixed_at
from recommender.model import MODEL, AllianceModel, Manifest, Spread
from recommender.training.client_part import client_part, raters_of
from recommender.training.dataset import Chosen, Dataset, Labels, labels_for
from recommender.training.folds import client_folds
from recommender.training.growth import FitSettings, binned, grown
from recommender.trees.ensemble import Trees

Progress = Callable[[str, float], None]
"""Told the step and how much of the fit is done, 0 to 1."""


@dataclass(frozen=True, slots=True)
class Fitted:
    """A model and what evaluation needs of its training.

    Attributes
    ----------
    model
        What goes into the bundle.
    labels
        Of all pairings of the data set, on the training rows' scale.
    known_client : (clients,)
        What a client who has rated would rate an average clinician: their answers' prediction by
        a model that did not see them, and their own effect. NaN for all others. Never part of the
        bundle: it belongs to known clients, and orders nothing.
    out_of_fold : (train,)
        Predicted alliance of the training rows by models that did not see the client.
    """

    model: AllianceModel
    labels: Labels
    known_client: Array
    out_of_fold: Array


def fit(
    dataset: Dataset,
    train: Chosen | None = None,
    settings: FitSettings | None = None,
    progress: Progress = lambda step, done: None,
    *,
    now: datetime | None = None,
) -> Fitted:
    """An alliance model learned from the training rows (all when none are named).

    `now` is only written down; nothing learned depends on it.

    Raises
    ------
    RecommenderError
        When fewer clients rated than there are folds: nothing could be held back.
    """
    settings = settings or FitSettings()
    train = np.arange(len(dataset)) if train is None else train
    clients = len(np.unique(dataset.pairs.client[train]))
    if clients < max(settings.folds, 2):
        problem = f"come from {clients} clients, fewer than the {settings.folds} folds"
        remedy = "`recommender train` serves the evidence prior until more have rated"
        raise RecommenderError("ratings", problem, remedy)
    labels = labels_for(dataset, train)
    fitted = _Learner(dataset, train, labels, settings, progress).fitted()
    created_at = now.isoformat(timespec="seconds") if now else ""
    manifest = replace(fitted.model.manifest, created_at=created_at)
    return replace(fitted, model=replace(fitted.model, manifest=manifest))


class _Learner:
    """One fit, step by step; each step reads what the earlier ones left."""

    def __init__(
        self,
        dataset: Dataset,
        train: Chosen,
        labels: Labels,
        settings: FitSettings,
        progress: Progress,
    ) -> None:
        self.dataset, self.train, self.labels = dataset, train, labels
        self.settings, self.progress = settings, progress
        self.label, self.weight = labels.alliance[train], labels.weight[train]
        self.pairs = dataset.pairs.take(train)
        self.seats = dataset.seats.take(train)
        self.fold = client_folds(self.pairs.client, settings.folds, settings.seed)

    def fitted(self) -> Fitted:
        """Runs all steps."""
        self.progress("features", 0.0)
        pipeline = self._pipeline()
        self.progress("client part", 0.1)
        raters = raters_of(self.pairs.client, self.label, self.weight)
        client_rows = pipeline.client_rows(self.dataset.clients)
        client_trees, expected = client_part(
            client_rows, raters, self.fold, self.settings.client, self.settings.seed
        )
        residual = self.label - expected
        self.progress("clinician records", 0.2)
        records, history = self._records(residual)
        rows = pipeline.rows(self.dataset.clients, self.dataset.clinicians, self.pairs, history)
        frame = self._frame(rows)
        self.progress("mixed model", 0.3)
        additive, effect = self._additive(frame, rows, residual)
        left = residual - effect[self.pairs.client]
        held_out = self._held_out(frame, rows, residual, left, additive.fit)
        self.progress("trees", 0.8)
        trees = self._trees(rows, left, np.arange(len(left))) if self._grows else None
        share = _share(left, held_out[0], held_out[1]) if self._grows else 0.0
        pairing = (1 - share) * held_out[0] + share * held_out[1]
        out_of_fold = expected + pairing
        model = AllianceModel(
            manifest=self._manifest(pipeline),
            pipeline=pipeline,
            harmoniser=self.labels.harmoniser,
            client_trees=client_trees,
            client_mean=float(np.average(raters.label, weights=raters.weight)),
            additive=additive,
            trees=trees,
            share=share,
            records=records,
            clinician_ids=self.dataset.clinician_ids,
            spread=_spread(self.label - out_of_fold, self.dataset.practice.alliance.interval),
        )
        self.progress("done", 1.0)
        known = np.full(self.dataset.clients.size, np.nan)
        # The final trees saw these clients: their prediction already holds part of the effect.
        known[self.pairs.client] = expected + effect[self.pairs.client]
        return Fitted(model, self.labels, known, out_of_fold)

    @property
    def _grows(self) -> bool:
        return len(self.train) >= self.settings.fewest_for_trees

    def _pipeline(self) -> Pipeline:
        met = np.unique(self.pairs.clinician)
        rng = np.random.default_rng(self.settings.seed)
        return fit_pipeline(self.dataset.practice, self.dataset.clinicians.take(met), rng)

    def _records(self, residual: Array) -> tuple[Records, Array]:
        """Records of all clinicians, and history rows of the training rows out of fold."""
        per = self.dataset.practice.history.per
        reports = Reports(
            clinician=self.seats.clinician,
            level=self.seats.level,
            residual=residual,
            known_on=self.dataset.known[self.train],
            clinicians=len(self.dataset.clinician_ids),
            levels=0 if per is None else len(self.dataset.practice.client[per].levels),
        )
        shrinkage = shrinkage_of(reports)
        return records_of(reports, shrinkage), out_of_fold_rows(reports, self.fold, shrinkage)

    def _frame(self, rows: Rows) -> Frame:
        per = self.dataset.practice.history.per
        levels = 0 if per is None else len(self.dataset.practice.client[per].levels)
        clinicians = len(self.dataset.clinician_ids)
        return frame_of(self.dataset.practice, rows, float(self.label.std()), clinicians, levels)

    def _additive(self, frame: Frame, rows: Rows, residual: Array) -> tuple[Additive, Array]:
        """The mixed model on all rows, and each client's effect, which the bundle never holds."""
        mixed = fit_mixed(
            residual,
            frame.blocks(rows, self.seats),
            weights=self.weight,
            group=self.pairs.client.astype(np.int64),
        )
        effect = mixed.effect_of(np.arange(self.dataset.clients.size, dtype=np.int64))
        nobody: Ints = np.zeros(0, dtype=np.int64)
        kept = replace(mixed, client_codes=nobody, client_effects=np.zeros(0))
        return Additive(frame, kept), effect

    def _held_out(
        self, frame: Frame, rows: Rows, residual: Array, left: Array, whole: MixedFit
    ) -> tuple[Array, Array]:
        """Pairing part of each row by both estimates, learned without the row's client.

        Variances are those of the whole fit: a fifth of the rows hardly moves them, and seeking
        them again would cost most of the time.
        """
        additive, trees = np.zeros(len(residual)), np.zeros(len(residual))
        for number in range(self.settings.folds):
            self.progress("out of fold", 0.4 + 0.4 * number / self.settings.folds)
            inside = np.flatnonzero(self.fold == number)
            outside = np.flatnonzero(self.fold != number)
            mixed = fit_mixed_at(
                residual[outside],
                frame.blocks(rows.take(outside), self.seats.take(outside)),
                variances=whole.variances,
                sigma2=whole.sigma2,
                tau2=whole.tau2,
                weights=self.weight[outside],
                group=self.pairs.client[outside].astype(np.int64),
            )
            asked = rows.take(inside)
            additive[inside] = Additive(frame, mixed).score(asked, self.seats.take(inside))
            if self._grows:
                trees[inside] = self._trees(rows, left, outside).score(asked.together())
        return additive, trees

    def _trees(self, rows: Rows, left: Array, chosen: Chosen) -> Trees:
        cells = rows.take(chosen).together()
        parameters = self.settings.pairing.parameters(self.settings.seed, cells.size)
        return grown(binned(cells, left[chosen], self.weight[chosen], parameters), parameters)

    def _manifest(self, pipeline: Pipeline) -> Manifest:
        practice, days = self.dataset.practice, self.dataset.started[self.train]
        known = self.dataset.known[self.train].max()
        first, last, known = (
            str(np.datetime64(int(day), "D")) for day in (days.min(), days.max(), known)
        )
        return Manifest(
            mode=MODEL,
            created_at="",
            practice_id=practice.id,
            practice_version=practice.version,
            practice_digest=practice.digest,
            data_digest=self.dataset.digest,
            ratings=int(self.dataset.rated_rows(self.train).sum()),
            pairings=len(self.train),
            first_day=first,
            last_day=last,
            known_until=known,
            seed=self.settings.seed,
            features=tuple(feature.name for feature in pipeline.features),
            versions={name: version(name) for name in ("lightgbm", "numpy", "recommender")},
        )


def _share(left: Array, additive: Array, trees: Array) -> float:
    """The share of the trees in the mean of both that leaves the least squared error, 0 to 1.

    With d the difference of the two estimates: `sum((left - additive) d) / sum(d^2)`.
    """
    apart = trees - additive
    spread = float(apart @ apart)
    return float(np.clip((left - additive) @ apart / spread, 0.0, 1.0)) if spread > 0 else 0.0


def _spread(error: Array, level: float) -> Spread:
    """Ends of the range that holds `level` of new ratings (split conformal, Vovk et al. 2005).

    Quantiles are taken one rank further out, so that the stated share holds for the next rating.
    """
    n, tail = len(error), (1 - level) / 2
    beyond = min((n + 1) * (1 - tail) / n, 1.0)
    low = -np.quantile(-error, beyond, method="higher")
    return Spread(float(low), float(np.quantile(error, beyond, method="higher")))
