"""A request that leads nowhere is closed on its page, and a choice against it is asked about."""

import pytest

from recommender.journal.recommendations import decisions_of
from tests.support.page_reader import (
    CLIENT,
    Form,
    Reader,
    ask,
    begun,
    decided,
    deciding,
    forms,
    read,
    send,
    send_and_confirm,
    ticks,
)
from tests.support.server import LockedServer, TestClient


def closing(staff: TestClient, address: str) -> Form:
    (form,) = forms(staff, address, "/closings")
    return form


def chosen_ids(locked: LockedServer, address: str) -> list[str]:
    with locked.store.reading() as connection:
        found = decisions_of(connection, address.rpartition("/")[2])
    return [each.decision.clinician_id for each in found]


def test_a_closed_request_says_why_takes_no_decision_and_comes_back_with_one_press(
    staff: TestClient,
) -> None:
    address = decided(staff)
    stale = deciding(staff, address, "chosen")
    (start,) = forms(staff, address, "/pairings")
    close = closing(staff, address)
    assert "Choose a reason." in Reader(send(staff, close).text).text

    closed = send(staff, close, reason="went_elsewhere")
    assert closed.status_code == 200
    assert "Closed: went elsewhere" in Reader(closed.text).text
    assert "What would open more?" not in Reader(closed.text).text
    assert not forms(staff, address, "/decisions") + forms(staff, address, "/pairings")
    work = read(staff, "/staff").text
    assert "c9999" not in work
    found = send(staff, read(staff, "/staff").form("/search"), sought="c9999")
    assert "Closed: went elsewhere" in Reader(found.text).text
    for form, given in ((stale, {}), (start, {"booked_on": "2026-12-02"})):
        refused = send(staff, form, **given)
        assert refused.status_code == 409
        assert "This request is closed" in Reader(refused.text).text

    reopened = send(staff, closing(staff, address))
    assert "Closed" not in Reader(reopened.text).text
    assert "Book the first appointment of c9999" in read(staff, "/staff").text
    assert send(staff, close, reason="other").status_code == 200
    assert "This request is closed already" in Reader(send(staff, close, reason="other").text).text


def test_what_has_started_is_not_closed(staff: TestClient) -> None:
    address = str(ask(staff, **CLIENT).url.path)
    close = closing(staff, address)
    send(staff, deciding(staff, address, "chosen"))
    (start,) = forms(staff, address, "/pairings")
    assert send_and_confirm(staff, start, booked_on="2026-12-02").status_code == 200
    assert not forms(staff, address, "/closings")
    refused = send(staff, close, reason="no_answer")
    assert refused.status_code == 409
    assert "This request has started" in Reader(refused.text).text


@pytest.mark.parametrize(
    ("answers", "clinician_id", "figures"),
    [
        ({"answer.max_fee": "160"}, "k02", "charges more than the client can pay: $"),
        (
            {"answer.free.times": "5-8 pm on Fri"},
            "k02",
            "no hour in common with the client: works Mondays 9 am to 5 pm",
        ),
    ],
)
def test_somebody_who_breaks_a_limit_is_asked_about_with_figures(
    locked: LockedServer,
    staff: TestClient,
    answers: dict[str, object],
    clinician_id: str,
    figures: str,
) -> None:
    address = str(ask(staff, **CLIENT, **answers).url.path)
    override = deciding(staff, address, "override")
    given = {"clinician_id": clinician_id, "reason": "client_asked"}
    asked = send(staff, override, **given)
    assert asked.status_code == 422
    text = Reader(asked.text).text
    assert figures in text, text[text.find("Against") :][:300]
    again = next(
        each for each in Reader(asked.text).forms if each.fields.get("kind") == ["override"]
    )
    assert {name: again.fields[name] for name in given} == {n: [v] for n, v in given.items()}
    assert chosen_ids(locked, address) == []
    # What was ticked for one clinician is no answer for another.
    other = send(staff, override, **given | {"clinician_id": "k08"}, confirmed=ticks(asked.text))
    assert other.status_code == 422
    assert send(staff, override, **given, confirmed=ticks(asked.text)).status_code == 200
    assert chosen_ids(locked, address) == [clinician_id]


