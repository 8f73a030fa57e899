"""Refusals of a server as exceptions, from its problem documents (RFC 9457)."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault of a request: a JSON pointer or the name of a header, a code and a sentence."""

    pointer: str
    code: str
    message: str


class ApiError(Exception):
    """The server refused a request; it never repeats what was sent.

    Attributes
    ----------
    status
        HTTP status.
    problem
        Last segment of the problem's type, such as `invalid-request`; `/problems/...` explains it.
        Empty where the answer is no problem document, as that of a proxy.
    title, detail
        What happened, and what to do.
    faults
        Each fault of the request.
    retry_after
        Seconds after which the server asks to try again, or None.
    """

    def __init__(
        self, status: int, document: Mapping[str, Any], retry_after: float | None = None
    ) -> None:
        self.status = status
        self.problem = str(document.get("type", "")).rpartition("/")[2]
        self.title = str(document.get("title", f"HTTP status {status}"))
        self.detail = str(document.get("detail", ""))
        self.faults = tuple(
            Fault(str(each.get("pointer", "")), str(each["code"]), str(each["message"]))
            for each in document.get("errors", ())
        )
        self.retry_after = retry_after
        places = "; ".join(f"{each.pointer} {each.message}".strip() for each in self.faults)
        super().__init__(f"{status} {self.title}: {places or self.detail}".rstrip(": "))


class InvalidRequestError(ApiError):
    """The request must be changed (400, 413, 415, 422)."""


class NotAllowedError(ApiError):
    """The key is not valid, or may not do this (401, 403)."""


class NotFoundError(ApiError):
    """There is no such record or address (404, 405)."""


class ConflictError(ApiError):
    """Another request came first (409, 412, 428)."""


class RateLimitedError(ApiError):
    """Too many requests, still so after every retry (429)."""


class UnavailableError(ApiError):
    """The server or its proxy cannot answer, still so after every retry (500 to 599)."""


_BY_STATUS: Mapping[int, type[ApiError]] = MappingProxyType(
    dict.fromkeys((400, 413, 415, 422), InvalidRequestError)
    | dict.fromkeys((401, 403), NotAllowedError)
    | dict.fromkeys((404, 405), NotFoundError)
    | dict.fromkeys((409, 412, 428), ConflictError)
    | {429: RateLimitedError}
)


def error_of(status: int, body: bytes, retry_after: float | None = None) -> ApiError:
    """The error of a refusal; the body of another kind of server is not shown."""
    try:
        document = json.loads(body)
    except ValueError:
        document = {}
    kind = _BY_STATUS.get(status, UnavailableError if status >= 500 else ApiError)
    return kind(status, document if isinstance(document, dict) else {}, retry_after)
