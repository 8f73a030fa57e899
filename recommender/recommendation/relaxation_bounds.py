"""Upper bounds of predictions after relaxations: who cannot be clearly ahead is not looked at.

A relaxation changes answers, and of the pairing part only the matches and trees that read them
change. Each such match changes by no more than its range, and each tree by no more than its other
values allow, so that a bound needs the scores of the stated answers alone.
"""

from collections.abc import Callable, Mapping, Sequence, Set
from dataclasses import dataclass
from functools import lru_cache, partial

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

from recommender.features.feature import features_of
from recommender.model.alliance_model import SD_INFLATION
from recommender.model.interactions import is_multiplied
from recommender.plan.leads import doubts
from recommender.plan.score_plan import ScorePlan
from recommender.practice.definition import Practice
from recommender.practice.match_operators import places_among
from recommender.practice.matches import Match
from recommender.practice.rules.catalogue import ON_HOURS, RULES
from recommender.practice.rules.constraint import Constraint, eased_field
from recommender.practice.rules.minimal_changes import one_more_level
from recommender.recommendation.ranking import CLEAR_LEAD
from recommender.recommendation.stated_scores import ScoredPlaces
from recommender.recommendation.tree_bounds import most_by_way
from recommender.screening.changes import ScreenedRequest

Array = NDArray[np.float64]
Flags = NDArray[np.bool_]
Places = NDArray[np.intp]

MostByWay = Callable[[frozenset[int]], tuple[Places, Array]]

ROUNDING = 1e-6
"""Points by which a doubt that is computed from draws of 32 bits may be too large."""
MAX_PATTERNS = 64
"""Sets of columns whose tables are stored: few sets of constraints exclude most clinicians."""
MOST_HOURS = 24.0
"""Hours that a relaxation adds to those in common: it is one more day."""


@dataclass(frozen=True, slots=True, eq=False)
class PossibleLeaders:
    """Places of the excluded clinicians whom a relaxation may bring ahead of the first.

    Attributes
    ----------
    ahead
        All who may get ahead; none where nobody may be clearly ahead.
    clear
        Those of them who may be clearly ahead.
    """

    ahead: Places
    clear: Places


def may_lead(request: ScreenedRequest, stated: ScoredPlaces) -> PossibleLeaders:
    """Whom a relaxation may bring ahead of the first; somebody must be eligible."""
    assert stated.first is not None
    pairing, clinician = stated.pairs.scores.pairing, stated.pairs.clinician
    most, shifts = most_after_relaxation(request, stated)
    leads = pairing[stated.eligible :] + most - pairing[stated.first]
    # What is not drawn of a doubt depends on no answer, and needs no draws.
    unknown = stated.pairs.plan.clinicians.unknown[clinician]
    fixed = SD_INFLATION**2 * (unknown[stated.eligible :] + unknown[stated.first])
    clearly = ndtri(CLEAR_LEAD)
    ahead = leads > 0
    some = np.flatnonzero(ahead & (leads + ROUNDING >= clearly * np.sqrt(fixed)))
    if len(some):
        doubt = doubts(stated.pairs, stated.eligible + some, np.full(len(some), stated.first))
        # Deviations add up as sides of a triangle: those of the changed matches are the most that
        # can be taken from what is drawn.
        drawn = np.sqrt(np.maximum(doubt**2 - fixed[some], 0.0))
        least = np.sqrt(fixed[some] + np.fmax(drawn - shifts[some], 0.0) ** 2)
        some = some[leads[some] + ROUNDING >= clearly * least]
    places = clinician[stated.eligible :]
    return PossibleLeaders(places[ahead] if len(some) else places[:0], places[some])


