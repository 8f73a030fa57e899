"""Files of a practice system become tables that `check` finds sound; no row is lost in silence."""

import csv
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from recommender.importing.mapping_file import MappingError
from recommender.importing.output_tables import write_import
from recommender.tables.report import check_tables
from tests.support.examples import examples
from tests.support.exports import (
    MAPPING,
    TODAY,
    Row,
    a_person,
    a_score,
    a_visit,
    columns_of,
    imported,
    psychology,
    reasons,
    write_exports,
)
from tests.support.workbooks import write_workbook


def test_attended_appointments_become_a_pairing_with_its_sessions(tmp_path: Path) -> None:
    visits = [
        a_visit(When="14/09/2026 2:30 pm"),
        a_visit(When="07/09/2026 9:00 am"),
        a_visit(When="21/09/2026", Outcome="Cancelled"),
        a_visit(When="28/09/2026", Outcome="Did not come"),
        a_visit(When="30/11/2026"),
        a_visit(When="20/09/2026", With="Bo Fern"),
    ]
    found = imported(write_exports(tmp_path, [a_person()], visits))
    rows = columns_of(found, "pairings", "started_on", "sessions")
    assert sorted(rows) == [("2026-09-07", 2), ("2026-09-20", 1)]
    assert sorted(columns_of(found, "clinicians", "name")) == [("Ann Wattle",), ("Bo Fern",)]
    assert reasons(found.report) == {
        ("visits.csv", None, "was cancelled"): (4,),
        ("visits.csv", None, "has no outcome that counts"): (5,),
        ("visits.csv", None, "is in the future"): (6,),
    }


def test_a_pairing_without_a_recent_appointment_has_ended(tmp_path: Path) -> None:
    visits = [a_visit(When="01/03/2026"), a_visit(2, When="10/09/2026")]
    text = MAPPING.replace(
        'appointments = "visits"', 'appointments = "visits"\nended_after_days = 90'
    )
    found = imported(write_exports(tmp_path, [a_person(), a_person(2)], visits), text)
    assert sorted(columns_of(found, "pairings", "started_on", "ended_on")) == [
        ("2026-03-01", "2026-03-01"),
        ("2026-09-10", None),
    ]


def test_an_age_is_that_of_the_first_attended_appointment(tmp_path: Path) -> None:
    people = [
        a_person(Born="15/09/1996"),
        a_person(2, Born="14/09/1996"),
        a_person(3, Born="1/1/1700"),
        a_person(4, Born=""),
    ]
    found = imported(write_exports(tmp_path, people, [a_visit(n) for n in (1, 2, 3, 4)]))
    assert sorted(columns_of(found, "clients", "age_years")) == [("29",), ("30",)]
    for problem, row in (("cannot be read", 4), ("is empty", 5)):
        reason = f"age_years {problem}, and the definition requires it"
        assert reasons(found.report)["people.csv", None, reason] == (row,)
    assert reasons(found.report)["visits.csv", None, "its client was left out"] == (4, 5)


def test_the_same_key_gives_the_same_pseudonyms_and_no_file_has_a_name(tmp_path: Path) -> None:
    folder = write_exports(tmp_path, [a_person()], [a_visit()], [a_score()])
    one, other = imported(folder), imported(folder)
    assert one == other
    out = tmp_path / "out"
    write_import(out, one.tables, one.report)
    written = "".join(path.read_text() for path in out.iterdir())
    assert "Secretname" not in written
    assert "1996" not in written
    assert columns_of(one, "clients", "client_id")[0][0].startswith("c-")


def test_people_of_a_workbook_have_real_dates(tmp_path: Path) -> None:
    rows: list[list[Any]] = [["Number", "Born"], [1, date(1996, 3, 2)], [2, None]]
    write_workbook(tmp_path / "people.xlsx", {"Any name": rows})
    found = imported(write_exports(tmp_path, visits=[a_visit("1"), a_visit("2")]))
    assert columns_of(found, "clients", "age_years") == [("30",)]


