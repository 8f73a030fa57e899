"""A factorisation machine over client and clinician columns, by alternating least squares.

Written here since none that is kept up runs: lightfm does not build on Python 3.11, myfm 0.4 needs
`pkg_resources`. After Rendle 2010, with products across the sides only: others change no order.
"""

from dataclasses import dataclass

import numpy as np

from experiments.bake_off.answer import Answer
from recommender.features.feature import Array
from recommender.features.pipeline import Pairs
from recommender.model.interactions import fit_standardizer
from recommender.training.baselines import FoldTask
from recommender.training.folds import client_folds

RANK, SWEEPS, FOLDS, LINEAR = 4, 8, 5, 100.0
RIDGES = (100.0, 200.0, 300.0, 500.0)
"""Of the factors: the one with the least error on a fifth of the clients; `LINEAR` of weights."""


@dataclass(frozen=True, slots=True)
class Machine:
    """y = mean + x.w + z.u + (x A).(z B), for a client's columns x and a clinician's z."""

    mean: float
    client: Array
    clinician: Array
    client_factors: Array
    clinician_factors: Array

    def predict(self, x: Array, z: Array) -> Array:
        """Predicted rating of each row, (n,)."""
        both = ((x @ self.client_factors) * (z @ self.clinician_factors)).sum(axis=1)
        return np.asarray(self.mean + x @ self.client + z @ self.clinician + both)


def learn(x: Array, z: Array, label: Array, ridge: float, seed: int) -> Machine:
    """The machine for rows of client and clinician columns, each side solved in turn."""
    mean, u = float(label.mean()), np.zeros(z.shape[1])
    factors = np.random.default_rng(seed).normal(0.0, len(u) ** -0.5, (len(u), RANK))
    for _ in range(SWEEPS):
        w, own = _side(x, z @ factors, label - mean - z @ u, ridge)
        u, factors = _side(z, x @ own, label - mean - x @ w, ridge)
    return Machine(mean, w, u, own, factors)


def _side(own: Array, other: Array, left: Array, ridge: float) -> tuple[Array, Array]:
    """Ridge regression of one side's weights and factors while the other side's stand."""
    width = own.shape[1]
    crossed = (own[:, :, None] * other[:, None, :]).reshape(len(own), -1)
    columns = np.concatenate([own, crossed], axis=1)
    penalty = np.where(np.arange(columns.shape[1]) < width, LINEAR, ridge)
    solved = np.linalg.solve(columns.T @ columns + np.diag(penalty), columns.T @ left)
    return solved[:width], solved[width:].reshape(width, -1)


def factorisation(trial: FoldTask) -> Answer:
    """The machine on the rating itself; a clinician's columns are attributes and who it is."""
    (x, z), (asked_x, asked_z) = _columns(trial)
    held = client_folds(trial.train_pairs.client, FOLDS, trial.seed) == 0
    tried = [learn(x[~held], z[~held], trial.label[~held], r, trial.seed) for r in RIDGES]
    errors = [np.mean((m.predict(x[held], z[held]) - trial.label[held]) ** 2) for m in tried]
    machine = learn(x, z, trial.label, RIDGES[int(np.argmin(errors))], trial.seed)
    said = machine.predict(asked_x, asked_z)
    return Answer(said, said)


def _columns(trial: FoldTask) -> tuple[tuple[Array, Array], tuple[Array, Array]]:
    """Standardised columns of both sides, of training and asked pairs."""
    rows = (trial.rows(trial.train_pairs), trial.rows(trial.pairs))
    client, clinician = fit_standardizer(rows[0].client), fit_standardizer(rows[0].clinician)
    who = np.eye(len(trial.dataset.clinician_ids))

    def sides(part: int, pairs: Pairs) -> tuple[Array, Array]:
        z = np.concatenate([clinician.apply(rows[part].clinician), who[pairs.clinician]], axis=1)
        return client.apply(rows[part].client), z

    return sides(0, trial.train_pairs), sides(1, trial.pairs)
