"""Pages stay small and whole on rosters and definitions as large as practices have."""

import gzip
import re
from pathlib import Path

import pytest

from recommender.practice.definition import shipped_practice
from recommender.serving.staff.page import (
    FOUNDATION,
    ICON,
    SCRIPT,
    STATIC_FOLDER,
    STYLE,
)
from recommender.settings import Settings
from tests.support.builders import a_bundle, write_tables
from tests.support.page_reader import Reader, ask, read
from tests.support.server import (
    WHOLE,
    TestClient,
    a_request,
    local_client,
)

MOST_BYTES = 150_000
AGE = {"answer.age_years": "34"}


def packed_size(name: str) -> int:
    return len(gzip.compress((STATIC_FOLDER / name).read_bytes()))


@pytest.fixture(scope="module")
def many(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    directory = tmp_path_factory.mktemp("many")
    write_tables(directory, clinicians=200)
    return Settings(bundle=a_bundle(directory), roster=directory / "clinicians.csv")


def test_two_hundred_clinicians_fit_a_page(many: Settings) -> None:
    with local_client(many) as client:
        address = ask(client, top_k="50", **{"answer.max_fee": "200"}).url.path
        answer = client.post(WHOLE, json=a_request({"max_fee": 200.0}, top_k=50)).json()
        text = client.get(address).text
        one, other = (answer["shortlist"][place]["clinician_id"] for place in (0, -1))
        compared = client.get(f"{address}?why_not={other}&one={one}&other={other}").text
        clinicians = client.get("/staff/clinicians").text
    largest = max(len(each.encode()) for each in (text, compared, clinicians))
    assert largest + sum(map(packed_size, (SCRIPT, FOUNDATION, STYLE, ICON))) < MOST_BYTES
    eligible, roster = (int(each) for each in re.findall(r"(\d+) of (\d+) clinicians fit", text)[0])
    assert roster == 200
    assert (eligible, roster - eligible) == (answer["eligible"], len(answer["excluded"]))
    table = text.split('id="left-out"')[1].split("</table>")[0]
    removed = [int(each) for each in re.findall(r'"figure">(\d+)<', table)[::2]]
    reasons = [len(each["reasons"]) for each in answer["excluded"]]
    assert min(reasons) >= 1
    assert sum(removed) == sum(reasons)


def unpacked_size(client: TestClient, text: str) -> int:
    """Bytes of a page and of all files it loads, before any compression."""
    files = re.findall(r'(?:src|href)="(/staff/static/[^"]+)"', text)
    assert len(files) >= 5
    return len(text.encode()) + sum(len(client.get(each).content) for each in files)


def test_a_form_that_offers_two_hundred_clinicians_fits_a_page(tmp_path: Path) -> None:
    roster = tmp_path / "clinicians.csv"
    fields = shipped_practice().fields("clinician")
    names = "".join(f"k{n:03d},Dr Alexandra Wattle-{n}{',' * len(fields)}\n" for n in range(200))
    roster.write_text(f"clinician_id,name,{','.join(fields)}\n{names}")
    with local_client(Settings(practice="psychology", roster=roster)) as client:
        text = client.get("/staff/requests/new").text
        size = unpacked_size(client, text)
    assert text.count('value="k199"') == 1
    assert text.count('list="people"') == 3
    assert size < MOST_BYTES


def test_the_definition_that_ships_makes_a_form_with_a_label_on_everything(tmp_path: Path) -> None:
    roster = tmp_path / "clinicians.csv"
    fields = shipped_practice().fields("clinician")
    roster.write_text(f"clinician_id,name,{','.join(fields)}\nk001,A. Wattle{',' * len(fields)}\n")
    with local_client(Settings(practice="psychology", roster=roster)) as client:
        found = read(client, "/staff/requests/new")
        size = unpacked_size(client, client.get("/staff/requests/new").text)
        page = ask(
            client, **{"answer.concern": "", "answer.wanted": [], "answer.directive": ""}, **AGE
        )
    assert [form.unlabelled for form in found.forms] == [[]]
    assert size < MOST_BYTES
    assert "Psychology practice (Australia)" in found.text
    assert page.status_code == 200, Reader(page.text).text
