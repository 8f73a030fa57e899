"""Asks Cliniko page by page: paced, repeated after refusals and failures, following its links.

Source: Cliniko API documentation, *Rate limits* and *Pagination*. `urllib3.Retry` is not used: it
reads `Retry-After`, and Cliniko sends `X-RateLimit-Reset`.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import Any
from urllib.parse import urljoin, urlsplit

import requests

from recommender.errors import RecommenderError
from recommender.importing.cliniko.account import KEY_VARIABLE, ClinikoAccount
from recommender.importing.cliniko.request_pace import RequestPace
from recommender.importing.read_only_session import READ_METHOD, ReadOnlySession

Parameters = Sequence[tuple[str, str]]
PAGE_SIZE = 100
"""Largest page that Cliniko gives."""
TIMEOUTS = (10.0, 60.0)
"""Seconds to connect, and between two bytes of an answer."""
TRIES = 8
LONGEST_WAIT = 120.0
"""Seconds; Cliniko's limit is counted by the minute."""
FIRST_WAIT = 1.0
"""Seconds after the first failure; doubled after each further one."""
AGAIN = "run the same command again: it continues where it stopped"


@dataclass(frozen=True, slots=True)
class ClinikoPage:
    """One page of a list.

    Attributes
    ----------
    content
        The whole answer.
    next
        Address of the next page; None on the last.
    total
        Number of records of the whole list; None where the answer does not say.
    """

    content: Mapping[str, Any]
    next: str | None
    total: int | None


class ClinikoClient:
    """Reads from one account.

    Parameters
    ----------
    account, pace, clock, sleep
        Whose records, how many requests a minute, the time in seconds since 1970, and how to wait.
    notify
        Takes a line before each wait for another try: what failed, seconds and number of the try.

    Attributes
    ----------
    requests_sent
        How many requests were sent, repeated ones included.
    """

    def __init__(
        self,
        account: ClinikoAccount,
        pace: RequestPace,
        clock: Callable[[], float],
        sleep: Callable[[float], None],
        notify: Callable[[str], object] = str,
    ) -> None:
        self._account = account
        self._pace = pace
        self._clock = clock
        self._sleep = sleep
        self._notify = notify
        self._session = ReadOnlySession()
        self._session.auth = (account.key, "")
        self._session.headers.update({"Accept": "application/json", "User-Agent": account.contact})
        self._ahead = 0.0
        self.requests_sent = 0

    def close(self) -> None:
        """Closes the connections."""
        self._session.close()

    @property
    def server_time(self) -> datetime:
        """The time by Cliniko's clock, UTC, as of its last answer."""
        return datetime.fromtimestamp(self._clock() + self._ahead, UTC)

    def pages(self, path: str, parameters: Parameters = ()) -> Iterator[ClinikoPage]:
        """The pages of a list, from the first one."""
        first = self.page(self.first_page(path), (*parameters, ("per_page", str(PAGE_SIZE))))
        yield first
        following = first.next
        while following is not None:
            page = self.page(following)
            yield page
            following = page.next

    def first_page(self, path: str) -> str:
        """The address of a path."""
        return f"{self._account.address}{path}"

    def page(
        self, address: str, parameters: Parameters = (), *, may_lack: bool = False
    ) -> ClinikoPage:
        """One page, by an address that `first_page` or the page before gave.

        A list that does not exist has one page without content where it may lack.

        Raises
        ------
        RecommenderError
            As for `get`, and when the page links to the list of another server.
        """
        content = self.get(address, parameters, may_lack=may_lack) or {}
        links = content.get("links")
        link = links.get("next") if isinstance(links, Mapping) else None
        total = content.get("total_entries")
        following = None if not link else self._same_list(address, str(link))
        return ClinikoPage(content, following, total if isinstance(total, int) else None)

    def get(
        self, address: str, parameters: Parameters = (), *, may_lack: bool = False
    ) -> Mapping[str, Any] | None:
        """An answer; None for 404 where the record may not exist (`may_lack`).

        Raises
        ------
        RecommenderError
            When Cliniko refuses, or does not answer properly after `TRIES` attempts. No message
            has an address, a key or a part of an answer.
        """
        problem = ""
        for attempt in range(TRIES):
            self._pace.wait()
            self.requests_sent += 1
            try:
                # Parameters hold brackets and colons, which Cliniko takes escaped.
                response = self._session.request(
                    READ_METHOD,
                    address,
                    params=list(parameters),
                    timeout=TIMEOUTS,
                    allow_redirects=False,
                )
                status = response.status_code
                self._read_clock(response)
                if status == HTTPStatus.OK:
                    return _content_of(response)
            except (requests.RequestException, ValueError) as error:
                problem, wait = _failure(error), _back_off(attempt)
            else:
                if status == HTTPStatus.NOT_FOUND and may_lack:
                    return None
                if status != HTTPStatus.TOO_MANY_REQUESTS and status < 500:
                    raise _refusal(status, urlsplit(address).path)
                problem = f"answered {status}"
                wait = self._until_reset(response, attempt)
            if attempt + 1 < TRIES:
                again = f"trying again in {wait:.0f} s ({attempt + 2} of {TRIES})"
                self._notify(f"Cliniko {problem}: {again}")
                self._sleep(wait)
        raise RecommenderError("Cliniko", f"{problem}, {TRIES} times", AGAIN)

    def _read_clock(self, response: requests.Response) -> None:
        try:
            shown = parsedate_to_datetime(response.headers.get("Date", ""))
        except ValueError:
            return
        self._ahead = shown.timestamp() - self._clock()

    def _until_reset(self, response: requests.Response, attempt: int) -> float:
        """Seconds to wait: until the time in X-RateLimit-Reset by Cliniko's clock, else longer."""
        try:
            reset = float(response.headers["X-RateLimit-Reset"])
        except (KeyError, ValueError):
            return _back_off(attempt)
        # A second more, because the header is in whole seconds.
        left = reset - self.server_time.timestamp() + 1.0
        return min(max(left, FIRST_WAIT), LONGEST_WAIT)

    def _same_list(self, address: str, link: str) -> str:
        """The address that a link names, which must be another page of the same list.

        The key is sent wherever a link leads, so it leads nowhere else.
        """
        target = urlsplit(urljoin(address, link))
        own = urlsplit(address)
        if (target.scheme, target.netloc, target.path) != (own.scheme, own.netloc, own.path):
            problem = "links to something else than the next page of the same list"
            remedy = "report it: Cliniko's pagination is not as documented"
            raise RecommenderError("Cliniko", problem, remedy)
        return target.geturl()


