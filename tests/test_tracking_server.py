"""Training, promotion and serving through an mlflow server: by its address and nothing else."""

import json
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest

from experiments.trust.live import live_server
from experiments.trust.tracking import tracking_server
from tests.builders import DEFINITION, write_tables

pytestmark = pytest.mark.slow


def command(home: Path, *words: object) -> str:
    """Runs a command in a folder of its own, as another machine would, and gives what it said."""
    home.mkdir(exist_ok=True)
    line = [sys.executable, "-m", "recommender.cli", *map(str, words)]
    done = subprocess.run(line, cwd=home, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def until_version(number: int, url: str) -> str:
    """The digest of the model that answers, once it is of this version."""
    end = time.monotonic() + 60
    while time.monotonic() < end:
        with urllib.request.urlopen(f"{url}/v1/models/current", timeout=10) as response:
            model = json.load(response)["model"]
        if model.get("version") == number:
            return str(model["digest"])
        time.sleep(0.2)
    pytest.fail(f"version {number} never came to answer")


def test_a_champion_comes_to_a_server_through_an_mlflow_server_and_so_does_the_next(
    tmp_path: Path,
) -> None:
    write_tables(tmp_path, pairings=160)
    with tracking_server(tmp_path) as tracking:
        registry = ("--registry", tracking.url)
        trainer, server = tmp_path / "trainer", tmp_path / "server"
        learn = ("train", tmp_path, "--practice", DEFINITION, *registry)
        allow = ("promote", *registry, "--force", "--reason", "a test")
        assert "version 1" in command(trainer, *learn)
        command(trainer, *allow)
        words = ["-m", "recommender.cli", "serve", *registry, "--bundles", str(server)]
        words += ["--roster", str(tmp_path / "clinicians.csv"), "--practice", str(DEFINITION)]
        with live_server({}, words=words) as serving:
            first = until_version(1, serving.url)
            command(trainer, *learn, "--seed", "7")
            command(trainer, *allow)
            then = until_version(2, serving.url)
    assert first != then
    assert not (trainer / "mlruns").exists(), "artifacts went to the trainer's own disk"
