"""Rows and target of learners of an earlier simulation study: net of the client, out of fold.

Written apart from our fit on purpose: what ours is measured against must not move when ours does.
Settings are those of the study ("Settings that worked").
"""

from dataclasses import dataclass, replace
from typing import Any

import lightgbm as lgb
import numpy as np

from recommender.features.feature import Array
from recommender.features.history import ClientReports, held_out_rows, records_of, shrinkage_of
from recommender.training.baselines import FoldTask
from recommender.training.folds import client_folds

FOLDS = 5
TREES: dict[str, Any] = {
    "objective": "regression",
    "learning_rate": 0.04,
    "min_data_in_leaf": 60,
    "deterministic": True,
    "force_row_wise": True,
    "num_threads": 1,
    "verbosity": -1,
}
CLIENT: dict[str, Any] = TREES | {"num_leaves": 6, "feature_fraction": 0.5, "num_iterations": 150}
TUNED: dict[str, Any] = TREES | {
    "num_leaves": 4,
    "feature_fraction": 0.4,
    "bagging_fraction": 0.7,
    "bagging_freq": 1,
    "lambda_l2": 5.0,
    "num_iterations": 400,
}


@dataclass(frozen=True, slots=True)
class Prepared:
    """What is learned from and what is asked, as matrices.

    Attributes
    ----------
    rows : (n, features)
        Client, clinician, centred matches and out-of-fold record of the training rows.
    asked : (m, features)
        The same columns of the asked pairs, with whole records.
    expected : (n,)
        Cross-fitted client part of the training rows.
    asked_expected : (m,)
        Client part of the asked pairs.
    """

    rows: Array
    asked: Array
    expected: Array
    asked_expected: Array


def prepare(trial: FoldTask) -> Prepared:
    """Rows of training and asked pairs, and the client part of both."""
    learned, asked = trial.rows(trial.train_pairs), trial.rows(trial.pairs)
    fold = client_folds(trial.train_pairs.client, FOLDS, trial.seed)
    expected = np.empty(len(fold))
    for number in range(FOLDS):
        inside = fold == number
        trees = boosted(learned.client[~inside], trial.label[~inside], CLIENT, trial.seed)
        expected[inside] = np.asarray(trees.predict(learned.client[inside]))
    trees = boosted(learned.client, trial.label, CLIENT, trial.seed)
    reports = _reports(trial, trial.label - expected)
    shrinkage = shrinkage_of(reports)
    out_of_fold = held_out_rows(reports, fold, reports.clinician, reports.level, fold, shrinkage)
    clinician_index = trial.dataset.clinician_index_of(trial.pairs)
    history = records_of(reports, shrinkage).rows(clinician_index.clinician, clinician_index.level)
    return Prepared(
        rows=replace(learned, history=out_of_fold).model_columns(),
        asked=replace(asked, history=history).model_columns(),
        expected=expected,
        asked_expected=np.asarray(trees.predict(asked.client)),
    )


def boosted(rows: Array, label: Array, settings: dict[str, Any], seed: int) -> lgb.Booster:
    """LightGBM with the settings given, 32-bit columns by position."""
    data = lgb.Dataset(np.asarray(rows, dtype=np.float32), label)
    return lgb.train(settings | {"seed": seed}, data)


def _reports(trial: FoldTask, residual: Array) -> ClientReports:
    clinician_index, per = (
        trial.dataset.clinician_index_of(trial.train_pairs),
        trial.dataset.practice.history.per,
    )
    return ClientReports(
        clinician=clinician_index.clinician,
        level=clinician_index.level,
        residual=residual,
        clinicians=len(trial.dataset.clinician_ids),
        levels=0 if per is None else len(trial.dataset.practice.client[per].levels),
    )
