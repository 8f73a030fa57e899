"""What a server with a store keeps, and how it is read again: on both databases."""

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from typing import Any

import pytest
from sqlalchemy import select

from recommender.errors import UnavailableError
from recommender.journal.audit_log import verify
from recommender.journal.recommendations import find_recommendation
from recommender.journal.roster_versions import current_roster
from recommender.settings import Settings
from recommender.store.schema import (
    decisions,
    idempotency,
    pairing_events,
    pairings,
    ratings,
    recommendations,
)
from tests.support.journal_rows import count
from tests.support.server import (
    CANARY,
    RECOMMEND,
    WHOLE,
    JournalServer,
    a_request,
    captured_logs,
    journal_server,
    put_small_roster,
)

AGREED = {"version": "2026-1", "train": True}
PAIRING = {"pairing_id": "p1", "client_id": "c9999", "clinician_id": "k01"}
RATING = {
    "pairing_id": "p1",
    "session": 3,
    "instrument": "wai_sr",
    "metric": "sum",
    "score": 48,
    "rated_on": "2026-10-20",
}


@pytest.fixture
def keeping(settings: Settings, a_store_url: str) -> Iterator[JournalServer]:
    with journal_server(settings, a_store_url) as made:
        yield made


def problem(response: Any, status: int, slug: str) -> dict[str, Any]:
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/problem+json"
    told: dict[str, Any] = response.json()
    assert told["type"] == f"/problems/{slug}"
    return told


@pytest.mark.both_databases("types")
def test_a_recommendation_is_kept_with_all_it_was_made_from(keeping: JournalServer) -> None:
    sent = a_request(client_id="c9999", consent=AGREED)
    response = keeping.staff.post(WHOLE, json=sent)
    told = response.json()
    assert response.status_code == 201
    assert response.headers["location"] == f"{RECOMMEND}/{told['recommendation_id']}"
    with keeping.store.reading() as connection:
        shown = find_recommendation(connection, told["recommendation_id"]).shown
        assert verify(connection).holds
    assert shown.response == response.content
    assert shown.answers == sent["answers"]
    assert shown.client_id == "c9999"
    assert shown.asked_on == date(2026, 11, 23)
    assert shown.consent is not None
    assert shown.consent.scopes == {"match": True, "train": True}
    assert (shown.model_digest, shown.mode) == (told["model"]["digest"], told["mode"])
    assert shown.roster_version == told["roster_version"]
    listed = [(each["clinician_id"], each["predicted_alliance"]) for each in told["shortlist"]]
    assert [(each.clinician_id, round(each.score or 0, 2)) for each in shown.shortlist] == listed


def test_who_asked_reads_the_same_bytes_again_and_staff_all_of_it(
    keeping: JournalServer,
) -> None:
    response = keeping.tool.post(RECOMMEND, json=a_request())
    where = response.headers["location"]
    assert keeping.tool.get(where).content == response.content
    assert b"groups" not in response.content
    asked, query = response.json(), WHOLE.partition("?")[2]
    whole = keeping.staff.get(f"{where}?{query}").json()
    assert {name: whole[name] for name in asked if name != "shortlist"} == {
        name: asked[name] for name in asked if name != "shortlist"
    }
    assert whole["shortlist"][0]["groups"]
    problem(keeping.other_tool.get(where), 404, "no-such-record")
    problem(keeping.tool.get(f"{where}/explanations"), 403, "forbidden")
    problem(keeping.staff.get(f"{RECOMMEND}/unknown"), 404, "no-such-record")
    problem(keeping.staff.get(f"{RECOMMEND}/{'x' * 65}"), 404, "not-found")


def test_a_dry_run_keeps_nothing(keeping: JournalServer) -> None:
    response = keeping.staff.post(f"{RECOMMEND}?dry_run=true", json=a_request())
    assert response.status_code == 200
    assert count(keeping.store, recommendations) == 0
    problem(keeping.staff.post(f"{RECOMMEND}?dry_run=1", json=a_request()), 400, "bad-request")


