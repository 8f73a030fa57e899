import json
from typing import Any

import pytest

from recommender.errors import BundleError, Fault, IntakeError
from recommender.serving.http.problems import (
    BUSY,
    MAX_ERRORS,
    PROBLEM_TYPES,
    FieldError,
    ProblemError,
    ProblemType,
    problem_for,
    problem_response,
    problem_type_for_status,
)
from recommender.settings import Settings
from tests.support.builders import a_practice
from tests.support.server import (
    CANARY,
    CANARY_NAME,
    RECOMMEND,
    TestClient,
    a_request,
    captured_logs,
    check_problem,
    local_client,
    log_lines,
    post_bytes,
)


@pytest.mark.parametrize("kind", PROBLEM_TYPES.values(), ids=lambda kind: kind.slug)
def test_every_kind_of_problem_is_explained_at_its_address(
    kind: ProblemType, caller: TestClient
) -> None:
    explained = caller.get(kind.type_at(""))
    assert explained.status_code == 200
    assert kind.detail in explained.text


@pytest.mark.parametrize(
    ("method", "path", "headers", "body", "status"),
    [
        ("GET", "/livez", {"host": f"{CANARY}.example"}, b"", 400),
        ("GET", "/livez", {"host": f"localhost@{CANARY}"}, b"", 400),
        ("POST", RECOMMEND, {}, b"{", 400),
        ("GET", f"/{CANARY}", {}, b"", 404),
        ("GET", f"/problems/{CANARY}", {}, b"", 404),
        ("GET", "/livez/", {}, b"", 404),
        ("GET", "/nothing", {}, b"", 404),
        ("GET", "/v1/predictions", {}, b"", 405),
        ("DELETE", "/livez", {}, b"", 405),
        (CANARY.upper(), "/livez", {}, b"", 405),
        ("POST", RECOMMEND, {}, b"x" * (256 * 1024 + 1), 413),
        ("POST", RECOMMEND, {"content-type": "text/plain"}, b"{}", 415),
        ("POST", RECOMMEND, {"content-type": "application/json; charset=utf-16"}, b"{}", 415),
        ("POST", RECOMMEND, {"content-type": f"application/{CANARY}"}, b"{}", 415),
        ("POST", RECOMMEND, {"content-type": ""}, b"{}", 415),
        ("POST", RECOMMEND, {"content-encoding": "gzip"}, b"{}", 415),
        ("POST", RECOMMEND, {}, json.dumps({CANARY_NAME: CANARY}).encode(), 422),
    ],
)
def test_every_refusal_is_a_problem_that_repeats_nothing(
    caller: TestClient, method: str, path: str, headers: dict[str, str], body: bytes, status: int
) -> None:
    given = {"content-type": "application/json"} | headers if method == "POST" else headers
    with captured_logs() as stream:
        response = caller.request(method, path, headers=given, content=body)
    check_problem(response, status)
    assert CANARY not in response.text.lower() + str(response.headers).lower()
    assert CANARY not in stream.getvalue().lower()


def test_a_wrong_method_is_told_the_right_ones(caller: TestClient) -> None:
    assert caller.get("/v1/predictions").headers["allow"] == "OPTIONS, POST"


def test_a_body_that_grows_beyond_the_limit_is_cut_off(caller: TestClient) -> None:
    pieces = (b"x" * 4096 for _ in range(100))
    response = caller.post(RECOMMEND, content=pieces, headers={"content-type": "application/json"})
    check_problem(response, 413)


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b'{"answers": {"concern": "grief", "concern": "sleep"}}', "repeated_name"),
        (b'{"answers": {"directive": NaN}}', "not_a_number"),
        (b'{"answers": {"directive": -Infinity}}', "not_a_number"),
        (b'{"answers": {"concern": "\xff"}}', "not_utf8"),
        ('{"answers": {}}'.encode("utf-16"), "not_utf8"),
        (b'{"answers": {"concern": "\\ud800"}}', "lone_surrogate"),
        (b'{"answers": ' + b"9" * 5000 + b"}", "too_many_digits"),
        (b"[" * 100_000 + b"]" * 100_000, "too_deep"),
        (b'{"answers": {"wanted": ' + b"[" * 500 + b"]" * 500 + b"}}", "too_deep"),
        (b"", "empty"),
        (b"{'answers': {}}", "syntax"),
        (b'{"answers": {}} {}', "syntax"),
    ],
)
def test_a_body_that_readers_could_read_differently_is_refused(
    caller: TestClient, body: bytes, code: str
) -> None:
    told = check_problem(post_bytes(caller, body), 400)
    assert [error["code"] for error in told["errors"]] == [code]


@pytest.mark.parametrize("body", [b"[]", b"null", b"3", b'"x"', b"true"])
def test_a_body_that_is_no_object_is_refused(caller: TestClient, body: bytes) -> None:
    check_problem(post_bytes(caller, body), 422)