def test_two_files_of_one_kind_are_read_together(tmp_path: Path) -> None:
    write_exports(tmp_path, [a_person()], **{"visits-2025": [a_visit(When="1/9/2025")]})
    found = imported(write_exports(tmp_path, **{"visits-2026": [a_visit(), a_visit(7)]}))
    assert columns_of(found, "pairings", "started_on", "sessions") == [("2025-09-01", 2)]
    reason = "its client is in no file of clients"
    assert reasons(found.report) == {("visits-2026.csv", None, reason): (3,)}


def test_a_file_filled_in_by_hand_adds_what_no_system_knows(tmp_path: Path) -> None:
    write_exports(tmp_path, [a_person()], [a_visit(), a_visit(With="Bo Fern")])
    (known,) = [row for row in columns_of(imported(tmp_path), "clinicians", "clinician_id", "name")
                if row[1] == "Bo Fern"]  # fmt: skip
    extra = [
        {
            "clinician_id": "",
            "name": "WATTLE, Ann",
            "gender": "Woman",
            "fee": "220",
            "active": "yes",
        },
        {"clinician_id": known[0], "name": "", "gender": "Men", "fee": "", "active": "no"},
        {"clinician_id": "", "name": "New Person", "gender": "man", "fee": "$5", "active": ""},
        {"clinician_id": "", "name": "", "gender": "man", "fee": "", "active": ""},
    ]
    found = imported(write_exports(tmp_path, extra=extra))
    assert sorted(columns_of(found, "clinicians", "name", "gender", "fee", "active")) == [
        ("Ann Wattle", "woman", "220", "yes"),
        ("Bo Fern", None, None, "no"),
        ("New Person", "man", "5", None),
    ]
    assert ("extra.csv", None, "names no clinician by clinician_id or name") in reasons(
        found.report
    )
    assert ("extra.csv", "gender", "is no level of gender") in reasons(found.report)


def test_a_clinician_who_is_written_in_two_ways_is_asked_about(tmp_path: Path) -> None:
    write_exports(tmp_path, [a_person()], [a_visit(), a_visit(With="Bo Fern")])
    extra = [{"name": name, "active": "yes"} for name in ("Annie Wattle", "B. Fern", "Zoe Gum")]
    notes = imported(write_exports(tmp_path, extra=extra)).report.notes
    assert (
        "In extra.csv but without an appointment: Annie Wattle (did you mean Ann Wattle?), "
        "B. Fern (did you mean Bo Fern?), Zoe Gum. A clinician who is written in two ways becomes "
        "two: write the name or the clinician_id as the other files have it."
    ) in notes
    assert (
        "With appointments but not in extra.csv: Ann Wattle (did you mean Annie Wattle?), "
        "Bo Fern (did you mean B. Fern?)."
    ) in notes


def test_a_misspelling_is_not_hidden_by_what_stands_for_every_other_value(tmp_path: Path) -> None:
    text = MAPPING.replace(
        "max_fee = {",
        'gender = { column = "Sex", values = { female = "woman", "*" = "another" } }\nmax_fee = {',
    )
    words = ["Femal"] * 6 + ["Female", "other", "her name is Max"]
    people = [a_person(n, Sex=word) for n, word in enumerate(words, start=1)]
    folder = write_exports(tmp_path, people, [a_visit(n) for n in range(1, 10)])
    report = imported(folder, text).report
    (note,) = (each for each in report.notes if "Sex" in each)
    assert note == (
        'people.csv, Sex: another stands for these values, which only "*" of gender names: '
        "Femal (6, did you mean female?), 2 with values that are too rare or too many to be listed."
    )
    assert "Max" not in report.json_text()


