"""Training, promotion and serving through an mlflow server: by its address and nothing else."""

import json
import subprocess
import sys
import time
import urllib.request
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from experiments.trust.live import live_server
from experiments.trust.tracking import tracking_server
from tests.support.builders import DEFINITION, write_tables

pytestmark = pytest.mark.slow


def command(home: Path, *words: object) -> str:
    """Runs a command in a folder of its own, as another machine would, and gives what it said."""
    home.mkdir(exist_ok=True)
    line = [sys.executable, "-m", "recommender.cli", *map(str, words)]
    done = subprocess.run(line, cwd=home, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def answering(url: str) -> Mapping[str, Any]:
    """The model that answers."""
    with urllib.request.urlopen(f"{url}/v1/models/current", timeout=10) as response:
        model: Mapping[str, Any] = json.load(response)["model"]
        return model


def until_version(number: int, url: str) -> Mapping[str, Any]:
    """The model that answers, once it is of this version."""
    end = time.monotonic() + 60
    while time.monotonic() < end:
        model = answering(url)
        if model["version"] == number:
            return model
        time.sleep(0.2)
    pytest.fail(f"version {number} never came to answer")


@pytest.mark.long
def test_what_is_trained_and_promoted_at_an_mlflow_server_answers_while_a_server_runs(
    tmp_path: Path,
) -> None:
    write_tables(tmp_path, pairings=160)
    with tracking_server(tmp_path) as tracking:
        registry = ("--registry", tracking.url)
        trainer, bundles = tmp_path / "trainer", tmp_path / "server"
        told = command(trainer, "train", tmp_path, "--practice", DEFINITION, *registry)
        words = ["-m", "recommender.cli", "serve", *registry, "--bundles", str(bundles)]
        words += ["--roster", str(tmp_path / "clinicians.csv"), "--practice", str(DEFINITION)]
        with live_server({}, words=words) as serving:
            before = answering(serving.url)
            command(trainer, "promote", *registry, "--force", "--reason", "a test")
            after = until_version(1, serving.url)

    assert "version 1" in told
    assert before["version"] is None
    assert after["digest"] != before["digest"]
    assert not list(trainer.iterdir()), "something went to the trainer's own disk"
