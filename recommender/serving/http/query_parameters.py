"""The query parameters of an operation. Others are refused: one that is misspelt would do nothing.

A caller who misspells `dry_run` would otherwise have a request recorded that was not to be.
"""

from collections.abc import Iterator

from fastapi.dependencies.models import Dependant
from pydantic import BaseModel
from starlette.requests import Request

from recommender.serving.http.field_names import similar_name
from recommender.serving.http.problems import (
    BAD_REQUEST,
    MAX_ERRORS,
    UNKNOWN_FIELD,
    FieldError,
    ProblemError,
)


def declared_parameters(dependant: Dependant) -> frozenset[str]:
    """The names of the query parameters of an operation and of what it depends on."""
    return frozenset(_names(dependant))


def _names(dependant: Dependant) -> Iterator[str]:
    for field in dependant.query_params:
        kind = field.field_info.annotation
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            yield from (each.alias or name for name, each in kind.model_fields.items())
        else:
            yield field.alias
    for each in dependant.dependencies:
        yield from _names(each)


def undeclared(request: Request, declared: frozenset[str]) -> ProblemError | None:
    """The problem (400) of a query with parameters that its operation does not have, if any.

    It has an error for each of them, with the declared name that it may be meant to be.
    """
    unknown = [name for name in request.query_params if name not in declared]
    errors = [_unknown(name, declared) for name in unknown[:MAX_ERRORS]]
    return ProblemError(BAD_REQUEST, errors) if errors else None


def _unknown(name: str, declared: frozenset[str]) -> FieldError:
    near = similar_name(name, declared)
    has = ", ".join(f"`{each}`" for each in sorted(declared)) or "none"
    remedy = f"did you mean `{near}`?" if near else f"it has {has}"
    message = f"the query has a parameter that this operation does not have; {remedy}"
    return FieldError(pointer="", code=UNKNOWN_FIELD, message=message)
