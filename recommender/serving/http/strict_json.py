"""Strict JSON request bodies: UTF-8, unique names, no NaN, bounded depth; parsed once.

JSON readers that disagree about one text can be played against each other; strictness prevents it.
"""

import json
from codecs import BOM_UTF8
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from email.message import Message
from functools import lru_cache
from itertools import chain
from typing import Annotated, Any, TypeVar

from fastapi import Depends, Request
from pydantic import BaseModel, ValidationError
from starlette.datastructures import Headers

from recommender.serving.http.content_types import COMPRESSED, unsupported
from recommender.serving.http.field_names import (
    Place,
    looks_like_field_name,
    pointer_to,
    repeatable,
)
from recommender.serving.http.problems import (
    INVALID_FEEDBACK,
    MALFORMED,
    MAX_ERRORS,
    UNSUPPORTED,
    FieldError,
    ProblemError,
    ProblemType,
    problem_from_validation,
)

JSON = "application/json"
UTF_8 = ("utf-8", "utf8")
MAX_DEPTH = 16
"""Levels of nesting; no request needs half of them."""
_UNPARSED: Any = object()

REPEATED, NOT_A_NUMBER = "repeated_name", "not_a_number"
_SYNTAX: Mapping[str, str] = {
    "Expecting value": "a value is missing here or not JSON (texts are in double quotes)",
    "Expecting property name": "a name in double quotes is expected here",
    "Illegal trailing comma": "there is a comma after the last member",
    "Expecting ':'": "a colon is expected here",
    "Expecting ','": "a comma or the end of the list or object is expected here",
    "Extra data": "there is more text after the end of the object",
    "Unterminated string": "the text that starts here does not end",
    "Invalid control character": "a text has a line break or control character; write it as \\n",
    "Invalid \\": "this is not an escape of JSON; write a backslash as \\\\",
}
"""Beginnings of Python's messages, which could quote the text, and what they mean."""

Model = TypeVar("Model", bound=BaseModel)


@dataclass(frozen=True, slots=True)
class _Fault:
    """Marks a place of a parsed value at which the text was not strict."""

    code: str
    name: str = ""

    @property
    def message(self) -> str:
        if self.code == NOT_A_NUMBER:
            return "is NaN or Infinity, which are not JSON; omit an open answer"
        shown = f" `{self.name}`" if looks_like_field_name(self.name) else ""
        return f"has the name{shown} twice; which of the two values counts is not known"


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
            raise problem_from_validation(error, model, problem) from None


async def json_body(request: Request) -> JsonBody:
    """Dependency: the body of a request that declares plain JSON (else 415)."""
    check_headers(request.headers)
    return JsonBody(await request.body())


Body = Annotated[JsonBody, Depends(json_body)]


def check_headers(headers: Headers) -> None:
    """Refuses (415) content types and encodings other than plain JSON in UTF-8."""
    media_type, charset = _media_type(headers.get("content-type", ""))
    if media_type != JSON:
        raise unsupported(headers, JSON)
    if charset not in UTF_8:
        raise ProblemError(UNSUPPORTED, [_fault("charset", "declares a charset other than utf-8")])
    if headers.get("content-encoding", "identity").lower() != "identity":
        raise ProblemError(UNSUPPORTED, [COMPRESSED])


@lru_cache(maxsize=16)
def _media_type(header: str) -> tuple[str, str]:
    """The media type and charset of a header Content-Type; callers send few different ones."""
    content_type = Message()
    content_type["content-type"] = header
    return content_type.get_content_type(), str(content_type.get_param("charset", "utf-8")).lower()


def parse_json(text: bytes) -> Any:
    """The value of a strict JSON text; a byte order mark before it is read.

    Raises
    ------
    ProblemError
        400 for repeated names, NaN, lone surrogates, other encodings and too deep nesting, with the
        place in the text or in the value, and nothing of the text.
    """
    faults: list[_Fault] = []

    def unique_names(pairs: list[tuple[str, Any]]) -> Any:
        members = dict(pairs)
        if len(members) == len(pairs):
            return members
        names = [name for name, _ in pairs]
        faults.append(_Fault(REPEATED, next(each for each in names if names.count(each) > 1)))
        return faults[-1]

    def constant(_: str) -> Any:
        faults.append(_Fault(NOT_A_NUMBER))
        return faults[-1]

    try:
        decoded = text.removeprefix(BOM_UTF8).decode("utf-8")
        value = json.loads(decoded, object_pairs_hook=unique_names, parse_constant=constant)
    except UnicodeDecodeError as error:
        message = f"byte {error.start + 1} is not UTF-8: save and send the text as UTF-8"
        raise _malformed("not_utf8", message) from None
    except json.JSONDecodeError as error:
        raise _syntax_error(error) from None
    except RecursionError:
        raise _too_deep() from None
    except ValueError:
        raise _malformed("too_many_digits", "has a number with too many digits") from None
    if _deeper_than(value, MAX_DEPTH):
        raise _too_deep()
    if faults:
        raise _marked(value)
    if b"\\u" in text:
        _refuse_lone_surrogates(value)
    return value


def _syntax_error(error: json.JSONDecodeError) -> ProblemError:
    """The place of an error of syntax; the error's own text can quote the body."""
    if not error.doc.strip():
        return _malformed("empty", "the request has no body: send one JSON object")
    meaning = next((text for start, text in _SYNTAX.items() if error.msg.startswith(start)), None)
    place = f"line {error.lineno}, column {error.colno}"
    return _malformed("syntax", f"{place}: {meaning or 'this is not JSON'}")


def _deeper_than(value: Any, levels: int) -> bool:
    level = [value]
    for _ in range(levels + 1):
        level = [each for each in level if isinstance(each, dict | list)]
        if not level:
            return False
        members = (each.values() if isinstance(each, dict) else each for each in level)
        level = list(chain.from_iterable(members))
    return True


def _places(value: Any, place: Place = ()) -> Iterator[tuple[Place, Any]]:
    """Every value within a value, and where it is."""
    yield place, value
    members: Iterable[tuple[str | int, Any]] = ()
    if isinstance(value, dict | list):
        members = value.items() if isinstance(value, dict) else enumerate(value)
    for step, member in members:
        yield from _places(member, (*place, step))


def _marked(value: Any) -> ProblemError:
    """The problem of all marked faults of a value, with their places."""
    found = [(place, each) for place, each in _places(value) if isinstance(each, _Fault)]
    errors = [_fault(each.code, each.message, place) for place, each in found]
    return ProblemError(MALFORMED, errors[:MAX_ERRORS])


def _refuse_lone_surrogates(value: Any) -> None:
    try:
        json.dumps(value, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        message = "has half of a character: write both parts of the \\u escape, or the character"
        raise _malformed("lone_surrogate", message) from None


def _too_deep() -> ProblemError:
    return _malformed("too_deep", f"is nested deeper than {MAX_DEPTH} levels")


def _malformed(code: str, message: str) -> ProblemError:
    return ProblemError(MALFORMED, [_fault(code, message)])


def _fault(code: str, message: str, place: Place = ()) -> FieldError:
    return FieldError(pointer=pointer_to(repeatable(place)), code=code, message=message)
