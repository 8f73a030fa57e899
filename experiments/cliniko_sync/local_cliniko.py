"""A server on this machine that answers as Cliniko's documentation says, with invented records.

Basic authentication, User-Agent, pages with links, filters, archived and cancelled records, the
rate limit with `X-RateLimit-Reset`; failures now and then. It notes every request it receives.
"""

import base64
import json
import random
import re
import threading
import time
from collections import deque
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from email.utils import format_datetime
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit
from zoneinfo import ZoneInfo

Record = dict[str, Any]
KEY = "MS0xLWludmVudGVkLWtleS1vZi1hLWxvY2FsLXNlcnZlcg-au1"
DEFAULT_PAGE, LARGEST_PAGE = 50, 100
HIDDEN_WHEN = ("archived_at", "cancelled_at")
"""Fields with which a record is left out of lists that do not ask for it."""
LINKED = ("business", "practitioner", "appointment_type", "patient", "billable_item")
ACCOUNT_ZONE = ZoneInfo("Australia/Melbourne")
WINDOW_SECONDS = 60.0
_CONTACT = re.compile(r".+ \(.+@.+\..+\)")
_FILTER = re.compile(r"([a-z_]+):(>=|>|<=|<|=|!\?|\?|\*)(.*)")
_TIMES = re.compile(
    r"/businesses/(\d+)/practitioners/(\d+)/appointment_types/(\d+)"
    r"/(next_available_time|available_times)"
)
_OFFERED = re.compile(r"/appointment_types/(\d+)/practitioners")


@dataclass(frozen=True, slots=True)
class Received:
    """One request as it came."""

    method: str
    path: str
    query: str
    contact: str


@dataclass(slots=True)
class Unreliability:
    """Failures of the server, drawn with its seed.

    Attributes
    ----------
    errors, dropped
        Shares of requests that get a 5xx, and whose connection is closed without an answer.
    per_minute
        Requests answered in any minute; beyond, 429. None for no limit.
    """

    errors: float = 0.0
    dropped: float = 0.0
    per_minute: int | None = None


