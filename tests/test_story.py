"""The whole loop through its real doors: tables, registry, a server in its own process, ratings."""

import csv
import json
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.error import URLError

import pytest
from typer.testing import CliRunner

from recommender.cli import app

pytestmark = pytest.mark.slow

CLIENT = {
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


def command(*words: str | Path) -> str:
    """Runs a command of the project and gives what it printed; fails loudly where it fails."""
    result = CliRunner().invoke(app, [str(word) for word in words])
    assert result.exit_code == 0, result.output
    return result.output


@contextmanager
def a_server(*words: str | Path) -> Iterator[str]:
    """A real server in a second process; gives its address once it is ready."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    line = [sys.executable, "-m", "recommender.cli", *map(str, words), "--port", port]
    process = subprocess.Popen(line, stderr=subprocess.PIPE)
    try:
        url = f"http://127.0.0.1:{port}"
        wait_until_ready(url, process)
        yield url
    finally:
        process.send_signal(signal.SIGTERM)
        _, said = process.communicate(timeout=60)
        assert process.returncode == 0, said.decode()


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
        f"{url}/v1/recommendations",
        json.dumps(CLIENT).encode(),
        {"Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=30) as response:
        return dict(json.load(response))


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
        before = ask(url)
    excluded = {person["clinician_id"] for person in before["excluded"]}
    assert before["mode"] == "model"
    assert not excluded & set(order(before))
    assert len(excluded) + before["eligible"] == 20

    last = order(before)[-1]
    rate_highly(tables, last, how_many=60)
    command("check", tables)
    command("train", tables, "--registry", registry)
    command("promote", "--registry", registry, "--reason", "sixty new ratings", "--force")
    with a_server(*serve, "--bundles", tmp_path / "bundles") as url:
        after = ask(url)
    assert after["model"]["digest"] != before["model"]["digest"]
    assert order(after).index(last) < order(before).index(last)
