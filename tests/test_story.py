"""The whole loop through its real doors: tables, registry, a server in its own process, ratings."""

import csv
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import Any
from urllib.error import URLError

import pytest
from typer.testing import CliRunner

from recommender.cli.main import app
from recommender.journal.audit_log import verify
from recommender.journal.privacy_requests import models_that_learned_from
from recommender.store.database import open_store
from tests.support.staff_desk import (
    PEPPER,
    Desk,
    Met,
    put_roster,
    staff_key,
    until,
    with_open_places,
)

pytestmark = pytest.mark.slow

CLIENT: dict[str, Any] = {
    "client_id": "c-new",
    "asked_on": "2026-11-23",
    "top_k": 50,
    "answers": {
        "main_concern": "anxiety",
        "concerns": ["anxiety"],
        "cnip_directiveness": 5,
        "modalities_wanted": ["cbt"],
        "service": "individual",
        "risk_level": "level_1",
        "age_years": 30,
        "funding": "private",
        "model_consent": True,
    },
}


CONCERNS = ("anxiety", "depression")
DAY = date(2026, 11, 23)
MET, MET_AGAIN = 54, 90
"""Clients of the first and of the second turn: fewer than 50 ratings are too few to learn from."""


def command(*words: str | Path) -> str:
    """Runs a command of the project and gives what it printed; fails loudly where it fails."""
    result = CliRunner().invoke(app, [str(word) for word in words])
    assert result.exit_code == 0, result.output
    return result.output