@dataclass(slots=True)
class LocalCliniko:
    """The records and the state of the server.

    Attributes
    ----------
    now
        The server's clock, which a test sets; it does not run.
    lists
        Records by list, as Cliniko writes them, with links as ids.
    inactive
        Ids of inactive practitioners.
    offers
        Practitioners of each appointment type.
    free
        Free starts by business, practitioner and type.
    received
        Every request, in order.
    """

    now: datetime
    lists: dict[str, list[Record]]
    inactive: set[str] = field(default_factory=set)
    offers: dict[str, set[str]] = field(default_factory=dict)
    free: dict[tuple[str, str, str], list[datetime]] = field(default_factory=dict)
    unreliable: Unreliability = field(default_factory=Unreliability)
    seed: int = 0
    received: list[Received] = field(default_factory=list)
    statuses: list[int] = field(default_factory=list)
    port: int = 0
    _rng: random.Random = field(init=False)
    _answered: deque[float] = field(default_factory=deque)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def __post_init__(self) -> None:
        self._rng = random.Random(self.seed)

    @property
    def address(self) -> str:
        """The base of every request."""
        return f"http://127.0.0.1:{self.port}/v1"

    @property
    def methods(self) -> set[str]:
        """The methods of all requests so far."""
        return {each.method for each in self.received}

    def record(self, name: str, record_id: str) -> Record:
        """A record to be changed; see `touch`."""
        return next(each for each in self.lists[name] if each["id"] == record_id)

    def touch(self, name: str, record_id: str, **changes: Any) -> None:
        """Changes a record as somebody at the practice would: `updated_at` is now."""
        self.record(name, record_id).update(changes, updated_at=utc(self.now))

    def admit(self, method: str, target: str, headers: Mapping[str, str]) -> int | None:
        """Notes a request; the status with which it is refused, 0 to drop it, None to answer."""
        parts = urlsplit(target)
        with self._lock:
            contact = headers.get("User-Agent", "")
            self.received.append(Received(method, parts.path, parts.query, contact))
            drawn = self._rng.random()
            if drawn < self.unreliable.dropped:
                return 0
            if drawn < self.unreliable.dropped + self.unreliable.errors:
                return self._rng.choice((500, 502, 503))
            if not self._has_key(headers.get("Authorization", "")):
                return HTTPStatus.UNAUTHORIZED
            if not _CONTACT.fullmatch(contact) or headers.get("Accept") != "application/json":
                return HTTPStatus.FORBIDDEN
            return HTTPStatus.TOO_MANY_REQUESTS if self.seconds_to_reset(count=True) else None

    def seconds_to_reset(self, *, count: bool = False) -> int:
        """Seconds until a request is answered again; 0 if now, which `count` counts."""
        most, moment = self.unreliable.per_minute, time.monotonic()
        while self._answered and moment - self._answered[0] >= WINDOW_SECONDS:
            self._answered.popleft()
        if most is not None and len(self._answered) >= most:
            last_in_the_way = self._answered[len(self._answered) - most] if most else moment
            return int(last_in_the_way + WINDOW_SECONDS - moment) + 1
        if count:
            self._answered.append(moment)
        return 0

    def answer(self, path: str, query: list[tuple[str, str]]) -> tuple[int, Record]:
        """Status and content of a GET."""
        if found := _TIMES.fullmatch(path):
            business, practitioner, kind, which = found.groups()
            starts = self._free(business, practitioner, kind)
            if which == "next_available_time":
                first = utc(starts[0]) if starts else None
                return HTTPStatus.OK, {"appointment_start": first, "total_entries": bool(starts)}
            return self._available(path, query, starts)
        if found := _OFFERED.fullmatch(path):
            people = self.offers.get(found[1])
            if people is None:
                return HTTPStatus.NOT_FOUND, {"message": "not found"}
            records = [each for each in self._active() if each["id"] in people]
            return HTTPStatus.OK, self._page(path, "practitioners", records, query)
        if path in ("/practitioners", "/practitioners/inactive"):
            gone = path.endswith("inactive")
            records = [
                each
                for each in self.lists["practitioners"]
                if (each["id"] in self.inactive) is gone
            ]
            return HTTPStatus.OK, self._page(path, "practitioners", records, query)
        name = path.removeprefix("/")
        if name not in self.lists:
            return HTTPStatus.NOT_FOUND, {"message": "not found"}
        return HTTPStatus.OK, self._page(path, name, self.lists[name], query)

    def _has_key(self, header: str) -> bool:
        accepted = (KEY, KEY.rpartition("-")[0])
        return header in {
            "Basic " + base64.b64encode(f"{each}:".encode()).decode() for each in accepted
        }

    def _active(self) -> list[Record]:
        return [each for each in self.lists["practitioners"] if each["id"] not in self.inactive]

    def _free(self, business: str, practitioner: str, kind: str) -> list[datetime]:
        shown = all(
            any(each["id"] == one and each["show_in_online_bookings"] for each in self.lists[name])
            for name, one in (
                ("businesses", business),
                ("practitioners", practitioner),
                ("appointment_types", kind),
            )
        )
        starts = self.free.get((business, practitioner, kind), [])
        return [each for each in sorted(starts) if each > self.now] if shown else []

    def _available(
        self, path: str, query: list[tuple[str, str]], starts: list[datetime]
    ) -> tuple[int, Record]:
        given = dict(query)
        try:
            first, last = (date.fromisoformat(given[name]) for name in ("from", "to"))
        except (KeyError, ValueError):
            first = last = date.min
        today = self.now.astimezone(ACCOUNT_ZONE).date()
        if first < today or not first <= last <= first + timedelta(days=7):
            text = "Invalid time frame definition. Please check from/to param limitations."
            return HTTPStatus.BAD_REQUEST, {"message": text}
        within = [
            {"appointment_start": utc(each), "id": "", "created_at": utc(each)}
            for each in starts
            if first <= each.astimezone(ACCOUNT_ZONE).date() <= last
        ]
        return HTTPStatus.OK, self._page(path, "available_times", within, query)

    def _page(
        self, path: str, key: str, records: list[Record], query: list[tuple[str, str]]
    ) -> Record:
        given = dict(query)
        filters = [text for name, text in query if name in ("q", "q[]")]
        with self._lock:
            found = [each for each in records if _passes(each, filters)]
        found.sort(key=lambda each: (each["created_at"], each["id"]))
        size = min(int(given.get("per_page", DEFAULT_PAGE)), LARGEST_PAGE)
        number = int(given.get("page", 1))
        shown = found[(number - 1) * size : number * size]
        others = [pair for pair in query if pair[0] != "page"]
        links = {"self": self._link(path, others, number)}
        if number > 1:
            links["previous"] = self._link(path, others, number - 1)
        if number * size < len(found):
            links["next"] = self._link(path, others, number + 1)
        return {
            key: [self._linked(each) for each in shown],
            "total_entries": len(found),
            "links": links,
        }

    def _link(self, path: str, query: list[tuple[str, str]], number: int) -> str:
        return f"{self.address}{path}?{urlencode([*query, ('page', str(number))])}"

    def _linked(self, record: Record) -> Record:
        """A record with links in place of ids of other records."""
        plural = {"business": "businesses"}
        links = {
            name: {
                "links": {"self": f"{self.address}/{plural.get(name, name + 's')}/{record[name]}"}
            }
            for name in LINKED
            if record.get(name) is not None
        }
        return {**record, **links}


