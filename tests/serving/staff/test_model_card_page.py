from recommender.monitoring.drift import MIN_REQUESTS
from tests.support.builders import a_model
from tests.support.page_reader import ask, read
from tests.support.rated_pairings import keep_matches
from tests.support.server import LockedServer, TestClient


def test_the_card_of_the_model_that_answers_is_shown_whole(open_server: TestClient) -> None:
    found = read(open_server, "/staff/model/card")
    assert "Model card: predicted early alliance" in found.text
    for heading in ("Intended use", "How it was measured", "Known limits", "How to go back"):
        assert heading in found.text
    assert f"{a_model().manifest.ratings:,} ratings of" in found.text
    assert "*" not in found.text


def test_models_that_answered_are_told_with_how_often(
    locked: LockedServer, staff: TestClient
) -> None:
    ask(staff)
    keep_matches(locked.store, 3)
    text = read(staff, "/staff/model/history").text
    digest = staff.get("/v1/models/current").json()["model"]["digest"][:12]
    assert f"{digest} (in use)" in text
    assert "m" * 12 in text
    assert "Too few requests to compare the newer half with the older." in text


def test_enough_requests_are_held_to_training_and_to_those_before(
    locked: LockedServer, staff: TestClient
) -> None:
    keep_matches(locked.store, 2 * MIN_REQUESTS)
    text = read(staff, "/staff/model/history").text
    assert f"The last {2 * MIN_REQUESTS} requests" in text
    assert "in standard deviations of those clients. From 0.25 it counts as a change." in text
    assert "The population stability index of each question" in text


def test_a_server_that_keeps_nothing_still_tells_what_answers(open_server: TestClient) -> None:
    text = read(open_server, "/staff/model/history").text
    assert "No request is stored yet." in text
    assert "in use" in text
