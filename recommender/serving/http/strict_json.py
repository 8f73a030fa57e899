"""What a request body must be before anyone looks into it: JSON, in UTF-8, each name once.

Two readers that disagree about one text can be played against each other; this leaves no room.
Imported by the routes.
"""

import json
from email.message import Message
from typing import Any, NoReturn, TypeVar

from pydantic import BaseModel, ValidationError
from starlette.datastructures import Headers
from starlette.requests import Request

from recommender.serving.http.problems import (
    INVALID_FEEDBACK,
    MALFORMED,
    UNSUPPORTED,
    FieldError,
    ProblemError,
    problem_from_validation,
)

JSON = "application/json"


Body = TypeVar("Body", bound=BaseModel)


async def read_body(request: Request, model: type[Body]) -> tuple[Body, bytes]:
    """What was sent as feedback, and its bytes.

    Raises
    ------
    ProblemError
        When it is not plain JSON, or does not fit the model.
    """
    check_headers(request.headers)
    body = await request.body()
    check_json(body)
    try:
        return model.model_validate_json(body), body
    except ValidationError as error:
        raise problem_from_validation(error, INVALID_FEEDBACK) from None


DEEPEST = 16
"""Levels of nesting; no request needs half of them."""


def check_headers(headers: Headers) -> None:
    """Refuses whatever is not announced as plain JSON (415)."""
    announced = Message()
    announced["content-type"] = headers.get("content-type", "")
    charset = str(announced.get_param("charset", "utf-8")).lower()
    plain = headers.get("content-encoding", "identity").lower() == "identity"
    if announced.get_content_type() != JSON or charset != "utf-8" or not plain:
        raise ProblemError(UNSUPPORTED)


def check_json(body: bytes) -> None:
    """Refuses what JSON readers read differently (400): names given twice, NaN, other encodings."""
    try:
        told = json.loads(
            body.decode("utf-8"), object_pairs_hook=_each_once, parse_constant=_not_a_number
        )
        if b"\\u" in body:
            # A lone surrogate cannot be encoded.
            json.dumps(told, ensure_ascii=False).encode()
    except (ValueError, RecursionError):
        # The error's text can quote the body: it goes no further.
        raise ProblemError(MALFORMED) from None
    if _deeper(told, DEEPEST):
        message = f"is nested deeper than {DEEPEST} levels"
        raise ProblemError(MALFORMED, [FieldError(pointer="", code="too_deep", message=message)])


def _deeper(told: Any, levels: int) -> bool:
    """Whether objects and lists are nested deeper than so many levels."""
    if not isinstance(told, dict | list):
        return False
    members = told.values() if isinstance(told, dict) else told
    return levels == 0 or any(_deeper(member, levels - 1) for member in members)


def _each_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        message = "an object gives a name twice"
        raise ProblemError(
            MALFORMED, [FieldError(pointer="", code="repeated_name", message=message)]
        )
    return members


def _not_a_number(_: str) -> NoReturn:
    message = "NaN and Infinity are not JSON; leave an open answer out"
    raise ProblemError(MALFORMED, [FieldError(pointer="", code="not_a_number", message=message)])
