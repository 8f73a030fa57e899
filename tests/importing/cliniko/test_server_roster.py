import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest

from recommender.errors import RecommenderError
from recommender.importing.cliniko.roster_facts import ClinikoFacts
from recommender.importing.cliniko.server_roster import RosterServer, merge_into_server
from recommender.practice.definition import shipped_practice
from recommender.serving.schemas.json_types import JSON_TYPES

PRACTICE = shipped_practice()
FACTS = {
    "psy01": ClinikoFacts(
        "Ines",
        {
            "hours": ["mon 09:00-12:00 by video"],
            "rooms": ["2042"],
            "absences": ["2026-12-20 to 2027-01-10"],
            "next_available": date(2026, 10, 5),
            "fee": "210.50",
            "caseload": 7,
            "active": True,
        },
    )
}
ROW: dict[str, Any] = {
    "clinician_id": "psy01",
    "name": "Ines",
    "facts": {"modalities": ["act"], "caseload": 7.0, "next_available": "2026-10-01"},
}


def to_json(kind: str, cell: Any) -> Any:
    return float(cell) if kind == "money" else JSON_TYPES[kind].json_of(cell)


class Roster:
    """A roster at one address, with the statuses of its answers to changes."""

    def __init__(self, *statuses: int) -> None:
        self.statuses = list(statuses)
        self.sent: list[Any] = []
        self.headers: list[dict[str, str]] = []
        self.url = ""


@contextmanager
def serving_roster(roster: Roster) -> Iterator[Roster]:
    class Handler(BaseHTTPRequestHandler):
        wbufsize = -1

        def _any(self) -> None:
            size = int(self.headers.get("Content-Length") or 0)
            body = json.loads(self.rfile.read(size) or "null")
            roster.headers.append(dict(self.headers.items()))
            status = 200
            if self.command == "PUT":
                roster.sent.append(body)
                status = roster.statuses.pop(0)
            answer: Any = {"clinicians": [ROW], "title": "Invalid", "detail": "Not a roster."}
            if status == 422:
                pointer = {"pointer": "/clinicians/0/facts/fee", "message": "is above the largest"}
                answer["errors"] = [pointer]
            self.send_response(status)
            self.send_header("ETag", f'"v{len(roster.sent)}"')
            self.end_headers()
            self.wfile.write(json.dumps(answer).encode())

        do_GET = do_PUT = _any

        def log_message(self, format: str, *args: object) -> None:
            """Prints nothing."""

    server = HTTPServer(("127.0.0.1", 0), Handler)
    roster.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield roster
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def merged(roster: Roster, *, dry_run: bool = False) -> set[tuple[str, str, str]]:
    server = RosterServer(roster.url, "rk_secret")
    changes = merge_into_server(server, FACTS, PRACTICE, to_json, dry_run=dry_run)
    return {(each.field, each.before, each.after) for each in changes.facts}


def test_the_whole_roster_is_sent_back_with_the_facts_of_cliniko() -> None:
    with serving_roster(Roster(200)) as roster:
        changed = merged(roster)
    facts = roster.sent[0]["clinicians"][0]["facts"]
    assert facts["modalities"] == ["act"]
    assert facts["hours"] == [{"day": "mon", "start": "09:00", "end": "12:00", "ways": ["video"]}]
    assert facts["rooms"] == [{"postcode": "2042"}]
    assert (facts["fee"], facts["next_available"]) == (210.5, "2026-10-05")
    assert ("next_available", "2026-10-01", "2026-10-05") in changed
    assert not {"caseload", "name"} & {field for field, _, _ in changed}
    assert roster.headers[1]["If-Match"] == '"v0"'
    assert roster.headers[1]["Authorization"] == "Bearer rk_secret"


def test_a_roster_that_somebody_changed_meanwhile_is_read_again() -> None:
    with serving_roster(Roster(412, 200)) as roster:
        merged(roster)
        assert [each.get("If-Match") for each in roster.headers] == [None, '"v0"', None, '"v1"']
    with (
        serving_roster(Roster(412, 412, 412)) as roster,
        pytest.raises(RecommenderError, match="changed by somebody else"),
    ):
        merged(roster)


def test_a_dry_run_sends_nothing() -> None:
    with serving_roster(Roster()) as roster:
        assert ("active", "", "true") in merged(roster, dry_run=True)
    assert roster.sent == []


@pytest.mark.parametrize(
    ("status", "text"),
    [(422, "/facts/fee is above the largest"), (403, "role admin"), (500, "Not a roster")],
)
def test_a_refusal_is_given_with_its_reasons_and_without_the_key(status: int, text: str) -> None:
    with serving_roster(Roster(status)) as roster, pytest.raises(RecommenderError) as refused:
        merged(roster)
    assert text in str(refused.value)
    assert "rk_secret" not in str(refused.value)


@pytest.mark.parametrize("url", ["http://practice.example", "ftp://127.0.0.1", "practice"])
def test_the_key_is_sent_by_https_or_to_this_machine_only(url: str) -> None:
    with pytest.raises(RecommenderError, match="secure"):
        RosterServer(url, "rk_secret")


def test_a_server_that_is_not_there_is_named_and_never_its_key() -> None:
    server = RosterServer("http://127.0.0.1:9", "rk_secret")
    assert "rk_secret" not in repr(server)
    with pytest.raises(RecommenderError, match="recommender serve"):
        merge_into_server(server, FACTS, PRACTICE, to_json, dry_run=True)
