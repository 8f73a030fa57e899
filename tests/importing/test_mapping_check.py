"""A mapping is checked against definition and files before any row is read."""

from pathlib import Path

import pytest

from recommender.importing.mapping_check import check_definition
from recommender.importing.mapping_file import MappingError, read_mapping
from tests.support.exports import (
    MAPPING,
    a_person,
    a_visit,
    imported,
    psychology,
    write_exports,
    write_rows,
)


def faults_of(text: str) -> list[str]:
    with pytest.raises(MappingError) as error:
        check_definition(read_mapping(text, "my.toml"), psychology(), "my.toml")
    return [str(fault) for fault in error.value.faults]


def test_what_the_definition_does_not_have_is_named_with_what_may_be_meant() -> None:
    text = MAPPING.replace("main_concern =", "main_concerns =").replace('"anxiety"', '"anxeity"')
    text = text.replace('value = "wai_sr"', 'value = "wai_srr"')
    text = text.replace("max_fee = {", 'gender = { value = "women" }\nmax_fee = {')
    found = faults_of(text)
    assert "my.toml: clients.fields.main_concerns: is no field of clients in the definition; did " \
        "you mean main_concern?" in found  # fmt: skip
    assert (
        "my.toml: clients.fields.gender: women is no level of gender; did you mean woman?" in found
    )
    assert "my.toml: ratings 1.instrument: wai_srr is not known; did you mean wai_sr?" in found
    assert len(found) == 3


def test_a_value_map_names_levels_of_the_field() -> None:
    (found,) = faults_of(MAPPING.replace('"anxiety"', '"anxeity"'))
    assert found.endswith("anxeity is no level of main_concern; did you mean anxiety?")


def test_files_that_are_not_declared_or_do_not_say_whom_a_row_names_are_named() -> None:
    text = MAPPING.replace('rows = ["people"]', 'rows = ["peoples"]')
    text = text.replace('date = { column = "When" }', "")
    text = text.replace('client = { column = "Number" }\nclinician = { column = "With", read_as = '
                        '"name", optional = true }', "")  # fmt: skip
    found = faults_of(text)
    assert any("names no file of the mapping: peoples; did you mean people?" in f for f in found)
    assert any("visits does not say the date of an appointment" in f for f in found)
    assert any("scores does not say which client a rating is of" in f for f in found)


def test_settings_that_exclude_each_other_are_named() -> None:
    text = MAPPING.replace('score = { column = "Total" }', 'score = { column = "S{session}" }')
    text = text.replace('equals = ["Came"],', 'equals = ["Came"], filled = true,')
    text = text.replace('column = "Born",', 'column = "Born", value = 30,')
    found = faults_of(text)
    assert any("needs one of equals and filled" in f for f in found)
    assert any("age_years: needs one of column, columns and value" in f for f in found)
    assert any("is said by the names of the columns too" in f for f in found)


def test_marks_that_contradict_each_other_are_named() -> None:
    text = MAPPING.replace('dates = "dmy"', 'dates = "dmy"\nthousands = "point"', 1)
    text = text.replace(
        'column = "Most",', 'column = "Most", decimal = "comma", currency = "dollars",'
    )
    found = faults_of(text)
    assert (
        "my.toml: files.people: thousands is the decimal mark too; declare another mark or sign"
        in found
    )
    assert any("max_fee: currency is not a sign of a currency" in f for f in found)


def test_a_field_that_the_definition_requires_must_be_mapped() -> None:
    text = MAPPING.replace('age_years = { column = "Born", read_as = "age" }', "")
    assert faults_of(text)[0].endswith(
        "age_years is required and not mapped; add age_years under [clients.fields]"
    )


def test_every_missing_column_is_named_with_the_one_that_is_near(tmp_path: Path) -> None:
    write_exports(tmp_path, [a_person()], [a_visit()])
    text = MAPPING.replace('"Born"', '"Borne"').replace('"When"', '"Starts"')
    with pytest.raises(MappingError) as error:
        imported(tmp_path, text)
    found = [str(fault) for fault in error.value.faults]
    assert "small.toml: files.visits.date: visits.csv has no column 'Starts'; write the name it " \
        "has; the file has Visit, Number, With, When, Outcome" in found  # fmt: skip
    assert any("did you mean 'Born'?" in f for f in found)
    assert len(found) == 2


def test_a_missing_file_is_named_with_those_that_are_there(tmp_path: Path) -> None:
    write_rows(tmp_path / "peoples-2026.csv", [a_person()])
    write_rows(tmp_path / "vists.csv", [a_visit()])
    with pytest.raises(MappingError, match=r"no file is named like visits\*\.csv.*vists\.csv"):
        imported(tmp_path)


def test_a_file_that_must_be_unpacked_or_saved_otherwise_is_named(tmp_path: Path) -> None:
    (tmp_path / "People 2026.xls").touch()
    (tmp_path / "Data Export.zip").touch()
    with pytest.raises(MappingError) as error:
        imported(tmp_path)
    assert [fault.remedy for fault in error.value.faults] == [
        "open People 2026.xls in a spreadsheet and save it as .xlsx or .csv",
        "unpack Data Export.zip first",
    ]


def test_a_path_that_does_not_exist_is_named(tmp_path: Path) -> None:
    with pytest.raises(MappingError, match="nowhere: does not exist"):
        imported(tmp_path / "nowhere")


def test_a_filter_that_does_not_say_which_values_count_is_refused(tmp_path: Path) -> None:
    keep = next(line for line in MAPPING.splitlines() if line.startswith("keep = "))
    folder = write_exports(tmp_path, [a_person()], [a_visit()])
    with pytest.raises(MappingError, match="does not say which values of Outcome count; add keep"):
        imported(folder, MAPPING.replace(keep, ""))