def test_a_misspelt_column_of_answers_is_asked_about(tmp_path: Path) -> None:
    write_exports(tmp_path, [a_person(Reson="Worry")], [a_visit()])
    found = imported(write_exports(tmp_path, extra=[{"name": "Ann Wattle", "min_ages": "18"}]))
    why = {each.column: each.reason for each in found.report.left_out_columns}
    assert why["min_ages"] == "nothing in the mapping reads it; did you mean min_age?"
    assert why["Reson"] == "nothing in the mapping reads it; did you mean Reason?"


def test_a_client_who_did_not_agree_to_learning_is_left_out(tmp_path: Path) -> None:
    people = [
        a_person(n, **{"Agrees to learning": word})
        for n, word in enumerate(("Yes", "No", "", "yes, but"), start=1)
    ]
    visits, scores = [a_visit(n) for n in range(1, 5)], [a_score(2)]
    folder = write_exports(tmp_path, people, visits, scores)
    assert any("Who must be left out" in note for note in imported(folder).report.notes)
    # The line of docs/importing.md.
    text = (Path(__file__).parents[2] / "docs" / "importing.md").read_text(encoding="utf-8")
    (line,) = (each for each in text.splitlines() if "did not agree to learning" in each)
    found = imported(folder, MAPPING.replace("[files.visits]", f"{line}\n[files.visits]"))
    assert len(found.tables["clients"].rows) == len(found.tables["pairings"].rows) == 1
    assert found.tables["ratings"].rows == []
    assert reasons(found.report) == {
        ("people.csv", None, "did not agree to learning"): (3, 4, 5),
        ("visits.csv", None, "its client was left out"): (3, 4, 5),
        ("scores.csv", None, "its client is in no file of clients, or was left out"): (2,),
    }
    assert not any("Who must be left out" in note for note in found.report.notes)


def test_what_nothing_reads_and_what_is_missing_is_in_the_report(tmp_path: Path) -> None:
    people = [a_person(Phone="0491 570 006", Notes="long story", Colour="red")]
    write_exports(tmp_path, people, [a_visit()], invoices=[{"Total": "1"}])
    report = imported(tmp_path).report
    why = {each.column: each.reason for each in report.left_out_columns}
    assert why == {
        "Name": "a name: never written",
        "Phone": "contact data: never written",
        "Notes": "free text: never written",
        "Colour": "nothing in the mapping reads it",
    }
    missing = {(each.table, each.field): each for each in report.missing}
    assert missing["clinicians", "active"].meaning == "not recorded, and so not offered"
    assert ("clients", "age_years") not in missing
    assert "invoices.csv is not read: no file of the mapping is named like it." in report.notes
    assert "long story" not in report.json_text() + report.markdown()


def test_clients_who_are_known_by_a_shared_name_alone_are_left_out(tmp_path: Path) -> None:
    by_name = '{ columns = ["First", "Last"], read_as = "name" }'
    text = MAPPING.replace('{ column = ["Number", "ID"] }', by_name)
    text = text.replace('client = { column = "Number" }', f"client = {by_name}", 1)
    people = [{"First": f, "Last": "Gum", "Born": "1/2/1990"} for f in ("Jo", "Al", "JO")]
    visits = [{**a_visit(""), "First": first, "Last": "Gum"} for first in ("Jo", "Al")]
    found = imported(write_exports(tmp_path, people, visits), text)
    assert len(found.tables["clients"].rows) == len(found.tables["pairings"].rows) == 1
    assert reasons(found.report) == {
        ("people.csv", None, "shares its name with another client; map an id"): (2, 4),
        ("visits.csv", None, "its client was left out"): (2,),
    }


