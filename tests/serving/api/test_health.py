import json
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import structlog
from fastapi import FastAPI

from recommender.errors import BundleError, TablesError
from recommender.model.bundle.io import bundle_digest
from recommender.practice.definition import shipped_practice
from recommender.recommendation.recommend import recommend
from recommender.serving.api import health, recommendations
from recommender.serving.app import create_app
from recommender.serving.dependencies import app_state
from recommender.serving.http.request_context import HEADERS
from recommender.serving.http.strict_json import JsonBody
from recommender.serving.openapi import openapi_document
from recommender.serving.recommendation_service import (
    ServedRecommendation,
    recommend_parsed,
    recommend_request,
)
from recommender.serving.schemas.clinician import build_clinician_schema
from recommender.serving.schemas.intake import build_request_schema
from recommender.serving.schemas.responses import NOTICE, ORDER_BY_ALLIANCE, ORDER_BY_WAIT
from recommender.serving.snapshot.snapshot import ServingSnapshot, open_snapshot
from recommender.settings import Settings
from tests.support.builders import DAY, an_intake
from tests.support.server import (
    RECOMMEND,
    WHOLE,
    TestClient,
    a_request,
    captured_logs,
    local_client,
    log_lines,
    post_bytes,
)


def recommended(caller: TestClient, **changes: Any) -> dict[str, Any]:
    """All of the answer to an accepted request."""
    response = caller.post(WHOLE, json=a_request(**changes))
    assert response.status_code == 200, response.text
    body: dict[str, Any] = response.json()
    return body


def test_a_response_is_what_the_engine_recommends(caller: TestClient, settings: Settings) -> None:
    told = recommended(caller, client_id="c9999", top_k=3)
    state = open_snapshot(settings)
    found = recommend(an_intake("c9999"), state.encoding, state.model, day=DAY, top_k=3)
    assert [(each["rank"], each["clinician_id"]) for each in told["shortlist"]] == [
        (shown.rank, shown.clinician_id) for shown in found.shortlist
    ]
    for each, shown in zip(told["shortlist"], found.shortlist, strict=True):
        assert shown.predicted is not None
        assert each["predicted_alliance"] == round(shown.predicted, 2)
        assert each["range"]["lower"] <= each["predicted_alliance"] <= each["range"]["upper"]
        assert each["tie"] == shown.tie
        assert bool(each.get("tie_text")) == (shown.tie_broken_by is not None)
    assert told["eligible"] == found.eligible
    assert [each["clinician_id"] for each in told["excluded"]] == [
        exclusion.clinician_id for exclusion in found.exclusions
    ]


def test_a_response_says_by_what_it_was_made(caller: TestClient, settings: Settings) -> None:
    told = recommended(caller)
    assert settings.bundle is not None
    assert told["mode"] == "model"
    assert told["model"]["digest"] == bundle_digest(settings.bundle)
    assert told["roster_version"] == open_snapshot(settings).encoding.roster.version
    assert told["scale"] == {"instrument": "wai_sr", "metric": "mean", "low": 1.0, "high": 5.0}
    assert told["asked_on"] == "2026-11-23"
    assert told["notice"] == NOTICE
    assert told["order"] == ORDER_BY_ALLIANCE
    assert told["availability_as_of"].endswith("Z")


def test_nobody_excluded_is_shown_and_everybody_excluded_has_a_reason(caller: TestClient) -> None:
    told = recommended(caller, client_id="c0001", top_k=50)
    shown = {each["clinician_id"] for each in told["shortlist"]}
    excluded = {each["clinician_id"]: each["reasons"] for each in told["excluded"]}
    assert not shown & set(excluded)
    assert len(shown) + len(excluded) == 12
    assert all(excluded.values())
    assert any(r["constraint"] == "do_not_match" and not r["unknown"] for r in excluded["k01"])


def test_without_agreement_nothing_is_predicted(caller: TestClient) -> None:
    told = recommended(caller, answers={"agrees": None})
    assert told["mode"] == "constraints_only"
    assert told["shortlist"]
    assert all(each["predicted_alliance"] is None for each in told["shortlist"])
    assert {(each["tie"], each.get("tie_text")) for each in told["shortlist"]} == {(None, None)}
    assert told["order"] == ORDER_BY_WAIT
    assert len(told["warnings"]) == 1


def test_a_model_that_learned_from_no_rating_says_so(settings: Settings) -> None:
    state = open_snapshot(settings)
    manifest = replace(state.model.manifest, mode="evidence_prior")
    untaught = replace(state, model=replace(state.model, manifest=manifest))
    told = recommend_parsed(untaught, untaught.form.read(a_request())).response
    assert told.mode == "evidence_prior"
    assert "not trained on ratings of this practice" in told.warnings[0]


def test_when_nobody_fits_the_list_is_empty_and_says_so(caller: TestClient) -> None:
    told = recommended(caller, answers={"max_km": 0, "home": [{"latitude": 0, "longitude": 0}]})
    assert told["shortlist"] == []
    assert told["eligible"] == 0
    assert any("exclusion_counts" in warning for warning in told["warnings"])
    assert any(line["removed"] for line in told["exclusion_counts"])


