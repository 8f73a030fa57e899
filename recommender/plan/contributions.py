"""Signed parts of the predictions of scored pairs, by column of the model."""

import numpy as np

from recommender.features.feature import Array
from recommender.model.alliance_model import AverageContributions, Contributions
from recommender.model.trees.tables import in_chunks
from recommender.plan.score_plan import BLOCK_PAIRS, ScoredPairs, model_columns
from recommender.practice.sums import known_mean


def contributions_of(pairs: ScoredPairs) -> Contributions:
    """Signed parts; `start + values.sum(axis=1)` is the predicted alliance.

    As `AllianceModel.contributions_of` attributes them.
    """
    size, features = len(pairs), pairs.plan.model.pipeline.features
    values, raw = np.empty((2, size, len(features)))
    start = np.empty(size)
    for some in in_chunks(size, BLOCK_PAIRS):
        own = pairs.part(some.start, min(some.stop, size))
        values[some], start[some] = _parts_of(own)
        raw[some] = _columns_of(own, own.raw)
    return Contributions(features, values, start, raw)


def _parts_of(pairs: ScoredPairs) -> tuple[Array, Array]:
    """The signed parts of some pairs, (n, features), and what they are added to, (n,)."""
    model = pairs.plan.model
    added = (1 - model.tree_weight) * pairs.added
    values = np.zeros((len(pairs), len(model.pipeline.features)))
    start = pairs.scores.client + added[:, -1]
    if model.trees is not None and model.tree_weight:
        if pairs.ways is not None and model.trees.shapley is not None:
            grown = model.trees.shapley.contributions(pairs.ways)
        else:
            grown = model.trees.contributions(_columns_of(pairs, pairs.match))
        values = model.tree_weight * grown[:, :-1]
        start = start + model.tree_weight * grown[:, -1]
    values[:, pairs.clients.rows.shape[1] :] += added[:, :-1]
    return values, start + model.survivor_offset


def average_contributions(pairs: ScoredPairs) -> AverageContributions:
    """The average of `contributions_of` some pairs, of which at least one is needed.

    Without those of each pair where trees are looked up: how many pairs take each way is enough.
    """
    model = pairs.plan.model
    values = np.zeros(len(model.pipeline.features))
    if model.trees is not None and model.tree_weight:
        if pairs.ways is not None and model.trees.shapley is not None:
            values += model.tree_weight * model.trees.shapley.mean(pairs.ways)
        else:
            grown = model.trees.contributions(_columns_of(pairs, pairs.match))
            values += model.tree_weight * grown[:, :-1].mean(axis=0)
    added = (1 - model.tree_weight) * (_sum_of_added(pairs) / len(pairs))
    values[pairs.clients.rows.shape[1] :] += added[:-1]
    return AverageContributions(values, known_mean(pairs.raw))


def _sum_of_added(pairs: ScoredPairs) -> Array:
    """The sum of `ScoredPairs.added` of some pairs, one after another."""
    total = np.zeros(len(pairs.plan.model.pipeline.features) - pairs.clients.rows.shape[1] + 1)
    for some in in_chunks(len(pairs), BLOCK_PAIRS):
        own = pairs.part(some.start, min(some.stop, len(pairs)))
        total = np.add.reduce(np.concatenate([total[None], own.added]))
    return total


def _columns_of(pairs: ScoredPairs, match: Array) -> Array:
    """The columns of the model with these matches, (n, features)."""
    own = pairs.clients.rows[pairs.client], pairs.plan.clinicians.rows[pairs.clinician]
    return model_columns(*own, match, pairs.history)
