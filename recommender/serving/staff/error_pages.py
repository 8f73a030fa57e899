"""What a staff page answers instead of itself: the error page, the sign-in page, a form again."""

from collections.abc import Mapping
from typing import Any

from fastapi import Request
from starlette.responses import Response

from recommender.errors import NotFoundError
from recommender.serving.appearance import appearance_of
from recommender.serving.authorization import auth_backend
from recommender.serving.http.problems import (
    CROSS_SITE,
    FORBIDDEN,
    NOT_ALLOWED,
    NOT_FOUND,
    UNAUTHENTICATED,
    ProblemType,
    problem_for,
)
from recommender.serving.http.request_context import request_info
from recommender.serving.http.root_path import path_within
from recommender.serving.staff import wording
from recommender.serving.staff.page import HOME, MINE, SIGN_IN, is_part, page, redirect
from recommender.serving.staff.pending_form import (
    THEN,
    PendingForm,
    is_page_address,
    pending_form,
)

_DETAILS: Mapping[ProblemType, str] = {
    FORBIDDEN: "Your account cannot see or do this. If you need it for your work, ask {contact}.",
    NOT_FOUND: "There is no page at this address. Check it, or start from the list of requests.",
    NOT_ALLOWED: "This page answers a form. Open the page with the form and send it again.",
}
"""What a page says of a problem where programs get another text; `contact` looks after accounts."""


async def error_page(request: Request, error: Exception) -> Response:
    """A page that says what is wrong; a caller without a session is asked to sign in.

    A form that was sent without a session, or with one opened since its page was, is carried to the
    sign-in page or shown to be sent again: what was typed is not lost.
    """
    problem = problem_for(error)
    if problem.kind is UNAUTHENTICATED:
        return await _ask_to_sign_in(request)
    session = request_info(request.scope).session
    if problem.kind is FORBIDDEN and session is not None and session.restricted:
        return _elsewhere(request, MINE)
    if problem.kind is CROSS_SITE and session is not None:
        pending = await pending_form(request)
        if pending is not None:
            status = problem.kind.status
            return page(request, "pending.html", "Not saved yet", status=status, pending=pending)
    faults = [each.message for each in problem.errors]
    if isinstance(error, NotFoundError):
        faults = [wording.NOT_RECORDED.get(error.field, wording.fault(error.field, error.problem))]
    response = page(
        request,
        "error.html",
        problem.kind.title,
        status=problem.kind.status,
        faults=faults,
        detail=_DETAILS[problem.kind].format(contact=appearance_of(request.app).contact)
        if problem.kind in _DETAILS
        else problem.kind.detail,
        request_id=request_info(request.scope).request_id,
    )
    response.headers.update(problem.headers or {})
    return response


def sign_in_page(
    request: Request,
    *,
    status: int = 200,
    refused: bool = False,
    pending: PendingForm | None = None,
    then: str = "",
) -> Response:
    """The form for name and password, with what follows it: a form that was sent, or a page."""
    auth = auth_backend(request)
    values: dict[str, Any] = {"refused": refused, "pending": pending, "then": then}
    values |= {"provider": auth.provider and auth.provider.name, "passwords": auth.passwords}
    return page(request, "sign_in.html", "Sign in", status=status, **values)


async def _ask_to_sign_in(request: Request) -> Response:
    pending = await pending_form(request)
    if pending is not None:
        return sign_in_page(request, status=UNAUTHENTICATED.status, pending=pending)
    address, then = path_within(request.scope), ""
    if request.method == "GET" and address != HOME and is_page_address(address):
        then = f"?{THEN}={address}"
    return _elsewhere(request, f"{SIGN_IN}{then}")


def _elsewhere(request: Request, address: str) -> Response:
    """Sends the browser to another page, also where script asked for a part of this one."""
    if is_part(request):
        return Response(status_code=204, headers={"hx-redirect": address})
    return redirect(address)
