"""Reading and validation of a form of a staff page, and what the page says of faults."""

from collections.abc import Mapping
from typing import Any, TypeVar

from fastapi import Request
from pydantic import BaseModel, ValidationError

from recommender.errors import ConflictError, FeedbackError, StaleError
from recommender.serving.authorization import auth_backend, check_same_site
from recommender.serving.http.problems import (
    INVALID_FEEDBACK,
    problem_for,
    problem_from_validation,
)
from recommender.serving.http.submitted_form import FormData, parse_form
from recommender.serving.staff import wording

REFUSED = (FeedbackError, ConflictError)
"""Errors of the journal about what was sent, not about where."""
DECIDED_MEANWHILE = "Someone else decided first. Read what they entered below, then decide again."

Body = TypeVar("Body", bound=BaseModel)


async def read_form(request: Request) -> FormData:
    """The form a page sent; refused from another site on a server without sessions."""
    if auth_backend(request).credentials is None:
        check_same_site(request.headers)
    return await parse_form(request)


def validated_form(model: type[Body], values: Mapping[str, Any]) -> Body:
    """A form as a request body without blanks; a `ProblemError` has everything that is wrong."""
    try:
        return model.model_validate({k: v for k, v in values.items() if v not in ("", None)})
    except ValidationError as error:
        raise problem_from_validation(error, model, INVALID_FEEDBACK) from None


def form_faults(error: Exception) -> tuple[tuple[str, ...], int]:
    """What is wrong, a sentence each, and the status of the response."""
    problem = problem_for(error)
    if isinstance(error, StaleError):
        return (DECIDED_MEANWHILE,), problem.kind.status
    if isinstance(error, ConflictError):
        return (wording.fault(error.field, error.problem),), problem.kind.status
    faults = []
    for each in problem.errors:
        name, _, place = each.pointer.strip("/").partition("/")
        is_item = name == "items" and place.isdecimal()
        faults.append(wording.fault(f"item_{int(place) + 1}" if is_item else name, each.message))
    return tuple(faults) or (problem.kind.detail,), problem.kind.status


def number(text: str) -> int | float | str:
    """The number a text stands for; any other text is passed on, to be refused by name."""
    try:
        return int(text) if text.isdecimal() else float(text)
    except ValueError:
        return text
