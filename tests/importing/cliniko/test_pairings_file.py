from pathlib import Path

import pytest

from recommender.errors import RecommenderError
from recommender.importing.cliniko.clinicians_file import write_table
from recommender.importing.cliniko.pairings_file import pairing_changes

ROWS = (("p-1", "c-1", "psy1", "2026-01-05", "3"), ("p-2", "c-2", "psy1", "2026-02-05", "1"))


def test_changes_of_pairings_are_counted(tmp_path: Path) -> None:
    path = tmp_path / "pairings.csv"
    first = pairing_changes(path, ROWS)
    assert (first.rows, first.added, first.changed, first.removed) == (2, 2, 0, 0)
    write_table(path, first.text)
    assert not pairing_changes(path, ROWS)
    later = pairing_changes(path, ((*ROWS[0][:4], "4"),))
    assert (later.rows, later.added, later.changed, later.removed) == (1, 0, 1, 1)


def test_a_table_with_columns_of_its_own_is_never_replaced(tmp_path: Path) -> None:
    path = tmp_path / "pairings.csv"
    header = "pairing_id,client_id,clinician_id,started_on,sessions,ended_on"
    path.write_text(f"{header}\np1,c1,psy1,2026-01-05,3,2026-03-01\n", encoding="utf-8")
    with pytest.raises(RecommenderError, match="would be replaced"):
        pairing_changes(path, ROWS)


def test_pairings_are_written_as_csv(tmp_path: Path) -> None:
    with pytest.raises(RecommenderError, match=r"\.csv"):
        pairing_changes(tmp_path / "pairings.parquet", ROWS)