def most_after_relaxation(request: ScreenedRequest, stated: ScoredPlaces) -> tuple[Array, Array]:
    """The most that relaxations change of the pairs of n excluded clinicians.

    Returns
    -------
    (n,)
        Points that are added to the pairing part; infinite where a changed answer is read otherwise
        than by a match with bounds. Closely bounded only for those who may get ahead of the first.
    (n,)
        Points by which what is drawn of the doubt about a lead becomes smaller.
    """
    bounds = _bounds_for(request, stated.pairs.plan)
    pairs, some = stated.pairs, slice(stated.eligible, None)
    judged = [bounds.places[each.name] for each in request.screening.constraints]
    excluding = request.screening.excluding.take(pairs.clinician[some], axis=1) > 0
    # Small whole numbers, exact in floats, whose products are several times faster.
    counts = excluding.astype(np.float32)
    affected = (bounds.reads.take(judged, axis=1) @ counts) > 0
    is_unbounded = affected[-1]
    matches = affected[bounds.match_rows]
    slopes = bounds.slopes
    # Matches without bounds are infinite, and those without a slope then not a number.
    with np.errstate(invalid="ignore"):
        rise, fall = _changes(request, bounds, stated)
        gains = np.where(slopes > 0, slopes * rise, np.where(slopes < 0, -slopes * fall, 0.0))
        most = np.add.reduce(np.where(matches, gains, 0.0))
        shifts = np.add.reduce(np.where(matches, bounds.doubts * np.maximum(rise, fall), 0.0))
    model = pairs.plan.model
    most *= 1 - model.tree_weight
    if model.trees is not None and model.tree_weight:
        columns = affected[:-1]
        at_most = most + model.tree_weight * (model.trees.ranges[bounds.columns] @ columns)
        if bounds.trees is not None and pairs.ways is not None:
            close = _possibly_ahead(stated, at_most)
            ways = pairs.ways[:, stated.eligible + close]
            rises = _of_trees(bounds, bounds.trees, ways, columns[:, close])
            at_most[close] = most[close] + model.tree_weight * rises
        most = at_most
    most[is_unbounded] = np.inf
    return most, shifts


def _possibly_ahead(stated: ScoredPlaces, most: Array) -> Places:
    """The excluded clinicians whom `most` further points bring ahead of the first; all without."""
    if stated.first is None:
        return np.arange(len(most))
    pairing = stated.pairs.scores.pairing
    return np.flatnonzero(pairing[stated.eligible :] + most > pairing[stated.first])


@dataclass(frozen=True, slots=True, eq=False)
class _Bounds:
    """What a relaxation changes in order to meet each of k constraints of a practice.

    Only the m matches that read an answer that may change are looked at.

    Attributes
    ----------
    places
        The place of each constraint among the k, by name.
    columns : (c,) int
        The columns of the model that may change: of answers, then of matches.
    reads : (c + 1, k) float32
        1 where a column may change; the last row is of answers that products or records read.
    matches : (m,) int
        The places of the matches.
    match_rows
        Their rows of `reads`.
    low, high, step : (m, 1)
        The least and the largest value, and the most by which a relaxation changes it.
    slopes, doubts : (m, 1)
        Points of the pairing part, and of the doubt about it, for one unit of the match.
    shared : by place among the m
        The client's field of tags, and which of its levels count, where a relaxation names one more
        and the match is the share of those named.
    trees
        `tree_bounds.most_by_way` of a set of columns; None where the trees have no table.
    """

    plan: ScorePlan
    places: Mapping[str, int]
    columns: Places
    reads: NDArray[np.float32]
    matches: Places
    match_rows: slice
    low: Array
    high: Array
    step: Array
    slopes: Array
    doubts: Array
    shared: Mapping[int, tuple[str, Flags]]
    trees: MostByWay | None


def _bounds_for(request: ScreenedRequest, plan: ScorePlan) -> _Bounds:
    """The bounds of a plan; the roster holds those used last."""
    latest: dict[str, _Bounds] = request.roster.view("relaxation bounds", dict)
    bounds = latest.get("latest")
    if bounds is None or bounds.plan is not plan:
        bounds = latest["latest"] = _bounds_of(plan)
    return bounds


