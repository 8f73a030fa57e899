"""The page `/docs`: anybody may read it, its first request works as written, its files are own."""

import hashlib
import html
import re
import shlex
from typing import Any

import pytest

from recommender.security.scopes import Role
from recommender.serving.reference.page import RENDERER, SAMPLE, STATIC_FOLDER, static_address
from recommender.settings import Settings
from tests.support.server import (
    LockedServer,
    TestClient,
    check_problem,
    local_client,
)

RELEASED = {
    f"{RENDERER}.js": "e6a898692f2d768e807c3ba4626068a69a2c5dd960dd6c76f3e4d3a3de180af2",
    f"{RENDERER}.css": "5ed08757e53da3e026d6cbecc61fe5d43585c9560b302d534ad56692519a273d",
}
"""Digests of the files in the package swagger-ui-dist of this version."""
BROWSER = {"accept": "text/html"}


def commands(page: str) -> list[list[str]]:
    """The words of each command in the blocks of a page, as a shell reads them."""
    blocks = re.findall(r"<pre[^>]*><code>(.*?)</code></pre>", page, re.DOTALL)
    return [shlex.split(html.unescape(block).replace("\\\n", " ")) for block in blocks]


def sent(client: TestClient, words: list[str], key: str = "") -> Any:
    """The answer to a command of curl."""
    address = words[words.index("curl") + 1]
    options = words[words.index("curl") + 2 :]
    given = list(zip(options[::2], options[1::2], strict=True))
    headers = dict(each.split(": ", 1) for name, each in given if name == "-H")
    headers = {name: each.replace("$RECOMMENDER_KEY", key) for name, each in headers.items()}
    body = dict(given).get("-d")
    if body is None:
        return client.get(address, headers=headers)
    return client.post(address, content=body, headers=headers)


def test_the_first_request_of_the_page_is_answered_as_it_is_written(locked: LockedServer) -> None:
    page = locked.client.get("/docs")
    assert page.status_code == 200
    first, *_ = commands(page.text)
    assert first[0] == "RECOMMENDER_KEY=rk_..."
    assert first[2] == "http://localhost/v1/recommendations"
    made = sent(locked.client, first, locked.keys[Role.TOOL].text)
    assert made.status_code == 201
    assert made.json()["shortlist"]


def test_without_a_store_the_page_asks_for_no_key(caller: TestClient) -> None:
    page = caller.get("/docs").text
    first, *_ = commands(page)
    assert "RECOMMENDER_KEY" not in str(commands(page))
    assert sent(caller, first).json()["shortlist"]


def test_behind_a_path_every_address_of_the_page_has_the_path(settings: Settings) -> None:
    behind = settings.model_copy(update={"root_path": "/matching"})
    with local_client(behind) as client:
        page = client.get("/matching/docs").text
        addresses = re.findall(r'(?:href|src|data-contract)="(/[^"]*)"', page)
        assert len(addresses) > 8
        assert all(each.startswith("/matching/") for each in addresses)
        assert commands(page)[0][1] == "http://localhost/matching/v1/recommendations"
        assert all(client.get(each).status_code == 200 for each in addresses)


def test_operations_are_those_of_the_role_also_without_javascript(caller: TestClient) -> None:
    for role in Role:
        page = caller.get(f"/docs?role={role}")
        document = caller.get(f"/openapi.json?role={role}").json()
        shown = page.text.partition("<noscript>")[2].partition("</noscript>")[0]
        listed = re.findall(r"<tr><td>(\w+)</td><td><code>(.*?)</code>", shown)
        assert listed == [
            (method.upper(), path) for path, each in document["paths"].items() for method in each
        ]
        assert f'data-contract="/openapi.json?role={role}"' in page.text
        assert page.text.count('aria-current="page"') == 1
    assert caller.get("/docs").text == caller.get("/docs?role=tool").text
    check_problem(caller.get("/docs?role=root"), 400)


def test_the_page_loads_nothing_from_elsewhere_and_runs_nothing_within(
    locked: LockedServer,
) -> None:
    page = locked.client.get("/docs")
    policy = page.headers["content-security-policy"]
    assert policy.startswith("default-src 'none'; script-src 'self';")
    assert "unsafe" not in policy
    assert not re.search(r"https?://(?!localhost)[^\s<\"]*\.(?:js|css|png|svg|woff)", page.text)
    assert not re.search(r"<script(?![^>]*\ssrc=)|\son\w+=|<style|\sstyle=", page.text)


@pytest.mark.parametrize("name", sorted(RELEASED))
def test_the_renderer_is_the_released_one_with_its_licence(caller: TestClient, name: str) -> None:
    response = caller.get(static_address(name))
    assert hashlib.sha256(response.content).hexdigest() == RELEASED[name]
    assert response.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert response.headers["content-encoding"] == "gzip"
    licence = (STATIC_FOLDER / f"{RENDERER}.LICENSE").read_text(encoding="utf-8")
    assert "Apache License" in licence
    assert "SmartBear Software" in licence


def test_the_sample_is_downloaded_as_it_is(caller: TestClient) -> None:
    response = caller.get(static_address(SAMPLE))
    assert response.content == (STATIC_FOLDER / SAMPLE).read_bytes()
    assert static_address(SAMPLE) in caller.get("/docs").text


def test_near_addresses_lead_to_the_page(caller: TestClient) -> None:
    index = caller.get("/", headers={"accept": "application/json"}).json()
    assert index["documentation"] == "/docs"
    moved = caller.get("/docs/", headers=BROWSER, follow_redirects=False)
    assert (moved.status_code, moved.headers["location"]) == (303, "/docs")
    for near in ("/doc", "/docs/"):
        problem = check_problem(caller.get(near), 404)
        assert problem["errors"][0]["message"] == "did you mean /docs?"
