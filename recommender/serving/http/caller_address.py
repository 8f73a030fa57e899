"""Network addresses of callers: what calls are counted by, and whether it is this machine."""

import ipaddress
from functools import lru_cache

IPV6_BLOCK = 64
"""Leading bits of an IPv6 address that a network usually gives to one household."""


def caller_network(address: str | None) -> str:
    """The network address that calls are counted by: of IPv6 the block of one household.

    Examples
    --------
    >>> caller_network("203.0.113.7"), caller_network("2001:db8:1:2:3:4:5:6")
    ('203.0.113.7', '2001:db8:1:2::/64')
    """
    try:
        parsed = ipaddress.ip_address(address or "")
    except ValueError:
        return "unknown"
    if parsed.version == 4:
        return str(parsed)
    return str(ipaddress.ip_network((parsed, IPV6_BLOCK), strict=False))


@lru_cache(maxsize=64)
def from_this_machine(address: str | None) -> bool:
    """Whether a network address is a loopback address, or None as for a Unix socket."""
    if address is None:
        return True
    try:
        return ipaddress.ip_address(address).is_loopback
    except ValueError:
        return False
