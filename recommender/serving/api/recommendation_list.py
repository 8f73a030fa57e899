"""The route that lists recommendations page by page."""

from datetime import date, datetime, time, timedelta
from functools import partial
from typing import Annotated, Literal, Self
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Query, Request
from pydantic import AfterValidator, BaseModel, ConfigDict
from pydantic import Field as Setting
from pydantic_core import PydanticKnownError
from starlette.responses import Response

from recommender.journal.recommendation_list import (
    ListedRecommendation,
    ListFilter,
    recommendation_list,
)
from recommender.practice.definition import Practice
from recommender.security.scopes import Scope
from recommender.serving.authorization import caller
from recommender.serving.dependencies import Snapshot
from recommender.serving.http.cursors import (
    DIGITS,
    MAX_LENGTH,
    cursor_of,
    next_link,
    next_page,
    read_cursor,
)
from recommender.serving.http.problems import BAD_REQUEST, FieldError, ProblemError
from recommender.serving.http.request_context import request_info
from recommender.serving.http.strict_json import JSON
from recommender.serving.idempotency import read
from recommender.serving.openapi import JournalRoute
from recommender.serving.schemas.json_types import JsonDate
from recommender.serving.schemas.request_bodies import ClosingReason
from recommender.serving.schemas.required_scope import visible_json
from recommender.serving.schemas.responses import EXPLAINS, ResponseModel
from recommender.values.ids import ID_PATTERN

RECOMMENDATIONS = "/v1/recommendations"
State = Literal["undecided", "decided", "overridden", "closed"]
Mode = Literal["model", "evidence_prior", "pooled_prior", "constraints_only", "trial"]
FIRST_DAY, LAST_DAY = date(1970, 1, 1), date(8999, 12, 31)


def _is_listed(day: date) -> date:
    # JSON Schema bounds numbers alone: in the contract the pattern says the same.
    if day < FIRST_DAY:
        raise PydanticKnownError("greater_than_equal", {"ge": FIRST_DAY.isoformat()})
    if day > LAST_DAY:
        raise PydanticKnownError("less_than_equal", {"le": LAST_DAY.isoformat()})
    return day


Day = Annotated[
    JsonDate,
    AfterValidator(_is_listed),
    Setting(json_schema_extra={"pattern": "^(19[7-9][0-9]|[2-8][0-9]{3})-[0-9]{2}-[0-9]{2}$"}),
]
"""A day whose moments every database can compare."""
Id = Annotated[str, Setting(pattern=ID_PATTERN)]

router = APIRouter(tags=["recommendations"], route_class=JournalRoute)


class ListQuery(BaseModel):
    """The query of the list; `next` of a page repeats it with the cursor of the page after."""

    model_config = ConfigDict(frozen=True)

    client_id: Annotated[Id | None, Setting(description="About this client.")] = None
    from_: Annotated[
        Day | None,
        Setting(alias="from", description="Recorded on this day of the practice or later."),
    ] = None
    to: Annotated[
        Day | None, Setting(description="Recorded on this day of the practice or earlier.")
    ] = None
    state: Annotated[
        State | None,
        Setting(
            description="By the decision in force: none, a clinician who was shown, or another "
            "one (`kind` override); `closed` requests have no other state."
        ),
    ] = None
    mode: Annotated[Mode | None, Setting(description="As in a recommendation.")] = None
    clinician_id: Annotated[Id | None, Setting(description="Chosen by the decision in force.")] = (
        None
    )
    limit: Annotated[int, Setting(ge=1, le=200, description="Entries of a page."), DIGITS] = 50
    cursor: Annotated[
        str | None,
        Setting(max_length=MAX_LENGTH, description="From `next` of the page before; opaque."),
    ] = None

    def filter_for(self, practice: Practice, actor: str | None) -> ListFilter:
        """The filter of the journal; days become moments in the practice's time zone."""
        return ListFilter(
            actor=actor,
            client_id=self.client_id,
            since=_start_of(self.from_, practice) if self.from_ else None,
            before=_start_of(self.to + timedelta(days=1), practice) if self.to else None,
            state=self.state,
            mode=self.mode,
            clinician_id=self.clinician_id,
        )

    def page_after(self, last: ListedRecommendation) -> dict[str, str]:
        """The query of the page after an entry."""
        given = self.model_dump(by_alias=True, mode="json", exclude_none=True, exclude={"cursor"})
        cursor = cursor_of((last.recorded_at, last.recommendation_id))
        return {name: str(value) for name, value in given.items()} | {"cursor": cursor}


