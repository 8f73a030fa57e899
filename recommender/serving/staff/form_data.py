"""The names and texts a form sends, their validation, and what the page says of faults."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeVar
from urllib.parse import parse_qs

from fastapi import Request
from pydantic import BaseModel, ValidationError

from recommender.errors import ConflictError, FeedbackError, StaleError
from recommender.serving.authorization import auth_backend, check_same_site
from recommender.serving.http.content_types import unsupported
from recommender.serving.http.problems import (
    BAD_REQUEST,
    INVALID_FEEDBACK,
    FieldError,
    ProblemError,
    problem_for,
    problem_from_validation,
)
from recommender.serving.staff import wording

FORM = "application/x-www-form-urlencoded"
MAX_FIELDS = 2_000
REFUSED = (FeedbackError, ConflictError)
"""Errors of the journal about what was sent, not about where."""
DECIDED_MEANWHILE = "Someone else decided first. Read what they entered below, then decide again."

Body = TypeVar("Body", bound=BaseModel)


@dataclass(frozen=True, slots=True)
class FormData:
    """A form as it was filled in."""

    fields: Mapping[str, list[str]]

    def text(self, name: str) -> str:
        """The text of a field, without space around it; empty where it was left blank."""
        return self.fields.get(name, [""])[0].strip()

    def texts(self, name: str) -> list[str]:
        """Everything that was ticked under a name."""
        return self.fields.get(name, [])


async def read_form(request: Request) -> FormData:
    """The form a page sent; refused from another site on a server without sessions."""
    if request.headers.get("content-type") != FORM:
        raise unsupported(request.headers, FORM)
    if auth_backend(request).credentials is None:
        check_same_site(request.headers)
    try:
        body = (await request.body()).decode()
        return FormData(parse_qs(body, keep_blank_values=True, max_num_fields=MAX_FIELDS))
    except UnicodeDecodeError as error:
        message = f"byte {error.start + 1} of the form is not UTF-8"
    except ValueError:
        message = f"the form has more than {MAX_FIELDS} fields"
    raise ProblemError(BAD_REQUEST, [FieldError(pointer="", code="form", message=message)])


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
