"""An evaluation of a small practice, computed once a process."""

from functools import cache

import numpy as np

from recommender.training.baselines import (
    CHAMPION,
    OURS,
    RANDOM,
    learners_for,
)
from recommender.training.dataset import Dataset, dataset_of
from recommender.training.evaluate import Evaluation, evaluate
from recommender.training.fit import fit
from recommender.training.folds import forward
from recommender.training.tree_fitting import FitSettings
from tests.support.builders import a_practice, some_rows, tables_of

QUICK = FitSettings(fewest_for_trees=10_000, folds=3)


@cache
def a_world() -> Dataset:
    return dataset_of(tables_of(some_rows(pairings=700, seed=5)), a_practice())


@cache
def an_evaluation() -> Evaluation:
    dataset = a_world()
    champion = fit(dataset, np.arange(len(dataset) // 2), QUICK).model
    learners = learners_for(dataset, champion)
    chosen = {name: learners[name] for name in (OURS, RANDOM, CHAMPION)}
    folds = forward(dataset, 0.4)
    return evaluate(dataset, folds, QUICK, draws=20, champion=champion, learners=chosen)
