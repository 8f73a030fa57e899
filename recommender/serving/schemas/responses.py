"""Response models, built from the engine's results.

Predictions are points of the reference scale, rounded to two decimals.
"""

from collections.abc import Mapping
from dataclasses import asdict
from datetime import date, datetime
from functools import lru_cache
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict
from pydantic import Field as Setting

from recommender.model.alliance_model import NAME, AllianceModel, Manifest
from recommender.practice.sections import RankingSettings
from recommender.recommendation.ranking import TieBreak
from recommender.recommendation.recommend import CONSTRAINTS_ONLY
from recommender.recommendation.trial_orders import TRIAL
from recommender.screening.reasons import Reason
from recommender.security.scopes import Scope
from recommender.serving.schemas.card import ClinicianCard
from recommender.serving.schemas.recommendation_warning import RecommendationWarning
from recommender.serving.schemas.reference_warnings import ReferenceWarning
from recommender.serving.schemas.required_scope import (
    Included,
    IncludedWith,
    RequiredScope,
    is_unknown,
)
from recommender.serving.schemas.ties import ClinicianTie

DECIMALS = 2
NOTICE = (
    "This estimates how clients with similar answers rated the early working relationship. "
    "It is not a diagnosis or a promise, and the reasons are patterns, not causes."
)
ORDER_BY_ALLIANCE = (
    "By predicted alliance. Clinicians with the same `tie` cannot be told apart by what we know: "
    "where they are about even, those with fewer reservations come first, then those with the "
    "higher predicted alliance, then by id."
)
ORDER_LAST_PLACES = (
    " Among clinicians about even with as many reservations, the last places of a clinician are "
    "reserved for clients whose needs few clinicians meet: such a clinician comes after the others."
)
ORDER_LOTTERY = (
    " Among clinicians still about even with as many reservations, the order is drawn at random "
    "and its probability is stored, so that new clinicians are seen and evaluation is unbiased."
)
TRIAL_NOTICE = (
    "This practice studies in which order clinicians are listed: by predicted alliance, or by the "
    "next free day. Chance decided which order this list has. Who fits is the same in both; nobody "
    "has to agree to the first, and a client may tell the practice not to take part."
)
ORDER_IN_TRIAL = (
    "By predicted alliance or by the next free day, as chance decided for this client; staff are "
    "not shown which, so that it cannot affect what they advise."
)
ORDER_BY_WAIT = "By the next free day, then by id; no alliance is predicted."
TIE_TEXT = "cannot be told apart from the one before; "
TIE_BREAK_TEXTS: Mapping[TieBreak, str] = {
    "reservations": "the one before has fewer reservations",
    "last_places": "the last places of this one are reserved for clients whose needs few meet",
    "lot": "their order was drawn at random",
    "alliance": "their order follows predicted alliance",
    "id": "their order follows their ids",
}

FOR_STAFF = "For staff."
ON_REQUEST = "Absent unless `include` names the value in `x-include`."
SCORED = RequiredScope(Scope.SCORE_READ)
"""A page that everybody can read receives no scores, and no order among clinicians of a tie."""
READS = RequiredScope(Scope.MATCH_READ)
"""What such a page does not receive either: why each of the other clinicians was left out."""
EXPLAINS = RequiredScope(Scope.EXPLAIN_READ)
"""Clients and matching tools do not receive how much anything adds to a score."""
CONTRIBUTES = IncludedWith(Included.CONTRIBUTIONS)
CONTRACT_VERSION: Literal[2] = 2
"""Version of the field names of a stored recommendation; see `serving.stored_recommendation`."""
Points = Annotated[float, Setting(description="Points of the reference scale.")]


class ResponseModel(BaseModel):
    """Base of all response models: immutable, and built from objects with the same attributes."""

    # Whatever has a default is sent all the same, unless `exclude_if` says otherwise.
    model_config = ConfigDict(
        frozen=True, from_attributes=True, json_schema_serialization_defaults_required=True
    )


