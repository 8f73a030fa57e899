"""Probabilities that one scored pair is ahead of another."""

import numpy as np

from recommender.features.feature import Array
from recommender.model.additive import Drawn
from recommender.model.alliance_model import lead_doubt, probability_ahead
from recommender.model.interactions import Interactions
from recommender.plan.score_plan import Places, ScoredPairs


def ahead(pairs: ScoredPairs, one: Places, other: Places) -> Array:
    """Probability that the expected alliance of one pair is above that of another, (m,).

    As `AllianceModel.ahead`; `one` and `other` (m,) are indices of `pairs`.
    """
    some, places = np.unique([one, other], return_inverse=True)
    pairing = pairs.scores.pairing
    return probability_ahead(
        pairing[one] - pairing[other],
        *_deviations(pairs, some),
        *places.reshape(2, -1),
    )


def doubts(pairs: ScoredPairs, one: Places, other: Places) -> Array:
    """Standard deviation, in points, of what one pair is ahead of another, (m,); see `ahead`."""
    some, places = np.unique([one, other], return_inverse=True)
    return lead_doubt(*_deviations(pairs, some), *places.reshape(2, -1))


def leads_among(pairs: ScoredPairs, rows: Places) -> Array:
    """`ahead` of each of m pairs before each other, (m, m); one half of a pair before itself.

    `rows` are indices of `pairs`, a few hundred at most.
    """
    pairing, places = pairs.scores.pairing[rows], np.arange(len(rows))
    return probability_ahead(
        pairing[:, None] - pairing,
        *_deviations(pairs, rows),
        places[:, None],
        places,
    )


def _deviations(pairs: ScoredPairs, rows: Places) -> tuple[Drawn, Array]:
    """Deviations of some pairs' pairing part from its mean in every draw, (m, draws).

    And the variance that is not drawn, (m,).
    """
    plan, draws = pairs.plan, pairs.plan.model.additive.draws
    frame, own = plan.model.additive.frame, plan.clinicians
    client, clinician = pairs.client[rows], pairs.clinician[rows]
    match = (pairs.raw.take(rows, axis=1) - pairs.usual.take(client, axis=1)).T
    drawn = own.drawn[clinician]
    drawn += frame.match.apply(match).astype(np.float32) @ draws["matches"]
    if "evidence" in draws:
        evidence = (np.nan_to_num(match) @ frame.prior).astype(np.float32)
        drawn += evidence[:, None] * draws["evidence"]
    if frame.products is not None:
        _add_products(drawn, pairs, rows, frame.products)
    if frame.levels:
        index, level = own.index[clinician], pairs.clients.level[client]
        cell = index * frame.levels + level
        known = (index >= 0) & (level >= 0) & (cell < len(draws["by_level"]))
        drawn[known] += draws["by_level"][cell[known]]
    return drawn, own.unknown[clinician]


def _add_products(drawn: Drawn, pairs: ScoredPairs, rows: Places, products: Interactions) -> None:
    """Adds the deviations of products: the client's side first, which is one for many pairs."""
    draws, of_client = pairs.plan.model.additive.draws["products"], pairs.client[rows]
    directions = pairs.plan.clinicians.directions[pairs.clinician[rows]]
    for client in set(of_client.tolist()):
        ours = products.client.scaled(pairs.clients.rows[[client]]) @ products.client.basis
        by_direction = ours.astype(np.float32) @ draws.reshape(ours.shape[1], -1)
        some = of_client == client
        drawn[some] += directions[some] @ by_direction.reshape(directions.shape[1], -1)
