"""Routes that explain a recommendation to staff: contributions by group and feature."""

from dataclasses import dataclass
from typing import Annotated, Literal, Self

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
from recommender.serving.openapi import JournalRoute, problem_responses
from recommender.serving.schemas.responses import (
    NOTICE,
    AllianceScale,
    Points,
    RecommendationResponse,
    ResponseModel,
    StatedReason,
)
from recommender.serving.snapshot.snapshot import ServingSnapshot
from recommender.serving.stored_recommendation import StoredContributions, read_response
from recommender.values.ids import ID_PATTERN

FINE = 6
"""Decimals of contributions: enough for sums to agree; pages round them."""
ClinicianId = Annotated[str, Path(pattern=ID_PATTERN)]

router = APIRouter(tags=["explanations"], route_class=JournalRoute)


class ExplainedFeature(ResponseModel):
    """The contribution of one feature."""

    feature: str
    text: Annotated[str, Setting(description="Describes the feature; not a cause.")]
    points: Points

    @classmethod
    def of(cls, part: Contribution) -> Self:
        """One contribution."""
        return cls(feature=part.name, text=part.phrase, points=_fine(part.points))


class ExplainedGroup(ResponseModel):
    """The contribution of a group of features, and of each feature in it."""

    group: str
    phrase: str
    points: Points
    parts: tuple[ExplainedFeature, ...]

    @classmethod
    def of(cls, group: GroupContribution) -> Self:
        """One group; the strongest feature comes first."""
        parts = tuple(ExplainedFeature.of(part) for part in group.parts)
        return cls(group=group.group, phrase=group.phrase, points=_fine(group.points), parts=parts)


class ClinicianExplanation(ResponseModel):
    """Reasons for the position of one clinician."""

    clinician_id: str
    status: Annotated[
        Literal["shown", "eligible", "excluded"],
        Setting(description="`eligible`: not excluded, but ranked below the shortlist."),
    ]
    rank: int | None
    predicted_alliance: Points | None
    compared_with: Annotated[
        str | None,
        Setting(description="Id of the other clinician; null: the average eligible clinician."),
    ]
    difference: Annotated[
        Points | None,
        Setting(description="The sum over `groups`; null if no alliance was predicted."),
    ]
    groups: tuple[ExplainedGroup, ...]
    in_favour: tuple[str, ...]
    against: tuple[str, ...]
    reasons: Annotated[
        tuple[StatedReason, ...], Setting(description="Reasons for the exclusion, if excluded.")
    ]


class ExplanationResponse(ResponseModel):
    """One explanation, and the scale of its points."""

    recommendation_id: str
    scale: AllianceScale
    explanation: ClinicianExplanation
    notice: str


class ExplanationsResponse(ResponseModel):
    """Explanations of all clinicians of a shortlist."""

    recommendation_id: str
    scale: AllianceScale
    explanations: tuple[ClinicianExplanation, ...]
    notice: str