def test_columns_are_joined_rows_of_several_files_too_and_constants_are_written(
    tmp_path: Path,
) -> None:
    text = MAPPING.replace(
        'clinician = { column = "With", read_as = "name" }',
        'clinician = { columns = ["First", "Last"], read_as = "name" }',
    )
    text = text.replace(
        "max_fee = {",
        'funding = { value = "private" }\n'
        'gender = { column = "Says", file = "survey" }\nmax_fee = {',
    )
    text += """
[files.survey]
names = ["survey.csv"]
client = { column = "Client" }
[files.intake]
names = ["intake.csv"]
fields_of = "clients"
client = { column = "Client" }
"""
    visits = [{**a_visit(n), "First": "Ann", "Last": "Wattle"} for n in (1, 2)]
    survey = [
        {"Client": 2, "Says": "Man"},
        {"Client": 2, "Says": "Woman"},
        {"Client": 9, "Says": "x"},
    ]
    intake = [{"Client": 1, "Prior therapy": "Mixed", "max_fee": "90", "Remarks": "long story"}]
    people = [a_person(1, Most="$180"), a_person(2, Most="$180", Born="02/03/1986")]
    folder = write_exports(tmp_path, people, visits, survey=survey, intake=intake)
    found = imported(folder, text)
    fields = ("age_years", "funding", "gender", "prior_therapy", "max_fee")
    assert sorted(columns_of(found, "clients", *fields)) == [
        ("30", "private", None, "mixed", "90"),
        ("40", "private", "man", None, "180"),
    ]
    assert columns_of(found, "clinicians", "name") == [("Ann Wattle",)]
    assert reasons(found.report) == {
        ("survey.csv", None, "its client is in no file of clients, or was left out"): (4,),
        ("survey.csv", None, "repeats a client of an earlier row"): (3,),
    }
    assert "Remarks" in {each.column for each in found.report.left_out_columns}


def test_people_whom_a_cell_names_become_their_pseudonyms(tmp_path: Path) -> None:
    text = MAPPING.replace(
        "max_fee = {", 'blocked_clinicians = { column = "Not", optional = true }\nmax_fee = {'
    )
    people = [
        a_person(1, Not="Wattle, Ann; Bo Fern"),
        a_person(2, Not="none"),
        a_person(3, Not="Zed"),
    ]
    extra = [
        {"name": "Ann Wattle", "blocked_clients": "2"},
        {"name": "Bo Fern", "blocked_clients": ""},
    ]
    visits = [a_visit(n) for n in (1, 2, 3)]
    found = imported(write_exports(tmp_path, people, visits, extra=extra), text)
    ids = dict(columns_of(found, "clinicians", "name", "clinician_id"))
    clients = columns_of(found, "clients", "blocked_clinicians", "client_id")
    named = f"{ids['Ann Wattle']};{ids['Bo Fern']}"
    assert {cell for cell, _ in clients} == {named, "none", None}
    (blocked,) = [identity for cell, identity in clients if cell == "none"]
    assert dict(columns_of(found, "clinicians", "name", "blocked_clients")) == {
        "Ann Wattle": blocked,
        "Bo Fern": None,
    }
    reason = "blocked_clinicians names somebody who is in no file"
    assert reasons(found.report) == {("people.csv", "blocked_clinicians", reason): (4,)}


def test_sheets_of_one_workbook_are_two_files(tmp_path: Path) -> None:
    people: list[list[Any]] = [["Number", "Born"], [1, date(1996, 3, 2)]]
    visits: list[list[Any]] = [["Visit", "Number", "With", "When", "Outcome"]]
    visits.append(["a", 1, "Ann Wattle", date(2026, 9, 14), "Came"])
    write_workbook(tmp_path / "all.xlsx", {"Clients": people, "Diary": visits})
    text = MAPPING.replace('["people*.csv", "people*.xlsx"]', '["all.xlsx"]\nsheet = "Clients"')
    text = text.replace('["visits*.csv"]', '["all.xlsx"]\nsheet = "Diary"')
    found = imported(tmp_path, text)
    assert columns_of(found, "pairings", "started_on", "sessions") == [("2026-09-14", 1)]
    assert [each.source for each in found.report.sources] == [
        "all.xlsx: Clients",
        "all.xlsx: Diary",
    ]


