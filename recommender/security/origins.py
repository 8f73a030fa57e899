"""Origins of web pages: scheme, host and port, as browsers send them in the header Origin."""

from collections.abc import Iterable
from ipaddress import ip_address
from urllib.parse import urlsplit

from recommender.errors import RecommenderError

MAX_ORIGINS = 20
REMEDY = "write it as https://www.practice.example, as the address bar shows it and without a path"
_DEFAULT_PORTS = {"https": 443, "http": 80}


def read_origins(texts: Iterable[str]) -> tuple[str, ...]:
    """Declared origins, each once, sorted.

    Raises
    ------
    RecommenderError
        When there is none, there are too many, or one cannot be an origin.

    Examples
    --------
    >>> read_origins(["https://WWW.practice.example/", "http://localhost:3000"])
    ('http://localhost:3000', 'https://www.practice.example')
    """
    origins = tuple(sorted({_read_origin(text) for text in texts}))
    if not 1 <= len(origins) <= MAX_ORIGINS:
        problem = f"must be given once for each site, 1 to {MAX_ORIGINS} times"
        raise RecommenderError("origin", problem, REMEDY)
    return origins


def is_local(origin: str) -> bool:
    """Whether an origin is a page on the reader's own machine, such as http://localhost:3000."""
    host = urlsplit(origin).hostname or ""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")


def _read_origin(text: str) -> str:
    try:
        parts = urlsplit(text.lower())
        host, port = parts.hostname, parts.port
    except ValueError:
        host, port, parts = None, None, urlsplit("")
    if not host or parts.scheme not in _DEFAULT_PORTS or not text.isascii() or "*" in host:
        raise RecommenderError("origin", "is not the origin of a web page", REMEDY)
    if parts.path not in ("", "/") or parts.query or parts.fragment or "@" in parts.netloc:
        raise RecommenderError("origin", "has more than scheme, host and port", REMEDY)
    shown = f"[{host}]" if ":" in host else host
    # Browsers leave out the port that the scheme implies.
    implied = port in (None, _DEFAULT_PORTS[parts.scheme])
    origin = f"{parts.scheme}://{shown}" + ("" if implied else f":{port}")
    if parts.scheme == "http" and not is_local(origin):
        remedy = "write https://; http:// is accepted for localhost only"
        raise RecommenderError("origin", "is of a page that others can change on its way", remedy)
    return origin
