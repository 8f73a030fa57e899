"""The intake desk of a practice at work: asks, decides, books and rates as staff would."""

import csv
import http.client
import json
import secrets
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

from recommender.journal.roster_versions import current_roster, replace_roster
from recommender.practice.definition import shipped_practice
from recommender.security.keys import KeyRequest, Pepper, create_key
from recommender.security.scopes import Role
from recommender.store.database import open_store

PEPPER = "a pepper of more than thirty-two letters"
AGREED = {"version": "2026-1", "train": True}
SCORES = {"weak": 34, "usual": 46, "strong": 60}
Answer = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Met:
    """One client who began with a clinician, and how they will rate it: a key of `SCORES`."""

    number: int
    concern: str
    clinician_id: str
    rates: str


@dataclass(frozen=True, slots=True)
class Desk:
    """A desk that knows its server and its key."""

    port: int
    key: str
    answers: Mapping[str, Any]

    def ask(self, concern: str, client_id: str, day: date, *, dry_run: bool = False) -> Answer:
        """The whole list for a client with one concern."""
        answers = {**self.answers, "main_concern": concern, "concerns": [concern]}
        body = {"client_id": client_id, "asked_on": day.isoformat(), "top_k": 50}
        query = "?dry_run=true" if dry_run else ""
        return self.call(
            "POST",
            f"/v1/recommendations{query}",
            {**body, "answers": answers, "consent": AGREED},
            200 if dry_run else 201,
        )

    def follow(self, met: Met) -> None:
        """One client from the first call to the rating of the third session."""
        day = date(2026, 3, 1) + timedelta(days=met.number)
        client, pairing = f"c{met.number:04d}", f"p{met.number:04d}"
        made = self.ask(met.concern, client, day)["recommendation_id"]
        chosen = {"clinician_id": met.clinician_id}
        self.call("POST", f"/v1/recommendations/{made}/decisions", chosen)
        about = {"pairing_id": pairing, "client_id": client, "recommendation_id": made}
        self.call("POST", "/v1/pairings", about | chosen)
        for kind, weeks, session in (("booked", 1, None), ("attended", 1, 1), ("attended", 3, 3)):
            on = (day + timedelta(weeks=weeks)).isoformat()
            event = {"kind": kind, "happened_on": on, "session": session}
            self.call("POST", f"/v1/pairings/{pairing}/events", event)
        rated = (day + timedelta(weeks=3)).isoformat()
        rating = {"pairing_id": pairing, "session": 3, "instrument": "wai_sr", "metric": "sum"}
        score = {"score": SCORES[met.rates] + met.number % 3 - (met.rates == "strong") * 2}
        self.call("POST", "/v1/ratings", rating | score | {"rated_on": rated, "known_on": rated})

    def follow_all(self, met: list[Met]) -> None:
        """All of them, two at a time."""
        with ThreadPoolExecutor(2) as pool:
            list(pool.map(self.follow, met))

    def call(
        self, method: str, path: str, body: Answer | None = None, expected: int = 201
    ) -> Answer:
        """What the server answers; what is kept goes under a key of its own."""
        headers = {"Authorization": f"Bearer {self.key}", "Content-Type": "application/json"}
        if method == "POST" and expected == 201:
            headers["Idempotency-Key"] = secrets.token_hex(16)
        with closing(http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)) as connection:
            connection.request(method, path, json.dumps(body) if body else None, headers)
            response = connection.getresponse()
            told: Answer = json.loads(response.read())
        assert response.status == expected, (method, path, told)
        return told


def staff_key(url: str) -> str:
    """A key of the desk's, made in the store at an address."""
    store = open_store(url)
    with store.writing() as connection:
        wanted, now = KeyRequest("desk", Role.STAFF), datetime.now(UTC)
        made = create_key(connection, wanted, Pepper.of(PEPPER), now=now, actor="test")
    store.close()
    return str(made.text)


def with_open_places(path: Path, places: int) -> None:
    """Gives every clinician of a file room for so many new clients."""
    rows = _read(path)
    room = {"places_open": str(places), "caseload": "10", "caseload_most": str(places + 10)}
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(row | room | {"shown_first_percent": "0"} for row in rows)


def put_roster(url: str, path: Path) -> None:
    """The clinicians of a file as the journal's first roster."""
    rows = {row.pop("clinician_id"): row for row in _read(path)}
    cells = {name: {k: v for k, v in row.items() if v} for name, row in rows.items()}
    store = open_store(url)
    with store.writing() as connection:
        replace_roster(
            connection,
            shipped_practice(),
            cells,
            seen=current_roster(connection).etag,
            actor="test",
        )
    store.close()


def until(holds: Callable[[], bool], seconds: float = 180) -> None:
    """Waits until something holds; fails when it does not in time."""
    deadline = datetime.now(UTC) + timedelta(seconds=seconds)
    while not holds():
        assert datetime.now(UTC) < deadline, "it never came to hold"
        threading.Event().wait(0.2)


def _read(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))