def test_a_caution_read_on_the_card_is_not_asked_about_again(
    locked: LockedServer, staff: TestClient
) -> None:
    address = str(ask(staff, **CLIENT, **{"answer.free.times": "5-8 pm on Fri"}).url.path)
    given = {"clinician_id": "k02"}
    override = deciding(staff, address, "override")
    assert send(staff, override, **given, reason="client_asked").status_code == 422
    assert send(staff, deciding(staff, address, "chosen"), **given).status_code == 200
    assert chosen_ids(locked, address) == ["k02"]


def test_no_tick_and_no_reason_choose_somebody_whom_the_client_avoids(
    locked: LockedServer, staff: TestClient
) -> None:
    address = str(ask(staff, **CLIENT, **{"answer.not_with": ["k02"]}).url.path)
    override = deciding(staff, address, "override")
    given = {"clinician_id": "k02", "reason": "clinical_judgement"}
    for confirmed in ([], ["k02 do_not_match"]):
        refused = send(staff, override, **given, confirmed=confirmed)
        assert refused.status_code == 422
        text = Reader(refused.text).text
        assert "k02 cannot be chosen: must not be matched with this client" in text
        assert ticks(refused.text) == []
    assert chosen_ids(locked, address) == []


@pytest.mark.parametrize(
    ("day", "hour", "asked"),
    [
        ("2026-12-02", "", ()),
        ("2026-12-02", "16:00", ()),
        ("2026-12-02", "10:00", ("hours of k02", "Wednesday 2 December, 10 am")),
        ("2026-12-03", "", ("hours of k02: Monday 9 am", "times the client gave")),
        ("2026-12-07", "", ("Monday 7 December is not among the times the client gave",)),
    ],
)
def test_a_day_or_hour_that_suits_one_of_the_two_only_is_asked_about_once(
    staff: TestClient, day: str, hour: str, asked: tuple[str, ...]
) -> None:
    address = decided(staff, **{"answer.free.times": "3-7 pm on Wed"})
    (start,) = forms(staff, address, "/pairings")
    given = {"booked_on": day, "local_time": hour, "pairing_id": "p7"}
    response = send(staff, start, **given)
    assert response.status_code == (422 if asked else 200)
    text = Reader(response.text).text
    assert all(each in text for each in asked), text
    if asked:
        again = Reader(response.text).form("/pairings").fields
        assert {name: again[name] for name in given} == {n: [v] for n, v in given.items()}
        response = send(staff, start, **given, confirmed=ticks(response.text))
        assert response.status_code == 200


def test_the_hour_of_a_first_appointment_is_shown_where_it_is_looked_for(
    staff: TestClient,
) -> None:
    address = decided(staff)
    (start,) = forms(staff, address, "/pairings")
    page = send(staff, start, booked_on="2026-12-02", local_time="17:00")
    assert page.status_code == 200
    assert "2 December 2026, 5 pm" in Reader(page.text).text
    assert "First appointment Wed 2 Dec, 5 pm" in read(staff, "/staff").text
    assert "first appointment 2 December 2026, 5 pm" in read(staff, address).text


def test_an_hour_that_is_none_is_refused_beside_its_field(staff: TestClient) -> None:
    event = read(staff, begun(staff)).form("/events")
    refused = send(staff, event, kind="booked", happened_on="2026-12-02", local_time="25:00")
    assert refused.status_code == 422
    assert 'id="event-local_time-fault"' in refused.text


def test_a_choice_from_a_card_against_a_rule_is_asked_about_in_a_form_of_its_own(
    locked: LockedServer, staff: TestClient
) -> None:
    """A roster may have changed since the card was shown; here the form is sent for another."""
    address = str(ask(staff, **CLIENT, **{"answer.max_fee": "200"}).url.path)
    name = address.rpartition("/")[2]
    whole = staff.get(f"/v1/recommendations/{name}?include=exclusions").json()
    left_out = next(
        each["clinician_id"]
        for each in whole["excluded"]
        if [reason["constraint"] for reason in each["reasons"]] == ["fee"]
    )
    asked = send(staff, deciding(staff, address, "chosen"), clinician_id=left_out)
    assert asked.status_code == 422
    found = Reader(asked.text)
    again = next(each for each in found.forms if each.fields.get("clinician_id") == [left_out])
    assert again.fields["kind"] == ["chosen"]
    assert "Choose anyway" in found.text
    assert "charges more than the client can pay: $" in found.text
    refused = send(staff, again, confirmed=ticks(asked.text))
    assert "Clinician was not shown" in Reader(refused.text).text
    assert chosen_ids(locked, address) == []
