"""What is answered: the shape of every response, translated from what the engine gives.

Numbers are points of the reference scale, rounded to two decimals and never finer.
Imported by `serving.answers` and `serving.routes`.
"""

from collections.abc import Mapping
from datetime import date, datetime
from functools import lru_cache
from typing import Annotated, Any, Self

from pydantic import BaseModel, ConfigDict
from pydantic import Field as Setting

from recommender.model.alliance_model import AllianceModel
from recommender.model.manifest import NAME, Manifest
from recommender.practice.definition import Practice
from recommender.practice.fields import Field
from recommender.practice.sections import RankingSettings
from recommender.recommendation.explanation import GroupContribution
from recommender.recommendation.ranking import TieBreak
from recommender.recommendation.recommend import CONSTRAINTS_ONLY, ShortlistEntry
from recommender.recommendation.relaxation_offers import RelaxationOffer
from recommender.screening.relaxation import Change
from recommender.screening.screen import ConstraintCount, Exclusion, Reason
from recommender.serving.schemas.json_types import JSON_TYPES

DECIMALS = 2
NOTICE = (
    "This estimates how clients with similar answers rated the early working relationship. "
    "It is not a diagnosis or a promise, and the reasons are patterns, not causes."
)
BY_ALLIANCE = (
    "By predicted alliance. Clinicians with the same `tie` cannot be told apart by what we know: "
    "where they are about even, fewer reservations stand first, then the higher predicted "
    "alliance, then the id."
)
KEPT_BACK = (
    " Among those about even with as many reservations, the last places of a clinician are kept "
    "for clients who need what few offer: such a clinician stands behind the others."
)
BY_LOT = (
    " Among those still about even with as many reservations, the order is drawn by lot and the "
    "chance of it is kept, so that new clinicians are seen and later figures are fair."
)
BY_WAIT = "By the next free day, then by id; nothing is predicted."
STAFF_ONLY: Mapping[str, Any] = {
    "shortlist": {"__all__": {"in_favour", "against", "groups"}},
    "relaxations": {"__all__": {"gain"}},
}
"""What a client or a client's form is not told: how much anything adds to a score."""
TIED = "cannot be told apart from the one before by what we know; "
BROKEN_BY: Mapping[TieBreak, str] = {
    "reservations": "the one before has fewer reservations",
    "last_places": "the last places of this one are kept for clients who need what few offer",
    "lot": "the order of the two was drawn by lot",
    "alliance": "the order of the two follows predicted alliance all the same",
    "id": "the order of the two follows their ids",
}

FOR_STAFF = "For staff; left out where the caller's key is a tool's."
Points = Annotated[float, Setting(description="Points of the reference scale.")]


class ResponseModel(BaseModel):
    """A part of a response."""

    model_config = ConfigDict(frozen=True)


class AllianceScale(ResponseModel):
    """The scale predictions are said on."""

    instrument: str
    metric: str
    low: float
    high: float

    @classmethod
    def of(cls, model: AllianceModel) -> Self:
        """The reference scale of a model."""
        said = model.linker
        return cls(instrument=said.reference, metric=said.metric, low=said.low, high=said.high)


class ModelInUse(ResponseModel):
    """Which model answered."""

    name: str
    version: Annotated[
        int | None, Setting(description="In its registry; null where it is not known.")
    ]
    practice: str
    practice_version: Annotated[str, Setting(description="Of the practice definition.")]
    digest: str
    created_at: str

    @classmethod
    def of(cls, manifest: Manifest, digest: str, version: int | None) -> Self:
        """What a caller needs to name a model again."""
        return cls(
            name=NAME,
            version=version,
            practice=manifest.practice_id,
            practice_version=manifest.practice_version,
            digest=digest,
            created_at=manifest.created_at,
        )


class AllianceRange(ResponseModel):
    """Where ratings like this one fell, `level` of the time."""

    lower: Points
    upper: Points
    level: float


class GroupPoints(ResponseModel):
    """What one group of reasons adds, against the average eligible clinician."""

    group: str
    phrase: str
    points: Points

    @classmethod
    def of(cls, part: GroupContribution) -> Self:
        """A group's sum; its parts stay on the server."""
        # Adding 0.0 turns a rounded -0.0 into 0.0.
        points = round(part.points, DECIMALS) + 0.0
        return cls(group=part.group, phrase=part.phrase, points=points)


class StatedReason(ResponseModel):
    """A constraint that is not met or, with `unknown`, not known to be met."""

    constraint: str
    family: str
    say: Annotated[str, Setting(description="Follows the clinician's name.")]
    unknown: bool

    @classmethod
    def of(cls, reason: Reason) -> Self:
        """One reason, as declared."""
        return cls(
            constraint=reason.constraint,
            family=reason.family,
            say=reason.text,
            unknown=reason.unknown,
        )


@lru_cache(maxsize=4096)
def stated_reason(reasons: tuple[Reason, ...]) -> tuple[StatedReason, ...]:
    """Reasons as they are sent; a roster repeats few patterns of them."""
    return tuple(StatedReason.of(reason) for reason in reasons)


