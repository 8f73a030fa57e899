"""What a page says when something is refused. Imported by `serving.app`."""

from fastapi import Request
from starlette.responses import Response

from recommender.serving.auth.permissions import is_page
from recommender.serving.http.problems import FORBIDDEN, UNAUTHENTICATED, problem_for
from recommender.serving.http.request_context import request_info
from recommender.serving.staff import wording
from recommender.serving.staff.htmx import is_in_place, led_away
from recommender.serving.staff.page import ENTRANCE, moved, page


def is_staff(request: Request) -> bool:
    """Whether a request goes to a page, by the route it matched."""
    return is_page(getattr(request.scope.get("route"), "path", ""))


def refused_page(request: Request, error: Exception) -> Response:
    """A page with what is wrong; whoever is not signed in is asked to."""
    told = problem_for(error)
    if told.kind is UNAUTHENTICATED:
        return led_away(ENTRANCE) if is_in_place(request) else moved(ENTRANCE)
    said = [slip.message for slip in told.errors]
    response = page(
        request,
        "refused.html",
        told.kind.title,
        status=told.kind.status,
        said=said,
        detail=wording.NOT_YOURS if told.kind is FORBIDDEN else told.kind.detail,
        request_id=request_info(request.scope).request_id,
    )
    response.headers.update(told.headers or {})
    return response
