"""Renders `/docs` and lists its files; nothing on it is secret, so that anybody may read it.

The operations are shown by Swagger UI, whose files are in `static/` as they were published.
"""

import json
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from starlette.responses import HTMLResponse, Response
from starlette.types import ASGIApp

from recommender.security.scopes import Role
from recommender.serving.authorization import auth_backend
from recommender.serving.dependencies import Snapshot
from recommender.serving.http.page_files import (
    compressed_files,
    templates_of,
    versioned_address,
)
from recommender.serving.http.request_context import PAGE_POLICY, request_info
from recommender.serving.openapi import openapi_document
from recommender.serving.snapshot.snapshot import ServingSnapshot

ADDRESS = "/docs"
STATIC = f"{ADDRESS}/static"
STATIC_FOLDER = Path(__file__).with_name("static")
RENDERER = "swagger-ui-5.35.0"
SAMPLE = "backend.py"
POLICY = PAGE_POLICY.replace("img-src 'self'", "img-src 'self' data:")
"""As that of staff pages; the renderer's style has its icons as data."""
READERS: Mapping[Role, str] = {
    Role.TOOL: "a program of yours",
    Role.BROWSER: "a public web page",
    Role.STAFF: "a staff application",
    Role.SCIENTIST: "a notebook",
    Role.ADMIN: "administration",
}
"""For whom each role is, in the order of the page."""

router = APIRouter()


def static_address(name: str) -> str:
    """The address of a file, with a digest of its content."""
    return versioned_address(STATIC, STATIC_FOLDER, name)


_templates = templates_of("recommender.serving.reference")
_templates.globals |= {
    name: static_address(file)
    for name, file in {
        "style": "docs.css",
        "script": "docs.js",
        "renderer_style": f"{RENDERER}.css",
        "renderer": f"{RENDERER}.js",
        "sample": SAMPLE,
    }.items()
}


def static_files() -> ASGIApp:
    """Style, scripts and the sample program, compressed."""
    return compressed_files(STATIC_FOLDER)


@router.get(ADDRESS, include_in_schema=False)
async def get_reference(
    request: Request, snapshot: Snapshot, role: Annotated[Role, Query()] = Role.TOOL
) -> Response:
    """The page, with the operations that a key of the role may call."""
    info = request_info(request.scope)
    info.is_page, info.own_headers = True, {"content-security-policy": POLICY}
    document = openapi_document(request.app, snapshot.form, snapshot.clinicians, role).body
    html = _templates.get_template("docs.html").render(
        root=info.root_path,
        server=f"{request.url.scheme}://{request.url.netloc}{info.root_path}",
        practice=snapshot.practice,
        needs_key=auth_backend(request).credentials is not None,
        body=example_body(snapshot),
        role=role,
        readers=READERS,
        operations=operations_of(document),
    )
    return HTMLResponse(html)


def example_body(snapshot: ServingSnapshot) -> str:
    """The body of a first request as JSON."""
    answers = {
        name: int(answer) if isinstance(answer, float) and answer.is_integer() else answer
        for name, answer in snapshot.form.example["answers"].items()
    }
    body = {"answers": answers}
    return _json(body)


@lru_cache(maxsize=len(Role))
def operations_of(document: bytes) -> tuple[tuple[str, str, str], ...]:
    """Method, path and summary of each operation of a contract, for readers without JavaScript."""
    paths: Mapping[str, Mapping[str, Any]] = json.loads(document)["paths"]
    return tuple(
        (method.upper(), path, operation["summary"])
        for path, methods in paths.items()
        for method, operation in methods.items()
    )


def _json(value: Mapping[str, Any]) -> str:
    """JSON that can be put between single quotes of a shell."""
    return json.dumps(value, ensure_ascii=False).replace("'", "\\u0027")
