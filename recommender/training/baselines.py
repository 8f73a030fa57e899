"""The learners that ours is compared with: random, two of popularity, additive, prior, LightGBM.

Each scores the same pairings of the same folds as our model, and so does the champion.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC
from functools import cached_property, partial

import lightgbm as lgb
import numpy as np
from numpy.typing import NDArray

from recommender.features.feature import Array
from recommender.features.pipeline import Pairs, Rows
from recommender.model import claims, evaluation_report, verdicts
from recommender.model.alliance_model import (
    AllianceModel,
    PairScores,
    PreparedPairs,
    RosterEncoding,
)
from recommender.model.mixed.blocks import IndexBlock
from recommender.model.mixed.fit import fit_mixed
from recommender.practice.definition import Practice
from recommender.tables.pairing_frame import SIDES
from recommender.tables.roster import Roster
from recommender.training.dataset import Dataset, RowIndex
from recommender.training.fit import FitResult
from recommender.training.tree_fitting import CELLS_FOR_THREADS

OURS, RANDOM, CHAMPION = claims.OURS, verdicts.RANDOM, evaluation_report.CHAMPION
AVERAGE, POPULARITY = "clinician average", "shrunken popularity"
ADDITIVE, PRIOR, PLAIN = "additive", "evidence prior", "plain LightGBM"


@dataclass(frozen=True, slots=True)
class LearnerScores:
    """Scores of a learner for n test pairings.

    Attributes
    ----------
    pairing : (n,)
        The score it orders by.
    alliance : (n,)
        Its prediction, in points. Both are NaN for pairings that cannot judge the learner.
    """

    pairing: Array
    alliance: Array

    def take(self, chosen: slice | NDArray[np.bool_]) -> "LearnerScores":
        """The scores of some of the pairings."""
        return LearnerScores(self.pairing[chosen], self.alliance[chosen])


@dataclass(frozen=True)
class FoldTask:
    """One fold as every learner sees it: training rows, and pairings to score.

    What several learners need is computed once.

    Attributes
    ----------
    dataset, train
        The rated pairings and which of them are training rows.
    asked
        Pairings to score.
    fitted
        Our model of the training rows: its client part is the one all learners share.
    seed
        Of whatever a learner draws at random.
    """

    dataset: Dataset
    train: RowIndex
    pairs: Pairs
    fitted: FitResult
    seed: int

    @property
    def label(self) -> Array:
        """Labels of the training rows, in points."""
        return self.fitted.labels.alliance[self.train]

    @property
    def train_pairs(self) -> Pairs:
        """Clients and clinicians of the training rows."""
        return self.dataset.pairs.take(self.train)

    @cached_property
    def expected(self) -> Array:
        """What each client would rate an average clinician, by their own ratings if any."""
        known = self.fitted.known_client[self.pairs.client]
        return np.where(np.isnan(known), self.prepared.expected, known)

    @cached_property
    def encoding(self) -> RosterEncoding:
        """All clinicians of the data set, with the codes the model learned."""
        return encode_clinicians(self.dataset)

    @cached_property
    def prepared(self) -> PreparedPairs:
        """The pairings, prepared for our model."""
        return self.fitted.model.prepare(self.dataset.clients, self.encoding, self.pairs)

    @cached_property
    def scores(self) -> PairScores:
        """Scores of our model."""
        return self.fitted.model.score_of(self.prepared)

    def rows(self, pairs: Pairs) -> Rows:
        """Feature rows of any pairs."""
        return self.fitted.model.rows(self.dataset.clients, self.encoding, pairs)[0]


def encode_clinicians(dataset: Dataset) -> RosterEncoding:
    """The clinicians of a data set in their own order, as a model fitted on it knows them."""
    ids = dataset.clinician_ids
    names = (None,) * len(ids)
    last = np.datetime64(int(dataset.started.max()), "D").astype("datetime64[s]").item()
    taken_at = last.replace(tzinfo=UTC)
    roster = Roster(ids, names, dataset.clinicians, dataset.digest, taken_at)
    return RosterEncoding(roster, np.arange(len(ids)))


def ours(task: FoldTask) -> LearnerScores:
    """The alliance model."""
    return LearnerScores(task.scores.pairing, task.expected + task.scores.pairing)


def at_random(task: FoldTask) -> LearnerScores:
    """A random order; the prediction is the client part."""
    rng = np.random.default_rng(task.seed)
    return LearnerScores(rng.random(len(task.pairs.client)), task.expected)


def clinician_average(task: FoldTask) -> LearnerScores:
    """The clinician's mean rating as it is, however few there are; the mean of all for no rating.

    What anybody with a spreadsheet would rank by.
    """
    clinicians = len(task.dataset.clinician_ids)
    count = np.bincount(task.train_pairs.clinician, minlength=clinicians)
    total = np.bincount(task.train_pairs.clinician, task.label, minlength=clinicians)
    mean = np.divide(total, count, out=np.full(clinicians, task.label.mean()), where=count > 0)
    average = mean[task.pairs.clinician]
    return LearnerScores(average, average)


def shrunken_popularity(task: FoldTask) -> LearnerScores:
    """The clinician's mean rating net of whom they saw, shrunken by their number."""
    popularity = task.fitted.model.records.mean[task.pairs.clinician]
    return LearnerScores(popularity, task.expected + popularity)


