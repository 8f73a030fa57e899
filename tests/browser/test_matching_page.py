"""The matching page in a real browser: each kind of client ends where they must."""

import json
from collections.abc import Iterator
from datetime import date, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pandas as pd
import pytest
from playwright.sync_api import Browser, Page, Route

from experiments.demo.practice import write_clinicians, write_definition
from experiments.matching_page.__main__ import MOST_BYTES, MOST_CONTROLS, MOST_MINUTES
from experiments.matching_page.desk import matching_desk
from experiments.matching_page.figures import measured
from experiments.matching_page.walk import (
    AGREES,
    ANSWERS,
    CONTINUE,
    DECLINES,
    NOBODY,
    SHOW,
    begin,
    press,
    questions,
    show,
    to_list,
    walk,
)
from experiments.screenshots.chromium import WIDE
from experiments.screenshots.filling import follow
from experiments.screenshots.filling import press as press_exactly
from experiments.screenshots.office import Office
from experiments.screenshots.walk import sign_in
from recommender.serving.match import form_token
from recommender.settings import Settings
from recommender.store.database import open_store
from recommender.store.schema import recommendations
from tests.support.browser_checks import Looker, Seen, failing
from tests.support.journal_rows import count
from tests.support.matching_forms import listed_for
from tests.support.server import SAME_SITE, local_client

pytestmark = pytest.mark.slow

PARTS = ("barriers", "errors", "elsewhere", "overflowing", "lost", "faint", "unprinted")
STATES = {
    *("agree", "safety", "safety, left open", "at risk", "age", "age, not read", "minor"),
    *("about you", "where to meet", "times", "paying", "referral and gap", "who to see"),
    *("check", "more questions", "list", "asked", "help", "list, declined", "nobody fits"),
    *("list, changed", "expired", "trapped", "left", "not found"),
}
WAITING = "waiting"
"""The page above the limit of one address."""
CALLS = 300
"""Pages a minute of one address; every way through the page needs fewer."""
ELSEWHERE = "203.0.113.9"
NAME = ".cards h2"