def test_a_key_makes_it_once(keeping: JournalServer) -> None:
    def ask(body: dict[str, Any], key: str = "one") -> Any:
        return keeping.post(RECOMMEND, body, key)

    first, again = ask(a_request()), ask(a_request())
    assert again.content == first.content
    assert again.headers["location"] == first.headers["location"]
    assert again.headers["idempotent-replayed"] == "true"
    assert "idempotent-replayed" not in first.headers
    assert count(keeping.store, recommendations) == 1
    problem(ask(a_request(top_k=1)), 422, "key-reused")
    problem(ask(a_request(), ""), 400, "bad-request")
    assert ask(a_request(top_k=1), "two").status_code == 201


def test_a_request_that_is_refused_leaves_its_key_free(keeping: JournalServer) -> None:
    wrong = a_request(top_k=0)
    problem(keeping.post(RECOMMEND, wrong, "one"), 422, "invalid-intake")
    assert count(keeping.store, idempotency) == 0
    assert keeping.post(RECOMMEND, a_request(), "one").status_code == 201


def test_a_key_is_good_for_one_address(keeping: JournalServer) -> None:
    for pairing_id in ("p1", "p2"):
        keeping.post("/v1/pairings", PAIRING | {"pairing_id": pairing_id})
    event = {"kind": "attended", "happened_on": "2026-10-05", "session": 1}
    assert keeping.post("/v1/pairings/p1/events", event, "one").status_code == 201
    problem(keeping.post("/v1/pairings/p2/events", event, "one"), 422, "key-reused")


def test_a_store_that_is_away_is_told_and_nothing_is_pretended(
    keeping: JournalServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*_: object, **__: object) -> None:
        raise UnavailableError("database", "is away or busy", "try again")

    monkeypatch.setattr("recommender.serving.stored_recommendation.record_recommendation", away)
    monkeypatch.setattr("recommender.serving.api.pairings.record_pairing", away)
    for response in (
        keeping.staff.post(RECOMMEND, json=a_request()),
        keeping.post(RECOMMEND, a_request(), "one"),
        keeping.post("/v1/pairings", PAIRING),
    ):
        problem(response, 503, "store-unavailable")
        assert response.headers["retry-after"] == "1"
    assert keeping.staff.post(f"{RECOMMEND}?dry_run=true", json=a_request()).status_code == 200


def test_a_server_without_a_store_says_so(caller: Any) -> None:
    assert caller.post(RECOMMEND, json=a_request()).status_code == 200
    problem(caller.get(f"{RECOMMEND}/any"), 409, "no-store")
    problem(caller.post("/v1/pairings", json=PAIRING), 409, "no-store")


def test_a_decision_is_kept_and_a_later_one_stands(keeping: JournalServer) -> None:
    told = keeping.recommended(client_id="c9999")
    at = f"{RECOMMEND}/{told['recommendation_id']}/decisions"
    first, second, third = (each["clinician_id"] for each in told["shortlist"][:3])
    assert keeping.post(at, {"clinician_id": first}).status_code == 201
    override = {"clinician_id": third, "kind": "override", "reason": "client_asked"}
    assert keeping.post(at, override).status_code == 201
    assert keeping.post(at, {"clinician_id": second}).status_code == 201
    kept = keeping.staff.get(at).json()["decisions"]
    assert sorted(each["clinician_id"] for each in kept) == sorted([first, second, third])
    assert {each["actor"] for each in kept} == {"key:desk"}


def test_a_decision_nobody_can_keep_is_refused_with_its_place(keeping: JournalServer) -> None:
    told = keeping.recommended()
    at = f"{RECOMMEND}/{told['recommendation_id']}/decisions"
    for wrong, pointer in (
        ({"clinician_id": "k99"}, "/clinician_id"),
        ({"clinician_id": "k99", "kind": "override"}, "/reason"),
        ({"clinician_id": "k99", "kind": "override", "reason": "client_asked"}, "/clinician_id"),
        ({"clinician_id": "k01", "kind": "override", "reason": "Free text"}, "/reason"),
        ({"clinician_id": "k01", "later": CANARY}, "/later"),
    ):
        found = problem(keeping.post(at, wrong), 422, "invalid-feedback")
        assert [each["pointer"] for each in found["errors"]] == [pointer]
        assert CANARY not in json.dumps(found)
    problem(
        keeping.post(f"{RECOMMEND}/none/decisions", {"clinician_id": "k01"}), 404, "no-such-record"
    )
    assert count(keeping.store, decisions) == 0


