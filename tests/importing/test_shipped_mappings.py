"""Exports in the shape of three systems become the same sound tables with the shipped mappings."""

import re
from datetime import date
from pathlib import Path

import numpy as np
import pytest

from experiments.practice_exports.history import History, history
from experiments.practice_exports.systems import SYSTEMS
from recommender.importing.mapping_check import check_definition
from recommender.importing.mapping_file import MappingError, read_mapping
from recommender.importing.output_tables import write_import
from recommender.importing.pseudonyms import Pseudonyms
from recommender.importing.shipped_mappings import (
    mapping_named,
    shipped_mapping_text,
    shipped_names,
)
from recommender.importing.table_import import ImportedTables, import_files
from recommender.tables.report import check_tables
from tests.support.exports import TODAY, columns_of, psychology, write_rows

DAY = date(2026, 11, 20)


@pytest.fixture(scope="module")
def past() -> History:
    return history(2, DAY, clinicians=8, ratings=60)


@pytest.fixture(scope="module")
def imports(past: History, tmp_path_factory: pytest.TempPathFactory) -> dict[str, ImportedTables]:
    found = {}
    for name, write in SYSTEMS.items():
        folder = tmp_path_factory.mktemp(name)
        write(past, folder, np.random.default_rng(2))
        key = Pseudonyms(bytes(32))
        found[name] = import_files(mapping_named(name), name, [folder], psychology(), key, DAY)
    return found


@pytest.mark.parametrize("name", ["cliniko", "halaxy", "zanda"])
def test_exports_become_sound_tables(
    name: str, imports: dict[str, ImportedTables], tmp_path: Path
) -> None:
    found = imports[name]
    write_import(tmp_path / "out", found.tables, found.report)
    report = check_tables(tmp_path / "out", psychology(), DAY)
    assert report.sound
    assert not report.warnings
    assert report.summary.pairings_rated >= 55
    for each in found.report.sources:
        assert each.read == each.used + sum(each.left_out.values())


@pytest.mark.parametrize("name", ["cliniko", "halaxy", "zanda"])
def test_no_name_and_no_contact_of_a_client_is_written(
    name: str, imports: dict[str, ImportedTables], past: History, tmp_path: Path
) -> None:
    found = imports[name]
    write_import(tmp_path / "out", found.tables, found.report)
    written = "".join(path.read_text() for path in (tmp_path / "out").iterdir())
    for client in past.clients:
        assert f"{client.first_name} {client.last_name}" not in written
        assert f"{client.number}" not in written
        assert client.born is None or f"{client.born:%d/%m/%Y}" not in written
    assert not re.search(r"@|0491", written)


def test_the_three_systems_give_the_same_pairings_and_clients(
    imports: dict[str, ImportedTables], past: History
) -> None:
    rows = [columns_of(each, "clients", "client_id", "age_years") for each in imports.values()]
    assert rows[0] == rows[1] == rows[2]
    # The same client and clinician have the same pseudonyms, whatever wrote their names.
    pairings = [each.tables["pairings"].rows for each in imports.values()]
    assert pairings[0] == pairings[1] == pairings[2]
    attended = [each for each in past.appointments if each.state == "attended"]
    sessions = [row[0] for row in columns_of(imports["zanda"], "pairings", "sessions")]
    unaged = {each.number for each in past.clients if each.born is None}
    assert sum(sessions) == len([each for each in attended if each.client not in unaged])


def test_the_same_scores_arrive_one_a_row_in_columns_and_item_by_item(
    imports: dict[str, ImportedTables],
) -> None:
    keys = ("pairing_id", "session", "score")
    long, wide = (columns_of(imports[name], "ratings", *keys) for name in ("cliniko", "halaxy"))
    assert sorted(long) == sorted(wide)
    items = columns_of(
        imports["zanda"], "ratings", "pairing_id", *(f"item_{n}" for n in range(1, 13))
    )
    sums = sorted((row[0], sum(map(int, row[1:]))) for row in items)
    assert sums == sorted((pairing, int(score)) for pairing, _, score in long)


@pytest.mark.parametrize("name", shipped_names())
def test_a_shipped_mapping_fits_the_shipped_definition_and_names_its_sources(name: str) -> None:
    mapping = mapping_named(name)
    check_definition(mapping, psychology(), name)
    assert mapping.mapping.sources
    assert mapping.mapping.unconfirmed


def test_the_mapping_of_the_documentation_is_sound() -> None:
    page = Path(__file__).parents[2] / "docs" / "importing.md"
    blocks = re.findall(r"```toml\n(.*?)```", page.read_text("utf-8"), re.DOTALL)
    (block,) = (each for each in blocks if each.startswith("[mapping]"))
    check_definition(read_mapping(block, "page"), psychology(), "page")


def test_a_copy_of_a_shipped_mapping_is_read_from_its_file(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(shipped_mapping_text("zanda"))
    assert mapping_named(str(path)) == mapping_named("zanda")


def test_a_mapping_that_does_not_exist_is_refused_with_the_known_ones(tmp_path: Path) -> None:
    with pytest.raises(MappingError, match="name one of cliniko, halaxy, zanda"):
        mapping_named("genie")
    with pytest.raises(MappingError, match="does not exist"):
        mapping_named(str(tmp_path / "none.toml"))


@pytest.mark.parametrize("entry", ["Y", "TRUE", "yes ", "Did not arrive", "Yess"])
def test_a_client_who_did_not_arrive_never_counts_as_attended(tmp_path: Path, entry: str) -> None:
    write_rows(tmp_path / "Patients.csv", [{"Patient ID": 1, "Date of birth": "02/03/1996"}])
    visit = {"Patient ID": 1, "Practitioner": "Ann Wattle", "Cancelled at": ""}
    marks = ["No", "false", "", *[entry] * 4]
    visits = [
        visit | {"Starts at": f"{day:02d}/09/2026", "Did not arrive": mark}
        for day, mark in enumerate(marks, start=1)
    ]
    write_rows(tmp_path / "Appointments.csv", visits)
    read, pseudonyms = mapping_named("cliniko"), Pseudonyms(bytes(32))
    found = import_files(read, "cliniko", [tmp_path], psychology(), pseudonyms, TODAY)
    assert columns_of(found, "pairings", "sessions") == [(3,)]
    if entry in ("Did not arrive", "Yess"):
        assert any(f"left out with {entry} (4), which" in note for note in found.report.notes)


def test_who_has_no_mapping_of_their_own_reads_how_to_make_one(tmp_path: Path) -> None:
    write_rows(tmp_path / "Patients.csv", [{"Patient ID": 1, "Date of birth": "02/03/1996"}])
    read, pseudonyms = mapping_named("cliniko"), Pseudonyms(bytes(32))

    def remedy_of(setting: str) -> str:
        return (
            f": recommender import show cliniko > my-mapping.toml, edit {setting} in it, then "
            "recommender import files my-mapping.toml FILES (in place of cliniko)"
        )

    with pytest.raises(MappingError, match=re.escape(remedy_of("files.appointments.names"))):
        import_files(read, "cliniko", [tmp_path], psychology(), pseudonyms, TODAY)
    write_rows(tmp_path / "Appointments.csv", [{"Patient ID": 1, "Begin": "02/09/2026"}])
    with pytest.raises(MappingError, match=re.escape(remedy_of("files.appointments.date"))):
        import_files(read, "cliniko", [tmp_path], psychology(), pseudonyms, TODAY)
