"""Tables that are legal cell by cell and wrong as a whole."""

from collections.abc import Callable
from copy import deepcopy
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pytest

from recommender.practice.definition import Practice, read_practice
from recommender.tables.plausibility import counts_by_kind
from recommender.tables.report import TablesReport, check_tables
from tests.support.builders import DAY, DEFINITION, a_practice, some_rows, write_rows

BASE = some_rows(pairings=120)
Rows = dict[str, list[dict[str, str]]]


def rows() -> Rows:
    return deepcopy({name: list(table) for name, table in BASE.items()})


def checked(folder: Path, tables: Rows, practice: Practice | None = None) -> TablesReport:
    write_rows(folder, tables)
    return check_tables(folder, practice or a_practice(), DAY)


def with_age(lines: str = "") -> Practice:
    """The corner practice, which also asks for the age, with further lines for that field."""
    age = f"""
[client.age]
kind = "number"
unit = "years"
min = 0
max = 120
phrase = "age"
purpose = "to know who asks"
missing = "not asked"
use = "filter"
{lines}
"""
    return read_practice(DEFINITION.read_text(encoding="utf-8") + age)


def test_honest_tables_are_not_doubted(tmp_path: Path) -> None:
    report = checked(tmp_path, rows())
    assert report.sound
    assert report.implausible == ()


def test_a_client_without_an_answer_is_not_99_years_old(tmp_path: Path) -> None:
    tables = rows()
    for place, client in enumerate(tables["clients"]):
        client["age"] = "99" if place % 6 == 0 else str(18 + place % 50)
    [warning] = checked(tmp_path, tables, with_age()).implausible
    assert warning.kind == "repeated_code"
    assert "clients, column age: 99 is the answer in 20 of 120 rows" in str(warning)
    assert "missing_codes = [99]" in warning.remedy

    report = checked(tmp_path, tables, with_age("missing_codes = [99]"))
    assert report.implausible == ()
    assert report.summary.unanswered["client.age"] == pytest.approx(20 / 120)


def test_what_is_advised_for_a_code_in_a_required_field_works(tmp_path: Path) -> None:
    tables = rows()
    for place, client in enumerate(tables["clients"]):
        client["age"] = "99" if place % 6 == 0 else str(18 + place % 50)
    [warning] = checked(tmp_path, tables, with_age("required = true")).implausible
    assert warning.remedy == (
        "If it means that, set missing_codes = [99] and required = false under [client.age]"
    )

    half = checked(tmp_path, tables, with_age("required = true\nmissing_codes = [99]"))
    [fault] = half.faults
    assert fault.problem == "has a code that means missing, and is required"
    assert len(fault.rows) == 20
    followed = checked(tmp_path, tables, with_age("required = false\nmissing_codes = [99]"))
    assert followed.sound
    assert followed.implausible == ()


def test_a_client_without_an_answer_does_not_wish_for_minus_nine(tmp_path: Path) -> None:
    tables = rows()
    for client in tables["clients"][::4]:
        client["directive"] = "-9"
    [warning] = checked(tmp_path, tables).implausible
    assert warning.where == "clients, column directive"
    assert "-9 is the answer in " in warning.found
    text = DEFINITION.read_text(encoding="utf-8")
    field = "[client.directive]\n"
    coded = read_practice(text.replace(field, f"{field}missing_codes = [-9]\n"))
    assert checked(tmp_path, tables, coded).implausible == ()


def test_answers_that_gather_at_the_end_of_a_scale_are_no_code(tmp_path: Path) -> None:
    text = DEFINITION.read_text(encoding="utf-8")
    narrow = read_practice(text.replace("min = -10\nmax = 10", "min = -9\nmax = 9"))
    tables = rows()
    rng = np.random.default_rng(2)
    for people, name in (("clients", "directive"), ("clinicians", "guides")):
        for person in tables[people]:
            person[name] = str(int(np.clip(rng.normal(-6, 4), -9, 9)))
    assert checked(tmp_path, tables, narrow).implausible == ()


def test_a_pairing_without_a_date_did_not_begin_in_1900(tmp_path: Path) -> None:
    tables = rows()
    for pairing in tables["pairings"][:7]:
        pairing["started_on"] = "1900-01-01"
    [warning] = checked(tmp_path, tables).implausible
    assert "1900-01-01 is the date in 7 of 120 rows" in str(warning)


def one_day(tables: Rows) -> None:
    for pairing in tables["pairings"][30:]:
        pairing["started_on"], pairing["ended_on"] = "2025-03-03", ""
    for rating in tables["ratings"]:
        rating["rated_on"] = rating["known_on"] = "2026-03-03"


def first_of_month(tables: Rows) -> None:
    for pairing in tables["pairings"]:
        pairing["started_on"] = pairing["started_on"][:8] + "01"


def one_weekday(tables: Rows) -> None:
    for pairing in tables["pairings"]:
        start = date.fromisoformat(pairing["started_on"])
        pairing["started_on"] = (start - timedelta(days=start.weekday())).isoformat()


def one_client(tables: Rows) -> None:
    for pairing in tables["pairings"][::3]:
        pairing["client_id"] = "c0000"