def test_of_two_who_take_the_last_place_one_is_refused(keeping: JournalServer) -> None:
    put_small_roster(keeping.store, places=1)
    made = [keeping.recommended(client_id=name) for name in ("c1", "c2")]
    name = made[0]["shortlist"][0]["clinician_id"]
    assert name in [each["clinician_id"] for each in made[1]["shortlist"]]

    def decide(told: dict[str, Any]) -> Any:
        at = f"{RECOMMEND}/{told['recommendation_id']}/decisions"
        return keeping.post(at, {"clinician_id": name})

    with ThreadPoolExecutor(2) as pool:
        answered = list(pool.map(decide, made))
    assert sorted(each.status_code for each in answered) == [201, 409]
    refused = next(each for each in answered if each.status_code == 409)
    problem(refused, 409, "conflict")
    assert places_of(keeping, name) == 0
    assert count(keeping.store, decisions) == 1


def test_a_later_decision_gives_the_earlier_place_back(keeping: JournalServer) -> None:
    put_small_roster(keeping.store, places=2)
    told = keeping.recommended()
    at = f"{RECOMMEND}/{told['recommendation_id']}/decisions"
    first, second = (each["clinician_id"] for each in told["shortlist"][:2])
    for name in (first, first, second):
        assert keeping.post(at, {"clinician_id": name}).status_code == 201
    assert places_of(keeping, first) == 2
    assert places_of(keeping, second) == 1


def places_of(keeping: JournalServer, name: str) -> int:
    with keeping.store.reading() as connection:
        return int(current_roster(connection).rows[name]["places"])


def test_what_came_of_a_pairing_is_kept_and_read(keeping: JournalServer) -> None:
    made = keeping.post("/v1/pairings", PAIRING)
    assert made.status_code == 201
    assert made.headers["location"] == "/v1/pairings/p1"
    problem(keeping.post("/v1/pairings", PAIRING), 409, "conflict")
    for event in (
        {"kind": "booked", "happened_on": "2026-10-05"},
        {"kind": "attended", "happened_on": "2026-10-06", "session": 1},
        {"kind": "ended", "happened_on": "2026-11-20", "reason": "moved"},
    ):
        assert keeping.post("/v1/pairings/p1/events", event).status_code == 201
    told = keeping.staff.get("/v1/pairings/p1").json()
    course = {"started_on": "2026-10-06", "sessions": 1, "ended_on": "2026-11-20"}
    unknown = {"recommendation_id": None, "first_time": None}
    assert told == PAIRING | unknown | {"withdrawn": False} | course
    listed = keeping.staff.get("/v1/pairings/p1/events").json()["events"]
    assert {each["kind"] for each in listed} == {"booked", "attended", "ended"}
    problem(keeping.staff.get("/v1/pairings/p9"), 404, "no-such-record")
    problem(keeping.staff.get("/v1/pairings/p9/events"), 404, "no-such-record")


def test_feedback_that_comes_early_waits_for_its_pairing(keeping: JournalServer) -> None:
    event = {"kind": "attended", "happened_on": "2026-10-06", "session": 1}
    assert keeping.post("/v1/pairings/p1/events", event).json()["pairing_known"] is False
    assert keeping.post("/v1/ratings", RATING).json()["pairing_known"] is False
    keeping.post("/v1/pairings", PAIRING)
    assert keeping.staff.get("/v1/pairings/p1").json()["started_on"] == "2026-10-06"
    assert count(keeping.store, pairing_events) == count(keeping.store, ratings) == 1


