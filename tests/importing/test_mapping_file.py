"""A mapping says everything that is wrong with it at once, with place, problem and remedy."""

import pytest

from recommender.importing.mapping_file import MappingError, read_mapping
from tests.support.exports import MAPPING


def faults_of(text: str) -> list[str]:
    with pytest.raises(MappingError) as error:
        read_mapping(text, "my.toml")
    return [str(fault) for fault in error.value.faults]


def test_a_sound_mapping_is_read_with_its_defaults() -> None:
    mapping = read_mapping(MAPPING, "my.toml")
    assert mapping.files["people"].names == ("people*.csv", "people*.xlsx")
    assert mapping.clients.fields["age_years"].named == (("Born",),)
    assert mapping.format_of("extra").dates == "iso"
    assert mapping.format_of("visits").dates == "dmy"
    assert mapping.ratings[0].rater.value == "client"


def test_every_fault_of_form_is_named_at_once() -> None:
    text = MAPPING.replace('dates = "dmy"', 'dates = "daymonth"')
    text = text.replace('currency = "$"', 'currency = "$"\ndate = "dmy"')
    text = text.replace('names = ["visits*.csv"]', "names = []")
    text = text.replace('read_as = "age"', 'read_as = "years"')
    text = text.replace('appointments = "visits"', "appointment = 3")
    text = text.replace("required = false", 'required = "no"', 1)
    found = faults_of(text)
    assert "my.toml: format.dates: is not known; use one of 'iso', 'dmy' or 'mdy'" in found
    assert "my.toml: files.visits.names: is empty; name at least one" in found
    assert any(f.startswith("my.toml: clients.fields.age_years.read_as") for f in found)
    assert any(f.startswith("my.toml: pairings.appointments: is not given") for f in found)
    assert any(f.startswith("my.toml: pairings.appointment: is not a setting") for f in found)
    assert any(f.startswith("my.toml: files.scores.required") for f in found)
    assert any(f.startswith("my.toml: format.date: is not a setting") for f in found)
    assert len(found) == 7


def test_what_is_not_toml_is_one_fault() -> None:
    assert faults_of("[mapping")[0].startswith("my.toml: is not TOML")


def test_missing_sections_are_named() -> None:
    found = faults_of('[mapping]\ntitle = " "')
    sections = {"files", "clients", "clinicians", "pairings"}
    assert {f"my.toml: {name}: is not given; write it" for name in sections} < set(found)
    assert "my.toml: mapping.title: is blank; write it" in found