def test_a_repeated_row_counts_once(tmp_path: Path) -> None:
    visits = [a_visit(Visit="v1"), a_visit(Visit="v1"), a_visit(Visit="v2")]
    found = imported(write_exports(tmp_path, [a_person(), a_person()], visits))
    assert columns_of(found, "pairings", "sessions") == [(2,)]
    assert reasons(found.report) == {
        ("visits.csv", None, "repeats an earlier row"): (3,),
        ("people.csv", None, "repeats a client of an earlier row"): (3,),
    }


def test_a_column_of_which_most_cells_cannot_be_read_is_refused(tmp_path: Path) -> None:
    people = [a_person(n, Most=f"about {n}00") for n in range(1, 6)]
    folder = write_exports(tmp_path, people, [a_visit(n) for n in range(1, 6)])
    with pytest.raises(
        MappingError, match=r"people\.csv, column Most: is not an amount.*5 of 5 filled"
    ):
        imported(folder)


def test_dates_in_another_order_than_declared_are_refused(tmp_path: Path) -> None:
    visits = [a_visit(When=f"{n:02d}/08/2026") for n in range(1, 32)]
    folder = write_exports(tmp_path, [a_person(Born="02/28/1996")], visits)
    with pytest.raises(MappingError) as error:
        imported(folder, MAPPING.replace('dates = "dmy"', 'dates = "mdy"'))
    assert [str(fault) for fault in error.value.faults] == [
        "small.toml: visits.csv, column When: has day and month in the order of dd/mm/yyyy: "
        "19 of 31 filled cells; write dates = … under [files.visits], as the file has them"
    ]
    with pytest.raises(MappingError, match=r"column Born: has day and month .* mm/dd/yyyy: 1 of 1"):
        imported(folder)


def test_one_date_in_another_order_is_left_out(tmp_path: Path) -> None:
    visits = [a_visit(When=f"{n:02d}/08/2026") for n in range(1, 32)] + [a_visit(When="08/13/2026")]
    found = imported(write_exports(tmp_path, [a_person()], visits))
    reason = "When has day and month in the order of mm/dd/yyyy"
    assert reasons(found.report) == {("visits.csv", None, reason): (33,)}
    (note,) = (each for each in found.report.notes if "sessions are missing" in each)
    assert note == (
        "visits.csv: When has day and month in the order of mm/dd/yyyy in row 33. 1 appointment "
        "left out for it, so sessions are missing: write the date as dd/mm/yyyy and import again. "
        "Dates beside it that fit both orders may have been exchanged."
    )


def test_a_column_of_two_orders_is_not_to_be_read_in_the_other(tmp_path: Path) -> None:
    visits = [a_visit(When=f"{n:02d}/08/2026") for n in range(1, 32)]
    visits += [a_visit(When=f"08/{n}/2026") for n in range(20, 32)]
    folder = write_exports(tmp_path, [a_person()], visits)
    with pytest.raises(MappingError) as error:
        imported(folder)
    (fault,) = map(str, error.value.faults)
    assert "of 43 filled cells 19 fit dd/mm/yyyy alone, and 12 mm/dd/yyyy alone" in fault
    assert "write rows 33, 34, 35, 36, 37, 38, 39, 40, 41, 42 and 2 more as dd/mm/yyyy" in fault
    assert "dates = " not in fault
    with pytest.raises(MappingError, match=r"write rows 33, 34.* and 2 more as dd/mm/yyyy"):
        imported(folder, MAPPING.replace('dates = "dmy"', 'dates = "mdy"'))


