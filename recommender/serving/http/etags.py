"""Versions in headers: what a caller has seen, and whether it is still so (RFC 9110, 13.1).

Imported by the routes of whatever changes.
"""

import re

from starlette.datastructures import Headers
from starlette.responses import Response

from recommender.serving.http.problems import PRECONDITION_REQUIRED, ProblemError

NOT_MODIFIED = 304
_TAG = re.compile(r'\s*(W/)?"([!#-~]*)"\s*')


def etag(tag: str) -> dict[str, str]:
    """The header of a strong version."""
    return {"ETag": f'"{tag}"'}


def seen(headers: Headers, current: str | None) -> str:
    """The version a change was made on: of several named the current one, if it is there.

    Raises
    ------
    ProblemError
        428 where none is named: whoever has seen nothing may not overwrite what others wrote.
    """
    named = [tag for weak, tag in _tags(headers.get("if-match", "")) if not weak]
    if not named:
        raise ProblemError(PRECONDITION_REQUIRED)
    return current if current in named and current is not None else named[0]


def seen_or_new(headers: Headers, current: str | None) -> str | None:
    """The same, or None where the caller says that there must be nothing yet."""
    if headers.get("if-none-match", "").strip() == "*" and "if-match" not in headers:
        return None
    return seen(headers, current)


def unless_seen(response: Response, headers: Headers) -> Response:
    """The response, or an empty 304 for a caller who has this very version."""
    said = headers.get("if-none-match", "")
    tag = response.headers["etag"].strip('"')
    if said.strip() != "*" and tag not in [each for _, each in _tags(said)]:
        return response
    return Response(status_code=NOT_MODIFIED, headers={"ETag": response.headers["etag"]})


def _tags(header: str) -> list[tuple[bool, str]]:
    """Weakness and text of every version in a header; nothing where one is not written as such."""
    found = [_TAG.fullmatch(part) for part in header.split(",")]
    return [(bool(each[1]), each[2]) for each in found if each]
