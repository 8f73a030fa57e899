from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import timedelta
from typing import Any

import pytest
import requests

from experiments.cliniko_sync.invented_account import NOW, AccountSize, invented_account
from experiments.cliniko_sync.local_cliniko import (
    KEY,
    LocalCliniko,
    Record,
    Unreliability,
    serving,
)
from recommender.errors import RecommenderError
from recommender.importing.cliniko.account import ClinikoAccount
from recommender.importing.cliniko.client import TRIES, ClinikoClient
from recommender.importing.cliniko.request_pace import RequestPace

CONTACT = "Invented Practice (it@practice.example)"
SMALL = AccountSize(practitioners=3, appointments=230, inactive=1, blocks=1)


class Waits:
    """A clock that only sleeping moves."""

    def __init__(self, seconds_wrong: float = 0.0) -> None:
        self.now = NOW.timestamp() + seconds_wrong
        self.slept: list[float] = []
        self.lines: list[str] = []

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds


@contextmanager
def a_client(
    cliniko: LocalCliniko, waits: Waits | None = None, *, key: str = KEY, contact: str = CONTACT
) -> Iterator[ClinikoClient]:
    waits = waits or Waits()
    with serving(cliniko):
        account = ClinikoAccount(key, cliniko.address, contact)
        pace = RequestPace(100_000, lambda: waits.now, waits.sleep)
        client = ClinikoClient(account, pace, lambda: waits.now, waits.sleep, waits.lines.append)
        try:
            yield client
        finally:
            client.close()


def test_every_record_of_a_list_is_read_once_along_its_links() -> None:
    cliniko = invented_account(SMALL, 1)
    filters = [("q[]", "archived_at:*"), ("q[]", "cancelled_at:*")]
    with a_client(cliniko) as client:
        pages = list(client.pages("/individual_appointments", filters))
    ids = [each["id"] for page in pages for each in page.content["individual_appointments"]]
    assert sorted(ids) == [each["id"] for each in cliniko.lists["individual_appointments"]]
    assert [page.total for page in pages] == [230, 230, 230]
    assert all("per_page=100" in each.query for each in cliniko.received)
    assert {each.contact for each in cliniko.received} == {CONTACT}


def test_after_a_429_it_waits_until_the_reset_by_clinikos_clock() -> None:
    cliniko = invented_account(SMALL, 1)
    cliniko.unreliable.per_minute = 0
    waits = Waits(seconds_wrong=-900)
    answers = [429, 429]

    def seconds_to_reset(self: LocalCliniko, *, count: bool = False) -> int:
        if count:
            return 30 if answers and answers.pop() else 0
        return 30

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(LocalCliniko, "seconds_to_reset", seconds_to_reset)
        with a_client(cliniko, waits) as client:
            assert client.get(client.first_page("/businesses")) is not None
            ahead = client.server_time - NOW
    assert waits.slept == [31.0, 31.0]
    assert waits.lines[0] == "Cliniko answered 429: trying again in 31 s (2 of 8)"
    assert timedelta(0) <= ahead < timedelta(seconds=1)


def test_failures_are_repeated_with_growing_waits_and_then_named_without_the_key() -> None:
    cliniko = invented_account(SMALL, 1)
    cliniko.unreliable = Unreliability(errors=1.0)
    waits = Waits()
    with a_client(cliniko, waits) as client, pytest.raises(RecommenderError) as failed:
        client.get(client.first_page("/businesses"))
    assert waits.slept == [1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0]
    assert len(waits.lines) == TRIES - 1
    assert waits.lines[2].endswith(": trying again in 4 s (4 of 8)")
    assert waits.lines[0].startswith("Cliniko answered 5")
    assert KEY not in "".join(waits.lines)
    assert len(cliniko.received) == TRIES
    assert "continues where it stopped" in str(failed.value)
    assert KEY not in str(failed.value)


