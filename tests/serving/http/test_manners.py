"""What programs, probes and browsers expect of a server: HEAD, OPTIONS, limits, addresses."""

import json
from collections.abc import Iterator

import pytest
from fastapi import FastAPI
from fastapi.routing import iter_route_contexts

from recommender.security.scopes import Role
from recommender.settings import Settings
from tests.support.page_reader import Reader
from tests.support.server import (
    RECOMMEND,
    SAME_SITE,
    LockedServer,
    TestClient,
    a_request,
    check_problem,
    local_client,
)

BROWSER = {"accept": "text/html,application/xhtml+xml,*/*;q=0.8"}
VARYING = frozenset({"x-request-id", "date"})


@pytest.fixture(scope="module")
def small(settings: Settings) -> Iterator[TestClient]:
    """A server that takes little."""
    with local_client(settings.model_copy(update={"max_body_bytes": 1024})) as client:
        yield client


def get_addresses(client: TestClient) -> list[str]:
    """Addresses of all resources that can be read without an id."""
    assert isinstance(client.app, FastAPI)
    paths = {
        str(r.path) for r in iter_route_contexts(client.app.routes) if "GET" in (r.methods or ())
    }
    return sorted(path for path in paths if "{" not in path)


def test_a_probe_that_sends_head_sees_a_server_that_is_up(caller: TestClient) -> None:
    addresses = get_addresses(caller)
    assert {"/", "/livez", "/readyz", "/metrics", "/staff", "/v1/models"} <= set(addresses)
    # The figures of the second request have counted the first.
    for address in (*addresses, f"/v1/recommendations/{'0' * 32}", "/nowhere"):
        got = caller.get(address, follow_redirects=False)
        headed = caller.request("HEAD", address, follow_redirects=False)
        assert (headed.status_code, headed.content) == (got.status_code, b""), address
        varying = VARYING | ({"content-length"} if address == "/metrics" else set())
        assert {k: v for k, v in headed.headers.items() if k not in varying} == {
            k: v for k, v in got.headers.items() if k not in varying
        }, address


def test_head_needs_the_same_rights_as_get(locked: LockedServer) -> None:
    for key, status in ((None, 401), (locked.keys[Role.TOOL].text, 403)):
        response = locked.ask("HEAD", "/v1/roster", key)
        assert (response.status_code, response.content) == (status, b"")
    assert locked.ask("HEAD", "/v1/roster", locked.keys[Role.ADMIN].text).status_code == 200


@pytest.mark.parametrize(
    ("path", "allowed"),
    [
        ("/livez", "GET, HEAD, OPTIONS"),
        (RECOMMEND, "GET, HEAD, OPTIONS, POST"),
        ("/v1/clinicians/k01", "DELETE, GET, HEAD, OPTIONS, PATCH, PUT"),
        ("/staff/requests/new", "GET, HEAD, OPTIONS"),
        ("/staff/static/style.css", "GET, HEAD, OPTIONS"),
    ],
)
def test_options_says_what_an_address_takes(caller: TestClient, path: str, allowed: str) -> None:
    response = caller.request("OPTIONS", path)
    assert (response.status_code, response.content) == (204, b"")
    assert response.headers["allow"] == allowed


def test_a_wrong_method_is_answered_with_the_right_ones(caller: TestClient) -> None:
    problem = check_problem(caller.delete("/livez"), 405)
    assert problem["errors"][0]["message"] == "this address takes GET, HEAD, OPTIONS"


def test_whoever_sends_too_much_reads_how_much_it_was_and_may_be(small: TestClient) -> None:
    told = check_problem(small.post(RECOMMEND, json={"a": "x" * 2000}), 413)
    assert told["errors"][0]["message"] == "the body has 2008 bytes; at most 1024 are accepted here"
    pieces = (b"x" * 600 for _ in range(4))
    headers = {"content-type": "application/json"}
    told = check_problem(small.post(RECOMMEND, content=pieces, headers=headers), 413)
    assert told["errors"][0]["message"].endswith(
        "more than 1024 bytes; at most 1024 are accepted here"
    )


def test_a_form_that_is_too_large_is_answered_by_a_page(small: TestClient) -> None:
    response = small.post("/staff/search", data={"sought": "x" * 2000}, headers=SAME_SITE)
    assert response.status_code == 413
    assert "at most 1024 are accepted here" in Reader(response.text).text


