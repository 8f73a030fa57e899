"""What our number stands beside: chance, two kinds of popularity, additive, prior, LightGBM.

Each baseline is a function over the same rows and folds as the model, and so is the champion.
Imported by `evaluate` and above.
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
from recommender.model.alliance_model import (
    SIDES,
    AllianceModel,
    PairScores,
    PreparedPairs,
    RosterEncoding,
)
from recommender.model.mixed.blocks import IndexBlock
from recommender.model.mixed.fit import fit_mixed
from recommender.practice.definition import Practice
from recommender.tables.roster import Roster
from recommender.training.dataset import Dataset, RowIndex
from recommender.training.fit import FitResult
from recommender.training.tree_fitting import CELLS_FOR_THREADS

OURS, RANDOM, CHAMPION = "ours", "random", "champion"
AVERAGE, POPULARITY = "clinician average", "shrunken popularity"
ADDITIVE, PRIOR, PLAIN = "additive", "evidence prior", "plain LightGBM"


@dataclass(frozen=True, slots=True)
class LearnerScores:
    """What a learner says of n test pairings.

    Attributes
    ----------
    pairing : (n,)
        What it orders by.
    alliance : (n,)
        What it predicts, in points. Both are NaN for pairings that cannot judge the learner.
    """

    pairing: Array
    alliance: Array

    def take(self, chosen: slice | NDArray[np.bool_]) -> "LearnerScores":
        """Of some of the pairings."""
        return LearnerScores(self.pairing[chosen], self.alliance[chosen])


@dataclass(frozen=True)
class FoldTask:
    """One fold as every learner sees it: what may be learned from, and what is asked.

    What several learners need of it is found once.

    Attributes
    ----------
    dataset, train
        The rated pairings and which are learned from.
    asked
        Pairings to say something of.
    fitted
        Our model of the training rows: its client part is the one all learners share.
    seed
        Of whatever a learner leaves to chance.
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
        """Who met in the training rows."""
        return self.dataset.pairs.take(self.train)

    @cached_property
    def expected(self) -> Array:
        """What each asked client would rate an average clinician, by their own ratings if any."""
        known = self.fitted.known_client[self.pairs.client]
        return np.where(np.isnan(known), self.prepared.expected, known)

    @cached_property
    def encoding(self) -> RosterEncoding:
        """All clinicians of the data set, each in the place the model learned."""
        return encode_clinicians(self.dataset)

    @cached_property
    def prepared(self) -> PreparedPairs:
        """What is asked, made ready for our model."""
        return self.fitted.model.prepare(self.dataset.clients, self.encoding, self.pairs)

    @cached_property
    def scores(self) -> PairScores:
        """What our model says of what is asked."""
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


def ours(trial: FoldTask) -> LearnerScores:
    """The alliance model."""
    return LearnerScores(trial.scores.pairing, trial.expected + trial.scores.pairing)


def at_random(trial: FoldTask) -> LearnerScores:
    """A random order; the prediction is the client part."""
    rng = np.random.default_rng(trial.seed)
    return LearnerScores(rng.random(len(trial.pairs.client)), trial.expected)


def clinician_average(trial: FoldTask) -> LearnerScores:
    """The clinician's mean rating as it is, however few there are; the mean of all for no rating.

    What anybody with a spreadsheet would rank by.
    """
    clinicians = len(trial.dataset.clinician_ids)
    count = np.bincount(trial.train_pairs.clinician, minlength=clinicians)
    total = np.bincount(trial.train_pairs.clinician, trial.label, minlength=clinicians)
    mean = np.divide(total, count, out=np.full(clinicians, trial.label.mean()), where=count > 0)
    average = mean[trial.pairs.clinician]
    return LearnerScores(average, average)


def shrunken_popularity(trial: FoldTask) -> LearnerScores:
    """The clinician's mean rating net of whom they saw, shrunken by how few there are."""
    popularity = trial.fitted.model.records.mean[trial.pairs.clinician]
    return LearnerScores(popularity, trial.expected + popularity)


def additive(trial: FoldTask) -> LearnerScores:
    """An intercept for each client and each clinician, both shrunken; no features at all."""
    met, asked = trial.train_pairs, trial.pairs
    clinicians = len(trial.dataset.clinician_ids)
    fitted = fit_mixed(
        trial.label,
        [IndexBlock("clinicians", met.clinician.astype(np.int64), clinicians)],
        group=met.client.astype(np.int64),
    )
    effect = fitted.terms([IndexBlock("clinicians", asked.clinician.astype(np.int64), clinicians)])
    own = fitted.effect_of(asked.client.astype(np.int64))
    return LearnerScores(effect["clinicians"], fitted.intercept + own + effect["clinicians"])


def evidence_prior(trial: FoldTask) -> LearnerScores:
    """The declared sizes from the literature; nothing is learned."""
    sizes = trial.fitted.model.additive.frame.prior
    pairing = np.nan_to_num(trial.prepared.rows.match) @ sizes
    return LearnerScores(pairing, trial.expected + pairing)


def plain_lightgbm(trial: FoldTask) -> LearnerScores:
    """LightGBM as it comes, on all columns but the record, learning the rating itself."""
    rows = _plain(trial.rows(trial.train_pairs))
    # Without force_row_wise LightGBM times two ways of counting, and the last digits follow.
    learner = lgb.LGBMRegressor(
        random_state=trial.seed,
        deterministic=True,
        force_row_wise=True,
        n_jobs=1 if rows.size < CELLS_FOR_THREADS else 0,
        verbosity=-1,
    )
    learner.fit(rows, trial.label)
    said = np.asarray(learner.predict(_plain(trial.prepared.rows)), dtype=np.float64)
    return LearnerScores(said, said)


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


def as_it_serves(model: AllianceModel, trial: FoldTask) -> LearnerScores:
    """A model learned earlier, through its own `score`; NaN when it cannot read these tables.

    Clients who rated before are expected at what they are known for, as for all learners.
    """
    if not _reads(model.practice, trial.dataset.practice):
        nothing = np.full(len(trial.pairs.client), np.nan)
        return LearnerScores(nothing, nothing)
    encoding = model.encode_roster(trial.encoding.roster)
    scores = model.score(trial.dataset.clients, encoding, trial.pairs)
    known = trial.fitted.known_client[trial.pairs.client]
    expected = np.where(np.isnan(known), scores.client, known)
    return LearnerScores(scores.pairing, expected + scores.pairing)


def _reads(earlier: Practice, now: Practice) -> bool:
    """Whether every field of the earlier definition that reaches a model is still the same."""
    kept = ("kind", "unit", "min", "max", "levels")
    return all(
        name in now.fields(side)
        and all(getattr(field, k) == getattr(now.fields(side)[name], k) for k in kept)
        for side in SIDES
        for name, field in earlier.fields(side, "score", "filter").items()
    )
