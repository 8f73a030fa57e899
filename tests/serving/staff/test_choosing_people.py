"""Staff choose clinicians of the roster by name, and see when an earlier answer names nobody."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from recommender.serving.staff.views.form_entries import FEW_PEOPLE
from recommender.settings import Settings
from tests.support.builders import a_bundle, some_rows, write_rows
from tests.support.page_reader import Form, Reader, ask, decided, forms, read, send
from tests.support.server import TestClient, local_client

HOSTILE = '"><script>alert(1)</script>'
FIELD = "answer.not_with"
NEW = "/staff/requests/new"


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    """A server with more clinicians than a form shows at once, one of them with a hostile name."""
    directory = tmp_path_factory.mktemp("desk")
    rows = some_rows(pairings=2, clinicians=FEW_PEOPLE + 8)
    for row in rows["clinicians"]:
        row["clinician_id"] = f"0{row['clinician_id'].removeprefix('k')}"
    rows["clinicians"][3]["name"] = HOSTILE
    rows["clinicians"][5]["name"] = "Two Sites"
    write_rows(directory, rows)
    settings = Settings(bundle=a_bundle(directory), roster=directory / "clinicians.csv")
    with local_client(settings) as client:
        yield client


def named(form: Form) -> list[str]:
    """Who is named in the form, by ticks and in the line beside them."""
    return sorted(filter(None, form.fields[FIELD]))


def test_every_clinician_is_in_one_list_that_opens_as_one_types(desk: TestClient) -> None:
    page = read(desk, NEW)
    assert page.forms[-1].unlabelled == []
    assert page.attributes.count(("value", "005")) == 1
    assert ("list", "people") in page.attributes
    assert "Two Sites" in page.text


def test_a_hostile_name_stays_text(desk: TestClient) -> None:
    text = desk.get(NEW).text
    assert HOSTILE not in text
    assert HOSTILE in Reader(text).text
    chosen = read(desk, f"{ask(desk, **{FIELD: ['003']}).url.path}/again").text
    assert f"{HOSTILE} (003)" in chosen


def test_several_can_be_typed_in_the_line(desk: TestClient) -> None:
    page = ask(desk, **{FIELD: "005, 007"})
    assert named(read(desk, f"{page.url.path}/again").form("/staff/requests")) == ["005", "007"]


def test_who_is_ticked_is_left_out_and_shown_by_name(desk: TestClient) -> None:
    page = ask(desk, top_k="50", **{FIELD: ["005", "007"]})
    shortlist = page.text.split('id="shortlist"')[1].split('id="why-not-heading"')[0]
    assert "Two Sites" not in shortlist.split('id="decide"')[0]
    assert "Two Sites (005), " in Reader(page.text.split('id="used"')[1]).text
    asked = read(desk, f"{page.url.path}/again").form("/staff/requests")
    assert named(asked) == ["005", "007"]


def test_nobody_ticked_on_purpose_stays_an_answer(desk: TestClient) -> None:
    page = ask(desk, **{FIELD: "none"})
    again = read(desk, f"{page.url.path}/again").form("/staff/requests")
    assert named(again) == ["none"]
    assert "None of these" in Reader(page.text.split('id="used"')[1]).text


def test_a_clinician_written_without_zeros_is_said_before_the_shortlist(desk: TestClient) -> None:
    page = ask(desk, **{FIELD: "5"})
    before, _ = page.text.split('id="shortlist"')
    said = Reader(before).text
    assert "Clinicians the client cannot see: 5 (did you mean 005?) is nobody on the roster" in said


def test_an_earlier_answer_that_names_nobody_stays_ticked_and_is_said(desk: TestClient) -> None:
    page = ask(desk, **{FIELD: ["5", "k99"]})
    again = read(desk, f"{page.url.path}/again")
    assert named(again.form("/staff/requests")) == ["5", "k99"]
    assert "Not on the roster" in again.text
    assert (
        "5: nobody on the roster, so that Two Sites (005) is not excluded by it; did you mean Two "
        "Sites (005)?" in Reader(again.text).text
    )
    assert "k99: nobody on the roster" in again.text
    mended = send(desk, again.form("/staff/requests"), **{FIELD: ["005"]})
    assert "nobody on the roster" not in Reader(mended.text).text


def test_a_block_by_full_name_is_refused_and_proposes_the_clinician(desk: TestClient) -> None:
    page = ask(desk, **{FIELD: "T. Sites"})
    assert page.status_code == 422
    assert "T. Sites: nobody on the roster, so that Two Sites (005)" in Reader(page.text).text


def test_a_form_with_a_fault_comes_back_with_everybody_ticked(desk: TestClient) -> None:
    page = ask(desk, **{FIELD: ["005", "5"], "answer.directive": "abc"})
    assert page.status_code == 422
    found = Reader(page.text)
    assert named(found.form("/staff/requests")) == ["005", "5"]
    assert "5: nobody on the roster" in found.text


def test_the_code_of_a_client_who_is_listed_nearly_so_is_shown_to_staff(
    tmp_path: Path,
) -> None:
    rows = some_rows(pairings=2)
    rows["clinicians"][4]["not_with"] = "c-012"
    write_rows(tmp_path, rows)
    settings = Settings(bundle=a_bundle(tmp_path), roster=tmp_path / "clinicians.csv")
    with local_client(settings) as client:
        text = Reader(ask(client, client_id="C012").text).text
    assert "A list of the roster has a client code that differs from this one only in case" in text
    assert "On a list of the roster as: c-012." in text


def test_a_search_for_a_code_in_other_letters_finds_nobody_and_says_whom_it_may_mean(
    staff: TestClient,
) -> None:
    ask(staff, client_id="c0012")
    sought = read(staff, "/staff").form("/search")
    found = send(staff, sought, sought="C-12").text
    assert "0 requests found. Did you mean c0012?" in found
    assert "Did you mean" not in send(staff, sought, sought="%").text


def test_a_pairing_begun_under_a_second_code_of_a_client_says_so(staff: TestClient) -> None:
    ask(staff, client_id="c0012")
    for number, (code, warned) in enumerate((("C12", True), ("c77", False))):
        (begin,) = forms(staff, decided(staff, client_id=""), "/pairings")
        given = {"client_id": code, "pairing_id": f"p{number}", "booked_on": "2026-12-02"}
        page = Reader(send(staff, begin, **given).text)
        assert "First appointment with" not in page.text
        assert ("Another client is recorded as c0012." in page.text) is warned
