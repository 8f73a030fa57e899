"""RFC 9457 problem documents, and the mapping from errors to them.

Messages come from the tables of this module, not from libraries, so that no submitted value can
reach a log or a proxy.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
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
from recommender.serving.http.field_names import (
    Place,
    meant_instead,
    pointer_to,
    repeatable,
)
from recommender.values.ids import ID_FORM, ID_PATTERN, did_you_mean

MEDIA_TYPE = "application/problem+json"
MAX_ERRORS = 50
UNKNOWN_FIELD = "extra_forbidden"
PATTERN = "string_pattern_mismatch"


@dataclass(frozen=True, slots=True)
class ProblemType:
    """One type of problem; `slug` is the last segment of its URL."""

    slug: str
    status: int
    title: str
    detail: str

    def type_at(self, root_path: str) -> str:
        """The URL of the explanation, at a server behind this path."""
        return f"{root_path}/problems/{self.slug}"


PROBLEM_TYPES: dict[str, ProblemType] = {}
"""All problem types, by slug."""


def _problem_type(slug: str, status: int, title: str, detail: str) -> ProblemType:
    kind = PROBLEM_TYPES[slug] = ProblemType(slug, status, title, detail)
    return kind


BAD_REQUEST = _problem_type(
    "bad-request",
    400,
    "Bad request",
    "Check the URL and the headers of the request. Host must be a name that the operator allows "
    "(RECOMMENDER_ALLOWED_HOSTS).",
)
MALFORMED = _problem_type(
    "malformed-json",
    400,
    "Malformed JSON",
    "Send one JSON object in UTF-8, each name once, without NaN or Infinity. `errors` has the "
    "place of the fault.",
)
UNAUTHENTICATED = _problem_type(
    "unauthenticated",
    401,
    "Not authenticated",
    "Send a valid key as `Authorization: Bearer rk_...`, or log in. The operator of this server "
    "creates keys with `recommender keys create NAME`.",
)
FORBIDDEN = _problem_type(
    "forbidden",
    403,
    "Forbidden",
    "This key or account lacks the scope named in WWW-Authenticate.",
)
CROSS_SITE = _problem_type(
    "cross-site",
    403,
    "Cross-site request refused",
    "A browser must send Sec-Fetch-Site or Origin of this server, and the session's token in "
    "X-CSRF-Token.",
)
UNDECLARED_ORIGIN = _problem_type(
    "undeclared-origin",
    403,
    "Origin not declared",
    "A publishable key is accepted from pages of the origins it was created with, which browsers "
    "send as Origin. The operator declares them with `recommender keys create NAME --role "
    "browser --origin ORIGIN`.",
)
SECRET_IN_PAGE = _problem_type(
    "secret-key-in-page",
    403,
    "Secret key in a web page",
    "This secret key came from a page of another site, where everybody can read it: revoke it. "
    "Send requests from your own server, or use a publishable key (`recommender keys create NAME "
    "--role browser --origin ORIGIN`).",
)
NOT_FOUND = _problem_type(
    "not-found", 404, "Not found", "No resource has this URL; see /openapi.json for all of them."
)
NO_SUCH_RECORD = _problem_type(
    "no-such-record", 404, "No such record", "Check the id; `errors` names the missing record."
)
NOT_ALLOWED = _problem_type(
    "method-not-allowed",
    405,
    "Method not allowed",
    "Use a method named in the Allow header; see /openapi.json.",
)
REQUEST_TIMEOUT = _problem_type(
    "request-timeout", 408, "Request timeout", "Send the whole request within a few seconds."
)
CONFLICT = _problem_type(
    "conflict", 409, "Conflict", "Another request came first; `errors` describes the conflict."
)
NO_STORE = _problem_type(
    "no-store",
    409,
    "No store configured",
    "This server has no store: its roster is a file and it records nothing. The operator can set "
    "RECOMMENDER_STORE.",
)
IN_FLIGHT = _problem_type(
    "in-flight",
    409,
    "Request in progress",
    "The first request with this Idempotency-Key has no response yet; retry in a moment.",
)
GONE = _problem_type(
    "gone",
    410,
    "Explanation no longer available",
    "The recommendation was computed with another practice definition, or before explanations were "
    "stored; the recommendation itself is still available.",
)
STALE = _problem_type(
    "stale", 412, "Changed since it was read", "Read the current version and repeat the change."
)
TOO_LARGE = _problem_type(
    "too-large", 413, "Request too large", "Send fewer bytes; `errors` says how many are accepted."
)
UNSUPPORTED = _problem_type(
    "unsupported-media-type",
    415,
    "Unsupported media type",
    "Send Content-Type application/json, not compressed.",
)
INVALID = _problem_type(
    "invalid-intake",
    422,
    "Invalid answers",
    "Fix the fields listed in `errors`; /openapi.json has every question of this practice.",
)
INVALID_FEEDBACK = _problem_type(
    "invalid-feedback",
    422,
    "Invalid record",
    "Fix the fields listed in `errors`; nothing was written.",
)
LIST_TOO_LONG = _problem_type(
    "list-too-long",
    422,
    "List too long",
    "Send at most as many clients as `errors` states; `recommender allocate` has no limit.",
)
INVALID_ROSTER = _problem_type(
    "invalid-clinician",
    422,
    "Invalid clinician",
    "Fix the fields listed in `errors`; /openapi.json has every clinician field of this practice.",
)
KEY_REUSED = _problem_type(
    "key-reused",
    422,
    "Idempotency-Key reused",
    "The key was sent before with another request; use a new key for a new request.",
)
TOO_MANY = _problem_type(
    "too-many-requests",
    429,
    "Too many requests",
    "Wait for the number of seconds in Retry-After.",
)
PRECONDITION_REQUIRED = _problem_type(
    "precondition-required",
    428,
    "Precondition required",
    "Send If-Match with the ETag last read, or If-None-Match: * to create a new clinician.",
)
UNEXPECTED = _problem_type(
    "unexpected",
    500,
    "Unexpected error",
    "The server failed. Report the `instance` to the operator of this server.",
)
NOT_READY = _problem_type(
    "not-ready", 503, "Not ready", "The model is being loaded; retry shortly."
)
BUSY = _problem_type("busy", 503, "Too busy", "Too many requests are waiting; retry shortly.")
STORE_UNAVAILABLE = _problem_type(
    "store-unavailable", 503, "Store unavailable", "Nothing was written; retry the same request."
)
RETRY_SOON = {"Retry-After": "1"}

BODY_PROBLEMS = (MALFORMED, REQUEST_TIMEOUT, TOO_LARGE, UNSUPPORTED)
"""Of every operation with a body."""
WRITE_PROBLEMS = (NO_STORE, CONFLICT, IN_FLIGHT, INVALID_FEEDBACK, KEY_REUSED, NOT_READY)
"""Of operations that write to the journal."""
READ_PROBLEMS = (NOT_FOUND, NO_SUCH_RECORD, NO_STORE)
"""Of operations that read the journal."""

_BY_STATUS = {400: BAD_REQUEST, 404: NOT_FOUND, 405: NOT_ALLOWED, 413: TOO_LARGE, 415: UNSUPPORTED}

JOURNAL_PROBLEMS: Mapping[type[RecommenderError], ProblemType] = {
    NotFoundError: NO_SUCH_RECORD,
    StaleError: STALE,
    ConflictError: CONFLICT,
    InFlightError: IN_FLIGHT,
    KeyReusedError: KEY_REUSED,
    FeedbackError: INVALID_FEEDBACK,
    UnavailableError: STORE_UNAVAILABLE,
}
"""Problem types of the journal's errors; subclasses come before their base classes."""
_RETRYABLE = (IN_FLIGHT, STORE_UNAVAILABLE)

