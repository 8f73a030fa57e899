"""Probabilities that one scored pair is ahead of another."""

import numpy as np

from recommender.features.feature import Array
from recommender.model.additive import Drawn
from recommender.model.alliance_model import probability_ahead
from recommender.model.interactions import Interactions
from recommender.plan.score_plan import Places, ScoredPairs


def ahead(pairs: ScoredPairs, one: Places, other: Places) -> Array:
    """Probability that the expected alliance of one pair is above that of another, (m,).

    As `AllianceModel.ahead`; `one` and `other` (m,) are indices of `pairs`, a few hundred at most.
    """
    pairing = pairs.scores.pairing
    unknown = pairs.plan.clinicians.unknown[pairs.clinician]
    drawn = _drawn(pairs, 1)[0]
    return probability_ahead(pairing[one] - pairing[other], drawn, unknown, one, other)


def leads_among(pairs: ScoredPairs, rows: Places) -> Array:
    """Probability that the row's predicted alliance is above the column's, (clients, m, m).

    `rows` (clients, m) are pairs of each client. Their leads have equal digits alone and among
    those of other clients.
    """
    some = pairs.take(rows.reshape(-1))
    pairing = some.scores.pairing.reshape(rows.shape)
    unknown = pairs.plan.clinicians.unknown[some.clinician].reshape(rows.shape)
    one, other = np.triu_indices(rows.shape[1], 1)
    lead = pairing[:, one] - pairing[:, other]
    ahead = probability_ahead(lead, _drawn(some, len(rows)), unknown, one, other)
    leads = np.full((*rows.shape, rows.shape[1]), 0.5)
    leads[:, one, other], leads[:, other, one] = ahead, 1 - ahead
    return leads


def _drawn(pairs: ScoredPairs, stacks: int) -> Drawn:
    """Deviations of each pair's pairing part from its mean in every draw, (stacks, m, draws).

    The pairs are stacks of m each, because the last digits of a product of matrices depend on
    their shapes.
    """
    plan, draws = pairs.plan, pairs.plan.model.additive.draws
    frame, own = plan.model.additive.frame, plan.clinicians
    shape = stacks, len(pairs) // stacks
    match = np.ascontiguousarray(pairs.match.T).reshape(*shape, len(pairs.raw))
    drawn = own.drawn[pairs.clinician]
    by_stack = drawn.reshape(*shape, drawn.shape[1])
    by_stack += frame.match.apply(match).astype(np.float32) @ draws["matches"]
    if "evidence" in draws:
        declared = (np.nan_to_num(match) @ frame.prior).astype(np.float32)
        by_stack += declared[..., None] * draws["evidence"]
    if frame.products is not None:
        _add_products(drawn, pairs, frame.products)
    if frame.levels:
        index, level = own.index[pairs.clinician], pairs.clients.level[pairs.client]
        cell = index * frame.levels + level
        known = (index >= 0) & (level >= 0) & (cell < len(draws["by_level"]))
        drawn[known] += draws["by_level"][cell[known]]
    return by_stack


def _add_products(drawn: Drawn, pairs: ScoredPairs, products: Interactions) -> None:
    """Adds the deviations of products: the client's side first, which is one for many pairs."""
    draws = pairs.plan.model.additive.draws["products"]
    directions = pairs.plan.clinicians.directions[pairs.clinician]
    order = np.argsort(pairs.client, kind="stable")
    clients, starts = np.unique(pairs.client[order], return_index=True)
    for client, some in zip(clients.tolist(), np.split(order, starts[1:]), strict=True):
        ours = products.client.scaled(pairs.clients.rows[[client]]) @ products.client.basis
        by_direction = ours.astype(np.float32) @ draws.reshape(ours.shape[1], -1)
        drawn[some] += directions[some] @ by_direction.reshape(directions.shape[1], -1)