@pytest.mark.parametrize(
    ("headers", "message"),
    [
        (
            {"content-type": "application/x-www-form-urlencoded"},
            "Content-Type is application/x-www-form-urlencoded; send application/json",
        ),
        ({"content-type": ""}, "Content-Type is missing; send application/json"),
        (
            {"content-type": "x/secret"},
            "Content-Type is another media type; send application/json",
        ),
        (
            {"content-type": "application/json; charset=latin-1"},
            "declares a charset other than utf-8",
        ),
        (
            {"content-type": "application/json", "content-encoding": "gzip"},
            "Content-Encoding says that the body is compressed; send it without that header, plain",
        ),
    ],
)
def test_curl_without_a_content_type_is_answered_with_what_it_sent(
    caller: TestClient, headers: dict[str, str], message: str
) -> None:
    told = check_problem(caller.post(RECOMMEND, content=b"{}", headers=headers), 415)
    assert [each["message"] for each in told["errors"]] == [message]


@pytest.mark.parametrize(
    ("path", "hint"),
    [
        ("/v1/recommendation", ["did you mean /v1/recommendations?"]),
        ("/livez/", ["did you mean /livez?"]),
        ("/recommendations", ["did you mean /v1/recommendations?"]),
        ("/redoc", ["did you mean /docs?"]),
        ("/swagger-ui/", ["did you mean /docs?"]),
        ("/swagger.json", ["did you mean /openapi.json?"]),
        ("/openapi.yaml", ["did you mean /openapi.json?"]),
    ],
)
def test_an_address_with_a_slip_is_answered_with_the_one_that_was_meant(
    caller: TestClient, path: str, hint: list[str]
) -> None:
    told = check_problem(caller.get(path), 404)
    assert [each["message"] for each in told["errors"]] == hint


def test_somebody_who_types_the_host_name_alone_gets_to_the_pages(caller: TestClient) -> None:
    browser = caller.get("/", headers=BROWSER, follow_redirects=False)
    assert (browser.status_code, browser.headers["location"]) == (303, "/staff")
    index = caller.get("/").json()
    assert index["contract"] == "/openapi.json"
    assert all(caller.get(path).status_code != 404 for path in index.values())


def test_a_mistyped_address_of_a_page_is_answered_by_a_page(caller: TestClient) -> None:
    response = caller.get("/staff/clinicans", headers=BROWSER)
    assert response.status_code == 404
    assert "There is no page at this address." in Reader(response.text).text
    with_slash = caller.get("/staff/model/", headers=BROWSER, follow_redirects=False)
    assert with_slash.headers["location"] == "/staff/model"
    check_problem(caller.get("/staff/clinicans"), 404)


@pytest.mark.parametrize(
    ("address", "sentence"),
    [
        ("/staff/requests/none", "No request is recorded at this address."),
        ("/staff/requests/none/again", "No request is recorded at this address."),
    ],
)
def test_a_request_that_is_gone_is_explained_without_a_name_of_a_column(
    caller: TestClient, address: str, sentence: str
) -> None:
    text = Reader(caller.get(address).text).text
    assert sentence in text
    assert "recommendation_id" not in text


def test_a_limit_is_a_number_as_people_write_it(caller: TestClient) -> None:
    told = check_problem(caller.post(RECOMMEND, json=a_request(answers={"directive": 21})), 422)
    assert told["errors"][0]["message"] == "is above the largest value allowed: 10"


@pytest.mark.parametrize("change", ["take", "give"])
def test_a_missing_idempotency_key_is_called_missing_with_an_example(
    locked: LockedServer, change: str
) -> None:
    path, key = f"/v1/clinicians/k01/places/{change}", locked.keys[Role.ADMIN].text
    (missing,) = check_problem(locked.ask("POST", path, key), 400)["errors"]
    assert missing["code"] == "idempotency_key_missing"
    assert missing["message"].startswith("the header Idempotency-Key is missing")
    example = missing["message"].split("`")[1].removeprefix("Idempotency-Key: ")
    # The example is followed; this small practice has no such clinician or does not count places.
    followed = locked.ask("POST", path, key, headers={"idempotency-key": example})
    assert followed.status_code in (200, 404, 409), followed.text
    empty = check_problem(locked.ask("POST", path, key, headers={"idempotency-key": ""}), 400)
    assert empty["errors"][0]["code"] == "idempotency_key"


def test_every_operation_that_requires_an_idempotency_key_is_one_of_two(caller: TestClient) -> None:
    paths = json.loads(caller.get("/openapi.json").content)["paths"]
    required = {
        operation["operationId"]
        for operations in paths.values()
        for operation in operations.values()
        for each in operation.get("parameters", ())
        if each["name"] == "Idempotency-Key" and each["required"]
    }
    assert required == {"takePlace", "releasePlace"}
