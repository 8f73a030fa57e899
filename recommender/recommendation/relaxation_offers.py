"""Chooses the relaxations worth offering to staff, and puts them into words.

A relaxation is offered when a clinician it admits is clearly ahead of the first eligible one, or
when few are eligible: fewer than the request asks to be shown, and also nobody.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import groupby

import numpy as np
from numpy.typing import NDArray

from recommender.model.alliance_model import RosterEncoding
from recommender.plan.leads import ahead
from recommender.plan.score_plan import ScoredPairs, ScorePlan
from recommender.recommendation.ranking import CLEAR_LEAD
from recommender.recommendation.relaxation_bounds import may_lead
from recommender.recommendation.relaxation_text import relaxation_text
from recommender.recommendation.stated_scores import ScoredPlaces, score_stated
from recommender.screening.changes import Change, Relaxation, ScreenedRequest
from recommender.screening.relaxation import admitted, changed, max_changes, relaxations

Array = NDArray[np.float64]
Places = NDArray[np.intp]

MAX_OFFERS = 6
"""Offers per request: as many as a person on the phone can weigh."""
MAX_CANDIDATES = 24
"""Relaxations whose lead is computed, which takes random draws."""


@dataclass(frozen=True, slots=True)
class RelaxationOffer:
    """One relaxation offered to staff.

    Attributes
    ----------
    text
        The change in words.
    changes
        The changed answers; empty where staff may only ask the client.
    admits
        Number of clinicians it would admit.
    clinician_id, name
        The strongest of them; the first on the roster where nothing is predicted.
    predicted
        Their predicted alliance, in points of the reference scale.
    gain
        Points above the first eligible clinician; None where nobody is eligible.
    """

    text: str
    changes: tuple[Change, ...]
    admits: int
    clinician_id: str
    name: str
    predicted: float | None
    gain: float | None


@dataclass(frozen=True, eq=False)
class OfferSearch:
    """What the relaxations worth offering of one request are found from, when they are first read.

    Attributes
    ----------
    request, encoding, top_k
        As of `offered_relaxations`.
    plan
        What scores clinicians; None where nothing predicted is shown.
    stated
        The scores of `score_stated`, where they were needed before.
    """

    request: ScreenedRequest
    encoding: RosterEncoding
    top_k: int
    plan: ScorePlan | None
    stated: ScoredPlaces | None = None

    @cached_property
    def found(self) -> tuple[RelaxationOffer, ...]:
        """The relaxations worth offering."""
        stated = self.stated
        if stated is None and self.plan is not None:
            stated = score_stated(self.request, self.plan)
        return offered_relaxations(self.request, self.encoding, stated, self.top_k)


@dataclass(frozen=True, slots=True)
class _Candidate:
    """A relaxation with the strongest clinician it admits.

    `row` is theirs among the pairs scored, None where nothing is predicted.
    """

    relaxation: Relaxation
    place: int
    pairing: float = 0.0
    row: int | None = None
    predicted: float | None = None
    gain: float | None = None


def offered_relaxations(
    request: ScreenedRequest,
    encoding: RosterEncoding,
    stated: ScoredPlaces | None,
    top_k: int,
) -> tuple[RelaxationOffer, ...]:
    """The relaxations worth offering: fewest changes first, then the strongest clinician.

    Parameters
    ----------
    request
        The screened request.
    encoding
        The encoded roster.
    stated
        The eligible clinicians and whom relaxations admit, scored with the answers as stated; None
        for a client without a prediction, who gets offers only where few are eligible.
    top_k
        How many clinicians the request asks to be shown.
    """
    if int(np.count_nonzero(request.screening.eligible)) < top_k:
        return _where_few_are_eligible(request, encoding, stated)
    offers = _Offers(request, encoding, few=False)
    if stated is not None:
        offers.add(_clearly_ahead(request, stated))
    return tuple(offers.found)


class _Offers:
    """Offers of the candidates that admit their clinician, in the order in which they are added.

    A candidate that asks for no less than an earlier one and offers no more is left out.
    """

    def __init__(self, request: ScreenedRequest, encoding: RosterEncoding, *, few: bool) -> None:
        self._request, self._encoding, self._few = request, encoding, few
        self._chosen: list[_Candidate] = []
        self.found: list[RelaxationOffer] = []

    @property
    def is_full(self) -> bool:
        """Whether no more are offered."""
        return len(self.found) == MAX_OFFERS

    def add(self, candidates: Sequence[_Candidate]) -> None:
        """Adds candidates, fewest changes first, as long as there is room."""
        for each in sorted(candidates, key=_fewest_changes_first):
            if self.is_full:
                break
            if self.leaves_out(each.relaxation):
                continue
            if any(_asks_no_more(other, each) for other in self._chosen):
                continue
            admits = admitted(self._request, each.relaxation)
            if each.place in admits:
                self._chosen.append(each)
                self.found.append(_offer(self._request, self._encoding, each, len(admits)))

    def leaves_out(self, relaxation: Relaxation) -> bool:
        """Whether a smaller set of changes takes the place of these.

        Where few are eligible any clinician is as much: only the smallest sets of changes remain.
        """
        return self._few and any(
            each.relaxation.fields < relaxation.fields for each in self._chosen
        )


def _where_few_are_eligible(
    request: ScreenedRequest, encoding: RosterEncoding, stated: ScoredPlaces | None
) -> tuple[RelaxationOffer, ...]:
    """Offers that add anybody; larger sets of changes are scored only where smaller do not do."""
    most = max_changes(request.screening)
    possible = relaxations(request, most, None if stated is None else stated.excluded)
    offers, left = _Offers(request, encoding, few=True), MAX_CANDIDATES
    for _, level in groupby(sorted(possible, key=_count), key=_count):
        some = list(level)
        if not all(offers.leaves_out(each) for each in some):
            if stated is None:
                offers.add([_Candidate(each, int(each.admits[0])) for each in some])
            else:
                offers.add(_strongest_first(_scored(request, stated, some)[1])[:left])
        left -= 0 if stated is None else len(some)
        if offers.is_full or left <= 0:
            break
    return tuple(offers.found)


def _clearly_ahead(request: ScreenedRequest, stated: ScoredPlaces) -> list[_Candidate]:
    """The relaxations whose strongest clinician is clearly ahead of the first eligible one."""
    leaders = may_lead(request, stated)
    if not len(leaders.clear):
        return []
    clear = frozenset(leaders.clear.tolist())
    possible = [
        each
        for each in relaxations(request, max_changes(request.screening), leaders.ahead)
        if not clear.isdisjoint(each.admits.tolist())
    ]
    if not possible:
        return []
    pairs, candidates = _scored(request, stated, possible)
    leading = [each for each in candidates if each.gain is not None and each.gain > 0]
    leading = _strongest_first(leading)[:MAX_CANDIDATES]
    if not leading:
        return []
    rows = np.array([each.row for each in leading])
    leads = ahead(pairs, rows, np.full(len(rows), stated.first))
    return [each for each, lead in zip(leading, leads.tolist(), strict=True) if lead >= CLEAR_LEAD]


def _scored(
    request: ScreenedRequest, stated: ScoredPlaces, possible: Sequence[Relaxation]
) -> tuple[ScoredPairs, list[_Candidate]]:
    """The strongest clinician of each relaxation, and the pairs they are among.

    These are the stated pairs, and those of relaxations that change an answer the model reads:
    the pairs of the others, which are most, are scored already.
    """
    pairs = stated.pairs
    read = pairs.plan.model.pipeline.client_fields
    row_of = stated.row_of_place(request.roster.size)
    rows = [row_of[each.admits] for each in possible]
    # Relaxations that differ in answers the model does not read are of one client to it.
    alike: dict[tuple[tuple[str, str], ...], list[int]] = {}
    for number, each in enumerate(possible):
        own = ((c.field, str(c.answer)) for c in each.changes if c.field in read)
        alike.setdefault(tuple(sorted(own)), []).append(number)
    alike.pop((), None)
    if alike:
        apart = pairs.plan.score_changed(
            pairs,
            [np.concatenate([rows[number] for number in some]) for some in alike.values()],
            [changed(request, possible[some[0]].changes) for some in alike.values()],
            [possible[some[0]].fields for some in alike.values()],
        )
        order = [number for some in alike.values() for number in some]
        ends = np.cumsum([len(rows[number]) for number in order])
        added = np.split(len(pairs) + np.arange(len(apart)), ends[:-1])
        for number, places in zip(order, added, strict=True):
            rows[number] = places
        pairs = pairs.followed_by(apart)
    pairing = pairs.scores.pairing
    strongest = np.array([some[pairing[some].argmax()] for some in rows], dtype=np.intp)
    points = pairs.plan.model.linker.to_displayed(pairs.scores.alliance[strongest])
    first = None if stated.first is None else float(pairing[stated.first])
    values = zip(
        possible,
        pairs.clinician[strongest].tolist(),
        pairing[strongest].tolist(),
        strongest.tolist(),
        points.tolist(),
        strict=True,
    )
    return pairs, [_Candidate(*each, None if first is None else each[2] - first) for each in values]


def _strongest_first(candidates: Sequence[_Candidate]) -> list[_Candidate]:
    return sorted(candidates, key=lambda each: -each.pairing)


def _count(relaxation: Relaxation) -> int:
    return len(relaxation.changes)


def _fewest_changes_first(candidate: _Candidate) -> tuple[int, float, str]:
    changes = candidate.relaxation.changes
    return len(changes), -candidate.pairing, str(changes)


def _asks_no_more(one: _Candidate, other: _Candidate) -> bool:
    """Whether one candidate changes nothing beyond the other, and offers as much."""
    theirs = {change.field: change for change in other.relaxation.changes}
    return one.pairing >= other.pairing and all(
        change.field in theirs and _is_within(change, theirs[change.field])
        for change in one.relaxation.changes
    )


def _is_within(change: Change, other: Change) -> bool:
    if change.answer == other.answer:
        return True
    return change.step is not None and other.step is not None and change.step < other.step


def _offer(
    request: ScreenedRequest, encoding: RosterEncoding, candidate: _Candidate, admits: int
) -> RelaxationOffer:
    relaxation = candidate.relaxation
    roster = encoding.roster
    return RelaxationOffer(
        text=relaxation_text(request, relaxation),
        changes=() if relaxation.asks else relaxation.changes,
        admits=admits,
        clinician_id=roster.ids[candidate.place],
        name=roster.name_of(candidate.place),
        predicted=candidate.predicted,
        gain=candidate.gain,
    )
