"""The sample back end, run as its page says, against a live server with the key of a tool."""

import html
import os
import re
import shutil
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from urllib.error import HTTPError
from urllib.parse import urlencode

import pytest
from sqlalchemy import func, select

from recommender.practice.definition import shipped_text
from recommender.security.scopes import Role
from recommender.serving.reference.page import SAMPLE, STATIC_FOLDER
from recommender.store.database import Store, open_store
from recommender.store.schema import recommendations
from tests.support.server import CANARY, PEPPER, new_key, wait_until
from tests.support.server_process import free_port, http_request, running_server
from tests.support.simulated_world import write_simulated_tables

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[3]
ANSWERS = [
    ("key", "6b1f0d6e-3a59-4c1d-9d0a-6f1f1f0c2c1e"),
    ("age_years", "34"),
    ("main_concern", '"anxiety"'),
    ("modes_wanted", '"video"'),
    ("modes_wanted", '"in_person"'),
    ("home.postcode", '"2042"'),
    ("hours_free.day", '"mon"'),
    ("hours_free.start", '"09:00"'),
    ("hours_free.end", '"17:00"'),
    ("funding", '"private"'),
    ("model_consent", "true"),
]
"""What a browser sends for a form that was filled in, some questions left open."""
SAFE = [("safe", "6b1f0d6e-3a59-4c1d-9d0a-6f1f1f0c2c1e"), ("safety.0", '"No"')]
TELEPHONE = "02 5550 0100"


class Site:
    """The sample, running, and what the recommender behind it stores."""

    def __init__(self, port: int, behind: int, store: Store, key: str) -> None:
        self.url, self.store, self.key = f"http://127.0.0.1:{port}/", store, key
        self.recommender = f"http://127.0.0.1:{behind}"

    def page(self, sent: list[tuple[str, str]] | None = None) -> str:
        """The form, or the page after it was sent."""
        data = None if sent is None else urlencode(sent).encode()
        with urllib.request.urlopen(self.url, data, timeout=30) as response:
            return html.unescape(response.read().decode())

    def recorded(self) -> int:
        with self.store.reading() as connection:
            return connection.execute(
                select(func.count()).select_from(recommendations)
            ).scalar_one()


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    folder = tmp_path_factory.mktemp("site")
    write_simulated_tables(folder)
    url = f"sqlite:///{folder / 'journal.db'}"
    store = open_store(url)
    key, own = new_key(store, "site", Role.TOOL).text, free_port()
    (folder / "practice.toml").write_text(
        shipped_text("psychology").replace('telephone = "" ', f'telephone = "{TELEPHONE}"', 1)
    )
    where = {"roster": folder / "clinicians.csv", "practice": folder / "practice.toml"}
    with running_server(**where, store=url, pepper=PEPPER) as port:
        environment = {
            "RECOMMENDER_URL": f"http://127.0.0.1:{port}",
            "RECOMMENDER_KEY": key,
        }
        program = [sys.executable, str(ROOT / "clients" / "samples" / SAMPLE), str(own)]
        process = subprocess.Popen(
            program, env=os.environ | environment, stderr=subprocess.DEVNULL, cwd=folder
        )
        try:
            wait_until(lambda: _answers(own))
            yield Site(own, port, store, key)
        finally:
            process.terminate()
            process.wait(30)
    store.close()


def _answers(port: int) -> bool:
    try:
        return http_request(port, "GET", "/")[0] == 200
    except OSError:
        return False


def test_safety_is_asked_before_anything_else(site: Site) -> None:
    first = site.page()
    assert "are you thinking about ending your life" in first
    assert set(re.findall(r'name="([\w.]+)"', first)) == {"safe", "safety.0"}


@pytest.mark.parametrize("safety", [[("safety.0", '"Yes"')], [("safety.0", '"Not sure"')], []])
def test_a_client_who_may_be_at_risk_gets_numbers_and_no_list(
    site: Site, safety: list[tuple[str, str]]
) -> None:
    page = site.page([SAFE[0], *safety])
    assert TELEPHONE in page
    assert "Lifeline: 13 11 14" in page
    assert "<form" not in page
    assert "<article>" not in page


