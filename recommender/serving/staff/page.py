"""Renders pages: templates that escape everything, the frame around them."""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from fastapi import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.types import ASGIApp

from recommender.security.scopes import Principal, Scope
from recommender.serving.appearance import appearance_of
from recommender.serving.authorization import CSRF_FIELD, PAGES, auth_backend, is_page
from recommender.serving.http.page_files import (
    compressed_files,
    templates_of,
    versioned_address,
)
from recommender.serving.http.request_context import request_info
from recommender.serving.http.root_path import path_within
from recommender.serving.staff import follow_up_words, wording

HOME = PAGES
SIGN_IN = f"{HOME}/session"
NEW, MODEL = f"{HOME}/requests/new", f"{HOME}/model"
CLINICIANS = f"{HOME}/clinicians"
RECORDS = f"{CLINICIANS}/records"
PRACTICE, MINE = f"{HOME}/practice", f"{HOME}/account"
STATIC = f"{HOME}/static"
LINKS = (
    (HOME, "Requests", Scope.EXPLAIN_READ),
    (NEW, "New request", Scope.MATCH_CREATE),
    (MODEL, "Is it usually right?", Scope.MODEL_READ),
    (CLINICIANS, "Clinicians", Scope.ROSTER_READ),
    (PRACTICE, "Practice", Scope.ACCESS_MANAGE),
)
"""Address and name of every page in the navigation, and what it takes to see it."""
FURTHER = ((RECORDS, "Clinicians' records", Scope.RECORD_READ),)
"""The same of pages in the menu of the account, which are seldom needed."""
KEYS = {HOME: "g r", NEW: "n", CLINICIANS: "g c"}
"""Keyboard shortcuts of pages; several keys are pressed one after the other."""
STATIC_FOLDER = Path(__file__).with_name("static")
FOUNDATION, STYLE, ICON = "oat-0.6.1.min.css", "style.css", "icon.svg"
SCRIPT = "htmx-2.0.11.min.js"
PEOPLE_SCRIPT, SHORTCUTS_SCRIPT = "people.js", "shortcuts.js"
SCRIPT_SETTINGS = json.dumps(
    {
        "allowEval": False,
        "allowScriptTags": False,
        "includeIndicatorStyles": False,
        "selfRequestsOnly": True,
        "historyCacheSize": 0,
        "refreshOnHistoryMiss": True,
        "responseHandling": [
            {"code": "[23]..", "swap": True},
            {
                "code": "...",
                "swap": True,
                "error": True,
                "target": "main",
                "select": "main",
                "swapOverride": "outerHTML",
            },
        ],
    }
)
"""htmx runs nothing that a page holds and stores no page; an error replaces the whole page, as it
does without script."""


def static_files() -> ASGIApp:
    """Style, icon and script, compressed."""
    return compressed_files(STATIC_FOLDER)


def static_address(name: str) -> str:
    """The address of a static file, with a digest of its content."""
    return versioned_address(STATIC, STATIC_FOLDER, name)


_templates = templates_of("recommender.serving.staff")
_templates.globals |= {
    "w": wording,
    "follow_up": follow_up_words,
    "foundation": static_address(FOUNDATION),
    "style": static_address(STYLE),
    "icon": static_address(ICON),
    "script": static_address(SCRIPT),
    "shortcuts": static_address(SHORTCUTS_SCRIPT),
    "keys": KEYS,
    "static_address": static_address,
    "people_script": static_address(PEOPLE_SCRIPT),
    "request_style": static_address("request.css"),
    "form_style": static_address("form.css"),
    "roster_script": static_address("roster.js"),
    "form_script": static_address("form.js"),
    "draft_script": static_address("draft.js"),
    "script_settings": SCRIPT_SETTINGS,
}


def page(
    request: Request, template: str, title: str, *, status: int = 200, **values: Any
) -> Response:
    """A page; a session's token is in each of its forms."""
    info = request_info(request.scope)
    info.is_page, session, principal = True, info.session, info.principal
    path = path_within(request.scope)
    here = _section(path)
    links, further = _allowed(LINKS, principal), _allowed(FURTHER, principal)
    if session is None:
        links, further = links + further, []
    elif session.restricted:
        links, further = [], []
    html = _templates.get_template(template).render(
        title=title,
        appearance=appearance_of(request.app),
        here=here,
        is_here=here == path,
        root=info.root_path,
        token=session.csrf if session else "",
        token_field=CSRF_FIELD,
        account=session.account.name if session else "",
        without_store=auth_backend(request).credentials is None,
        links=links,
        further=[(MINE, "My account"), *further],
        **values,
    )
    return HTMLResponse(html, status)


def _allowed(
    pages: Iterable[tuple[str, str, Scope]], principal: Principal | None
) -> list[tuple[str, str]]:
    """Address and name of the pages that a caller may see."""
    if principal is None:
        return []
    return [(address, name) for address, name, scope in pages if principal.may(scope)]


def _section(path: str) -> str:
    """The link of the navigation that a page belongs to: the one its path is, or lies below."""
    listed = (MINE, *(each for each, *_ in (*LINKS, *FURTHER)))
    within = [each for each in listed if path == each or path.startswith(f"{each}/")]
    return max(within, key=len, default=HOME)


def redirect(address: str) -> Response:
    """Sends a browser on after a form, so that reloading sends nothing twice."""
    return RedirectResponse(address, 303)


def is_staff(request: Request) -> bool:
    """Whether a request goes to a page, by the route it matched."""
    return is_page(getattr(request.scope.get("route"), "path", ""))


def is_part(request: Request) -> bool:
    """Whether script asks for a part of a page."""
    return request.headers.get("hx-request") == "true"
