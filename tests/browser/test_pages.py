"""Every page for staff in every state, looked at in a real browser."""

from itertools import chain

import pytest
from playwright.sync_api import Browser

from experiments.screenshots.chromium import WIDE
from experiments.screenshots.office import SCIENTIST, Office
from experiments.screenshots.walk import counter_walk, sign_in, walk
from recommender.store.database import open_store
from tests.support.browser_checks import Looker, Seen, failing
from tests.support.rated_pairings import keep_matches

pytestmark = pytest.mark.slow

MOST_BYTES = 150_000
FEWEST_STATES = 34
RATED = 120


@pytest.fixture(scope="module")
def seen(browser: Browser, axe: str, new_office: Office, counter: Office) -> dict[str, Seen]:
    """What is seen of each state, on the way of a person through all pages."""
    page = browser.new_page(viewport=WIDE)
    looker = Looker(page, axe, new_office.url, counter.url)
    states = chain(walk(page, new_office), counter_walk(page, counter))
    found = {state: looker.look() for state in states}
    page.close()
    return found


def test_every_page_is_seen_in_every_state(seen: dict[str, Seen]) -> None:
    assert len(seen) >= FEWEST_STATES


def test_nothing_stands_in_the_way_of_anybody_in_light_or_dark(seen: dict[str, Seen]) -> None:
    assert failing(seen, "barriers") == {}


def test_no_policy_is_broken_and_nothing_goes_wrong(seen: dict[str, Seen]) -> None:
    assert failing(seen, "errors") == {}


def test_nothing_is_asked_of_another_server(seen: dict[str, Seen]) -> None:
    assert failing(seen, "elsewhere") == {}


def test_no_page_is_large_with_all_it_loads(seen: dict[str, Seen]) -> None:
    sizes = {state: each.bytes_loaded for state, each in seen.items()}
    assert all(1_000 < size < MOST_BYTES for size in sizes.values()), sizes


def test_at_four_times_the_size_everything_is_there_without_scrolling_sideways(
    seen: dict[str, Seen],
) -> None:
    assert failing(seen, "overflowing") == {}
    assert failing(seen, "lost") == {}


def test_text_and_marks_stand_out_in_colours_the_reader_chose(seen: dict[str, Seen]) -> None:
    assert failing(seen, "faint") == {}


def test_text_and_marks_stand_out_on_paper(seen: dict[str, Seen]) -> None:
    assert failing(seen, "unprinted") == {}


def test_without_script_every_state_is_reached_the_same_way(
    browser: Browser, seen: dict[str, Seen], new_office: Office
) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    reached = list(walk(page, new_office))
    assert reached == [state for state in seen if not state.startswith("open ")]
    context.close()


def test_pictures_of_many_ratings_are_as_sound(
    browser: Browser, axe: str, new_office: Office, seen: dict[str, Seen]
) -> None:
    """What `seen` saw had too few ratings to draw."""
    store = open_store(new_office.store)
    keep_matches(store, RATED)
    store.close()
    page = browser.new_page(viewport=WIDE)
    sign_in(page, new_office, SCIENTIST)
    looker = Looker(page, axe, new_office.url)
    drawn = {}
    for address in ("model", "model/history", "clinicians/records"):
        page.goto(f"{new_office.url}/staff/{address}")
        assert page.locator("main svg, main table").count() > 0, address
        drawn[address] = looker.look()
    page.close()
    for part in ("barriers", "errors", "elsewhere", "overflowing", "lost", "faint", "unprinted"):
        assert failing(drawn, part) == {}, part
    assert max(each.bytes_loaded for each in drawn.values()) < MOST_BYTES
