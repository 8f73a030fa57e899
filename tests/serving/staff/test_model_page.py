from dataclasses import replace
from pathlib import Path

from recommender.model.bundle.io import save_bundle
from recommender.model.evaluation_report import (
    Estimate,
    EvaluationReport,
    MatchEstimate,
    MatchEstimates,
)
from recommender.monitoring.drift import MIN_REQUESTS
from recommender.monitoring.early_ratings import MIN_IN_GROUP, MIN_MATCHES
from recommender.serving.staff.pages.model import coverage_text
from recommender.settings import Settings
from tests.support.builders import a_model, a_practice
from tests.support.journal_rows import recommend
from tests.support.page_reader import ask, begun, read, send
from tests.support.rated_pairings import a_match_rated, keep_matches
from tests.support.server import LockedServer, TestClient, local_client


def test_coverage_is_reported_from_enough_ratings_on() -> None:
    few = [a_match_rated(3.5)] * (MIN_MATCHES - 1)
    assert "too few" in coverage_text(few, 0.9)
    enough = coverage_text([*few, a_match_rated(1.0)], 0.9)
    assert enough.startswith(f"Of the last {MIN_MATCHES} rated matches, {MIN_MATCHES - 1} fell")


def test_a_stored_rating_is_counted_on_the_page(locked: LockedServer, staff: TestClient) -> None:
    address = begun(staff)
    rating = read(staff, address).form("/ratings")
    send(staff, rating, session="3", score="48", rated_on="2024-10-15")
    text = read(staff, "/staff/model").text
    assert "1 rated match so far: too few to check" in text
    model = staff.get("/v1/models/current").json()
    assert model["model"]["digest"][:12] in text
    assert "The corner practice's lead" in text


def test_requests_that_fitted_nobody_are_not_called_uncounted(
    locked: LockedServer, staff: TestClient
) -> None:
    for number in range(2):
        recommend(locked.store, f"r{number}", f"c000{number}", shortlist=())
    text = read(staff, "/staff/model").text
    assert "None of the 2 requests of the last 90 days had an eligible clinician." in text


def test_two_pages_that_answer_alike_questions_say_what_each_of_them_counts(
    locked: LockedServer, staff: TestClient
) -> None:
    in_use, in_training = (read(staff, f"/staff/model{end}").text for end in ("", "/card"))
    assert "Counted on this server: the range and groups on its rated matches" in in_use
    assert "Measured in training, on the tables that were learned from" in in_training
    assert "Counted on this server" not in in_training


def test_groups_calibration_and_errors_are_in_tables_beside_their_charts(
    locked: LockedServer, staff: TestClient
) -> None:
    keep_matches(locked.store, 2 * MIN_IN_GROUP + 12)
    found = read(staff, "/staff/model")
    assert found.tags.count("svg") == 2
    assert found.tags.count("circle") == 5 + 2
    assert "anxiety" in found.text
    assert "2 newer rated matches do not fill a row yet" in found.text
    assert not [value for name, value in found.attributes if name == "style"]


def test_a_server_without_a_store_has_nothing_to_check(open_server: TestClient) -> None:
    assert "nothing to check" in read(open_server, "/staff/model").text


def test_the_card_of_the_model_in_use_has_all_its_sections(open_server: TestClient) -> None:
    found = read(open_server, "/staff/model/card")
    assert "Model card: predicted early alliance" in found.text
    for heading in ("Intended use", "How it was measured", "Known limits", "How to go back"):
        assert heading in found.text
    assert f"{a_model().manifest.ratings:,} ratings of" in found.text
    assert "*" not in found.text


def test_models_are_listed_with_how_often_they_were_used(
    locked: LockedServer, staff: TestClient
) -> None:
    ask(staff)
    keep_matches(locked.store, 3)
    text = read(staff, "/staff/model/history").text
    digest = staff.get("/v1/models/current").json()["model"]["digest"][:12]
    assert f"{digest} (in use)" in text
    assert "m" * 12 in text
    assert "Too few requests to compare the newer half with the older." in text
    assert "Matching: not shown yet." in text


def test_enough_requests_are_compared_with_training_and_with_earlier_requests(
    locked: LockedServer, staff: TestClient
) -> None:
    keep_matches(locked.store, 2 * MIN_REQUESTS)
    text = read(staff, "/staff/model/history").text
    assert f"The last {2 * MIN_REQUESTS} requests" in text
    assert "in standard deviations of those clients. From 0.25 it counts as a change." in text
    assert "The population stability index of each question" in text


def test_a_server_without_a_store_still_names_the_model_in_use(open_server: TestClient) -> None:
    text = read(open_server, "/staff/model/history").text
    assert "No request is stored yet." in text
    assert "in use" in text


def test_a_model_without_sizes_of_its_matches_says_so(open_server: TestClient) -> None:
    text = read(open_server, "/staff/model").text
    assert "Which matches matter" in text
    assert "holds no sizes of its matches" in text


def test_sizes_of_matches_are_pictures_beside_their_figures(
    settings: Settings, tmp_path: Path
) -> None:
    practice = a_practice()
    size, own = Estimate(value=0.2, low=0.1, high=0.4), Estimate(value=0.1, low=-0.1, high=0.3)
    by_match = [
        MatchEstimate(match=name, expected=size, own=each, size=size)
        for name, each in zip(practice.matches, (own, Estimate()), strict=False)
    ]
    report = EvaluationReport(matches=MatchEstimates(alliance_sd=0.5, by_match=tuple(by_match)))
    save_bundle(replace(a_model(), report=report), tmp_path / "bundle")
    with local_client(settings.model_copy(update={"bundle": tmp_path / "bundle"})) as client:
        assert client.get("/staff/model").text.count('viewBox="0 0 160 24"') == len(by_match)
        text = read(client, "/staff/model").text
    for each in practice.matches.values():
        assert each.phrase in text
    assert "+0.40 (+0.20 to +0.80)" in text
    assert "Not shown yet" in text
