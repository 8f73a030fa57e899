"""The route of the questions, from which a form is made."""

import hashlib
from collections.abc import Mapping
from typing import Annotated, Literal

from fastapi import APIRouter, Query, Request
from pydantic import Field as Setting
from starlette.responses import Response

from recommender.errors import NotFoundError
from recommender.practice.forms import Audience
from recommender.security.scopes import Scope
from recommender.serving.authorization import caller, lacks_scope
from recommender.serving.dependencies import Snapshot
from recommender.serving.http.etags import etag, unless_matched
from recommender.serving.http.problems import NO_SUCH_RECORD, NOT_READY, FieldError
from recommender.serving.http.strict_json import JSON
from recommender.serving.openapi import READ_AGAIN, ApiRoute, problem_responses
from recommender.serving.schemas.questions import Questions, questions_of
from recommender.serving.schemas.required_scope import SCOPES_EXTENSION
from recommender.serving.snapshot.snapshot import ServingSnapshot

REVALIDATE = "private, no-cache"
"""A caller may store its own form, and asks for it again with the ETag."""
NEEDED: Mapping[Audience, Scope] = {"staff": Scope.EXPLAIN_READ}
"""Scopes of audiences that not every caller may read the questions to."""
FOR_STAFF = "audience: staff's questions need the scope explain:read; ask for those to clients"

router = APIRouter(tags=["recommendations"], route_class=ApiRoute)


@router.get(
    "/v1/questions",
    operation_id="getQuestions",
    summary="Read the questions, as a form",
    response_model=Questions,
    responses=problem_responses(NO_SUCH_RECORD, NOT_READY),
    openapi_extra=READ_AGAIN,
)
async def get_questions(
    request: Request,
    snapshot: Snapshot,
    audience: Annotated[
        Annotated[Audience, Setting(json_schema_extra={SCOPES_EXTENSION: {**NEEDED}})] | None,
        Query(
            description="Whom the questions address. Omitted: `staff` for callers with the scope "
            "`explain:read`, else `client`.",
            examples=["client"],
        ),
    ] = None,
    later: Annotated[
        Literal["true", "false"],
        Query(description="Whether to include questions asked only if more is wanted."),
    ] = "true",
) -> Response:
    """JSON Schema and UI schema of the practice's form; choices of clinicians have their names."""
    may_read_staff = caller(request).may(Scope.EXPLAIN_READ)
    if audience == "staff" and not may_read_staff:
        error = FieldError(pointer="", code="scope_missing", message=FOR_STAFF)
        raise lacks_scope(Scope.EXPLAIN_READ, [error])
    own: Audience = "staff" if may_read_staff else "client"
    form = _form(snapshot, audience or own, later=later == "true")
    headers = {
        **etag(hashlib.sha256(form).hexdigest()[:32]),
        "Cache-Control": REVALIDATE,
        "Content-Language": snapshot.practice.language,
        "Vary": "Authorization, Cookie",
    }
    return unless_matched(Response(form, headers=headers, media_type=JSON), request.headers)


def _form(snapshot: ServingSnapshot, audience: Audience, *, later: bool) -> bytes:
    """A form as JSON, computed once for each roster and its names.

    Raises
    ------
    NotFoundError
        When the practice has no form for the audience.
    """
    if audience not in snapshot.practice.forms:
        remedy = f"declare [forms.{audience}] in the practice definition"
        raise NotFoundError("audience", "has no form", remedy)
    roster = snapshot.encoding.roster
    return roster.columns.view(
        ("questions", snapshot.practice.digest, audience, later, roster.names),
        lambda: (
            questions_of(snapshot.practice, roster, audience, later=later)
            .model_dump_json()
            .encode()
        ),
    )
