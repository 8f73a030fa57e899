"""Every page for staff in every state, one after the other, as a person comes to see it.

It needs no script, so it is walked with and without.
"""

from collections.abc import Iterator

from playwright.sync_api import Page

from experiments.screenshots.answers import ANSWERS
from experiments.screenshots.filling import fill, follow, press, send
from experiments.screenshots.office import OWNER, SCIENTIST, STAFF, Office
from experiments.screenshots.practice_walk import practice_walk

BEFORE = "2024-10-01"
"""A day before any request."""
NOBODY = {"answer.max_fee": "180"}
TOO_MANY = 429
RATED = {
    "model, many ratings": "model",
    "model history, many ratings": "model/history",
    "records, many ratings": "clinicians/records",
}
"""Pages of which a few ratings show too little."""


def walk(page: Page, office: Office) -> Iterator[str]:
    """The name of each state, while the page shows it; signed in at the end as a scientist."""
    yield from _entrance(page, office)
    yield from _asking(page, office)
    yield from _reading(page)
    yield from _deciding(page)
    yield from _following(page)
    yield from _other_requests(page, office)
    yield from _about_the_model(page, office)
    yield from _practice(page, office)
    yield from _refusals(page, office)


def counter_walk(page: Page, counter: Office) -> Iterator[str]:
    """The same pages where nothing was learned and nothing is kept."""
    page.goto(f"{counter.url}/staff")
    yield "open queue, empty"
    new_request(page, counter)
    send(page, ANSWERS)
    yield "open request, by the literature"
    page.goto(f"{counter.url}/staff")
    yield "open queue"
    page.goto(f"{counter.url}/staff/model")
    yield "open model"
    page.goto(f"{counter.url}/staff/clinicians")
    yield "open clinicians"


def rated_walk(page: Page, office: Office) -> Iterator[str]:
    """Pages that draw what many ratings say."""
    page.context.clear_cookies()
    sign_in(page, office, SCIENTIST)
    for state, address in RATED.items():
        page.goto(f"{office.url}/staff/{address}")
        yield state


def sign_in(page: Page, office: Office, name: str = STAFF) -> None:
    """Signs somebody in by name and password; waits after too many sign-ins within a minute."""
    while True:
        page.goto(f"{office.url}/staff/session")
        fill(page, {"name": name, "password": office.password})
        with page.expect_navigation() as navigation:
            page.locator("main").get_by_role("button", name="Sign in", exact=True).click()
        answer = navigation.value
        if answer is None or answer.status != TOO_MANY:
            return
        page.wait_for_timeout(1000 * int(answer.headers["retry-after"]))


def new_request(page: Page, office: Office) -> None:
    """Opens the empty form; answers restored from a form that was not sent are discarded."""
    page.goto(f"{office.url}/staff/requests/new")
    if page.get_by_role("button", name="Start again", exact=True).count():
        press(page, "Start again")


def _entrance(page: Page, office: Office) -> Iterator[str]:
    page.goto(f"{office.url}/staff")
    yield "sign in"
    send(page, {"name": STAFF, "password": "not the password"}, "Sign in")
    yield "sign in, refused"
    sign_in(page, office)
    yield "queue, empty"
    fill(page, {"sought": "nobody"})
    # With script the answer takes its place on the page, as one types.
    page.locator("main").get_by_role("button", name="Search", exact=True).click()
    page.locator("#found", has_text="Nothing has").wait_for()
    yield "queue, nothing found"


def _asking(page: Page, office: Office) -> Iterator[str]:
    new_request(page, office)
    yield "new request"
    send(page, {"answer.gad7": "99", "answer.home": "somewhere", "top_k": "0"})
    yield "new request, with faults"
    new_request(page, office)
    send(page, ANSWERS)
    yield "request"


