import json
import stat
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from recommender.cli.main import app
from tests.support.journal_rows import pair, rate, recommend
from tests.support.server import store_with_schema


@pytest.fixture
def url(tmp_path: Path) -> str:
    address = f"sqlite:///{tmp_path / 'journal.db'}"
    store = store_with_schema(address)
    recommend(store)
    pair(store)
    rate(store)
    store.close()
    return address


def run(*words: str, **environment: str) -> Result:
    return CliRunner().invoke(app, list(words), env=environment)


def test_a_client_is_exported_to_a_file_only_its_owner_reads(url: str, tmp_path: Path) -> None:
    path = tmp_path / "c0001.json"
    done = run("subject", "export", "c0001", "--store", url, "--to", str(path))
    assert done.exit_code == 0, done.output
    assert json.loads(path.read_bytes())["client_id"] == "c0001"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert run("subject", "export", "c0001", "--store", url, "--to", str(path)).exit_code == 1
    assert json.loads(run("subject", "export", "c0001", "--store", url).stdout)["ratings"]


def test_a_client_is_erased_when_it_was_meant(url: str) -> None:
    assert run("subject", "erase", "c0001", "--store", url).exit_code == 1
    done = run("subject", "erase", "c0001", "--store", url, "--yes")
    assert "ratings: 1" in done.output
    assert "No model learned from them." in done.output
    assert run("subject", "export", "c0001", "--store", url).exit_code == 1


def test_the_chain_is_anchored_and_verified(url: str, tmp_path: Path) -> None:
    anchors = str(tmp_path / "anchors")
    assert run("audit", "anchor", "--store", url).exit_code == 2
    done = run("audit", "anchor", "--anchors", anchors, RECOMMENDER_STORE=url)
    assert "Anchored row" in done.output
    assert "Sound and agrees" in run("audit", "verify", "--store", url, "--anchors", anchors).output
    (tmp_path / "journal.db").unlink()
    store_with_schema(url).close()
    done = run("audit", "verify", "--store", url, "--anchors", anchors)
    assert done.exit_code == 1
    assert "is missing" in done.output


def test_a_sweep_says_what_went(url: str) -> None:
    assert "Deleted nothing." in run("sweep", "--store", url).output


def test_the_statement_is_printed_as_it_is() -> None:
    done = run("privacy-statement", "--payload", "3")
    assert done.stdout.startswith("# How Psychology practice (Australia) uses")
    assert "| 3 months |" in done.stdout