class AllianceScale(ResponseModel):
    """The scale of predictions."""

    instrument: str
    metric: str
    low: float
    high: float

    @classmethod
    def of(cls, model: AllianceModel) -> Self:
        """The reference scale of a model."""
        linker = model.linker
        return cls(
            instrument=linker.reference, metric=linker.metric, low=linker.low, high=linker.high
        )


class ModelInUse(ResponseModel):
    """The model that produced a response."""

    name: str
    version: Annotated[int | None, Setting(description="In the registry; null if unknown.")]
    practice: str
    practice_version: Annotated[str, Setting(description="Of the practice definition.")]
    digest: str
    created_at: str

    @classmethod
    def of(cls, manifest: Manifest, digest: str, version: int | None) -> Self:
        """The identity of a model."""
        return cls(
            name=NAME,
            version=version,
            practice=manifest.practice_id,
            practice_version=manifest.practice_version,
            digest=digest,
            created_at=manifest.created_at,
        )


class AllianceRange(ResponseModel):
    """Prediction interval: the share `level` of ratings falls within it."""

    lower: Points
    upper: Points
    level: float


class GroupPoints(ResponseModel):
    """Contribution of one group of features, relative to the average eligible clinician."""

    group: str
    phrase: str
    points: Points


class StatedReason(ResponseModel):
    """A constraint that is not met or, if `unknown` is true, not known to be met."""

    constraint: str
    family: str
    text: Annotated[
        str, Setting(description="Continues a sentence that begins with the clinician's name.")
    ]
    unknown: bool
    judged_on: Annotated[
        date | None,
        Setting(
            description="The day of the first possible session, where the constraint was judged "
            "for that day and it is not the day asked; else absent.",
            exclude_if=is_unknown,
        ),
    ] = None

    @classmethod
    def of(cls, reason: Reason) -> Self:
        """One reason, as declared in the practice definition."""
        return cls.model_validate(reason_content(reason))


def reason_content(reason: Reason) -> dict[str, Any]:
    """One reason as plain data in the form of `StatedReason`."""
    content: dict[str, Any] = {
        "constraint": reason.constraint,
        "family": reason.family,
        "text": reason.text,
        "unknown": reason.unknown,
    }
    if reason.judged_on is not None:
        content["judged_on"] = reason.judged_on
    return content


@lru_cache(maxsize=4096)
def stated_reason(reasons: tuple[Reason, ...]) -> tuple[StatedReason, ...]:
    """Reasons as response models; cached because rosters repeat few combinations of reasons."""
    return tuple(StatedReason.of(reason) for reason in reasons)


