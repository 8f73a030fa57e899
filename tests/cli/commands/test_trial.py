"""A trial by command and server, from its plan to its report, on a real journal."""

import json
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from recommender.cli.main import app
from recommender.journal.pairings import PairingEvent, record_event
from recommender.journal.trials import newest_trial, trial_clients
from recommender.settings import Settings
from recommender.store.schema import trial_arms
from tests.support.builders import DEFINITION
from tests.support.journal_rows import ACTOR, TODAY, count, pair, rate
from tests.support.server import JournalServer, a_request, journal_server

ASSUMED = ("--clinicians", "8", "--follow", "1", "--explained", "0.15")


def run(*words: str, url: str | None = None) -> Result:
    given = [*words, *(("--store", url) if url else ())]
    return CliRunner().invoke(app, given, env={"COLUMNS": "200", "RECOMMENDER_STORE": None})


def of_corner(command: str, url: str, *words: str) -> Result:
    return run("trial", command, *words, "--practice", str(DEFINITION), url=url)


@pytest.fixture
def store_url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path}/journal.db"


@pytest.fixture
def desk(settings: Settings, store_url: str) -> Iterator[JournalServer]:
    """A server that looks for an open trial at every request."""
    at_once = settings.model_copy(update={"poll_seconds": 1e-6})
    with journal_server(at_once, store_url) as running:
        yield running


def asked(desk: JournalServer, number: int, **changes: Any) -> dict[str, Any]:
    return desk.recommended(client_id=f"c{number:04d}", **changes)


def begin(desk: JournalServer, number: int, shown: dict[str, Any]) -> None:
    """Begins with one of the first three who are shown."""
    whom = shown["shortlist"][number % 3]["clinician_id"]
    pair(desk.store, f"p{number}", f"c{number:04d}", whom, shown["recommendation_id"])


def leave(desk: JournalServer, name: str) -> None:
    with desk.store.writing() as connection:
        left = PairingEvent(name, "ended", date(2026, 10, 20), reason="other")
        record_event(connection, left, actor=ACTOR, today=TODAY)


def arms(desk: JournalServer) -> dict[str, str]:
    with desk.store.reading() as connection:
        trial_id = newest_trial(connection).trial.trial_id
        found = trial_clients(connection, trial_id)
        return {each.pairing.pairing_id: each.arm for each in found if each.pairing}


def test_a_plan_says_how_many_clients_and_months_are_needed() -> None:
    shown = run("trial", "plan", "--per-month", "20", *ASSUMED)
    data = json.loads(run("trial", "plan", "--per-month", "20", "--json", *ASSUMED).output)
    assert shown.exit_code == 0, shown.output
    assert [each["effect"] for each in data["effects"]] == [0.1, 0.2, 0.3]
    rated = data["effects"][1]["rated"]
    assert f"{rated:,}" in shown.output
    assert data["effects"][1]["months"] == pytest.approx(data["effects"][1]["randomised"] / 20)


def test_a_plan_says_where_no_trial_is_practical_and_what_would_shorten_it() -> None:
    few = run("trial", "plan", "--per-month", "2").output
    assert "an effect of 0.1, 0.2 or 0.3 takes longer than 4 years" in few
    assert "More clients who ask" in few
    assert "trial start" not in few
    some = run("trial", "plan", "--per-month", "80").output
    assert "Not practical here: an effect of 0.1" in some
    assert "recommender trial start --effect" in some
    unknown = run("trial", "plan").output
    assert "recommender trial start --effect 0.2" in unknown


@pytest.mark.slow
def test_a_trial_runs_from_its_start_to_its_report(desk: JournalServer, store_url: str) -> None:
    assert asked(desk, 999)["mode"] == "model"
    started = of_corner("start", store_url, "--effect", "1.2", *ASSUMED, "--yes")
    assert started.exit_code == 0, started.output
    assert "is open already" in of_corner("start", store_url, "--yes").output

    shown = {number: asked(desk, number) for number in range(50)}
    for each in shown.values():
        assert each["mode"] == "trial"
        assert "Chance decided which order" in each["notice"]
        assert {entry["predicted_alliance"] for entry in each["shortlist"]} == {None}
        assert {entry["tie"] for entry in each["shortlist"]} == {None}
    for number, each in shown.items():
        begin(desk, number, each)
    by_arm = arms(desk)
    assert set(by_arm.values()) == {"model", "usual"}
    assert count(desk.store, trial_arms) == 50
    assert "is not due: 0 clients are rated" in of_corner("look", store_url).output

    for name, arm in by_arm.items():
        number = int(name[1:])
        if number % 10 == 9:
            leave(desk, name)
        else:
            rate(desk.store, name, score=40.0 + number % 7 + (9.0 if arm == "model" else 0.0))
    progress = json.loads(of_corner("progress", store_url, "--json").output)
    assert progress["randomised"] == progress["began"] == 50
    assert (progress["rated"], progress["left_before_rating"]) == (45, 5)
    early = of_corner("report", store_url)
    assert early.exit_code == 1
    assert "no result is shown" in early.output

    look = of_corner("look", store_url)
    assert look.exit_code == 0, look.output
    assert "the trial has ended" in look.output
    assert asked(desk, 998)["mode"] == "model"
    report = json.loads(of_corner("report", store_url, "--json").output)
    assert report["decision"] == "benefit"
    assert report["rated_alone"]["low"] > 0.0
    assert report["leavers_imputed"]["clients"] == 50
    assert "rated the early alliance higher" in of_corner("report", store_url).output
    assert "was the last one already" in of_corner("look", store_url).output


