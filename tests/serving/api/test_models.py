from dataclasses import replace
from pathlib import Path

from recommender.model.bundle.io import save_bundle
from recommender.model.claims import claims_of
from recommender.model.evaluation_report import (
    Estimate,
    EvaluationReport,
    MatchEstimate,
    MatchEstimates,
)
from recommender.model.match_sizes import NO_RATING
from recommender.rollout.bundle_cache import RegistryPointer
from recommender.serving.api.health import ModelClaim
from recommender.settings import Settings
from tests.support.builders import a_model, a_practice
from tests.support.reports import a_report, crossed
from tests.support.server import (
    TestClient,
    cache_settings,
    damage_bundle,
    empty_bundle_cache,
    local_client,
    served_digest,
    two_bundles,
    wait_until,
)


def test_a_server_with_one_bundle_knows_that_one(caller: TestClient) -> None:
    told = caller.get("/v1/models").json()
    (only,) = told["models"]
    assert only["digest"] == told["current"]["digest"] == served_digest(caller)
    assert (only["active"], only["on_disk"], only["champion"]) == (True, True, False)


def test_what_is_not_shown_yet_of_the_model_says_how_many_ratings_it_would_take(
    caller: TestClient,
) -> None:
    claims = {each["claim"]: each for each in caller.get("/v1/models").json()["claims"]}
    assert set(claims) == {"matching", "order"}
    matching = claims["matching"]
    assert matching["status"] == "not shown yet"
    assert (matching["value"], matching["ratings_needed"]) == (None, None)
    assert "takes about 300 ratings" in matching["text"]


def test_the_figure_of_a_claim_is_sent_with_its_interval() -> None:
    report = a_report(cross_fitted=crossed(dyad=(0.1, -0.1, 0.3), rated=100))
    matching, order = (ModelClaim.of(claim) for claim in claims_of(report))
    assert (matching.value, matching.lower, matching.upper) == (0.1, -0.1, 0.3)
    assert (matching.ratings, matching.ratings_needed) == (100, 400)
    assert order.status == "not shown yet"


def test_sizes_of_matches_are_sent_to_who_asks_for_them(
    caller: TestClient, settings: Settings, tmp_path: Path
) -> None:
    assert caller.get("/v1/models").json()["matches"] is None
    assert caller.get("/v1/models?matches=true").json()["matches"] == []
    practice = a_practice()
    size, own = Estimate(value=0.2, low=0.1, high=0.4), Estimate(value=0.1, low=-0.1, high=0.3)
    by_match = [
        MatchEstimate(match=name, expected=size, own=each, size=size, clients=12)
        for name, each in zip(practice.matches, (own, Estimate()), strict=False)
    ]
    report = EvaluationReport(matches=MatchEstimates(alliance_sd=0.5, by_match=tuple(by_match)))
    save_bundle(replace(a_model(), report=report), tmp_path / "bundle")
    with local_client(settings.model_copy(update={"bundle": tmp_path / "bundle"})) as client:
        sent = client.get("/v1/models?matches=true").json()["matches"]
    assert [each["match"] for each in sent] == [each.match for each in by_match]
    assert sent[0]["size"] == {
        "points": {"value": 0.2, "lower": 0.1, "upper": 0.4},
        "sd": {"value": 0.4, "lower": 0.2, "upper": 0.8},
    }
    assert sent[0]["own"]["points"] == {"value": 0.1, "lower": -0.1, "upper": 0.3}
    assert [each["status"] for each in sent] == ["not shown yet", NO_RATING]
    assert sent[1]["own"]["sd"] == {"value": None, "lower": None, "upper": None}
    assert sent[0]["clients"] == 12


def test_what_is_offered_refused_and_gone_back_to_is_told(tmp_path: Path) -> None:
    bundle_cache = empty_bundle_cache(tmp_path)
    first, second = two_bundles(bundle_cache)
    bundle_cache.write_pointer(RegistryPointer(first))
    with local_client(cache_settings(bundle_cache)) as caller:
        before = caller.get("/v1/models").headers["etag"]
        wait_until(lambda: bundle_cache.last_good() == first)
        bundle_cache.write_pointer(
            RegistryPointer(damage_bundle(bundle_cache, second), "BundleError")
        )
        known = {each["digest"]: each for each in caller.get("/v1/models").json()["models"]}
        assert set(known) == {first, second}
        assert (known[first]["active"], known[first]["last_good"]) == (True, True)
        assert (known[second]["champion"], known[second]["rejected"]) == (True, "BundleError")
        assert caller.get("/v1/models").headers["etag"] != before