@dataclass(frozen=True, slots=True, eq=False)
class ExplanationCase:
    """A stored recommendation, and what explains it.

    Attributes
    ----------
    practice, features
        Those of the active model, which are those of the recommendation.
    response
        The response that was sent.
    contributions
        Contributions of all eligible clinicians; None if no alliance was predicted.
    """

    practice: Practice
    features: tuple[Feature, ...]
    response: RecommendationResponse
    contributions: StoredContributions | None

    @property
    def shown(self) -> list[str]:
        """Ids of the shortlist, first rank first."""
        return [each.clinician_id for each in self.response.shortlist]

    def explain(self, clinician_id: str, compared_with: str | None) -> ClinicianExplanation:
        """The explanation of one clinician.

        Parameters
        ----------
        compared_with
            Another eligible clinician. Without one, a shown clinician is compared with the average
            eligible clinician, another one with the first of the shortlist.

        Raises
        ------
        NotFoundError
            When one of the two was not eligible.
        """
        shown = {each.clinician_id: each for each in self.response.shortlist}
        excluded = {each.clinician_id: each.reasons for each in self.response.excluded}
        entry, why = shown.get(clinician_id), None
        if clinician_id in excluded:
            status: Literal["shown", "eligible", "excluded"] = "excluded"
            compared_with = None
        elif entry is not None and self.contributions is None:
            status, compared_with = "shown", None
        else:
            status = "eligible" if entry is None else "shown"
            if entry is None and compared_with is None:
                compared_with = next(iter(shown), None)
            why = self._contrast(clinician_id, compared_with)
        return ClinicianExplanation(
            clinician_id=clinician_id,
            status=status,
            rank=entry.rank if entry else None,
            predicted_alliance=entry.predicted_alliance if entry else None,
            compared_with=compared_with,
            difference=_fine(why.difference) if why else None,
            groups=tuple(ExplainedGroup.of(group) for group in why.groups) if why else (),
            in_favour=why.in_favour if why else (),
            against=why.against if why else (),
            reasons=excluded.get(clinician_id, ()),
        )

    def behind(self, clinician_id: str, other: str) -> tuple[str, ...]:
        """In what one eligible clinician is behind another; empty where nothing is stored."""
        stored = self.contributions
        if stored is None:
            return ()
        return stored.behind(self.practice, self.features, clinician_id, other)

    def _contrast(self, clinician_id: str, compared_with: str | None) -> Explanation:
        stored = self.contributions
        if stored is None or clinician_id not in stored.ids:
            raise _not_eligible("clinician_id")
        if compared_with is None:
            return stored.against_average(self.practice, self.features, clinician_id)
        if compared_with not in stored.ids:
            raise _not_eligible("compared_with")
        return stored.against(self.practice, self.features, clinician_id, compared_with)


@router.get(
    f"{ADDRESS}/explanations",
    operation_id="listExplanations",
    summary="Explain a shortlist",
    response_model=ExplanationsResponse,
    responses=problem_responses(GONE, NOT_READY),
)
async def get_explanations(request: Request, recommendation_id: RecommendationId) -> Response:
    """Each clinician is compared with the average eligible one, as of the recommendation."""
    case = await _case(request, recommendation_id)
    response = ExplanationsResponse(
        recommendation_id=recommendation_id,
        scale=case.response.scale,
        explanations=tuple(
            case.explain(each.clinician_id, None) for each in case.response.shortlist
        ),
        notice=NOTICE,
    )
    return Response(response.model_dump_json(), media_type=JSON)


@router.get(
    f"{ADDRESS}/explanations/{{clinician_id}}",
    operation_id="getExplanation",
    summary="Explain the position of one clinician",
    response_model=ExplanationResponse,
    responses=problem_responses(GONE, NOT_READY),
)
async def get_explanation(
    request: Request,
    recommendation_id: RecommendationId,
    clinician_id: ClinicianId,
    compared_with: Annotated[
        str | None,
        Query(pattern=ID_PATTERN, description="Id of another eligible clinician."),
    ] = None,
) -> Response:
    """Explain any clinician on the roster.

    Clinicians who were not shown are compared with the first one shown; excluded ones get the
    reasons of their exclusion. With `compared_with` two eligible clinicians are compared.
    """
    case = await _case(request, recommendation_id)
    response = ExplanationResponse(
        recommendation_id=recommendation_id,
        scale=case.response.scale,
        explanation=case.explain(clinician_id, compared_with),
        notice=NOTICE,
    )
    return Response(response.model_dump_json(), media_type=JSON)


async def _case(request: Request, recommendation_id: str) -> ExplanationCase:
    state = current_snapshot(request.app)
    recorded = await recorded_for(request, recommendation_id)
    return explanation_case(recorded.shown, state)


def explanation_case(shown: ShownRecommendation, state: ServingSnapshot) -> ExplanationCase:
    """What explains a recommendation.

    Raises
    ------
    ProblemError
        410 when the active model has another practice definition or other features.
    """
    stored = None if shown.explained is None else StoredContributions.from_bytes(shown.explained)
    features = state.model.pipeline.features
    names = tuple(feature.name for feature in features)
    if shown.practice_digest != state.practice.digest or (stored and stored.names != names):
        raise ProblemError(GONE)
    return ExplanationCase(state.practice, features, read_response(shown.response), stored)


def _not_eligible(name: str) -> NotFoundError:
    return NotFoundError(name, "was not on the roster or not eligible", "name another clinician")


def _fine(points: float) -> float:
    # Adding 0.0 turns a rounded -0.0 into 0.0.
    return round(points, FINE) + 0.0
