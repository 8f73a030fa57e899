"""What is said when something is refused: RFC 9457 problems that never repeat what was sent.

Messages come from tables here, not from libraries, so that no answer can leak into a log or a
proxy. The only place where errors meet HTTP. Imported by the rest of `serving`.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Annotated, Any

from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic import Field as Setting
from starlette.responses import Response

from recommender.errors import (
    ConflictError,
    FaultsError,
    FeedbackError,
    InFlightError,
    IntakeError,
    KeyReusedError,
    NotFoundError,
    RecommenderError,
    StaleError,
    UnavailableError,
)

MEDIA_TYPE = "application/problem+json"
MOST_ERRORS = 50


@dataclass(frozen=True, slots=True)
class ProblemType:
    """One kind of problem; `slug` ends the address that explains it."""

    slug: str
    status: int
    title: str
    detail: str

    @property
    def type(self) -> str:
        """The address of the explanation, relative to the server."""
        return f"/problems/{self.slug}"


BAD_REQUEST = ProblemType(
    "bad-request", 400, "Bad request", "Check the address and the headers of the request."
)
MALFORMED = ProblemType(
    "malformed-json",
    400,
    "Malformed JSON",
    "Send one JSON object in UTF-8, each name once, without NaN or Infinity.",
)
UNAUTHENTICATED = ProblemType(
    "unauthenticated",
    401,
    "Not let in",
    "Send a live key as `Authorization: Bearer rk_...`, or log in. Whoever runs this server makes "
    "keys with `recommender keys create`.",
)
FORBIDDEN = ProblemType(
    "forbidden",
    403,
    "Not allowed",
    "This key or account may not do this; WWW-Authenticate names the scope it lacks.",
)
CROSS_SITE = ProblemType(
    "cross-site",
    403,
    "Not sent by a page of this server",
    "A browser must say that the request comes from this very site, and repeat the session's "
    "token in X-CSRF-Token.",
)
NOT_FOUND = ProblemType(
    "not-found", 404, "Not found", "There is nothing at this address; see /openapi.json."
)
NOT_KEPT = ProblemType(
    "not-kept", 404, "Not kept here", "Check the id; `errors` says what is not kept."
)
NOT_ALLOWED = ProblemType(
    "method-not-allowed",
    405,
    "Method not allowed",
    "Use a method named in the Allow header; see /openapi.json.",
)
TOO_SLOW = ProblemType(
    "too-slow", 408, "Request too slow", "Send the whole request within a few seconds."
)
CONFLICT = ProblemType(
    "conflict", 409, "No longer possible", "Somebody else was first; `errors` says in what."
)
NO_STORE = ProblemType(
    "no-store",
    409,
    "Nothing is kept here",
    "This server has no store: its roster is a file, and it keeps nothing. Whoever runs it sets "
    "RECOMMENDER_STORE.",
)
IN_FLIGHT = ProblemType(
    "in-flight",
    409,
    "Still being worked on",
    "The first sending with this Idempotency-Key has no answer yet; send it again in a moment.",
)
GONE = ProblemType(
    "gone",
    410,
    "Explained no more",
    "It was made with another practice definition, or before explanations were kept; the response "
    "itself still says what was shown.",
)
STALE = ProblemType(
    "stale", 412, "Changed since it was read", "Read it again and repeat the change on that."
)
TOO_LARGE = ProblemType("too-large", 413, "Request too large", "Send fewer bytes.")
UNSUPPORTED = ProblemType(
    "unsupported-media-type",
    415,
    "Unsupported media type",
    "Send Content-Type application/json, not compressed.",
)
INVALID = ProblemType(
    "invalid-intake",
    422,
    "The answers do not fit the questions",
    "Mend what `errors` names; /openapi.json has every question of this practice.",
)
UNKEPT = ProblemType(
    "invalid-feedback",
    422,
    "It cannot be kept",
    "Mend what `errors` names; nothing was written.",
)
LIST_TOO_LONG = ProblemType(
    "list-too-long",
    422,
    "The list is too long",
    "Send as many clients as `errors` allows; `recommender allocate` takes as many as there are.",
)
INVALID_ROSTER = ProblemType(
    "invalid-clinician",
    422,
    "The facts do not fit the fields",
    "Mend what `errors` names; /openapi.json has every field of this practice's clinicians.",
)
KEY_REUSED = ProblemType(
    "key-reused",
    422,
    "Idempotency-Key used before",
    "It came before with another request; use a new key for a new request.",
)
TOO_MANY = ProblemType(
    "too-many-requests",
    429,
    "Too many requests",
    "Wait as many seconds as Retry-After says.",
)
NOT_SEEN = ProblemType(
    "version-not-named",
    428,
    "Say which version is changed",
    "Send If-Match with the ETag last read, or If-None-Match: * for what is not there yet.",
)
UNEXPECTED = ProblemType(
    "unexpected",
    500,
    "Something went wrong here",
    "The request was not at fault. Report the `instance` to whoever runs this server.",
)
NOT_READY = ProblemType(
    "not-ready", 503, "Not ready", "The model is being opened; try again shortly."
)
BUSY = ProblemType("busy", 503, "Too busy", "Too many requests are waiting; try again shortly.")
STORE_AWAY = ProblemType(
    "store-away", 503, "The store is away", "Nothing was written; send the same request again."
)
RETRY = {"Retry-After": "1"}

PROBLEM_TYPES: Mapping[str, ProblemType] = {
    kind.slug: kind
    for kind in (
        BAD_REQUEST,
        MALFORMED,
        UNAUTHENTICATED,
        FORBIDDEN,
        CROSS_SITE,
        NOT_FOUND,
        NOT_KEPT,
        NO_STORE,
        NOT_ALLOWED,
        TOO_SLOW,
        CONFLICT,
        IN_FLIGHT,
        GONE,
        STALE,
        TOO_LARGE,
        UNSUPPORTED,
        INVALID,
        LIST_TOO_LONG,
        INVALID_ROSTER,
        UNKEPT,
        KEY_REUSED,
        TOO_MANY,
        NOT_SEEN,
        UNEXPECTED,
        NOT_READY,
        BUSY,
        STORE_AWAY,
    )
}
"""Every problem this server gives, by slug."""

_USUAL = {400: BAD_REQUEST, 404: NOT_FOUND, 405: NOT_ALLOWED, 413: TOO_LARGE, 415: UNSUPPORTED}

JOURNAL: Mapping[type[RecommenderError], ProblemType] = {
    NotFoundError: NOT_KEPT,
    StaleError: STALE,
    ConflictError: CONFLICT,
    InFlightError: IN_FLIGHT,
    KeyReusedError: KEY_REUSED,
    FeedbackError: UNKEPT,
    UnavailableError: STORE_AWAY,
}
"""Which problem each of the journal's refusals is; a class before those it inherits from."""
_LATER = (IN_FLIGHT, STORE_AWAY)

