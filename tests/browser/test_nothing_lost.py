"""No answer is lost: by leaving the form, an ended session, a refusal, or a killed server."""

import subprocess
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect
from sqlalchemy import text

from experiments.screenshots.chromium import WIDE
from experiments.screenshots.filling import press
from experiments.screenshots.office import Office, store_with_accounts
from experiments.screenshots.walk import new_request, sign_in, sign_out
from experiments.trust.keys import PEPPER
from experiments.trust.subject import Subject
from recommender.store.database import open_store
from recommender.store.schema import drafts
from tests.support.journal_rows import count
from tests.support.server_process import free_port, start_server, wait_until_ready
from tests.support.staff_desk import until

pytestmark = pytest.mark.slow

CODE = "C-2042"


class Desk:
    """A server process of its own that is killed and started again on the same port and store."""

    def __init__(self, subject: Subject, store: str) -> None:
        self.port, self.store = free_port(), store
        self.office = Office(f"http://127.0.0.1:{self.port}", store)
        self._settings: dict[str, object] = {
            "bundle": subject.bundle,
            "roster": subject.roster,
            "store": store,
            "pepper": PEPPER,
            "calls_per_minute": 100_000,
        }
        self.start()

    def start(self) -> None:
        self._process = start_server(self.port, subprocess.DEVNULL, **self._settings)
        wait_until_ready(self._process, self.port)

    def kill(self) -> None:
        self._process.kill()
        self._process.wait(60)

    def has_draft(self) -> bool:
        with closing(open_store(self.store)) as store:
            return count(store, drafts) > 0

    def write(self, statement: str) -> None:
        store = open_store(self.store)
        with store.writing() as connection:
            connection.execute(text(statement))
        store.close()


@pytest.fixture(scope="module")
def desk(
    subject: Subject, program: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Desk]:
    workspace = tmp_path_factory.mktemp("nothing-lost")
    running = Desk(subject, store_with_accounts(replace(subject, workspace=workspace)))
    yield running
    running.kill()


@pytest.fixture
def page(browser: Browser, desk: Desk) -> Iterator[Page]:
    context = browser.new_context(viewport=WIDE)
    opened = context.new_page()
    sign_in(opened, desk.office)
    desk.write("DELETE FROM drafts")
    new_request(opened, desk.office)
    yield opened
    context.close()


def fill(page: Page, code: str = CODE) -> None:
    """A text, a choice of several and a tick."""
    page.locator("#client_id").fill(code)
    page.locator(".week input").nth(1).check()
    page.locator('fieldset input[type="radio"]:not([value=""]):visible').first.check()


def typed(page: Page) -> dict[str, list[str]]:
    """Every answer in the form."""
    fields: dict[str, list[str]] = page.evaluate(
        """() => {
          const found = {};
          for (const [name, text] of new FormData(document.getElementById("intake"))) {
            if (text && /^(answer|agreed|mode)\\.|client_id/.test(name)) {
              (found[name] ??= []).push(text);
            }
          }
          return found;
        }"""
    )
    return fields


def saved(page: Page) -> None:
    expect(page.locator("#draft")).to_contain_text("Saved")


def end_sessions(desk: Desk) -> None:
    desk.write("UPDATE staff_sessions SET seen_at = datetime('now', '-31 minutes')")


def sign_in_again(page: Page, desk: Desk) -> None:
    page.get_by_label("Name").fill("intake.desk")
    page.get_by_label("Password").fill(desk.office.password)
    press(page, "Sign in")


def test_back_to_the_form_finds_every_answer_also_those_of_the_last_moment(
    page: Page, desk: Desk
) -> None:
    fill(page)
    before = typed(page)
    page.get_by_role("link", name="Clinicians", exact=True).click()
    page.wait_for_url("**/staff/clinicians")
    # The page saved as it was left; nobody is back faster than that takes.
    until(desk.has_draft)
    page.go_back()
    page.wait_for_url("**/new")
    assert typed(page) == before
    page.reload()
    expect(page.get_by_text(f"Answers for {CODE} from")).to_be_visible()
    assert typed(page) == before
    page.get_by_role("button", name="Start again").click()
    expect(page.locator("#client_id")).to_have_value("")


def test_after_thirty_idle_minutes_the_sign_in_leads_back_to_every_answer(
    page: Page, desk: Desk
) -> None:
    fill(page)
    saved(page)
    end_sessions(desk)
    page.locator("#client_id").fill(f"{CODE}-9")
    expect(page.locator("#draft")).to_contain_text("Not saved")
    before = typed(page)
    page.get_by_role("button", name="Show clinicians").click()
    expect(page.get_by_text("nothing you entered is lost")).to_be_visible()
    sign_in_again(page, desk)
    page.wait_for_url("**/new")
    assert typed(page) == before


def test_signed_out_in_another_tab_nothing_is_lost(page: Page, desk: Desk) -> None:
    other = page.context.new_page()
    other.goto(f"{desk.office.url}/staff")
    fill(page)
    before = typed(page)
    sign_out(other)
    other.wait_for_url("**/session")
    page.get_by_role("button", name="Show clinicians").click()
    sign_in_again(page, desk)
    page.wait_for_url("**/new")
    assert typed(page) == before


def test_a_killed_server_has_every_answer_when_it_runs_again(page: Page, desk: Desk) -> None:
    fill(page)
    before = typed(page)
    saved(page)
    desk.kill()
    page.locator("#client_id").press("End")
    desk.start()
    page.goto(f"{desk.office.url}/staff/requests/new")
    assert typed(page) == before


def test_a_refused_form_has_every_answer_and_is_restored_when_it_is_left(page: Page) -> None:
    fill(page, "not a code, it has spaces")
    before = typed(page)
    page.get_by_role("button", name="Show clinicians").click()
    expect(page.get_by_role("heading", name="Please check these answers")).to_be_visible()
    assert typed(page) == before
    page.get_by_role("link", name="Clinicians", exact=True).click()
    page.wait_for_url("**/staff/clinicians")
    page.get_by_role("link", name="New request").click()
    page.wait_for_url("**/new")
    assert typed(page) == before


def test_a_second_tab_says_that_it_is_not_saved(page: Page, desk: Desk) -> None:
    other = page.context.new_page()
    new_request(other, desk.office)
    fill(page)
    saved(page)
    other.locator("#client_id").fill("C-3000")
    expect(other.locator("#draft")).to_contain_text("Not saved: another tab saved answers at")
    other.get_by_role("button", name="Save these answers instead").click()
    expect(other.get_by_text("Answers for C-3000 from")).to_be_visible()


def test_the_browser_stores_no_answer(page: Page) -> None:
    fill(page)
    saved(page)
    stored = page.evaluate("() => JSON.stringify([{...localStorage}, {...sessionStorage}])")
    assert CODE not in stored
    assert "answer" not in stored
    assert page.request.get(page.url).headers["cache-control"] == "no-store"
