"""Request bodies of decisions, closings, consents, pairings, ratings and sessions.

The models check types and bounds; the journal checks the content.
"""

from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, SecretStr, model_validator
from pydantic import Field as Setting

from recommender.journal.consents import SCOPES, Consent
from recommender.journal.pairings import TIME_PATTERN, Pairing, PairingEvent
from recommender.journal.ratings import Rating
from recommender.journal.recommendations import Decision
from recommender.serving.schemas.json_types import EXAMPLE_CLINICIANS, STRICT, JsonDate
from recommender.values.ids import ID_PATTERN
from recommender.values.kinds import MAX_NUMBER

MAX_ITEMS = 100
MAX_SESSIONS = 10_000
MAX_VERSIONS = 10_000

Id = Annotated[str, Setting(pattern=ID_PATTERN)]
Code = Annotated[
    str,
    Setting(pattern="^[a-z][a-z0-9_]{0,63}$", description="A code; free text is not stored."),
]
Number = Annotated[float, Setting(ge=-MAX_NUMBER, le=MAX_NUMBER, allow_inf_nan=False)]
Session = Annotated[int, Setting(ge=1, le=MAX_SESSIONS, description="Counted from 1.")]


def _strict(example: dict[str, Any]) -> ConfigDict:
    return ConfigDict(**STRICT, json_schema_extra={"examples": [example]})


class DecisionRequest(BaseModel):
    """The chosen clinician; an override has a code for its reason."""

    model_config = _strict({"clinician_id": EXAMPLE_CLINICIANS[0], "kind": "chosen"})

    clinician_id: Id
    kind: Literal["chosen", "override"] = "chosen"
    reason: Code | None = None

    def on(self, recommendation_id: str) -> Decision:
        """The decision in the form of the journal."""
        return Decision(recommendation_id, self.clinician_id, self.kind, self.reason)


ClosingReason = Literal["went_elsewhere", "no_answer", "not_suitable", "duplicate", "other"]


class ClosingRequest(BaseModel):
    """Why a request leads nowhere; or that it is open again."""

    model_config = _strict({"reason": "went_elsewhere"})

    kind: Literal["closed", "reopened"] = "closed"
    reason: Annotated[
        ClosingReason | None,
        Setting(
            description="Needed to close a request. `not_suitable`: the practice is not the right "
            "one for this client."
        ),
    ] = None


class WishRequest(BaseModel):
    """The clinician of the shortlist whom the client asks for."""

    model_config = _strict({"clinician_id": EXAMPLE_CLINICIANS[0]})

    clinician_id: Annotated[
        Id | None,
        Setting(description="Omitted or null: the client asks to be helped to choose."),
    ] = None


class ConsentRequest(BaseModel):
    """Consents a client gives or withdraws, and the version of the wording they were shown."""

    model_config = _strict({"version": "2026-1", "train": False})

    version: Id
    match: Annotated[
        bool | None, Setting(description="Matching with predicted scores. Omitted: unchanged.")
    ] = None
    train: Annotated[
        bool | None,
        Setting(description="Use of the client's data for training. Omitted: unchanged."),
    ] = None
    research: Annotated[
        bool | None,
        Setting(description="Use of the client's data for research. Omitted: unchanged."),
    ] = None

    @model_validator(mode="after")
    def _has_a_scope(self) -> Self:
        if not self.consent().scopes:
            raise ValueError(f"has no consent: give at least one of {', '.join(SCOPES)}")
        return self

    def consent(self) -> Consent:
        """The consent in the form of the journal."""
        scopes = {scope: getattr(self, scope) for scope in SCOPES}
        return Consent(
            self.version, {s: agreed for s, agreed in scopes.items() if agreed is not None}
        )


class PairingRequest(BaseModel):
    """A client who starts with a clinician, and the recommendation this follows, if any."""

    model_config = _strict(
        {"pairing_id": "p0001", "client_id": "c0001", "clinician_id": EXAMPLE_CLINICIANS[0]}
    )

    pairing_id: Id
    client_id: Id
    clinician_id: Id
    recommendation_id: Id | None = None

    def pairing(self) -> Pairing:
        """The pairing in the form of the journal."""
        return Pairing(self.pairing_id, self.client_id, self.clinician_id, self.recommendation_id)


class EventRequest(BaseModel):
    """One event of a pairing, on a day of the practice's calendar."""

    model_config = _strict({"kind": "attended", "happened_on": "2026-10-05", "session": 1})

    kind: Annotated[
        Literal["booked", "attended", "missed", "cancelled", "ended", "withdrawn"],
        Setting(
            description="`withdrawn`: the pairing was recorded by mistake. Nothing is learned from "
            "it, its open place is released, and nothing more can be recorded of it."
        ),
    ]
    happened_on: JsonDate
    session: Session | None = None
    reason: Code | None = None
    local_time: Annotated[
        str | None,
        Setting(
            pattern=TIME_PATTERN,
            description="The hour of a `booked` appointment on the practice's clock.",
            examples=["17:00"],
        ),
    ] = None

    def of(self, pairing_id: str) -> PairingEvent:
        """The event in the form of the journal."""
        return PairingEvent(pairing_id, **self.model_dump())


class RatingRequest(BaseModel):
    """One completed questionnaire of one session: its total, or its items in order."""

    model_config = _strict(
        {
            "pairing_id": "p0001",
            "session": 3,
            "instrument": "wai_sr",
            "metric": "sum",
            "score": 48,
            "rated_on": "2026-10-20",
        }
    )

    pairing_id: Id
    session: Session
    instrument: Annotated[str, Setting(max_length=64, description="As the practice names it.")]
    metric: Literal["sum", "mean", "pomp", "items"]
    score: Annotated[Number | None, Setting(description="Left out or null with `items`.")] = None
    items: Annotated[
        list[Number | None],
        Setting(max_length=MAX_ITEMS, description="Raw item scores; null for an unanswered item."),
    ] = []
    rated_on: JsonDate
    known_on: Annotated[
        JsonDate | None, Setting(description="The day the practice received it. Omitted: today.")
    ] = None
    rater: Literal["client", "clinician"] = "client"

    def rating(self) -> Rating:
        """The rating in the form of the journal."""
        return Rating(
            pairing_id=self.pairing_id,
            session=self.session,
            instrument=self.instrument,
            metric=self.metric,
            score=self.score,
            rated_on=self.rated_on,
            items=tuple(self.items),
            known_on=self.known_on,
            rater=self.rater,
        )


class CorrectionRequest(BaseModel):
    """The new content of a rating; without `rating` the rating is withdrawn."""

    model_config = _strict({"expected_version": 1, "reason": "typed_wrongly", "rating": None})

    expected_version: Annotated[
        int, Setting(ge=1, le=MAX_VERSIONS, description="The newest version the caller has read.")
    ]
    reason: Code
    rating: RatingRequest | None = None


class Credentials(BaseModel):
    """Name and password of an account."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        json_schema_extra={"examples": [{"name": "intake", "password": "four words without tune"}]},
    )

    name: Annotated[str, Setting(max_length=64)]
    password: Annotated[SecretStr, Setting(max_length=256)]


BODIES: tuple[type[BaseModel], ...] = (
    WishRequest,
    DecisionRequest,
    ClosingRequest,
    ConsentRequest,
    PairingRequest,
    EventRequest,
    RatingRequest,
    CorrectionRequest,
)
"""Request bodies that do not depend on the practice definition."""