_MESSAGES: Mapping[str, str] = {
    "missing": "is required",
    "extra_forbidden": "has an unknown field",
    "model_type": "is not an object",
    "model_attributes_type": "is not an object",
    "list_type": "is not a list",
    "string_type": "is not text",
    "bool_type": "is neither true nor false",
    "float_type": "is not a number",
    "int_type": "is not a whole number",
    "int_from_float": "is not a whole number",
    "finite_number": "is not a finite number",
    "multiple_of": "has more than two decimals",
    "date_type": "is not a date, written 2026-11-23",
    "date_parsing": "is not a date, written 2026-11-23",
    "string_pattern_mismatch": "is not written as described",
    "repeated": "names a member twice",
}
_BOUNDED: Mapping[str, tuple[str, str]] = {
    "greater_than_equal": ("is below the smallest value allowed", "ge"),
    "less_than_equal": ("is above the largest value allowed", "le"),
    "too_long": ("has more members than allowed", "max_length"),
    "too_short": ("has fewer members than allowed", "min_length"),
    "literal_error": ("is not one of the levels allowed", "expected"),
}
"""Messages that also say the declared limit; the second is its name among pydantic's facts."""


class FieldError(BaseModel):
    """One thing that does not fit."""

    model_config = ConfigDict(frozen=True)

    pointer: Annotated[str, Setting(description="JSON pointer (RFC 6901) into the request.")]
    code: str
    message: Annotated[str, Setting(description="Never holds what was sent.")]


