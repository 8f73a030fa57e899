"""Entity tags and conditional requests (RFC 9110, section 13.1)."""

import re

from starlette.datastructures import Headers
from starlette.responses import Response

from recommender.serving.http.problems import PRECONDITION_REQUIRED, ProblemError

NOT_MODIFIED = 304
_TAG = re.compile(r'\s*(W/)?"([!#-~]*)"\s*')


def etag(tag: str) -> dict[str, str]:
    """The ETag header of a version."""
    return {"ETag": f'"{tag}"'}


def required_version(headers: Headers, current: str | None) -> str:
    """The version in If-Match that a change is based on: the current one, if it is listed.

    Raises
    ------
    ProblemError
        428 without a strong tag in If-Match.
    """
    listed = [tag for weak, tag in _tags(headers.get("if-match", "")) if not weak]
    if not listed:
        raise ProblemError(PRECONDITION_REQUIRED)
    return current if current in listed and current is not None else listed[0]


def required_or_new(headers: Headers, current: str | None) -> str | None:
    """The version in If-Match, or None for `If-None-Match: *`, which requires a new resource."""
    if headers.get("if-none-match", "").strip() == "*" and "if-match" not in headers:
        return None
    return required_version(headers, current)


def unless_matched(response: Response, headers: Headers) -> Response:
    """The response, or an empty 304 if If-None-Match lists its ETag."""
    condition = headers.get("if-none-match", "")
    tag = response.headers["etag"].strip('"')
    if condition.strip() != "*" and tag not in [each for _, each in _tags(condition)]:
        return response
    repeated = ("etag", "cache-control", "vary", "content-language")
    given = {name: response.headers[name] for name in repeated if name in response.headers}
    return Response(status_code=NOT_MODIFIED, headers=given)


def _tags(header: str) -> list[tuple[bool, str]]:
    """Weakness and text of every well-formed tag of a header."""
    matches = [_TAG.fullmatch(part) for part in header.split(",")]
    return [(bool(match[1]), match[2]) for match in matches if match]