class ShownClinician(ResponseModel):
    """One clinician of the shortlist."""

    rank: int
    clinician_id: str
    name: str
    predicted_alliance: Points | None
    range: AllianceRange | None
    reasons: Annotated[
        tuple[str, ...], Setting(description="What the client asked for and the clinician offers.")
    ]
    in_favour: Annotated[tuple[str, ...], Setting(description=FOR_STAFF)] = ()
    against: Annotated[tuple[str, ...], Setting(description=FOR_STAFF)] = ()
    groups: Annotated[tuple[GroupPoints, ...], Setting(description=FOR_STAFF)] = ()
    reservations: tuple[StatedReason, ...]
    tie: Annotated[
        int | None,
        Setting(
            description="Number of the tie, from 1. Nobody has a clear lead over another clinician "
            "of the same tie: choose among them by availability or by what the client prefers. "
            "null where nothing is predicted.",
            examples=[1],
        ),
    ]
    tie_say: Annotated[
        str | None,
        Setting(
            description="Follows the clinician's name: that the one before is of the same tie, and "
            "what put the two in this order. null for the first of a tie.",
            examples=[TIED + BROKEN_BY["reservations"]],
        ),
    ]

    @classmethod
    def of(cls, shown: ShortlistEntry, level: float) -> Self:
        """One clinician; nothing predicted where there was no model or no agreement."""
        why = shown.explanation
        return cls(
            rank=shown.rank,
            clinician_id=shown.clinician_id,
            name=shown.name,
            predicted_alliance=_rounded(shown.predicted),
            range=_range(shown, level),
            reasons=why.asked_and_offered if why else (),
            in_favour=why.in_favour if why else (),
            against=why.against if why else (),
            groups=tuple(GroupPoints.of(part) for part in why.groups) if why else (),
            reservations=stated_reason(shown.reservations),
            tie=shown.tie,
            tie_say=TIED + BROKEN_BY[shown.tie_broken_by] if shown.tie_broken_by else None,
        )


class ExcludedClinician(ResponseModel):
    """A clinician who may not be shown, with every reason."""

    clinician_id: str
    reasons: tuple[StatedReason, ...]

    @classmethod
    def of(cls, exclusion: Exclusion) -> Self:
        """One exclusion."""
        return cls(clinician_id=exclusion.clinician_id, reasons=stated_reason(exclusion.reasons))


class ExclusionCount(ResponseModel):
    """How many clinicians a constraint removed, and how many nothing else removed."""

    constraint: str
    removed: int
    removed_only_by_it: int

    @classmethod
    def of(cls, removal: ConstraintCount) -> Self:
        """One line."""
        return cls(
            constraint=removal.constraint,
            removed=removal.removed,
            removed_only_by_it=removal.removed_only_by_it,
        )


class ProposedChange(ResponseModel):
    """One answer to send instead, so that a relaxation comes true."""

    field: str
    answer: Annotated[Any, Setting(description="As the request takes it; null leaves it out.")]

    @classmethod
    def of(cls, change: Change, field: Field) -> Self:
        """One change, as it would be sent."""
        answer = None if change.answer is None else JSON_TYPES[field.kind].json_of(change.answer)
        return cls(field=field.name, answer=answer)


class SuggestedRelaxation(ResponseModel):
    """A small change of the request that would admit somebody worth it."""

    say: Annotated[str, Setting(description="The change in words.", examples=["Saturday too"])]
    answers: Annotated[
        tuple[ProposedChange, ...],
        Setting(
            description="What to send instead; empty where the client may only be asked. Nothing "
            "is ever changed without it."
        ),
    ]
    opens: Annotated[int, Setting(description="How many more clinicians would fit.")]
    clinician_id: Annotated[str, Setting(description="The strongest of them.")]
    name: str
    predicted_alliance: Points | None
    gain: Annotated[
        Points | None, Setting(description="Points above whoever stands first now, if anybody.")
    ]

    @classmethod
    def of(cls, offer: RelaxationOffer, practice: Practice) -> Self:
        """One offer."""
        return cls(
            say=offer.text,
            answers=tuple(ProposedChange.of(c, practice.client[c.field]) for c in offer.changes),
            opens=offer.admits,
            clinician_id=offer.clinician_id,
            name=offer.name,
            predicted_alliance=_rounded(offer.predicted),
            gain=_rounded(offer.gain),
        )


class RecommendationResponse(ResponseModel):
    """A shortlist, why, and who was left out by what."""

    recommendation_id: str
    mode: Annotated[
        str,
        Setting(
            description="`model`; `evidence_prior`: no rating was learned from; "
            "`constraints_only`: nothing was predicted."
        ),
    ]
    model: ModelInUse
    asked_on: date
    roster_version: str
    availability_as_of: Annotated[
        datetime, Setting(description="When what is known of the clinicians was written.")
    ]
    scale: AllianceScale
    order: Annotated[
        str,
        Setting(
            description="By what rule the shortlist is ordered, in words.", examples=[BY_ALLIANCE]
        ),
    ]
    shortlist: tuple[ShownClinician, ...]
    eligible: int
    excluded: tuple[ExcludedClinician, ...]
    ledger: tuple[ExclusionCount, ...]
    relaxations: Annotated[
        tuple[SuggestedRelaxation, ...],
        Setting(description="What would open more, smallest sets of changes first."),
    ]
    unanswered: Annotated[tuple[str, ...], Setting(description="Scored questions left open.")]
    warnings: tuple[str, ...]
    notice: str


class CurrentModel(ResponseModel):
    """The model that answers now and what it came from; no person in it."""

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
        )


class Probe(ResponseModel):
    """Whether the server lives, or is ready."""

    status: str


def order_said(mode: str, ranking: RankingSettings) -> str:
    """By what rule a shortlist made in a mode is ordered."""
    if mode == CONSTRAINTS_ONLY:
        return BY_WAIT
    kept_back = KEPT_BACK if ranking.keep_last_places else ""
    return BY_ALLIANCE + kept_back + (BY_LOT if ranking.shuffle_ties else "")


def _rounded(points: float | None) -> float | None:
    return None if points is None else round(points, DECIMALS)


def _range(shown: ShortlistEntry, level: float) -> AllianceRange | None:
    if shown.lower is None or shown.upper is None:
        return None
    lower, upper = round(shown.lower, DECIMALS), round(shown.upper, DECIMALS)
    return AllianceRange(lower=lower, upper=upper, level=level)
