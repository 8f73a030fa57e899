"""GPBoost: trees and a random intercept of each clinician, learned together.

An optional dependency (`pip install recommender[experiments]`).
"""

from importlib import import_module
from typing import Any

import numpy as np

from experiments.bake_off.answer import Answer, InapplicableError
from experiments.bake_off.residual import TUNED, prepare
from recommender.features.feature import Array
from recommender.training.baselines import FoldTask

SETTINGS = TUNED | {"bagging_fraction": 1.0, "bagging_freq": 0}
"""GPBoost cannot draw rows for a tree: their intercepts would not fit together."""
DROPPED = ("objective", "deterministic", "num_iterations")
"""Its objective is its own likelihood; it branched off LightGBM before `deterministic`."""


def gpboost(trial: FoldTask) -> Answer:
    """What the client part leaves, from the tuned learner's rows and an intercept a clinician."""
    try:
        library: Any = import_module("gpboost")
    except ImportError as error:
        raise InapplicableError(f"gpboost cannot be imported: {error}") from error
    ready = prepare(trial)
    target = trial.label - ready.expected
    model = library.GPModel(group_data=trial.train_pairs.clinician, likelihood="gaussian")
    settings = {name: value for name, value in SETTINGS.items() if name not in DROPPED}
    trees = library.train(
        params=settings | {"seed": trial.seed},
        train_set=library.Dataset(np.asarray(ready.rows, dtype=np.float32), target),
        gp_model=model,
        num_boost_round=TUNED["num_iterations"],
    )
    said = trees.predict(
        np.asarray(ready.asked, dtype=np.float32),
        group_data_pred=trial.pairs.clinician,
        predict_var=False,
        pred_latent=True,
    )
    pairing: Array = np.asarray(said["fixed_effect"]) + np.asarray(said["random_effect_mean"])
    return Answer(pairing, ready.asked_expected + pairing)
