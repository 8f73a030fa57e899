from recommender.monitoring.early_ratings import MIN_IN_GROUP, MIN_MATCHES
from recommender.serving.staff.pages.model import coverage_text
from tests.serving.staff.test_decisions import begun
from tests.support.page_reader import read, send
from tests.support.rated_pairings import a_match_rated, keep_matches
from tests.support.server import LockedServer, TestClient


def test_too_few_ratings_are_said_to_be_too_few_and_enough_are_counted() -> None:
    few = [a_match_rated(3.5)] * (MIN_MATCHES - 1)
    assert "too few" in coverage_text(few, 0.9)
    enough = coverage_text([*few, a_match_rated(1.0)], 0.9)
    assert enough.startswith(f"Of the last {MIN_MATCHES} rated matches, {MIN_MATCHES - 1} fell")


def test_a_kept_rating_reaches_the_page(locked: LockedServer, staff: TestClient) -> None:
    address = begun(staff)
    rating = read(staff, address).form("/ratings")
    send(staff, rating, session="3", score="48", rated_on="2024-10-15")
    text = read(staff, "/staff/model").text
    assert "1 rated match so far: too few to check" in text
    model = staff.get("/v1/models/current").json()
    assert model["model"]["digest"][:12] in text
    assert "The corner practice's lead" in text


def test_groups_averages_and_errors_of_what_was_kept_stand_in_tables_beside_their_pictures(
    locked: LockedServer, staff: TestClient
) -> None:
    keep_matches(locked.store, 2 * MIN_IN_GROUP + 12)
    found = read(staff, "/staff/model")
    assert found.tags.count("svg") == 2
    assert found.tags.count("circle") == 5 + 2
    assert "anxiety" in found.text
    assert "2 newer rated matches do not fill a row yet" in found.text
    assert not [value for name, value in found.attributes if name == "style"]


def test_a_server_that_keeps_nothing_says_so(open_server: TestClient) -> None:
    assert "nothing to check" in read(open_server, "/staff/model").text
