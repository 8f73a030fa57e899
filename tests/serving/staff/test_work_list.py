"""The work list as staff see it: parts of it, and search."""

import pytest

from tests.support.journal_rows import recommend
from tests.support.page_reader import Reader, ask, begun, deciding, first, read, send
from tests.support.server import LockedServer, TestClient

PREFIX = 8


def search(staff: TestClient, text: str) -> Reader:
    return Reader(send(staff, read(staff, "/staff").form("/search"), sought=text).text)


def links(page: Reader) -> list[str]:
    return [value for name, value in page.attributes if name == "href"]


def test_an_empty_list_says_what_to_do(staff: TestClient) -> None:
    page = read(staff, "/staff")
    assert "When a client calls, start with New request" in page.text
    assert page.form("/requests/new").method == "get"


def test_a_request_is_found_by_what_the_list_prints_of_it(staff: TestClient) -> None:
    address = ask(staff, client_id="C-1042").url.path
    other = ask(staff, client_id="C-2001").url.path
    name = address.rpartition("/")[2]
    assert name[:PREFIX] in read(staff, "/staff").text
    for text in ("c-1042", "1042", "C1042", name[:PREFIX], name[:PREFIX].upper()):
        found = links(search(staff, text))
        assert address in found, text
        assert other not in found, text


def test_a_request_is_found_by_part_of_the_name_of_who_was_chosen(staff: TestClient) -> None:
    address = ask(staff, client_id="C-1042").url.path
    choice = deciding(staff, address, "chosen")
    send(staff, choice, clinician_id=first(staff, address))
    chosen = first(staff, address)
    assert f"{address}#decide" in links(search(staff, chosen))
    assert "Nothing has “zz” in it" in search(staff, "zz").text


def test_a_code_typed_nearly_right_is_asked_about(staff: TestClient) -> None:
    ask(staff, client_id="c0012")
    assert "Did you mean c0012?" in search(staff, "c12").text


@pytest.mark.parametrize(
    ("query", "listed"),
    [
        ("", True),
        ("?show=decide", True),
        ("?show=book", False),
        ("?mine=yes", True),
        ("?today=yes", True),
        ("?show=nonsense", True),
    ],
)
def test_a_part_of_the_list_is_shown_by_its_address(
    staff: TestClient, query: str, listed: bool
) -> None:
    ask(staff, client_id="C-1042")
    text = read(staff, f"/staff{query}").text
    assert ("Choose a clinician for C-1042" in text) is listed
    assert ("Nothing here." in text) is not listed


def test_requests_of_a_colleague_are_not_mine(locked: LockedServer, staff: TestClient) -> None:
    recommend(locked.store, "r1", "C-3001")
    assert "Choose a clinician for C-3001" in read(staff, "/staff").text
    assert "Choose a clinician for C-3001" not in read(staff, "/staff?mine=yes").text


def test_a_low_rating_comes_first_until_the_pairing_ends(staff: TestClient) -> None:
    address = begun(staff)
    rating = read(staff, address).form("/ratings")
    send(staff, rating, session="3", score="12", rated_on="2024-10-15")
    assert "Talk with c9999: the rating is low" in read(staff, "/staff").text
    event = read(staff, address).form("/events")
    told = {"kind": "ended", "happened_on": "2024-10-20", "confirmed": "before_request"}
    assert send(staff, event, **told).status_code == 200
    assert "Talk with" not in read(staff, "/staff").text


def test_no_client_code_is_in_an_address(staff: TestClient) -> None:
    # Ids of requests are drawn hexadecimal digits: the code must hold something they cannot.
    ask(staff, client_id="C-1042-XYZ")
    pages = read(staff, "/staff"), search(staff, "C-1042-XYZ")
    assert all("C-1042-XYZ" in page.text for page in pages)
    assert not any("xyz" in address.casefold() for page in pages for address in links(page))