def test_huge_numbers_are_refused(caller: TestClient) -> None:
    for number in (b"1e999", b"-1e999", b"9" * 400, b"1e308"):
        told = check_problem(
            post_bytes(caller, b'{"answers": {"directive": ' + number + b"}}"), 422
        )
        assert [error["pointer"] for error in told["errors"]] == ["/answers/directive"]


def test_what_is_sent_in_any_field_comes_back_nowhere(caller: TestClient) -> None:
    everything: dict[str, Any] = dict.fromkeys(a_practice().fields("client"), CANARY)
    headers = {"user-agent": CANARY, "referer": CANARY, "x-request-id": f"{CANARY} {CANARY}"}
    sent: list[dict[str, Any]] = [
        {"answers": everything, "client_id": CANARY + "!", "top_k": CANARY, "asked_on": CANARY},
        {"answers": {name: [value] for name, value in everything.items()}},
        {"answers": {name: {CANARY_NAME: value} for name, value in everything.items()}},
        {"answers": {f"{CANARY_NAME}{place}": 1 for place in range(500)}},
        a_request(client_id=CANARY, answers={"not_with": [CANARY]}),
    ]
    with captured_logs() as stream:
        replies = [caller.post(RECOMMEND, json=each, headers=headers) for each in sent]
        replies += [
            caller.post(f"{RECOMMEND}?{query}", json=sent[-1], headers=headers)
            for query in (f"{CANARY}=1", f"include={CANARY}", f"dry_run={CANARY}")
        ]
    assert [reply.status_code for reply in replies] == [422, 422, 422, 422, 200, 400, 400, 400]
    assert all(CANARY not in reply.text + str(reply.headers) for reply in replies)
    assert len(log_lines(stream)) == len(replies)
    assert CANARY not in stream.getvalue()


def test_an_error_nobody_foresaw_is_a_problem_and_its_text_stays_here(
    caller: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise BundleError(CANARY, CANARY, CANARY)

    monkeypatch.setattr("recommender.serving.api.recommendations.recommend_request", fail)
    with captured_logs() as stream:
        response = caller.post(RECOMMEND, json=a_request())
    check_problem(response, 500)
    failed, answered = log_lines(stream)
    assert failed["error"] == "BundleError"
    assert failed["where"].startswith("tests.serving.http.test_problems:")
    assert answered["status"] == 500
    assert CANARY not in response.text + stream.getvalue()


def test_what_the_engine_cannot_read_is_the_callers_to_mend(
    caller: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise IntakeError([Fault("home", "lies outside the globe", "write it like -33.87,151.21")])

    monkeypatch.setattr("recommender.serving.api.recommendations.recommend_request", fail)
    told = check_problem(caller.post(RECOMMEND, json=a_request()), 422)
    assert told["errors"] == [
        {
            "pointer": "/answers/home",
            "code": "unreadable",
            "message": "lies outside the globe; write it like -33.87,151.21",
        }
    ]


def test_before_the_model_is_warm_nothing_is_answered(settings: Settings) -> None:
    cold = local_client(settings)
    for method, path in (("GET", "/readyz"), ("GET", "/openapi.json"), ("POST", RECOMMEND)):
        response = cold.request(method, path)
        assert check_problem(response, 503)["type"] == "/problems/not-ready"
        assert response.headers["retry-after"] == "1"
    assert cold.get("/livez").status_code == 200


def test_a_list_of_errors_has_an_end() -> None:
    faults = [Fault(f"f{place}", "is odd", "mend it") for place in range(3)]
    assert len(problem_for(IntakeError(faults)).errors) == 3
    assert MAX_ERRORS == 50


def test_many_wrong_members_are_not_all_told(caller: TestClient) -> None:
    windows = [{"day": 1, "start": 2, "end": 3}] * 90
    told = check_problem(
        post_bytes(caller, json.dumps({"answers": {"free": windows}}).encode()), 422
    )
    assert len(told["errors"]) == MAX_ERRORS


@pytest.mark.parametrize(
    ("status", "slug"), [(404, "not-found"), (418, "bad-request"), (500, "unexpected")]
)
def test_a_bare_status_is_told_as_a_problem(status: int, slug: str) -> None:
    assert problem_type_for_status(status).slug == slug


def test_a_pointer_escapes_what_it_must() -> None:
    slip = problem_for(IntakeError([Fault("a/b~c", "is odd", "mend it")])).errors[0]
    assert slip == FieldError(
        pointer="/answers/a~1b~0c", code="unreadable", message="is odd; mend it"
    )


def test_a_problem_carries_its_headers() -> None:
    response = problem_response(ProblemError(BUSY, headers={"Retry-After": "1"}), "0123456789")
    assert response.headers["retry-after"] == "1"
