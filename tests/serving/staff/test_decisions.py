import re

import pytest

from recommender.alliance.scores import score_items
from recommender.journal.audit_log import verify
from recommender.journal.pairings import Pairing, record_pairing
from recommender.serving.staff.views.rating_form import BELOW_RANGE, UNUSUALLY_LOW
from tests.support.builders import a_practice
from tests.support.page_reader import (
    CLIENT,
    Reader,
    ask,
    begun,
    by_items,
    decided,
    deciding,
    first,
    forms,
    read,
    send,
)
from tests.support.server import LockedServer, TestClient


def test_somebody_shown_is_chosen_by_the_form_alone(
    locked: LockedServer, staff: TestClient
) -> None:
    address = decided(staff)
    text = read(staff, address).text
    assert "Decisions, oldest first" in text
    assert "Decided" in read(staff, "/staff").text
    with locked.store.reading() as connection:
        assert verify(connection).holds


def test_an_override_needs_a_reason(staff: TestClient) -> None:
    address = ask(staff, **CLIENT).url.path
    override = deciding(staff, address, "override")
    refused = send(staff, override, clinician_id="k01")
    assert refused.status_code == 422
    assert "Choose a reason: somebody else than shown needs one." in Reader(refused.text).text
    kept = send(staff, override, clinician_id="k01", reason="client_asked")
    assert kept.status_code == 200
    assert "The client asked for it" in read(staff, address).text


def test_a_decision_for_a_clinician_who_is_not_on_the_roster_is_refused(staff: TestClient) -> None:
    override = deciding(staff, ask(staff).url.path, "override")
    refused = send(staff, override, clinician_id="nobody", reason="other")
    assert refused.status_code == 422
    assert "Clinician is not on the roster of this request" in Reader(refused.text).text


def test_a_decision_names_the_account_that_made_it(staff: TestClient) -> None:
    assert "intake.desk" in read(staff, decided(staff)).text


def test_a_rating_is_shown_as_due_until_it_is_entered(staff: TestClient) -> None:
    address = begun(staff)
    event = read(staff, address).form("/events")
    attended = {"kind": "attended", "confirmed": ["before_request", "session_skipped"]}
    send(staff, event, happened_on="2024-10-01", session="1", **attended)
    assert "A rating is due" not in read(staff, address).text
    send(staff, event, happened_on="2024-10-08", session="2", **attended)
    assert (
        "A rating is due: session 2 was attended, and the client rated none of sessions 2 to 5."
        in read(staff, address).text
    )
    assert "Ask c9999 for a rating" in read(staff, "/staff").text
    rating = read(staff, address).form("/ratings")
    send(staff, rating, session="2", score="48", rated_on="2024-10-08")
    assert "A rating is due" not in read(staff, address).text
    assert "Ask c9999 for a rating" not in read(staff, "/staff").text


def test_the_second_of_two_simultaneous_decisions_is_refused(staff: TestClient) -> None:
    address = ask(staff, **CLIENT).url.path
    one, other = (deciding(staff, address, kind) for kind in ("chosen", "override"))
    assert send(staff, one, clinician_id=first(staff, address)).status_code == 200
    late = send(staff, other, clinician_id="k01", reason="availability")
    assert late.status_code == 412
    text = Reader(late.text).text
    assert "Someone else decided first" in text
    assert (
        "Availability"
        not in text.split("Decisions, oldest first")[1].split("First appointment with")[0]
    )
    again = deciding(staff, address, "override")
    assert send(staff, again, clinician_id="k01", reason="availability").status_code == 200


def test_an_earlier_version_can_neither_be_decided_on_nor_started(staff: TestClient) -> None:
    address = decided(staff)
    (start,) = forms(staff, address, "/pairings")
    late = (deciding(staff, address, "chosen"), deciding(staff, address, "override"), start)
    newest = send(staff, read(staff, f"{address}/again").form("/staff/requests")).url.path
    assert newest != address

    assert not forms(staff, address, "/decisions") + forms(staff, address, "/pairings")
    for form in late:
        given = {"clinician_id": "k01", "reason": "other", "booked_on": "2026-11-30"}
        refused = send(staff, form, **given)
        assert refused.status_code == 409
        assert "The answers were changed since" in Reader(refused.text).text
        assert ("href", newest) in Reader(refused.text).attributes
    name = address.rpartition("/")[2]
    assert len(staff.get(f"/v1/recommendations/{name}/decisions").json()["decisions"]) == 1
    assert send(staff, deciding(staff, newest, "chosen")).status_code == 200


def test_the_card_of_the_chosen_is_marked_and_the_others_can_be_chosen_instead(
    staff: TestClient,
) -> None:
    address = ask(staff).url.path
    cards = staff.get(address).text.split("<article")[1:]
    assert all(">Choose</button>" in each for each in cards)
    assert send(staff, deciding(staff, address, "chosen")).status_code == 200
    chosen, *others = (
        each.split("</article")[0] for each in staff.get(address).text.split("<article")[1:]
    )
    assert ">Chosen<" in chosen
    assert "<button" not in chosen
    assert others
    assert all(">Choose instead</button>" in each and ">Chosen<" not in each for each in others)


def test_events_and_ratings_are_recorded_and_corrected(staff: TestClient) -> None:
    address = begun(staff)
    found = read(staff, address)
    assert "Booked" in found.text
    event = found.form("/events")
    attended = {"kind": "attended", "confirmed": ["before_request", "session_skipped"]}
    send(staff, event, happened_on="2024-10-01", session="1", **attended)
    send(staff, event, happened_on="2024-10-15", session="3", **attended)
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
    newest = read(staff, address).form("/corrections")
    empty = send(staff, newest, reason="other", score="")
    assert empty.status_code == 422
    assert "Enter the score." in Reader(empty.text).text
    withdrawn = send(staff, newest, reason="other", withdraw="yes")
    assert "Withdrawn" in Reader(withdrawn.text).text


