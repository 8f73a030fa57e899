"""Whatever is typed into a field, or stands in a clinician's name, is shown as text and no more."""

import csv
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page

from experiments.screenshots.answers import ANSWERS
from experiments.screenshots.chromium import WIDE
from experiments.screenshots.filling import press, send
from experiments.screenshots.office import Office, running_counter
from experiments.screenshots.walk import new_request, sign_in
from experiments.trust.subject import Subject
from tests.support.browser_checks import Looker
from tests.support.examples import examples
from tests.support.hostile_strings import HOSTILE

pytestmark = pytest.mark.slow

AT_A_TIME = 20
NAMES = tuple(text for text in HOSTILE if text.isprintable() and len(text) <= 200)
"""What a roster takes for names: one line of 200 letters."""
INJECTED = "[data-hostile], script:not([src]), iframe, object, embed, base, main img, main style"
_FILL = """
(texts) => {
    const form = document.querySelector('main form[action="/staff/requests"]');
    const put = {};
    [...form.querySelectorAll("input[name]:not([type=hidden]), select")].forEach((each, place) => {
        if (["checkbox", "radio"].includes(each.type) || each.closest("[data-when]")) return;
        const field = document.createElement("input");
        field.name = each.name;
        field.value = put[each.name] = texts[place % texts.length];
        each.replaceWith(field);
    });
    return put;
}
"""
_SHOWN = """
() => Object.fromEntries([...document.querySelectorAll("main form input[name]:not([type=hidden])")]
    .filter(each => !["checkbox", "radio"].includes(each.type) && !each.closest("[data-when]"))
    // Who is named in a line comes back as a tick.
    .filter(each => each.getAttribute("list") !== "people")
    .map(each => [each.name, each.getAttribute("value")]))
"""
_POSTED = """
async ([address, token, forms, injected]) => {
    const found = [], headers = {"content-type": "application/x-www-form-urlencoded"};
    for (const fields of forms) {
        const body = new URLSearchParams({csrf_token: token, ...fields});
        const answer = await fetch(address, {method: "POST", body: String(body), headers});
        const parsed = new DOMParser().parseFromString(await answer.text(), "text/html");
        found.push({
            status: answer.status,
            injected: parsed.querySelectorAll(injected).length,
            values: Object.fromEntries(Object.keys(fields).map(name => [
                name, parsed.querySelector(`#${name}, #begin-${name}`)?.getAttribute("value")])),
        });
    }
    return found;
}
"""


@pytest.fixture(scope="module")
def named_roster(subject: Subject, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two hundred clinicians or nearly, each called by a hostile text."""
    with subject.roster.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    path: Path = tmp_path_factory.mktemp("named") / "clinicians.csv"
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        for place, text in enumerate(NAMES):
            named = {"clinician_id": f"h{place:03d}", "name": text}
            writer.writerow(rows[place % len(rows)] | named)
    return path


@pytest.fixture(scope="module")
def named_counter(program: Path, named_roster: Path) -> Iterator[Office]:
    with running_counter(named_roster) as running:
        yield running


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    page = browser.new_page(viewport=WIDE)
    yield page
    page.close()


def check_nothing_happened(page: Page, looker: Looker) -> None:
    assert page.locator(INJECTED).count() == 0
    assert page.evaluate("window.hit") is None
    assert (looker.heard.errors, looker.heard.elsewhere) == ([], [])


def as_sent(text: str) -> str:
    """What a form takes from a field: without space around it."""
    return text.strip()


def test_there_are_two_hundred_of_them() -> None:
    assert len(set(HOSTILE)) == 200


def test_every_field_of_a_new_request_shows_back_what_was_typed(
    page: Page, named_counter: Office
) -> None:
    looker = Looker(page, "", named_counter.url)
    for start in range(0, len(HOSTILE), AT_A_TIME):
        new_request(page, named_counter)
        texts = [*HOSTILE[start:], *HOSTILE[:start]]
        put: dict[str, str] = page.evaluate(_FILL, texts)
        press(page, "Show clinicians")
        shown: dict[str, str] = page.evaluate(_SHOWN)
        assert shown == {name: as_sent(put[name]) for name in shown}
        assert len(shown) > 15
        check_nothing_happened(page, looker)


@pytest.mark.long
def test_many_at_once_in_one_field_do_not_help_each_other(
    page: Page, named_counter: Office
) -> None:
    looker = Looker(page, "", named_counter.url)
    for start in range(0, len(HOSTILE), AT_A_TIME):
        new_request(page, named_counter)
        together = " ".join(HOSTILE[start : start + AT_A_TIME])
        put: dict[str, str] = page.evaluate(_FILL, [together])
        press(page, "Show clinicians")
        shown: dict[str, str] = page.evaluate(_SHOWN)
        assert shown == {name: as_sent(put[name]) for name in shown}
        check_nothing_happened(page, looker)


def test_clinicians_with_such_names_are_shown_by_them(page: Page, named_counter: Office) -> None:
    looker = Looker(page, "", named_counter.url)
    new_request(page, named_counter)
    send(page, {**ANSWERS, "top_k": "50"})
    offered: dict[str, str] = page.locator("#why_not").evaluate(
        "all => Object.fromEntries([...all.options].map(each => [each.value, each.text]))"
    )
    collapsed = {f"h{n:03d}": " ".join(text.split()) for n, text in enumerate(NAMES)}
    assert {k: " ".join(v.split()) for k, v in offered.items() if k} == collapsed
    check_nothing_happened(page, looker)
    for each in ("h000", "h016", "h099"):
        send(page, {"why_not": each}, "Show why")
        assert collapsed[each] in " ".join(page.locator("#why-not-shown h3").inner_text().split())
        check_nothing_happened(page, looker)


def test_what_is_sought_and_begun_is_shown_back_as_text(browser: Browser, office: Office) -> None:
    """Sent by the browser, each text in a search and in one field of a start, and read by it."""
    context = browser.new_context(bypass_csp=True)
    page = context.new_page()
    sign_in(page, office)
    # The fields of a new request are sent every text: these need some of them.
    searches = [{"sought": text} for text in HOSTILE[:: examples(4, 1)]]
    sought = posted(page, "/staff/search", searches)
    new_request(page, office)
    send(page, ANSWERS)
    press(page, "Choose")
    some = HOSTILE[:: examples(2, 1)]
    pairs = zip(some[::2], some[1::2], strict=True)
    starts = [{"booked_on": one, "pairing_id": other} for one, other in pairs]
    begun = posted(page, page.url.partition("#")[0] + "/pairings", starts)
    context.close()
    for forms, answers in ((searches, sought), (starts, begun)):
        sent = [{name: as_sent(text) for name, text in form.items()} for form in forms]
        assert [each["values"] for each in answers] == sent
    assert {each["status"] for each in begun} == {422}
    assert sum(each["injected"] for each in (*sought, *begun)) == 0


def posted(page: Page, address: str, forms: list[dict[str, str]]) -> list[dict[str, Any]]:
    """What each of these forms is answered with."""
    token = page.locator('[name="csrf_token"]').first.get_attribute("value")
    found: list[dict[str, Any]] = page.evaluate(_POSTED, [address, token, forms, INJECTED])
    return found
