"""Pairings and their events over HTTP: what contradicts, what repeats, and what is withdrawn."""

from typing import Any

from recommender.journal.roster_versions import current_roster
from tests.support.server import RECOMMEND, JournalServer, put_small_roster

PAIRINGS = "/v1/pairings"


def begin(keeping: JournalServer, name: str, recommended: dict[str, Any]) -> dict[str, Any]:
    body = {
        "pairing_id": name,
        "client_id": recommended["client_id"],
        "clinician_id": recommended["shortlist"][0]["clinician_id"],
        "recommendation_id": recommended["recommendation_id"],
    }
    response = keeping.post(PAIRINGS, body)
    assert response.status_code == 201, response.text
    told: dict[str, Any] = response.json()
    return told


def follow(keeping: JournalServer, name: str, kind: str, day: str, **more: Any) -> Any:
    return keeping.post(f"{PAIRINGS}/{name}/events", {"kind": kind, "happened_on": day, **more})


def recommended(keeping: JournalServer, client_id: str) -> dict[str, Any]:
    return keeping.recommended(client_id=client_id) | {"client_id": client_id}


def test_a_second_pairing_of_a_recommendation_is_recorded_and_names_the_first(
    keeping: JournalServer,
) -> None:
    shown = recommended(keeping, "c901")
    assert begin(keeping, "p901", shown)["open_pairings"] == []
    assert begin(keeping, "p902", shown)["open_pairings"] == ["p901"]
    assert follow(keeping, "p902", "withdrawn", "2026-11-02").status_code == 201
    assert follow(keeping, "p901", "ended", "2026-11-02").status_code == 201
    assert begin(keeping, "p903", shown)["open_pairings"] == []
    assert keeping.staff.get(f"{PAIRINGS}/p902").json()["withdrawn"]


def test_an_event_that_contradicts_another_is_recorded_and_says_so(keeping: JournalServer) -> None:
    begin(keeping, "p911", recommended(keeping, "c911"))
    first = follow(keeping, "p911", "attended", "2020-01-01", session=1).json()
    assert [(each["pointer"], each["code"]) for each in first["contradictions"]] == [
        ("/happened_on", "before_request")
    ]
    rating = {
        **{"pairing_id": "p911", "session": 3, "instrument": "wai_sr", "metric": "sum"},
        **{"score": 48, "rated_on": "2020-02-01"},
    }
    rated = keeping.post("/v1/ratings", rating).json()
    assert [(each["pointer"], each["code"]) for each in rated["contradictions"]] == [
        ("/session", "session_not_attended")
    ]


def test_after_a_withdrawal_events_and_ratings_are_refused(keeping: JournalServer) -> None:
    begin(keeping, "p921", recommended(keeping, "c921"))
    assert follow(keeping, "p921", "withdrawn", "2026-11-02").status_code == 201
    refused = follow(keeping, "p921", "attended", "2026-11-02", session=1)
    assert refused.status_code == 409
    assert "was withdrawn" in refused.json()["errors"][0]["message"]


def test_a_withdrawal_gives_the_place_of_its_decision_back(keeping: JournalServer) -> None:
    put_small_roster(keeping.store, places=2)
    shown = recommended(keeping, "c931")
    name = shown["shortlist"][0]["clinician_id"]
    address = f"{RECOMMEND}/{shown['recommendation_id']}/decisions"
    assert keeping.post(address, {"clinician_id": name}).status_code == 201
    begin(keeping, "p931", shown)
    assert places(keeping, name) == 1
    follow(keeping, "p931", "withdrawn", "2026-11-02")
    assert places(keeping, name) == 2


def places(keeping: JournalServer, name: str) -> int:
    with keeping.store.reading() as connection:
        return int(current_roster(connection).rows[name]["places"])
