"""Every page reads as its file in `golden/` says.

`UPDATE_GOLDEN=1 pytest tests/serving/staff/test_golden_texts.py` writes the files anew: read what
changed as a front desk would before you commit it.
"""

import os
from collections.abc import Iterator
from datetime import UTC, date, datetime, tzinfo
from pathlib import Path
from typing import Any

import pytest

from recommender.security.scopes import Role
from recommender.serving.staff.pages import pairing, request
from recommender.settings import Settings
from tests.support.builders import DEFINITION
from tests.support.page_reader import (
    ask,
    begun,
    by_items,
    deciding,
    first,
    forms,
    read,
    send,
    sign_in,
    signed_in,
)
from tests.support.page_text import visible_text
from tests.support.rated_pairings import keep_matches
from tests.support.server import (
    LockedServer,
    TestClient,
    local_client,
    server_settings,
    whole,
)

GOLDEN = Path(__file__).with_name("golden")
CLIENT = {"client_id": "c4711"}
NOW = datetime(2026, 11, 24, 22, 20, tzinfo=UTC)


class FixedTime(datetime):
    """A clock that always shows the same moment."""

    @classmethod
    def now(cls, tz: tzinfo | None = None) -> Any:
        return NOW.astimezone(tz)


@pytest.fixture(autouse=True)
def fixed_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(request, "datetime", FixedTime)
    monkeypatch.setattr(pairing, "today", lambda _: date(2026, 11, 25))