def test_a_rating_is_scored_corrected_and_withdrawn(keeping: JournalServer) -> None:
    keeping.post("/v1/pairings", PAIRING)
    made = keeping.post("/v1/ratings", RATING)
    kept = made.json()
    assert (made.status_code, kept["version"], kept["pomp"]) == (201, 1, 0.75)
    at = made.headers["location"]
    correction = {
        "expected_version": 1,
        "reason": "typed_wrongly",
        "rating": RATING | {"score": 60},
    }
    corrected = keeping.post(f"{at}/corrections", correction, "one")
    assert (corrected.status_code, corrected.json()["pomp"]) == (201, 1.0)
    assert keeping.post(f"{at}/corrections", correction, "one").content == corrected.content
    problem(keeping.post(f"{at}/corrections", correction), 412, "stale")
    withdrawn = keeping.post(f"{at}/corrections", {"expected_version": 2, "reason": "not_theirs"})
    assert withdrawn.json() == {**kept, "version": 3, "pomp": None}
    versions = keeping.staff.get(at).json()["versions"]
    assert [(each["score"], each["withdrawn"]) for each in versions] == [
        (48.0, False), (60.0, False), (60.0, True)
    ]  # fmt: skip
    problem(keeping.post("/v1/ratings", RATING), 409, "conflict")


@pytest.mark.parametrize(
    ("changes", "pointer"),
    [
        ({"score": 61}, "/score"),
        ({"instrument": "no_such"}, "/instrument"),
        ({"session": 0}, "/session"),
        ({"rated_on": "2126-01-01"}, "/rated_on"),
        ({"rated_on": "2026-10-20T09:00:00"}, "/rated_on"),
        ({"score": 1e300}, "/score"),
        ({"score": True}, "/score"),
        ({"unheard_of": 1}, "/unheard_of"),
        ({"pairing_id": "a person's name"}, "/pairing_id"),
    ],
)
def test_a_rating_training_would_refuse_is_refused(
    keeping: JournalServer, changes: dict[str, Any], pointer: str
) -> None:
    found = problem(keeping.post("/v1/ratings", RATING | changes), 422, "invalid-feedback")
    assert pointer in [each["pointer"] for each in found["errors"]]
    assert count(keeping.store, ratings) == 0


def test_nan_is_not_json(keeping: JournalServer) -> None:
    body = json.dumps(RATING).replace("48", "NaN").encode()
    headers = {"content-type": "application/json"}
    response = keeping.staff.post("/v1/ratings", content=body, headers=headers)
    problem(response, 400, "malformed-json")


def test_nothing_that_was_sent_is_logged(keeping: JournalServer) -> None:
    with captured_logs() as stream:
        keeping.recommended(client_id=CANARY)
        keeping.post("/v1/pairings", PAIRING | {"pairing_id": CANARY, "client_id": CANARY})
        keeping.staff.get(f"/v1/pairings/{CANARY}")
        keeping.post("/v1/ratings", RATING | {"instrument": CANARY})
    assert stream.getvalue()
    assert CANARY not in stream.getvalue()
    with keeping.store.reading() as connection:
        assert connection.execute(select(pairings.c.pairing_id)).scalars().all() == [CANARY]


def test_a_method_that_is_not_allowed_is_told_all_that_are(keeping: JournalServer) -> None:
    refused = keeping.staff.request("PATCH", "/v1/pairings/p1/events")
    problem(refused, 405, "method-not-allowed")
    assert refused.headers["allow"] == "GET, HEAD, OPTIONS, POST"


def test_a_key_with_a_body_that_is_no_json_is_refused(keeping: JournalServer) -> None:
    headers = {"content-type": "application/json", "idempotency-key": "one"}
    for path in (RECOMMEND, "/v1/ratings"):
        response = keeping.staff.post(path, content=b"{", headers=headers)
        problem(response, 400, "malformed-json")
    headers["idempotency-key"] = "\u00e9"
    body = json.dumps(a_request()).encode()
    for path in (RECOMMEND, f"{RECOMMEND}?dry_run=true"):
        sent = {name: value.encode("latin-1") for name, value in headers.items()}
        problem(keeping.staff.post(path, content=body, headers=sent), 400, "bad-request")
