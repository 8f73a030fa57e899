"""Which addresses of a provider are used."""

from urllib.parse import urlsplit

from recommender.security.sessions import LOOPBACK


def is_protected(address: object) -> bool:
    """Whether an address is by https, or of this machine."""
    try:
        parts = urlsplit(address if isinstance(address, str) else "")
        local = parts.scheme == "http" and parts.hostname in LOOPBACK
        return bool(parts.hostname) and (parts.scheme == "https" or local)
    except ValueError:
        return False
