"""What the other tests look with sees faults where there are some."""

from pathlib import Path

import pytest
from playwright.sync_api import Browser, Route

import recommender.serving
from experiments.screenshots.chromium import WIDE
from tests.support.browser_checks import Looker

pytestmark = pytest.mark.slow

HTMX = next(Path(recommender.serving.__path__[0]).rglob("htmx-*.min.js"))
SOUND = "http://sound.example"
FAULTY = """
<!doctype html><html><head><title></title></head><body><main><h1>Faulty</h1>
<p style="color: #ccc">Faint</p><input>
<script>document.title = "ran"</script><img src="http://elsewhere.example/spy.png">
<div style="width: 2000px">Wide</div>
<style>
@media print { h1 { display: none } }
@media (max-width: 400px) { .gone { display: none } }
svg { forced-color-adjust: none; color: #eee }
</style><p class="gone">Gone when large</p>
<svg viewBox="0 0 9 9" width="9" height="9"><circle cx="4" cy="4" r="3" fill="currentColor"/></svg>
</main></body></html>
"""
SEARCH = f"""
<!doctype html><html lang="en"><head><title>Search</title><script>{HTMX.read_text()}</script></head>
<body><main><h1>Search</h1><form hx-post="/search" hx-sync="this:replace" hx-target="#found">
<button>Search</button></form><div id="found"></div></main></body></html>
"""
POLICY = {"content-security-policy": "script-src 'none'", "content-type": "text/html"}


def test_every_fault_of_a_faulty_page_is_seen(browser: Browser, axe: str) -> None:
    def answer(route: Route) -> None:
        route.fulfill(body=FAULTY if route.request.url.startswith(SOUND) else "", headers=POLICY)

    page = browser.new_page(viewport=WIDE)
    page.route("**", answer)
    looker = Looker(page, axe, SOUND)
    page.goto(SOUND)
    seen = looker.look()
    assert {each.split(":")[0] for each in seen.barriers} >= {"color-contrast", "label", "dark"}
    assert any("script-src" in each for each in seen.errors)
    assert seen.elsewhere == ["http://elsewhere.example/spy.png"]
    assert seen.bytes_loaded == len(FAULTY)
    assert any("2000px" in each for each in seen.overflowing)
    assert seen.lost
    assert any("circle" in each for each in seen.faint)
    assert "Faulty" in seen.unprinted
    page.close()


def test_a_search_that_a_later_one_replaces_is_no_error_and_one_that_fails_is(
    browser: Browser, axe: str
) -> None:
    searches: list[Route] = []

    def answer(route: Route) -> None:
        if route.request.method == "GET":
            route.fulfill(body=SEARCH, content_type="text/html")
            return
        searches.append(route)
        if len(searches) == 2:
            route.fulfill(body="Nobody", content_type="text/html")
        if len(searches) == 3:
            route.abort()

    page = browser.new_page(viewport=WIDE)
    page.route("**", answer)
    looker = Looker(page, axe, SOUND)
    page.goto(SOUND)
    press_search = page.get_by_role("button", name="Search").click
    with page.expect_request("**/search"):
        press_search()
    press_search()
    page.get_by_text("Nobody").wait_for()
    assert looker.heard.errors == []
    with page.expect_event("requestfailed"):
        press_search()
    page.wait_for_function("!document.querySelector('.htmx-request')")
    assert any("htmx:sendError" in each for each in looker.heard.errors)
    page.close()
