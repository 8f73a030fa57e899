"""Compressed responses: who gets them, who does not, and their tags."""

import gzip
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from recommender.security.scopes import Role
from recommender.serving.http.compression import MIN_BYTES
from tests.support.server import (
    RECOMMEND,
    SAME_SITE,
    WHOLE,
    LockedServer,
    a_request,
    locked_server,
    locked_settings,
)

GZIP = {"accept-encoding": "gzip"}
PLAIN = {"accept-encoding": "identity"}
LARGE = a_request({"max_fee": 190}, top_k=50)


@pytest.fixture(scope="module")
def server(practice_files: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LockedServer]:
    store = f"sqlite:///{tmp_path_factory.mktemp('compression')}/recommender.db"
    with locked_server(locked_settings(practice_files, store=store)) as running:
        yield running


def raw(server: LockedServer, role: Role, method: str, path: str, **options: Any) -> Any:
    """A response with its body as it was sent."""
    headers = {"authorization": f"Bearer {server.keys[role].text}"} | options.pop("headers", {})
    client: httpx.Client = server.client
    request = client.build_request(method, path, headers=headers, **options)
    response = client.send(request, stream=True)
    return response, b"".join(response.iter_raw())


def test_a_caller_who_asks_gets_the_same_answer_in_fewer_bytes(server: LockedServer) -> None:
    packed, body = raw(
        server, Role.STAFF, "POST", f"{WHOLE}&dry_run=true", json=LARGE, headers=GZIP
    )
    assert packed.headers["content-encoding"] == "gzip"
    assert packed.headers["content-length"] == str(len(body))
    _, plain = raw(server, Role.STAFF, "POST", f"{WHOLE}&dry_run=true", json=LARGE, headers=PLAIN)
    assert len(body) < len(plain) / 2
    assert len(gzip.decompress(body)) == len(plain)


@pytest.mark.parametrize("asked", ["identity", "gzip;q=0", "br", "*;q=0", ""])
def test_a_caller_who_does_not_ask_gets_it_plain(server: LockedServer, asked: str) -> None:
    plain, body = raw(
        server, Role.STAFF, "GET", "/openapi.json", headers={"accept-encoding": asked}
    )
    assert "content-encoding" not in plain.headers
    assert "Accept-Encoding" in plain.headers["vary"]
    assert body.startswith(b"{")


def test_a_small_response_is_not_compressed(server: LockedServer) -> None:
    response, body = raw(server, Role.STAFF, "GET", "/v1/models/current", headers=GZIP)
    assert 0 < len(body) < MIN_BYTES
    assert "content-encoding" not in response.headers


def test_nothing_that_a_browser_may_be_made_to_ask_for_is_compressed(server: LockedServer) -> None:
    """A session's answers hold what an attacker would like to know, beside text of others."""
    opened = server.log_in(**GZIP)
    assert "content-encoding" not in opened.headers
    headers = SAME_SITE | GZIP | {"x-csrf-token": opened.json()["csrf_token"]}
    answer = server.client.post(WHOLE, json=LARGE, headers=headers)
    assert answer.status_code == 201
    assert len(answer.content) > MIN_BYTES
    assert "content-encoding" not in answer.headers
    page = server.client.get("/staff/requests/new", headers=GZIP)
    assert len(page.content) > MIN_BYTES
    assert "content-encoding" not in page.headers
    server.client.cookies.clear()


def test_a_tag_of_a_compressed_response_is_its_own_and_serves_for_changes(
    server: LockedServer,
) -> None:
    packed, _ = raw(server, Role.ADMIN, "GET", "/v1/roster", headers=GZIP)
    plain, _ = raw(server, Role.ADMIN, "GET", "/v1/roster", headers=PLAIN)
    assert packed.headers["etag"] == plain.headers["etag"][:-1] + '-gzip"'
    contract, _ = raw(server, Role.ADMIN, "GET", "/openapi.json", headers=GZIP)
    tag = contract.headers["etag"]
    again, body = raw(
        server, Role.ADMIN, "GET", "/openapi.json", headers=GZIP | {"if-none-match": tag}
    )
    assert (again.status_code, again.headers["etag"], body) == (304, tag, b"")
    read = server.ask("GET", "/v1/roster", server.keys[Role.ADMIN].text).json()
    changed, _ = raw(
        server,
        Role.ADMIN,
        "PUT",
        "/v1/roster",
        json={"clinicians": read["clinicians"]},
        headers={"if-match": packed.headers["etag"]},
    )
    assert changed.status_code == 200


def test_a_replayed_reply_is_compressed_as_each_request_asks(server: LockedServer) -> None:
    key = {"idempotency-key": "packed-1"}
    first, body = raw(server, Role.TOOL, "POST", RECOMMEND, json=LARGE, headers=PLAIN | key)
    again, packed = raw(server, Role.TOOL, "POST", RECOMMEND, json=LARGE, headers=GZIP | key)
    assert again.headers["idempotent-replayed"] == "true"
    assert again.headers["location"] == first.headers["location"]
    assert gzip.decompress(packed) == body
