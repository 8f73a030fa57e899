"""What was typed into the form of a request is there again, and nowhere else."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from recommender.security.sessions import MAX_IDLE
from recommender.store.schema import drafts, subjects
from tests.support.page_reader import ANSWERS, Form, Reader, ask, read, send
from tests.support.server import PASSWORD, SAME_SITE, LockedServer, TestClient

NEW, DRAFTS = "/staff/requests/new", "/staff/drafts"
TYPED = {"client_id": "c0042", "answer.max_fee": "137", "answer.concern": "anxiety"}
PART = SAME_SITE | {"hx-request": "true"}


def form_of(client: TestClient, address: str = NEW) -> Form:
    return read(client, address).form("/staff/requests")


def save(client: TestClient, form: Form, **typed: Any) -> Any:
    """What the form answers when it is saved as one types."""
    fields = {name: values for name, values in form.fields.items() if values}
    return client.post(DRAFTS, data=fields | typed, headers=PART)


def answers_in(form: Form) -> dict[str, str]:
    return {name: form.fields[name][0] for name in TYPED}


def sign_in(client: TestClient, form: Form) -> Any:
    return send(client, form, name="intake.desk", password=PASSWORD)


def test_what_was_typed_is_restored_and_says_from_when(staff: TestClient) -> None:
    answer = save(staff, form_of(staff), **TYPED)
    assert answer.text.strip().startswith("Saved ")
    assert "<html" not in answer.text
    page = read(staff, NEW)
    assert "Answers for c0042 from " in page.text
    assert answers_in(page.form("/staff/requests")) == TYPED


def test_without_script_a_button_saves_and_the_form_comes_back(staff: TestClient) -> None:
    page = send(staff, replace(form_of(staff), action=DRAFTS), **TYPED)
    assert page.url.path == NEW
    assert answers_in(Reader(page.text).form("/staff/requests")) == TYPED


def test_start_again_deletes_the_draft_and_its_key(staff: TestClient, locked: LockedServer) -> None:
    save(staff, form_of(staff), **TYPED)
    page = send(staff, read(staff, NEW).form("/discard"))
    assert "restored" not in page.text
    with locked.store.reading() as connection:
        assert connection.execute(select(drafts)).all() == []
        assert connection.execute(select(subjects)).all() == []


def test_the_draft_is_gone_once_the_request_is_there(staff: TestClient) -> None:
    form = form_of(staff)
    save(staff, form, **TYPED)
    assert send(staff, form, **ANSWERS).status_code == 200
    assert "restored" not in read(staff, NEW).text


def test_a_refused_form_is_in_the_draft_as_it_was_sent(staff: TestClient) -> None:
    refused = send(staff, form_of(staff), **TYPED | {"answer.max_fee": "cheap"})
    assert refused.status_code == 422
    assert form_of(staff).fields["answer.max_fee"] == ["cheap"]


def test_a_second_tab_does_not_overwrite_the_first_until_its_reader_says_so(
    staff: TestClient,
) -> None:
    one, other = form_of(staff), form_of(staff)
    save(staff, one, **TYPED)
    answer = save(staff, other, client_id="c0077")
    assert "Not saved" in answer.text
    assert "another tab saved answers at" in answer.text
    assert answers_in(form_of(staff)) == TYPED
    instead = next(v for n, v in Reader(answer.text).attributes if n == "value")
    agreed = {"client_id": "c0077", "instead_of": instead}
    page = send(staff, replace(other, action=DRAFTS), **agreed)
    assert Reader(page.text).form("/staff/requests").fields["client_id"] == ["c0077"]
    assert "Not saved" in save(staff, one, **TYPED).text


def test_without_script_the_second_tab_is_asked_as_well(staff: TestClient) -> None:
    one, other = form_of(staff), form_of(staff)
    save(staff, one, **TYPED)
    page = send(staff, replace(other, action=DRAFTS), client_id="c0077")
    assert page.status_code == 409
    again = Reader(page.text).form("/staff/requests")
    assert again.fields["client_id"] == ["c0077"]
    send(staff, replace(again, action=DRAFTS))
    assert form_of(staff).fields["client_id"] == ["c0077"]


def test_a_form_that_was_sent_does_not_bring_its_draft_back(staff: TestClient) -> None:
    save(staff, form_of(staff), **TYPED)
    form = form_of(staff)
    send(staff, form, **ANSWERS)
    assert "Not saved" in save(staff, form, **TYPED).text
    assert "restored" not in read(staff, NEW).text


def test_a_form_sent_after_thirty_idle_minutes_is_there_after_the_sign_in(
    staff: TestClient, locked: LockedServer
) -> None:
    form = form_of(staff)
    locked.now += MAX_IDLE + timedelta(minutes=1)
    page = send(staff, form, **TYPED)
    assert page.status_code == 401
    assert "nothing you entered is lost" in page.text
    wrong = send(staff, Reader(page.text).form("/session"), name="intake.desk", password="no no no")
    after = sign_in(staff, Reader(wrong.text).form("/session"))
    assert after.url.path == NEW
    assert answers_in(Reader(after.text).form("/staff/requests")) == TYPED


def test_a_decision_sent_without_a_session_is_sent_again_after_the_sign_in(
    staff: TestClient, locked: LockedServer
) -> None:
    address = ask(staff).url.path
    choose = read(staff, address).form("/decisions")
    locked.now += MAX_IDLE + timedelta(minutes=1)
    page = send(staff, choose)
    after = sign_in(staff, Reader(page.text).form("/session"))
    assert "You entered a decision after you had been signed out" in after.text
    assert "not saved yet" in after.text
    decided = send(staff, Reader(after.text).form("/decisions"))
    assert decided.url.path == address
    assert "Chosen:" in Reader(decided.text).text


def test_a_form_older_than_the_session_is_shown_to_be_sent_again(
    staff: TestClient, locked: LockedServer
) -> None:
    form = form_of(staff)
    send(staff, read(staff, "/staff").form("/session/end"))
    sign_in(staff, read(staff, "/staff/session").form("/session"))
    page = send(staff, form, **ANSWERS)
    assert page.status_code == 403
    after = send(staff, Reader(page.text).form("/staff/requests"))
    assert after.status_code == 200
    assert after.url.path.startswith("/staff/requests/")


def test_signing_in_leads_to_the_page_that_was_asked_for(locked: LockedServer) -> None:
    page = locked.client.get(NEW)
    assert page.url.path == "/staff/session"
    assert sign_in(locked.client, Reader(page.text).form("/session")).url.path == NEW


@pytest.mark.parametrize(
    "then", ["//evil.example", "https://evil.example", "/v1/roster", "/staff/../v1"]
)
def test_signing_in_leads_nowhere_else(locked: LockedServer, then: str) -> None:
    page = locked.client.get("/staff/session", params={"then": then})
    form = Reader(page.text).form("/session")
    assert "then" not in form.fields
    led_to = sign_in(locked.client, replace(form, fields=form.fields | {"then": [then]}))
    assert led_to.url.path == "/staff"


def test_another_site_can_bring_nothing_to_the_sign_in_page(locked: LockedServer) -> None:
    foreign = {"sec-fetch-site": "cross-site"}
    page = locked.client.post("/staff/requests", data=TYPED, headers=foreign)
    assert page.url.path == "/staff/session"
    assert "c0042" not in page.text


def test_changed_answers_replace_the_request_and_both_pages_link(
    staff: TestClient, locked: LockedServer
) -> None:
    before = ask(staff).url.path
    form = form_of(staff, f"{before}/again")
    save(staff, form, **{"answer.max_fee": "137"})
    assert form_of(staff, f"{before}/again").fields["answer.max_fee"] == ["137"]
    assert form_of(staff).fields["answer.max_fee"] == [""]
    after = send(staff, form, **{"answer.max_fee": "137"})
    assert "This replaces the version before" in Reader(after.text).text
    assert f'href="{before}"' in after.text
    earlier = staff.get(before).text
    assert "The answers were changed since." in earlier
    assert f'href="{after.url.path}"' in earlier
    work = read(staff, "/staff")
    assert f"/staff/requests/{after.url.path[-32:]}" in str(work.attributes)
    assert before not in str(work.attributes)
