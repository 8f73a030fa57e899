"""What the other tests look with sees faults where there are some."""

import pytest
from playwright.sync_api import Browser, Route

from experiments.screenshots.chromium import WIDE
from tests.support.browser_checks import Looker

pytestmark = pytest.mark.slow

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
