import json
from dataclasses import replace
from datetime import date

import pytest

from recommender.journal.rated_pairings import RatedMatch
from recommender.journal.ratings import Rating
from recommender.serving.staff.views.coverage_by_group import FEWEST_IN_GROUP
from recommender.serving.staff.views.early_ratings import FEWEST, CoverageCheck, rated_predictions
from tests.support.builders import a_model
from tests.support.page_reader import begun, read, send
from tests.support.rated_pairings import keep_matches
from tests.support.server import LockedServer, TestClient

STARTED = date(2024, 10, 1)


def checked(matches: list[RatedMatch]) -> CoverageCheck:
    return CoverageCheck.of(rated_predictions(matches, a_model()))


def a_match(number: int, score: float, shown: str = "k01") -> RatedMatch:
    """A match shown from 3 to 4, with one early rating on the practice's own scale."""
    ends = {"lower": 3.0, "upper": 4.0}
    told = {"shortlist": [{"clinician_id": shown, "range": ends, "predicted_alliance": 3.6}]}
    rating = Rating(f"p{number}", 3, "wai_sr", "mean", score, date(2024, 10, 20))
    return RatedMatch(f"p{number}", "k01", STARTED, json.dumps(told).encode(), (rating,))


@pytest.mark.parametrize(("score", "inside"), [(2.9, 0), (3.0, 1), (3.5, 1), (4.0, 1), (4.1, 0)])
def test_a_rating_is_held_to_the_range_that_was_shown(score: float, inside: int) -> None:
    found = checked([a_match(1, score)])
    assert (found.rated, found.inside) == (1, inside)


def test_whoever_was_not_shown_or_rated_early_is_not_counted() -> None:
    late = a_match(2, 3.5)
    late = replace(late, ratings=(replace(late.ratings[0], session=9),))
    assert checked([a_match(1, 3.5, shown="k02"), late]).rated == 0
    assert checked([]).rated == 0


def test_too_few_are_said_to_be_too_few_and_enough_are_counted() -> None:
    few = checked([a_match(n, 3.5) for n in range(FEWEST - 1)])
    assert "too few" in few.said(0.9)
    enough = checked([a_match(n, 3.5 if n else 1.0) for n in range(FEWEST)])
    assert enough.said(0.9).startswith(f"Of the last {FEWEST} rated matches {FEWEST - 1} fell")


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
    keep_matches(locked.store, 2 * FEWEST_IN_GROUP + 12)
    found = read(staff, "/staff/model")
    assert found.tags.count("svg") == 2
    assert found.tags.count("circle") == 5 + 2
    assert "anxiety" in found.text
    assert "2 newer rated matches do not fill a row yet" in found.text
    assert not [value for name, value in found.attributes if name == "style"]


def test_a_server_that_keeps_nothing_says_so(open_server: TestClient) -> None:
    assert "nothing to check" in read(open_server, "/staff/model").text
