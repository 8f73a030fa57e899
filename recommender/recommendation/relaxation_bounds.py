"""Upper bounds of predictions after relaxations: who cannot be ahead need not be looked at.

A relaxation changes answers, and of the pairing part only the matches that read them change. Each
match with declared bounds changes by no more than its range, so that a bound needs the scores of
the stated answers alone.
"""

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from recommender.features.feature import features_of
from recommender.plan.score_plan import ScoredPairs
from recommender.practice.definition import Practice
from recommender.practice.match_operators import OPERATORS
from recommender.practice.rules.catalogue import ON_HOURS
from recommender.practice.rules.constraint import Constraint, eased_field
from recommender.screening.relaxation import ScreenedRequest

Array = NDArray[np.float64]
Places = NDArray[np.intp]


def most_after_relaxation(request: ScreenedRequest, pairs: ScoredPairs) -> Array:
    """The most that relaxations can add to the pairing part of n excluded clinicians, (n,).

    Infinite where a changed answer is read otherwise than by a match with bounds.

    Parameters
    ----------
    request
        The screened request.
    pairs
        The client, with the answers as stated, and these clinicians.
    """
    model = pairs.plan.model
    practice, screening = request.practice, request.screening
    latest: dict[str, _Changed] = request.roster.view("relaxation bounds", dict)
    changed = latest.get("latest")
    if changed is None or changed.practice is not practice:
        changed = latest["latest"] = _changed_of(practice)
    judged = [changed.places[each.name] for each in screening.constraints]
    excluding = screening.excluding[:, pairs.clinician] > 0
    # Small whole numbers, exact in floats, whose products are several times faster.
    counts = excluding.astype(np.float32)
    affected = (changed.matches[:, judged] @ counts) > 0
    gains = np.where(affected, _gains(pairs), 0.0).sum(axis=0)
    if model.trees is not None and model.tree_weight:
        answers = (changed.columns[:, judged] @ counts) > 0
        gains = gains + model.tree_weight * (model.trees.ranges[: len(answers)] @ answers)
    unbounded = np.count_nonzero(excluding[changed.unbounded[judged]], axis=0) > 0
    return np.where(unbounded, np.inf, gains)


@dataclass(frozen=True, slots=True, eq=False)
class _Changed:
    """What a relaxation changes in order to meet each of k constraints of a practice.

    Attributes
    ----------
    places
        The place of each constraint among the k, by name.
    matches : (matches, k) float32
        1 where a match reads an answer that may change.
    columns : (client columns, k) float32
        1 where a column of the model is of an answer that may change.
    unbounded : (k,)
        Whether an answer may change that products or records read.
    """

    practice: Practice
    places: Mapping[str, int]
    matches: NDArray[np.float32]
    columns: NDArray[np.float32]
    unbounded: NDArray[np.bool_]


def _changed_of(practice: Practice) -> _Changed:
    fields = [_changed_by(practice, each) for each in practice.constraints.values()]
    scored = practice.fields("client", "score")
    multiplied = {name for name, field in scored.items() if field.behaviour.numeric}
    read = [{field.name for field in match.client} for match in practice.matches.values()]
    columns = [{field.name} for field in scored.values() for _ in features_of([field])]
    return _Changed(
        practice,
        {name: place for place, name in enumerate(practice.constraints)},
        _meet(read, fields),
        _meet(columns, fields),
        np.array([not own.isdisjoint({*multiplied, practice.history.per}) for own in fields]),
    )


def _meet(ones: Sequence[Set[str]], others: Sequence[Set[str]]) -> NDArray[np.float32]:
    """1 where the row's set has an element in common with the column's."""
    meet = [[not one.isdisjoint(other) for other in others] for one in ones]
    return np.array(meet, dtype=np.float32).reshape(len(ones), len(others))


def _changed_by(practice: Practice, constraint: Constraint) -> frozenset[str]:
    """The client's fields of which a relaxation may change one to meet a constraint."""
    fields = set()
    if constraint.relaxable != "no":
        fields.add(eased_field(constraint, practice.client))
    # A constraint on a way of meeting is also met by meeting in another, and one on hours by a
    # longer trip to a room with a time.
    if constraint.ways and practice.ways is not None:
        fields.add(practice.ways.client)
    if constraint.rule in ON_HOURS:
        trips = (each for each in practice.constraints.values() if each.rule == "within_km")
        fields.update(eased_field(each, practice.client) for each in trips)
    return frozenset(name for name in fields if name is not None)


def _gains(pairs: ScoredPairs) -> Array:
    """The most by which a change of each match can raise each pairing part, (matches, n)."""
    model = pairs.plan.model
    slopes = model.additive.match_slopes[:, None]
    ends = [OPERATORS[match.operator].bounds for match in model.practice.matches.values()]
    low, high = np.array(ends, dtype=np.float64).reshape(-1, 2).T[:, :, None]
    # The mean over the panel, by which a match is centred, changes as well. An unknown match, or
    # one without a mean, adds nothing now and after the change at most its whole range.
    raw, usual = pairs.raw, pairs.usual.take(pairs.client, axis=1)
    known = ~(np.isnan(raw) | np.isnan(usual))
    with np.errstate(invalid="ignore"):
        up = np.where(known, (high - raw) + (usual - low), high - low)
        down = np.where(known, (raw - low) + (high - usual), high - low)
        linear = np.where(slopes > 0, slopes * up, np.where(slopes < 0, -slopes * down, 0.0))
    gains = (1 - model.tree_weight) * linear
    if model.trees is None or not model.tree_weight:
        return np.asarray(gains)
    first = pairs.clients.rows.shape[1] + pairs.plan.clinicians.rows.shape[1]
    ranges = model.trees.ranges[first : first + len(gains), None]
    return np.asarray(gains + model.tree_weight * ranges)
