"""The card of a shown clinician in responses, and what clients and matching tools receive of it.

The journal stores the card as staff read it. What is declared for staff only is removed on the way
out, because a stored response is read by other roles later.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Annotated, Any, Self, get_args

from pydantic import BaseModel, ConfigDict
from pydantic import Field as Setting

from recommender.recommendation.card_parts import CardContent, Fact, Meeting, NextTime, Part
from recommender.security.scopes import Scope
from recommender.serving.schemas.required_scope import (
    Included,
    IncludedWith,
    RequiredScope,
    is_unknown,
)

MAX_TIMES, MAX_DIFFERENCES = 3, 4
Cents = Annotated[int | None, Setting(ge=0, description="Cents; null where it is not known.")]
PARTS = frozenset(get_args(Part))
WITH_FACTS = IncludedWith(Included.FACTS)
FIELD = "Clinician's field of the practice definition."


class CardModel(BaseModel):
    """Base of the parts of a card."""

    # Whatever has a default is sent all the same, unless `exclude_if` says otherwise.
    model_config = ConfigDict(frozen=True, json_schema_serialization_defaults_required=True)


class CardMeeting(CardModel):
    """A way in which the client can meet the clinician, and where."""

    way: Annotated[
        str | None,
        Setting(
            description="Level of the ways of meeting; null in a practice without any.",
            examples=["in_person"],
        ),
    ]
    label: Annotated[str | None, Setting(description="The way as people read it.")]
    place: Annotated[
        str | None,
        Setting(
            description="The declared place of the nearest room in reach, or its postcode; absent "
            "where no room is needed or its place has no name.",
            examples=["Newtown"],
            exclude_if=is_unknown,
        ),
    ] = None
    address: Annotated[
        str | None,
        Setting(
            description="The address of a declared place; absent if not known.",
            exclude_if=is_unknown,
        ),
    ] = None
    km: Annotated[
        float | None,
        Setting(
            ge=0,
            description="Kilometres from the client to that room, as the practice estimates trips; "
            "absent where either place is not known.",
            exclude_if=is_unknown,
        ),
    ] = None


class CardCost(CardModel):
    """What one session costs this client, on the day it could be."""

    fee_cents: Cents
    rebate_cents: Annotated[Cents, Setting(description="What the client's funding pays of it.")]
    gap_cents: Annotated[Cents, Setting(description="What the client pays: fee less rebate.")]
    currency: Annotated[str, Setting(description="ISO 4217 code.", examples=["AUD"])]


class CardTime(CardModel):
    """A time at which a session could begin: open by the roster, and not booked."""

    starts_at: Annotated[datetime, Setting(description="With the offset of the clock it is on.")]
    way: str | None
    place: Annotated[
        str | None,
        Setting(
            description="As in `meeting`; absent where no room is needed or it has no name.",
            exclude_if=is_unknown,
        ),
    ] = None


class CardFact(CardModel):
    """What the practice knows of the clinician by one field, in its labels."""

    field: Annotated[str, Setting(description=FIELD, examples=["modalities"])]
    label: Annotated[str, Setting(description="Heading.", examples=["Therapies"])]
    values: tuple[str, ...]


class CardDifference(CardModel):
    """What sets the clinician apart from the others shown; no cause and no promise."""

    fact: Annotated[str, Setting(description=FIELD, examples=["fee"])]
    text: Annotated[
        str, Setting(examples=["The lowest gap of those shown: $35 less than the next"])
    ]


class ClinicianCard(CardModel):
    """Facts about a clinician for a card.

    The practice definition declares who receives which field (`shown_to`): callers without the
    scope `explain:read` receive the fields for clients only. What is not known is null or absent.
    """

    profession: Annotated[str | None, Setting(examples=["Clinical psychologist"])]
    photo: Annotated[
        str | None,
        Setting(
            description="An https address the practice gives; it is never loaded here. Absent if "
            "there is none.",
            exclude_if=is_unknown,
        ),
    ] = None
    meeting: Annotated[
        tuple[CardMeeting, ...],
        Setting(description="The ways that suit both and that no constraint excludes."),
    ]
    cost: CardCost | None
    next_times: Annotated[
        tuple[CardTime, ...],
        Setting(
            max_length=MAX_TIMES,
            description="Next times in the client's hours, outside absences. Confirm a time before "
            "it is promised.",
        ),
    ]
    facts: Annotated[
        tuple[CardFact, ...],
        WITH_FACTS,
        Setting(
            description="Everything the practice lists, asked for or not. Absent unless `include` "
            "names `facts`."
        ),
    ] = ()
    asked_and_offered: Annotated[
        tuple[CardFact, ...],
        Setting(description="What the client asked for and this clinician offers."),
    ]
    differs: Annotated[tuple[CardDifference, ...], Setting(max_length=MAX_DIFFERENCES)]
    staff_only: Annotated[
        tuple[str, ...],
        RequiredScope(Scope.EXPLAIN_READ),
        WITH_FACTS,
        Setting(
            description="Fields and parts of this card that clients do not receive. Absent unless "
            "`include` names `facts`."
        ),
    ] = ()

    @classmethod
    def of(cls, card: CardContent) -> Self:
        """A card of the engine, as staff receive it."""
        return cls.model_validate(card_content(card))

    def for_clients(self) -> Self:
        """The card as clients and matching tools receive it."""
        return self.model_validate(content_for_clients(self.model_dump()))


def card_content(card: CardContent, *, with_facts: bool = True) -> dict[str, Any]:
    """A card of the engine as plain data in the form of `ClinicianCard`, as staff receive it.

    Without its facts where they are not sent.
    """
    cost = card.cost
    photo = {} if card.photo is None else {"photo": card.photo}
    return {
        "profession": card.profession,
        **photo,
        "meeting": [_meeting(each) for each in card.meeting],
        "cost": cost
        and {
            "fee_cents": cost.fee_cents,
            "rebate_cents": cost.rebate_cents,
            "gap_cents": cost.gap_cents,
            "currency": cost.currency,
        },
        "next_times": [_time(each) for each in card.next_times],
        "facts": _facts(card.facts) if with_facts else (),
        "asked_and_offered": _facts(card.asked_and_offered),
        "differs": [{"fact": fact, "text": text} for fact, text in card.differs],
        "staff_only": card.staff_only,
    }


def _meeting(meeting: Meeting) -> dict[str, Any]:
    content: dict[str, Any] = {"way": meeting.way, "label": meeting.label}
    if meeting.place is not None:
        content["place"] = meeting.place
    if meeting.address is not None:
        content["address"] = meeting.address
    if meeting.km is not None:
        content["km"] = meeting.km
    return content


def _time(time: NextTime) -> dict[str, Any]:
    place = {} if time.place is None else {"place": time.place}
    return {"starts_at": time.starts_at, "way": time.way, **place}


def _facts(facts: Sequence[Fact]) -> list[dict[str, Any]]:
    return [{"field": field, "label": label, "values": values} for field, label, values in facts]


def content_for_clients(card: dict[str, Any]) -> dict[str, Any]:
    """A card as plain data, as clients and matching tools receive it."""
    hidden = frozenset(card.get("staff_only", ()))
    if not hidden:
        return card
    seen = {**card, "staff_only": ()}
    if not hidden.isdisjoint(PARTS):
        seen |= {name: None for name in ("profession", "photo", "cost") if name in hidden}
        seen |= {name: () for name in ("meeting", "next_times") if name in hidden}
        if "places" in hidden:
            places = [_without(each, "place", "address", "km") for each in seen["meeting"]]
            seen["meeting"] = [each for n, each in enumerate(places) if each not in places[:n]]
            seen["next_times"] = [_without(each, "place") for each in seen["next_times"]]
        if "meeting" in hidden:
            seen["next_times"] = [{**each, "way": None} for each in seen["next_times"]]
    for name, key in (("facts", "field"), ("asked_and_offered", "field"), ("differs", "fact")):
        seen[name] = [each for each in card.get(name, ()) if each[key] not in hidden]
    if seen.get("photo") is None:
        seen.pop("photo", None)
    return seen


def cards_seen_by(response: Mapping[str, Any], scopes: frozenset[Scope]) -> Mapping[str, Any]:
    """A response as plain data with the facts on cards that callers with these scopes receive.

    Earlier servers stored shortlists without cards: they have None in their place.
    """
    if Scope.EXPLAIN_READ in scopes:
        return response
    shortlist = [
        {**each, "card": content_for_clients(each["card"])} if each.get("card") else each
        for each in response["shortlist"]
    ]
    return {**response, "shortlist": shortlist}


def _without(content: Mapping[str, Any], *names: str) -> dict[str, Any]:
    return {name: value for name, value in content.items() if name not in names}
