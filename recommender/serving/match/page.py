"""Renders the matching page: its templates, its headers, and the page of a refusal."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from fastapi import Request
from starlette.responses import HTMLResponse, Response
from starlette.types import ASGIApp

from recommender.practice.matching_page import MatchingPage
from recommender.serving.appearance import appearance_of
from recommender.serving.dependencies import app_state, current_snapshot
from recommender.serving.http.page_files import (
    compressed_files,
    templates_of,
    versioned_address,
)
from recommender.serving.http.problems import (
    BUSY,
    NOT_FOUND,
    NOT_READY,
    TOO_MANY,
    ProblemType,
    problem_for,
)
from recommender.serving.http.request_context import request_info
from recommender.serving.http.submitted_form import FormData
from recommender.serving.match.words import clock, dial

MATCH = "/match"
STATIC = f"{MATCH}/static"
STATIC_FOLDER = Path(__file__).with_name("static")
STYLE, SCRIPT, ICON = "match.css", "match.js", "icon.svg"
CACHE = "private, no-cache"
"""A browser may hold a page for its Back button, and asks anew otherwise."""
CLEAR = '"cache", "storage"'
"""Value of Clear-Site-Data that empties what a browser stored of this server."""
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'{photos}; "
    "form-action 'self'; base-uri 'none'; frame-ancestors {ancestors}"
)
"""Policy of the matching page; pictures of clinicians are at addresses of the practice."""

_templates = templates_of("recommender.serving.match")


def static_files() -> ASGIApp:
    """Style, script and icon, compressed."""
    return compressed_files(STATIC_FOLDER)


def _address(name: str) -> str:
    return versioned_address(STATIC, STATIC_FOLDER, name)


_templates.globals |= {"style": _address(STYLE), "script": _address(SCRIPT), "icon": _address(ICON)}


def is_matching_page(path: str) -> bool:
    """Whether a path is of the matching page."""
    return path == MATCH or path.startswith(f"{MATCH}/")


def matching_page_of(request: Request) -> MatchingPage:
    """The section of the definition in use; the page is served only where it has one."""
    page = current_snapshot(request.app).practice.matching_page
    assert page is not None
    return page


def render(
    request: Request,
    template: str,
    title: str,
    *,
    status: int = 200,
    photos: tuple[str, ...] = (),
    clear: bool = False,
    **values: Any,
) -> Response:
    """One page; `photos` are addresses of pictures on it, `clear` empties the browser's store."""
    page, practice = matching_page_of(request), current_snapshot(request.app).practice
    info = request_info(request.scope)
    info.is_page = True
    info.own_headers = headers_of(
        app_state(request.app).settings.matching_frame_ancestors, photos, clear=clear
    )
    html = _templates.get_template(template).render(
        title=title,
        root=info.root_path,
        page=page,
        appearance=appearance_of(request.app),
        language=practice.language,
        dial=dial,
        clock=clock,
        **values,
    )
    return HTMLResponse(html, status)


def headers_of(
    ancestors: tuple[str, ...], photos: tuple[str, ...] = (), *, clear: bool = False
) -> Mapping[str, str | None]:
    """The headers of a matching page; None for one that it goes without."""
    origins = sorted({f"{part.scheme}://{part.netloc}" for part in map(urlsplit, photos)})
    headers: dict[str, str | None] = {
        "cache-control": CACHE,
        # Browsers without Sec-Fetch-Site then say where a form was sent from.
        "referrer-policy": "same-origin",
        "content-security-policy": POLICY.format(
            photos="".join(f" {each}" for each in origins),
            ancestors=" ".join(ancestors) or "'none'",
        ),
    }
    if ancestors:
        headers |= {"x-frame-options": None, "cross-origin-resource-policy": "cross-origin"}
    if clear:
        headers |= {"clear-site-data": CLEAR, "cache-control": "no-store"}
    return headers


_WORDS: Mapping[ProblemType, tuple[str, str]] = {
    TOO_MANY: (
        "Please wait a minute",
        "Many pages were asked for from your network in a short time. Wait a minute, then try "
        "again.",
    ),
    BUSY: ("Please wait a moment", "A lot of people are using this page. Try again in a moment."),
    NOT_READY: ("Please wait a moment", "This page is starting. Try again in a moment."),
    NOT_FOUND: ("There is no page here", "Start again from the first page."),
}
_OTHERWISE = "Something went wrong", "Your last step could not be read. Try again, or start again."


def refusal(request: Request, error: Exception, sent: FormData | None = None) -> Response:
    """A refusal in plain words; what was sent can be sent again."""
    problem = problem_for(error)
    request_info(request.scope).problem = problem.kind.slug
    title, text = _WORDS.get(problem.kind, _OTHERWISE)
    again = [
        (name, each) for name, texts in (sent.fields if sent else {}).items() for each in texts
    ]
    response = render(
        request, "refusal.html", title, status=problem.kind.status, text=text, again=again
    )
    response.headers.update(problem.headers or {})
    return response
