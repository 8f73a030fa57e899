"""What could not be kept of a form, in words for the page it came from.

Imported by the routes of `staff`.
"""

import json
from collections.abc import Mapping
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from recommender.errors import ConflictError, FeedbackError, StaleError
from recommender.serving.http.problems import UNKEPT, problem_for, problem_from_validation
from recommender.serving.staff import wording

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
        raise problem_from_validation(error, UNKEPT) from None


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
