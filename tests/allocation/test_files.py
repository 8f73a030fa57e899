"""Waiting lists, places and earlier allocations as practices write them."""

from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from recommender.allocation.files import read_list, read_places, with_former_clinicians
from recommender.allocation.terms import WaitingClient
from recommender.errors import TablesError
from recommender.tables.raw_table import TableFault
from recommender.values.table_format import TableFormat

TODAY = date(2026, 11, 28)
CLIENTS, ROSTER = ("c1", "c2", "c3"), ("k1", "k2", "k3", "a2", "a3")


def refused(read: Callable[[Path], Any], path: Path, text: str) -> list[str]:
    """The faults of a file with this text."""
    path.write_text(text)
    with pytest.raises(TablesError) as raised:
        read(path)
    return [str(fault) for fault in raised.value.faults]


def listed(path: Path) -> list[WaitingClient]:
    return read_list(path, CLIENTS, ROSTER, TODAY)


def places(path: Path) -> dict[str, int]:
    return read_places(path, ROSTER)


@pytest.mark.parametrize(
    ("cell", "problem"),
    [
        (".5", "is not a whole number"),
        ("1.9", "is not a whole number"),
        ("-1", "is below the smallest value allowed"),
        ("", "is required but empty"),
        ("two", "is not a number"),
    ],
)
def test_half_a_place_is_refused_and_no_longer_taken_for_none(
    tmp_path: Path, cell: str, problem: str
) -> None:
    [fault] = refused(places, tmp_path / "p.csv", f"clinician_id,places\nk1,2\nk2,{cell}\n")
    assert fault.startswith(f"p.csv, column places, row 3: {problem}; write it like 4")


def test_every_fault_of_a_waiting_list_is_named_at_once_with_its_row(tmp_path: Path) -> None:
    text = (
        "client_id,priority,weight,waiting_since,told\n"
        "c1,1.9,1,2026-11-01,\n"
        "c2,1,0,2062-03-01,k1\n"
        "c3,1,1,0206-03-01,k2;k3\n"
        "c1,2,101,2026-11-01,\n"
    )
    assert refused(listed, tmp_path / "list.csv", text) == [
        "list.csv, column weight, row 5: is above the largest value allowed; write it like 3.5, at "
        "least 0, at most 100",
        "list.csv, column client_id, row 5 (as 2): is there twice; keep one row for each",
        "list.csv, column priority, row 2: is not a whole number; write it like 4",
        "list.csv, column weight, row 3: is 0; give a weight above 0",
        "list.csv, column waiting_since, row 4: lies outside 1900 to 2199; check the year",
        "list.csv, column waiting_since, row 3: lies in the future; check the date",
        "list.csv, column told, row 4: names several; name the one who was promised, like k012",
    ]


def test_a_second_promised_clinician_is_no_longer_dropped_without_a_word(tmp_path: Path) -> None:
    [fault] = refused(listed, tmp_path / "list.csv", "client_id,told\nc1,a2;a3\n")
    assert "column told, row 2: names several" in fault
    (tmp_path / "list.csv").write_text("client_id,told\nc1,a2;\nc2,none\n")
    assert [each.promised_clinician_id for each in listed(tmp_path / "list.csv")] == ["a2", None]


def test_a_column_that_the_list_does_not_know_is_a_warning_and_a_misspelt_one_a_fault(
    tmp_path: Path,
) -> None:
    path, warnings = tmp_path / "list.csv", list[TableFault]()
    path.write_text("client_id,phone note\nc1,private\n")
    assert read_list(path, CLIENTS, ROSTER, TODAY, warn=warnings.append) == [WaitingClient("c1")]
    assert [str(each.to_fault()) for each in warnings] == [
        "list.csv, column phone note: is not known and is ignored; remove it, or fix its spelling"
    ]
    [fault] = refused(listed, path, "client_id,priorty\nc1,2\n")
    assert "did you mean priority? Rename it to priority" in fault


def test_a_list_in_the_practices_own_form_is_read(tmp_path: Path) -> None:
    path = tmp_path / "list.csv"
    path.write_text('client_id;weight;waiting_since\nc1;"1,5";03/11/2026\n')
    form = TableFormat(dates="dmy", decimal="comma")
    assert read_list(path, CLIENTS, ROSTER, TODAY, form) == [
        WaitingClient("c1", weight=1.5, waiting_since=date(2026, 11, 3))
    ]


def test_an_earlier_allocation_with_two_clinicians_for_a_client_is_refused(tmp_path: Path) -> None:
    def former(path: Path) -> list[WaitingClient]:
        return with_former_clinicians([WaitingClient("c1")], path)

    path = tmp_path / "allocation.csv"
    [fault] = refused(former, path, "client_id,state,clinician_id\nc1,given,k1;k2\n")
    assert "column clinician_id, row 2: names several" in fault
    path.write_text("client_id,state,clinician_id,why\nc1,given,k1,\nc2,no_places,,full\n")
    assert [each.former_clinician_id for each in former(path)] == ["k1"]


def test_ids_of_nobody_are_named_with_the_line_of_the_file(tmp_path: Path) -> None:
    faults = refused(listed, tmp_path / "list.csv", "client_id,told\nc1,k1\nc2,k9\nc9,\n")
    assert faults == [
        "list.csv, column told, row 3: is not on the roster; fix it, or leave it empty so that "
        "another clinician is assigned",
        "list.csv, column client_id, row 4: has no answers in the clients table; add the answers, "
        "or take the client off the list",
    ]
    [fault] = refused(places, tmp_path / "p.csv", "clinician_id,places\nk9,1\n")
    assert fault.startswith("p.csv, column clinician_id, row 2: is not on the roster; ")
