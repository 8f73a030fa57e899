"""The pages behind a real reverse proxy that shows them at a path, walked in a real browser."""

from collections.abc import Iterator
from dataclasses import replace

import pytest
from playwright.sync_api import Browser

from experiments.screenshots.office import Office, running_office
from experiments.screenshots.walk import walk
from experiments.trust.subject import Subject
from tests.support.reverse_proxy import reverse_proxy

pytestmark = pytest.mark.slow

PATH = "/match"
FEWEST_STATES = 25
_ADDRESSES = """
() => [...document.querySelectorAll("a[href], form, script[src], link[href], [hx-get]")].map(
    each => each.href || each.action || each.src || new URL(each.getAttribute("hx-get"), location))
    .map(String)
"""


@pytest.fixture(scope="module")
def behind(
    browser: Browser, subject: Subject, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Office]:
    """An office at a path of a proxy, which removes the path before it forwards a request."""
    own = replace(subject, workspace=tmp_path_factory.mktemp("behind"))
    settings = {"ROOT_PATH": PATH, "FORWARDED_ALLOW_IPS": '["127.0.0.1"]'}
    with running_office(own, **settings) as office:
        target = int(office.url.rpartition(":")[2])
        with reverse_proxy(target, PATH) as port:
            yield replace(office, url=f"http://127.0.0.1:{port}{PATH}")


@pytest.mark.long
def test_a_practice_that_serves_the_pages_at_a_path_finds_no_link_that_leaves_it(
    browser: Browser, behind: Office
) -> None:
    page, asked = browser.new_page(), set[str]()
    page.on("request", lambda request: asked.add(request.url))
    refused: list[str] = []
    page.on("response", lambda each: refused.append(each.url) if each.status >= 500 else None)
    linked: set[str] = set()
    states = []
    for state in walk(page, behind):
        states.append(state)
        linked.update(page.evaluate(_ADDRESSES))
    page.close()
    assert len(states) >= FEWEST_STATES
    assert len(linked) > 30
    leaving = {each for each in asked | linked if not f"{each}/".startswith(f"{behind.url}/")}
    assert (leaving, refused) == (set(), [])


@pytest.mark.long
def test_the_cookie_of_a_session_is_sent_to_the_path_alone(
    browser: Browser, behind: Office
) -> None:
    page = browser.new_page()
    next(iter(walk(page, behind)))
    page.fill("input[name=name]", "intake.desk")
    page.fill("input[name=password]", behind.password)
    page.click("button.main")
    (cookie,) = page.context.cookies()
    page.close()
    assert (cookie["path"], cookie["httpOnly"]) == (PATH, True)
