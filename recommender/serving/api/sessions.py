"""Routes that open, read and close staff sessions."""

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Request
from pydantic import Field as Setting
from starlette.responses import Response

from recommender.security.sessions import MAX_AGE, Session
from recommender.serving.authorization import (
    auth_backend,
    check_same_site,
    count_sign_in,
    session_cookie,
    session_of,
    unauthenticated,
)
from recommender.serving.http.problems import (
    BUSY,
    CROSS_SITE,
    INVALID,
    NOT_FOUND,
    TOO_MANY,
    UNAUTHENTICATED,
    ProblemError,
)
from recommender.serving.http.strict_json import JSON, JsonBody, check_headers
from recommender.serving.openapi import ApiRoute, problem_responses, request_body
from recommender.serving.schemas.request_bodies import Credentials
from recommender.serving.schemas.responses import ResponseModel

SAME_SITE = {
    "name": "Sec-Fetch-Site",
    "in": "header",
    "required": True,
    "description": "Browsers send it; those that do not are judged by Origin. Pages of other sites "
    "are refused.",
    "schema": {"type": "string", "enum": ["same-origin"]},
}
CSRF_TOKEN = {
    "name": "X-CSRF-Token",
    "in": "header",
    "required": True,
    "description": "`csrf_token` of the session.",
    "schema": {"type": "string"},
}

router = APIRouter(tags=["sessions"], route_class=ApiRoute)


class OpenSession(ResponseModel):
    """A session of the logged-in account."""

    account_id: str
    role: str
    scopes: tuple[str, ...]
    csrf_token: Annotated[
        str, Setting(description="To be sent as X-CSRF-Token with every changing request.")
    ]
    ends_at: Annotated[datetime, Setting(description="Latest end; unused sessions end earlier.")]

    @classmethod
    def of(cls, session: Session) -> "OpenSession":
        """The response for a session."""
        principal = session.principal
        return cls(
            account_id=principal.actor,
            role=principal.role,
            scopes=tuple(sorted(principal.scopes)),
            csrf_token=session.csrf,
            ends_at=session.opened_at + MAX_AGE,
        )


@router.post(
    "/v1/session",
    operation_id="logIn",
    summary="Open a session with a password",
    status_code=201,
    response_model=OpenSession,
    responses=problem_responses(UNAUTHENTICATED, CROSS_SITE, NOT_FOUND, INVALID, TOO_MANY, BUSY),
    openapi_extra=request_body("Credentials") | {"parameters": [SAME_SITE]},
)
async def post_session(request: Request) -> Response:
    """For browsers on this server's own pages; programs use keys. Sets a cookie."""
    auth = auth_backend(request)
    if auth.credentials is None:
        raise ProblemError(NOT_FOUND)
    check_headers(request.headers)
    check_same_site(request.headers)
    count_sign_in(request)
    credentials = JsonBody(await request.body()).read(Credentials, INVALID)
    session = await auth.log_in(credentials.name, credentials.password.get_secret_value())
    if session is None:
        raise unauthenticated()
    headers = {"Set-Cookie": session_cookie(request).setting(session.token)}
    return Response(OpenSession.of(session).model_dump_json(), 201, headers, media_type=JSON)


@router.get(
    "/v1/session",
    operation_id="getSession",
    summary="Read the current session",
    response_model=OpenSession,
)
async def get_session(request: Request) -> Response:
    """The session of the submitted cookie."""
    return Response(OpenSession.of(session_of(request)).model_dump_json(), media_type=JSON)


@router.delete(
    "/v1/session",
    operation_id="logOut",
    summary="Close the session",
    status_code=204,
    openapi_extra={"parameters": [SAME_SITE, CSRF_TOKEN]},
)
async def delete_session(request: Request) -> Response:
    """Delete the session; its token is no longer valid."""
    await auth_backend(request).log_out(session_of(request))
    return Response(status_code=204, headers={"Set-Cookie": session_cookie(request).clearing()})
