"""A start is recorded once, questioned where it contradicts the request, and undone."""

from recommender.journal.pairings import events_of, pairings_from
from tests.support.page_reader import (
    Form,
    Reader,
    begun,
    decided,
    forms,
    read,
    send,
)
from tests.support.server import LockedServer, TestClient

DAY = "2026-12-02"
"""A Wednesday, on which the clinician works."""


def starting(staff: TestClient) -> Form:
    """The form that starts a pairing from a request decided on."""
    (form,) = forms(staff, decided(staff), "/pairings")
    return form


def undoing(staff: TestClient, address: str) -> Form:
    found = read(staff, address).forms
    return next(each for each in found if each.fields.get("kind") == ["withdrawn"])


def test_a_start_needs_the_day_of_the_first_appointment(staff: TestClient) -> None:
    refused = send(staff, starting(staff), booked_on="", pairing_id="p7")
    assert refused.status_code == 422
    assert "Enter the day of the first appointment." in Reader(refused.text).text
    assert Reader(refused.text).form("/pairings").fields["pairing_id"] == ["p7"]


def test_a_request_was_started_twice(locked: LockedServer, staff: TestClient) -> None:
    """A press on a form that was still open in another window made a second pairing."""
    form = starting(staff)
    assert send(staff, form, booked_on=DAY, pairing_id="p1").status_code == 200
    refused = send(staff, form, booked_on=DAY, pairing_id="p2")
    assert refused.status_code == 409
    text = Reader(refused.text).text
    assert "This request has started already: k02 with c9999, first appointment 2 Dec" in text
    name = form.action.split("/")[3]
    with locked.store.reading() as connection:
        assert len(pairings_from(connection, [name])[name]) == 1


def test_a_first_appointment_before_the_request_is_asked_about_and_confirmed(
    staff: TestClient,
) -> None:
    form = starting(staff)
    asked = send(staff, form, booked_on="2026-11-04", pairing_id="p1")
    assert asked.status_code == 422
    again = Reader(asked.text).form("/pairings")
    assert again.fields["booked_on"] == ["2026-11-04"]
    assert "before the day of the request, 23 November 2026" in Reader(asked.text).text
    other = send(staff, again, confirmed="session_skipped")
    assert other.status_code == 422
    assert send(staff, again, confirmed="before_request").status_code == 200


def test_an_undone_start_stays_visible_and_another_may_follow(
    locked: LockedServer, staff: TestClient
) -> None:
    address = begun(staff)
    form = undoing(staff, address)
    assert send(staff, form).status_code == 422
    done = send(staff, form, reason="wrong_client")
    text = Reader(done.text).text
    assert "Undone: started by mistake" in text
    assert "Wrong client" in text
    assert [each.action for each in Reader(done.text).forms if "/ratings" in each.action] == []
    assert send(staff, form, reason="wrong_client").status_code == 409
    assert kinds(locked, "p1") == ["booked", "withdrawn"]
    work = read(staff, "/staff").text
    assert "Set a new first appointment for c9999, or choose another clinician" in work
    assert "Start undone" in work
    request = next(
        value
        for name, value in read(staff, address).attributes
        if name == "href" and "/requests/" in value and not value.endswith("/new")
    )
    undone = "The start was undone; set a new first appointment or choose another"
    assert undone in read(staff, request).text
    (again,) = forms(staff, request, "/pairings")
    assert send(staff, again, booked_on=DAY, pairing_id="p2").status_code == 200


def test_undoing_after_a_session_is_asked_about(locked: LockedServer, staff: TestClient) -> None:
    address = begun(staff)
    told = {"kind": "attended", "happened_on": "2024-10-01", "session": "1"}
    send(staff, read(staff, address).form("/events"), **told, confirmed="before_request")
    form = undoing(staff, address)
    asked = send(staff, form, reason="other")
    assert asked.status_code == 422
    assert "Sessions are recorded as attended" in Reader(asked.text).text
    assert kinds(locked, "p1") == ["booked", "attended"]
    assert send(staff, form, reason="other", confirmed="undo_attended").status_code == 200
    assert kinds(locked, "p1")[-1] == "withdrawn"


def test_a_rating_entered_under_the_wrong_session_is_corrected(staff: TestClient) -> None:
    address = begun(staff)
    rating = read(staff, address).form("/ratings")
    send(staff, rating, session="3", score="48", rated_on="2024-10-15")
    correction = read(staff, address).form("/corrections")
    assert correction.fields["score"] == ["48"]
    corrected = send(staff, correction, session="4", reason="wrong_form")
    text = Reader(corrected.text).text
    assert "Session 3, WAI-SR" in text
    assert "Session 4, WAI-SR" in text
    assert "Withdrawn" in text


def kinds(locked: LockedServer, pairing_id: str) -> list[str]:
    with locked.store.reading() as connection:
        return [each.kind for each in events_of(connection, pairing_id)]