@pytest.mark.slow
def test_after_harm_nobody_is_shown_the_models_order_until_it_is_restored(
    desk: JournalServer, store_url: str
) -> None:
    """Not even after another trial was begun and stopped, and then by a recorded decision alone."""
    of_corner("start", store_url, "--effect", "1.2", *ASSUMED, "--yes")
    for number in range(50):
        begin(desk, number, asked(desk, number))
    for name, arm in arms(desk).items():
        rate(desk.store, name, score=40.0 + int(name[1:]) % 7 - (9.0 if arm == "model" else 0.0))
    look = of_corner("look", store_url)
    assert look.exit_code == 0, look.output
    assert "until `recommender trial restore --reason CODE`" in look.output
    assert json.loads(of_corner("report", store_url, "--json").output)["decision"] == "harm"

    usual = asked(desk, 900, answers={"agrees": False})["shortlist"]
    assert_usual(desk, usual)
    again = of_corner("start", store_url, "--effect", "1.2", *ASSUMED, "--yes")
    assert "A trial ended for harm here" in again.output
    assert asked(desk, 901)["mode"] == "trial"
    run("trial", "stop", "--reason", "too_few_clients", url=store_url)
    assert_usual(desk, usual)

    restored = run("trial", "restore", "--reason", "another_model", url=store_url)
    assert restored.exit_code == 0, restored.output
    assert asked(desk, 902)["mode"] == "model"
    assert "is not withdrawn" in run("trial", "restore", "--reason", "again", url=store_url).output


def assert_usual(desk: JournalServer, usual: list[dict[str, Any]]) -> None:
    """The list is that of a client who does not agree to prediction, but says why."""
    shown = asked(desk, 903)
    assert shown["mode"] == "constraints_only"
    assert [each["code"] for each in shown["warning_details"]] == ["order_withdrawn"]
    assert "ended for harm" in shown["warnings"][0]
    assert [each["clinician_id"] for each in shown["shortlist"]] == [
        each["clinician_id"] for each in usual
    ]
    assert {each["predicted_alliance"] for each in shown["shortlist"]} == {None}
    waiting = {"clients": [{"client_id": "c0904", "answers": a_request()["answers"]}]}
    assert desk.post("/v1/allocations", waiting).status_code == 409


def test_a_trial_stopped_for_harm_by_a_person_withdraws_the_order_as_well(
    desk: JournalServer, store_url: str
) -> None:
    of_corner("start", store_url, "--effect", "0.9", *ASSUMED, "--yes")
    run("trial", "stop", "--reason", "harm", url=store_url)
    assert asked(desk, 1)["mode"] == "constraints_only"


def test_a_client_remains_in_the_arm_of_the_first_request(
    desk: JournalServer, store_url: str
) -> None:
    of_corner("start", store_url, "--effect", "0.9", *ASSUMED, "--yes")
    for number in range(8):
        first = desk.recommended()
        again = desk.recommended(replaces=first["recommendation_id"], answers={"directive": -3})
        with desk.store.reading() as connection:
            rows = connection.execute(trial_arms.select()).all()
        found = {row.recommendation_id: row.arm for row in rows}
        assert found[first["recommendation_id"]] == found[again["recommendation_id"]], number


def test_a_client_without_consent_takes_no_part(desk: JournalServer, store_url: str) -> None:
    of_corner("start", store_url, "--effect", "0.9", *ASSUMED, "--yes")
    assert asked(desk, 1, answers={"agrees": False})["mode"] == "constraints_only"
    assert count(desk.store, trial_arms) == 0
