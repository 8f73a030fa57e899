"""Signed parts of the predictions of scored pairs, by column of the model."""

import numpy as np

from recommender.model.alliance_model import Contributions
from recommender.plan.score_plan import ScoredPairs, model_columns


def contributions_of(pairs: ScoredPairs) -> Contributions:
    """Signed parts; `start + values.sum(axis=1)` is the predicted alliance.

    As `AllianceModel.contributions_of` attributes them.
    """
    model, width = pairs.plan.model, pairs.clients.rows.shape[1]
    own = pairs.clients.rows[pairs.client], pairs.plan.clinicians.rows[pairs.clinician]
    added = (1 - model.tree_weight) * pairs.added
    values = np.zeros((len(pairs), len(model.pipeline.features)))
    start = pairs.scores.client + added[:, -1]
    if model.trees is not None and model.tree_weight:
        if pairs.ways is not None and model.trees.shapley is not None:
            grown = model.trees.shapley.contributions(pairs.ways)
        else:
            grown = model.trees.contributions(model_columns(*own, pairs.match, pairs.history))
        values = model.tree_weight * grown[:, :-1]
        start = start + model.tree_weight * grown[:, -1]
    values[:, width:] += added[:, :-1]
    raw = model_columns(*own, pairs.raw, pairs.history)
    return Contributions(model.pipeline.features, values, start + model.survivor_offset, raw)
