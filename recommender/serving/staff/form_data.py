"""What a form of a page sent: names and texts, as browsers without script send them.

Imported by the routes of `staff`.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeVar
from urllib.parse import parse_qs

from fastapi import Request
from pydantic import BaseModel, ValidationError

from recommender.errors import ConflictError, FeedbackError, StaleError
from recommender.serving.authorization import auth_backend, check_same_site
from recommender.serving.http.problems import (
    BAD_REQUEST,
    INVALID_FEEDBACK,
    UNSUPPORTED,
    ProblemError,
    problem_for,
    problem_from_validation,
)
from recommender.serving.staff import wording

FORM = "application/x-www-form-urlencoded"
MOST_FIELDS = 2_000


@dataclass(frozen=True, slots=True)
class FormData:
    """A form as it was filled in."""

    fields: Mapping[str, list[str]]

    def text(self, name: str) -> str:
        """What a field holds, without space around it; empty where it was left open."""
        return self.fields.get(name, [""])[0].strip()

    def texts(self, name: str) -> list[str]:
        """Everything that was ticked under a name."""
        return self.fields.get(name, [])


async def read_form(request: Request) -> FormData:
    """The form a page of this server sent.

    Raises
    ------
    ProblemError
        When it is no form, or, on a server without sessions, comes from another site.
    """
    if request.headers.get("content-type") != FORM:
        raise ProblemError(UNSUPPORTED)
    if auth_backend(request).credentials is None:
        check_same_site(request.headers)
    try:
        body = (await request.body()).decode()
        return FormData(parse_qs(body, keep_blank_values=True, max_num_fields=MOST_FIELDS))
    except ValueError:
        raise ProblemError(BAD_REQUEST) from None


UNKEEPABLE = (FeedbackError, ConflictError)
"""What the journal refuses for what was sent, not for where."""

Body = TypeVar("Body", bound=BaseModel)


def validated_form(model: type[Body], told: Mapping[str, Any]) -> Body:
    """A form as the body a program would send; what was left open is left out.

    Raises
    ------
    ProblemError
        With everything that does not fit.
    """
    given = {name: value for name, value in told.items() if value not in ("", None)}
    try:
        return model.model_validate_json(json.dumps(given))
    except ValidationError as error:
        raise problem_from_validation(error, INVALID_FEEDBACK) from None


def form_faults(error: Exception) -> tuple[tuple[str, ...], int]:
    """What is wrong, a sentence each, and the status it is sent with."""
    told = problem_for(error)
    if isinstance(error, StaleError):
        return (wording.MEANWHILE,), told.kind.status
    if isinstance(error, ConflictError):
        return (wording.fault(error.field, error.problem),), told.kind.status
    said = (wording.fault(_name(slip.pointer), slip.message) for slip in told.errors)
    return tuple(said) or (told.kind.detail,), told.kind.status


def _name(pointer: str) -> str:
    """The field of a form that a pointer into a body means."""
    name, _, place = pointer.strip("/").partition("/")
    return f"item_{int(place) + 1}" if name == "items" and place.isdecimal() else name


def number(text: str) -> int | float | str:
    """A figure as it was typed; what is none goes on, to be refused by name."""
    try:
        return int(text) if text.isdecimal() else float(text)
    except ValueError:
        return text
