"""The card of a shown clinician in responses, and what clients and matching tools receive of it.

The journal stores the card as staff read it. What is declared for staff only is removed on the way
out, because a stored response is read by other roles later.
"""

from datetime import datetime
from typing import Annotated, Any, Self

from pydantic import BaseModel, ConfigDict
from pydantic import Field as Setting

from recommender.recommendation.card_parts import CardContent
from recommender.security.scopes import Scope
from recommender.serving.schemas.required_scope import (
    Included,
    IncludedWith,
    RequiredScope,
    is_unknown,
)

MAX_TIMES, MAX_DIFFERENCES = 3, 4
Cents = Annotated[int | None, Setting(ge=0, description="Cents; null where it is not known.")]
WITH_FACTS = IncludedWith(Included.FACTS)
FIELD = "Clinician's field of the practice definition."


class CardModel(BaseModel):
    """Base of the parts of a card: immutable, and built from the engine's parts."""

    # Whatever has a default is sent all the same, unless `exclude_if` says otherwise.
    model_config = ConfigDict(
        frozen=True, from_attributes=True, json_schema_serialization_defaults_required=True
    )


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
        return cls.model_validate(card)

    def for_clients(self) -> Self:
        """The card as clients and matching tools receive it."""
        hidden = frozenset(self.staff_only)
        if not hidden:
            return self
        places: dict[str, Any] = {"place": None} if "places" in hidden else {}
        where = places and {"place": None, "address": None, "km": None}
        way: dict[str, Any] = {"way": None} if "meeting" in hidden else {}
        meeting = () if "meeting" in hidden else self.meeting
        times = () if "next_times" in hidden else self.next_times
        return self.model_copy(
            update={
                "profession": None if "profession" in hidden else self.profession,
                "photo": None if "photo" in hidden else self.photo,
                "meeting": tuple(dict.fromkeys(each.model_copy(update=where) for each in meeting)),
                "cost": None if "cost" in hidden else self.cost,
                "next_times": tuple(each.model_copy(update=places | way) for each in times),
                "facts": tuple(each for each in self.facts if each.field not in hidden),
                "asked_and_offered": tuple(
                    each for each in self.asked_and_offered if each.field not in hidden
                ),
                "differs": tuple(each for each in self.differs if each.fact not in hidden),
                "staff_only": (),
            }
        )