def test_a_minor_reads_the_practices_text_and_nothing_is_sent(site: Site) -> None:
    before = site.recorded()
    page = site.page([ANSWERS[0], ("age_years", "16"), *ANSWERS[2:]])
    assert "For people under 18 we talk first" in page
    assert TELEPHONE in page
    assert "<article>" not in page
    assert site.recorded() == before


@pytest.mark.parametrize("sent", [ANSWERS[1:], [], [*ANSWERS[:1], ("age_years", "abc")]])
def test_what_no_form_of_the_sample_sends_is_refused(
    site: Site, sent: list[tuple[str, str]]
) -> None:
    with pytest.raises(HTTPError) as refused:
        site.page(sent)
    assert refused.value.code == 400
    assert "start again" in refused.value.read().decode()


def test_what_is_open_and_needed_is_asked_for_in_the_words_of_a_client(site: Site) -> None:
    page = site.page([*ANSWERS[:-2], ("funding", '"medicare"')])
    assert "Please answer this as well: Do you have a referral" in page
    assert "`" not in page


def test_the_form_has_the_clients_questions_and_never_the_key(site: Site) -> None:
    form = site.page(SAFE)
    assert "How old are you?" in form
    assert re.search(r'name="age_years"[^>]* required', form)
    assert re.search(r'name="funding" required', form)
    assert "2042 Newtown" in form
    assert "Anxiety or worry" in form
    assert site.key not in form
    names = set(re.findall(r'name="([\w.]+)"', form))
    assert {name for name, _ in ANSWERS} <= names


def test_a_form_that_is_filled_in_shows_cards_and_a_double_click_is_one_request(
    site: Site,
) -> None:
    before = site.recorded()
    pages = [site.page(ANSWERS) for _ in range(2)]
    assert pages[0] == pages[1]
    assert site.recorded() == before + 1
    changed = site.page([each for each in ANSWERS if each[1] != '"video"'])
    assert "<article>" in changed
    assert site.recorded() == before + 2
    cards = re.findall(r"<article><h2>(.*?)</h2><ul>(.*?)</ul></article>", pages[0])
    assert len(cards) == 5
    for _, facts in cards:
        assert "you pay AUD" in facts
        assert "next time: 20" in facts
    assert "not a diagnosis or a promise" in pages[0]
    assert site.key not in pages[0]


def test_what_is_wrong_is_shown_with_its_remedy(site: Site) -> None:
    before = site.recorded()
    page = site.page([("key", "k"), ("age_years", "130"), ("main_concern", "null")])
    assert "/answers/age_years is above the largest value allowed" in page
    assert "<article>" not in page
    hostile = site.page([*ANSWERS[1:5], ("key", f"<{CANARY}>"), ("home.postcode", f'"<{CANARY}>"')])
    assert "/answers/home/0/postcode" in hostile
    assert CANARY not in hostile
    assert site.recorded() == before


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
def test_what_the_page_says_to_type_works_as_it_is_typed(site: Site, tmp_path: Path) -> None:
    with urllib.request.urlopen(f"{site.recommender}/docs") as response:
        page = response.read().decode()
    first, questions, start = map(
        html.unescape, re.findall(r"<pre[^>]*><code>(.*?)</code></pre>", page, re.DOTALL)
    )
    assert first.startswith("RECOMMENDER_KEY=rk_...\n")
    # What people type instead of the dots, and where they saved the sample.
    typed = first.replace("rk_...", site.key) + questions
    answered = _typed(typed, tmp_path)
    assert '"shortlist":[{' in answered
    assert '"ui_schema":' in answered
    (tmp_path / SAMPLE).write_bytes((STATIC_FOLDER / SAMPLE).read_bytes())
    shows = "print(URL, KEY == os.environ['RECOMMENDER_KEY'])"
    typed = start.replace(
        "python backend.py", f'{sys.executable} -c "from backend import *; {shows}"'
    )
    printed = _typed(f"RECOMMENDER_KEY={site.key}\n{typed}", tmp_path)
    assert printed == f"{site.recommender} True\n"


def _typed(commands: str, folder: Path) -> str:
    done = subprocess.run(
        ["sh", "-e", "-c", commands], cwd=folder, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_sample_of_the_page_is_that_of_the_clients() -> None:
    link = ROOT / "clients" / "samples" / SAMPLE
    assert link.resolve() == (STATIC_FOLDER / SAMPLE).resolve()
