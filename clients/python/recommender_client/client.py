"""The client: calls of the generated part, with a key, retries, pages and errors as exceptions."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Self, cast

import httpx

from .generated import AuthenticatedClient
from .generated.api.recommendations import get_recommendation, recommend
from .generated.models import RecommendationRequest, RecommendationResponse
from .retries import KEY_HEADER, Retries, RetryingTransport


class Client:
    """Calls one recommender server; close it, or use it as a context manager.

    Parameters
    ----------
    url
        Address of the server, with its path behind a proxy if it has one.
    key
        A key of the server, `rk_...`. It appears in no repr, error or log.
    timeout
        Seconds to wait for a connection, and for each answer.
    retries
        How often and after how long a request is sent again.
    transport
        Sends the requests; one of httpx by default.
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
