from pathlib import Path

import pytest

from recommender.errors import DefinitionError
from recommender.importing.fhir.mapping import FhirMapping
from recommender.importing.fhir.mapping_reader import (
    load_mapping,
    read_mapping,
    shipped_mapping,
)
from recommender.practice.definition import shipped_practice
from tests.support.builders import a_practice
from tests.support.definitions import places_of

PRACTICE = shipped_practice()


def faults(text: str) -> dict[str, str]:
    with pytest.raises(DefinitionError) as refused:
        read_mapping(text, PRACTICE)
    return places_of(list(refused.value.faults))


def test_the_shipped_mapping_fits_the_shipped_definition() -> None:
    mapping = read_mapping(shipped_mapping(), PRACTICE)
    assert load_mapping(None, PRACTICE) == mapping
    assert mapping.dropped == ()
    registration = mapping.clinicians["registration_type"]
    assert registration.codes["http://snomed.info/sct|310191001"] == "clinical_psychologist"


def test_what_another_definition_does_not_have_is_dropped_from_the_shipped_mapping() -> None:
    mapping: FhirMapping = load_mapping(None, a_practice())
    assert "clinicians.registration_type" in mapping.dropped
    assert set(mapping.clinicians) <= set(a_practice().clinician)


def test_a_file_of_ones_own_is_read(tmp_path: Path) -> None:
    file = tmp_path / "my.toml"
    file.write_text('[mapping]\ntitle = "Ours"\n')
    assert load_mapping(file, PRACTICE).title == "Ours"
    with pytest.raises(DefinitionError, match="does not exist"):
        load_mapping(tmp_path / "nowhere.toml", PRACTICE)


def test_every_fault_of_a_mapping_is_reported_at_once() -> None:
    found = faults("""
nothing = 1
roster = 3

[systems]
sct = 5

[clients]
age_field = "main_concern"

[clinicians.shoe_size]
sources = ["gender"]

[clinicians.hours]
sources = ["gender"]

[clinicians.rooms]
sources = ["weather"]

[clinicians.gender]
sources = ["gender"]
codes = { "female" = "lady" }

[clinicians.active]

[intake."https://a.example/q"]
gender = { link = "1" }
main_concern = { link = "2", codes = { "x" = "worry" } }
funding = 3

[ratings."https://a.example/r"]
instrument = "mood"
metric = "sum"

[ratings."https://a.example/s"]
instrument = "wai_sr"
metric = "items"
items = ["1"]

[ratings."https://a.example/t"]
instrument = "srs_v3"
metric = "sum"

[ratings."https://a.example/u"]
instrument = "srs_v3"
metric = "median"
""")
    assert found == {
        "nothing": "is not a section of a mapping",
        "roster": "is not a table",
        "systems": "has an address that is not text",
        "clients.age_field": "is not a number of clients",
        "clinicians.shoe_size": "is not a field of clinicians",
        "clinicians.hours.sources": "cannot fill a field of kind availability from gender",
        "clinicians.rooms.sources": "names an unknown source",
        "clinicians.gender.codes": "has no level called lady",
        "clinicians.active": "has neither or both of sources and value",
        'intake."https://a.example/q".gender': "is not a field that clients are asked for",
        'intake."https://a.example/q".main_concern.codes': "has no level called worry",
        'intake."https://a.example/q".funding': "is not a table",
        'ratings."https://a.example/r".instrument': "is not an accepted instrument",
        'ratings."https://a.example/s".items': "do not fit wai_sr",
        'ratings."https://a.example/t".score': "does not fit the metric sum",
        'ratings."https://a.example/u".metric': "is not a known metric",
    }


def test_text_that_is_not_toml_is_refused() -> None:
    assert next(iter(faults("a = "))) == "mapping"