@pytest.mark.parametrize(("score", "offered"), [("12", True), ("48", False)])
def test_a_low_early_rating_offers_a_conversation(
    staff: TestClient, score: str, offered: bool
) -> None:
    address = begun(staff)
    rating = read(staff, address).form("/ratings")
    page = send(staff, rating, session="3", score=score, rated_on="2024-10-15")
    text = Reader(page.text).text
    assert (BELOW_RANGE in text) is offered
    assert ("See who else fitted at the time" in text) is offered
    assert ("Ask anew who fits now: the form has the earlier answers" in text) is offered


def test_a_low_rating_of_a_pairing_begun_elsewhere_offers_to_ask_anew(
    locked: LockedServer, staff: TestClient
) -> None:
    with locked.store.writing() as connection:
        record_pairing(connection, Pairing("p2", "c9998", "k01"), actor="test")
    address = "/staff/pairings/p2"
    send(staff, read(staff, address).form("/events"), kind="booked", happened_on="2024-10-01")
    rating = read(staff, address).form("/ratings")
    page = send(staff, rating, session="3", score="14", rated_on="2024-10-15")
    assert page.status_code == 200, Reader(page.text).text
    found = Reader(page.text)
    assert UNUSUALLY_LOW in found.text
    assert ("href", "/staff/requests/new") in found.attributes
    assert "See who else fitted at the time" not in found.text
    assert "c9998" not in read(staff, "/staff/requests/new").text


def test_a_rating_is_entered_by_items_and_counts_as_training_counts_it(staff: TestClient) -> None:
    address = begun(staff)
    answers = {f"item_{place}": str(1 + place % 5) for place in range(1, 12)}
    page = send(staff, by_items(staff, address), session="3", rated_on="2024-10-15", **answers)
    assert page.status_code == 200, Reader(page.text).text
    given = [1 + place % 5 for place in range(1, 12)]
    scored = score_items(a_practice().instruments["wai_sr"], [[*given, float("nan")]])
    mean = 1 + 4 * float(scored.pomp[0])
    said = f"{mean:.2f} on 1 to 5 (mean of 11 of 12 items, not answered: 12)"
    assert said in Reader(page.text).text
    correction = read(staff, address).form("/corrections")
    assert correction.fields["item_1"] == ["2"]
    page = send(staff, correction, item_1="5", item_12="5", reason="typed_wrongly")
    text = Reader(page.text).text
    assert "(mean of 12 of 12 items)" in text
    assert said in text


def test_a_rating_with_too_few_items_is_stored_and_shown_as_not_counted(staff: TestClient) -> None:
    address = begun(staff)
    form = by_items(staff, address)
    page = send(staff, form, session="3", rated_on="2024-10-15", item_1="5", item_2="4")
    assert page.status_code == 200, Reader(page.text).text
    assert "Too few items to count: 2 of 12 items" in Reader(page.text).text


def test_the_fault_of_an_item_is_beside_it_and_nothing_typed_is_lost(
    staff: TestClient,
) -> None:
    address = begun(staff)
    form = by_items(staff, address)
    for wrong in ("9", "many"):
        page = send(staff, form, session="3", rated_on="2024-10-15", item_1="4", item_7=wrong)
        assert page.status_code == 422
        again = next(each for each in Reader(page.text).forms if "item_12" in each.fields)
        assert again.fields["item_1"] == ["4"]
        assert again.fields["item_7"] == [wrong]
        assert 'id="items-item_7-fault"' in page.text
        assert "Item 7" in Reader(page.text).text.split("Not saved yet")[1].split("Enter each")[0]


def test_what_was_typed_of_an_event_is_there_again_after_a_fault(staff: TestClient) -> None:
    address = begun(staff)
    page = send(
        staff, read(staff, address).form("/events"), kind="attended", happened_on="2024-10-08"
    )
    assert page.status_code == 422
    again = Reader(page.text).form("/events").fields
    assert again["happened_on"] == ["2024-10-08"]
    assert again["kind"] == ["attended"]


@pytest.mark.parametrize("text", ["<script>alert(1)</script>", "9" * 400, "-1", "\u202e", "nan"])
def test_hostile_feedback_is_refused_as_text(staff: TestClient, text: str) -> None:
    address = begun(staff)
    found = read(staff, address)
    for ending in ("/events", "/ratings"):
        form = found.form(ending)
        names = [name for name in form.fields if name != "csrf_token"]
        response = send(staff, form, **dict.fromkeys(names, text))
        assert response.status_code == 422, response.text
        assert Reader(response.text).tags.count("script") == found.tags.count("script")
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


def test_no_page_is_cached_and_no_form_is_autocompleted(staff: TestClient) -> None:
    pairing = begun(staff)
    links = [value for name, value in read(staff, "/staff").attributes if name == "href"]
    request = next(each for each in links if "/requests/" in each and not each.endswith("/new"))
    wrong = send(staff, read(staff, pairing).form("/events"), happened_on="")
    assert wrong.headers["cache-control"] == "no-store"
    for path in ("/staff", "/staff/requests/new", request, f"{pairing}?items=wai_sr"):
        page = staff.get(path)
        assert page.headers["cache-control"] == "no-store"
        for form in re.findall(r"<form.*?</form>", page.text, re.DOTALL):
            typed_into = re.search(r"<(?:select|input(?! type=\"hidden\"))", form)
            assert not typed_into or 'autocomplete="off"' in form, form
