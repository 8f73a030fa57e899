"""The content of a recommendation's response as plain data, from the engine's results.

`RecommendationResponse` is its form: whatever is built here is computed by this program, and is
validated by tests and where it is read back, not while a client waits.
"""

from collections.abc import Mapping
from functools import lru_cache
from types import MappingProxyType
from typing import Any

from pydantic_core import to_json

from recommender.practice.definition import Practice
from recommender.recommendation.card_parts import CardContent
from recommender.recommendation.explanation import GroupContribution
from recommender.recommendation.relaxation_offers import RelaxationOffer
from recommender.recommendation.shortlists import ShortlistEntry
from recommender.screening.changes import Change
from recommender.screening.reasons import Reason
from recommender.screening.screening import Screening
from recommender.serving.schemas.card import card_content, content_for_clients
from recommender.serving.schemas.json_types import JSON_TYPES
from recommender.serving.schemas.responses import (
    DECIMALS,
    TIE_BREAK_TEXTS,
    TIE_TEXT,
    reason_content,
)

NOTHING_HIDDEN: Mapping[str, Any] = MappingProxyType({})


def shown_content(
    shown: ShortlistEntry,
    level: float,
    card: CardContent,
    hidden: Mapping[str, Any] = NOTHING_HIDDEN,
    *,
    for_clients: bool = False,
) -> dict[str, Any]:
    """One clinician in the form of `ShownClinician`, without what is hidden.

    Nothing is predicted without a model or the client's consent. `level` is the share of ratings
    within the prediction interval; `for_clients` leaves out what only staff see of the card.
    """
    why = shown.explanation
    content = {
        "rank": shown.rank,
        "clinician_id": shown.clinician_id,
        "name": shown.name,
        "predicted_alliance": _rounded(shown.predicted),
        "range": _range(shown, level),
        "reasons": why.asked_and_offered if why else (),
        # Read where it is sent alone: explanations are computed when they are first read.
        "in_favour": why.in_favour if why and "in_favour" not in hidden else (),
        "against": why.against if why and "against" not in hidden else (),
        "groups": [_group(part) for part in why.groups] if why and "groups" not in hidden else (),
        "card": _card(card, hidden.get("card", NOTHING_HIDDEN), for_clients=for_clients),
        "reservations": [reason_content(each) for each in shown.reservations],
        "tie": shown.tie,
    }
    if shown.tie_broken_by:
        content["tie_text"] = TIE_TEXT + TIE_BREAK_TEXTS[shown.tie_broken_by]
    content["ahead_of_next"] = _rounded(shown.ahead)
    for name, what in hidden.items():
        if what is True:
            content.pop(name, None)
    return content


def _card(card: CardContent, hidden: Mapping[str, Any], *, for_clients: bool) -> Mapping[str, Any]:
    content = card_content(card, with_facts="facts" not in hidden)
    if for_clients:
        content = content_for_clients(content)
    for name in hidden:
        content.pop(name, None)
    return content


def relaxation_content(offer: RelaxationOffer, practice: Practice) -> dict[str, Any]:
    """One offer in the form of `SuggestedRelaxation`."""
    return {
        "text": offer.text,
        "answers": [_proposed(change, practice) for change in offer.changes],
        "admits": offer.admits,
        "clinician_id": offer.clinician_id,
        "name": offer.name,
        "predicted_alliance": _rounded(offer.predicted),
        "gain": _rounded(offer.gain),
    }


def exclusion_counts(screening: Screening) -> list[dict[str, Any]]:
    """The constraints that excluded somebody, in the form of `ExclusionCount`."""
    return [
        {"constraint": name, "removed": removed, "removed_only_by_it": removed_only_by_it}
        for name, removed, removed_only_by_it in screening.constraint_counts
    ]


def excluded_json(screening: Screening) -> bytes:
    """Everybody who is excluded as JSON in the form of a list of `ExcludedClinician`."""
    numbered, begun = screening.exclusion_reasons, _begun_json(screening.ids)
    written = [*map(_reason_json, numbered.reasons)]
    ends = numbered.joined(written, lambda reasons: b",".join(reasons) + b"]}")
    excluded = [begun[row] + end for row, end in zip(numbered.rows.tolist(), ends, strict=True)]
    return b"[%b]" % b",".join(excluded)


@lru_cache(maxsize=4)
def _begun_json(ids: tuple[str, ...]) -> tuple[bytes, ...]:
    """The beginning of each clinician's `ExcludedClinician`, before the reasons."""
    return tuple(b'{"clinician_id":%b,"reasons":[' % to_json(each) for each in ids)


@lru_cache(maxsize=4096)
def _reason_json(reason: Reason) -> bytes:
    return to_json(reason_content(reason))


def _group(part: GroupContribution) -> dict[str, Any]:
    # Adding 0.0 turns a rounded -0.0 into 0.0.
    points = round(part.points, DECIMALS) + 0.0
    return {"group": part.group, "phrase": part.phrase, "points": points}


def _proposed(change: Change, practice: Practice) -> dict[str, Any]:
    field = practice.client[change.field]
    answer = None if change.answer is None else JSON_TYPES[field.kind].json_of(change.answer)
    return {"field": field.name, "answer": answer}


def _rounded(number: float | None) -> float | None:
    return None if number is None else round(number, DECIMALS)


def _range(shown: ShortlistEntry, level: float) -> dict[str, float] | None:
    if shown.lower is None or shown.upper is None:
        return None
    lower, upper = round(shown.lower, DECIMALS), round(shown.upper, DECIMALS)
    return {"lower": lower, "upper": upper, "level": level}
