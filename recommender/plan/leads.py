"""Probabilities that one scored pair is ahead of another."""

import numpy as np

from recommender.features.feature import Array
from recommender.model.additive import Drawn
from recommender.model.alliance_model import lead_doubt, probability_ahead
from recommender.model.interactions import Interactions
from recommender.plan.score_plan import Places, ScoredPairs


def ahead(pairs: ScoredPairs, one: Places, other: Places) -> Array:
    """Probability that the expected alliance of one pair is above that of another, (m,).

    As `AllianceModel.ahead`; `one` and `other` (m,) are indices of `pairs`, a few hundred at most.
    """
    pairing = pairs.scores.pairing
    unknown = pairs.plan.clinicians.unknown[pairs.clinician]
    return probability_ahead(pairing[one] - pairing[other], _drawn(pairs), unknown, one, other)


def doubts(pairs: ScoredPairs, one: Places, other: Places) -> Array:
    """Standard deviation, in points, of what one pair is ahead of another, (m,); see `ahead`."""
    unknown = pairs.plan.clinicians.unknown[pairs.clinician]
    return lead_doubt(_drawn(pairs), unknown, one, other)


def _drawn(pairs: ScoredPairs) -> Drawn:
    """Deviations of each pair's pairing part from its mean in every draw, (n, draws)."""
    plan, draws = pairs.plan, pairs.plan.model.additive.draws
    frame, own = plan.model.additive.frame, plan.clinicians
    match = pairs.match.T
    drawn = own.drawn[pairs.clinician]
    drawn += frame.match.apply(match).astype(np.float32) @ draws["matches"]
    if "evidence" in draws:
        drawn += (np.nan_to_num(match) @ frame.prior).astype(np.float32)[:, None] * draws[
            "evidence"
        ]
    if frame.products is not None:
        _add_products(drawn, pairs, frame.products)
    if frame.levels:
        index, level = own.index[pairs.clinician], pairs.clients.level[pairs.client]
        cell = index * frame.levels + level
        known = (index >= 0) & (level >= 0) & (cell < len(draws["by_level"]))
        drawn[known] += draws["by_level"][cell[known]]
    return drawn


def _add_products(drawn: Drawn, pairs: ScoredPairs, products: Interactions) -> None:
    """Adds the deviations of products: the client's side first, which is one for many pairs."""
    draws = pairs.plan.model.additive.draws["products"]
    directions = pairs.plan.clinicians.directions[pairs.clinician]
    for client in np.unique(pairs.client).tolist():
        ours = products.client.scaled(pairs.clients.rows[[client]]) @ products.client.basis
        by_direction = ours.astype(np.float32) @ draws.reshape(ours.shape[1], -1)
        some = pairs.client == client
        drawn[some] += directions[some] @ by_direction.reshape(directions.shape[1], -1)