class ShownClinician(ResponseModel):
    """One clinician of the shortlist."""

    rank: Annotated[int, SCORED, Setting(description="From 1.")]
    clinician_id: str
    name: str
    predicted_alliance: Annotated[Points | None, SCORED]
    range: Annotated[AllianceRange | None, SCORED]
    reasons: Annotated[
        tuple[str, ...], Setting(description="Wishes of the client that this clinician meets.")
    ]
    in_favour: Annotated[
        tuple[str, ...],
        EXPLAINS,
        CONTRIBUTES,
        Setting(description=f"What speaks for this clinician. {ON_REQUEST} {FOR_STAFF}"),
    ] = ()
    against: Annotated[
        tuple[str, ...],
        EXPLAINS,
        CONTRIBUTES,
        Setting(description=f"What speaks against this clinician. {ON_REQUEST} {FOR_STAFF}"),
    ] = ()
    groups: Annotated[
        tuple[GroupPoints, ...],
        EXPLAINS,
        CONTRIBUTES,
        Setting(description=f"What each group of features adds. {ON_REQUEST} {FOR_STAFF}"),
    ] = ()
    card: Annotated[
        ClinicianCard | None,
        Setting(description="null in recommendations that were stored without cards."),
    ] = None
    reservations: tuple[StatedReason, ...]
    tie: Annotated[
        int | None,
        Setting(
            description="Number of the tie, from 1. No clinician has a clear lead over another "
            "of the same tie: choose among them by availability or by what the client prefers. "
            "null if no alliance is predicted.",
            examples=[1],
        ),
    ]
    tie_text: Annotated[
        str | None,
        SCORED,
        IncludedWith(Included.FACTS),
        Setting(
            description="For staff, in a sentence that begins with this clinician's name: that the "
            "clinician before is in the same tie, and what decided their order. Absent for the "
            "first of a tie. For clients, and once for the whole tie, show `text` of `ties`.",
            examples=[TIE_TEXT + TIE_BREAK_TEXTS["reservations"]],
            exclude_if=is_unknown,
        ),
    ] = None
    ahead_of_next: Annotated[
        float | None,
        EXPLAINS,
        CONTRIBUTES,
        Setting(
            ge=0,
            le=1,
            description="Probability that the predicted alliance is above that of the next "
            "clinician of the shortlist; null for the last one, without a prediction, and in "
            f"recommendations stored before it was. {ON_REQUEST} {FOR_STAFF}",
        ),
    ] = None


class ExcludedClinician(ResponseModel):
    """An excluded clinician, with every reason."""

    clinician_id: str
    reasons: tuple[StatedReason, ...]


class ExclusionCount(ResponseModel):
    """How many clinicians a constraint excluded, and how many it alone excluded."""

    constraint: str
    removed: int
    removed_only_by_it: int


class ProposedChange(ResponseModel):
    """One answer to send instead, in order to apply a relaxation."""

    field: str
    answer: Annotated[
        Any, Setting(description="In the form the request takes; null omits the answer.")
    ]


class SuggestedRelaxation(ResponseModel):
    """A small change of the request that would admit further clinicians."""

    text: Annotated[str, Setting(description="The change in words.", examples=["Saturday too"])]
    answers: Annotated[
        tuple[ProposedChange, ...],
        Setting(
            description="What to send instead; empty if the client has to be asked first. No "
            "constraint is ever relaxed without a new request."
        ),
    ]
    admits: Annotated[int, Setting(description="How many more clinicians would be eligible.")]
    clinician_id: Annotated[
        str, Setting(description="The one with the highest predicted alliance.")
    ]
    name: str
    predicted_alliance: Annotated[Points | None, SCORED]
    gain: Annotated[
        Points | None,
        EXPLAINS,
        Setting(
            description="Points above the present first clinician, if there is one; negative "
            f"below. {FOR_STAFF}"
        ),
    ] = None


