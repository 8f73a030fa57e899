"""Receivers of webhooks on this machine, and endpoints that send to them."""

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from recommender.journal.webhook_events import KINDS
from recommender.security.keys import Pepper
from recommender.store.database import Store, database_time
from recommender.webhooks.endpoints import Endpoint, add_endpoint
from tests.support.journal_rows import ACTOR
from tests.support.server import PEPPER


@dataclass(slots=True)
class Received:
    """One request as it came."""

    path: str
    headers: dict[str, str]
    body: bytes


@dataclass(slots=True)
class Receiver:
    """A program that answers with the given statuses in turn, the last one from then on.

    With `held` it answers nothing until the test sets it.
    """

    port: int
    statuses: list[int]
    received: list[Received] = field(default_factory=list)
    came: threading.Event = field(default_factory=threading.Event)
    held: threading.Event | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/hook?of=practice"

    @property
    def ids(self) -> list[str]:
        return [each.headers["webhook-id"] for each in self.received]


@contextmanager
def running_receiver(*statuses: int, hold: bool = False) -> Iterator[Receiver]:
    """A receiver within; without statuses it accepts everything."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            headers = {name.lower(): value for name, value in self.headers.items()}
            receiver.received.append(Received(self.path, headers, body))
            receiver.came.set()
            if receiver.held is not None:
                receiver.held.wait(30)
                return
            left = receiver.statuses
            status = left.pop(0) if len(left) > 1 else left[0]
            self.send_response(status)
            self.send_header("Location", f"http://127.0.0.1:{receiver.port}/elsewhere")
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            """Prints nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    receiver = Receiver(server.server_port, list(statuses) or [204])
    receiver.held = threading.Event() if hold else None
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield receiver
    finally:
        if receiver.held is not None:
            receiver.held.set()
        server.shutdown()
        thread.join()
        server.server_close()


def subscribe(
    store: Store, url: str, kinds: Sequence[str] = tuple(KINDS), now: datetime | None = None
) -> tuple[Endpoint, str]:
    """An endpoint and its secret."""
    with store.writing() as connection:
        at = now or database_time(connection)
        pepper = Pepper.of(PEPPER)
        return add_endpoint(connection, url, kinds, pepper, now=at, actor=ACTOR)
