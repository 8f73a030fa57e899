import csv
import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from experiments.cliniko_sync.invented_account import (
    CANARY,
    AccountSize,
    clinicians_text,
    invented_account,
    mapping_text,
)
from experiments.cliniko_sync.local_cliniko import KEY, LocalCliniko, Unreliability, serving
from recommender.cli.main import app
from recommender.practice.definition import shipped_practice
from recommender.tables.loader import read_directory
from tests.support.server_process import running_server

SMALL = AccountSize(practitioners=4, appointments=120, inactive=1, blocks=2)
PRACTICE = shipped_practice()


@dataclass
class Desk:
    """A folder with the files of a practice, and the Cliniko it synchronises with."""

    folder: Path
    cliniko: LocalCliniko

    def sync(self, *options: str) -> Result:
        files = {
            "--mapping": "cliniko.toml",
            "--state": "state.db",
            "--key": "pseudonyms.key",
        }
        named = [w for option, name in files.items() for w in (option, str(self.folder / name))]
        result = CliRunner().invoke(app, ["sync", "cliniko", *named, *options])
        assert KEY not in result.output
        assert CANARY not in result.output
        return result

    def tables(self) -> list[str]:
        roster, pairings = self.folder / "clinicians.csv", self.folder / "pairings.csv"
        return ["--roster", str(roster), "--pairings", str(pairings)]

    def files(self) -> dict[str, bytes]:
        return {each.name: each.read_bytes() for each in self.folder.iterdir()}


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Desk]:
    with serving(invented_account(SMALL, 2)) as cliniko:
        monkeypatch.setenv("CLINIKO_API_KEY", KEY)
        monkeypatch.setenv("CLINIKO_ADDRESS", cliniko.address)
        monkeypatch.setenv("COLUMNS", "200")
        text = clinicians_text(PRACTICE, 4)
        (tmp_path / "clinicians.csv").write_text(text, encoding="utf-8")
        (tmp_path / "cliniko.toml").write_text(mapping_text(4), encoding="utf-8")
        yield Desk(tmp_path, cliniko)
        assert cliniko.methods <= {"GET"}


def test_a_dry_run_prints_what_would_change_and_writes_nothing(desk: Desk) -> None:
    before = desk.files()
    result = desk.sync(*desk.tables(), "--dry-run")
    assert result.exit_code == 0, result.output
    assert "psy000 timezone: not known -> Australia/Melbourne" in result.output
    assert "Nothing was written" in result.output
    assert desk.files() == before


def test_a_synchronised_roster_and_its_pairings_are_tables_of_the_project(desk: Desk) -> None:
    result = desk.sync(*desk.tables())
    assert result.exit_code == 0, result.output
    text = (desk.folder / "clinicians.csv").read_text(encoding="utf-8")
    rows = {row["clinician_id"]: row for row in csv.DictReader(text.splitlines())}
    assert rows["psy000"]["style_directiveness"] == "2"
    assert rows["psy000"]["hours"]
    assert rows["psy003"]["active"] == "false"
    read = read_directory(desk.folder, PRACTICE, None)
    about = {each.file for each in read.faults}
    assert "clinicians.csv" not in about
    assert len(read.pairings) > 10
    assert (desk.folder / "pseudonyms.key").stat().st_mode & 0o077 == 0


def test_an_unchanged_roster_is_confirmed_with_few_requests(desk: Desk) -> None:
    desk.sync(*desk.tables())
    before = desk.files()
    desk.cliniko.received.clear()
    result = desk.sync(*desk.tables(), "--json")
    facts = json.loads(result.stdout)
    assert facts["roster"] == {"facts": [], "added": []}
    assert (facts["pairings"]["added"], facts["pairings"]["changed"]) == (0, 0)
    assert not facts["read"]["full"]
    tables = ("clinicians.csv", "pairings.csv")
    assert {n: desk.files()[n] for n in tables} == {n: before[n] for n in tables}
    full = json.loads(desk.sync(*desk.tables(), "--json", "--full").stdout)
    assert full["read"]["full"]


def test_a_failure_leaves_everything_and_is_continued(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("time.sleep", lambda _: None)
    desk.cliniko.unreliable = Unreliability(errors=0.95)
    before = (desk.folder / "clinicians.csv").read_bytes()
    result = desk.sync(*desk.tables(), "--json")
    assert result.exit_code == 1
    assert "continues where it stopped" in json.loads(result.stdout)["faults"][0]["remedy"]
    assert (desk.folder / "clinicians.csv").read_bytes() == before
    desk.cliniko.unreliable = Unreliability()
    assert desk.sync(*desk.tables()).exit_code == 0


def test_a_first_mapping_is_written_once(desk: Desk) -> None:
    draft = desk.folder / "draft.toml"
    words = ["--mapping", str(draft), "--init", "Practice (it@practice.example)"]
    assert desk.sync(*words).exit_code == 0
    assert '"5000" = "psy01"' in draft.read_text(encoding="utf-8")
    again = desk.sync(*words)
    assert again.exit_code == 1
    assert "is there already" in again.output
    assert "NAME (E-MAIL)" in desk.sync("--mapping", "x.toml", "--init", "me").output


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        ([], "nothing to keep current"),
        (["--roster", "clinicians.xlsx"], "is not CSV"),
        (["--server", "http://practice.example"], "not a secure address"),
    ],
)
def test_what_cannot_be_done_is_refused(desk: Desk, words: list[str], problem: str) -> None:
    result = desk.sync(*words)
    assert result.exit_code == 1
    assert problem in result.output


def test_without_a_key_or_a_mapping_nothing_is_asked(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("CLINIKO_API_KEY")
    assert "CLINIKO_API_KEY" in desk.sync(*desk.tables()).output
    (desk.folder / "cliniko.toml").unlink()
    assert "--init" in desk.sync(*desk.tables()).output
    assert desk.cliniko.received == []


@pytest.mark.slow
def test_a_running_server_gets_the_roster_and_keeps_what_staff_wrote(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = {
        "roster": desk.folder / "clinicians.csv",
        "practice": "psychology",
        "store": f"sqlite:///{desk.folder / 'store.db'}",
        "pepper": "a pepper of more than thirty-two letters",
    }
    for name, value in settings.items():
        monkeypatch.setenv(f"RECOMMENDER_{name.upper()}", str(value))
    scopes = ["--only", "roster:read roster:write"]
    made = CliRunner().invoke(app, ["keys", "create", "cliniko", "--role", "admin", *scopes])
    monkeypatch.setenv("RECOMMENDER_KEY", made.stdout.strip().splitlines()[-1])
    with running_server(**settings) as port:
        server = f"http://127.0.0.1:{port}"
        result = desk.sync("--server", server, "--json")
        assert result.exit_code == 0, result.output
        first = json.loads(result.stdout)
        fields = {each["field"] for each in first["server"]["facts"]}
        assert {"hours", "absences", "next_available", "fee", "caseload"} <= fields
        assert "style_directiveness" not in fields
        desk.cliniko.now += timedelta(hours=1)
        again = json.loads(desk.sync("--server", server, "--json").stdout)
        assert again["server"] == {"facts": [], "added": []}
