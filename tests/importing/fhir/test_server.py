from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import pytest

from experiments.fhir_examples.local_server import LocalFhirServer, running_fhir_server
from recommender.errors import RecommenderError
from recommender.importing.fhir.resources import Resources, collect
from recommender.importing.fhir.server import FhirServer, asked_wait, is_address, server_at
from recommender.importing.import_report import ImportLog
from tests.support.fhir_practice import NOW, a_patient, a_rating, a_slot, whole_practice

WAITED: list[float] = []


@pytest.fixture
def served() -> Iterator[LocalFhirServer]:
    WAITED.clear()
    with running_fhir_server(whole_practice()) as server:
        yield server


def read(
    served: LocalFhirServer, token: str | None = None, since: datetime | None = None
) -> tuple[Resources, ImportLog]:
    log = ImportLog("FHIR")
    server = FhirServer(served.base, token, sleep=WAITED.append)
    return collect(server.documents(log, NOW, since), log), log


def refused(served: LocalFhirServer, token: str | None = None) -> str:
    with pytest.raises(RecommenderError) as error:
        read(served, token)
    return str(error.value)


def test_all_kinds_are_read_page_by_page(served: LocalFhirServer) -> None:
    served.resources = [*whole_practice(), *(a_patient(f"p{number}") for number in range(120))]
    found, _ = read(served)
    assert len(found.of("Patient")) == 122
    pages = [each for each in served.asked if each.path == "/fhir/Patient"]
    assert [each.query.get("_getpagesoffset") for each in pages] == [None, "50", "100"]


def test_nothing_but_get_is_sent(served: LocalFhirServer) -> None:
    read(served)
    assert {each.method for each in served.asked} == {"GET"}


def test_a_kind_that_the_server_does_not_offer_is_noted(served: LocalFhirServer) -> None:
    _, log = read(served)
    assert "The server does not offer Appointment." in log.report().notes
    assert "/fhir/Appointment" not in {each.path for each in served.asked}


def test_a_server_under_load_is_asked_again(served: LocalFhirServer) -> None:
    served.refusals = [429, 503, 500]
    found, _ = read(served)
    assert found.of("Practitioner")
    # Two waits are as long as Retry-After says, the third is our own.
    assert WAITED == [0.0, 0.0, 4.0]


def test_a_server_that_stays_under_load_is_given_up(served: LocalFhirServer) -> None:
    served.refusals = [500] * 20
    assert refused(served) == (
        "the FHIR server: answers metadata with 500; try again later; it was tried 6 times"
    )
    assert WAITED == [1.0, 2.0, 4.0, 8.0, 16.0]


def test_the_token_is_sent_and_a_wrong_one_is_refused(served: LocalFhirServer) -> None:
    served.token = "right"
    read(served, "right")
    message = refused(served, "wrong")
    assert "answers metadata with 401" in message
    assert "wrong" not in message
    assert "right" not in repr(FhirServer(served.base, "right"))


