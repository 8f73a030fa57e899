from recommender.serving.staff import wording
from recommender.serving.staff.views.drift import FEWEST
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
    assert f"{digest} ({wording.ANSWERS_NOW})" in text
    assert "m" * 12 in text
    assert wording.NO_SWINGS in text


def test_enough_requests_are_held_to_training_and_to_those_before(
    locked: LockedServer, staff: TestClient
) -> None:
    keep_matches(locked.store, 2 * FEWEST)
    text = read(staff, "/staff/model/history").text
    assert f"The last {2 * FEWEST} requests" in text
    assert wording.SHIFTS_SAID in text
    assert wording.SWINGS_SAID in text


def test_a_server_that_keeps_nothing_still_tells_what_answers(open_server: TestClient) -> None:
    text = read(open_server, "/staff/model/history").text
    assert wording.NOTHING_SERVED in text
    assert "answers now" in text
