"""Logging in and out: a session of staff, opened with a password. Imported by `serving.app`."""

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Request
from pydantic import Field as Setting
from pydantic import ValidationError
from starlette.responses import Response

from recommender.security.sessions import LONGEST, Session
from recommender.serving.auth.middleware import (
    auth_backend,
    check_same_site,
    enforce_rate_limit,
    session_of,
    unauthenticated,
)
from recommender.serving.http.problems import (
    BAD_REQUEST,
    BUSY,
    CROSS_SITE,
    INVALID,
    MALFORMED,
    NOT_FOUND,
    STORE_AWAY,
    TOO_LARGE,
    TOO_MANY,
    UNAUTHENTICATED,
    UNEXPECTED,
    UNSUPPORTED,
    ProblemError,
    problem_from_validation,
)
from recommender.serving.http.strict_json import JSON, check_headers, check_json
from recommender.serving.openapi import REF, problem_responses
from recommender.serving.schemas.request_bodies import Credentials
from recommender.serving.schemas.responses import ResponseModel

router = APIRouter(tags=["sessions"])


class OpenSession(ResponseModel):
    """A session as its owner sees it."""

    account_id: str
    role: str
    scopes: tuple[str, ...]
    csrf_token: Annotated[
        str, Setting(description="Send it as X-CSRF-Token with whatever changes something.")
    ]
    ends_at: Annotated[datetime, Setting(description="At the latest; earlier when not used.")]

    @classmethod
    def of(cls, session: Session) -> "OpenSession":
        """What a page needs to know."""
        principal = session.principal
        return cls(
            account_id=principal.actor,
            role=principal.role,
            scopes=tuple(sorted(principal.scopes)),
            csrf_token=session.csrf,
            ends_at=session.opened_at + LONGEST,
        )


@router.post(
    "/v1/session",
    operation_id="logIn",
    summary="Open a session with a password",
    status_code=201,
    response_model=OpenSession,
    responses=problem_responses(
        BAD_REQUEST,
        MALFORMED,
        UNAUTHENTICATED,
        CROSS_SITE,
        NOT_FOUND,
        TOO_LARGE,
        UNSUPPORTED,
        INVALID,
        TOO_MANY,
        UNEXPECTED,
        BUSY,
        STORE_AWAY,
    ),
    openapi_extra={
        "requestBody": {
            "required": True,
            "content": {JSON: {"schema": {"$ref": REF.format(model="Credentials")}}},
        }
    },
)
async def post_session(request: Request) -> Response:
    """For people at a browser of this server; programs use keys. Sets a cookie."""
    auth = auth_backend(request)
    if auth.locks is None:
        raise ProblemError(NOT_FOUND)
    check_headers(request.headers)
    check_same_site(request.headers)
    enforce_rate_limit(request, auth.logins, request.client.host if request.client else "")
    given = _credentials(await request.body())
    session = await auth.log_in(given.name, given.password.get_secret_value())
    if session is None:
        raise unauthenticated()
    headers = {"Set-Cookie": auth.cookie.setting(session.token)}
    return Response(OpenSession.of(session).model_dump_json(), 201, headers, media_type=JSON)


@router.get(
    "/v1/session",
    operation_id="getSession",
    summary="Who is logged in",
    response_model=OpenSession,
    responses=problem_responses(BAD_REQUEST, UNEXPECTED),
)
async def get_session(request: Request) -> Response:
    """The session of the cookie that was sent."""
    return Response(OpenSession.of(session_of(request)).model_dump_json(), media_type=JSON)


@router.delete(
    "/v1/session",
    operation_id="logOut",
    summary="Close the session",
    status_code=204,
    responses=problem_responses(BAD_REQUEST, UNEXPECTED),
)
async def delete_session(request: Request) -> Response:
    """Nothing opens it again."""
    auth = auth_backend(request)
    await auth.log_out(session_of(request))
    return Response(status_code=204, headers={"Set-Cookie": auth.cookie.clearing()})


def _credentials(body: bytes) -> Credentials:
    check_json(body)
    try:
        return Credentials.model_validate_json(body)
    except ValidationError as error:
        raise problem_from_validation(error) from None
