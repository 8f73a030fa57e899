"""Probabilities that one scored pair is ahead of another."""

import numpy as np

from recommender.features.feature import Array
from recommender.model.additive import Drawn
from recommender.model.alliance_model import lead_doubt, probabilities_among, probability_ahead
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
    return probabilities_among(pairs.scores.pairing[rows], *_deviations(pairs, rows))


def _deviations(pairs: ScoredPairs, rows: Places) -> tuple[Drawn, Array]:
    """Deviations of some pairs' pairing part from its mean in every draw, (stacks, m, draws).

    And the variance that is not drawn, (stacks, m). `rows` (stacks, m) are indices of `pairs`,
    stacked because the last digits of a product of matrices depend on their shapes.
    """
    plan, draws = pairs.plan, pairs.plan.model.additive.draws
    frame, own = plan.model.additive.frame, plan.clinicians
    client, clinician = pairs.client.take(rows), pairs.clinician.take(rows)
    match = pairs.raw.take(rows, axis=1) - pairs.usual.take(client, axis=1)
    match = np.ascontiguousarray(match.transpose(1, 2, 0))
    drawn = own.drawn.take(clinician, axis=0)
    drawn += frame.match.apply(match).astype(np.float32) @ draws["matches"]
    if "evidence" in draws:
        evidence = (np.where(np.isnan(match), 0.0, match) @ frame.prior).astype(np.float32)
        drawn += evidence[..., None] * draws["evidence"]
    whose = client[:, 0]
    # The client's side of a product is first, which is one for many pairs.
    is_one = pairs.clients.is_one or (client == whose[:, None]).all()
    for block in frame.products:
        if is_one:
            drawn += _products(pairs, whose, clinician, block)
        else:
            _add_products(drawn, pairs, client, clinician, block)
    if frame.levels:
        index, level = own.index.take(clinician), pairs.clients.level.take(client, axis=0)
        if level.ndim > index.ndim:
            add_draws_of_tags(drawn, draws["by_level"], index, level, frame.levels)
        else:
            cell = index * frame.levels + level
            known = (index >= 0) & (level >= 0) & (cell < len(draws["by_level"]))
            drawn[known] += draws["by_level"][cell[known]]
    return drawn, own.unknown.take(clinician)


def _add_products(
    drawn: Drawn, pairs: ScoredPairs, client: Places, clinician: Places, block: str
) -> None:
    """Adds the deviations of products of m pairs to each stack, (stacks, m, draws)."""
    for into, ours, theirs in zip(drawn, client, clinician, strict=True):
        for one in np.unique(ours):
            own = ours == one
            into[own] += _products(pairs, one[None], theirs[None, own], block)[0]


def _products(pairs: ScoredPairs, client: Places, clinician: Places, block: str) -> Drawn:
    """The deviations of products of m pairs of each client, (clients, m, draws).

    `client` (clients,), `clinician` (clients, m).
    """
    additive = pairs.plan.model.additive
    basis, draws = additive.frame.products[block].client.basis, additive.draws[block]
    directions, scaled = pairs.plan.clinicians.directions[block], pairs.clients.scaled[block]
    ours = (scaled[client, None] @ basis).astype(np.float32)
    by_direction = ours @ draws.reshape(ours.shape[-1], -1)
    by_direction = by_direction.reshape(len(client), directions.shape[1], -1)
    return np.asarray(directions.take(clinician, axis=0) @ by_direction)