def _bounds_of(plan: ScorePlan) -> _Bounds:
    model, practice = plan.model, plan.model.practice
    fields = [_changed_by(practice, each) for each in practice.constraints.values()]
    changed = frozenset[str]().union(*fields)
    scored = practice.fields("client", "score")
    answers = [field.name for field in scored.values() for _ in features_of([field])]
    read = [{field.name for field in match.client} for match in practice.matches.values()]
    own = [place for place, name in enumerate(answers) if name in changed]
    matches = [place for place, each in enumerate(read) if not each.isdisjoint(changed)]
    first = len(answers) + plan.clinicians.rows.shape[1]
    multiplied = {
        name
        for name, field in scored.items()
        for block in model.additive.frame.products
        if is_multiplied(field, block)
    }
    rows: list[Set[str]] = [{answers[place]} for place in own]
    rows += [read[place] for place in matches]
    declared = list(practice.matches.values())
    operators = [declared[place].comparison for place in matches]
    ends = np.array([each.bounds for each in operators], dtype=np.float64).reshape(-1, 2)
    steps = [MOST_HOURS if each.name == "hours_shared" else np.inf for each in operators]
    deviations = model.additive.slope_deviations[matches]
    by_way = None if plan.trees is None else partial(most_by_way, plan.trees.table)

    return _Bounds(
        plan,
        {name: place for place, name in enumerate(practice.constraints)},
        np.array([*own, *(first + place for place in matches)], dtype=np.intp),
        _meet([*rows, {*multiplied, *filter(None, [practice.history.per])}], fields),
        np.array(matches, dtype=np.intp),
        slice(len(own), len(own) + len(matches)),
        ends[:, :1],
        ends[:, 1:],
        np.array(steps).reshape(-1, 1),
        model.additive.match_slopes[matches, None],
        SD_INFLATION * np.sqrt(np.mean(np.square(deviations), axis=1, keepdims=True)),
        {
            at: (declared[place].client[0].name, _counted(declared[place]))
            for at, place in enumerate(matches)
            if declared[place].operator == "overlap" and _only_grows(practice, declared[place])
        },
        None if by_way is None else lru_cache(MAX_PATTERNS)(by_way),
    )


def _counted(match: Match) -> Flags:
    """Which levels of the client's tags count in a match, (levels,)."""
    ours, theirs = match.client[0], match.clinician[0]
    return ~np.isnan(places_among(ours.levels, theirs.levels, match.indifferent))


def _only_grows(practice: Practice, match: Match) -> bool:
    """Whether every relaxation of the client's tags names one level more."""
    name = match.client[0].name
    eased = [
        each
        for each in practice.constraints.values()
        if each.relaxable != "no" and eased_field(each, practice.client) == name
    ]
    return all(
        each.relaxable == "yes" and RULES[each.rule].ease is one_more_level for each in eased
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


def _changes(
    request: ScreenedRequest, bounds: _Bounds, stated: ScoredPlaces
) -> tuple[Array, Array]:
    """The most by which each centred match rises and falls with each excluded clinician, (m, n)."""
    low, high = bounds.low, bounds.high
    # The mean over the panel, by which a match is centred, changes as well. An unknown match, or
    # one without a mean, adds nothing now and after the change at most its whole range.
    raw = stated.pairs.raw[bounds.matches, stated.eligible :]
    usual = stated.pairs.usual[bounds.matches, :1]
    known = ~np.isnan(raw - usual)
    rise = np.where(known, (high - raw) + (usual - low), high - low)
    fall = np.where(known, (raw - low) + (high - usual), high - low)
    for at, (name, counted) in bounds.shared.items():
        # A share of k levels changes by no more than 1 / (k + 1) of what is left.
        named = np.count_nonzero((request.client[name][0] > 0) & counted)
        rise[at] /= named + 1
        fall[at] /= named + 1
    return np.minimum(rise, bounds.step), np.minimum(fall, bounds.step)


def _of_trees(bounds: _Bounds, by_way: MostByWay, ways: NDArray[np.uint8], columns: Flags) -> Array:
    """The most by which the trees' values of n pairs rise where columns (c, n) change, (n,)."""
    most = np.zeros(columns.shape[1])
    alike: dict[bytes, list[int]] = {}
    for row, pattern in enumerate(columns.T):
        alike.setdefault(pattern.tobytes(), []).append(row)
    for pattern, rows in alike.items():
        which = np.frombuffer(pattern, dtype=np.bool_)
        trees, rises = by_way(frozenset(bounds.columns[which].tolist()))
        if len(trees):
            taken = ways[trees[:, None], rows]
            most[rows] = np.add.reduce(np.take_along_axis(rises, taken, axis=1))
    return most
