"""Which heads of requests are answered, of those that the parser accepts.

The parser, llhttp, reads more than this server answers. Where a proxy before it and the server do
not read the same request, a caller may hide one request in another.
"""

from collections.abc import Sequence

from recommender.serving.http.raw_headers import Header

_VERSIONS = ("1.1", "1.0")
_TRANSFER_ENCODING = b"transfer-encoding"


def is_answered(version: str, method: bytes, target: bytes, headers: Sequence[Header]) -> bool:
    """Whether a head is of HTTP/1, names one host and a path, and frames its body in one way.

    Parameters
    ----------
    headers
        With names in small letters. Of Content-Length the parser accepts one value, and none beside
        Transfer-Encoding.

    Examples
    --------
    >>> is_answered("1.1", b"GET", b"/livez", [(b"host", b"localhost")])
    True
    >>> is_answered("1.1", b"GET", b"http://localhost/livez", [(b"host", b"localhost")])
    False
    """
    names = [name for name, _ in headers]
    hosts = names.count(b"host")
    return (
        version in _VERSIONS
        and method != b"CONNECT"
        and (target.startswith(b"/") or target == b"*")
        and b"#" not in target
        and (hosts == 1 or (hosts == 0 and version == "1.0"))
        and (_TRANSFER_ENCODING not in names or _is_chunked(headers))
    )


def _is_chunked(headers: Sequence[Header]) -> bool:
    """Whether the body is chunked, and encoded in no other way."""
    return [value.lower() for name, value in headers if name == _TRANSFER_ENCODING] == [b"chunked"]
