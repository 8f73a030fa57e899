"""Why a recommendation is as it is: contributions by group and feature, for staff.

Imported by `serving.app`.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal, Self

from fastapi import APIRouter, Path, Query, Request
from pydantic import Field as Setting
from starlette.responses import Response

from recommender.errors import NotFoundError
from recommender.features.feature import Feature
from recommender.journal.recommendations import ShownRecommendation
from recommender.practice.definition import Practice
from recommender.recommendation.explanation import Contribution, Explanation, GroupContribution
from recommender.serving.api.recommendations import ADDRESS, RecommendationId, recorded_for
from recommender.serving.dependencies import current_snapshot
from recommender.serving.http.problems import GONE, NOT_READY, ProblemError
from recommender.serving.http.strict_json import JSON
from recommender.serving.openapi import READING, problem_responses
from recommender.serving.schemas.json_types import ID_PATTERN
from recommender.serving.schemas.responses import (
    NOTICE,
    AllianceScale,
    Points,
    ResponseModel,
    StatedReason,
)
from recommender.serving.services.stored_recommendation import StoredContributions
from recommender.serving.snapshot.snapshot import ServingSnapshot

FINE = 6
"""Decimals of parts: fine enough to add up. Whoever shows them to people rounds them."""
ClinicianId = Annotated[str, Path(pattern=ID_PATTERN)]

router = APIRouter(tags=["explanations"])


class ExplainedFeature(ResponseModel):
    """What one feature adds."""

    feature: str
    say: Annotated[str, Setting(description="A phrase; never a cause.")]
    points: Points

    @classmethod
    def of(cls, part: Contribution) -> Self:
        """One part."""
        return cls(feature=part.name, say=part.phrase, points=_fine(part.points))


class ExplainedGroup(ResponseModel):
    """What one group of features adds, and what its features add to that."""

    group: str
    phrase: str
    points: Points
    parts: tuple[ExplainedFeature, ...]

    @classmethod
    def of(cls, group: GroupContribution) -> Self:
        """One group, its strongest part first."""
        parts = tuple(ExplainedFeature.of(part) for part in group.parts)
        return cls(group=group.group, phrase=group.phrase, points=_fine(group.points), parts=parts)


class ClinicianExplanation(ResponseModel):
    """Why one clinician stands where they stand."""

    clinician_id: str
    standing: Annotated[
        Literal["shown", "eligible", "excluded"],
        Setting(description="`eligible`: fits, and stands below those shown."),
    ]
    rank: int | None
    predicted_alliance: Points | None
    against: Annotated[
        str | None,
        Setting(description="Whom they are held against; null for the average eligible clinician."),
    ]
    difference: Annotated[
        Points | None,
        Setting(description="The sum over `groups`; null where nothing was predicted."),
    ]
    groups: tuple[ExplainedGroup, ...]
    speaks_for: tuple[str, ...]
    speaks_against: tuple[str, ...]
    reasons: Annotated[
        tuple[StatedReason, ...], Setting(description="Why they may not be shown, if they may not.")
    ]


class ExplanationResponse(ResponseModel):
    """One explanation, and the scale its points are of."""

    recommendation_id: str
    scale: AllianceScale
    explanation: ClinicianExplanation
    notice: str


class ExplanationsResponse(ResponseModel):
    """An explanation of everybody shown."""

    recommendation_id: str
    scale: AllianceScale
    explanations: tuple[ClinicianExplanation, ...]
    notice: str


@dataclass(frozen=True, slots=True, eq=False)
class ExplanationCase:
    """A recommendation as it was shown, with what explains it.

    `explained` is None where nothing was predicted.
    """

    practice: Practice
    features: tuple[Feature, ...]
    response: Mapping[str, Any]
    explained: StoredContributions | None

    @property
    def ranks(self) -> dict[str, int]:
        """Rank of everybody shown, first first."""
        return {each["clinician_id"]: each["rank"] for each in self.response["shortlist"]}

    def to_response(self, clinician_id: str, against: str | None) -> ClinicianExplanation:
        """Why a clinician stands where they stand.

        Held against another where one is named, else against the average where they were shown,
        else against whoever stands first.
        """
        excluded = {each["clinician_id"]: each["reasons"] for each in self.response["excluded"]}
        if clinician_id in excluded:
            return self._told(clinician_id, "excluded", None, None, excluded[clinician_id])
        shown = clinician_id in self.ranks
        if self.explained is None and shown:
            return self._told(clinician_id, "shown", None, None)
        if not shown:
            against = against or next(iter(self.ranks), None)
        why = self._why(clinician_id, against)
        return self._told(clinician_id, "shown" if shown else "eligible", against, why)

    def _why(self, clinician_id: str, against: str | None) -> Explanation:
        known = () if self.explained is None else self.explained.ids
        if self.explained is None or clinician_id not in known:
            raise _unknown("clinician_id")
        if against is None:
            return self.explained.against_average(self.practice, self.features, clinician_id)
        if against not in known:
            raise _unknown("against")
        return self.explained.against(self.practice, self.features, clinician_id, against)

    def _told(
        self,
        clinician_id: str,
        standing: Literal["shown", "eligible", "excluded"],
        against: str | None,
        why: Explanation | None,
        reasons: tuple[Mapping[str, Any], ...] = (),
    ) -> ClinicianExplanation:
        shown = {each["clinician_id"]: each for each in self.response["shortlist"]}
        known = shown.get(clinician_id, {})
        return ClinicianExplanation(
            clinician_id=clinician_id,
            standing=standing,
            rank=known.get("rank"),
            predicted_alliance=known.get("predicted_alliance"),
            against=against,
            difference=_fine(why.difference) if why else None,
            groups=tuple(ExplainedGroup.of(group) for group in why.groups) if why else (),
            speaks_for=why.in_favour if why else (),
            speaks_against=why.against if why else (),
            reasons=tuple(StatedReason(**reason) for reason in reasons),
        )


@router.get(
    f"{ADDRESS}/explanations",
    operation_id="listExplanations",
    summary="Why those shown were shown",
    response_model=ExplanationsResponse,
    responses=problem_responses(*READING, GONE, NOT_READY),
)
async def get_explanations(request: Request, recommendation_id: RecommendationId) -> Response:
    """Each held against the average eligible clinician, as known when it was shown."""
    case = await _case(request, recommendation_id)
    told = ExplanationsResponse(
        recommendation_id=recommendation_id,
        scale=AllianceScale(**case.response["scale"]),
        explanations=tuple(case.to_response(clinician_id, None) for clinician_id in case.ranks),
        notice=NOTICE,
    )
    return Response(told.model_dump_json(), media_type=JSON)


@router.get(
    f"{ADDRESS}/explanations/{{clinician_id}}",
    operation_id="getExplanation",
    summary="Why one clinician stands where they stand",
    response_model=ExplanationResponse,
    responses=problem_responses(*READING, GONE, NOT_READY),
)
async def get_explanation(
    request: Request,
    recommendation_id: RecommendationId,
    clinician_id: ClinicianId,
    against: Annotated[
        str | None,
        Query(pattern=ID_PATTERN, description="Another eligible clinician to be held against."),
    ] = None,
) -> Response:
    """Anybody on the roster: who was not shown is held against the first, or their exclusion told.

    With `against` two are compared; turned round, every sign turns.
    """
    case = await _case(request, recommendation_id)
    told = ExplanationResponse(
        recommendation_id=recommendation_id,
        scale=AllianceScale(**case.response["scale"]),
        explanation=case.to_response(clinician_id, against),
        notice=NOTICE,
    )
    return Response(told.model_dump_json(), media_type=JSON)


async def _case(request: Request, recommendation_id: str) -> ExplanationCase:
    state = current_snapshot(request.app)
    recorded = await recorded_for(request, recommendation_id)
    return explanation_case(recorded.shown, state)


def explanation_case(shown: ShownRecommendation, state: ServingSnapshot) -> ExplanationCase:
    """What explains a recommendation; refuses (410) where its words are no longer known."""
    explained = None if shown.explained is None else StoredContributions.from_bytes(shown.explained)
    features = state.model.pipeline.features
    names = tuple(feature.name for feature in features)
    known = explained is None or explained.names == names
    if shown.practice_digest != state.practice.digest or not known:
        raise ProblemError(GONE)
    return ExplanationCase(state.practice, features, json.loads(shown.response), explained)


def _unknown(name: str) -> NotFoundError:
    return NotFoundError(name, "was not on the roster, or did not fit", "name another clinician")


def _fine(points: float) -> float:
    # Adding 0.0 turns a rounded -0.0 into 0.0.
    return round(points, FINE) + 0.0