def test_passwords_of_other_programs_are_not_sent(
    served: LocalFhirServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login me password pass\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    read(served)
    assert {each.authorization for each in served.asked} == {None}


def test_a_token_is_never_sent_without_encryption_or_to_another_server(
    served: LocalFhirServer,
) -> None:
    outside = FhirServer("http://server.example/fhir", "secret")
    with pytest.raises(RecommenderError, match="has a token and no https"):
        list(outside.documents(ImportLog("FHIR"), NOW))
    served.resources = [a_patient(f"p{number}") for number in range(60)]
    served.next_base = "http://127.0.0.1:1/fhir"
    assert "links to another server" in refused(served, "secret")


def test_responses_may_be_limited_to_what_changed_and_the_rest_is_whole(
    served: LocalFhirServer,
) -> None:
    old, new = ({"lastUpdated": f"2026-{month}-01T00:00:00Z"} for month in ("06", "11"))
    served.resources = [
        a_patient(meta=old),
        a_rating(id="old", meta=old),
        a_rating(id="new", meta=new),
    ]
    found, _ = read(served, since=datetime(2026, 10, 1, tzinfo=UTC))
    assert [each.id for each in found.of("QuestionnaireResponse")] == ["new"]
    assert len(found.of("Patient")) == 1


def test_only_free_slots_from_now_on_are_asked_for(served: LocalFhirServer) -> None:
    served.resources = [
        a_slot("past", "2026-11-19T09:00:00Z"),
        a_slot("busy", "2026-12-01T09:00:00Z", status="busy"),
        a_slot("free", "2026-12-01T09:00:00Z"),
    ]
    assert [each.id for each in read(served)[0].of("Slot")] == ["free"]


@pytest.mark.parametrize(
    ("version", "problem"), [("5.0.0", "is of FHIR 5.0.0"), ("3.0.2", "is of FHIR 3.0.2")]
)
def test_a_server_of_another_version_is_refused(
    served: LocalFhirServer, version: str, problem: str
) -> None:
    served.version = version
    assert problem in refused(served)


def test_a_server_that_is_none_of_fhir_or_is_not_there_is_refused(served: LocalFhirServer) -> None:
    with pytest.raises(RecommenderError, match="gives no CapabilityStatement"):
        list(FhirServer(f"{served.base}/Patient", None).documents(ImportLog("x"), NOW))
    nowhere = FhirServer("http://127.0.0.1:9/fhir", None, sleep=WAITED.append)
    with pytest.raises(RecommenderError, match="cannot be reached for metadata"):
        list(nowhere.documents(ImportLog("x"), NOW))


@pytest.mark.parametrize("rest", ["x", [{"resource": [3]}], [{"resource": "x"}], None])
def test_a_statement_of_another_shape_offers_nothing(served: LocalFhirServer, rest: Any) -> None:
    stated = {"resourceType": "CapabilityStatement", "fhirVersion": "4.0.1", "rest": rest}
    served.statement = stated
    found, log = read(served)
    assert found.of("Patient") == ()
    assert "The server does not offer Patient." in log.report().notes


@pytest.mark.parametrize(
    ("status", "remedy"),
    [
        (404, "check the base address"),
        (302, "name the address to which it leads"),
        (418, "ask who"),
    ],
)
def test_a_refusal_has_a_remedy(served: LocalFhirServer, status: int, remedy: str) -> None:
    served.refusals = [status]
    message = refused(served)
    assert f"answers metadata with {status}" in message
    assert remedy in message


def test_a_server_that_repeats_its_pages_is_given_up(served: LocalFhirServer) -> None:
    served.resources = [a_patient(f"p{number}") for number in range(120)]
    served.repeats = True
    assert "repeats its pages of Patient" in refused(served)


def test_a_wait_is_that_of_a_date_but_never_longer_than_two_minutes() -> None:
    def after(seconds: int) -> str:
        return format_datetime(datetime.now(UTC) + timedelta(seconds=seconds), usegmt=True)

    assert asked_wait(after(30), 1.0) == pytest.approx(30, abs=5)
    assert asked_wait(after(-30), 1.0) == 0.0
    assert asked_wait(after(9000), 1.0) == 120.0
    assert asked_wait("9000", 1.0) == 120.0
    assert [asked_wait(text, 1.0) for text in (None, "soon", "Fri, 20 Nov 2026 01:00:00")] == [
        1.0
    ] * 3


def test_an_address_has_no_password_and_no_query() -> None:
    assert is_address("https://server.example/fhir")
    assert not is_address("export/")
    known: dict[str, Any] = {"RECOMMENDER_FHIR_TOKEN": "secret"}
    server = server_at("https://server.example/fhir/", known)
    assert (server.base, server.token) == ("https://server.example/fhir", "secret")
    for address in ("https://me:pass@server.example/fhir", "https://server.example/fhir?x=1"):
        with pytest.raises(RecommenderError) as error:
            server_at(address, known)
        assert "pass" not in str(error.value).replace("RECOMMENDER", "")
