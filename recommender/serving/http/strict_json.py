"""Strict JSON request bodies: UTF-8, unique names, no NaN, bounded depth; parsed once.

JSON readers that disagree about one text can be played against each other; strictness prevents it.
"""

import json
from email.message import Message
from typing import Annotated, Any, NoReturn, TypeVar

from fastapi import Depends, Request
from pydantic import BaseModel, ValidationError
from starlette.datastructures import Headers

from recommender.serving.http.problems import (
    INVALID_FEEDBACK,
    MALFORMED,
    UNSUPPORTED,
    FieldError,
    ProblemError,
    ProblemType,
    problem_from_validation,
)

JSON = "application/json"
MAX_DEPTH = 16
"""Levels of nesting; no request needs half of them."""
_UNPARSED: Any = object()

Model = TypeVar("Model", bound=BaseModel)


class JsonBody:
    """A request body, parsed on first use of `value`.

    Large bodies are read by the worker thread that uses them, not by the event loop.
    """

    __slots__ = ("_text", "_value")

    def __init__(self, text: bytes) -> None:
        self._text = text
        self._value = _UNPARSED

    @property
    def value(self) -> Any:
        """The parsed value; raises `ProblemError` (400) when it is not strict JSON."""
        if self._value is _UNPARSED:
            self._value = parse_json(self._text)
        return self._value

    def read(self, model: type[Model], problem: ProblemType = INVALID_FEEDBACK) -> Model:
        """The body as a model; raises `ProblemError` of the given type when it is invalid."""
        try:
            return model.model_validate(self.value)
        except ValidationError as error:
            raise problem_from_validation(error, problem) from None


async def json_body(request: Request) -> JsonBody:
    """Dependency: the body of a request that declares plain JSON (else 415)."""
    check_headers(request.headers)
    return JsonBody(await request.body())


Body = Annotated[JsonBody, Depends(json_body)]


def check_headers(headers: Headers) -> None:
    """Refuses (415) content types and encodings other than plain JSON in UTF-8."""
    content_type = Message()
    content_type["content-type"] = headers.get("content-type", "")
    charset = str(content_type.get_param("charset", "utf-8")).lower()
    plain = headers.get("content-encoding", "identity").lower() == "identity"
    if content_type.get_content_type() != JSON or charset != "utf-8" or not plain:
        raise ProblemError(UNSUPPORTED)


def parse_json(text: bytes) -> Any:
    """The value of a strict JSON text.

    Raises
    ------
    ProblemError
        400 for repeated names, NaN, lone surrogates, other encodings and too deep nesting.
    """
    try:
        value = json.loads(
            text.decode("utf-8"), object_pairs_hook=_unique_names, parse_constant=_refuse_constant
        )
        if b"\\u" in text:
            json.dumps(value, ensure_ascii=False).encode()  # fails for a lone surrogate
    except (ValueError, RecursionError):
        # The error's text can quote the body.
        raise ProblemError(MALFORMED) from None
    if _deeper_than(value, MAX_DEPTH):
        raise _malformed("too_deep", f"is nested deeper than {MAX_DEPTH} levels")
    return value


def _deeper_than(value: Any, levels: int) -> bool:
    if not isinstance(value, dict | list):
        return False
    members = value.values() if isinstance(value, dict) else value
    return levels == 0 or any(_deeper_than(member, levels - 1) for member in members)


def _unique_names(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise _malformed("repeated_name", "an object has a repeated name")
    return members


def _refuse_constant(_: str) -> NoReturn:
    raise _malformed("not_a_number", "NaN and Infinity are not JSON; omit an open answer")


def _malformed(code: str, message: str) -> ProblemError:
    return ProblemError(MALFORMED, [FieldError(pointer="", code=code, message=message)])
