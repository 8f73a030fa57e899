"""Limits per network address, for a page without accounts, keys or cookies."""

from ipaddress import IPv6Address, ip_address

from fastapi import Request

from recommender.serving.auth_backend import RateLimiter
from recommender.serving.authorization import enforce_rate_limit
from recommender.settings import Settings

NETWORK_BITS = 64
"""A home or a telephone has a whole IPv6 network of this size, and changes addresses within it."""


class PageLimits:
    """Calls a minute of one address: of any page, and of pages that compute or store something."""

    def __init__(self, settings: Settings) -> None:
        self._pages = RateLimiter(settings.matching_calls_per_minute)
        self._results = RateLimiter(settings.matching_results_per_minute)

    def count_page(self, request: Request) -> None:
        """Counts a page; refuses it (429) above the limit."""
        enforce_rate_limit(request, self._pages, caller_address(request))

    def count_result(self, request: Request) -> None:
        """Counts a list or a wish; refuses it (429) above the limit."""
        enforce_rate_limit(request, self._results, caller_address(request))


def caller_address(request: Request) -> str:
    """The caller's address, of IPv6 the network; proxies that are not declared are the caller."""
    host = request.client.host if request.client else ""
    try:
        address = ip_address(host)
    except ValueError:
        return host
    if isinstance(address, IPv6Address):
        return str(IPv6Address(int(address) >> NETWORK_BITS << NETWORK_BITS))
    return host
