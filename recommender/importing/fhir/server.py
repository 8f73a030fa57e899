"""Reads resources from a FHIR server: searches page by page, with GET alone.

The token of the server goes to that server only, and nowhere else.
"""

import os
import re
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import urljoin, urlsplit

import requests

from recommender.errors import RecommenderError
from recommender.importing.fhir.resources import READ_KINDS, Document
from recommender.importing.import_report import ImportLog
from recommender.importing.read_only_session import ReadOnlySession

TOKEN_VARIABLE = "RECOMMENDER_FHIR_TOKEN"
SOURCE = "server"
VERSIONS = ("4.0", "4.3")
"""FHIR versions that are read: R4, and R4B, which is equal to it in the kinds read."""
PAGE_SIZE = 200
"""Resources asked for on a page (`_count`); a server may give fewer."""
MAX_PAGES = 100_000
"""Pages of one kind, after which a server is taken to repeat itself."""
TIMEOUT_SECONDS = (10.0, 60.0)
"""To connect, and between two parts of an answer."""
MAX_TRIES = 6
"""Tries of one request; waits double from a second, or are what the server asks for."""
MAX_WAIT_SECONDS = 120.0
RETRIED = frozenset({429, 500, 502, 503, 504})
CHANGING_KINDS = ("QuestionnaireResponse",)
"""Kinds that `since` limits to what changed. All others are needed whole: a response is understood
by the patient, the encounter and the role it names, and sessions are counted from the first."""
MEDIA_TYPE = "application/fhir+json"
_SECONDS = re.compile(r"[0-9]{1,9}")
LOCAL = frozenset({"localhost", "127.0.0.1", "::1"})


def is_address(text: str) -> bool:
    """Whether a source is a server's address, not a path."""
    return text.startswith(("http://", "https://"))


@dataclass(frozen=True, slots=True)
class FhirServer:
    """A server by its base address.

    Attributes
    ----------
    base
        Address without a slash at the end, such as https://server.example/fhir.
    token
        Bearer token; None without one. It is never printed.
    sleep
        Waits some seconds between two tries.
    """

    base: str
    token: str | None = None
    sleep: Callable[[float], None] = time.sleep

    def __repr__(self) -> str:
        return f"FhirServer({self.base})"

    def documents(
        self, log: ImportLog, today: datetime, since: datetime | None = None
    ) -> Iterator[Document]:
        """The pages of all kinds that are read.

        Parameters
        ----------
        today
            Free slots from this time on are asked for; past ones tell nothing.
        since
            For the kinds of `CHANGING_KINDS`, only what changed since then.

        Raises
        ------
        RecommenderError
            When the server cannot be reached, refuses, is no FHIR server of a version that is read,
            or links to another server.
        """
        with ReadOnlySession() as session:
            session.headers.update({"Accept": MEDIA_TYPE, "User-Agent": "recommender-import"})
            # Our own signing also keeps credentials of a .netrc file from being sent.
            session.auth = self._signed(self._checked_token())
            offered = self._offered(session)
            for kind in READ_KINDS:
                if kind not in offered:
                    log.note(f"The server does not offer {kind}.")
                    continue
                yield from self._pages(session, kind, _parameters(kind, today, since))

    def _checked_token(self) -> str | None:
        parts = urlsplit(self.base)
        if self.token is not None and parts.scheme != "https" and parts.hostname not in LOCAL:
            problem = "has a token and no https, so others could read the token"
            raise RecommenderError("the FHIR server", problem, "name it with https://")
        return self.token

    @staticmethod
    def _signed(
        token: str | None,
    ) -> Callable[[requests.PreparedRequest], requests.PreparedRequest]:
        def sign(request: requests.PreparedRequest) -> requests.PreparedRequest:
            if token is not None:
                request.headers["Authorization"] = f"Bearer {token}"
            return request

        return sign

    def _offered(self, session: requests.Session) -> frozenset[str]:
        """The kinds that the server searches, from its CapabilityStatement."""
        statement = self._get(session, f"{self.base}/metadata", "metadata", {"_format": "json"})
        version = str(statement.get("fhirVersion") or "")
        if statement.get("resourceType") != "CapabilityStatement":
            problem = "gives no CapabilityStatement at /metadata"
            remedy = "name the base address of a FHIR server, without the name of a resource"
            raise RecommenderError("the FHIR server", problem, remedy)
        if not version.startswith(VERSIONS):
            problem = f"is of FHIR {version[:10] or 'of no version'}"
            raise RecommenderError("the FHIR server", problem, "name its address for FHIR R4")
        return frozenset(
            str(resource.get("type"))
            for rest in _objects(statement.get("rest"))
            for resource in _objects(rest.get("resource"))
            if any(e.get("code") == "search-type" for e in _objects(resource.get("interaction")))
        )

    def _pages(
        self, session: requests.Session, kind: str, parameters: dict[str, str]
    ) -> Iterator[Document]:
        address, seen = f"{self.base}/{kind}", set[str]()
        query: dict[str, str] | None = parameters
        for _ in range(MAX_PAGES):
            page = self._get(session, address, kind, query)
            if page.get("resourceType") != "Bundle":
                problem = f"gives no Bundle for {kind}"
                raise RecommenderError("the FHIR server", problem, "ask who runs the server")
            yield Document(kind, page)
            following = _next_link(page)
            if following is None:
                return
            address, query = self._on_this_server(urljoin(f"{self.base}/", following)), None
            if address in seen:
                break
            seen.add(address)
        problem = f"repeats its pages of {kind}"
        raise RecommenderError("the FHIR server", problem, "ask who runs the server")

    def _on_this_server(self, address: str) -> str:
        ours, theirs = urlsplit(self.base), urlsplit(address)
        if (ours.scheme, ours.netloc) != (theirs.scheme, theirs.netloc):
            problem = "links to another server for its next page"
            remedy = "name that address if it is right; its token is asked for apart"
            raise RecommenderError("the FHIR server", problem, remedy)
        return address

    def _get(
        self, session: requests.Session, address: str, what: str, query: dict[str, str] | None
    ) -> dict[str, Any]:
        """The JSON of an answer. Addresses are not in errors: a query may name a person."""
        for attempt in range(1, MAX_TRIES + 1):
            wait = min(2.0 ** (attempt - 1), MAX_WAIT_SECONDS)
            try:
                answer = session.get(
                    address, params=query, timeout=TIMEOUT_SECONDS, allow_redirects=False
                )
            except requests.RequestException as error:
                problem = f"cannot be reached for {what} ({type(error).__name__})"
            else:
                if answer.status_code not in RETRIED:
                    return _json_of(answer, what)
                problem = f"answers {what} with {answer.status_code}"
                wait = asked_wait(answer.headers.get("Retry-After"), wait)
            if attempt < MAX_TRIES:
                self.sleep(wait)
        remedy = f"try again later; it was tried {MAX_TRIES} times"
        raise RecommenderError("the FHIR server", problem, remedy)