def _reading(page: Page) -> Iterator[str]:
    address = page.url
    left_out, fitting = _people(page)
    send(page, {"why_not": left_out}, "Show why")
    yield "why not, left out"
    send(page, {"why_not": fitting[-1]}, "Show why")
    yield "why not, fits"
    page.goto(address)
    send(page, {"compare": fitting[:3]}, "Compare")
    yield "three compared"
    page.goto(address)


def _deciding(page: Page) -> Iterator[str]:
    address = page.url
    send(page, {}, "Override")
    yield "decision, refused"
    page.goto(address)
    press(page, "Choose")
    yield "request, decided"
    send(page, {"booked_on": ""}, "Record first appointment")
    yield "start, refused"
    send(page, {"booked_on": BEFORE}, "Record first appointment")
    yield "start, questioned"
    for each in page.locator('[name="confirmed"]').all():
        each.check()
    press(page, "Record first appointment")


def _following(page: Page) -> Iterator[str]:
    yield "pairing, begun"
    send(page, {"kind": "attended"}, "Add")
    yield "pairing, refused"
    page.goto(page.url.removesuffix("/events"))
    page.locator("#event-session").fill("3")
    send(page, {"kind": "attended"}, "Add")
    page.locator("#score-session").fill("3")
    page.locator("#score-score").fill("17")
    follow(page, page.locator('form[action$="/ratings"] button'))
    yield "pairing, rated low"
    page.locator("summary", has_text="Correct").click()
    correction = page.locator('form[action$="/corrections"]')
    correction.locator('[name="score"]').fill("47")
    correction.locator('[name="reason"]').select_option("typed_wrongly")
    follow(page, correction.get_by_role("button", name="Correct", exact=True))
    yield "pairing, corrected"
    press(page, "Show its items")
    yield "pairing, item by item"


def _other_requests(page: Page, office: Office) -> Iterator[str]:
    new_request(page, office)
    send(page, {**ANSWERS, **{"answer.model_consent": "no"}})
    yield "request, rules only"
    page.locator("summary", has_text="Close the request").click()
    page.locator("#close-reason").select_option("went_elsewhere")
    press(page, "Close request")
    yield "request, closed"
    new_request(page, office)
    send(page, {**ANSWERS, **NOBODY})
    yield "request, nobody fits"
    follow(page, page.get_by_role("button", name="Show the result").first)
    yield "request, relaxed"
    follow(page, page.get_by_role("link", name="Change answers"))
    yield "new request, filled in again"
    page.goto(f"{office.url}/staff")
    yield "queue"


def _about_the_model(page: Page, office: Office) -> Iterator[str]:
    for state, address in (
        ("model", "model"),
        ("model card", "model/card"),
        ("model history", "model/history"),
        ("clinicians", "clinicians"),
    ):
        page.goto(f"{office.url}/staff/{address}")
        yield state
    follow(page, page.locator("main th a").first)
    yield "clinician"


def _practice(page: Page, office: Office) -> Iterator[str]:
    sign_out(page)
    sign_in(page, office, OWNER)
    yield from practice_walk(page, office)
    sign_out(page)
    sign_in(page, office)


def sign_out(page: Page) -> None:
    """Signs out by the menu of the account."""
    page.locator("header .account").click()
    follow(page, page.locator("header").get_by_role("button", name="Sign out"))


def _refusals(page: Page, office: Office) -> Iterator[str]:
    page.goto(f"{office.url}/staff/requests/none")
    yield "not found"
    sign_out(page)
    sign_in(page, office, SCIENTIST)
    yield "welcome"
    page.goto(f"{office.url}/staff/clinicians/records")
    yield "records"
    page.goto(f"{office.url}/staff/requests/new")
    yield "refused"


def _people(page: Page) -> tuple[str, list[str]]:
    """Somebody who was left out, and everybody who is shown, by id."""
    left_out = page.locator('#why_not optgroup[label="Left out"] option').evaluate_all(_VALUES)
    return left_out[0], page.locator('[name="compare"][type="checkbox"]').evaluate_all(_VALUES)


_VALUES = "all => all.map(each => each.value)"
