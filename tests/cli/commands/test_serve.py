"""What `recommender serve` prints, and when."""

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import structlog
from typer.testing import CliRunner, Result

from recommender.cli.main import app
from recommender.settings import Settings
from tests.support.server_process import free_port, http_request

ADDRESS = "Serving http"


@pytest.fixture(autouse=True)
def _process_as_before() -> Iterator[None]:
    """A server in this process writes its log to a stream that ends with the test."""
    interval = sys.getswitchinterval()
    yield
    sys.setswitchinterval(interval)
    structlog.reset_defaults()


def serve(settings: Settings, *words: str | Path) -> Result:
    given = ["serve", "--bundle", settings.bundle, "--roster", settings.roster, *words]
    return CliRunner().invoke(app, [str(word) for word in given])


def printed(result: Result) -> str:
    """What was printed, without what a narrow terminal adds."""
    return " ".join(result.output.replace("│", " ").split())


def test_a_roster_that_is_missing_is_a_sentence_and_no_address_is_printed(
    settings: Settings,
) -> None:
    result = serve(settings, "--roster", "nobody.csv")
    assert result.exit_code == 1
    assert "nobody.csv: cannot be read; name a readable table of the clinicians" in printed(result)
    assert ADDRESS not in result.output


def test_a_port_in_use_is_a_sentence_and_no_address_is_printed(settings: Settings) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        result = serve(settings, "--port", str(port))
    assert result.exit_code == 1
    assert f"port {port}: is in use; stop the program that uses it" in printed(result)
    assert ADDRESS not in result.output


def test_a_misspelt_or_old_setting_is_named_at_start_with_what_was_meant(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("RECOMMENDER_STROE", "RECOMMENDER_SHELF", "RECOMMENDER_ZZZ"):
        monkeypatch.setenv(name, "a secret")
    text = printed(serve(settings, "--roster", "nobody.csv"))
    assert (
        "RECOMMENDER_STROE in the environment is not a setting; did you mean RECOMMENDER_STORE?"
        in text
    )
    assert (
        "RECOMMENDER_SHELF in the environment is not a setting; did you mean RECOMMENDER_BUNDLES?"
        in text
    )
    assert "RECOMMENDER_ZZZ in the environment is not a setting; its spelling may be wrong" in text
    assert "a secret" not in text


def test_settings_that_cannot_be_used_are_named_all_at_once(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RECOMMENDER_CALLS_PER_MINUTE", "many")
    words = ("--root-path", "/a b", "--forwarded-allow-ips", "300.1.1.1")
    text = printed(serve(settings, *words))
    for name in ("CALLS_PER_MINUTE", "ROOT_PATH", "FORWARDED_ALLOW_IPS"):
        assert f"RECOMMENDER_{name}: " in text
    assert "many" not in text
    monkeypatch.setenv("RECOMMENDER_ALLOWED_HOSTS", "match.example.org")
    assert "RECOMMENDER_ALLOWED_HOSTS: cannot be read; write a list as JSON" in printed(
        serve(settings)
    )


@contextmanager
def started(settings: Settings, *words: str, **environment: str) -> Iterator[subprocess.Popen[str]]:
    """The command in a process of its own."""
    command = [sys.executable, "-m", "recommender.cli", "serve", *words]
    command += ["--bundle", str(settings.bundle), "--roster", str(settings.roster)]
    process = subprocess.Popen(
        command, env=os.environ | environment, stderr=subprocess.PIPE, text=True
    )
    try:
        yield process
    finally:
        process.terminate()
        process.communicate(timeout=60)


@pytest.mark.slow
@pytest.mark.parametrize("processes", ["1", pytest.param("2", marks=pytest.mark.long)])
def test_the_address_is_printed_once_somebody_can_use_it(
    settings: Settings, processes: str
) -> None:
    port = free_port()
    with started(
        settings, "--workers", processes, "--root-path", "/match", RECOMMENDER_PORT=str(port)
    ) as process:
        assert process.stderr is not None
        for line in process.stderr:
            if line.startswith(ADDRESS):
                break
        assert f"http://127.0.0.1:{port}/match" in line
        assert http_request(port, "GET", "/match/readyz")[0] == 200