@contextmanager
def a_server(*words: str | Path, **settings: str) -> Iterator[str]:
    """A real server in a second process; gives its address once it is ready."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    line = [sys.executable, "-m", "recommender.cli", *map(str, words), "--port", port]
    # A pipe that nobody reads fills up with the log, and the server then waits for ever.
    with tempfile.TemporaryFile() as said:
        process = subprocess.Popen(line, stderr=said, env=os.environ | settings)
        try:
            url = f"http://127.0.0.1:{port}"
            wait_until_ready(url, process)
            yield url
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(timeout=60)
            said.seek(0)
            assert process.returncode == 0, said.read().decode()


def wait_until_ready(url: str, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline and process.poll() is None:
        try:
            with urllib.request.urlopen(f"{url}/readyz", timeout=2):
                return
        except (URLError, OSError):
            time.sleep(0.2)
    pytest.fail("the server did not become ready")


def ask(url: str) -> dict[str, Any]:
    request = urllib.request.Request(
        f"{url}/v1/recommendations?include=exclusions",
        json.dumps(CLIENT).encode(),
        {"Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=30) as response:
        return dict(json.load(response))


def ask_version(url: str, version: int) -> dict[str, Any]:
    """The answer of a version of the model; a server may be ready before it has loaded it."""
    answer: dict[str, Any] = {}

    def is_served() -> bool:
        answer.update(ask(url))
        return bool(answer["mode"] == "model" and answer["model"]["version"] == version)

    until(is_served)
    return answer


def order(answer: dict[str, Any]) -> list[str]:
    return [entry["clinician_id"] for entry in answer["shortlist"]]


def rate_highly(tables: Path, clinician_id: str, how_many: int) -> None:
    """So many new clients rate this clinician at the top of the scale."""
    with (tables / "clients.csv").open(encoding="utf-8", newline="") as file:
        clients = list(csv.DictReader(file))[:how_many]
    pairings, ratings = [], []
    for place, client in enumerate(clients):
        pairing = f"n{place:04d}"
        pairings.append(
            {
                "pairing_id": pairing,
                "client_id": client["client_id"],
                "clinician_id": clinician_id,
                "started_on": "2026-09-01",
                "sessions": "5",
                "ended_on": "",
            }
        )
        ratings.append(
            {
                "pairing_id": pairing,
                "session": "3",
                "rated_on": "2026-09-21",
                "known_on": "2026-09-21",
                "instrument": "wai_sr",
                "rater": "client",
                "metric": "sum",
                "score": "60",
            }
        )
    append(tables / "pairings.csv", pairings)
    append(tables / "ratings.csv", ratings)


def append(path: Path, rows: list[dict[str, str]]) -> None:
    with path.open(encoding="utf-8", newline="") as file:
        columns = next(csv.reader(file))
    with path.open("a", encoding="utf-8", newline="") as file:
        csv.DictWriter(file, columns, restval="").writerows(rows)


def test_a_practice_trains_promotes_serves_asks_rates_and_retrains(tmp_path: Path) -> None:
    tables, registry = tmp_path / "practice", f"sqlite:///{tmp_path}/mlflow.db"
    size = ("--clinicians", "20", "--ratings", "400", "--test-clients", "20", "--seed", "4")
    command("simulate", "--out", tables, *size)
    command("check", tables)
    command("train", tables, "--registry", registry)
    command("promote", "--registry", registry, "--reason", "first", "--force")
    serve = ("serve", "--registry", registry, "--roster", tables / "clinicians.csv")
    with a_server(*serve, "--bundles", tmp_path / "bundles") as url:
        before = ask_version(url, 1)
    excluded = {person["clinician_id"] for person in before["excluded"]}
    assert not excluded & set(order(before))
    assert len(excluded) + before["eligible"] == 20

    last = order(before)[-1]
    rate_highly(tables, last, how_many=60)
    command("check", tables)
    command("train", tables, "--registry", registry)
    command("promote", "--registry", registry, "--reason", "sixty new ratings", "--force")
    with a_server(*serve, "--bundles", tmp_path / "bundles") as url:
        after = ask_version(url, 2)
    assert after["model"]["digest"] != before["model"]["digest"]
    assert order(after).index(last) < order(before).index(last)


@pytest.mark.long
def test_what_clients_rate_over_http_changes_who_is_recommended_twice_over(tmp_path: Path) -> None:
    tables, registry = tmp_path / "practice", f"sqlite:///{tmp_path}/mlflow.db"
    journal, roster = f"sqlite:///{tmp_path}/journal.db", tables / "clinicians.csv"
    size = ("--clinicians", "20", "--ratings", "200", "--test-clients", "5", "--seed", "4")
    command("simulate", "--out", tables, *size)
    with_open_places(roster, 100)
    command("train", tables, "--registry", registry)
    command("promote", "--registry", registry, "--reason", "first", "--force")
    put_roster(journal, roster)
    key = staff_key(journal)
    serve = ("serve", "--registry", registry, "--roster", roster, "--bundles", tmp_path / "bundles")
    settings = {"RECOMMENDER_STORE": journal, "RECOMMENDER_PEPPER": PEPPER}
    with a_server(*serve, **settings, RECOMMENDER_CALLS_PER_MINUTE="100000") as url:
        meeting_context = Desk(int(url.rsplit(":", 1)[1]), key, CLIENT["answers"])

        def learn(turn: str) -> None:
            out = tmp_path / turn
            command("export", "--store", journal, "--out", out)
            told = command("train", out, "--registry", registry, "--store", journal)
            assert "Recorded in the journal that it learned from" in told
            command("promote", "--registry", registry, "--reason", turn, "--force")

        def digest_of(version: int) -> str:
            """The digest of a version of the model, once the server has loaded it."""
            current: dict[str, Any] = {}

            def is_loaded() -> bool:
                current.update(meeting_context.call("GET", "/v1/models/current", expected=200))
                return bool(current["model"]["version"] == version)

            until(is_loaded)
            return str(current["model"]["digest"])

        def list_for(concern: str) -> dict[str, Any]:
            return meeting_context.ask(concern, "c-new", DAY, dry_run=True)

        seen = [digest_of(1)]
        eligible = order(list_for("anxiety"))
        everyone = [eligible[n // 2 % len(eligible)] for n in range(MET)]
        meeting_context.follow_all(
            [Met(n, CONCERNS[n % 2], each, "usual") for n, each in enumerate(everyone)]
        )
        learn("one")
        seen.append(digest_of(2))

        before = {concern: list_for(concern) for concern in CONCERNS}
        rising = order(before["anxiety"])[-1]
        meeting_context.follow_all(
            [Met(n, *favouring(n, rising, eligible)) for n in range(MET, MET + MET_AGAIN)]
        )
        learn("two")
        seen.append(digest_of(3))

        after = {concern: list_for(concern) for concern in CONCERNS}
        assert order(after["anxiety"])[0] == rising
        gained = [points(after[each], rising) - points(before[each], rising) for each in CONCERNS]
        assert gained[0] > gained[1] + 0.05
        kept = meeting_context.ask("anxiety", "c-new", DAY)
        assert kept["model"]["version"] == 3
        at = f"/v1/recommendations/{kept['recommendation_id']}/explanations/{rising}"
        why = meeting_context.call("GET", at, expected=200)["explanation"]
        parts = {part["feature"]: part["points"] for g in why["groups"] for part in g["parts"]}
        assert max(parts, key=lambda name: parts[name]).startswith("history.")
    assert len(set(seen)) == 3
    store = open_store(journal)
    with store.reading() as connection:
        assert verify(connection).holds
        assert models_that_learned_from(connection, ["p0000"]) == tuple(sorted(seen[1:]))
        assert models_that_learned_from(connection, [f"p{MET:04d}"]) == (seen[2],)
    store.close()


@pytest.mark.long
def test_a_practice_that_lost_its_folder_goes_on_in_another_from_a_backup(tmp_path: Path) -> None:
    tables, home, moved, lost = (tmp_path / name for name in ("tables", "home", "moved", "lost"))
    backup, roster = tmp_path / "backup", tables / "clinicians.csv"
    size = ("--clinicians", "10", "--ratings", "100", "--test-clients", "5", "--seed", "4")
    command("simulate", "--out", tables, *size)
    with_open_places(roster, 100)
    home.mkdir()

    def addresses(folder: Path) -> tuple[str, str]:
        return f"sqlite:///{folder}/recommender.db", f"sqlite:///{folder}/mlflow.db"

    @contextmanager
    def a_desk(folder: Path) -> Iterator[Desk]:
        journal, registry = addresses(folder)
        words = ("--registry", registry, "--roster", roster, "--bundles", folder / "bundles")
        given = {"RECOMMENDER_STORE": journal, "RECOMMENDER_PEPPER": PEPPER}
        with a_server("serve", *words, **given, RECOMMENDER_CALLS_PER_MINUTE="100000") as url:
            yield Desk(int(url.rsplit(":", 1)[1]), key, CLIENT["answers"])

    def list_now(desk: Desk) -> dict[str, Any]:
        return desk.ask("anxiety", "c-new", DAY, dry_run=True)

    def meet(desk: Desk, numbers: range) -> None:
        fits = order(list_now(desk))
        met = [Met(n, "anxiety", fits[n % len(fits)], "usual") for n in numbers]
        desk.follow_all(met)

    journal, registry = addresses(home)
    command("train", tables, "--registry", registry)
    command("promote", "--registry", registry, "--reason", "first", "--force")
    put_roster(journal, roster)
    key = staff_key(journal)
    with a_desk(home) as desk:
        # Until the first model is loaded, the server predicts by the literature.
        until(lambda: list_now(desk)["mode"] == "model")
        meet(desk, range(8))
        before = list_now(desk)
        sources = ("--store", journal, "--registry", registry, "--bundles", home / "bundles")
        command("backup", backup, *sources)
    home.rename(lost)
    assert "The backup is sound" in command("restore", backup, "--check")
    command("restore", backup, "--into", moved)

    journal, registry = addresses(moved)
    with a_desk(moved) as desk:
        after = list_now(desk)
        assert after["model"]["digest"] == before["model"]["digest"]
        assert order(after) == order(before)
        meet(desk, range(8, 54))
        command("export", "--store", journal, "--out", tmp_path / "extract")
        told = command("train", tmp_path / "extract", "--registry", registry, "--store", journal)
        assert "learned from 54 pairings" in told
        command("promote", "--registry", registry, "--reason", "second", "--force")
        until(lambda: list_now(desk)["model"]["digest"] != before["model"]["digest"])
    assert not home.exists()
    store = open_store(journal)
    with store.reading() as connection:
        assert verify(connection).holds
    store.close()


def favouring(number: int, rising: str, others: list[str]) -> tuple[str, str, str]:
    """Half with the one, strong for anxiety and usual for depression; half with all in turn."""
    concern = CONCERNS[number // 2 % 2]
    if number % 2:
        return concern, rising, "strong" if concern == "anxiety" else "usual"
    return concern, others[number // 4 % len(others)], "usual"


def points(answer: dict[str, Any], clinician_id: str) -> float:
    """Predicted alliance of a clinician above the mean of the list."""
    told = {each["clinician_id"]: each["predicted_alliance"] for each in answer["shortlist"]}
    return float(told[clinician_id] - sum(told.values()) / len(told))
