"""LightGBM as others would use it: on the rating itself, tuned on what is left, and as a ranker."""

from typing import Any

import lightgbm as lgb
import numpy as np
from numpy.typing import NDArray

from experiments.bake_off.answer import Answer, order_only
from experiments.bake_off.residual import TUNED, Prepared, boosted, prepare
from recommender.features.feature import Array
from recommender.training.baselines import FoldTask

SEEDS = 2
"""Ensembles averaged by the tuned learner."""
GRADES = 5
GROUP = 50
"""Clients adjacent in m(x) whom the ranker compares."""
RANKER: dict[str, Any] = TUNED | {"objective": "lambdarank", "label_gain": list(range(GRADES))}


def regularised(trial: FoldTask) -> Answer:
    """Small trees on the rating itself, without records: the study's plain LightGBM."""
    learned, asked = trial.rows(trial.train_pairs), trial.rows(trial.pairs)
    parts = [np.concatenate([r.client, r.clinician, r.match], axis=1) for r in (learned, asked)]
    said = np.asarray(boosted(parts[0], trial.label, TUNED, trial.seed).predict(parts[1]))
    return Answer(said, said)


def tuned(trial: FoldTask) -> Answer:
    """Small trees on what the client part leaves, with out-of-fold records: the study's best."""
    ready = prepare(trial)
    target = trial.label - ready.expected
    seeds = [trial.seed * SEEDS + number for number in range(SEEDS)]
    grown = [boosted(ready.rows, target, TUNED, seed) for seed in seeds]
    pairing = np.mean([np.asarray(trees.predict(ready.asked)) for trees in grown], axis=0)
    return Answer(pairing, ready.asked_expected + pairing)


def ranker_by_client(trial: FoldTask) -> Answer:
    """LambdaMART that compares a client's own ratings: nearly every group has one row."""
    ready = prepare(trial)
    order = np.argsort(trial.train_pairs.client, kind="stable")
    _, sizes = np.unique(trial.train_pairs.client, return_counts=True)
    return order_only(_ranked(trial, ready, order, sizes))


def ranker_by_bins(trial: FoldTask) -> Answer:
    """LambdaMART that compares clients of whom much the same rating is expected."""
    ready = prepare(trial)
    order = np.argsort(ready.expected, kind="stable")
    groups = max(len(order) // GROUP, 1)
    sizes = np.array([len(part) for part in np.array_split(order, groups)])
    return order_only(_ranked(trial, ready, order, sizes))


def _ranked(
    trial: FoldTask, ready: Prepared, order: NDArray[np.intp], sizes: NDArray[np.intp]
) -> Array:
    grades = _grades(trial.label)[order]
    rows = np.asarray(ready.rows[order], dtype=np.float32)
    trees = lgb.train(RANKER | {"seed": trial.seed}, lgb.Dataset(rows, grades, group=sizes))
    return np.asarray(trees.predict(ready.asked), dtype=np.float64)


def _grades(label: Array) -> NDArray[np.intp]:
    """The fifth of all ratings each one is in, 0 to 4."""
    edges = np.quantile(label, np.arange(1, GRADES) / GRADES)
    return np.searchsorted(edges, label, side="right")
