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
from urllib.parse import urlencode

import pytest
from sqlalchemy import func, select

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


class Site:
    """The sample, running, and what the recommender behind it stores."""

    def __init__(self, port: int, behind: int, store: Store, key: str) -> None:
        self.url, self.store, self.key = f"http://127.0.0.1:{port}/", store, key
        self.recommender = f"http://127.0.0.1:{behind}"

    def page(self, sent: list[tuple[str, str]] | None = None) -> str:
        """The form, or the page after it was sent."""
        data = None if sent is None else urlencode(sent).encode()
        with urllib.request.urlopen(self.url, data, timeout=30) as response:
            return str(response.read().decode())

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
    where = {"roster": folder / "clinicians.csv", "practice": "psychology"}
    with running_server(**where, store=url, pepper=PEPPER) as port:
        environment = {
            "RECOMMENDER_URL": f"http://127.0.0.1:{port}",
            "RECOMMENDER_KEY": key,
            "DECLARED": '{"risk_level": "level_3"}',
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


def test_the_form_has_the_clients_questions_and_never_the_key(site: Site) -> None:
    form = site.page()
    assert "How old are you?" in form
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
    page = html.unescape(site.page([("key", "k"), ("age_years", "-1"), ("main_concern", "null")]))
    assert "/answers/age_years is below the smallest value allowed" in page
    assert "<article>" not in page
    hostile = site.page([*ANSWERS[1:5], ("key", f"<{CANARY}>"), ("home.postcode", f'"<{CANARY}>"')])
    assert "/answers/home/0/postcode" in html.unescape(hostile)
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
    shows = "print(os.environ['RECOMMENDER_URL'], DECLARED)"
    typed = start.replace(
        "python backend.py", f'{sys.executable} -c "from backend import *; {shows}"'
    )
    printed = _typed(f"RECOMMENDER_KEY={site.key}\n{typed}", tmp_path)
    assert printed == f"{site.recommender} {{'risk_level': 'level_3'}}\n"


def _typed(commands: str, folder: Path) -> str:
    done = subprocess.run(
        ["sh", "-e", "-c", commands], cwd=folder, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_sample_of_the_page_is_that_of_the_clients() -> None:
    link = ROOT / "clients" / "samples" / SAMPLE
    assert link.resolve() == (STATIC_FOLDER / SAMPLE).resolve()
