"""The OpenAPI document of a server, with the questions of its practice definition."""

import json
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from pydantic import BaseModel

from recommender.security.scopes import Scope
from recommender.serving.auth.permissions import NEEDS, Unrestricted
from recommender.serving.http.problems import (
    BAD_REQUEST,
    BUSY,
    CONFLICT,
    CROSS_SITE,
    FORBIDDEN,
    IN_FLIGHT,
    INVALID_FEEDBACK,
    KEY_REUSED,
    MALFORMED,
    MEDIA_TYPE,
    NO_STORE,
    NO_SUCH_RECORD,
    NOT_FOUND,
    NOT_READY,
    REQUEST_TIMEOUT,
    STORE_UNAVAILABLE,
    TOO_LARGE,
    TOO_MANY,
    UNAUTHENTICATED,
    UNEXPECTED,
    UNSUPPORTED,
    Problem,
    ProblemType,
)
from recommender.serving.http.strict_json import JSON
from recommender.serving.schemas.clinician import ClinicianSchema
from recommender.serving.schemas.intake import RequestSchema
from recommender.serving.schemas.request_bodies import BODIES, Credentials

REF = "#/components/schemas/{model}"
API_VERSION = "2.0.0"
SCHEMES: Mapping[str, Any] = {
    "key": {
        "type": "http",
        "scheme": "bearer",
        "bearerFormat": "rk_<id>_<secret>",
        "description": "A program's key, created with `recommender keys create`. A server without "
        "a store requires none and accepts requests from its own machine only.",
    },
    "session": {
        "type": "apiKey",
        "in": "cookie",
        "name": "__Host-recommender",
        "description": "A staff session; see POST /v1/session. Without TLS, on the server's own "
        "machine, the cookie is named `recommender`.",
    },
}
DESCRIPTION = (
    "Recommends clinicians to a new client: excludes those who do not meet the client's hard "
    "constraints, ranks the others by the predicted early working alliance, and marks ties. The "
    "questions are those of the practice definition `{title}`, version {version}."
)
_FRAMEWORKS = ("HTTPValidationError", "ValidationError")
_ALWAYS = (TOO_MANY, BUSY, STORE_UNAVAILABLE)


WRITE_PROBLEMS = (
    *(
        BAD_REQUEST,
        MALFORMED,
        REQUEST_TIMEOUT,
        NO_STORE,
        CONFLICT,
        IN_FLIGHT,
        TOO_LARGE,
        UNSUPPORTED,
    ),
    *(INVALID_FEEDBACK, KEY_REUSED, UNEXPECTED, NOT_READY),
)
"""Problems of operations that record what is sent."""
READ_PROBLEMS = (BAD_REQUEST, NOT_FOUND, NO_SUCH_RECORD, NO_STORE, UNEXPECTED)
"""Problems of operations that read records."""
KEY_PARAMETER: Mapping[str, Any] = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": False,
    "description": "Any new text, such as a UUID. A request repeated with the same key and body "
    "within 48 hours gets the first response and is recorded once.",
    "schema": {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[ -~]+$"},
    "example": "6b1f0d6e-3a59-4c1d-9d0a-6f1f1f0c2c1e",
}


def json_body(model: str, *, kept: bool = True) -> dict[str, Any]:
    """How an operation documents the body it takes and, where it is kept, the key."""
    content = {JSON: {"schema": {"$ref": REF.format(model=model)}}}
    body = {"requestBody": {"required": True, "content": content}}
    return body | ({"parameters": [KEY_PARAMETER]} if kept else {})


def created(model: type[BaseModel], links: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """How an operation documents that something was kept, and where it is found."""
    where = {"description": "URL of the new resource.", "schema": {"type": "string"}}
    entry: dict[str, Any] = {
        "model": model,
        "description": "Recorded.",
        "headers": {"Location": where},
    }
    return entry | ({"links": links} if links else {})


def problem_responses(*kinds: ProblemType) -> dict[int | str, dict[str, Any]]:
    """How an operation documents the problems it gives."""
    documented: dict[int | str, dict[str, Any]] = {}
    for kind in kinds:
        example = Problem.of(kind, "0123456789abcdef").model_dump(mode="json")
        entry = documented.setdefault(kind.status, {"description": kind.title, "content": {}})
        media = entry["content"].setdefault(
            MEDIA_TYPE, {"schema": {"$ref": REF.format(model="Problem")}, "examples": {}}
        )
        media["examples"][kind.slug] = {"summary": kind.title, "value": example}
    return documented


def _declare_needs(paths: dict[str, dict[str, dict[str, Any]]]) -> None:
    """Says of each operation what it needs, and how it refuses whoever lacks it."""
    for path, operations in paths.items():
        for method, operation in operations.items():
            # The framework documents a refusal of its own, which this server never gives.
            if JSON in operation["responses"].get("422", {}).get("content", {}):
                del operation["responses"]["422"]
            needed = NEEDS.get(f"{method.upper()} {path}")
            if needed is Unrestricted.ANYBODY:
                operation["security"] = []
                continue
            named = [needed.value] if isinstance(needed, Scope) else []
            operation["security"] = [{"key": named}, {"session": named}]
            changing = () if method == "get" else (CROSS_SITE,)
            _add(operation["responses"], UNAUTHENTICATED, FORBIDDEN, *changing, *_ALWAYS)


def _add(responses: dict[str, Any], *kinds: ProblemType) -> None:
    for status, entry in problem_responses(*kinds).items():
        kept = responses.setdefault(str(status), entry)
        kept["content"][MEDIA_TYPE]["examples"] |= entry["content"][MEDIA_TYPE]["examples"]


def request_body(model: str) -> dict[str, Any]:
    """How an operation documents the body it takes."""
    schema = {"schema": {"$ref": REF.format(model=model)}}
    return {"requestBody": {"required": True, "content": {"application/json": schema}}}


def response_body(model: str) -> dict[int | str, dict[str, Any]]:
    """How an operation documents an answer whose form is the practice's own."""
    schema = {"schema": {"$ref": REF.format(model=model)}}
    return {200: {"description": "Success.", "content": {"application/json": schema}}}


@lru_cache(maxsize=4)
def openapi_document(app: FastAPI, form: RequestSchema, clinicians: ClinicianSchema) -> bytes:
    """The OpenAPI document of the app for its forms, made once for each."""
    described = get_openapi(
        title=f"Recommender for {form.title}",
        version=API_VERSION,
        description=DESCRIPTION.format(title=form.title, version=form.version),
        routes=app.routes,
    )
    _declare_needs(described["paths"])
    schemas = described["components"]["schemas"]
    for name in _FRAMEWORKS:
        schemas.pop(name, None)
    described["components"]["securitySchemes"] = SCHEMES
    named = (form.model, form.pairings, form.lists, Credentials, Problem)
    models: tuple[type[BaseModel], ...] = (*named, *BODIES, *clinicians.models)
    for model in models:
        schema = model.model_json_schema(by_alias=True, ref_template=REF)
        schemas |= schema.pop("$defs", {})
        schemas[model.__name__] = schema
    return json.dumps(described, ensure_ascii=False, allow_nan=False).encode()