def test_every_recommendation_has_an_id_of_its_own(caller: TestClient) -> None:
    first, second = recommended(caller), recommended(caller)
    assert first.pop("recommendation_id") != second.pop("recommendation_id")
    assert first == second


def test_the_day_is_the_practices_own_when_none_is_asked(caller: TestClient) -> None:
    response = post_bytes(caller, json.dumps({"answers": {}}).encode())
    assert response.status_code == 200
    assert response.json()["asked_on"]


@pytest.mark.parametrize(
    "content_type", ["application/json", "application/json; charset=UTF-8", "Application/JSON"]
)
def test_json_may_be_announced_as_people_write_it(caller: TestClient, content_type: str) -> None:
    body = json.dumps(a_request()).encode()
    assert post_bytes(caller, body, **{"content-type": content_type}).status_code == 200


@pytest.mark.parametrize("given", ["abc-DEF_1.2", "a" * 64])
def test_a_sound_request_id_is_kept(caller: TestClient, given: str) -> None:
    assert caller.get("/livez", headers={"x-request-id": given}).headers["x-request-id"] == given


@pytest.mark.parametrize("given", ["", "short", "a" * 65, "has a space", "semi;colon;x"])
def test_any_other_request_id_is_replaced(caller: TestClient, given: str) -> None:
    kept = caller.get("/livez", headers={"x-request-id": given}).headers["x-request-id"]
    assert kept != given
    assert len(kept) == 32


@pytest.mark.parametrize("path", ["/livez", "/v1/models/current", "/nowhere"])
def test_every_response_has_the_headers_that_keep_it_private(caller: TestClient, path: str) -> None:
    headers = caller.get(path).headers
    assert headers["cache-control"] == "no-store"
    assert {name: headers[name] for name in HEADERS} == HEADERS


def test_a_request_is_one_line_made_of_words_on_the_list(caller: TestClient) -> None:
    with captured_logs() as stream:
        told = recommended(caller, client_id="c0042")
    (line,) = log_lines(stream)
    assert line.pop("duration_ms") > 0
    assert line.pop("timestamp")
    assert len(line.pop("request_id")) == 32
    assert line == {
        "event": "request_completed",
        "level": "info",
        "trace": None,
        "caller": "open",
        "method": "POST",
        "route": RECOMMEND,
        "status": 200,
        "mode": "model",
        "model": told["model"]["digest"],
    }


def test_what_is_not_on_the_list_is_not_logged() -> None:
    with captured_logs() as stream:
        structlog.get_logger().info("request_completed", client_id="c0042", body="x", status=200)
    assert set(log_lines(stream)[0]) == {"event", "level", "timestamp", "status"}


def test_the_current_model_is_told_without_any_person(caller: TestClient) -> None:
    told = caller.get("/v1/models/current").json()
    assert told["mode"] == "model"
    assert told["ratings"] > 0
    assert told["features"]
    assert "k01" not in json.dumps(told)


def test_a_warm_server_is_ready(caller: TestClient) -> None:
    assert caller.get("/readyz").json() == {"status": "ready"}


def test_the_contract_is_whole_and_documents_every_refusal(caller: TestClient) -> None:
    told = caller.get("/openapi.json").json()
    assert told["openapi"].startswith("3.1")
    named = set(told["components"]["schemas"])
    text = json.dumps(told)
    wanted = {part.split('"')[0] for part in text.split("#/components/schemas/")[1:]}
    assert wanted <= named
    assert "HTTPValidationError" not in named
    operations = {
        (path, method): operation
        for path, methods in told["paths"].items()
        for method, operation in methods.items()
    }
    assert {operation["operationId"] for operation in operations.values()} == {
        "recommend",
        "getRecommendation",
        "listRecommendations",
        "listExplanations",
        "getExplanation",
        "predict",
        "allocate",
        "recordDecision",
        "recordClosing",
        "recordWish",
        "listWishes",
        "listDecisions",
        "listClosings",
        "recordPairing",
        "getPairing",
        "recordEvent",
        "listEvents",
        "recordRating",
        "getRating",
        "correctRating",
        "getCurrentModel",
        "getContract",
        "getQuestions",
        "getLiveness",
        "getReadiness",
        "logIn",
        "getSession",
        "logOut",
        "listModels",
        "listClinicians",
        "getClinician",
        "putClinician",
        "patchClinician",
        "deleteClinician",
        "putAvailability",
        "getRoster",
        "putRoster",
        "takePlace",
        "releasePlace",
        "exportSubject",
        "recordConsent",
        "eraseSubject",
        "verifyAudit",
    }
    posted = operations[RECOMMEND, "post"]["responses"]
    kept, refused = ("200", "201"), ("400", "401", "403", "408", "409", "413", "415", "422")
    assert set(posted) == {*kept, *refused, "429", "500", "503"}
    for (path, _), operation in operations.items():
        for status, response in operation["responses"].items():
            media = set(response.get("content", {}))
            is_sent = status.startswith("2") or status == "304"
            assert is_sent or media == {"application/problem+json"}, path