def server_at(base: str, environment: dict[str, str] | None = None) -> FhirServer:
    """The server of an address, with the token of the environment.

    Raises
    ------
    RecommenderError
        For an address with a user and password, or with a query.
    """
    parts = urlsplit(base)
    if "@" in parts.netloc or parts.query or parts.fragment or not parts.hostname:
        problem = "has more than a host and a path"
        remedy = f"name the base address alone; a token is read from {TOKEN_VARIABLE}"
        raise RecommenderError("the FHIR server", problem, remedy)
    known = os.environ if environment is None else environment
    return FhirServer(base.rstrip("/"), known.get(TOKEN_VARIABLE) or None)


def _parameters(kind: str, today: datetime, since: datetime | None) -> dict[str, str]:
    parameters = {"_count": str(PAGE_SIZE)}
    if kind == "Slot":
        parameters |= {"status": "free", "start": f"ge{_fhir_time(today)}"}
    if since is not None and kind in CHANGING_KINDS:
        parameters["_lastUpdated"] = f"ge{_fhir_time(since)}"
    return parameters


def _fhir_time(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _next_link(page: dict[str, Any]) -> str | None:
    for each in _objects(page.get("link")):
        if each.get("relation") == "next" and each.get("url"):
            return str(each["url"])
    return None


def _objects(value: object) -> list[dict[str, Any]]:
    """The objects of a list; a server may give anything."""
    return [e for e in value if isinstance(e, dict)] if isinstance(value, list) else []


def _json_of(answer: requests.Response, what: str) -> dict[str, Any]:
    remedies = {
        301: "name the address to which it moved",
        302: "name the address to which it leads",
        307: "name the address to which it leads",
        308: "name the address to which it moved",
        401: f"put a valid token into {TOKEN_VARIABLE}",
        403: f"ask for the right to read {what}",
        404: "check the base address, which ends before the name of a resource",
    }
    status = answer.status_code
    if status != requests.codes.ok:
        remedy = remedies.get(status, "ask who runs the server")
        raise RecommenderError("the FHIR server", f"answers {what} with {status}", remedy)
    try:
        content = answer.json()
    except requests.JSONDecodeError:
        content = None
    if not isinstance(content, dict):
        problem = f"gives no JSON object for {what}"
        remedy = f"check the base address; the server must give {MEDIA_TYPE}"
        raise RecommenderError("the FHIR server", problem, remedy)
    return content


def asked_wait(header: str | None, usual: float) -> float:
    """Seconds that a server asks to wait, as a number or a date; else the usual wait."""
    if header is None:
        return usual
    if _SECONDS.fullmatch(header.strip()):
        return min(float(header), MAX_WAIT_SECONDS)
    try:
        until = parsedate_to_datetime(header)
    except ValueError:
        return usual
    if until.tzinfo is None:
        return usual
    return min(max((until - datetime.now(UTC)).total_seconds(), 0.0), MAX_WAIT_SECONDS)