_MESSAGES: Mapping[str, str] = {
    "not_within_a_day": (
        "ends no later than it starts; split hours that pass midnight at 24:00, like "
        '{"day": "mon", "start": "22:00", "end": "24:00"} and '
        '{"day": "tue", "start": "00:00", "end": "02:00"}'
    ),
    "missing": "is required",
    "model_type": "is not an object",
    "model_attributes_type": "is not an object",
    "list_type": "is not a list",
    "string_type": "is not text",
    "bool_type": "is neither true nor false",
    "float_type": "is not a number",
    "int_type": "is not a whole number",
    "int_from_float": "is not a whole number",
    "int_parsing": "is not a whole number",
    "finite_number": "is not a finite number",
    "multiple_of": "has more than two decimals",
    "date_type": "is not a date, written 2026-11-23",
    "date_parsing": "is not a date, written 2026-11-23",
    PATTERN: "does not have the documented format",
    "repeated": "has a repeated member",
}
_BOUNDED: Mapping[str, tuple[str, str]] = {
    "greater_than_equal": ("is below the smallest value allowed", "ge"),
    "less_than_equal": ("is above the largest value allowed", "le"),
    "too_long": ("has more members than allowed", "max_length"),
    "too_short": ("has fewer members than allowed", "min_length"),
    "literal_error": ("is not one of the levels allowed", "expected"),
    "enum": ("is not one of the values allowed", "expected"),
}
"""Messages that include the declared limit, and the limit's key in pydantic's error context."""


