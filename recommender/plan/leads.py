"""Probabilities that one scored pair is ahead of another."""

import numpy as np

from recommender.features.feature import Array
from recommender.model.additive import Drawn
from recommender.model.alliance_model import lead_doubt, probability_ahead
from recommender.plan.score_plan import Places, ScoredPairs
from recommender.plan.tag_levels import add_draws_of_tags


def ahead(pairs: ScoredPairs, one: Places, other: Places) -> Array:
    """Probability that the expected alliance of one pair is above that of another, (m,).

    As `AllianceModel.ahead`; `one` and `other` (m,) are indices of `pairs`.
    """
    some, places = np.unique([one, other], return_inverse=True)
    pairing = pairs.scores.pairing
    lead = pairing[one] - pairing[other]
    drawn, unknown = _deviations(pairs, some[None])
    return probability_ahead(lead, drawn[0], unknown[0], *places.reshape(2, -1))


def doubts(pairs: ScoredPairs, one: Places, other: Places) -> Array:
    """Standard deviation, in points, of what one pair is ahead of another, (m,); see `ahead`."""
    some, places = np.unique([one, other], return_inverse=True)
    drawn, unknown = _deviations(pairs, some[None])
    return lead_doubt(drawn[0], unknown[0], *places.reshape(2, -1))


def leads_among(pairs: ScoredPairs, rows: Places) -> Array:
    """`ahead` of m pairs of each client before each other, (clients, m, m).

    One half of a pair before itself. `rows` (clients, m) are indices of `pairs`. The digits are
    those of each client alone.
    """
    one, other = np.triu_indices(rows.shape[1], 1)
    pairing = pairs.scores.pairing[rows]
    lead = pairing[:, one] - pairing[:, other]
    leads = np.full((*rows.shape, rows.shape[1]), 0.5)
    leads[:, one, other] = probability_ahead(lead, *_deviations(pairs, rows), one, other)
    leads[:, other, one] = 1 - leads[:, one, other]
    return leads


def _deviations(pairs: ScoredPairs, rows: Places) -> tuple[Drawn, Array]:
    """Deviations of some pairs' pairing part from its mean in every draw, (stacks, m, draws).

    And the variance that is not drawn, (stacks, m). `rows` (stacks, m) are indices of `pairs`,
    stacked because the last digits of a product of matrices depend on their shapes.
    """
    plan, draws = pairs.plan, pairs.plan.model.additive.draws
    frame, own = plan.model.additive.frame, plan.clinicians
    client, clinician = pairs.client[rows], pairs.clinician[rows]
    match = np.moveaxis(pairs.raw[:, rows] - pairs.usual[:, client], 0, -1)
    match = np.ascontiguousarray(match)
    drawn = own.drawn[clinician]
    drawn += frame.match.apply(match).astype(np.float32) @ draws["matches"]
    if "evidence" in draws:
        evidence = (np.where(np.isnan(match), 0.0, match) @ frame.prior).astype(np.float32)
        drawn += evidence[..., None] * draws["evidence"]
    for block in frame.products:
        _add_products(drawn, pairs, rows, block)
    if frame.levels and pairs.clients.level.ndim > 1:
        index, level = own.index[clinician], pairs.clients.level[client]
        add_draws_of_tags(drawn, draws["by_level"], index, level, frame.levels)
    elif frame.levels:
        index, level = own.index[clinician], pairs.clients.level[client]
        cell = index * frame.levels + level
        known = (index >= 0) & (level >= 0) & (cell < len(draws["by_level"]))
        drawn[known] += draws["by_level"][cell[known]]
    return drawn, own.unknown[clinician]


def _add_products(drawn: Drawn, pairs: ScoredPairs, rows: Places, block: str) -> None:
    """Adds the deviations of products: the client's side first, which is one for many pairs."""
    additive = pairs.plan.model.additive
    products, draws = additive.frame.products[block].client, additive.draws[block]
    for into, some in zip(drawn, rows, strict=True):
        of_client, directions = pairs.client[some], pairs.plan.clinicians.directions[block]
        for client in set(of_client.tolist()):
            ours = products.scaled(pairs.clients.rows[[client]]) @ products.basis
            by_direction = ours.astype(np.float32) @ draws.reshape(ours.shape[1], -1)
            theirs = of_client == client
            into[theirs] += directions[pairs.clinician[some[theirs]]] @ by_direction.reshape(
                directions.shape[1], -1
            )
