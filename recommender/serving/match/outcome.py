"""The list as clients read it: cards without scores or ranks, and changes that would add people."""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from recommender.journal.validation import canonical_json
from recommender.practice.definition import Practice
from recommender.practice.fields import Field
from recommender.recommendation.fact_text import cents_text
from recommender.recommendation.recommend import CONSTRAINTS_ONLY
from recommender.serving.match.answers import Answers
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
    """A change of the request in words, and the value of the button that makes it."""

    text: str
    admits: str
    value: str


@dataclass(frozen=True, slots=True)
class Reason:
    """A question whose answer left everybody out, and why the practice asks it."""

    question: str
    why: str


@dataclass(frozen=True, slots=True)
class ListPage:
    """What the page of a list shows; `few` says that changes come first.

    `reasons` are there where nobody fits.
    """

    recommendation_id: str
    title: str
    lead: str
    order: str
    cards: tuple[ClientCard, ...]
    offers: tuple[Offer, ...]
    few: bool
    reasons: tuple[Reason, ...] = ()


def outcome_of(response: RecommendationResponse, practice: Practice, answers: Answers) -> ListPage:
    """A response in the words of the page."""
    cards = tuple(_card(each, practice) for each in response.shortlist)
    number = response.eligible
    if not cards:
        title, lead = "Nobody fits everything yet", "One small change can help."
    elif number == 1:
        title, lead = "One person fits what you asked for", ""
    else:
        title = f"{number} people fit what you asked for"
        lead = "" if len(cards) == number else f"Here are {len(cards)} of them."
    offers = tuple(_offer(each, answers) for each in response.relaxations if each.answers)
    return ListPage(
        recommendation_id=response.recommendation_id,
        title=title,
        lead=lead if cards or offers else "",
        order=ORDERS.get(response.mode, "") if len(cards) > 1 else "",
        cards=cards,
        offers=offers,
        few=len(cards) < FEW,
        reasons=() if cards else tuple(_reasons(response, practice, answers)),
    )


def _reasons(
    response: RecommendationResponse, practice: Practice, answers: Answers
) -> Iterable[Reason]:
    """The answers whose constraints left out the most; all of them where several left out all."""
    counts = [each for each in response.exclusion_counts if each.constraint in practice.constraints]
    asked = [
        (each.removed, name)
        for each in counts
        for name in practice.constraints[each.constraint].client
        if name in answers
    ]
    most = max((removed for removed, _ in asked), default=0)
    for name in dict.fromkeys(name for removed, name in asked if removed == most):
        field = practice.client[name]
        yield Reason(field.question_for("client"), field.purpose)


def other_choice(field: Field, level: str, number: int) -> Offer:
    """The offer to answer a question with another choice, which admits so many people."""
    return Offer(
        text=f"See who fits with “{field.label_of(level)}”",
        admits=_people(number),
        value=canonical_json({field.name: level}),
    )


def _people(number: int) -> str:
    return f"{number} more {'person' if number == 1 else 'people'}"


def _offer(offer: SuggestedRelaxation, answers: Answers) -> Offer:
    changes = {each.field: each.answer for each in offer.answers}
    return Offer(
        text=_sentence(offer.text),
        admits=_people(offer.admits),
        value=canonical_json(changes),
    )


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