class RecommendationResponse(ResponseModel):
    """A shortlist with reasons and, on request, the excluded clinicians with theirs."""

    recommendation_id: str
    contract_version: Annotated[
        Literal[2], Setting(description="Version of the field names of this response.")
    ] = CONTRACT_VERSION
    mode: Annotated[
        str,
        Setting(
            description="`model`: trained on ratings; `evidence_prior`: based on published effect "
            "sizes only; `pooled_prior`: based on those and on what other practices contributed, "
            "not on ratings of this one; `constraints_only`: no alliance is predicted; "
            "`trial`: the order is under study, and no prediction is shown."
        ),
    ]
    model: ModelInUse
    asked_on: date
    roster_version: str
    availability_as_of: Annotated[
        datetime, Setting(description="When the roster was last written.")
    ]
    scale: AllianceScale
    order: Annotated[
        str,
        Setting(description="The rule that orders the shortlist.", examples=[ORDER_BY_ALLIANCE]),
    ]
    shortlist: tuple[ShownClinician, ...]
    ties: Annotated[
        tuple[ClinicianTie, ...],
        Setting(
            description="Clinicians of the shortlist that cannot be told apart; empty in "
            "recommendations that were stored without."
        ),
    ] = ()
    eligible: int
    excluded: Annotated[
        tuple[ExcludedClinician, ...],
        READS,
        IncludedWith(Included.EXCLUSIONS),
        Setting(description=f"Everybody who is not eligible, with every reason. {ON_REQUEST}"),
    ] = ()
    exclusion_counts: Annotated[
        tuple[ExclusionCount, ...],
        Setting(description="Of each constraint that excluded somebody."),
    ]
    relaxations: Annotated[
        tuple[SuggestedRelaxation, ...],
        IncludedWith(Included.RELAXATIONS),
        Setting(description=f"Smallest sets of changes first. {ON_REQUEST}"),
    ] = ()
    unanswered: Annotated[
        tuple[str, ...],
        IncludedWith(Included.UNANSWERED),
        Setting(description=f"Scored questions without an answer. {ON_REQUEST}"),
    ] = ()
    warnings: Annotated[
        tuple[str, ...],
        Setting(
            description="For staff to read before the shortlist, and for the developer of a form. "
            "A form for clients shows `message_to_client` of `warning_details` instead."
        ),
    ]
    warning_details: Annotated[
        tuple[RecommendationWarning, ...],
        Setting(
            description="The same in the same order, for programs and clients; empty in "
            "recommendations that were stored without."
        ),
    ] = ()
    reference_warnings: Annotated[
        tuple[ReferenceWarning, ...],
        Setting(description="Ids in the request that name nobody; `warnings` says so in words."),
    ] = ()
    notice: str


class PracticeShare(ResponseModel):
    """What another practice contributed to a model: statistics, no answer and no rating."""

    contributor: Annotated[str, Setting(description="The name the practice chose.")]
    digest: Annotated[str, Setting(description="Of the contribution.")]
    ratings: int
    clients: int
    share: Annotated[
        float, Setting(description="Of what all contributions say together, from 0 to 1.")
    ]


class CurrentModel(ResponseModel):
    """The active model and its provenance; contains no personal data."""

    mode: str
    model: ModelInUse
    practice_digest: str
    data_digest: str
    ratings: int
    pairings: int
    first_day: str | None
    last_day: str | None
    scale: AllianceScale
    features: tuple[str, ...]
    versions: dict[str, str]
    learned_from: Annotated[
        tuple[PracticeShare, ...],
        Setting(description="Other practices that it started from; empty where there are none."),
    ]

    @classmethod
    def of(cls, model: AllianceModel, digest: str, version: int | None) -> Self:
        """The facts of a model's manifest."""
        manifest = model.manifest
        return cls(
            mode=manifest.mode,
            model=ModelInUse.of(manifest, digest, version),
            practice_digest=manifest.practice_digest,
            data_digest=manifest.data_digest,
            ratings=manifest.ratings,
            pairings=manifest.pairings,
            first_day=manifest.first_day,
            last_day=manifest.last_day,
            scale=AllianceScale.of(model),
            features=manifest.features,
            versions=dict(manifest.versions),
            learned_from=tuple(PracticeShare(**asdict(each)) for each in manifest.learned_from),
        )


class Probe(ResponseModel):
    """Result of a liveness or readiness probe."""

    status: str


def notice_of(mode: str) -> str:
    """What a client has to know of a recommendation of this mode."""
    return f"{NOTICE} {TRIAL_NOTICE}" if mode == TRIAL else NOTICE


def ordering_text(mode: str, ranking: RankingSettings) -> str:
    """The rule by which a shortlist of this mode is ordered, in words."""
    if mode == CONSTRAINTS_ONLY:
        return ORDER_BY_WAIT
    if mode == TRIAL:
        return ORDER_IN_TRIAL
    last_places = ORDER_LAST_PLACES if ranking.keep_last_places else ""
    return ORDER_BY_ALLIANCE + last_places + (ORDER_LOTTERY if ranking.shuffle_ties else "")
