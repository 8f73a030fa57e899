"""Chooses the relaxations worth offering to staff, and puts them into words.

A relaxation is offered when a clinician it admits is clearly ahead of the first eligible one, or
when few are eligible: fewer than the request asks to be shown, and also nobody.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from recommender.model.alliance_model import RosterEncoding
from recommender.plan.leads import ahead
from recommender.plan.score_plan import ScoredPairs
from recommender.practice.definition import Practice
from recommender.practice.fields import Field, listed
from recommender.practice.rules.time_rules import windows_of
from recommender.recommendation.fact_text import added_hours_text, money_text
from recommender.recommendation.ranking import CLEAR_LEAD
from recommender.recommendation.stated_scores import ScoredPlaces
from recommender.screening.changes import Change, Relaxation, ScreenedRequest
from recommender.screening.relaxation import admitted, changed
from recommender.values.kinds import RawValue

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
    ahead
        Probability of being ahead of the first eligible clinician; None where nobody is eligible.
    """

    text: str
    changes: tuple[Change, ...]
    admits: int
    clinician_id: str
    name: str
    predicted: float | None
    gain: float | None
    ahead: float | None


@dataclass(frozen=True, slots=True)
class _Candidate:
    """A relaxation with the strongest clinician it admits."""

    relaxation: Relaxation
    place: int
    pairing: float
    predicted: float | None = None
    gain: float | None = None
    ahead: float | None = None


@dataclass(frozen=True, slots=True, eq=False)
class _Pool:
    """The pairs with the answers as stated, and those with the answers of relaxations.

    Attributes
    ----------
    pairs
        The pairs; a clinician whom several relaxations admit may be there more than once.
    first
        The row of the first eligible clinician; None where nobody is eligible.
    rows
        The rows of each relaxation.
    """

    pairs: ScoredPairs
    first: int | None
    rows: tuple[Places, ...]


def _pool_of(
    request: ScreenedRequest, stated: ScoredPlaces, possible: Sequence[Relaxation]
) -> _Pool:
    """The stated pairs, and those of relaxations that change an answer the model reads.

    Most relaxations change no answer that the model reads: their pairs are scored already.
    """
    pairs = stated.pairs
    read = pairs.plan.model.pipeline.client_fields
    rows = [stated.rows_at(each.admits) for each in possible]
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
    return _Pool(pairs, stated.first, tuple(rows))


def unscored_offers(
    request: ScreenedRequest, encoding: RosterEncoding, possible: Sequence[Relaxation]
) -> tuple[RelaxationOffer, ...]:
    """Offers without predictions, which are made only when few are eligible."""
    first = [_Candidate(relaxation, int(relaxation.admits[0]), 0.0) for relaxation in possible]
    return _offers_that_hold(request, encoding, first, few=True)


def relaxation_offers(
    request: ScreenedRequest,
    encoding: RosterEncoding,
    stated: ScoredPlaces,
    possible: Sequence[Relaxation],
    *,
    few: bool,
) -> tuple[RelaxationOffer, ...]:
    """Offers with predictions: fewest changes first, then the strongest clinician.

    Parameters
    ----------
    request
        The screened request.
    encoding
        The encoded roster.
    stated
        The eligible clinicians and whom relaxations admit, with the answers as stated.
    possible
        The relaxations.
    few
        Whether fewer clinicians are eligible than the request asks to be shown.
    """
    if not possible:
        return ()
    possible = _fewest_changes(possible) if few else possible
    pool = _pool_of(request, stated, possible)
    candidates = _candidates(pool, possible, few=few)
    return _offers_that_hold(request, encoding, candidates, few=few)


def _fewest_changes(possible: Sequence[Relaxation]) -> list[Relaxation]:
    """The relaxations among which candidates are, where those with the fewest changes come first.

    Others would be scored in vain.
    """
    counts = sorted(len(each.changes) for each in possible)
    most = counts[:MAX_CANDIDATES][-1]
    return [each for each in possible if len(each.changes) <= most]


