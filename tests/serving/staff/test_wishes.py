"""What staff see of wishes: open ones first, found by the reference a client reads out."""

from recommender.journal.recommendations import find_recommendation
from recommender.journal.wishes import record_wish, spoken
from tests.support.page_reader import Reader, ask, deciding, read, send
from tests.support.server import LockedServer, TestClient


def wished(locked: LockedServer, address: str) -> str:
    """The reference of a wish for help to choose after a request."""
    with locked.store.writing() as connection:
        recorded = find_recommendation(connection, address.rpartition("/")[2])
        return spoken(record_wish(connection, recorded, None, actor="matching-page").reference)


def test_an_open_wish_is_listed_until_staff_decide(locked: LockedServer, staff: TestClient) -> None:
    address = ask(staff).url.path
    assert "Nobody is booked" not in read(staff, "/staff").text
    reference = wished(locked, address)
    text = read(staff, "/staff").text
    assert reference in text
    assert "Answer a new client: wants help to choose" in text

    assert send(staff, deciding(staff, address, "chosen")).status_code == 200
    assert "Nobody is booked" not in read(staff, "/staff").text


def test_a_request_is_found_by_the_reference_of_its_wish(
    locked: LockedServer, staff: TestClient
) -> None:
    address = ask(staff).url.path
    reference = wished(locked, address)
    ask(staff)
    search = read(staff, "/staff").form("/search")
    found = Reader(send(staff, search, sought=reference.lower()).text)
    assert "1 request found." in found.text
    assert ("href", f"{address}#decide") in found.attributes
