"""Pages of lists: cursors, which are positions in an order by time and id, and links to next pages.

A cursor is opaque to callers. It grants nothing: what a caller may see is decided for every page.
"""

import base64
import binascii
import re
from collections.abc import Mapping
from datetime import datetime
from urllib.parse import urlencode

from pydantic import BeforeValidator
from pydantic_core import PydanticCustomError

from recommender.serving.http.problems import BAD_REQUEST, FieldError, ProblemError
from recommender.values.ids import ID_PATTERN


def _digits_only(text: object) -> object:
    if isinstance(text, str) and not re.fullmatch(r"[0-9]{1,9}", text):
        raise PydanticCustomError("int_parsing", "is not a whole number")
    return text


DIGITS = BeforeValidator(_digits_only)
"""Annotation of a whole number in a query: other spellings, such as `1_0`, are not in the contract.

It comes after the bounds: pydantic writes those of what is validated before it as keys that JSON
Schema does not know.
"""
Position = tuple[datetime, str]
"""Time and id of the last entry of a page."""
MAX_LENGTH = 200
_SEPARATOR = "/"
_ID = re.compile(ID_PATTERN)


def cursor_of(position: Position) -> str:
    """The cursor of the page after an entry.

    Examples
    --------
    >>> from datetime import UTC
    >>> cursor = cursor_of((datetime(2026, 11, 28, 18, 5, 1, 250, tzinfo=UTC), "8fa2"))
    >>> read_cursor(cursor)
    (datetime.datetime(2026, 11, 28, 18, 5, 1, 250, tzinfo=datetime.timezone.utc), '8fa2')
    """
    at, name = position
    text = f"{at.isoformat()}{_SEPARATOR}{name}"
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def read_cursor(cursor: str) -> Position:
    """The position of a cursor.

    Raises
    ------
    ProblemError
        400 when no page gave this cursor.
    """
    try:
        padded = cursor + "=" * (-len(cursor) % 4)
        text = base64.b64decode(padded.encode("ascii"), altchars=b"-_", validate=True).decode()
        moment, separator, name = text.partition(_SEPARATOR)
        at = datetime.fromisoformat(moment)
    except (ValueError, binascii.Error):
        raise _unknown() from None
    if not separator or at.utcoffset() is None or not _ID.fullmatch(name):
        raise _unknown()
    return at, name


def next_page(address: str, query: Mapping[str, str] | None) -> str | None:
    """The address of the next page; None where there is none."""
    return None if query is None else f"{address}?{urlencode(query)}"


def next_link(address: str | None) -> dict[str, str]:
    """The header that names the next page (RFC 8288); none after the last page."""
    return {} if address is None else {"Link": f'<{address}>; rel="next"'}


def _unknown() -> ProblemError:
    message = (
        "the query parameter `cursor` is not one that a page gave; begin without it, then follow "
        "`next`"
    )
    return ProblemError(BAD_REQUEST, [FieldError(pointer="", code="cursor", message=message)])
