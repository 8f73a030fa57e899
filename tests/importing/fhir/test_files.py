from pathlib import Path

import pytest

from recommender.errors import TablesError
from recommender.importing.fhir.files import documents_in
from recommender.importing.import_report import ImportLog


def read(*paths: Path) -> tuple[list[object], dict[str, int]]:
    log = ImportLog("FHIR")
    contents = [each.content for each in documents_in(paths, log)]
    return contents, {each.reason: each.count for each in log.report().left_out}


def test_folders_are_read_with_their_sub_folders(tmp_path: Path) -> None:
    (tmp_path / "bulk").mkdir()
    (tmp_path / "a.json").write_text('{"a": 1}')
    (tmp_path / "bulk" / "Patient.ndjson").write_text('{"b": 1}\n\n{"c": 1}\n')
    (tmp_path / "notes.txt").write_text("not read")
    assert read(tmp_path) == ([{"a": 1}, {"b": 1}, {"c": 1}], {})


def test_a_file_that_is_not_json_is_reported_and_the_others_are_read(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text("Jo Quandong")
    (tmp_path / "b.json").write_text('\ufeff{"b": 1}', encoding="utf-8")
    (tmp_path / "c.json").write_text('<Patient xmlns="http://hl7.org/fhir"/>')
    (tmp_path / "d.json").write_text("NaN")
    (tmp_path / "e.json").write_bytes(b"\xff\xfe\x00")
    contents, reasons = read(tmp_path)
    assert contents == [{"b": 1}]
    assert reasons == {
        "is not JSON: export it again": 2,
        "is XML: export it as JSON": 1,
        "cannot be read as UTF-8 text": 1,
    }


def test_lines_before_a_broken_one_are_used(tmp_path: Path) -> None:
    file = tmp_path / "Patient.ndjson"
    file.write_text('{"a": 1}\n{"b": \n')
    assert read(file) == ([{"a": 1}], {"line 2 is not JSON: export it again": 1})


def test_paths_without_anything_to_read_are_refused_together(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(TablesError) as refused:
        read(tmp_path / "empty", tmp_path / "nowhere")
    assert [each.problem for each in refused.value.faults] == [
        "has no file that ends with .json or .ndjson",
        "does not exist",
    ]