class Problem(BaseModel):
    """Why a request was refused (RFC 9457)."""

    model_config = ConfigDict(frozen=True)

    type: str
    title: str
    status: int
    detail: str
    instance: Annotated[str, Setting(description="The request's id, as in X-Request-ID.")]
    errors: tuple[FieldError, ...] = ()

    @classmethod
    def of(
        cls, kind: ProblemType, request_id: str, errors: tuple[FieldError, ...] = ()
    ) -> "Problem":
        """A problem of one kind."""
        return cls(
            type=kind.type,
            title=kind.title,
            status=kind.status,
            detail=kind.detail,
            instance=request_id,
            errors=errors,
        )


class ProblemError(Exception):
    """A request this door refuses."""

    def __init__(
        self,
        kind: ProblemType,
        errors: Iterable[FieldError] = (),
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(kind.slug)
        self.kind = kind
        self.errors = tuple(errors)
        self.headers = headers


def problem_response(error: Exception, request_id: str) -> Response:
    """The response to an error; whatever is not foreseen is a 500 that says nothing of it."""
    told = problem_for(error)
    problem = Problem.of(told.kind, request_id, told.errors)
    return Response(
        problem.model_dump_json(), told.kind.status, told.headers, media_type=MEDIA_TYPE
    )


def problem_for(error: Exception) -> ProblemError:
    """Which problem an error is to a caller: the one table from errors to HTTP."""
    if isinstance(error, ProblemError):
        return error
    if isinstance(error, IntakeError):
        return ProblemError(INVALID, field_errors(error, "answers"))
    if isinstance(error, RequestValidationError):
        # It holds what was sent; which parameter it was stands in the documentation.
        named = any(each["loc"][0] == "path" for each in error.errors())
        return ProblemError(NOT_FOUND if named else BAD_REQUEST)
    for refused, kind in JOURNAL.items():
        if isinstance(error, refused):
            headers = RETRY if kind in _LATER else None
            return ProblemError(kind, _slips(error), headers)
    return ProblemError(UNEXPECTED)


def field_errors(error: FaultsError, *part: str) -> tuple[FieldError, ...]:
    """Faults the engine found, at their place in one part of the request."""
    return tuple(
        FieldError(
            pointer=_pointer((*part, fault.where)),
            code="unreadable",
            message=f"{fault.problem}; {fault.remedy}",
        )
        for fault in error.faults[:MOST_ERRORS]
    )


def _slips(error: Exception) -> Iterable[FieldError]:
    """What is wrong, in the journal's words, which never repeat a value."""
    if isinstance(error, FaultsError):
        for fault in error.faults:
            said = f"{fault.problem}; {fault.remedy}"
            yield FieldError(pointer=_pointer((fault.where,)), code="unkept", message=said)
    elif isinstance(error, RecommenderError) and not isinstance(error, UnavailableError):
        said = f"{error.field}: {error.problem}; {error.remedy}"
        yield FieldError(pointer="", code="refused", message=said)


def problem_type_for_status(status: int) -> ProblemType:
    """The problem a bare status stands for, when a library gave nothing more."""
    if status in _USUAL:
        return _USUAL[status]
    if status >= 500:
        return UNEXPECTED
    return ProblemType("bad-request", status, HTTPStatus(status).phrase, BAD_REQUEST.detail)


def problem_from_validation(error: ValidationError, kind: ProblemType = INVALID) -> ProblemError:
    """The problem of a request that does not fit its form."""
    found = error.errors(include_url=False, include_input=False)
    if any(each["type"] == "json_invalid" for each in found):
        return ProblemError(MALFORMED)
    slips = dict.fromkeys(_slip(each["type"], each["loc"], each.get("ctx", {})) for each in found)
    return ProblemError(kind, tuple(slips)[:MOST_ERRORS])


def _slip(code: str, where: tuple[str | int, ...], facts: Mapping[str, Any]) -> FieldError:
    # The name of an unknown field was written by the caller: point to where it stands instead.
    place = where[:-1] if code == "extra_forbidden" else where
    if code in _BOUNDED:
        message, limit = _BOUNDED[code]
        return FieldError(pointer=_pointer(place), code=code, message=f"{message}: {facts[limit]}")
    if code in _MESSAGES:
        return FieldError(pointer=_pointer(place), code=code, message=_MESSAGES[code])
    return FieldError(
        pointer=_pointer(place), code="unfitting", message="is not written as described"
    )


def _pointer(place: Iterable[str | int]) -> str:
    parts = (str(part).replace("~", "~0").replace("/", "~1") for part in place)
    return "".join(f"/{part}" for part in parts)
