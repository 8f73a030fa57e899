"""The OpenAPI document of a server, with the questions of its practice definition."""

import hashlib
import json
from collections.abc import Callable, Coroutine, Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.openapi.utils import get_openapi
from fastapi.routing import APIRoute
from pydantic import BaseModel
from pydantic.json_schema import JsonSchemaMode

from recommender.security.scopes import Role, Scope
from recommender.serving.authorization import NEEDS, Unrestricted, authorize
from recommender.serving.contract_examples import add_examples
from recommender.serving.dependencies import app_state
from recommender.serving.http.contract_versions import API_VERSION, Deprecation, version_history
from recommender.serving.http.near_paths import VERSION
from recommender.serving.http.problems import (
    BAD_REQUEST,
    BODY_PROBLEMS,
    BUSY,
    CROSS_SITE,
    FORBIDDEN,
    MEDIA_TYPE,
    READ_PROBLEMS,
    STORE_UNAVAILABLE,
    TOO_MANY,
    UNAUTHENTICATED,
    UNEXPECTED,
    WRITE_PROBLEMS,
    Problem,
    ProblemType,
)
from recommender.serving.http.query_parameters import declared_parameters, undeclared
from recommender.serving.http.request_context import request_info
from recommender.serving.http.strict_json import JSON
from recommender.serving.role_contract import REF, role_contract, whole_contract
from recommender.serving.schemas.clinician import ClinicianSchema
from recommender.serving.schemas.intake import RequestSchema
from recommender.serving.schemas.request_bodies import BODIES, Credentials
from recommender.serving.schemas.webhook_messages import MESSAGES, webhook_operations

KEY_SCHEME: Mapping[str, Any] = {
    "type": "http",
    "scheme": "bearer",
    "bearerFormat": "rk_<id>_<secret>",
    "description": "A program's key, created with `recommender keys create NAME`. A key of a "
    "public web page is `pk_<id>_<...>` and needs the header Origin, which browsers send. "
    "Responses to a sandbox key have the header `Recommender-Sandbox: true`; nothing is stored. A "
    "server without a store requires no key and accepts requests from its own machine only.",
}
SESSION_SCHEME: Mapping[str, Any] = {
    "type": "apiKey",
    "in": "cookie",
    "description": "A staff session; see POST /v1/session. Without TLS, on the server's own "
    "machine, the cookie is named `recommender`.",
}
DESCRIPTION = (
    "Recommends clinicians to a new client: excludes those who do not meet the client's hard "
    "constraints, ranks the others by the predicted early working alliance, and marks ties. The "
    "questions are those of the practice definition `{title}`, version {version}."
)
_FRAMEWORKS = ("HTTPValidationError", "ValidationError")
_ALWAYS = (TOO_MANY, BUSY, STORE_UNAVAILABLE)


Responses = dict[int | str, dict[str, Any]]
CREATED = 201
LOCATION: Mapping[str, Any] = {
    "description": "URL of the new resource.",
    "schema": {"type": "string"},
}


