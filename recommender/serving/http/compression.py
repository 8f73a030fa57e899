"""Compression of JSON responses where a caller asks for it (RFC 9110, section 12.5.3).

The size of a compressed response tells something about a secret in it if an attacker chooses other
text of the same response and lets a browser ask again and again (BREACH). What a browser sends by
itself is a cookie: responses to requests with a cookie, and those that set one, are not compressed,
and pages never are. A program's key is sent by no page of an attacker.
"""

import gzip
import re
from collections.abc import Iterable
from functools import lru_cache

from anyio import to_thread
from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from recommender.serving.http.raw_headers import (
    Header,
    first_values,
    raw_headers,
    text_of,
    with_headers,
)

MEDIA_TYPES = ("application/json", "application/problem+json")
MIN_BYTES = 1024
"""Smaller responses fit in one packet anyway."""
THREAD_BYTES = 64 * 1024
"""From this size on, compressing takes milliseconds and is left to a thread."""
LEVEL = 3
"""A response of 6.5 kB takes 0.07 ms and becomes 1.76 kB; at level 6 it takes half as long again
for 0.1 kB less."""
GZIP, TAG_SUFFIX = "gzip", "-gzip"
"""A strong tag names bytes: that of the compressed form has a suffix, removed on its return."""
NOT_MODIFIED = 304
CONDITIONS = (b"if-match", b"if-none-match")
ACCEPTED = b"accept-encoding"
TOUCHED = (b"set-cookie", b"content-encoding")
"""Headers of responses that are left as they are."""
_QUALITY = re.compile(r"q=(0(?:\.[0-9]{0,3})?|1(?:\.0{0,3})?)", re.IGNORECASE)
_SUFFIXED = re.compile(rf'{TAG_SUFFIX}(?=")')


@lru_cache(maxsize=64)
def accepts_gzip(header: str) -> bool:
    """Whether a header Accept-Encoding asks for gzip, by name or with an asterisk.

    Examples
    --------
    >>> [accepts_gzip(each) for each in ("gzip", "br, gzip;q=0.5", "*;q=0.1", "GZIP ; q=1")]
    [True, True, True, True]
    >>> [accepts_gzip(each) for each in ("", "gzip;q=0", "*, gzip;q=0", "br", "gzip;q=x")]
    [False, False, False, False, False]
    """
    qualities: dict[str, float] = {}
    for part in header.split(","):
        coding, *parameters = (each.strip() for each in part.split(";"))
        matches = [_QUALITY.fullmatch(each) for each in parameters]
        # A part that is not well-formed asks for nothing.
        quality = [float(match[1]) if match else 0.0 for match in matches]
        qualities[coding.lower()] = min(quality, default=1.0)
    return qualities.get(GZIP, qualities.get("*", 0.0)) > 0


class CompressionMiddleware:
    """ASGI middleware: compresses JSON responses of at least `MIN_BYTES` for those who ask."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Forwards a request; its conditions name the tags of uncompressed responses."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        headers = first_values(scope)
        suffixed = False
        if not headers.keys().isdisjoint(CONDITIONS):
            suffixed = _SUFFIXED.search(text_of(headers.get(b"if-none-match"))) is not None
            scope["headers"] = list(_without_suffixes(scope["headers"]))
        allowed = b"cookie" not in headers and accepts_gzip(
            ",".join([text_of(value) for name, value in scope["headers"] if name == ACCEPTED])
        )
        response = _ResponseCompressor(send, allowed=allowed, suffixed=suffixed)
        await self.app(scope, receive, response.send)


class _ResponseCompressor:
    """Sends one response, compressed if it may be and is worth it."""

    def __init__(self, send: Send, *, allowed: bool, suffixed: bool) -> None:
        self._send = send
        self._allowed = allowed
        self._suffixed = suffixed
        self._held: list[Header] | None = None
        self._status = 0

    async def send(self, message: Message) -> None:
        """Sends a message; the start of a response waits for the size of its body."""
        if message["type"] == "http.response.start":
            headers, self._status = raw_headers(message), message["status"]
            if self._status == NOT_MODIFIED and self._suffixed:
                _add_suffix(headers)
            if _may_be_compressed(headers):
                self._held = headers
                return
            message = {**message, "headers": headers}
        elif self._held is not None:
            headers, self._held = self._held, None
            message = await self._compressed(headers, message)
            start = {"type": "http.response.start", "status": self._status, "headers": headers}
            await self._send(start)
        await self._send(message)

    async def _compressed(self, headers: list[Header], message: Message) -> Message:
        body = message.get("body", b"")
        # Also where it is sent plain: another caller may be sent it compressed.
        MutableHeaders(raw=headers).add_vary_header("Accept-Encoding")
        if self._allowed and len(body) >= MIN_BYTES and not message.get("more_body", False):
            if len(body) >= THREAD_BYTES:
                body = await to_thread.run_sync(_gzip, body)
            else:
                body = _gzip(body)
            own = {b"content-encoding": GZIP.encode(), b"content-length": b"%d" % len(body)}
            headers[:] = with_headers(headers, own)
            _add_suffix(headers)
            message = {**message, "body": body}
        return message


def _may_be_compressed(headers: list[Header]) -> bool:
    named = dict(headers)
    media_type = text_of(named.get(b"content-type")).partition(";")[0].strip().lower()
    return media_type in MEDIA_TYPES and named.keys().isdisjoint(TOUCHED)


def _gzip(body: bytes) -> bytes:
    # Without the time, equal bodies have equal compressed forms.
    return gzip.compress(body, LEVEL, mtime=0)


def _add_suffix(headers: list[Header]) -> None:
    tag = text_of(dict(headers).get(b"etag"))
    if tag.endswith('"') and not tag.startswith("W/"):
        headers[:] = with_headers(headers, {b"etag": f'{tag[:-1]}{TAG_SUFFIX}"'.encode("latin-1")})


def _without_suffixes(headers: Iterable[tuple[bytes, bytes]]) -> Iterable[tuple[bytes, bytes]]:
    for name, value in headers:
        if name.lower() in CONDITIONS:
            value = _SUFFIXED.sub("", value.decode("latin-1")).encode("latin-1")
        yield name, value
