"""Signed parts of the predictions of scored pairs, by column of the model."""

import numpy as np

from recommender.model.alliance_model import Contributions
from recommender.plan.score_plan import ScoredPairs, model_columns


def contributions_of(pairs: ScoredPairs) -> Contributions:
    """Signed parts; `start + values.sum(axis=1)` is the predicted alliance.

    Attributed as in `Additive.contributions`, with the Shapley values of the trees added.
    """
    plan, client, clinician = pairs.plan, pairs.client, pairs.clinician
    model, own, match = plan.model, plan.clinicians, pairs.match
    client_rows, clinician_rows = pairs.clients.rows[client], own.rows[clinician]
    width, level = client_rows.shape[1], pairs.clients.level[client]
    added = np.zeros((len(client), len(model.pipeline.features)))
    attributes = added[:, width : width + clinician_rows.shape[1]]
    attributes[:] = own.parts[clinician]
    products = model.additive.frame.products
    if products is not None:
        slopes = pairs.clients.slopes[client]
        attributes[:, products.clinician.places] += slopes * own.multiplied.T[clinician]
    first = width + attributes.shape[1]
    added[:, first : first + len(match)] = plan.match_parts(match).T
    added[:, first + len(match)] = own.effect[clinician]
    if model.additive.frame.levels:
        added[:, first + len(match) + 2] = own.by_level[level, clinician]
    values = (1 - model.tree_weight) * added
    start = pairs.scores.client + (1 - model.tree_weight) * model.additive.fit.intercept
    start = start + model.survivor_offset
    if model.trees is not None and model.tree_weight:
        if pairs.ways is not None and model.trees.shapley is not None:
            grown = model.trees.shapley.contributions(pairs.ways)
        else:
            columns = model_columns(client_rows, clinician_rows, match, pairs.history)
            grown = model.trees.contributions(columns)
        values += model.tree_weight * grown[:, :-1]
        start = start + model.tree_weight * grown[:, -1]
    raw = model_columns(client_rows, clinician_rows, pairs.raw, pairs.history)
    return Contributions(model.pipeline.features, values, start, raw)
