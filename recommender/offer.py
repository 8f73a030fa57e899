"""Which relaxations are worth telling staff, what they would bring, and how they are said.

A change is offered when somebody it admits is clearly ahead of whoever stands first now, or when
nobody fits at all. Imported by `recommend`.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from recommender.definition.columns import Columns
from recommender.definition.fields import Field
from recommender.definition.kinds import DAYS, Raw
from recommender.features.pipeline import Pairs
from recommender.model import AllianceModel, Faced, Scores, Standing
from recommender.practice import Practice
from recommender.ranking import CLEAR
from recommender.relaxation import Asked, Change, Relaxation, admitted, relaxations

Array = NDArray[np.float64]
Places = NDArray[np.intp]

MOST_OFFERS = 6
"""More than a person on the phone can weigh is not read."""
DAY_NAMES = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
SIGNS = {"AUD": "$", "NZD": "$", "USD": "$", "EUR": "€", "GBP": "£"}


@dataclass(frozen=True, slots=True)
class Offer:
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

    say: str
    changes: tuple[Change, ...]
    opens: int
    clinician_id: str
    name: str
    predicted: float | None
    gain: float | None
    ahead: float | None


@dataclass(frozen=True, slots=True)
class _Worth:
    """A relaxation with the strongest of those it admits."""

    relaxation: Relaxation
    place: int
    pairing: float
    predicted: float | None
    gain: float | None
    ahead: float | None


def offers_unpredicted(asked: Asked, standing: Standing) -> tuple[Offer, ...]:
    """What would let anybody through, where nothing is predicted; only when nobody fits."""
    if asked.screening.eligible.any():
        return ()
    found = relaxations(asked, len(asked.screening.constraints))
    worth = [_Worth(r, int(r.admits[0]), 0.0, None, None, None) for r in found]
    return _told(asked, standing, sorted(worth, key=_asked_least))


def offers(
    asked: Asked, standing: Standing, model: AllianceModel, first: int | None
) -> tuple[Offer, ...]:
    """What is worth offering, smallest sets of changes first, then by what they gain.

    Parameters
    ----------
    asked
        The request.
    standing
        The roster as the model knows it.
    model
        The model that scores.
    first
        Place of the clinician with the highest pairing part now; None when nobody fits.
    """
    most = {} if first is not None else {"most_changes": len(asked.screening.constraints)}
    found = relaxations(asked, **most)
    if not found:
        return ()
    worth = _worth(asked, standing, model, found, first)
    return _told(asked, standing, sorted(worth, key=_asked_least))


def _asked_least(worth: _Worth) -> tuple[int, float, str]:
    changes = worth.relaxation.changes
    return len(changes), -worth.pairing, str(changes)


def _worth(
    asked: Asked,
    standing: Standing,
    model: AllianceModel,
    found: Sequence[Relaxation],
    first: int | None,
) -> list[_Worth]:
    faced, owner, places = _faced(asked, standing, model, found, first)
    scores = model.score_of(faced)
    candidates = np.arange(0 if first is None else 1, len(places))
    if first is not None:
        candidates = candidates[scores.pairing[1:] > scores.pairing[0]]
    ahead = _ahead(model, faced, scores, candidates, first)
    said = model.harmoniser.say(scores.alliance)
    best: dict[int, _Worth] = {}
    for row, lead in zip(candidates.tolist(), ahead, strict=True):
        relaxation, pairing = owner[row], float(scores.pairing[row])
        gain = None if first is None else pairing - float(scores.pairing[0])
        clear = lead is None or lead >= CLEAR
        if clear and (relaxation not in best or pairing > best[relaxation].pairing):
            best[relaxation] = _Worth(
                found[relaxation], int(places[row]), pairing, float(said[row]), gain, lead
            )
    return list(best.values())


def _faced(
    asked: Asked,
    standing: Standing,
    model: AllianceModel,
    found: Sequence[Relaxation],
    first: int | None,
) -> tuple[Faced, list[int], Places]:
    """Whom the relaxations admit, behind whoever stands first, each as the changes would have it.

    Answers the model does not read change no row, so most relaxations share the client's own.
    """
    read = _read_by(asked.practice)
    clients, variant = [asked.client], []
    for relaxation in found:
        changed = bool(relaxation.fields & read)
        variant.append(len(clients) if changed else 0)
        clients += [relaxation.client] if changed else []
    leading = [] if first is None else [first]
    owner = [-1] * len(leading)
    rows, places = [0] * len(leading), list(leading)
    for number, relaxation in enumerate(found):
        owner += [number] * len(relaxation.admits)
        rows += [variant[number]] * len(relaxation.admits)
        places += relaxation.admits.tolist()
    stood = np.array(places, dtype=np.intp)
    pairs = Pairs(np.array(rows, dtype=np.intp), stood)
    return model.face(_stacked(clients), standing, pairs), owner, stood


def _read_by(practice: Practice) -> frozenset[str]:
    """Client fields that can change a score."""
    matched = {field.name for match in practice.matches.values() for field in match.client}
    return frozenset(matched | set(practice.fields("client", "score")))


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


def _ahead(
    model: AllianceModel, faced: Faced, scores: Scores, candidates: Places, first: int | None
) -> list[float | None]:
    if first is None:
        return [None] * len(candidates)
    if not len(candidates):
        return []
    return list(model.ahead(faced, candidates, np.zeros_like(candidates), scores).tolist())


def _told(asked: Asked, standing: Standing, worth: Sequence[_Worth]) -> tuple[Offer, ...]:
    """The offers that come true, none of which asks more than another for no more."""
    kept: list[_Worth] = []
    told: list[Offer] = []
    nobody_fits = not asked.screening.eligible.any()
    for each in worth:
        if len(told) == MOST_OFFERS:
            break
        if any(_asks_no_more(other, each, nobody_fits) for other in kept):
            continue
        admits = admitted(asked, each.relaxation, _barred(asked))
        if each.place in admits:
            kept.append(each)
            told.append(_offer(asked, standing, each, len(admits)))
    return tuple(told)


def _barred(asked: Asked) -> Places:
    return np.flatnonzero(~asked.screening.eligible)


def _asks_no_more(one: _Worth, other: _Worth, nobody_fits: bool) -> bool:
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


def _offer(asked: Asked, standing: Standing, worth: _Worth, opens: int) -> Offer:
    changes = worth.relaxation.changes
    said = [_said(asked, change) for change in changes]
    ask = any(change.ask for change in changes)
    roster = standing.roster
    return Offer(
        say=f"you could ask whether {said[0]} matters" if ask else " and ".join(said),
        changes=() if ask else changes,
        opens=opens,
        clinician_id=roster.ids[worth.place],
        name=roster.name_of(worth.place),
        predicted=worth.predicted,
        gain=worth.gain,
        ahead=worth.ahead,
    )


def _said(asked: Asked, change: Change) -> str:
    field = asked.practice.client[change.field]
    template = asked.practice.constraints[change.constraint].offer
    if field.kind == "flag" or change.ask:
        return template or field.phrase
    stated, value = _answers(asked, field, change)
    template = template or f"{field.phrase}: {{value}} instead of {{stated}}"
    return template.replace("{value}", value).replace("{stated}", stated)


def _answers(asked: Asked, field: Field, change: Change) -> tuple[str, str]:
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


def _amount(practice: Practice, field: Field, value: Raw) -> str:
    if field.kind != "money":
        return f"{value:g}" if isinstance(value, float) else str(value)
    said = f"{value:.0f}" if float(value).is_integer() else f"{value:.2f}"
    sign = SIGNS.get(practice.currency)
    return f"{sign}{said}" if sign else f"{said} {practice.currency}"


def _listed(words: Sequence[str]) -> str:
    return " and ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)