def utc(moment: datetime) -> str:
    """A time as Cliniko writes it."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _passes(record: Record, filters: list[str]) -> bool:
    named = set()
    for text in filters:
        found = _FILTER.fullmatch(text)
        if found is None:
            return False
        name, operator, value = found.groups()
        named.add(name)
        if not _holds(record.get(name), operator, value):
            return False
    return all(record.get(name) is None or name in named for name in HIDDEN_WHEN)


def _holds(value: Any, operator: str, other: str) -> bool:
    if operator in ("*", "?", "!?"):
        return operator == "*" or (value is not None) is (operator == "?")
    if value is None:
        return False
    text = str(value)
    return {
        ">=": text >= other,
        ">": text > other,
        "<=": text <= other,
        "<": text < other,
        "=": text in other.split(","),
    }[operator]


@contextmanager
def serving(cliniko: LocalCliniko) -> Iterator[LocalCliniko]:
    """The server in a thread, with its port set, ready within."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        wbufsize = -1  # Head and body in one packet: else the other side waits to acknowledge.

        def _any(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            self.rfile.read(length)
            status = cliniko.admit(self.command, self.path, dict(self.headers.items()))
            if status == 0:
                self.close_connection = True
                self.connection.close()
                return
            content: Record = {"message": "refused"}
            if status is None:
                parts = urlsplit(self.path)
                query = parse_qsl(parts.query, keep_blank_values=True)
                # A request that writes is noted, and answered as if it had succeeded.
                status, content = HTTPStatus.NO_CONTENT, {}
                if self.command == "GET":
                    status, content = cliniko.answer(parts.path.removeprefix("/v1"), query)
            self._send(int(status), content)

        def _send(self, status: int, content: Record) -> None:
            cliniko.statuses.append(status)
            body = b"" if status == HTTPStatus.NO_CONTENT else json.dumps(content).encode()
            self.send_response_only(status)
            self.send_header("Date", format_datetime(cliniko.now, usegmt=True))
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            if status == HTTPStatus.TOO_MANY_REQUESTS:
                reset = cliniko.now.timestamp() + cliniko.seconds_to_reset()
                self.send_header("X-RateLimit-Reset", str(int(reset)))
            self.end_headers()
            self.wfile.write(body)

        do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = do_HEAD = do_OPTIONS = _any

        def log_message(self, format: str, *args: object) -> None:
            """Prints nothing."""

        def handle(self) -> None:
            """Serves a connection until the other side ends it, perhaps by being killed."""
            try:
                super().handle()
            except (ConnectionError, ValueError):
                self.close_connection = True

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    cliniko.port = server.server_port
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield cliniko
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
