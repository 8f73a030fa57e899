"""Headers in the form of ASGI, which layers that every request passes read and write directly.

`starlette.datastructures.Headers` goes through all headers for each name that is asked for.
"""

from collections.abc import Iterable, Mapping

from starlette.types import Message, Scope

Header = tuple[bytes, bytes]


def first_values(scope: Scope) -> dict[bytes, bytes]:
    """The first value of each header of a request, by its name in small letters.

    Examples
    --------
    >>> first_values({"headers": [(b"accept", b"a"), (b"accept", b"b")]})
    {b'accept': b'a'}
    """
    return dict(reversed(scope["headers"]))


def text_of(value: bytes | None) -> str:
    """A value as text; "" for none."""
    return "" if value is None else value.decode("latin-1")


def in_bytes(headers: Mapping[str, str]) -> dict[bytes, bytes]:
    """Headers as ASGI has them."""
    return {n.lower().encode("latin-1"): v.encode("latin-1") for n, v in headers.items()}


def with_headers(headers: Iterable[Header], others: Mapping[bytes, bytes]) -> list[Header]:
    """Headers of a response in which others take the place of those of the same name.

    Examples
    --------
    >>> with_headers([(b"age", b"1"), (b"vary", b"a")], {b"vary": b"b"})
    [(b'age', b'1'), (b'vary', b'b')]
    """
    return [*[each for each in headers if each[0] not in others], *others.items()]


def raw_headers(message: Message) -> list[Header]:
    """The headers of the start of a response, with names in small letters."""
    return [(name.lower(), value) for name, value in message.get("headers", ())]
