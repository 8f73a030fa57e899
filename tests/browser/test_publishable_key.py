"""Pages of other sites in a real browser: a publishable key works in its own pages only."""

import functools
import http.server
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser

from experiments.screenshots.office import Office
from recommender.security.scopes import Role
from recommender.store.database import open_store
from tests.support.server import new_key

pytestmark = pytest.mark.slow

ASK = """
async ([url, key]) => {
    const headers = {
        Authorization: `Bearer ${key}`,
        "Content-Type": "application/json",
        "Idempotency-Key": crypto.randomUUID(),
    };
    const body = JSON.stringify({answers: {age_years: 34}});
    try {
        const made = await fetch(`${url}/v1/recommendations`, {method: "POST", headers, body});
        const told = await made.json();
        const back = await fetch(url + made.headers.get("Location"), {headers}).catch(String);
        return {
            status: made.status,
            members: Object.keys(told),
            limit: made.headers.get("RateLimit"),
            type: told.type,
            back: String(back),
        };
    } catch (error) {
        return {error: String(error)};
    }
}
"""


@contextmanager
def site(folder: Path) -> Iterator[str]:
    """The origin of a site of its own, with an empty page."""
    (folder / "index.html").write_text("<!doctype html><title>A practice</title>")
    handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory=str(folder))
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def asked_from(browser: Browser, origin: str, office: Office, key: str) -> Any:
    """What a script in a page of an origin finds out."""
    page = browser.new_page()
    page.goto(origin)
    found = page.evaluate(ASK, [office.url, key])
    page.close()
    return found


def test_a_publishable_key_is_answered_in_its_own_pages_and_a_secret_one_in_none(
    browser: Browser, office: Office, tmp_path: Path
) -> None:
    with site(tmp_path) as declared, site(tmp_path) as other:
        store = open_store(office.store)
        page_key = new_key(store, "page", Role.BROWSER, origins=(declared,)).text
        secret = new_key(store, "tool", Role.TOOL).text
        store.close()
        made = asked_from(browser, declared, office, page_key)
        assert made["status"] == 201
        assert "shortlist" in made["members"]
        assert made["limit"].startswith('"calls";r=')
        assert made["back"] == "TypeError: Failed to fetch"
        refused = asked_from(browser, declared, office, secret)
        assert refused["type"] == "/problems/secret-key-in-page"
        for key in (page_key, secret):
            assert asked_from(browser, other, office, key) == {
                "error": "TypeError: Failed to fetch"
            }
