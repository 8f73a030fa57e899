from pathlib import Path

import pytest

from recommender.errors import TablesError
from recommender.importing.fhir.by_hand import (
    read_by_hand,
    table_to_fill_in,
    with_cells_by_hand,
)
from recommender.importing.fhir.imported_rows import ImportedRows
from recommender.importing.import_report import ImportLog
from tests.support.fhir_practice import imported, reasons_in, the_practice, whole_practice


def written(folder: Path, text: str) -> Path:
    file = folder / "clinicians_extra.csv"
    file.write_text(text, encoding="utf-8")
    return file


def test_the_table_to_fill_in_has_the_columns_that_are_empty(tmp_path: Path) -> None:
    tables, _ = imported(whole_practice())
    file = written(tmp_path, table_to_fill_in(tables["clinicians"]))
    header = file.read_text().splitlines()[0].split(",")
    assert header[:2] == ["clinician_id", "name"]
    assert {"fee", "modalities"} <= set(header)
    assert not {"hours", "gender"} & set(header)
    assert all(cells == {} for cells in read_by_hand(file, the_practice()).values())


def test_cells_by_hand_fill_what_is_empty_and_nothing_else(tmp_path: Path) -> None:
    text = "clinician_id,fee,gender\nk-1,220,man\nk-9,180,woman\n"
    cells = read_by_hand(written(tmp_path, text), the_practice())
    log = ImportLog("FHIR")
    row = {"clinician_id": "k-1", "gender": "woman", "fee": None}
    rows = ImportedRows(("clinician_id", "gender", "fee"), [row], [("Practitioner", 1)])
    complete = with_cells_by_hand(rows, cells, log)
    assert complete.rows == [{"clinician_id": "k-1", "gender": "woman", "fee": "220"}]
    assert reasons_in(log.report()) == {
        ("the table by hand", "gender"): ["was read from FHIR"],
        ("the table by hand", None): ["is of no clinician of the import"],
    }


def test_faults_of_a_table_by_hand_are_reported_together(tmp_path: Path) -> None:
    file = written(tmp_path, "clinician_id,fee,shoes\nk-1,much,1\n")
    with pytest.raises(TablesError) as refused:
        read_by_hand(file, the_practice())
    assert {each.problem for each in refused.value.faults} == {
        "is not a field of clinicians",
        "is not an amount",
    }
    with pytest.raises(TablesError, match="is missing"):
        read_by_hand(written(tmp_path, "fee\n220\n"), the_practice())
