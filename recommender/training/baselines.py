"""What our number stands beside: random, the clinician's average, additive, the prior, LightGBM.

Each baseline is a function over the same rows and folds as the model. Imported by `evaluate`.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC

import lightgbm as lgb
import numpy as np

from recommender.features.feature import Array
from recommender.features.history import Reports, records_of, shrinkage_of
from recommender.features.pipeline import Pairs, Rows
from recommender.mixed.blocks import IndexBlock
from recommender.mixed.fit import fit_mixed
from recommender.model import Standing
from recommender.roster import Roster
from recommender.training.dataset import Chosen, Dataset
from recommender.training.fit import Fitted
from recommender.training.growth import CELLS_FOR_THREADS

OURS, RANDOM, AVERAGE = "ours", "random", "clinician average"
ADDITIVE, PRIOR, PLAIN = "additive", "evidence prior", "plain LightGBM"


@dataclass(frozen=True, slots=True)
class Guess:
    """What a learner says of n test pairings.

    Attributes
    ----------
    pairing : (n,)
        What it orders by.
    alliance : (n,)
        What it predicts, in points.
    """

    pairing: Array
    alliance: Array


@dataclass(frozen=True, slots=True)
class Trial:
    """One fold as every learner sees it: what may be learned from, and what is asked.

    Attributes
    ----------
    dataset, train, test
        The rated pairings and which are learned from and asked; `asked` also holds pairings that
        ended unrated, after the rated ones.
    fitted
        Our model of the training rows: its client part is the one all learners share.
    """

    dataset: Dataset
    train: Chosen
    asked: Pairs
    fitted: Fitted
    seed: int

    @property
    def label(self) -> Array:
        """Labels of the training rows, in points."""
        return self.fitted.labels.alliance[self.train]

    @property
    def learned(self) -> Pairs:
        """Who met in the training rows."""
        return self.dataset.pairs.take(self.train)

    @property
    def expected(self) -> Array:
        """What each asked client would rate an average clinician, by their own ratings if any."""
        model, known = self.fitted.model, self.fitted.known_client[self.asked.client]
        part = model.score(self.dataset.clients, self.standing, self.asked).client
        return np.where(np.isnan(known), part, known)

    @property
    def standing(self) -> Standing:
        """All clinicians of the data set, each in the place the model learned."""
        return standing_of(self.dataset)

    def rows(self, pairs: Pairs) -> Rows:
        """Feature rows of any pairs."""
        return self.fitted.model.rows(self.dataset.clients, self.standing, pairs)[0]


def standing_of(dataset: Dataset) -> Standing:
    """The clinicians of a data set in their own order, as a model fitted on it knows them."""
    ids = dataset.clinician_ids
    names = (None,) * len(ids)
    last = np.datetime64(int(dataset.started.max()), "D").astype("datetime64[s]").item()
    taken_at = last.replace(tzinfo=UTC)
    roster = Roster(ids, names, dataset.clinicians, dataset.digest, taken_at)
    return Standing(roster, np.arange(len(ids)))


def ours(trial: Trial) -> Guess:
    """The alliance model."""
    scores = trial.fitted.model.score(trial.dataset.clients, trial.standing, trial.asked)
    return Guess(scores.pairing, trial.expected + scores.pairing)


def at_random(trial: Trial) -> Guess:
    """A random order; the prediction is the client part."""
    rng = np.random.default_rng(trial.seed)
    return Guess(rng.random(len(trial.asked.client)), trial.expected)


def clinician_average(trial: Trial) -> Guess:
    """The clinician's mean rating, shrunken by how few there are."""
    label, met = trial.label, trial.learned
    reports = Reports(
        clinician=met.clinician.astype(np.int64),
        level=np.full(len(label), -1, dtype=np.int64),
        residual=label - label.mean(),
        known_on=np.zeros(len(label), dtype=np.int64),
        clinicians=len(trial.dataset.clinician_ids),
        levels=0,
    )
    average = records_of(reports, shrinkage_of(reports)).mean[trial.asked.clinician]
    return Guess(average, label.mean() + average)


def additive(trial: Trial) -> Guess:
    """An intercept for each client and each clinician, both shrunken; no features at all."""
    met, asked = trial.learned, trial.asked
    clinicians = len(trial.dataset.clinician_ids)
    fitted = fit_mixed(
        trial.label,
        [IndexBlock("clinicians", met.clinician.astype(np.int64), clinicians)],
        group=met.client.astype(np.int64),
    )
    effect = fitted.terms([IndexBlock("clinicians", asked.clinician.astype(np.int64), clinicians)])
    own = fitted.effect_of(asked.client.astype(np.int64))
    return Guess(effect["clinicians"], fitted.intercept + own + effect["clinicians"])


def evidence_prior(trial: Trial) -> Guess:
    """The declared sizes from the literature; nothing is learned."""
    sizes = trial.fitted.model.additive.frame.prior
    pairing = np.nan_to_num(trial.rows(trial.asked).match) @ sizes
    return Guess(pairing, trial.expected + pairing)


def plain_lightgbm(trial: Trial) -> Guess:
    """LightGBM as it comes, on all columns but the record, learning the rating itself."""
    rows = _plain(trial.rows(trial.learned))
    # Without force_row_wise LightGBM times two ways of counting, and the last digits follow.
    learner = lgb.LGBMRegressor(
        random_state=trial.seed,
        deterministic=True,
        force_row_wise=True,
        n_jobs=1 if rows.size < CELLS_FOR_THREADS else 0,
        verbosity=-1,
    )
    learner.fit(rows, trial.label)
    said = np.asarray(learner.predict(_plain(trial.rows(trial.asked))), dtype=np.float64)
    return Guess(said, said)


def _plain(rows: Rows) -> Array:
    return np.concatenate([rows.client, rows.clinician, rows.raw], axis=1)


Learner = Callable[[Trial], Guess]
LEARNERS: Mapping[str, Learner] = {
    OURS: ours,
    RANDOM: at_random,
    AVERAGE: clinician_average,
    ADDITIVE: additive,
    PRIOR: evidence_prior,
    PLAIN: plain_lightgbm,
}
"""Ours first, then every baseline; one loop walks them."""


def learners_for(dataset: Dataset) -> dict[str, Learner]:
    """The learners that apply: the evidence prior only where the practice declares sizes."""
    declared = any(match.prior for match in dataset.practice.matches.values())
    return {name: learn for name, learn in LEARNERS.items() if declared or name != PRIOR}
