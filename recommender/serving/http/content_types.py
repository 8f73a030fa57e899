"""What is said of a request whose media type is not the expected one (415)."""

from email.message import Message

from starlette.datastructures import Headers

from recommender.serving.http.problems import UNSUPPORTED, FieldError, ProblemError

_NAMED = frozenset(
    {
        "application/json",
        "application/octet-stream",
        "application/x-www-form-urlencoded",
        "application/xml",
        "multipart/form-data",
        "text/csv",
        "text/html",
        "text/json",
        "text/plain",
        "text/xml",
    }
)
"""Media types that are named when they were sent; any other text of the header is not repeated."""

COMPRESSED = FieldError(
    pointer="",
    code="content_encoding",
    message="Content-Encoding says that the body is compressed; send it without that header, plain",
)


def unsupported(headers: Headers, expected: str) -> ProblemError:
    """The refusal of a body that is not of the expected media type."""
    content_type = Message()
    content_type["content-type"] = headers.get("content-type", "")
    sent = content_type.get_content_type()
    if not headers.get("content-type"):
        problem = "is missing"
    else:
        problem = f"is {sent}" if sent in _NAMED else "is another media type"
    message = f"Content-Type {problem}; send {expected}"
    return ProblemError(UNSUPPORTED, [FieldError(pointer="", code="content_type", message=message)])
