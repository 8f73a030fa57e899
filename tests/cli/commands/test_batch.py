"""`recommender score` killed outright goes on where it was, to the same bytes."""

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from typer.testing import CliRunner

from recommender.cli.main import app
from recommender.recommendation.batch_scoring import MIN_CHUNK_CLIENTS
from tests.support.builders import a_bundle, some_rows, write_rows

PARTS, CLINICIANS = 12, 2_000
PATIENCE_SECONDS = 120


def tables(directory: Path, clients: int) -> Path:
    directory.mkdir()
    write_rows(directory, some_rows(pairings=clients, clinicians=CLINICIANS))
    return directory


def words(data: Path, bundle: Path, out: Path) -> list[str]:
    options = {
        "--clients": data / "clients.csv", "--roster": data / "clinicians.csv",
        "--bundle": bundle, "--out": out, "--day": "2026-11-23",
    }  # fmt: skip
    return ["score", *(str(word) for pair in options.items() for word in pair)]


def score(data: Path, bundle: Path, out: Path) -> str:
    """What the command printed; in this process, which only the one that is killed cannot be."""
    done = CliRunner().invoke(app, words(data, bundle, out))
    assert done.exit_code == 0, done.output
    return " ".join(done.output.split())


def parts(out: Path) -> int:
    return len(list(out.glob("clients-*.parquet")))


def kill_in_the_middle(data: Path, bundle: Path, out: Path) -> None:
    quiet = subprocess.DEVNULL
    command = [sys.executable, "-m", "recommender.cli", *words(data, bundle, out)]
    running = subprocess.Popen(command, stdout=quiet, stderr=quiet)
    until = time.monotonic() + PATIENCE_SECONDS
    while parts(out) < 3 and time.monotonic() < until:
        assert running.poll() is None
        time.sleep(0.01)
    os.kill(running.pid, signal.SIGKILL)
    assert running.wait(timeout=PATIENCE_SECONDS) == -signal.SIGKILL


@pytest.mark.long
def test_killed_outright_it_goes_on_and_ends_with_the_same_bytes(tmp_path: Path) -> None:
    data, bundle = tables(tmp_path / "data", PARTS * MIN_CHUNK_CLIENTS), a_bundle(tmp_path)
    whole, broken = tmp_path / "whole", tmp_path / "broken"
    score(data, bundle, whole)

    kill_in_the_middle(data, bundle, broken)
    there = parts(broken)
    assert 3 <= there < parts(whole) == PARTS
    told = score(data, bundle, broken)

    made = re.search(r"(\d+) of (\d+) parts written", told)
    assert made is not None
    assert tuple(map(int, made.groups())) == (parts(whole) - there, parts(whole))
    assert {path.name: path.read_bytes() for path in broken.iterdir()} == {
        path.name: path.read_bytes() for path in whole.iterdir()
    }
    assert "Nothing to do" in score(data, bundle, broken)
