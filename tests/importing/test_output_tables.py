"""Tables of an import are written whole or not at all, and never over others unasked."""

import stat
from pathlib import Path

import pytest

from recommender.errors import TablesError
from recommender.importing.import_report import ImportLog
from recommender.importing.output_tables import OutputTable, write_import

REPORT = ImportLog("trial").report()
CLIENTS = OutputTable(("client_id", "tags", "new"), [("c-1", ["a", "b"], True), ("c-2", [], None)])


def test_tables_and_report_are_written_for_their_owner_alone(tmp_path: Path) -> None:
    folder = tmp_path / "out"
    (path,) = write_import(folder, {"clients": CLIENTS}, REPORT)
    assert path.read_text() == "client_id,tags,new\nc-1,a;b,true\nc-2,none,\n"
    names = sorted(each.name for each in folder.iterdir())
    assert names == ["clients.csv", "import-report.json", "import-report.md"]
    assert {stat.S_IMODE(each.stat().st_mode) for each in folder.iterdir()} == {0o600}


def test_a_table_that_is_there_is_replaced_only_when_asked(tmp_path: Path) -> None:
    (tmp_path / "clients.csv").write_text("mine")
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(TablesError, match=r"clients\.csv: is there already; add --replace"):
        write_import(tmp_path, {"clients": CLIENTS}, REPORT)
    assert (tmp_path / "clients.csv").read_text() == "mine"
    write_import(tmp_path, {"clients": CLIENTS}, REPORT, replace=True)
    assert (tmp_path / "clients.csv").read_text() != "mine"
    assert (tmp_path / "notes.txt").read_text() == "mine"


def test_a_table_in_another_form_is_never_replaced(tmp_path: Path) -> None:
    for name in ("Clients.parquet", "practice.xlsx"):
        (tmp_path / name).write_text("mine")
    with pytest.raises(TablesError) as error:
        write_import(tmp_path, {"clients": CLIENTS}, REPORT, replace=True)
    assert [fault.remedy.split(",")[0] for fault in error.value.faults] == [
        "move it out of the folder"
    ] * 2
    assert not (tmp_path / "clients.csv").exists()


def test_a_file_in_place_of_the_folder_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "out"
    path.touch()
    with pytest.raises(TablesError, match="is a file"):
        write_import(path, {"clients": CLIENTS}, REPORT)


def test_an_import_that_fails_leaves_nothing_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    (tmp_path / "clients.csv").write_text("mine")
    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(OSError, match="No space"):
        write_import(tmp_path, {"clients": CLIENTS}, REPORT, replace=True)
    assert [each.name for each in tmp_path.iterdir()] == ["clients.csv"]
    assert (tmp_path / "clients.csv").read_text() == "mine"


def test_a_table_that_no_practice_has_is_an_error_of_the_caller(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="no tables of a practice"):
        write_import(tmp_path, {"patients": CLIENTS}, REPORT)
