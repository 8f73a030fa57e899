"""Upper bounds of predictions after relaxations: who cannot be ahead need not be looked at.

A relaxation changes answers, and of the pairing part only the matches that read them change. Each
match with declared bounds changes by no more than its range, so that a bound needs the scores of
the stated answers alone.
"""

import numpy as np
from numpy.typing import NDArray

from recommender.model.alliance_model import AllianceModel, PreparedPairs
from recommender.practice.definition import Practice
from recommender.practice.match_operators import OPERATORS
from recommender.practice.rules.constraint import Constraint, eased_field
from recommender.screening.relaxation import ScreenedRequest
from recommender.screening.screen import Screening

Array = NDArray[np.float64]
Places = NDArray[np.intp]


def most_after_relaxation(
    request: ScreenedRequest, model: AllianceModel, prepared: PreparedPairs, places: Places
) -> Array:
    """The most that relaxations can add to the pairing part of n excluded clinicians, (n,).

    Infinite where a changed answer is read otherwise than by a match with bounds.

    Parameters
    ----------
    request
        The screened request.
    prepared
        The pairs of the stated answers and these clinicians, n rows.
    places : (n,) int
        The clinicians, as places on the roster.
    """
    practice, screening = request.practice, request.screening
    changed = [_changed_by(practice, screening, each) for each in screening.constraints]
    excluding = screening.excluding[:, places] > 0
    scored = practice.fields("client", "score").keys() | {practice.history.per}
    unbounded = np.array([bool(fields & scored) for fields in changed])
    matched = np.array(
        [
            [not fields.isdisjoint(each.name for each in match.client) for fields in changed]
            for match in practice.matches.values()
        ],
        dtype=np.bool_,
    ).reshape(len(practice.matches), len(changed))
    affected = (matched.astype(np.intp) @ excluding) > 0
    gains = np.where(affected.T, _gains(model, prepared), 0.0)
    return np.where(excluding[unbounded].any(axis=0), np.inf, gains.sum(axis=1))


def _changed_by(practice: Practice, screening: Screening, constraint: Constraint) -> frozenset[str]:
    """The client's fields of which a relaxation may change one to meet a constraint."""
    fields = set()
    if constraint.relaxable != "no":
        fields.add(eased_field(constraint, practice.client))
    # A constraint on a way of meeting is also met by meeting in another, and one on hours by a
    # longer trip to a room with a time.
    if constraint.ways and practice.ways is not None:
        fields.add(practice.ways.client)
    if constraint.name in screening.hours:
        rules = practice.constraints.values()
        trips = (rule for rule in rules if rule.rule == "within_km")
        fields.update(eased_field(rule, practice.client) for rule in trips)
    return frozenset(name for name in fields if name is not None)


def _gains(model: AllianceModel, prepared: PreparedPairs) -> Array:
    """The most by which a change of each match can raise each pairing part, (n, matches)."""
    rows, slopes = prepared.rows, model.additive.match_slopes
    ends = [OPERATORS[match.operator].bounds for match in model.practice.matches.values()]
    low, high = np.array(ends, dtype=np.float64).reshape(-1, 2).T
    # The mean over the panel, by which a match is centred, changes as well. An unknown match, or
    # one without a mean, adds nothing now and after the change at most its whole range.
    usual = rows.raw - rows.match
    known = ~np.isnan(rows.match)
    with np.errstate(invalid="ignore"):
        up = np.where(known, (high - rows.raw) + (usual - low), high - low)
        down = np.where(known, (rows.raw - low) + (high - usual), high - low)
        linear = np.where(slopes > 0, slopes * up, np.where(slopes < 0, -slopes * down, 0.0))
    gains = (1 - model.tree_weight) * linear
    if model.trees is None or not model.tree_weight:
        return np.asarray(gains)
    width = rows.client.shape[1] + rows.clinician.shape[1]
    ranges = model.trees.ranges[width : width + gains.shape[1]]
    return np.asarray(gains + model.tree_weight * ranges)