class RecommendationSummary(ResponseModel):
    """One recommendation of a list."""

    recommendation_id: str
    asked_on: Annotated[date, Setting(description="The day asked for, as in the recommendation.")]
    created_at: Annotated[datetime, Setting(description="When it was recorded.")]
    client_id: Annotated[
        str | None, EXPLAINS, Setting(description="null if the client was new to the practice.")
    ]
    mode: Mode
    eligible: Annotated[
        int | None, Setting(description="null if it was recorded before the number was stored.")
    ]
    shown: Annotated[
        tuple[str, ...], Setting(description="Ids of the shortlist, first rank first.")
    ]
    state: State
    closed_for: Annotated[
        ClosingReason | None, Setting(description="Why it was closed; null while it is open.")
    ]
    clinician_id: Annotated[
        str | None, Setting(description="Chosen by the decision in force; null without one.")
    ]

    @classmethod
    def of(cls, listed: ListedRecommendation) -> Self:
        """One entry."""
        return cls.model_validate(
            {
                "recommendation_id": listed.recommendation_id,
                "asked_on": listed.asked_on,
                "created_at": listed.recorded_at,
                "client_id": listed.client_id,
                "mode": listed.mode,
                "eligible": listed.eligible,
                "shown": listed.shown,
                "state": listed.state,
                "closed_for": listed.closed_for,
                "clinician_id": listed.chosen,
            }
        )


class RecommendationPage(ResponseModel):
    """One page of recommendations, newest first."""

    recommendations: tuple[RecommendationSummary, ...]
    next: Annotated[
        str | None,
        Setting(description="Address of the next page, also in the header Link; null at the end."),
    ]


@router.get(
    RECOMMENDATIONS,
    operation_id="listRecommendations",
    summary="List recommendations page by page",
    response_model=RecommendationPage,
)
async def get_recommendations(
    request: Request, snapshot: Snapshot, query: Annotated[ListQuery, Query()]
) -> Response:
    """Newest first: one's own or, with `explain:read`, everybody's.

    A recommendation that is recorded while pages are read does not move others across pages.
    """
    if query.from_ and query.to and query.from_ > query.to:
        message = "the query parameter `from` is after `to`; exchange the two days"
        raise ProblemError(BAD_REQUEST, [FieldError(pointer="", code="query", message=message)])
    principal = caller(request)
    sees_all = principal.may(Scope.EXPLAIN_READ)
    wanted = query.filter_for(snapshot.practice, None if sees_all else principal.actor)
    after = read_cursor(query.cursor) if query.cursor else None
    # One more than the page has says whether there is another page.
    look = partial(recommendation_list, wanted=wanted, limit=query.limit + 1, after=after)
    # Nothing that a sandbox key sends is recorded.
    found = () if principal.sandbox else await read(request, look)
    listed = found[: query.limit]
    address = f"{request_info(request.scope).root_path}{RECOMMENDATIONS}"
    more = next_page(address, query.page_after(listed[-1]) if len(found) > query.limit else None)
    page = RecommendationPage(
        recommendations=tuple(map(RecommendationSummary.of, listed)), next=more
    )
    return Response(visible_json(page, principal.scopes), media_type=JSON, headers=next_link(more))


def _start_of(day: date, practice: Practice) -> datetime:
    return datetime.combine(day, time(), ZoneInfo(practice.timezone))