def one_clinician(tables: Rows) -> None:
    for pairing in tables["pairings"][5:]:
        pairing["clinician_id"] = "k03"


@pytest.mark.parametrize("edge", [0, 120])
def test_a_client_without_an_answer_is_not_as_old_as_the_range_allows(
    edge: int, tmp_path: Path
) -> None:
    tables = rows()
    for place, client in enumerate(tables["clients"]):
        client["age"] = str(edge if place % 8 == 0 else 18 + place % 50)
    [warning] = checked(tmp_path, tables, with_age()).implausible
    assert f"{edge} is the answer in 15 of 120 rows" in warning.found
    assert checked(tmp_path, tables, with_age(f"missing_codes = [{edge}]")).implausible == ()


def test_a_client_who_can_pay_nothing_has_answered(tmp_path: Path) -> None:
    tables = rows()
    for place, client in enumerate(tables["clients"]):
        client["max_fee"] = "0" if place % 5 == 0 else str(150 + 10 * (place % 9))
    assert checked(tmp_path, tables).implausible == ()


def test_two_codes_beside_each_other_are_both_named(tmp_path: Path) -> None:
    tables = rows()
    for place, client in enumerate(tables["clients"]):
        client["age"] = {0: "98", 1: "99"}.get(place % 10, str(18 + place % 50))
    warnings = checked(tmp_path, tables, with_age()).implausible
    assert [warning.found[:16] for warning in warnings] == ["98 is the answer", "99 is the answer"]


@pytest.mark.parametrize(
    ("damage", "kinds", "figures"),
    [
        (one_day, {"one_day": 2}, "90 of 120 dates are one and the same day"),
        (first_of_month, {"first_of_month": 1}, "120 of 120 dates are the first of a month"),
        (one_weekday, {"one_weekday": 1}, "all 120 dates are on one day of the week"),
        (one_client, {"one_client": 1}, "one client has 40 of 120 pairings"),
        (one_clinician, {"one_clinician": 1}, "clinicians has 11"),
    ],
)
def test_an_export_that_lost_who_met_whom_or_when_is_not_learned_from_unseen(
    tmp_path: Path, damage: Callable[[Rows], None], kinds: dict[str, int], figures: str
) -> None:
    tables = rows()
    damage(tables)
    report = checked(tmp_path, tables)
    assert report.sound
    assert counts_by_kind(report.implausible) == kinds
    assert figures in str(report.implausible[0])


def test_exchanged_id_columns_are_one_fault_a_column_with_the_way_out(tmp_path: Path) -> None:
    tables = rows()
    for pairing in tables["pairings"]:
        pairing["client_id"], pairing["clinician_id"] = (
            pairing["clinician_id"],
            pairing["client_id"],
        )
    faults = checked(tmp_path, tables).faults
    problems = {fault.column: fault.problem for fault in faults if fault.file == "pairings.csv"}
    assert problems == {
        "client_id": "is not among the clients, but is the id of a clinician",
        "clinician_id": "is not among the clinicians, but is the id of a client",
    }
    remedy = "if client_id and clinician_id are exchanged, exchange their names in the header"
    assert remedy in {fault.remedy for fault in faults}


def test_exchanged_columns_are_noticed_where_both_sides_have_the_same_ids(tmp_path: Path) -> None:
    tables = rows()
    template = tables["clinicians"][0]
    tables["clinicians"] = [
        {**template, "clinician_id": client["client_id"]} for client in tables["clients"]
    ]
    for place, pairing in enumerate(tables["pairings"]):
        pairing["client_id"], pairing["clinician_id"] = f"c{place % 9:04d}", f"c{place:04d}"
    report = checked(tmp_path, tables)
    assert [warning.kind for warning in report.implausible] == ["exchanged_ids"]
    assert "9 clients met 120 clinicians in 120 pairings" in str(report.implausible[0])


def test_rows_with_a_fault_are_not_doubted_as_well(tmp_path: Path) -> None:
    tables = rows()
    for rating in tables["ratings"]:
        rating["score"] = "5"
    report = checked(tmp_path, tables)
    assert not report.sound
    assert report.implausible == ()


def test_clients_who_did_not_agree_are_counted_and_it_is_said_what_is_done(tmp_path: Path) -> None:
    assert checked(tmp_path, rows()).summary.consent is None
    tables = rows()
    for place, client in enumerate(tables["clients"][:15]):
        client["agrees"] = "no" if place < 9 else ""
    consent = checked(tmp_path, tables).summary.consent
    assert consent is not None
    assert (consent.yes, consent.no, consent.unanswered) == (105, 9, 6)
    assert "9 answered no to `agrees` and 6 did not answer" in str(consent)
    assert "are learned from like all others" in str(consent)


@pytest.mark.parametrize("table", ["clients", "clinicians"])
def test_whom_pairings_name_is_not_judged_where_a_table_of_people_cannot_be_read(
    tmp_path: Path, table: str
) -> None:
    write_rows(tmp_path, rows())
    (tmp_path / f"{table}.csv").write_text("")

    report = check_tables(tmp_path, a_practice(), DAY)

    assert [fault.file for fault in report.faults] == [f"{table}.csv"]
    assert report.summary.consent is None
    assert report.implausible == ()