class FieldError(BaseModel):
    """One error of a request."""

    model_config = ConfigDict(frozen=True)

    pointer: Annotated[str, Setting(description="JSON pointer (RFC 6901) into the request.")]
    code: str
    message: Annotated[str, Setting(description="Never contains a submitted value.")]


class Problem(BaseModel):
    """Why a request was refused (RFC 9457)."""

    model_config = ConfigDict(frozen=True, json_schema_serialization_defaults_required=True)

    type: str
    title: str
    status: int
    detail: str
    instance: Annotated[str, Setting(description="The request's id, as in X-Request-ID.")]
    errors: tuple[FieldError, ...] = ()

    @classmethod
    def of(
        cls,
        kind: ProblemType,
        request_id: str,
        errors: tuple[FieldError, ...] = (),
        *,
        root_path: str = "",
    ) -> "Problem":
        """A problem document of one type, of a server behind this path."""
        return cls(
            type=kind.type_at(root_path),
            title=kind.title,
            status=kind.status,
            detail=kind.detail,
            instance=request_id,
            errors=errors,
        )


class ProblemError(Exception):
    """A request that is refused with a problem of a given type."""

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


def problem_response(error: Exception, request_id: str, *, root_path: str = "") -> Response:
    """The response to an error; unknown errors become a 500 without details."""
    refusal = problem_for(error)
    problem = Problem.of(refusal.kind, request_id, refusal.errors, root_path=root_path)
    return Response(
        problem.model_dump_json(), refusal.kind.status, refusal.headers, media_type=MEDIA_TYPE
    )


def problem_for(error: Exception) -> ProblemError:
    """The problem of an error: the one mapping from errors to HTTP."""
    if isinstance(error, ProblemError):
        return error
    if isinstance(error, IntakeError):
        return ProblemError(INVALID, field_errors(error, "answers"))
    if isinstance(error, RequestValidationError):
        in_path = any(each["loc"][0] == "path" for each in error.errors())
        return (
            ProblemError(NOT_FOUND)
            if in_path
            else ProblemError(
                BAD_REQUEST, [_parameter_error(each) for each in error.errors()[:MAX_ERRORS]]
            )
        )
    for error_class, kind in JOURNAL_PROBLEMS.items():
        if isinstance(error, error_class):
            headers = RETRY_SOON if kind in _RETRYABLE else None
            return ProblemError(kind, _journal_errors(error), headers)
    return ProblemError(UNEXPECTED)


def _parameter_error(detail: Mapping[str, Any]) -> FieldError:
    """An error of a declared query parameter or header; the submitted value is not repeated."""
    where, name = detail["loc"][:2]
    found = _field_error(detail["type"], (), detail.get("ctx", {}))
    message = f"the {where} parameter `{name}` {found.message}"
    return FieldError(pointer="", code=found.code, message=message)


def field_errors(error: FaultsError, *part: str) -> tuple[FieldError, ...]:
    """Faults reported by the engine, with pointers into one part of the request."""
    return tuple(
        FieldError(
            pointer=pointer_to((*part, fault.where)),
            code="unreadable",
            message=f"{fault.problem}; {fault.remedy}",
        )
        for fault in error.faults[:MAX_ERRORS]
    )


