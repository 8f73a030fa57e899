"""A FHIR server on this machine, over HTTP: searches of resources in memory, page by page.

It answers as the RESTful interface of FHIR R4 says: CapabilityStatement, searchset bundles with
`next` links, `_count`, `_lastUpdated`, `status` and `start`, and statuses of a server under load.
"""

import json
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

Body = Mapping[str, Any]

MAX_PAGE = 50
"""Most resources on a page, whatever is asked for."""


@dataclass(slots=True)
class Asked:
    """One request as it came."""

    method: str
    path: str
    query: dict[str, str]
    authorization: str | None


@dataclass(slots=True)
class LocalFhirServer:
    """What the server has and does.

    Attributes
    ----------
    base
        Its base address.
    resources
        What it serves.
    refusals
        Statuses with which the next requests are answered, each once, with Retry-After of 0.
    version
        FHIR version it states.
    token
        Bearer token it wants; None for any request.
    next_base
        What next links begin with; "" for its own base.
    repeats
        Whether next links lead to the first page again.
    statement
        Its CapabilityStatement, if it is not that of its resources.
    asked
        The requests so far.
    """

    base: str
    resources: Sequence[Body]
    refusals: list[int] = field(default_factory=list)
    version: str = "4.0.1"
    token: str | None = None
    next_base: str = ""
    repeats: bool = False
    statement: Body | None = None
    asked: list[Asked] = field(default_factory=list)

    def answer(self, asked: Asked) -> tuple[int, Body]:
        """Status and body of the answer to a request."""
        self.asked.append(asked)
        if self.refusals:
            return self.refusals.pop(0), _outcome("transient")
        if self.token is not None and asked.authorization != f"Bearer {self.token}":
            return 401, _outcome("login")
        if asked.method != "GET":
            return 405, _outcome("not-supported")
        kind = asked.path.removeprefix("/fhir/")
        if kind == "metadata":
            return 200, self.statement or self._statement()
        found = [each for each in self.resources if _matches(each, kind, asked.query)]
        return 200, self._page(kind, found, asked.query)

    def _statement(self) -> Body:
        kinds = sorted({str(each["resourceType"]) for each in self.resources})
        searched = [{"type": kind, "interaction": [{"code": "search-type"}]} for kind in kinds]
        return {
            "resourceType": "CapabilityStatement",
            "fhirVersion": self.version,
            "rest": [{"mode": "server", "resource": searched}],
        }

    def _page(self, kind: str, found: list[Body], query: dict[str, str]) -> Body:
        size = min(int(query.get("_count", MAX_PAGE)), MAX_PAGE)
        start = int(query.get("_getpagesoffset", 0))
        links = [{"relation": "self", "url": f"{self.base}/{kind}"}]
        if start + size < len(found):
            offset = 0 if self.repeats else start + size
            further = urlencode({**query, "_getpagesoffset": offset})
            url = f"{self.next_base or self.base}/{kind}?{further}"
            links.append({"relation": "next", "url": url})
        entries = [
            {
                "fullUrl": f"{self.base}/{kind}/{each.get('id')}",
                "resource": each,
                "search": {"mode": "match"},
            }
            for each in found[start : start + size]
        ]
        outcome = {"resource": _outcome("informational"), "search": {"mode": "outcome"}}
        return {
            "resourceType": "Bundle",
            "type": "searchset",
            "total": len(found),
            "link": links,
            "entry": [*entries, outcome],
        }


def _outcome(code: str) -> Body:
    return {
        "resourceType": "OperationOutcome",
        "issue": [{"severity": "information", "code": code}],
    }


def _matches(resource: Body, kind: str, query: dict[str, str]) -> bool:
    if resource.get("resourceType") != kind:
        return False
    since = query.get("_lastUpdated", "").removeprefix("ge")
    changed = str((resource.get("meta") or {}).get("lastUpdated") or "9999")
    start = query.get("start", "").removeprefix("ge")
    wanted = query.get("status")
    return (
        changed >= since
        and str(resource.get("start") or "9999") >= start
        and (wanted is None or resource.get("status") == wanted)
    )


@contextmanager
def running_fhir_server(resources: Sequence[Body]) -> Iterator[LocalFhirServer]:
    """The server of some resources within."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._answer()

        def do_POST(self) -> None:
            self._answer()

        def _answer(self) -> None:
            parts = urlsplit(self.path)
            query = {name: values[-1] for name, values in parse_qs(parts.query).items()}
            asked = Asked(self.command, parts.path, query, self.headers.get("Authorization"))
            status, body = served.answer(asked)
            content = json.dumps(body).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/fhir+json")
            self.send_header("Content-Length", str(len(content)))
            if status in (429, 503):
                self.send_header("Retry-After", "0")
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, format: str, *args: object) -> None:
            """Prints nothing."""

    http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    served = LocalFhirServer(f"http://127.0.0.1:{http.server_port}/fhir", resources)
    thread = threading.Thread(target=http.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield served
    finally:
        http.shutdown()
        http.server_close()
        thread.join()
