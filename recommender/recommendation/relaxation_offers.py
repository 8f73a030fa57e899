"""Which relaxations are worth telling staff, what they would bring, and how they are said.

A change is offered when somebody it admits is clearly ahead of whoever stands first now, or when
nobody fits at all. Imported by `recommend`.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from recommender.features.pipeline import Pairs, matched_fields
from recommender.model.alliance_model import (
    AllianceModel,
    PairScores,
    PreparedPairs,
    RosterEncoding,
)
from recommender.practice.columns import Columns
from recommender.practice.definition import Practice
from recommender.practice.fields import Field
from recommender.recommendation.ranking import CLEAR_LEAD
from recommender.screening.relaxation import Change, Relaxation, ScreenedRequest, admitted, changed
from recommender.values.kinds import DAYS, RawValue

Array = NDArray[np.float64]
Places = NDArray[np.intp]

MAX_OFFERS = 6
"""More than a person on the phone can weigh is not read."""
MAX_CANDIDATES = 24
"""Relaxations whose lead is worked out: the draws behind it are what costs."""
DAY_NAMES = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
CURRENCY_SIGNS = {"AUD": "$", "NZD": "$", "USD": "$", "EUR": "€", "GBP": "£"}


@dataclass(frozen=True, slots=True)
class RelaxationOffer:
    """One relaxation as staff are told it.

    Attributes
    ----------
    say
        The change in words.
    changes
        Answers that make it come true; empty where staff may only ask the client.
    opens
        How many clinicians it would admit.
    clinician_id, name
        The strongest of them, the first by id where nothing is predicted.
    predicted
        Their predicted alliance in points of the reference scale, as they would be shown with it.
    gain
        Points above whoever stands first now; None where nobody does.
    ahead
        Probability of being ahead of whoever stands first now.
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
    """A relaxation with the strongest of those it admits."""

    relaxation: Relaxation
    place: int
    pairing: float
    predicted: float | None = None
    gain: float | None = None
    ahead: float | None = None


@dataclass(frozen=True, slots=True, eq=False)
class CandidatePool:
    """Pairings of one request made ready together: a second scoring would cost as much again.

    Attributes
    ----------
    places
        Of the roster: those who fit, then those each relaxation would admit, one after another.
    fitting
        How many fit.
    rows
        Rows of those each relaxation admits.
    prepared, scores
        The pairings in this order, each with the answers under which they would be shown.
    """

    places: Places
    eligible: int
    rows: tuple[Places, ...]
    prepared: PreparedPairs
    scores: PairScores

    @property
    def first(self) -> int | None:
        """The row with the highest pairing part of those who fit, if anybody does."""
        return int(self.scores.pairing[: self.eligible].argmax()) if self.eligible else None


def candidate_pool(
    asked: ScreenedRequest,
    encoding: RosterEncoding,
    model: AllianceModel,
    found: Sequence[Relaxation],
) -> CandidatePool:
    """Everyone who fits or could, scored.

    Answers the model does not read change no row, so most relaxations share the client's own.
    """
    read = _model_fields(asked.practice)
    clients, owners = [asked.client], []
    for relaxation in found:
        owners.append(len(clients) if relaxation.fields & read else 0)
        clients += [changed(asked, relaxation.changes)] if owners[-1] else []
    fitting = np.flatnonzero(asked.screening.eligible)
    groups = [fitting, *(relaxation.admits for relaxation in found)]
    sizes = [len(group) for group in groups]
    ends = np.cumsum(sizes)
    places = np.concatenate(groups)
    prepared = model.prepare(
        _stacked(clients), encoding, Pairs(np.repeat(np.array([0, *owners]), sizes), places)
    )
    rows = tuple(np.arange(*ends[number : number + 2]) for number in range(len(found)))
    return CandidatePool(places, len(fitting), rows, prepared, model.score_of(prepared))


def unscored_offers(
    asked: ScreenedRequest, encoding: RosterEncoding, found: Sequence[Relaxation]
) -> tuple[RelaxationOffer, ...]:
    """What would let anybody through, where nothing is predicted; only when nobody fits."""
    if asked.screening.eligible.any():
        return ()
    worth = [_Candidate(relaxation, int(relaxation.admits[0]), 0.0) for relaxation in found]
    return _offers_that_hold(asked, encoding, sorted(worth, key=_fewest_changes_first))


def relaxation_offers(
    asked: ScreenedRequest,
    encoding: RosterEncoding,
    model: AllianceModel,
    pool: CandidatePool,
    found: Sequence[Relaxation],
) -> tuple[RelaxationOffer, ...]:
    """What is worth offering, smallest sets of changes first, then by what they gain.

    Parameters
    ----------
    asked
        The request.
    encoding
        The roster as the model knows it.
    model
        The model that scores.
    pool
        Who fits and who could, scored.
    found
        The relaxations the pool was made for.
    """
    worth = _candidates(model, pool, found)
    return _offers_that_hold(asked, encoding, sorted(worth, key=_fewest_changes_first))


def _fewest_changes_first(worth: _Candidate) -> tuple[int, float, str]:
    changes = worth.relaxation.changes
    return len(changes), -worth.pairing, str(changes)


