"""The request to allocate a waiting list, built from the practice definition."""

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
from recommender.serving.schemas.json_types import STRICT, JsonDate
from recommender.values.ids import ID_PATTERN
from recommender.values.kinds import RawValue

MAX_CLIENTS = 500
"""Clients of one request; more would occupy a server for too long."""
MAX_LIMITS = 50
MAX_CLINICIANS = 5_000
MAX_WAIT_DAYS = 36_500
MAX_PRIORITY = 1_000
MIN_WEIGHT = 0.01
MAX_MARGINAL_VALUES = 20
LEVEL_LENGTH = 64

_Id = Annotated[str, Setting(pattern=ID_PATTERN)]


class OpenPlaces(BaseModel):
    """How many clients a clinician can take."""

    model_config = STRICT

    clinician_id: _Id
    places: Annotated[int, Setting(ge=0, le=1_000)]


class MixLimit(BaseModel):
    """Upper bound on the newly assigned clients of one kind for a clinician."""

    model_config = STRICT

    field: Annotated[str, Setting(max_length=LEVEL_LENGTH, description="A question of the client.")]
    level: Annotated[
        str,
        Setting(
            max_length=LEVEL_LENGTH, description="One of its levels; `yes` or `no` for a flag."
        ),
    ]
    max_clients: Annotated[int, Setting(ge=0, le=MAX_CLIENTS)]
    clinician_id: Annotated[
        _Id | None, Setting(description="The clinician; omitted or null: every clinician.")
    ] = None


class FloorRequest(BaseModel):
    """Minimum predicted alliance of an assignment; both conditions apply if both are given."""

    model_config = STRICT

    within_points: Annotated[
        float | None,
        Setting(
            ge=0, allow_inf_nan=False, description="Maximum points below the client's first choice."
        ),
    ] = None
    level: Annotated[
        float | None,
        Setting(
            allow_inf_nan=False, description="Minimum predicted alliance on the reference scale."
        ),
    ] = None


@dataclass(frozen=True, slots=True)
class ParsedWaitingList:
    """A list in the form of `recommender.allocation`; `answers` are in the order of `clients`."""

    clients: tuple[WaitingClient, ...]
    answers: tuple[Mapping[str, RawValue], ...]
    terms: Terms
    asked_on: date | None


def parse_waiting_list(
    request: Any, answers: tuple[Mapping[str, RawValue], ...]
) -> ParsedWaitingList:
    """The engine's form of a validated request and its raw answers."""
    floor = request.floor or FloorRequest()
    places = request.places
    limits = (Limit(each.field, each.level, each.max_clients, each.clinician_id)
              for each in request.limits)  # fmt: skip
    return ParsedWaitingList(
        clients=tuple(_waiting(each) for each in request.clients),
        answers=answers,
        terms=Terms(
            places=None if places is None else {p.clinician_id: p.places for p in places},
            limits=tuple(limits),
            floor=Floor(floor.within_points, floor.level),
            longest_wait_days=request.longest_wait_days,
            marginal_value_for=request.marginal_value_for,
        ),
        asked_on=request.asked_on,
    )


def _waiting(client: Any) -> WaitingClient:
    return WaitingClient(
        client.client_id,
        priority=client.priority,
        weight=client.weight,
        waiting_since=client.waiting_since,
        promised_clinician_id=client.promised_clinician_id,
        former_clinician_id=client.former_clinician_id,
    )


def build_allocation_request(
    answers: Any, example_answers: Mapping[str, Any], asked_on: tuple[Any, Any]
) -> type[BaseModel]:
    """The request model of a waiting list.

    Parameters
    ----------
    answers
        Type and default of the member `answers` of one client.
    example_answers
        Invented answers, for the example.
    asked_on
        Type and default of the member `asked_on`.
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
        Setting(min_length=1, max_length=MAX_CLIENTS),
        AfterValidator(_clients_once),
    ]
    example: dict[str, Any] = {
        "clients": [
            {"client_id": "c0001", "answers": example_answers, "waiting_since": "2026-10-05"},
            {"client_id": "c0002", "answers": example_answers, "priority": 2},
        ],
        "floor": {"within_points": 0.5},
    }
    return create_model(
        "AllocationRequest",
        __config__=ConfigDict(**STRICT, json_schema_extra={"examples": [example]}),
        __doc__="A waiting list and the terms of its allocation.",
        clients=(listed, ...),
        asked_on=asked_on,
        **_TERMS,
    )


def _once(name: str) -> Any:
    def check(members: list[Any]) -> list[Any]:
        named = [getattr(member, name) for member in members]
        if len(set(named)) != len(named):
            raise PydanticCustomError("repeated", "A member is repeated")
        return members

    return check


_clients_once = _once("client_id")

_PROMISES: Mapping[str, Any] = {
    "priority": (
        Annotated[int, Setting(ge=1, le=MAX_PRIORITY)],
        Setting(
            default=1,
            description="Priority class; 1 is placed before any later class.",
        ),
    ),
    "weight": (
        Annotated[float, Setting(ge=MIN_WEIGHT, le=MAX_WEIGHT)],
        Setting(default=1.0, description="Weight of this client's points in the total."),
    ),
    "waiting_since": (JsonDate | None, Setting(default=None, description="See longest_wait_days.")),
    "promised_clinician_id": (
        _Id | None,
        Setting(default=None, description="The clinician promised to this client; never changed."),
    ),
    "former_clinician_id": (
        _Id | None,
        Setting(
            default=None,
            description="The clinician of an earlier allocation that the client does not know of; "
            "retained if the total is as high.",
        ),
    ),
}
_TERMS: Mapping[str, Any] = {
    "places": (
        Annotated[
            list[OpenPlaces],
            Setting(max_length=MAX_CLINICIANS),
            AfterValidator(_once("clinician_id")),
        ]
        | None,
        Setting(
            default=None,
            description="Open places by clinician; clinicians not listed have none. Omitted or "
            "null: the roster's open places.",
        ),
    ),
    "limits": (
        Annotated[list[MixLimit], Setting(max_length=MAX_LIMITS)],
        Setting(default_factory=list, description="Limits on each clinician's mix of new clients."),
    ),
    "floor": (FloorRequest | None, Setting(default=None)),
    "longest_wait_days": (
        Annotated[int, Setting(ge=1, le=MAX_WAIT_DAYS)] | None,
        Setting(
            default=None,
            description="Clients who have waited as long precede every priority class.",
        ),
    ),
    "marginal_value_for": (
        Annotated[int, Setting(ge=0, le=MAX_MARGINAL_VALUES)],
        Setting(
            default=MARGINAL_PLACES,
            description="Number of clinicians for whom the value of one more place is computed.",
        ),
    ),
}
