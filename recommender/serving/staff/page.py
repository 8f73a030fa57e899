"""How a page for staff is made: templates that escape everything, and the frame around them.

Imported by the routes of `staff`.
"""

from typing import Any

from fastapi import Request
from jinja2 import Environment, PackageLoader, StrictUndefined
from starlette.responses import HTMLResponse, RedirectResponse, Response

from recommender.security.scopes import Principal, Scope
from recommender.serving.auth.permissions import PAGES
from recommender.serving.authorization import CSRF_FIELD, auth_backend
from recommender.serving.http.request_context import request_info
from recommender.serving.staff import wording
from recommender.serving.staff.htmx import ADDRESS, SETTINGS

HOME = PAGES
ENTRANCE = f"{HOME}/session"
NEW, MODEL = f"{HOME}/requests/new", f"{HOME}/model"
CLINICIANS = f"{HOME}/clinicians"
RECORDS = f"{CLINICIANS}/records"
SEE_OTHER = 303

_templates = Environment(
    loader=PackageLoader("recommender.serving.staff"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
_templates.globals |= {"w": wording, "script": ADDRESS, "script_settings": SETTINGS}


def page(
    request: Request, template: str, title: str, *, status: int = 200, **told: Any
) -> Response:
    """A page; whoever is signed in finds their token in each of its forms."""
    info = request_info(request.scope)
    info.is_page, session = True, info.session
    text = _templates.get_template(template).render(
        title=title,
        token=session.csrf if session else "",
        token_field=CSRF_FIELD,
        signed_in=session is not None,
        nothing_is_kept=auth_backend(request).credentials is None,
        links=_links(info.principal),
        **told,
    )
    return HTMLResponse(text, status)


def moved(address: str) -> Response:
    """Sends a browser on after a form, so that reloading sends nothing twice."""
    return RedirectResponse(address, SEE_OTHER)


def _links(principal: Principal | None) -> tuple[tuple[str, str], ...]:
    """The pages somebody may open: address and name."""
    needed = {
        HOME: (Scope.EXPLAIN_READ, wording.QUEUE),
        NEW: (Scope.MATCH_CREATE, wording.NEW_REQUEST),
        MODEL: (Scope.MODEL_READ, wording.MEASURED),
        CLINICIANS: (Scope.ROSTER_READ, wording.CLINICIANS),
        RECORDS: (Scope.RECORD_READ, wording.RECORDS),
    }
    return tuple(
        (address, name)
        for address, (scope, name) in needed.items()
        if principal is not None and principal.may(scope)
    )