def test_a_dropped_connection_is_repeated() -> None:
    cliniko = invented_account(SMALL, 1)
    cliniko.unreliable = Unreliability(dropped=0.5)
    waits = Waits()
    with a_client(cliniko, waits) as client:
        assert sum(1 for _ in client.pages("/daily_availabilities")) == 1
    assert len(waits.slept) == len(cliniko.received) - 1 > 0


def test_an_answer_that_does_not_come_in_time_is_asked_for_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    send = requests.Session.send
    late = [True]

    def slow(self: Any, request: Any, **options: Any) -> Any:
        assert options["timeout"] == (10.0, 60.0)
        if late and late.pop():
            raise requests.ReadTimeout
        return send(self, request, **options)

    monkeypatch.setattr(requests.Session, "send", slow)
    waits = Waits()
    with a_client(invented_account(SMALL, 1), waits) as client:
        assert client.get(client.first_page("/businesses")) is not None
    assert waits.slept == [1.0]


@pytest.mark.parametrize(
    ("key", "contact", "problem"),
    [("another-key-of-another-practice", CONTACT, "401"), (KEY, "nobody", "403")],
)
def test_a_refusal_is_final(key: str, contact: str, problem: str) -> None:
    cliniko = invented_account(SMALL, 1)
    with (
        a_client(cliniko, key=key, contact=contact) as client,
        pytest.raises(RecommenderError) as refused,
    ):
        client.get(client.first_page("/businesses"))
    assert refused.value.field == "CLINIKO_API_KEY"
    assert problem in refused.value.problem
    assert len(cliniko.received) == 1


def test_a_path_that_cliniko_does_not_know_is_named_or_may_lack() -> None:
    with a_client(invented_account(SMALL, 1)) as client:
        address = client.first_page("/appointment_types/999/practitioners")
        assert client.get(address, may_lack=True) is None
        with pytest.raises(RecommenderError, match="404"):
            client.get(address)


@pytest.mark.parametrize(
    "link",
    [
        "https://elsewhere.example/v1/businesses?page=2",
        "http://127.0.0.1:{port}/v1/patients?page=2",
        "//elsewhere.example/v1/businesses?page=2",
    ],
)
def test_the_key_follows_no_link_to_another_place(
    link: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def answer(self: LocalCliniko, path: str, query: Any) -> tuple[int, Record]:
        return 200, {"businesses": [], "links": {"next": link.format(port=self.port)}}

    monkeypatch.setattr(LocalCliniko, "answer", answer)
    cliniko = invented_account(SMALL, 1)
    with a_client(cliniko) as client, pytest.raises(RecommenderError, match="links to something"):
        list(client.pages("/businesses"))
    assert len(cliniko.received) == 1


def test_a_relative_link_is_followed_and_a_redirect_is_not(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    answers: list[tuple[int, Record]] = [
        (301, {}),
        (200, {"businesses": []}),
        (200, {"businesses": [], "links": {"next": "/v1/businesses?page=2"}}),
    ]
    monkeypatch.setattr(LocalCliniko, "answer", lambda *_: answers.pop())
    cliniko = invented_account(SMALL, 1)
    with a_client(cliniko) as client:
        assert len(list(client.pages("/businesses"))) == 2
        with pytest.raises(RecommenderError, match="301"):
            client.get(client.first_page("/businesses"))
    assert cliniko.received[1].query == "page=2"


def test_without_a_network_each_wait_is_named() -> None:
    waits = Waits()
    account = ClinikoAccount(KEY, "http://127.0.0.1:9/v1", CONTACT)
    pace = RequestPace(100, lambda: waits.now, waits.sleep)
    client = ClinikoClient(account, pace, lambda: waits.now, waits.sleep, waits.lines.append)
    with closing(client), pytest.raises(RecommenderError, match="could not be reached"):
        client.get(client.first_page("/businesses"))
    reason = "Cliniko could not be reached, or closed the connection"
    assert waits.lines[:2] == [
        f"{reason}: trying again in 1 s (2 of 8)",
        f"{reason}: trying again in 2 s (3 of 8)",
    ]
