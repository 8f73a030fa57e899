"""Sends one message: no redirects, no private networks, bounded time, no body of a response read.

A name is resolved once, its addresses are checked, and the connection is made to one of those, so
that a name which resolves differently a moment later cannot lead inside.
"""

import http.client
import ipaddress
import socket
import ssl
import threading
from collections.abc import Collection, Mapping
from contextlib import closing, suppress
from dataclasses import dataclass
from urllib.parse import SplitResult, urlsplit

from recommender.errors import RecommenderError

CONNECT_SECONDS = 5.0
TOTAL_SECONDS = 15.0
"""From the connection to the status of the response: the least that Standard Webhooks advises."""
LOOPBACK_HOSTS = frozenset({"localhost", "127.0.0.1", "::1"})
MAX_URL = 2000
HTTPS_PORT, HTTP_PORT = 443, 80

ACCEPTED, REFUSED, REDIRECTED, GONE = "accepted", "refused", "redirected", "gone"
PRIVATE_ADDRESS, UNRESOLVED = "private_address", "unresolved"
UNREACHABLE, UNTRUSTED, TIMED_OUT = "unreachable", "untrusted", "timed_out"
OUTCOMES = (
    *(ACCEPTED, REFUSED, REDIRECTED, GONE),
    *(PRIVATE_ADDRESS, UNRESOLVED, UNREACHABLE, UNTRUSTED, TIMED_OUT),
)
"""What can come of an attempt: the first four by the status of a response."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """What came of sending a message, one of `OUTCOMES`, and the status of the response if any."""

    outcome: str
    status: int | None = None


class _PrivateAddressError(Exception):
    """A name resolved to an address that is not on the public internet."""


def checked_url(text: str) -> str:
    """An address that messages may be sent to.

    Raises
    ------
    RecommenderError
        When it is none, or neither https nor this machine.
    """
    remedy = "give an address such as https://example.org/recommender"
    try:
        parts = urlsplit(text)
        host, port = parts.hostname, parts.port
    except ValueError:
        raise RecommenderError("url", "cannot be read", remedy) from None
    printable = text.isascii() and text.isprintable() and " " not in text
    if not printable or len(text) > MAX_URL or not host or port == 0:
        raise RecommenderError("url", "is not an address in ASCII characters", remedy)
    if parts.username is not None or parts.password is not None or parts.fragment:
        problem = "has a user name, a password or a fragment"
        raise RecommenderError("url", problem, f"{remedy}; messages are signed instead")
    if parts.scheme != "https" and not (parts.scheme == "http" and host in LOOPBACK_HOSTS):
        raise RecommenderError("url", "is not encrypted", f"{remedy}; http is for localhost only")
    return text


def send(
    url: str, headers: Mapping[str, str], body: bytes, *, private_hosts: Collection[str] = ()
) -> Attempt:
    """Posts a body and gives what came of it; raises nothing.

    Parameters
    ----------
    url
        As `checked_url` gives it.
    private_hosts
        Hosts that may be in a private network, besides this machine under its own name.
    """
    parts = urlsplit(url)
    host = parts.hostname or ""
    allowed = host in LOOPBACK_HOSTS or host in private_hosts
    try:
        connected = _connected(host, _port(parts), allowed=allowed)
    except _PrivateAddressError:
        return Attempt(PRIVATE_ADDRESS)
    except (socket.gaierror, UnicodeError):
        return Attempt(UNRESOLVED)
    except TimeoutError:
        return Attempt(TIMED_OUT)
    except OSError:
        return Attempt(UNREACHABLE)
    return _posted(connected, parts, headers, body)


def _posted(
    connected: socket.socket, parts: SplitResult, headers: Mapping[str, str], body: bytes
) -> Attempt:
    late = threading.Event()
    connection = http.client.HTTPConnection(parts.hostname or "", timeout=TOTAL_SECONDS)

    def end() -> None:
        # A timeout of the socket alone would start anew with each byte of a slow response.
        late.set()
        with suppress(OSError):
            connected.shutdown(socket.SHUT_RDWR)

    timer = threading.Timer(TOTAL_SECONDS, end)
    timer.daemon = True
    timer.start()
    try:
        with closing(connected), closing(connection):
            connected.settimeout(TOTAL_SECONDS)
            connection.sock = _encrypted(connected, parts)
            path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
            own = {"Host": parts.netloc, "Connection": "close"}
            connection.request("POST", path, body, {**own, **headers})
            status = connection.getresponse().status
            # A response that was cut off by `end` can look whole.
            return Attempt(TIMED_OUT) if late.is_set() else _attempt_of(status)
    except ssl.SSLError:
        return Attempt(TIMED_OUT if late.is_set() else UNTRUSTED)
    except (OSError, http.client.HTTPException) as error:
        slow = late.is_set() or isinstance(error, TimeoutError)
        return Attempt(TIMED_OUT if slow else UNREACHABLE)
    finally:
        timer.cancel()


def _attempt_of(status: int) -> Attempt:
    if 200 <= status < 300:
        return Attempt(ACCEPTED, status)
    if 300 <= status < 400:
        return Attempt(REDIRECTED, status)
    return Attempt(GONE if status == http.client.GONE else REFUSED, status)


def _port(parts: SplitResult) -> int:
    return parts.port or (HTTPS_PORT if parts.scheme == "https" else HTTP_PORT)


def _encrypted(connected: socket.socket, parts: SplitResult) -> socket.socket:
    if parts.scheme != "https":
        return connected
    context = ssl.create_default_context()
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context.wrap_socket(connected, server_hostname=parts.hostname)


def _connected(host: str, port: int, *, allowed: bool) -> socket.socket:
    """A connection to the first address of a host that accepts one."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    if not allowed and not all(is_public(str(address[0])) for *_, address in found):
        raise _PrivateAddressError
    failure: OSError = OSError()
    for family, kind, protocol, _, address in found:
        opened = socket.socket(family, kind, protocol)
        opened.settimeout(CONNECT_SECONDS)
        try:
            opened.connect(address)
        except OSError as error:
            opened.close()
            failure = error
        else:
            return opened
    raise failure


def is_public(address: str) -> bool:
    """Whether an IP address is on the public internet, also within the forms that IPv6 has for it.

    Examples
    --------
    >>> [is_public(each) for each in ("93.184.215.14", "10.0.0.1", "::ffff:10.0.0.1")]
    [True, False, False]
    """
    try:
        ip = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return False
    if isinstance(ip, ipaddress.IPv6Address):
        inner = ip.ipv4_mapped or ip.sixtofour or (ip.teredo and ip.teredo[1])
        if ip in _NAT64:
            inner = ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF)
        if inner:
            return is_public(str(inner))
    return ip.is_global and not ip.is_multicast


_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")
"""RFC 6052: the last four bytes are an IPv4 address."""
