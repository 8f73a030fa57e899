"""Limits per network address, for a page without accounts, keys or cookies."""

from fastapi import Request

from recommender.serving.authorization import enforce_rate_limit, network_of
from recommender.serving.http.rate_limiter import RateLimiter
from recommender.settings import Settings


class PageLimits:
    """Calls a minute of one address: of any page, and of pages that compute or store something."""

    def __init__(self, settings: Settings) -> None:
        self._pages = RateLimiter(settings.matching_calls_per_minute)
        self._results = RateLimiter(settings.matching_results_per_minute)

    def count_page(self, request: Request) -> None:
        """Counts a page; refuses it (429) above the limit."""
        enforce_rate_limit(request, self._pages, network_of(request))

    def count_result(self, request: Request) -> None:
        """Counts a list or a wish; refuses it (429) above the limit."""
        enforce_rate_limit(request, self._results, network_of(request))