class FramingSite(BaseHTTPRequestHandler):
    """A practice's own site, which shows the address of its query in a frame."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("content-type", "text/html")
        self.end_headers()
        address = self.path.partition("?")[2]
        self.wfile.write(f'<iframe src="{address}" width="600" height="900"></iframe>'.encode())

    def log_message(self, *_: object) -> None:
        """Writes nothing."""


@pytest.fixture(scope="module")
def sites() -> Iterator[tuple[str, str]]:
    """Origins of two sites with a frame, of which the first is declared."""
    servers = [ThreadingHTTPServer(("127.0.0.1", 0), FramingSite) for _ in range(2)]
    for server in servers:
        Thread(target=server.serve_forever, daemon=True).start()
    declared, other = (f"http://127.0.0.1:{server.server_port}" for server in servers)
    yield declared, other
    for server in servers:
        server.shutdown()
        server.server_close()


@pytest.fixture(scope="module")
def desk(
    program: Path, sites: tuple[str, str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Office]:
    ancestors = json.dumps([sites[0]])
    folder = tmp_path_factory.mktemp("desk")
    settings = {
        "MATCHING_FRAME_ANCESTORS": ancestors,
        "MATCHING_CALLS_PER_MINUTE": CALLS,
        "FORWARDED_ALLOW_IPS": json.dumps(["127.0.0.1"]),
    }
    with matching_desk(folder, **settings) as running:
        yield running


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    context = browser.new_context(viewport=WIDE, locale="en-AU")
    yield context.new_page()
    context.close()


@pytest.fixture(scope="module")
def seen(browser: Browser, axe: str, desk: Office) -> dict[str, Seen]:
    """What is seen of each state on the way of a client through all of them."""
    page = browser.new_page(viewport=WIDE)
    looker = Looker(page, axe, desk.url)
    found = {state: looker.look() for state in walk(page, desk.url)}
    page.close()
    headers = {"x-forwarded-for": ELSEWHERE}
    page = browser.new_page(viewport=WIDE, extra_http_headers=headers)
    looker = Looker(page, axe, desk.url)
    begin(page, desk.url)
    while page.request.get(f"{desk.url}/match").status == 200:
        pass
    press(page, CONTINUE)
    found[WAITING] = looker.look()
    page.close()
    return found


def recommended(desk: Office) -> int:
    """Number of recommendations in the journal."""
    store = open_store(desk.store)
    try:
        return count(store, recommendations)
    finally:
        store.close()


def title(page: Page) -> str:
    return page.locator("h1").inner_text()


@pytest.mark.parametrize("part", PARTS)
def test_every_step_and_state_is_sound(seen: dict[str, Seen], part: str) -> None:
    assert set(seen) == STATES | {WAITING}
    assert failing(seen, part) == {}


@pytest.mark.long
def test_every_state_is_reached_without_script(
    browser: Browser, desk: Office, seen: dict[str, Seen]
) -> None:
    context = browser.new_context(java_script_enabled=False)
    assert {*walk(context.new_page(), desk.url), WAITING} == set(seen)
    context.close()


def test_a_list_asks_for_few_controls_little_reading_and_few_bytes(
    page: Page, desk: Office
) -> None:
    figures = measured(page, desk.url)
    assert figures.controls <= MOST_CONTROLS
    assert figures.minutes <= MOST_MINUTES
    assert 10_000 < figures.heaviest <= MOST_BYTES


@pytest.mark.parametrize("answer", ["yes", "unsure"])
def test_a_client_who_may_be_at_risk_is_sent_to_a_person_and_nothing_is_stored(
    page: Page, desk: Office, answer: str
) -> None:
    before = recommended(desk)
    page.goto(f"{desk.url}/match")
    press(page, AGREES)
    page.locator(f'[name="safety.0"][value="{answer}"]').check()
    press(page, CONTINUE)
    numbers = page.locator("main a[href^='tel:']").evaluate_all("all => all.map(a => a.href)")
    services = ("000", "131114", "1300659467", "1800737732", "139276", "1800551800")
    assert numbers == [f"tel:{number}" for number in (*services, "0255500100")]
    assert page.locator("main form, main button").count() == 0
    assert page.url == f"{desk.url}/match"
    assert recommended(desk) == before


def test_a_minor_is_asked_to_ring_and_sees_no_list(page: Page, desk: Office) -> None:
    before = recommended(desk)
    begin(page, desk.url)
    page.locator('[name="answer.age_years"]').fill("17")
    press(page, CONTINUE)
    assert "under 18" in page.locator("main").inner_text()
    assert page.locator("main a[href='tel:0255500100']").count() == 1
    assert page.locator(NAME).count() == 0
    assert recommended(desk) == before


def test_a_client_who_declines_sees_who_fits_in_an_order_of_time(page: Page, desk: Office) -> None:
    to_list(page, desk.url, ANSWERS, DECLINES)
    assert "Nothing personal went into the order" in page.locator("main").inner_text()
    assert page.locator(NAME).count() > 1


def test_a_client_who_blocks_somebody_never_sees_them(page: Page, desk: Office) -> None:
    to_list(page, desk.url)
    first = page.locator(NAME).first.inner_text()
    press(page, "Change my answers")
    page.locator('button[value^="edit:wishes"]').click()
    page.get_by_text("Choose names").click()
    page.get_by_label(first, exact=True).check()
    for _ in questions(page):
        pass
    assert f"Not {first}" in page.locator("main").inner_text()
    show(page)
    assert first not in page.locator("main").inner_text()
    assert page.locator(NAME).count() > 1


def test_where_nobody_fits_one_press_shows_somebody(page: Page, desk: Office) -> None:
    to_list(page, desk.url, NOBODY)
    assert title(page) == "Nobody fits everything yet"
    assert page.get_by_role("button", name="Help me choose").count() == 1
    follow(page, page.locator('button[value^="change:"]').first)
    assert page.locator(NAME).count() >= 1


def test_a_wish_is_on_the_staff_page_until_staff_decide(page: Page, desk: Office) -> None:
    to_list(page, desk.url)
    name = page.locator(NAME).first.inner_text()
    press(page, "Ask for this psychologist")
    reference = page.locator(".code strong").inner_text()
    page.reload()
    assert page.locator(".code strong").inner_text() == reference
    page.context.clear_cookies()
    sign_in(page, desk)
    row = page.locator(".work li", has_text=reference)
    assert name in row.inner_text()
    row.get_by_role("link").first.click()
    declared = page.get_by_text("(declared by the practice)").first.text_content() or ""
    assert "Level 3" in declared
    press_exactly(page, "Choose")
    page.goto(f"{desk.url}/staff")
    assert reference not in page.locator("main").inner_text()


def test_back_and_reload_lose_nothing_and_store_nothing_twice(page: Page, desk: Office) -> None:
    to_list(page, desk.url)
    names = page.locator(NAME).all_inner_texts()
    before = recommended(desk)
    page.reload()
    assert page.locator(NAME).all_inner_texts() == names
    assert recommended(desk) == before
    page.go_back()
    assert title(page) == "Check your answers"
    assert "34 years" in page.locator("main").inner_text()
    assert page.context.cookies() == []
    assert page.url == f"{desk.url}/match"


def test_the_keyboard_alone_reaches_a_list(page: Page, desk: Office) -> None:
    page.goto(f"{desk.url}/match")
    tab_to(page, "Yes, use my answers")
    page.keyboard.press("Enter")
    page.wait_for_selector('[name="safety.0"]')
    tab_to(page, "No")
    page.keyboard.press("Space")
    page.keyboard.press("Enter")
    page.wait_for_selector('[name="answer.age_years"]')
    tab_to(page, "How old are you?")
    page.keyboard.type("34")
    while title(page) != "Check your answers":
        if page.locator('[name="answer.funding"]').count():
            tab_to(page, "Medicare")
            page.keyboard.press("ArrowDown")
        tab_to(page, CONTINUE)
        with page.expect_navigation():
            page.keyboard.press("Enter")
    tab_to(page, SHOW)
    page.wait_for_timeout(2_000)
    with page.expect_navigation():
        page.keyboard.press("Enter")
    tab_to(page, "Ask for this psychologist")


def tab_to(page: Page, label: str) -> None:
    """Presses Tab until what begins with a label has the focus."""
    script = """
    () => { const at = document.activeElement;
        return at.labels?.length ? at.labels[0].innerText : at.innerText || ""; }
    """
    for _ in range(80):
        if str(page.evaluate(script)).strip().startswith(label):
            return
        page.keyboard.press("Tab")
    pytest.fail(f"no Tab reaches {label}")


def test_a_fault_has_the_focus_and_leads_to_its_question(page: Page, desk: Office) -> None:
    begin(page, desk.url)
    page.locator('[name="answer.age_years"]').fill("many")
    press(page, CONTINUE)
    assert page.evaluate("document.activeElement.className") == "faults"
    page.locator(".faults a").click()
    assert page.evaluate("document.activeElement.name") == "answer.age_years"
    assert page.locator('[name="answer.age_years"]').input_value() == "many"


def test_a_frame_on_a_declared_site_leads_on_and_on_another_is_empty(
    page: Page, desk: Office, sites: tuple[str, str]
) -> None:
    declared, other = sites
    page.goto(f"{declared}/?{desk.url}/match")
    inside = page.frame_locator("iframe")
    inside.get_by_role("button", name=AGREES).click()
    inside.locator('[name="safety.0"][value="no"]').check()
    inside.get_by_role("button", name=CONTINUE).click()
    inside.locator('[name="answer.age_years"]').wait_for()

    page.goto(f"{other}/?{desk.url}/match")
    page.wait_for_timeout(500)
    assert page.frame_locator("iframe").get_by_role("button").count() == 0


PHOTO, UNDECLARED = "https://photos.practice.example/a.svg", "https://other.example/a.svg"
PICTURE = '<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>'
REFUSED = """
address => new Promise(done => {
    addEventListener("securitypolicyviolation", each => done(each.violatedDirective));
    const image = document.body.appendChild(new Image());
    image.onload = () => done("");
    image.src = address;
})
"""


def test_a_declared_photo_is_shown_and_a_picture_of_another_site_is_refused(
    page: Page, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(form_token, "SHORTEST", timedelta(0))
    today = date(2026, 11, 28)
    write_definition(tmp_path / "practice.toml", today)
    write_clinicians(tmp_path / "clinicians.csv", today)
    roster = tmp_path / "clinicians.csv"
    table = pd.read_csv(roster, dtype=str, keep_default_na=False)
    table.assign(photo=PHOTO).to_csv(roster, index=False)
    settings = Settings(practice=str(tmp_path / "practice.toml"), roster=roster, matching_page=True)
    with local_client(settings) as client:
        client.headers.update(SAME_SITE)
        reply = listed_for(client, {})
    sent = {name: reply.headers[name] for name in ("content-type", "content-security-policy")}

    def fulfil(route: Route) -> None:
        if route.request.url in (PHOTO, UNDECLARED):
            route.fulfill(body=PICTURE, content_type="image/svg+xml")
        elif route.request.url.endswith("/match"):
            route.fulfill(body=reply.content, headers=sent)
        else:
            route.abort()

    page.route("**/*", fulfil)
    page.goto("https://match.practice.example/match")
    shown = page.locator(".cards img").first
    shown.scroll_into_view_if_needed()
    # Waiting by a function in the page would need a policy that allows scripts from strings.
    shown.evaluate("each => each.decode()")
    assert page.evaluate(REFUSED, PHOTO) == ""
    assert page.evaluate(REFUSED, UNDECLARED) == "img-src"