@pytest.fixture(scope="module")
def practice(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A bundle and a roster."""
    directory = tmp_path_factory.mktemp("golden")
    server_settings(directory)
    return directory


@pytest.fixture
def try_out(practice: Path) -> Iterator[TestClient]:
    """A server without a store."""
    with local_client(server_settings(practice)) as client:
        yield client


def check(name: str, html: str) -> None:
    """Compares the text of a page with its file, or writes the file where that is asked for."""
    path, text = GOLDEN / f"{name}.txt", visible_text(html)
    if os.environ.get("UPDATE_GOLDEN"):
        path.write_text(text, encoding="utf-8")
    assert text == path.read_text(encoding="utf-8")


def test_signing_in(locked: LockedServer) -> None:
    check("sign-in", locked.client.get("/staff/session").text)
    refused = sign_in(locked.client, "intake.desk", "another four words")
    check("sign-in-refused", refused.text)


def test_the_first_page_of_an_account_that_may_not_see_clients(locked: LockedServer) -> None:
    check("welcome", signed_in(locked, Role.SCIENTIST).get("/staff").text)


def test_the_work_list(staff: TestClient) -> None:
    check("work-list-empty", staff.get("/staff").text)
    ask(staff)
    begun(staff)
    check("work-list", staff.get("/staff").text)


def test_the_work_list_of_a_server_without_a_store(try_out: TestClient) -> None:
    check("open-work-list-empty", try_out.get("/staff").text)
    ask(try_out, **CLIENT)
    check("open-work-list", try_out.get("/staff").text)


def test_a_new_request(staff: TestClient) -> None:
    check("new-request", staff.get("/staff/requests/new").text)
    page = ask(staff, **{"answer.directive": "abc", "answer.free.times": "9-", "top_k": "0"})
    check("new-request-with-faults", page.text)


def test_a_request_with_predictions(staff: TestClient) -> None:
    check("request", ask(staff, **CLIENT, **{"answer.free.times": "Tue 9-5 pm"}).text)


def test_a_request_asked_about(staff: TestClient) -> None:
    page = ask(staff, **CLIENT)
    shown = staff.get(whole(page.url.path.rsplit("/", 1)[1])).json()
    one, other = (each["clinician_id"] for each in shown["shortlist"][:2])
    left_out = shown["excluded"][0]["clinician_id"]
    asked = {"why_not": left_out, "one": one, "other": other}
    check("request-left-out-and-compared", staff.get(page.url.path, params=asked).text)
    asked = {"why_not": other, "one": one, "other": left_out}
    check("request-fits-and-not-compared", staff.get(page.url.path, params=asked).text)


def test_a_request_without_consent_to_predict(staff: TestClient) -> None:
    check("request-rules-only", ask(staff, **CLIENT, **{"answer.agrees": "no"}).text)


def test_a_request_that_nobody_fits_and_one_change_of_it(staff: TestClient) -> None:
    page = ask(staff, **CLIENT, **{"answer.max_fee": "20"})
    check("request-nobody-fits", page.text)
    page = ask(staff, **CLIENT, **{"answer.max_fee": "120"})
    changed = send(staff, read(staff, page.url.path).form("/changes"))
    check("request-changed", changed.text)


def test_a_request_of_a_server_without_a_store(practice: Path) -> None:
    settings = Settings(practice=str(DEFINITION), roster=practice / "clinicians.csv")
    with local_client(settings) as client:
        check("open-request", ask(client, **CLIENT).text)
        check("open-model", client.get("/staff/model").text)
        check("open-clinicians", client.get("/staff/clinicians").text)


def test_a_request_decided(staff: TestClient) -> None:
    address = str(ask(staff, **CLIENT).url.path)
    choose, override = (deciding(staff, address, kind) for kind in ("chosen", "override"))
    check("decision-refused", send(staff, override, clinician_id="k01").text)
    send(staff, choose, clinician_id=first(staff, address))
    check("request-decided", staff.get(address).text)
    again = deciding(staff, address, "override")
    send(staff, again, clinician_id="k01", reason="client_asked")
    (begin,) = forms(staff, address, "/pairings")
    send(staff, begin, booked_on="2026-11-30", pairing_id="p1")
    check("request-begun", staff.get(address).text)


def test_a_pairing(staff: TestClient) -> None:
    address = begun(staff)
    check("pairing-begun", staff.get(address).text)
    event = read(staff, address).form("/events")
    refused = send(staff, event, kind="attended", happened_on="2024-10-08")
    check("pairing-refused", refused.text)
    attended = {"kind": "attended", "happened_on": "2024-10-08", "session": "3"}
    check("pairing-questioned", send(staff, event, **attended).text)
    send(staff, event, **attended, confirmed="before_request")
    check("pairing-rating-due", staff.get(address).text)
    rating = read(staff, address).form("/ratings")
    low = send(staff, rating, session="3", score="14", rated_on="2024-10-15")
    check("pairing-rated-low", low.text)
    correction = read(staff, address).form("/corrections")
    send(staff, correction, score="47", reason="typed_wrongly")
    answers = {f"item_{place}": "4" for place in range(1, 12)}
    answers |= {"rated_on": "2024-10-22", "confirmed": "session_not_attended"}
    send(staff, by_items(staff, address), session="4", **answers)
    check("pairing-item-by-item", staff.get(f"{address}?items=wai_sr").text)


def test_the_model(locked: LockedServer, staff: TestClient) -> None:
    check("model-few-ratings", staff.get("/staff/model").text)
    check("model-history-few-requests", staff.get("/staff/model/history").text)
    keep_matches(locked.store, 110)
    check("model", staff.get("/staff/model").text)
    check("model-history", staff.get("/staff/model/history").text)
    check("model-card", staff.get("/staff/model/card").text)


def test_clinicians_and_their_records(locked: LockedServer, staff: TestClient) -> None:
    scientist = signed_in(locked, Role.SCIENTIST)
    check("records-few-ratings", scientist.get("/staff/clinicians/records").text)
    keep_matches(locked.store, 30)
    check("records", scientist.get("/staff/clinicians/records").text)
    check("clinicians", staff.get("/staff/clinicians").text)


def test_pages_that_refuse(staff: TestClient) -> None:
    check("not-found", staff.get("/staff/requests/none").text)
    check("not-allowed", staff.get("/staff/clinicians/records").text)


def test_every_golden_file_is_compared() -> None:
    source = Path(__file__).read_text(encoding="utf-8")
    assert [path.name for path in GOLDEN.iterdir() if f'"{path.stem}"' not in source] == []
