"""A waiting list as it is sent, built from the practice definition like every other request.

Imported by `serving.form` and `serving.allocations`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, create_model
from pydantic import Field as Setting
from pydantic_core import PydanticCustomError

from recommender.allocation.terms import (
    MARGINAL_PLACES,
    MAX_WEIGHT,
    Floor,
    Limit,
    Terms,
    WaitingClient,
)
from recommender.serving.schemas.json_types import ID_PATTERN, STRICT
from recommender.values.kinds import RawValue

MOST_WAITING = 500
"""Clients of one request; more would keep a server busy for long."""
MOST_LIMITS = 50
MOST_CLINICIANS = 5_000
LONGEST_WAIT = 36_500
LOWEST_CLASS = 1_000
LIGHTEST = 0.01
MOST_WORTHS = 20
LEVEL_LENGTH = 64

_Id = Annotated[str, Setting(pattern=ID_PATTERN)]


class OpenPlaces(BaseModel):
    """How many clients a clinician can take."""

    model_config = STRICT

    clinician_id: _Id
    places: Annotated[int, Setting(ge=0, le=1_000)]


class MixLimit(BaseModel):
    """At most so many clients of one kind for a clinician, of those given now."""

    model_config = STRICT

    field: Annotated[str, Setting(max_length=LEVEL_LENGTH, description="A question of the client.")]
    level: Annotated[
        str,
        Setting(
            max_length=LEVEL_LENGTH, description="One of its answers; `yes` or `no` of a flag."
        ),
    ]
    most: Annotated[int, Setting(ge=0, le=MOST_WAITING)]
    clinician_id: Annotated[
        _Id | None, Setting(description="For this one alone. Left out or null: for each of them.")
    ] = None


class FloorRequest(BaseModel):
    """Below which nobody is given anybody; both hold where both are given."""

    model_config = STRICT

    within_points: Annotated[
        float | None,
        Setting(ge=0, allow_inf_nan=False, description="Points below the client's first choice."),
    ] = None
    level: Annotated[
        float | None,
        Setting(allow_inf_nan=False, description="Predicted alliance on the reference scale."),
    ] = None


@dataclass(frozen=True, slots=True)
class ParsedWaitingList:
    """A list as `recommender.allocation` takes it, with the clients' answers in the same order."""

    waiting: tuple[WaitingClient, ...]
    answers: tuple[Mapping[str, RawValue], ...]
    terms: Terms
    asked_on: date | None


def parse_waiting_list(
    request: Any, answers: tuple[Mapping[str, RawValue], ...]
) -> ParsedWaitingList:
    """A request that fits its form, and the answers in it."""
    floor = request.floor or FloorRequest()
    places = request.places
    limits = (Limit(each.field, each.level, each.most, each.clinician_id)
              for each in request.limits)  # fmt: skip
    return ParsedWaitingList(
        waiting=tuple(_waiting(each) for each in request.clients),
        answers=answers,
        terms=Terms(
            places=None if places is None else {p.clinician_id: p.places for p in places},
            limits=tuple(limits),
            floor=Floor(floor.within_points, floor.level),
            longest_wait_days=request.longest_wait_days,
            marginal_value_for=request.worth_of,
        ),
        asked_on=request.asked_on,
    )


def _waiting(client: Any) -> WaitingClient:
    return WaitingClient(
        client.client_id,
        priority=client.priority,
        weight=client.weight,
        waiting_since=client.waiting_since,
        promised_clinician_id=client.told,
        former_clinician_id=client.previous,
    )


def build_list(
    answers: Any, given: Mapping[str, Any], asked_on: tuple[Any, Any]
) -> type[BaseModel]:
    """The request of a list.

    Parameters
    ----------
    answers
        The member of one client's answers: its type and its setting.
    given
        Invented answers, for the example.
    asked_on
        The member of the day asked.
    """
    client = create_model(
        "WaitingClient",
        __config__=STRICT,
        __doc__="One client on the list.",
        client_id=(_Id, Setting(description="The client's pseudonym at the practice.")),
        answers=answers,
        **_PROMISES,
    )
    listed = Annotated[
        list[client],  # type: ignore[valid-type]
        Setting(min_length=1, max_length=MOST_WAITING),
        AfterValidator(_clients_once),
    ]
    example: dict[str, Any] = {
        "clients": [
            {"client_id": "c0001", "answers": given, "waiting_since": "2026-10-05"},
            {"client_id": "c0002", "answers": given, "priority": 2},
        ],
        "floor": {"within_points": 0.5},
        "asked_on": "2026-11-23",
    }
    return create_model(
        "AllocationRequest",
        __config__=ConfigDict(**STRICT, json_schema_extra={"examples": [example]}),
        __doc__="A waiting list, and on what terms it is to be allocated.",
        clients=(listed, ...),
        asked_on=asked_on,
        **_TERMS,
    )


def _once(name: str) -> Any:
    def check(members: list[Any]) -> list[Any]:
        named = [getattr(member, name) for member in members]
        if len(set(named)) != len(named):
            raise PydanticCustomError("repeated", "A member is named twice")
        return members

    return check


_clients_once = _once("client_id")

_PROMISES: Mapping[str, Any] = {
    "priority": (
        Annotated[int, Setting(ge=1, le=LOWEST_CLASS)],
        Setting(
            default=1,
            description="Class, 1 the first: an earlier one gets a place before any later one.",
        ),
    ),
    "weight": (
        Annotated[float, Setting(ge=LIGHTEST, le=MAX_WEIGHT)],
        Setting(default=1.0, description="What a point of theirs counts beside another's."),
    ),
    "waiting_since": (date | None, Setting(default=None, description="See longest_wait_days.")),
    "told": (
        _Id | None,
        Setting(default=None, description="The clinician they were promised: they stay."),
    ),
    "previous": (
        _Id | None,
        Setting(
            default=None,
            description="The clinician an earlier allocation gave them, without their being told: "
            "kept where nothing is lost by it.",
        ),
    ),
}
_TERMS: Mapping[str, Any] = {
    "places": (
        Annotated[
            list[OpenPlaces],
            Setting(max_length=MOST_CLINICIANS),
            AfterValidator(_once("clinician_id")),
        ]
        | None,
        Setting(
            default=None,
            description="Who can take how many; whoever is not named takes nobody. Left out or "
            "null: the roster's open places.",
        ),
    ),
    "limits": (
        Annotated[list[MixLimit], Setting(max_length=MOST_LIMITS)],
        Setting(default_factory=list, description="Of each clinician's mix."),
    ),
    "floor": (FloorRequest | None, Setting(default=None)),
    "longest_wait_days": (
        Annotated[int, Setting(ge=1, le=LONGEST_WAIT)] | None,
        Setting(default=None, description="Who has waited as long comes before every class."),
    ),
    "worth_of": (
        Annotated[int, Setting(ge=0, le=MOST_WORTHS)],
        Setting(
            default=MARGINAL_PLACES,
            description="Of how many clinicians to say what one more place is worth.",
        ),
    ),
}
