"""The commands `backup` and `restore`, as they are typed."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from recommender.cli.main import app
from recommender.store.database import open_store
from tests.support.journal_rows import recommend


def run(*words: object, code: int = 0) -> str:
    """What was printed, without what a narrow terminal adds."""
    result = CliRunner().invoke(app, [str(word) for word in words])
    assert result.exit_code == code, result.output
    return " ".join(result.output.replace("│", " ").split())


@pytest.fixture
def store(store_file: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> str:
    """The address of a store with a recommendation, in an otherwise empty folder."""
    monkeypatch.chdir(tmp_path)
    opened = open_store(f"sqlite:///{store_file}")
    recommend(opened, "r1", "c0001")
    opened.close()
    return f"sqlite:///{store_file}"


def test_a_backup_says_what_it_holds_and_what_not_and_names_no_client(
    store: str, tmp_path: Path
) -> None:
    said = run("backup", "backup", "--store", store)
    assert "recommendations 1 " in said
    assert "Not included: registry; there is none at sqlite:///var/mlflow.db" in said
    assert "Not included: bundles" in said
    assert "The backup is sound." in run("restore", "backup", "--check")
    said += run("restore", "backup", "--into", "restored")
    assert "recommendations 1 1 " in said
    assert f"sqlite:///{tmp_path}/restored/recommender.db" in said
    assert "c0001" not in said


def test_a_part_is_left_out_only_where_that_is_asked_for(store: str) -> None:
    absent = ("--registry", "sqlite:///absent.db")
    assert "does not exist" in run("backup", "backup", "--store", store, *absent, code=1)
    said = run("backup", "backup", "--store", store, *absent, "--without", "registry")
    assert "registry; left out by --without" in said
    assert "would hold nothing" in run("backup", "other", "--without", "store", code=1)


def test_a_restore_is_either_checked_or_made(store: str) -> None:
    run("backup", "backup", "--store", store)
    assert "give --check" in run("restore", "backup", code=2)
    assert "give --check" in run("restore", "backup", "--check", "--into", "restored", code=2)
    said = run("restore", "backup", "--into", "restored", "--store", store, code=1)
    assert "is no PostgreSQL database" in said
    assert "no readable manifest.json" in run("restore", "absent", "--check", code=1)