def _candidates(
    model: AllianceModel, pool: CandidatePool, found: Sequence[Relaxation]
) -> list[_Candidate]:
    """The strongest of each relaxation, where clearly ahead of the first, or where nobody fits."""
    pairing, first = pool.scores.pairing, pool.first
    strongest = np.array([rows[pairing[rows].argmax()] for rows in pool.rows], dtype=np.intp)
    leads = pairing[strongest] - (0.0 if first is None else pairing[first])
    order = np.argsort(-leads, kind="stable")[:MAX_CANDIDATES]
    order = order if first is None else order[leads[order] > 0]
    sure = _leads(model, pool, strongest[order])
    displayed = model.linker.to_displayed(pool.scores.alliance[strongest[order]])
    return [
        _Candidate(
            found[number],
            int(pool.places[strongest[number]]),
            float(pairing[strongest[number]]),
            float(points),
            None if first is None else float(leads[number]),
            lead,
        )
        for number, points, lead in zip(order.tolist(), displayed.tolist(), sure, strict=True)
        if lead is None or lead >= CLEAR_LEAD
    ]


def _leads(model: AllianceModel, pool: CandidatePool, rows: Places) -> list[float | None]:
    """Probability of being ahead of whoever stands first, None where nobody does."""
    if pool.first is None or not len(rows):
        return [None] * len(rows)
    first = np.full(len(rows), pool.first)
    return [float(one) for one in model.ahead(pool.prepared, rows, first, pool.scores)]


def _model_fields(practice: Practice) -> frozenset[str]:
    """Client fields that can change a score."""
    return matched_fields(practice)[0] | set(practice.fields("client", "score"))


def _stacked(clients: Sequence[Columns]) -> Columns:
    """Rows of one client's variants below one another; those of places and hours are padded."""
    if len(clients) == 1:
        return clients[0]
    values = {}
    for name, first in clients[0].values.items():
        columns = [client[name] for client in clients]
        if first.ndim == 3:
            most = max(column.shape[1] for column in columns)
            columns = [_padded(column, most) for column in columns]
        values[name] = np.concatenate(columns)
    return Columns(len(clients), values)


def _padded(column: Array, most: int) -> Array:
    missing = np.full((1, most - column.shape[1], column.shape[2]), np.nan)
    return np.concatenate([column, missing], axis=1)


def _offers_that_hold(
    asked: ScreenedRequest, encoding: RosterEncoding, worth: Sequence[_Candidate]
) -> tuple[RelaxationOffer, ...]:
    """The offers that come true, none of which asks more than another for no more."""
    chosen: list[_Candidate] = []
    offers: list[RelaxationOffer] = []
    nobody_fits = not asked.screening.eligible.any()
    for each in worth:
        if len(offers) == MAX_OFFERS:
            break
        if any(_asks_no_more(other, each, nobody_fits) for other in chosen):
            continue
        admits = admitted(asked, each.relaxation)
        if each.place in admits:
            chosen.append(each)
            offers.append(_offer(asked, encoding, each, len(admits)))
    return tuple(offers)


def _asks_no_more(one: _Candidate, other: _Candidate, nobody_fits: bool) -> bool:
    """Whether one asks for nothing beyond the other, and gives as much.

    Where nobody fits, anybody is as much: only the smallest sets of changes are told then.
    """
    theirs = {change.field: change for change in other.relaxation.changes}
    if nobody_fits and one.relaxation.fields < other.relaxation.fields:
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
    asked: ScreenedRequest, encoding: RosterEncoding, worth: _Candidate, opens: int
) -> RelaxationOffer:
    changes = worth.relaxation.changes
    texts = [_text(asked, change) for change in changes]
    ask = any(change.ask for change in changes)
    roster = encoding.roster
    return RelaxationOffer(
        text=f"you could ask whether {texts[0]} matters" if ask else " and ".join(texts),
        changes=() if ask else changes,
        admits=opens,
        clinician_id=roster.ids[worth.place],
        name=roster.name_of(worth.place),
        predicted=worth.predicted,
        gain=worth.gain,
        ahead=worth.ahead,
    )


def _text(asked: ScreenedRequest, change: Change) -> str:
    field = asked.practice.client[change.field]
    template = asked.practice.constraints[change.constraint].offer
    if field.kind == "flag" or change.ask:
        return template or field.phrase
    stated, value = _answers(asked, field, change)
    template = template or f"{field.phrase}: {{value}} instead of {{stated}}"
    return template.replace("{value}", value).replace("{stated}", stated)


def _answers(asked: ScreenedRequest, field: Field, change: Change) -> tuple[str, str]:
    """What was asked for and what would be enough, or only what sets the two apart, in words."""
    stated = asked.client[field.name][0]
    if field.kind == "tags":
        named = {lv for lv, on in zip(field.levels, stated.tolist(), strict=True) if on == 1}
        apart = [lv for lv in field.levels if (lv in named) != (lv in change.answer)]
        return "", _listed([level.replace("_", " ") for level in apart])
    if field.kind == "weekly_hours":
        days = [DAY_NAMES[DAYS.index(w[:3])] for w in change.answer if w.endswith("00:00-24:00")]
        return "", days[-1] if days else ""
    if field.levels:
        before = "none" if np.isnan(stated) else field.levels[int(stated)]
        return before.replace("_", " "), str(change.answer).replace("_", " ")
    scale = 100.0 if field.kind == "money" else 1.0
    return (
        _amount(asked.practice, field, float(stated) / scale),
        _amount(asked.practice, field, change.answer),
    )


def _amount(practice: Practice, field: Field, value: RawValue) -> str:
    if field.kind != "money":
        return f"{value:g}" if isinstance(value, float) else str(value)
    digits = f"{value:.0f}" if float(value).is_integer() else f"{value:.2f}"
    sign = CURRENCY_SIGNS.get(practice.currency)
    return f"{sign}{digits}" if sign else f"{digits} {practice.currency}"


def _listed(words: Sequence[str]) -> str:
    return " and ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)