def _candidates(pool: _Pool, possible: Sequence[Relaxation], *, few: bool) -> list[_Candidate]:
    """The strongest clinician of each relaxation.

    Unless few are eligible, only where clearly ahead of the first eligible one.
    """
    pairing, first = pool.pairs.scores.pairing, pool.first
    strongest = np.array([rows[pairing[rows].argmax()] for rows in pool.rows], dtype=np.intp)
    leads = pairing[strongest] - (0.0 if first is None else pairing[first])
    changes = np.array([len(each.changes) if few else 0 for each in possible])
    order = np.lexsort((-leads, changes))[:MAX_CANDIDATES]
    order = order if few else order[leads[order] > 0]
    leading = _leads(pool, strongest[order])
    linker = pool.pairs.plan.model.linker
    displayed = linker.to_displayed(pool.pairs.scores.alliance[strongest[order]])
    return [
        _Candidate(
            possible[number],
            int(pool.pairs.clinician[strongest[number]]),
            float(pairing[strongest[number]]),
            float(points),
            None if first is None else float(leads[number]),
            lead,
        )
        for number, points, lead in zip(order.tolist(), displayed.tolist(), leading, strict=True)
        if few or (lead is not None and lead >= CLEAR_LEAD)
    ]


def _leads(pool: _Pool, rows: Places) -> list[float | None]:
    """Probability of being ahead of the first eligible clinician; None where nobody is eligible."""
    if pool.first is None or not len(rows):
        return [None] * len(rows)
    return [float(one) for one in ahead(pool.pairs, rows, np.full(len(rows), pool.first))]


def _offers_that_hold(
    request: ScreenedRequest,
    encoding: RosterEncoding,
    candidates: Sequence[_Candidate],
    *,
    few: bool,
) -> tuple[RelaxationOffer, ...]:
    """Offers of the candidates that admit their clinician, fewest changes first.

    A candidate that asks for no less than an earlier one and offers no more is left out.
    """

    def fewest_changes_first(candidate: _Candidate) -> tuple[int, float, str]:
        changes = candidate.relaxation.changes
        return len(changes), -candidate.pairing, str(changes)

    chosen: list[_Candidate] = []
    offers: list[RelaxationOffer] = []
    for each in sorted(candidates, key=fewest_changes_first):
        if len(offers) == MAX_OFFERS:
            break
        if any(_asks_no_more(other, each, few=few) for other in chosen):
            continue
        admits = admitted(request, each.relaxation)
        if each.place in admits:
            chosen.append(each)
            offers.append(_offer(request, encoding, each, len(admits)))
    return tuple(offers)


def _asks_no_more(one: _Candidate, other: _Candidate, *, few: bool) -> bool:
    """Whether one candidate changes nothing beyond the other, and offers as much.

    Where few are eligible any clinician is as much: only the smallest sets of changes remain.
    """
    theirs = {change.field: change for change in other.relaxation.changes}
    if few and one.relaxation.fields < other.relaxation.fields:
        return True
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
    changes = candidate.relaxation.changes
    texts = [_text(request, change) for change in changes]
    ask = any(change.ask for change in changes)
    roster = encoding.roster
    return RelaxationOffer(
        text=f"you could ask whether {texts[0]} matters" if ask else " and ".join(texts),
        changes=() if ask else changes,
        admits=admits,
        clinician_id=roster.ids[candidate.place],
        name=roster.name_of(candidate.place),
        predicted=candidate.predicted,
        gain=candidate.gain,
        ahead=candidate.ahead,
    )


def _text(request: ScreenedRequest, change: Change) -> str:
    field = request.practice.client[change.field]
    template = request.practice.constraints[change.constraint].offer
    if field.kind == "flag" or change.ask:
        return template or field.phrase
    stated, value = _answers(request, field, change)
    template = template or f"{field.phrase}: {{value}} instead of {{stated}}"
    return template.replace("{value}", value).replace("{stated}", stated)


def _answers(request: ScreenedRequest, field: Field, change: Change) -> tuple[str, str]:
    """The stated and the sufficient answer in words; for lists only their difference."""
    stated = request.client[field.name][0]
    if field.kind == "tags":
        named = {lv for lv, on in zip(field.levels, stated.tolist(), strict=True) if on == 1}
        apart = [lv for lv in field.levels if (lv in named) != (lv in change.answer)]
        return "", listed([field.label_of(level) for level in apart])
    if field.kind == "weekly_hours":
        return "", added_hours_text(
            windows_of(request.client[field.name]),
            windows_of(changed(request, [change])[field.name]),
        )
    if field.levels:
        before = "none" if np.isnan(stated) else field.label_of(field.levels[int(stated)])
        return before, field.label_of(str(change.answer))
    return (
        _amount(request.practice, field, float(stated) / field.behaviour.units),
        _amount(request.practice, field, change.answer),
    )


def _amount(practice: Practice, field: Field, value: RawValue) -> str:
    if field.kind != "money":
        return f"{value:g}" if isinstance(value, float) else str(value)
    return money_text(practice, float(value))