def test_a_value_that_one_client_alone_has_is_not_in_the_report(tmp_path: Path) -> None:
    texts = ["Axiety", "Axiety", "Axiety", "her brother Max"]
    people = [a_person(n, Reason=text) for n, text in enumerate(texts, start=1)]
    report = imported(write_exports(tmp_path, people, [a_visit(n) for n in range(1, 5)])).report
    (left,) = report.left_out
    assert (left.count, left.rows) == (4, (2, 3, 4, 5))
    assert dict(left.values) == {"Axiety (did you mean anxiety?)": 3}
    assert "Max" not in report.json_text()


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"Number": ""}, "names no client"),
        ({"With": ""}, "names no clinician"),
        ({"When": ""}, "When is empty"),
        ({"When": "31/02/2026"}, "When is not a date"),
        ({"When": "01/02/1826"}, "When lies outside 1900 to 2199"),
        ({"Number": 99}, "its client is in no file of clients"),
    ],
)
def test_an_appointment_that_cannot_be_used_is_left_out_with_its_reason(
    tmp_path: Path, changes: dict[str, object], problem: str
) -> None:
    visits = [a_visit(), a_visit(), a_visit(**changes)]
    found = imported(write_exports(tmp_path, [a_person()], visits))
    assert reasons(found.report) == {("visits.csv", None, problem): (4,)}


NUMBERS = st.sampled_from(["1", "2", "3", "4", "", "99"])
CLINICIANS = st.sampled_from(["Ann Wattle", "Fern, Bo", "Dr Bo Fern", ""])
DAYS = st.sampled_from(["1/9/2026", "8/9/2026 9:00 am", "15/9/2026", "1/1/2027", "soon", ""])
PEOPLE = st.builds(
    a_person, NUMBERS, Born=st.sampled_from(["1/2/1990", "30/12/2001", "", "1/1/1650", "x"])
)
VISITS = st.builds(
    a_visit,
    NUMBERS,
    With=CLINICIANS,
    When=DAYS,
    Outcome=st.sampled_from(["Came", "came", "Cancelled", "", "?"]),
    Visit=st.sampled_from(["", "", "v1", "v2"]),
)
SCORES = st.builds(
    a_score,
    NUMBERS,
    With=CLINICIANS,
    Session=st.sampled_from(["", "1", "2", "7", "0", "1.5", "x"]),
    Rated=DAYS,
    Total=st.sampled_from(["48", "60", "75", "", "many"]),
)


@settings(
    max_examples=examples(12, 150),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    people=st.lists(PEOPLE, min_size=1, max_size=6),
    visits=st.lists(VISITS, min_size=1, max_size=12),
    scores=st.lists(SCORES, max_size=10),
)
def test_every_row_is_used_or_left_out_with_a_reason_and_what_is_written_is_sound(
    tmp_path_factory: pytest.TempPathFactory,
    people: Sequence[Row],
    visits: Sequence[Row],
    scores: Sequence[Row],
) -> None:
    folder = tmp_path_factory.mktemp("case")
    try:
        found = imported(write_exports(folder, people, visits, scores))
    except MappingError:
        # A column most of which cannot be read is refused as a whole.
        return
    used = {each.source: each.used for each in found.report.sources}
    for each in found.report.sources:
        assert each.read == each.used + sum(each.left_out.values())
    written = {name: table.rows for name, table in found.tables.items()}
    assert used["people.csv"] == len(written["clients"])
    sessions: Sequence[Any] = [row[0] for row in columns_of(found, "pairings", "sessions")]
    assert used["visits.csv"] == sum(sessions)
    assert used.get("scores.csv", 0) == len(written["ratings"])
    assert sum(e.read for e in found.report.sources) == len(people) + len(visits) + len(scores)
    if all(written.values()):
        write_import(folder / "out", found.tables, found.report)
        assert check_tables(folder / "out", psychology(), TODAY).grouped() == ()


def test_tables_have_every_column_of_the_definition(tmp_path: Path) -> None:
    found = imported(write_exports(tmp_path, [a_person()], [a_visit()], [a_score()]))
    out = tmp_path / "out"
    write_import(out, found.tables, found.report)
    with (out / "clinicians.csv").open() as file:
        assert next(csv.reader(file)) == ["clinician_id", "name", *psychology().clinician]
    report = check_tables(out, psychology(), TODAY)
    assert report.sound
    assert report.summary.pairings_rated == 1