def test_a_member_that_the_contract_does_not_have_is_noticed_by_every_test(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    body = '{"status": "alive", "since": 1}'
    probe = SimpleNamespace(model_dump_json=lambda: body)
    monkeypatch.setattr(health, "Probe", lambda status: probe)
    noticed = pytest.raises(AssertionError, match="GET /livez: 200 at /: additionalProperties")
    with local_client(settings) as caller, noticed:
        caller.get("/livez")


def test_the_example_of_the_contract_is_accepted(caller: TestClient) -> None:
    told = caller.get("/openapi.json").json()
    (example,) = told["components"]["schemas"]["RecommendationRequest"]["examples"]
    assert caller.post(RECOMMEND, json=example).status_code == 200


def test_the_contract_of_another_practice_has_its_questions(settings: Settings) -> None:
    app = create_app(settings)
    practice = shipped_practice("psychology")
    form = build_request_schema(practice, top_k=5)
    told = json.loads(openapi_document(app, form, build_clinician_schema(practice)).body)
    assert "phq9" in told["components"]["schemas"]["Answers"]["properties"]


def test_a_swapped_model_answers_from_then_on(settings: Settings) -> None:
    with local_client(settings) as caller:
        before = recommended(caller)["model"]["digest"]
        _swap(caller, replace(open_snapshot(settings), digest="f" * 64))
        assert before != "f" * 64
        assert recommended(caller)["model"]["digest"] == "f" * 64


def test_a_request_ends_with_the_model_it_began_with(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun, may_end = threading.Event(), threading.Event()

    def slowly(
        state: ServingSnapshot, body: JsonBody, *_: object, **__: object
    ) -> ServedRecommendation:
        begun.set()
        assert may_end.wait(10)
        return recommend_request(state, body)

    with local_client(settings) as caller, ThreadPoolExecutor(1) as pool:
        before = recommended(caller)["model"]["digest"]
        monkeypatch.setattr(recommendations, "recommend_request", slowly)
        waiting = pool.submit(recommended, caller)
        assert begun.wait(10)
        _swap(caller, replace(open_snapshot(settings), digest="f" * 64))
        may_end.set()
        assert waiting.result(10)["model"]["digest"] == before


def test_too_many_waiting_are_told_to_come_back(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun, may_end = threading.Event(), threading.Event()

    def slowly(
        state: ServingSnapshot, body: JsonBody, *_: object, **__: object
    ) -> ServedRecommendation:
        begun.set()
        assert may_end.wait(10)
        return recommend_request(state, body)

    monkeypatch.setattr(recommendations, "recommend_request", slowly)
    narrow = settings.model_copy(update={"workers": 1, "queue_limit": 0})
    with local_client(narrow) as caller, ThreadPoolExecutor(1) as pool:
        first = pool.submit(caller.post, RECOMMEND, json=a_request())
        assert begun.wait(10)
        refused = caller.post(RECOMMEND, json=a_request())
        assert caller.get("/livez").status_code == 200
        may_end.set()
        assert first.result(10).status_code == 200
    assert refused.status_code == 503
    assert refused.headers["retry-after"] == "1"
    assert refused.json()["type"] == "/problems/busy"


def test_many_callers_at_once_are_each_answered_alike(settings: Settings) -> None:
    patient = settings.model_copy(update={"queue_wait_seconds": 60.0})
    with local_client(patient) as caller, ThreadPoolExecutor(8) as pool:
        bodies = list(pool.map(lambda _: recommended(caller), range(40)))
    for body in bodies:
        body.pop("recommendation_id")
    assert all(body == bodies[0] for body in bodies)


def test_a_server_without_its_files_does_not_start(settings: Settings, tmp_path: Path) -> None:
    with pytest.raises(TablesError, match="cannot be read"):
        create_app(settings.model_copy(update={"roster": tmp_path / "nobody.csv"}))
    with pytest.raises(BundleError, match=r"digest\.json"):
        create_app(settings.model_copy(update={"bundle": tmp_path}))


def test_settings_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RECOMMENDER_BUNDLE", "var/bundle")
    monkeypatch.setenv("RECOMMENDER_ROSTER", "clinicians.csv")
    monkeypatch.setenv("RECOMMENDER_ALLOWED_HOSTS", '["match.example.org"]')
    settings = Settings()  # type: ignore[call-arg]
    assert settings.bundle == Path("var/bundle")
    assert settings.allowed_hosts == ("match.example.org",)
    assert settings.host == "127.0.0.1"


def _swap(caller: TestClient, state: ServingSnapshot) -> None:
    assert isinstance(caller.app, FastAPI)
    app_state(caller.app).snapshots.swap(lambda _: state)