def not_on_roster(
    pointer: str, suggestions: Iterable[str], problem: str = "is not on the roster"
) -> FieldError:
    """An error about the id of a clinician, with the ids it may mean."""
    message = "; ".join(filter(None, (problem, did_you_mean(suggestions))))
    return FieldError(pointer=pointer, code="unknown", message=message)


def _journal_errors(error: Exception) -> Iterable[FieldError]:
    """Errors in the words of the journal, which never contain a submitted value."""
    if isinstance(error, FaultsError):
        for fault in error.faults:
            message = f"{fault.problem}; {fault.remedy}"
            yield FieldError(pointer=pointer_to((fault.where,)), code="rejected", message=message)
    elif isinstance(error, RecommenderError) and not isinstance(error, UnavailableError):
        message = f"{error.field}: {error.problem}; {error.remedy}"
        yield FieldError(pointer="", code="rejected", message=message)


def problem_type_for_status(status: int) -> ProblemType:
    """The problem of a bare status, for responses of libraries."""
    if status in _BY_STATUS:
        return _BY_STATUS[status]
    if status >= 500:
        return UNEXPECTED
    return ProblemType("bad-request", status, HTTPStatus(status).phrase, BAD_REQUEST.detail)


def _nobody(place: Place, text: str) -> tuple[str, ...]:
    """Proposes nobody."""
    return ()


def problem_from_validation(
    error: ValidationError,
    model: type[BaseModel],
    kind: ProblemType = INVALID,
    whom: Callable[[Place, str], tuple[str, ...]] = _nobody,
) -> ProblemError:
    """The problem of a request that fails validation by its model.

    `whom` gives the ids that are proposed for a text, at a place of an id, that cannot be one.
    """
    details = error.errors(include_url=False)
    unknown = [detail["loc"] for detail in details if detail["type"] == UNKNOWN_FIELD]
    counted = Counter(place[:-1] for place in unknown if repeatable(place) != place)
    errors = dict.fromkeys(
        _unknown_field(model, detail["loc"], counted)
        if detail["type"] == UNKNOWN_FIELD
        else _not_an_id(detail["loc"], whom(detail["loc"], detail["input"]))
        if detail["type"] == PATTERN and detail["ctx"]["pattern"] == ID_PATTERN
        else _field_error(detail["type"], detail["loc"], detail.get("ctx", {}))
        for detail in details
    )
    return ProblemError(kind, tuple(errors)[:MAX_ERRORS])


def _unknown_field(
    model: type[BaseModel], place: Place, counted: Mapping[Place, int]
) -> FieldError:
    """An unknown field by its pointer if its name may be repeated, else as one of so many."""
    meant = meant_instead(model, place)
    suggestion = f"; did you mean `{meant}`?" if meant else ""
    if repeatable(place) == place:
        message = f"is not a field of this request{suggestion}"
        return FieldError(pointer=pointer_to(place), code=UNKNOWN_FIELD, message=message)
    number = counted[place[:-1]]
    if number == 1:
        message = (
            "has an unknown field, not named here because it does not look like the name of a field"
            f"{suggestion}"
        )
    else:
        message = (
            f"has {number} unknown fields, not named here because they do not look like names of "
            "fields"
        )
    pointer = pointer_to(repeatable(place[:-1]))
    return FieldError(pointer=pointer, code=UNKNOWN_FIELD, message=message)


def _not_an_id(place: Place, proposed: tuple[str, ...]) -> FieldError:
    problem = f"is not an id, which has {ID_FORM}"
    message = "; ".join(filter(None, (problem, did_you_mean(proposed))))
    return FieldError(pointer=pointer_to(place), code=PATTERN, message=message)


def _field_error(code: str, place: Place, facts: Mapping[str, Any]) -> FieldError:
    pointer = pointer_to(place)
    if code in _BOUNDED:
        message, limit = _BOUNDED[code]
        text = f"{message}: {_without_decimals(facts[limit])}"
        return FieldError(pointer=pointer, code=code, message=text)
    if code in _MESSAGES:
        return FieldError(pointer=pointer, code=code, message=_MESSAGES[code])
    return FieldError(
        pointer=pointer, code="invalid", message="does not have the documented format"
    )


def _without_decimals(limit: Any) -> Any:
    """A limit as people write it: 21, not 21.0."""
    return int(limit) if isinstance(limit, float) and limit.is_integer() else limit
