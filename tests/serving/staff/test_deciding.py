from typing import Any

import pytest

from recommender.journal.chain import verify
from tests.serving.guarded import Guarded
from tests.serving.served import TestClient
from tests.serving.staff.reading import Form, Reader, ask, read, send

CLIENT = {"client_id": "c9999"}


def forms(client: TestClient, address: str, ending: str) -> list[Form]:
    return [form for form in read(client, address).forms if form.action.endswith(ending)]


def decided(staff: TestClient) -> str:
    """The address of a request somebody was chosen on."""
    address = str(ask(staff, **CLIENT).url.path)
    choose, _ = forms(staff, address, "/decisions")
    assert send(staff, choose, clinician_id=first(staff, address)).status_code == 200
    return address


def first(staff: TestClient, address: str) -> str:
    name = address.rsplit("/", 1)[1]
    told: dict[str, Any] = staff.get(f"/v1/recommendations/{name}").json()
    return str(told["shortlist"][0]["clinician_id"])


def begun(staff: TestClient) -> str:
    """The address of a pairing that began from a request."""
    address = decided(staff)
    (form,) = forms(staff, address, "/pairings")
    page = send(staff, form, booked_on="2024-10-01", pairing_id="p1")
    assert page.status_code == 200, Reader(page.text).text
    return str(page.url.path)


def test_somebody_shown_is_chosen_by_the_form_alone(locked: Guarded, staff: TestClient) -> None:
    address = decided(staff)
    text = read(staff, address).text
    assert "Decisions, oldest first" in text
    assert "Decided" in read(staff, "/staff").text
    with locked.store.reading() as connection:
        assert verify(connection).holds


def test_an_override_needs_a_reason(staff: TestClient) -> None:
    address = ask(staff).url.path
    _, override = forms(staff, address, "/decisions")
    refused = send(staff, override, clinician_id="k01")
    assert refused.status_code == 422
    assert "Reason is missing" in Reader(refused.text).text
    kept = send(staff, override, clinician_id="k01", reason="client_asked")
    assert kept.status_code == 200
    assert "The client asked for it" in read(staff, address).text


def test_of_two_who_decide_at_once_one_is_told(staff: TestClient) -> None:
    address = ask(staff).url.path
    one, other = forms(staff, address, "/decisions")
    assert send(staff, one, clinician_id=first(staff, address)).status_code == 200
    late = send(staff, other, clinician_id="k01", reason="availability")
    assert late.status_code == 412
    text = Reader(late.text).text
    assert "Somebody else was first" in text
    assert "Availability" not in text.split("Decisions, oldest first")[1].split("A later")[0]
    again = forms(staff, address, "/decisions")[1]
    assert send(staff, again, clinician_id="k01", reason="availability").status_code == 200


def test_what_came_of_it_is_told_rated_and_corrected(staff: TestClient) -> None:
    address = begun(staff)
    found = read(staff, address)
    assert "Booked" in found.text
    event = found.form("/events")
    send(staff, event, kind="attended", happened_on="2024-10-01", session="1")
    send(staff, event, kind="attended", happened_on="2024-10-15", session="3")
    rating = read(staff, address).form("/ratings")
    given = {"session": "3", "score": "48", "rated_on": "2024-10-15"}
    page = send(staff, rating, **given)
    assert page.status_code == 200, Reader(page.text).text
    assert "48 (sum)" in Reader(page.text).text
    twice = send(staff, rating, **given)
    assert twice.status_code == 409
    correct = read(staff, address).form("/corrections")
    page = send(staff, correct, score="40", reason="typed_wrongly")
    text = Reader(page.text).text
    assert "40 (sum)" in text
    assert "48 (sum)" in text
    stale = send(staff, correct, score="41", reason="typed_wrongly")
    assert stale.status_code == 412
    assert "Rated" in read(staff, "/staff").text
    withdrawn = send(staff, read(staff, address).form("/corrections"), reason="other")
    assert "Withdrawn" in Reader(withdrawn.text).text


@pytest.mark.parametrize(("score", "offered"), [("12", True), ("48", False)])
def test_a_low_early_rating_offers_a_conversation(
    staff: TestClient, score: str, offered: bool
) -> None:
    address = begun(staff)
    rating = read(staff, address).form("/ratings")
    page = send(staff, rating, session="3", score=score, rated_on="2024-10-15")
    assert ("See who else fits" in Reader(page.text).text) is offered


@pytest.mark.parametrize("text", ["<script>alert(1)</script>", "9" * 400, "-1", "\u202e", "nan"])
def test_hostile_feedback_is_refused_as_text(staff: TestClient, text: str) -> None:
    address = begun(staff)
    found = read(staff, address)
    for ending in ("/events", "/ratings"):
        form = found.form(ending)
        names = [name for name in form.fields if name != "csrf_token"]
        response = send(staff, form, **dict.fromkeys(names, text))
        assert response.status_code == 422, response.text
        assert "script" not in Reader(response.text).tags
    assert found.text == read(staff, address).text


def test_every_field_of_what_follows_is_labelled(staff: TestClient) -> None:
    pairing = begun(staff)
    send(
        staff, read(staff, pairing).form("/ratings"), session="3", score="48", rated_on="2024-10-15"
    )
    request = read(staff, "/staff").attributes
    addresses = [value for name, value in request if name == "href" and "/requests/" in value]
    for path in (pairing, *(each for each in addresses if not each.endswith("/new"))):
        for form in read(staff, path).forms:
            assert form.unlabelled == [], path
            assert form.method == "get" or len(form.fields["csrf_token"][0]) == 64


def test_an_unknown_pairing_is_not_found(staff: TestClient) -> None:
    assert staff.get("/staff/pairings/none").status_code == 404
