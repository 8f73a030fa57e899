"""What comes back after a recommendation: bodies of decisions, consents, pairings, ratings.

Shapes only; whether it can be kept, the journal says. Imported by `serving.openapi` and the routes.
"""

from datetime import date
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, SecretStr, model_validator
from pydantic import Field as Setting

from recommender.journal.consents import SCOPES, Consent
from recommender.journal.decisions import Decision
from recommender.journal.pairings import Pairing, PairingEvent
from recommender.journal.ratings import Rating
from recommender.serving.schemas.json_types import ID_PATTERN, STRICT
from recommender.values.kinds import MAX_NUMBER

MOST_ITEMS = 100
MOST_SESSIONS = 10_000
MOST_VERSIONS = 10_000

Id = Annotated[str, Setting(pattern=ID_PATTERN)]
Code = Annotated[
    str,
    Setting(pattern="^[a-z][a-z0-9_]{0,63}$", description="A code; free text is not kept."),
]
Number = Annotated[float, Setting(ge=-MAX_NUMBER, le=MAX_NUMBER, allow_inf_nan=False)]
Session = Annotated[int, Setting(ge=1, le=MOST_SESSIONS, description="Counted from 1.")]


def _strict(example: dict[str, Any]) -> ConfigDict:
    return ConfigDict(**STRICT, json_schema_extra={"examples": [example]})


class DecisionRequest(BaseModel):
    """Who was decided on; an override says by a code why it departs."""

    model_config = _strict({"clinician_id": "k012", "kind": "chosen"})

    clinician_id: Id
    kind: Literal["chosen", "override"] = "chosen"
    reason: Code | None = None

    def on(self, recommendation_id: str) -> Decision:
        """The decision as the journal keeps it."""
        return Decision(recommendation_id, self.clinician_id, self.kind, self.reason)


class ConsentRequest(BaseModel):
    """What a client agrees to or takes back, and the wording they were shown."""

    model_config = _strict({"version": "2026-1", "train": False})

    version: Id
    match: Annotated[
        bool | None, Setting(description="To be matched with scores. Left out: nothing said.")
    ] = None
    train: Annotated[
        bool | None, Setting(description="To be learned from. Left out: nothing said.")
    ] = None
    research: Annotated[
        bool | None, Setting(description="To be in research. Left out: nothing said.")
    ] = None

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if not self.consent().scopes:
            raise ValueError(f"says nothing: give one of {', '.join(SCOPES)}")
        return self

    def consent(self) -> Consent:
        """The consent as the journal keeps it."""
        said = {scope: getattr(self, scope) for scope in SCOPES}
        given = {scope: given for scope, given in said.items() if given is not None}
        return Consent(self.version, given)


class PairingRequest(BaseModel):
    """Who begins with whom, and the recommendation it came from, if any."""

    model_config = _strict({"pairing_id": "p0001", "client_id": "c0001", "clinician_id": "k012"})

    pairing_id: Id
    client_id: Id
    clinician_id: Id
    recommendation_id: Id | None = None

    def pairing(self) -> Pairing:
        """The pairing as the journal keeps it."""
        return Pairing(self.pairing_id, self.client_id, self.clinician_id, self.recommendation_id)


class EventRequest(BaseModel):
    """One thing that happened in a pairing, on a day of the practice's calendar."""

    model_config = _strict({"kind": "attended", "happened_on": "2026-10-05", "session": 1})

    kind: Literal["booked", "attended", "missed", "cancelled", "ended"]
    happened_on: date
    session: Session | None = None
    reason: Code | None = None

    def of(self, pairing_id: str) -> PairingEvent:
        """The event as the journal keeps it."""
        return PairingEvent(pairing_id, self.kind, self.happened_on, self.session, self.reason)


class RatingRequest(BaseModel):
    """One form answered at one session: its total, or its items in their order."""

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
        Setting(max_length=MOST_ITEMS, description="Raw answers; null where one was left empty."),
    ] = []
    rated_on: date
    known_on: Annotated[
        date | None, Setting(description="The day the practice knew. Left out: today.")
    ] = None
    rater: Literal["client", "clinician"] = "client"

    def rating(self) -> Rating:
        """The rating as the journal keeps it."""
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
    """What stands in a rating's place from now on; without a rating it is withdrawn."""

    model_config = _strict({"seen": 1, "reason": "typed_wrongly", "rating": None})

    seen: Annotated[
        int, Setting(ge=1, le=MOST_VERSIONS, description="The newest version that was read.")
    ]
    reason: Code
    rating: RatingRequest | None = None


class Credentials(BaseModel):
    """What opens a session."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        json_schema_extra={"examples": [{"name": "intake", "password": "four words without tune"}]},
    )

    name: Annotated[str, Setting(max_length=64)]
    password: Annotated[SecretStr, Setting(max_length=256)]


BODIES: tuple[type[BaseModel], ...] = (
    DecisionRequest,
    ConsentRequest,
    PairingRequest,
    EventRequest,
    RatingRequest,
    CorrectionRequest,
)
"""Everything that may be sent as feedback."""
