"""A server, and what the command line says, where the libraries of the extras are not installed."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from recommender.settings import Settings
from tests.support.builders import DEFINITION
from tests.support.server import RECOMMEND, a_request
from tests.support.server_process import ROOT, free_port, http_request, wait_until_ready

pytestmark = pytest.mark.slow

NOT_INSTALLED = ("mlflow", "optuna", "matplotlib", "sklearn", "pyarrow", "dask", "distributed")
# A module that is None in `sys.modules` cannot be imported, and `find_spec` does not find it.
COMMAND_LINE = f"""
import sys
sys.modules.update(dict.fromkeys({NOT_INSTALLED!r}))
from recommender.cli.main import app
app()
"""


@contextmanager
def running(*words: str | Path) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(
        [sys.executable, "-c", COMMAND_LINE, *map(str, words)],
        cwd=ROOT,
        env=os.environ | {"COLUMNS": "200"},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


@pytest.mark.parametrize("mode", ["model", "evidence_prior"])
def test_a_server_answers_without_the_libraries_of_training(settings: Settings, mode: str) -> None:
    port = free_port()
    source = ["--bundle", settings.bundle] if mode == "model" else ["--practice", DEFINITION]
    words = ["serve", *source, "--roster", settings.roster, "--port", str(port)]
    with running(*(str(word) for word in words)) as process:
        wait_until_ready(process, port)
        status, _, body = http_request(port, "POST", RECOMMEND, json.dumps(a_request()).encode())
        process.send_signal(signal.SIGTERM)
        _, log = process.communicate(timeout=30)
    assert status == 200, body
    assert json.loads(body)["mode"] == mode
    assert ("no registry is followed" in log) == (mode == "evidence_prior")
    assert process.returncode == 0


@pytest.mark.parametrize(
    ("words", "module", "extras"),
    [
        (["train", "nowhere"], "mlflow", "train"),
        (["evaluate", "nowhere"], "matplotlib", "train"),
        (["history"], "mlflow", "registry"),
        (["serve", "--registry", "http://127.0.0.1:9"], "mlflow", "registry"),
        (["score", "--clients", "c", "--roster", "r", "--out", "o", "--bundle", "b"],
         "pyarrow", "registry,parquet"),
    ],
)  # fmt: skip
def test_a_missing_extra_is_named_in_one_sentence(
    words: list[str], module: str, extras: str
) -> None:
    with running(*words) as process:
        _, output = process.communicate(timeout=60)
    assert process.returncode == 1
    assert f"needs {module}, which is not installed; run `pip install -e '.[{extras}]'" in output
    assert "Traceback" not in output
