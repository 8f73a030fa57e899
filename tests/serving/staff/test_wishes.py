"""What staff see of wishes: open ones first, found by the reference a client reads out."""

from recommender.journal.recording import prepare_recommendation, record_recommendation
from recommender.journal.wishes import spoken
from tests.support.journal_rows import a_recommendation, wish
from tests.support.page_reader import Reader, ask, deciding, read, send
from tests.support.server import LockedServer, TestClient


def wished(locked: LockedServer, address: str) -> str:
    """The reference of a wish for help to choose after a request."""
    name = address.rpartition("/")[2]
    return spoken(wish(locked.store, name, None, actor="matching-page").reference)


def test_an_open_wish_is_listed_until_staff_decide(locked: LockedServer, staff: TestClient) -> None:
    address = ask(staff).url.path
    assert "Nobody is booked" not in read(staff, "/staff").text
    reference = wished(locked, address)
    text = read(staff, "/staff").text
    assert reference in text
    assert "Answer a new client: wants help to choose" in text

    assert send(staff, deciding(staff, address, "chosen")).status_code == 200
    assert "Nobody is booked" not in read(staff, "/staff").text


def test_the_page_of_a_wish_says_on_top_what_was_asked_and_that_nobody_is_booked(
    locked: LockedServer, staff: TestClient
) -> None:
    address = ask(staff).url.path
    before = read(staff, address).text
    assert "Nobody is booked" not in before
    reference = wished(locked, address)
    text = read(staff, address).text
    top = text.split("Asked ")[0]
    assert f"Reference {reference}: the client asked to be called back, " in top
    assert "Nobody is booked." in top
    assert ("href", address) in read(staff, "/staff").attributes


def test_a_list_of_the_matching_page_without_a_wish_is_no_task(
    locked: LockedServer, staff: TestClient
) -> None:
    with locked.store.writing() as connection:
        for name, actor in (("r1", "matching-page"), ("r2", "a.desk")):
            record_recommendation(
                connection, prepare_recommendation(a_recommendation(name, None)), actor=actor
            )
    listed = read(staff, "/staff").attributes
    assert ("href", "/staff/requests/r2") in listed
    assert ("href", "/staff/requests/r1") not in listed
    wish(locked.store, "r1", actor="matching-page")
    assert ("href", "/staff/requests/r1") in read(staff, "/staff").attributes


def test_a_request_is_found_by_the_reference_of_its_wish(
    locked: LockedServer, staff: TestClient
) -> None:
    address = ask(staff).url.path
    reference = wished(locked, address)
    ask(staff)
    search = read(staff, "/staff").form("/search")
    found = Reader(send(staff, search, sought=reference.lower()).text)
    assert "1 request found." in found.text
    assert ("href", address) in found.attributes
