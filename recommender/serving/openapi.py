"""The contract of this server: its operations, with exactly this practice's questions in them.

Imported by `serving.routes`.
"""

import json
from functools import lru_cache
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from pydantic import BaseModel

from recommender.serving.clinicians import ClinicianForm
from recommender.serving.form import Form
from recommender.serving.problems import MEDIA_TYPE, Kind, Problem

REF = "#/components/schemas/{model}"
API_VERSION = "1.2.0"
DESCRIPTION = (
    "Recommends clinicians to a new client by the early working alliance predicted with each, "
    "among those who fit the client's requirements, and says who cannot be told apart. The "
    "questions are those of the practice definition `{title}`, version {version}."
)


def refusals(*kinds: Kind) -> dict[int | str, dict[str, Any]]:
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


def takes(model: str) -> dict[str, Any]:
    """How an operation documents the body it takes."""
    schema = {"schema": {"$ref": REF.format(model=model)}}
    return {"requestBody": {"required": True, "content": {"application/json": schema}}}


def gives(model: str) -> dict[int | str, dict[str, Any]]:
    """How an operation documents an answer whose form is the practice's own."""
    schema = {"schema": {"$ref": REF.format(model=model)}}
    return {200: {"description": "Done.", "content": {"application/json": schema}}}


@lru_cache(maxsize=4)
def document(app: FastAPI, form: Form, clinicians: ClinicianForm) -> bytes:
    """The OpenAPI document of the app for its forms, made once for each."""
    described = get_openapi(
        title=f"Recommender for {form.title}",
        version=API_VERSION,
        description=DESCRIPTION.format(title=form.title, version=form.version),
        routes=app.routes,
    )
    _forget_what_is_never_said(described)
    schemas = described["components"]["schemas"]
    models: tuple[type[BaseModel], ...] = (form.model, *clinicians.models, Problem)
    for model in models:
        schema = model.model_json_schema(by_alias=True, ref_template=REF)
        schemas |= schema.pop("$defs", {})
        schemas[model.__name__] = schema
    return json.dumps(described, ensure_ascii=False, allow_nan=False).encode()


def _forget_what_is_never_said(described: dict[str, Any]) -> None:
    """Takes out how the framework would refuse a parameter: here that is a problem like others."""
    for operations in described["paths"].values():
        for operation in operations.values():
            responses = operation["responses"]
            if MEDIA_TYPE not in responses.get("422", {}).get("content", {MEDIA_TYPE: None}):
                del responses["422"]
    for name in ("HTTPValidationError", "ValidationError"):
        described["components"]["schemas"].pop(name, None)
