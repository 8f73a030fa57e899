"""A front desk decides, starts, undoes and finds again, with script and without."""

from datetime import UTC, date, datetime, timedelta

import pytest
from playwright.sync_api import Browser, Page, expect

from experiments.screenshots.answers import ANSWERS
from experiments.screenshots.chromium import WIDE
from experiments.screenshots.filling import press, send
from experiments.screenshots.office import Office
from experiments.screenshots.walk import new_request, sign_in
from tests.support.browser_checks import Looker, Seen, failing

pytestmark = pytest.mark.slow

CLIENT = "C-1042"
NEXT_WEEK = datetime.now(UTC).date() + timedelta(days=7)


def begin(page: Page, day: date) -> None:
    page.locator("#begin-booked_on").fill(day.isoformat())
    press(page, "Record first appointment")


def confirm(page: Page) -> None:
    """Ticks whatever the page asks about."""
    for each in page.locator('[name="confirmed"]').all():
        each.check()


def find(page: Page, text: str, *, script: bool) -> None:
    """Searches for a text: as it is typed, or with *Search* where there is no script."""
    if script:
        with page.expect_response("**/staff/search"):
            page.locator("#sought").fill(text)
    else:
        send(page, {"sought": text}, "Search")
    expect(page.locator("#count")).to_contain_text("found")


@pytest.mark.parametrize(
    "script", [True, pytest.param(False, marks=pytest.mark.long)], ids=["script", "no script"]
)
def test_a_front_desk_decides_starts_undoes_and_finds_again(
    browser: Browser, axe: str, new_office: Office, script: bool
) -> None:
    context = browser.new_context(viewport=WIDE, java_script_enabled=script)
    page = context.new_page()
    looker = Looker(page, axe, new_office.url) if script else None
    seen: dict[str, Seen] = {}

    def look(state: str) -> None:
        if looker is not None:
            seen[state] = looker.look()

    client = CLIENT if script else f"{CLIENT}B"
    sign_in(page, new_office)
    new_request(page, new_office)
    send(page, {**ANSWERS, "client_id": client})
    address = page.url

    someone = page.locator("#override-clinician_id option").nth(2)
    clinician_id, name = someone.get_attribute("value") or "", someone.inner_text()
    page.locator("#override-clinician_id").select_option(clinician_id)
    press(page, "Override")
    expect(page.locator("#override-reason")).to_be_focused()
    expect(page.locator("#override-reason-fault")).to_be_in_viewport()
    expect(page.locator("#override-clinician_id")).to_have_value(clinician_id)
    look("override, refused")
    page.locator("#override-reason").select_option("client_asked")
    press(page, "Override")
    expect(page.locator("#override-clinician_id-fault")).to_contain_text(f"Against {name}: ")
    expect(page.locator("#override-reason")).to_have_value("client_asked")
    look("override, questioned")
    confirm(page)
    press(page, "Override")
    assert page.url == f"{address}#decide"

    page.locator("summary", has_text="Not going ahead").click()
    page.locator("#close-reason").select_option("no_answer")
    press(page, "Close request")
    expect(page.locator("main")).to_contain_text("Closed: no answer")
    look("closed")
    press(page, "Reopen")
    expect(page.locator("main")).not_to_contain_text("Closed: no answer")

    day = page.locator("#begin-booked_on")
    assert date.fromisoformat(day.input_value()) >= NEXT_WEEK - timedelta(days=8)
    day.fill("")
    press(page, "Record first appointment")
    expect(page.locator("#begin-booked_on")).to_be_focused()
    look("start, refused")
    begin(page, date(2024, 10, 1))
    expect(page.locator("#begin-booked_on")).to_have_value("2024-10-01")
    confirm(page)
    look("start, questioned")
    other = context.new_page()
    other.goto(address)
    press(page, "Record first appointment")
    started = page.url
    assert "/staff/pairings/" in started
    begin(other, NEXT_WEEK)
    expect(other.locator(".wrong[role=alert]")).to_contain_text(f"{name} with {client}")
    expect(other.locator(".wrong[role=alert]")).to_be_focused()
    other.close()

    page.locator("summary", has_text="Started by mistake").click()
    press(page, "Undo")
    expect(page.locator("#undo-reason")).to_be_focused()
    look("undo, refused")
    page.locator("#undo-reason").select_option("wrong_client")
    press(page, "Undo")
    assert page.url == started
    expect(page.locator("main")).to_contain_text("Undone: started by mistake")
    look("undone")
    page.goto(address)
    expect(page.locator("main")).to_contain_text("The start was undone")
    begin(page, NEXT_WEEK)
    if page.locator('[name="confirmed"]').count():
        confirm(page)
        press(page, "Record first appointment")
    assert page.url not in (started, address)

    page.goto(f"{new_office.url}/staff")
    look("work list")
    number = page.locator(".work .number").first.inner_text()
    surname = name.rpartition(" ")[2]
    for text in (client.lower(), "1042", surname[:4].lower(), number):
        # Each on a fresh page, so that no answer of a text before is taken for its own.
        page.goto(f"{new_office.url}/staff")
        find(page, text, script=script)
        expect(page.locator("#found li", has_text=client), text).to_have_count(1)
        assert text not in page.url
    look("found")
    for part in ("barriers", "errors", "elsewhere", "overflowing", "lost"):
        assert failing(seen, part) == {}, part
    context.close()
