"""The client: calls of the generated part, with a key, retries, pages and errors as exceptions."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Self, cast

import httpx

from .generated import AuthenticatedClient
from .generated.api.recommendations import get_recommendation, list_recommendations, recommend
from .generated.models import (
    GetRecommendationIncludeItem,
    RecommendationPage,
    RecommendationRequest,
    RecommendationResponse,
    RecommendationSummary,
    RecommendIncludeItem,
)
from .generated.types import UNSET
from .retries import Retries, RetryingTransport


class Client:
    """Calls one recommender server; close it, or use it as a context manager.

    Every call that is refused raises `ApiError`, and one that got no answer `httpx.TransportError`.

    Parameters
    ----------
    url
        Address of the server, with its path behind a proxy if it has one.
    key
        A key of the server, `rk_...`. It is in no repr, error or log.
    timeout
        Seconds to wait for a connection, and for each part of an answer.
    retries
        How often and after how long a request is sent again.
    transport
        Sends each request; one of httpx by default.

    Attributes
    ----------
    generated
        Passed as `client` to any function `sync` of `recommender_client.generated.api`, for
        operations without a method here. Its asynchronous functions have no key and no retries.
    """

    def __init__(
        self,
        url: str,
        key: str,
        *,
        timeout: float = 10.0,
        retries: Retries | None = None,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        self.url = url
        self._http = httpx.Client(
            base_url=url,
            headers={"Authorization": f"Bearer {key}"},
            timeout=timeout,
            transport=RetryingTransport(transport or httpx.HTTPTransport(), retries or Retries()),
        )
        self.generated = AuthenticatedClient(base_url=url, token="").set_httpx_client(self._http)

    def __repr__(self) -> str:
        return f"Client({self.url!r})"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Closes the connections."""
        self._http.close()

    def recommend(
        self,
        request: RecommendationRequest | Mapping[str, Any],
        *,
        include: Iterable[str] = (),
        idempotency_key: str | None = None,
    ) -> RecommendationResponse:
        """Asks for one client's shortlist, which the server records.

        Parameters
        ----------
        request
            The answers; a mapping is read as the JSON of a request.
        include
            Parts that are otherwise absent, such as `relaxations`.
        idempotency_key
            Give one of your own, stored with the form, and a program that starts anew gets the
            recommendation of its first attempt. Without it, retries of this call share a new one.
        """
        typed = isinstance(request, RecommendationRequest)
        answer = recommend.sync(
            client=self.generated,
            body=cast("RecommendationRequest", request)
            if typed
            else RecommendationRequest.from_dict(dict(cast("Mapping[str, Any]", request))),
            include=[RecommendIncludeItem(each) for each in include] or UNSET,
            idempotency_key=idempotency_key or UNSET,
        )
        return cast("RecommendationResponse", answer)

    def recommendation(
        self, recommendation_id: str, *, include: Iterable[str] = ()
    ) -> RecommendationResponse:
        """Reads a recommendation again, as it was computed."""
        answer = get_recommendation.sync(
            recommendation_id,
            client=self.generated,
            include=[GetRecommendationIncludeItem(each) for each in include] or UNSET,
        )
        return cast("RecommendationResponse", answer)

    def recommendations(self, **filters: Any) -> Iterator[RecommendationSummary]:
        """Every recommendation of this key, newest first; pages are read as they are needed.

        Parameters
        ----------
        filters
            Parameters of `generated.api.recommendations.list_recommendations`.
        """
        cursor = filters.pop("cursor", UNSET)
        while True:
            answer = list_recommendations.sync(client=self.generated, cursor=cursor, **filters)
            page = cast("RecommendationPage", answer)
            yield from page.recommendations
            if page.next_ is None:
                return
            # Only the cursor: the address is the server's own, which a proxy may show elsewhere.
            cursor = httpx.URL(page.next_).params["cursor"]