def key_parameter(*, required: bool) -> dict[str, Any]:
    """The header Idempotency-Key of an operation."""
    return {
        "name": "Idempotency-Key",
        "in": "header",
        "required": required,
        "description": "Any new text, such as a UUID. A request repeated with the same key and "
        "body within 48 hours gets the first response and is executed once.",
        "schema": {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[ -~]+$"},
        "example": "6b1f0d6e-3a59-4c1d-9d0a-6f1f1f0c2c1e",
    }


ETAG: Mapping[str, Any] = {
    "description": "The version of what was sent, for If-None-Match and If-Match.",
    "schema": {"type": "string"},
}
IF_NONE_MATCH: Mapping[str, Any] = {
    "name": "If-None-Match",
    "in": "header",
    "required": False,
    "description": "The ETag of an earlier response: if it is still the present one, the response "
    "is an empty 304.",
    "schema": {"type": "string"},
}
IF_MATCH: Mapping[str, Any] = {
    "name": "If-Match",
    "in": "header",
    "required": False,
    "description": "The ETag of the version that the change is based on: if it is no longer the "
    "present one, the response is 412, and without the header 428.",
    "schema": {"type": "string"},
}
NEW_ONLY: Mapping[str, Any] = {
    **IF_NONE_MATCH,
    "description": "`*` in place of If-Match, to add what does not exist yet.",
    "schema": {"type": "string", "enum": ["*"]},
}
READ_AGAIN: dict[str, Any] = {"parameters": [IF_NONE_MATCH]}
"""OpenAPI fragment of an operation whose response has an ETag and may be 304."""
CHANGE: dict[str, Any] = {"parameters": [IF_MATCH]}
"""OpenAPI fragment of an operation that changes a version that the caller has read."""


Handler = Callable[[Request], Coroutine[Any, Any, Response]]


class ApiRoute(APIRoute):
    """A route that documents the problems common to all operations.

    `responses` of a route name only its other problems. The problems of authentication and overload
    are added by `openapi_document`. A route with `openapi_extra=Deprecation(...).in_contract()`
    sends the headers of the deprecation with each response, refusals included.
    """

    reads: tuple[ProblemType, ...] = ()
    writes: tuple[ProblemType, ...] = ()

    def __init__(
        self,
        path: str,
        endpoint: Callable[..., Any],
        *,
        responses: Responses | None = None,
        openapi_extra: dict[str, Any] | None = None,
        **options: Any,
    ) -> None:
        documented, extra = dict(responses or {}), dict(openapi_extra or {})
        problems = self.reads
        if "requestBody" in extra:
            problems = (*BODY_PROBLEMS, *self.writes)
            if self.writes:
                extra["parameters"] = [
                    *extra.get("parameters", ()),
                    key_parameter(required=False),
                ]
        if IF_NONE_MATCH in extra.get("parameters", ()):
            documented[304] = {"description": "Not modified.", "headers": {"ETag": ETAG}}
        if self.writes and CREATED in (options.get("status_code"), *documented):
            entry = {"description": "Recorded.", "headers": {"Location": LOCATION}}
            documented[CREATED] = {**documented.get(CREATED, {}), **entry}
        _add_problems(documented, BAD_REQUEST, UNEXPECTED, *problems)
        super().__init__(path, endpoint, responses=documented, openapi_extra=extra, **options)

    def get_route_handler(self) -> Handler:
        """The handler of requests: refuses unknown parameters, adds headers of a deprecation."""
        handle = self.handler_of(self._handler_of_queries(super().get_route_handler()))
        deprecation = Deprecation.declared_in(self.openapi_extra or {})
        if deprecation is None:
            return handle

        async def handle_deprecated(request: Request) -> Response:
            info = request_info(request.scope)
            info.response_headers |= deprecation.headers(info.root_path)
            return await handle(request)

        return handle_deprecated

    def _handler_of_queries(self, handle: Handler) -> Handler:
        # Probes of health may add anything to an address, so that no cache answers them.
        if not self.path.startswith(VERSION):
            return handle
        declared = declared_parameters(self.dependant)

        async def handle_query(request: Request) -> Response:
            if request.scope["query_string"] and (unknown := undeclared(request, declared)):
                await authorize(request)
                raise unknown
            return await handle(request)

        return handle_query

    def handler_of(self, handle: Handler) -> Handler:
        """The handler of requests, given that of FastAPI."""
        return handle


class JournalRoute(ApiRoute):
    """A route of the journal: also documents Idempotency-Key, Location and its problems."""

    reads, writes = READ_PROBLEMS, WRITE_PROBLEMS


class RequestRoute(JournalRoute):
    """A route whose function is called at once for a request without a query.

    The function reads the request itself, and its other parameters are of the query and have
    defaults. For such a request FastAPI would only find out that `authorize`, on which every route
    depends, is to be called, and that all parameters are left out; that takes longer than all
    other layers together.
    """

    def handler_of(self, handle: Handler) -> Handler:
        """Requests with a query are handled as by any other route."""
        function = self.endpoint

        async def handle_at_once(request: Request) -> Response:
            if request.scope["query_string"]:
                return await handle(request)
            await authorize(request)
            response: Response = await function(request)
            return response

        return handle_at_once


def request_body(model: str) -> dict[str, Any]:
    """OpenAPI fragment of an operation with a JSON body."""
    schema = {"schema": {"$ref": REF.format(model=model)}}
    return {"requestBody": {"required": True, "content": {JSON: schema}}}


def response_body(model: str) -> Responses:
    """OpenAPI responses of an operation whose response depends on the practice definition."""
    schema = {"schema": {"$ref": REF.format(model=model)}}
    return {200: {"description": "Success.", "content": {JSON: schema}}}


def links(parameter: str, *operations: str) -> dict[str, Any]:
    """OpenAPI links from a response to operations on the resource it names."""
    parameters = {parameter: f"$response.body#/{parameter}"}
    return {each: {"operationId": each, "parameters": parameters} for each in operations}


def problem_responses(*kinds: ProblemType) -> Responses:
    """OpenAPI responses of problems."""
    responses: Responses = {}
    _add_problems(responses, *kinds)
    return responses


def _add_problems(responses: Responses, *kinds: ProblemType) -> None:
    for kind in kinds:
        example = Problem.of(kind, "0123456789abcdef").model_dump(mode="json")
        entry = responses.setdefault(kind.status, {"description": kind.title, "content": {}})
        media = entry["content"].setdefault(
            MEDIA_TYPE, {"schema": {"$ref": REF.format(model="Problem")}, "examples": {}}
        )
        media["examples"][kind.slug] = {"summary": kind.title, "value": example}


def _declare_needs(paths: dict[str, dict[str, dict[str, Any]]]) -> None:
    """Adds to each operation its security requirements and the problems of refusals."""
    for path, operations in paths.items():
        for method, operation in operations.items():
            # FastAPI documents a validation error of its own, which this server never sends.
            if JSON in operation["responses"].get("422", {}).get("content", {}):
                del operation["responses"]["422"]
            needed = NEEDS.get(f"{method.upper()} {path}")
            if needed is Unrestricted.ANYBODY:
                operation["security"] = []
                continue
            named = [needed.value] if isinstance(needed, Scope) else []
            operation["security"] = [{"key": named}, {"session": named}]
            changing = () if method == "get" else (CROSS_SITE,)
            for status, entry in problem_responses(
                UNAUTHENTICATED, FORBIDDEN, *changing, *_ALWAYS
            ).items():
                documented = operation["responses"].setdefault(str(status), entry)
                examples = entry["content"][MEDIA_TYPE]["examples"]
                documented["content"][MEDIA_TYPE]["examples"] |= examples


@dataclass(frozen=True, slots=True)
class Contract:
    """An OpenAPI document as it is sent, and its entity tag."""

    body: bytes
    tag: str


@lru_cache(maxsize=32)
def openapi_document(
    app: FastAPI,
    requests: RequestSchema,
    clinicians: ClinicianSchema,
    role: Role | None = None,
) -> Contract:
    """The OpenAPI document of an application, cached for each practice definition and role.

    Without a role it has all operations and members; see `serving.role_contract`.
    """
    everything = complete_document(app, requests, clinicians)
    own = whole_contract(everything) if role is None else role_contract(everything, role)
    body = json.dumps(own, ensure_ascii=False, allow_nan=False).encode()
    return Contract(body, hashlib.sha256(body).hexdigest()[:32])


@lru_cache(maxsize=4)
def complete_document(
    app: FastAPI, requests: RequestSchema, clinicians: ClinicianSchema
) -> Mapping[str, Any]:
    """The document with everything, from which the others are derived; it must not be changed."""
    state = app_state(app)
    described = get_openapi(
        title=f"Recommender for {requests.title}",
        version=API_VERSION,
        description=DESCRIPTION.format(title=requests.title, version=requests.version),
        routes=app.routes,
        servers=[{"url": state.settings.root_path or "/"}],
    )
    described["info"]["x-changelog"] = version_history()
    _declare_needs(described["paths"])
    schemas = described["components"]["schemas"]
    for name in _FRAMEWORKS:
        schemas.pop(name, None)
    session = {**SESSION_SCHEME, "name": state.auth.cookie("https").name}
    described["components"]["securitySchemes"] = {"key": KEY_SCHEME, "session": session}
    bodies: tuple[type[BaseModel], ...] = (
        *(requests.model, requests.pairings, requests.lists, Credentials),
        *BODIES,
        *clinicians.bodies,
    )
    # Facts of clinicians are in both: what a request may send is the wider of the two.
    _add_schemas(schemas, (Problem, *MESSAGES, *clinicians.responses), "serialization")
    _add_schemas(schemas, bodies, "validation")
    add_examples(described)
    described["webhooks"] = webhook_operations(REF)
    return described


def _add_schemas(
    schemas: dict[str, Any], models: Iterable[type[BaseModel]], mode: JsonSchemaMode
) -> None:
    for model in models:
        schema = model.model_json_schema(by_alias=True, ref_template=REF, mode=mode)
        schemas |= schema.pop("$defs", {})
        schemas[model.__name__] = schema