def additive(task: FoldTask) -> LearnerScores:
    """An intercept for each client and each clinician, both shrunken; no features at all."""
    train, tested = task.train_pairs, task.pairs
    clinicians = len(task.dataset.clinician_ids)
    fitted = fit_mixed(
        task.label,
        [IndexBlock("clinicians", train.clinician.astype(np.int64), clinicians)],
        group=train.client.astype(np.int64),
    )
    effect = fitted.terms([IndexBlock("clinicians", tested.clinician.astype(np.int64), clinicians)])
    own = fitted.effect_of(tested.client.astype(np.int64))
    return LearnerScores(effect["clinicians"], fitted.intercept + own + effect["clinicians"])


def evidence_prior(task: FoldTask) -> LearnerScores:
    """The declared sizes from the literature; nothing is learned."""
    sizes = task.fitted.model.additive.frame.prior
    pairing = np.nan_to_num(task.prepared.rows.match) @ sizes
    return LearnerScores(pairing, task.expected + pairing)


def plain_lightgbm(task: FoldTask) -> LearnerScores:
    """LightGBM as it comes, on all columns but the record, learning the rating itself."""
    rows = _plain(task.rows(task.train_pairs))
    # Without force_row_wise LightGBM times two ways of counting, and the last digits follow.
    learner = lgb.LGBMRegressor(
        random_state=task.seed,
        deterministic=True,
        force_row_wise=True,
        n_jobs=1 if rows.size < CELLS_FOR_THREADS else 0,
        verbosity=-1,
    )
    learner.fit(rows, task.label)
    predicted = np.asarray(learner.predict(_plain(task.prepared.rows)), dtype=np.float64)
    return LearnerScores(predicted, predicted)


def _plain(rows: Rows) -> Array:
    return np.concatenate([rows.client, rows.clinician, rows.raw], axis=1)


Learner = Callable[[FoldTask], LearnerScores]
LEARNERS: Mapping[str, Learner] = {
    OURS: ours,
    RANDOM: at_random,
    AVERAGE: clinician_average,
    POPULARITY: shrunken_popularity,
    ADDITIVE: additive,
    PRIOR: evidence_prior,
    PLAIN: plain_lightgbm,
}
"""Ours first, then every baseline; one loop walks them."""


def learners_for(dataset: Dataset, champion: AllianceModel | None = None) -> dict[str, Learner]:
    """The learners that apply: the prior only where the practice declares sizes; the champion."""
    declared = any(match.prior for match in dataset.practice.matches.values())
    learners = {name: learn for name, learn in LEARNERS.items() if declared or name != PRIOR}
    if champion is not None:
        learners[CHAMPION] = partial(as_it_serves, champion)
    return learners


def as_it_serves(model: AllianceModel, task: FoldTask) -> LearnerScores:
    """An earlier model through its own `score`; NaN when it cannot read these tables.

    Clients who rated before have their own level, as for all learners.
    """
    if not _reads(model.practice, task.dataset.practice):
        nothing = np.full(len(task.pairs.client), np.nan)
        return LearnerScores(nothing, nothing)
    encoding = model.encode_roster(task.encoding.roster)
    scores = model.score(task.dataset.clients, encoding, task.pairs)
    known = task.fitted.known_client[task.pairs.client]
    expected = np.where(np.isnan(known), scores.client, known)
    return LearnerScores(scores.pairing, expected + scores.pairing)


def _reads(earlier: Practice, now: Practice) -> bool:
    """Whether every field of the earlier definition that reaches a model is still the same."""
    attributes = ("kind", "unit", "min", "max", "levels")
    return all(
        name in now.fields(side)
        and all(getattr(field, k) == getattr(now.fields(side)[name], k) for k in attributes)
        for side in SIDES
        for name, field in earlier.fields(side, "score", "filter").items()
    )