def _content_of(response: requests.Response) -> Mapping[str, Any]:
    content = response.json()
    if not isinstance(content, dict):
        raise ValueError("no JSON object")
    return content


def _failure(error: Exception) -> str:
    if isinstance(error, requests.Timeout):
        return "did not answer in time"
    if isinstance(error, requests.ConnectionError | requests.exceptions.ChunkedEncodingError):
        return "could not be reached, or closed the connection"
    return "answered with something else than JSON"


def _back_off(attempt: int) -> float:
    return min(FIRST_WAIT * 2.0**attempt, LONGEST_WAIT)


def _refusal(status: int, path: str) -> RecommenderError:
    if status == HTTPStatus.UNAUTHORIZED:
        problem = "is refused by Cliniko (401)"
        remedy = "create a key in Cliniko under My Info, Manage API keys"
        return RecommenderError(KEY_VARIABLE, problem, remedy)
    if status == HTTPStatus.FORBIDDEN:
        problem = f"may not read {path} (403)"
        remedy = "use the key of a Cliniko user whose role may see the whole calendar"
        return RecommenderError(KEY_VARIABLE, problem, remedy)
    if status == HTTPStatus.NOT_FOUND:
        remedy = "check the ids in the mapping: one of them is not, or no longer, in Cliniko"
        return RecommenderError("Cliniko", f"does not know {path} (404)", remedy)
    remedy = "report it: Cliniko does not answer as documented"
    return RecommenderError("Cliniko", f"answered {status} to {path}", remedy)
