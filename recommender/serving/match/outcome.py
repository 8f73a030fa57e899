"""The list as clients read it: cards without scores or ranks, and changes that would add people."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from recommender.journal.validation import canonical_json
from recommender.practice.definition import Practice
from recommender.practice.fields import Field
from recommender.recommendation.fact_text import cents_text
from recommender.recommendation.recommend import CONSTRAINTS_ONLY
from recommender.recommendation.trial_orders import TRIAL
from recommender.serving.match.words import clock
from recommender.serving.schemas.card import CardCost, CardTime, ClinicianCard
from recommender.serving.schemas.responses import (
    RecommendationResponse,
    ShownClinician,
    SuggestedRelaxation,
)

DIFFERENCES = 2
"""Differences on a card; the facts they are about are on it too."""
FEW = 3
"""Below so many clinicians, changes that would add others are offered first thing."""
ORDERS = {
    "model": "The order follows how clients with similar answers rated working together in their "
    "first sessions. Differences are often small: choose the person who feels right to you.",
    "evidence_prior": "The order follows published research on early working relationships. "
    "Differences are often small: choose the person who feels right to you.",
    "pooled_prior": "The order follows published research and how clients of other practices rated "
    "working together. Differences are often small: choose the person who feels right to you.",
    TRIAL: "This practice studies in which order to list clinicians: by how clients with similar "
    "answers rated working together, or by who is free first. Chance decided which order this list "
    "has. Choose the person who feels right to you.",
    CONSTRAINTS_ONLY: "Those who are free first come first. Nothing personal went into the order.",
}
"""What a client reads of the order, by mode."""
_TITLES = re.compile(r"^(?:Dr|Mr|Ms|Mrs|Mx|Prof|A/Prof)\.?\s+")
ASK_THE_PRACTICE = "Ask the practice"


@dataclass(frozen=True, slots=True)
class CardLine:
    """A heading and what is under it."""

    label: str
    text: str


@dataclass(frozen=True, slots=True)
class ClientCard:
    """One clinician as a client sees them; `more` is read on demand."""

    clinician_id: str
    name: str
    initials: str
    profession: str
    photo: str
    wishes: tuple[str, ...]
    times: tuple[str, ...]
    facts: tuple[CardLine, ...]
    differs: tuple[str, ...]
    cautions: tuple[str, ...]
    more: tuple[CardLine, ...]


@dataclass(frozen=True, slots=True)
class Offer:
    """A change of the request in words, how many it admits, and the answers to send instead."""

    text: str
    admits: str
    changes: Mapping[str, Any]

    @property
    def value(self) -> str:
        """The changed answers, in the value of the button that makes the change."""
        return canonical_json(self.changes)

    def and_then(self, other: "Offer") -> "Offer":
        """Both changes in one."""
        further = f"{other.text[:1].lower()}{other.text[1:]}"
        changes = {**self.changes, **other.changes}
        return Offer(f"{self.text}. Also: {further}", other.admits, changes)


@dataclass(frozen=True, slots=True)
class ListPage:
    """What the page of a list shows; `few` says that changes come first."""

    recommendation_id: str
    title: str
    lead: str
    order: str
    cards: tuple[ClientCard, ...]
    offers: tuple[Offer, ...]
    few: bool


def outcome_of(response: RecommendationResponse, practice: Practice) -> ListPage:
    """A response in the words of the page."""
    cards = tuple(_card(each, practice) for each in response.shortlist)
    number = response.eligible
    if not cards:
        title, lead = "Nobody fits everything yet", ""
    elif number == 1:
        title, lead = "One person could see you", ""
    else:
        title = f"{number} people could see you"
        lead = "" if len(cards) == number else f"Here are {len(cards)} of them."
    offers = tuple(offer_of(each) for each in response.relaxations if each.answers)
    return ListPage(
        recommendation_id=response.recommendation_id,
        title=title,
        lead=lead,
        order=ORDERS.get(response.mode, "") if len(cards) > 1 else "",
        cards=cards,
        offers=offers,
        few=len(cards) < FEW,
    )


def other_choice(field: Field, level: str, number: int) -> Offer:
    """The offer to answer a question with a choice that the practice declares as open to anybody.

    `number` is how many people it admits.
    """
    return Offer(field.may_try[level], _people(number), {field.name: level})


def offer_of(change: SuggestedRelaxation) -> Offer:
    """A small change of the answers that would admit more people."""
    return Offer(
        text=_sentence(change.text),
        admits=_people(change.admits),
        changes={each.field: each.answer for each in change.answers},
    )


def _people(number: int) -> str:
    return f"{number} more {'person' if number == 1 else 'people'}"


def _card(shown: ShownClinician, practice: Practice) -> ClientCard:
    card = shown.card.for_clients() if shown.card is not None else None
    cautions = tuple(_sentence(each.text) for each in shown.reservations)
    name = shown.name
    if card is None:
        wishes = tuple(map(_sentence, shown.reasons))
        return ClientCard(
            shown.clinician_id, name, initials(name), "", "", wishes, (), (), (), cautions, ()
        )
    return ClientCard(
        clinician_id=shown.clinician_id,
        name=name,
        initials=initials(name),
        profession=card.profession or "",
        photo=card.photo or "",
        wishes=tuple(_wishes(card, practice)),
        times=tuple(_time(each) for each in card.next_times),
        facts=(*_meeting(card), _cost(practice, card.cost)),
        differs=tuple(_sentence(each.text) for each in card.differs[:DIFFERENCES]),
        cautions=cautions,
        more=tuple(_own_facts(card)),
    )


def _wishes(card: ClinicianCard, practice: Practice) -> Iterable[str]:
    """What was asked for and is offered; hours and amounts have lines of their own."""
    for each in card.asked_and_offered:
        field = practice.clinician.get(each.field)
        if field is not None and field.kind in ("tags", "category", "ordinal", "flag"):
            yield from (_sentence(value) for value in each.values or (each.label,))


def _meeting(card: ClinicianCard) -> Iterable[CardLine]:
    ways = []
    for each in card.meeting:
        parts = [each.place] if each.place else []
        if each.km is not None:
            parts.append(f"about {each.km:.0f} km away" if each.km >= 1 else "less than 1 km away")
        where = f"({', '.join(parts)})" if parts else ""
        ways.append(" ".join(filter(None, (each.label, where))))
    if any(ways):
        yield CardLine("How to meet", "; ".join(dict.fromkeys(filter(None, ways))))


def _cost(practice: Practice, cost: CardCost | None) -> CardLine:
    """Fee, rebate and what is left to pay; without a known fee, whom to ask."""
    if cost is None or cost.fee_cents is None:
        return CardLine("Cost", ASK_THE_PRACTICE)
    fee = cents_text(practice, cost.fee_cents)
    if cost.gap_cents is None or not cost.rebate_cents:
        return CardLine("Cost", f"{fee} a session")
    gap, rebate = (cents_text(practice, each) for each in (cost.gap_cents, cost.rebate_cents))
    if not cost.gap_cents:
        return CardLine("Cost", f"Nothing to pay: {fee} is covered")
    return CardLine("Cost", f"You pay {gap} a session ({fee} less {rebate} rebate)")


def _own_facts(card: ClinicianCard) -> Iterable[CardLine]:
    for each in card.facts:
        if each.values:
            yield CardLine(each.label, ", ".join(each.values))


def _time(each: CardTime) -> str:
    starts = each.starts_at
    return f"{starts:%a} {starts.day} {starts:%b}, {clock(f'{starts:%H:%M}')}"


def initials(name: str) -> str:
    """One or two letters in place of a photo.

    >>> initials("Dr Mia van der Berg"), initials("Ines")
    ('MB', 'I')
    """
    parts = [part for part in _TITLES.sub("", name).split() if part[:1].isalpha()]
    return "".join(part[0].upper() for part in (parts[:1] + parts[1:][-1:]))


def _sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}"
