"""Availability of one clinician, and import of a roster file, on pages."""

import csv
import io
from pathlib import Path

import pytest
from sqlalchemy import text

from recommender.journal.roster_versions import RosterVersion, current_roster
from recommender.security.scopes import Role
from recommender.serving.snapshot.snapshot import rows_of
from recommender.tables.loader import read_roster, roster_of_csv
from tests.support.builders import TAKEN_AT, a_practice
from tests.support.page_reader import Reader, read, send, signed_in
from tests.support.server import LockedServer, TestClient

PAGE = "/staff/clinicians/k01/availability"
IMPORT = "/staff/practice/roster"


@pytest.fixture
def owner(locked: LockedServer) -> TestClient:
    return signed_in(locked, Role.ADMIN)


def stored(locked: LockedServer) -> RosterVersion:
    with locked.store.reading() as connection:
        return current_roster(connection)


def causes(locked: LockedServer) -> list[str]:
    with locked.store.reading() as connection:
        return list(connection.execute(text("SELECT action FROM audit ORDER BY seq")).scalars())


def test_places_and_hours_are_changed_as_by_the_api(
    locked: LockedServer, staff: TestClient
) -> None:
    form = read(staff, PAGE).form("/availability")
    assert form.unlabelled == []
    saved = send(staff, form, **{"places": "7", "hours.mon": "08:00-12:00; 13:00-15:00"})
    assert saved.url.path == "/staff/clinicians/k01"
    assert "7 places" in saved.text
    facts = staff.get("/v1/clinicians/k01").json()["clinician"]["facts"]
    assert facts["places"] == 7
    monday = [each for each in facts["hours"] if each["day"] == "mon"]
    assert [each["start"] for each in monday] == ["08:00", "13:00"]
    assert causes(locked)[-1] == "clinician.patched"


def test_a_form_sent_unchanged_changes_nothing(locked: LockedServer, staff: TestClient) -> None:
    before = staff.get("/v1/clinicians/k01").json()["clinician"]
    send(staff, read(staff, PAGE).form("/availability"))
    assert staff.get("/v1/clinicians/k01").json()["clinician"] == before


def test_a_refused_time_is_named_beside_its_field_and_what_was_typed_stays(
    locked: LockedServer, staff: TestClient
) -> None:
    before = stored(locked).etag
    form = read(staff, PAGE).form("/availability")
    refused = send(staff, form, **{"hours.tue": "after lunch", "places": "2"})
    assert refused.status_code == 422
    found = Reader(refused.text)
    assert ("id", "field-hours-wrong") in found.attributes
    again = found.form("/availability").fields
    assert again["hours.tue"] == ["after lunch"]
    assert again["places"] == ["2"]
    assert stored(locked).etag == before


def test_a_form_opened_before_somebody_else_changed_the_clinician_is_refused(
    locked: LockedServer, staff: TestClient
) -> None:
    form = read(staff, PAGE).form("/availability")
    send(staff, form, places="7")
    refused = send(staff, form, places="1")
    assert refused.status_code == 409
    assert "Someone else changed this clinician meanwhile." in refused.text
    assert stored(locked).rows["k01"]["places"] == 7


@pytest.mark.parametrize(
    ("role", "availability", "roster"),
    [(Role.ADMIN, 200, 200), (Role.STAFF, 200, 403), (Role.SCIENTIST, 403, 403)],
)
def test_who_may_change_what(
    locked: LockedServer, role: Role, availability: int, roster: int
) -> None:
    client = signed_in(locked, role)
    assert client.get(PAGE).status_code == availability
    assert client.get(IMPORT).status_code == roster


@pytest.fixture
def table(practice_files: Path, tmp_path: Path) -> Path:
    """The roster's file with one clinician changed, one added and one removed."""
    content = (practice_files / "clinicians.csv").read_text(encoding="utf-8")
    rows = list(csv.DictReader(io.StringIO(content)))
    del rows[2]
    rows[0]["places"] = "9"
    rows.append(rows[1] | {"clinician_id": "k99", "name": "Nora"})
    path = tmp_path / "clinicians.csv"
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return path


def test_what_a_preview_shows_is_what_is_then_applied(
    locked: LockedServer, owner: TestClient, table: Path
) -> None:
    before = stored(locked)
    form = read(owner, IMPORT).form(IMPORT)
    preview = send(owner, form, table=table.read_text(encoding="utf-8"))
    counts = "1 added, 1 changed, 1 removed, 10 as before."
    found = Reader(preview.text)
    assert counts in found.text
    assert "Nora (k99)" in found.text
    assert stored(locked).etag == before.etag
    applied = send(owner, found.form("/application"))
    assert f"The roster was replaced: {counts}" in Reader(applied.text).text
    after, expected = stored(locked), read_roster(table, a_practice(), TAKEN_AT)
    assert after.roster(a_practice()).version == expected.version
    assert after.roster(a_practice()).names == expected.names
    assert causes(locked)[-1] == "roster.replaced"


def test_a_preview_of_a_roster_that_has_changed_since_is_made_anew(
    locked: LockedServer, owner: TestClient, table: Path
) -> None:
    form = read(owner, IMPORT).form(IMPORT)
    preview = Reader(send(owner, form, table=table.read_text(encoding="utf-8")).text)
    send(owner, read(owner, PAGE).form("/availability"), places="3")
    refused = send(owner, preview.form("/application"))
    assert refused.status_code == 409
    assert "nothing was applied" in refused.text
    assert stored(locked).rows["k01"]["places"] == 3


def test_every_fault_of_a_file_is_named_and_nothing_is_changed(
    locked: LockedServer, owner: TestClient
) -> None:
    before = stored(locked).etag
    form = read(owner, IMPORT).form(IMPORT)
    refused = send(owner, form, table="clinician_id,places\nk01,many\n")
    assert refused.status_code == 422
    assert "places" in Reader(refused.text).text
    assert stored(locked).etag == before


FORM = "/staff/practice/clinicians"


def test_a_clinician_is_added_by_a_form_as_by_an_import(
    locked: LockedServer, owner: TestClient
) -> None:
    form = read(owner, f"{FORM}/new").form("/new")
    assert form.unlabelled == []
    typed = {"clinician_id": "k77", "name": "Nora", "fee": "$220.50", "places": "3"}
    rooms = {"rooms": "-33.87,151.21; -33.9,151.2", "hours.mon": "09:00-12:30"}
    added = send(owner, form, offers=["cbt"], guides="4", not_with="none", **typed, **rooms)
    assert added.url.path == "/staff/clinicians/k77", Reader(added.text).text
    row = stored(locked).rows["k77"]
    content = "clinician_id,name,offers,guides,years,fee,rooms,hours,places,not_with\n"
    content += 'k77,Nora,cbt,4,,220.50,"-33.87,151.21; -33.9,151.2",mon 09:00-12:30,3,none\n'
    imported = rows_of(roster_of_csv(content.encode(), a_practice(), TAKEN_AT), a_practice())
    assert row == imported["k77"]
    assert causes(locked)[-1] == "clinician.put"


def test_a_row_with_faults_names_each_beside_its_field_and_keeps_what_was_typed(
    locked: LockedServer, owner: TestClient
) -> None:
    before = stored(locked).etag
    form = read(owner, f"{FORM}/new").form("/new")
    refused = send(owner, form, clinician_id="k 77!", name="Nora", fee="a lot", places="many")
    assert refused.status_code == 422
    found = Reader(refused.text)
    for name in ("clinician_id", "fee", "places"):
        assert ("id", f"field-{name}-wrong") in found.attributes, name
    assert found.form("/new").fields["fee"] == ["a lot"]
    taken = send(owner, form, clinician_id="k01", name="Nora", places="1")
    assert (taken.status_code, "choose another one" in taken.text) == (409, True)
    assert stored(locked).etag == before


def test_all_facts_of_a_clinician_are_changed_by_a_form_and_none_by_sending_it_unchanged(
    locked: LockedServer, owner: TestClient
) -> None:
    before = stored(locked).rows
    for clinician_id in before:
        send(owner, read(owner, f"{FORM}/{clinician_id}").form(clinician_id))
    assert stored(locked).rows == before
    form = read(owner, f"{FORM}/k01").form("/k01")
    assert send(owner, form, name="Dr New").url.path == "/staff/clinicians/k01"
    assert stored(locked).rows["k01"] == {**before["k01"], "name": "Dr New"}
    assert send(owner, form, name="Dr Late").status_code == 409


def test_a_clinician_is_removed_once_the_id_is_typed_again(
    locked: LockedServer, owner: TestClient
) -> None:
    form = read(owner, f"{FORM}/k02").form("/removal")
    assert send(owner, form, again="k03").status_code == 422
    assert "k02" in stored(locked).rows
    assert send(owner, form, again="k02").url.path == "/staff/clinicians"
    assert "k02" not in stored(locked).rows
    assert causes(locked)[-1] == "clinician.removed"


@pytest.mark.parametrize("address", [f"{FORM}/new", f"{FORM}/k01"])
def test_only_an_owner_changes_the_facts_of_a_clinician(
    locked: LockedServer, staff: TestClient, address: str
) -> None:
    assert staff.get(address).status_code == 403
    assert f"{FORM}/k01" not in staff.get("/staff/clinicians/k01").text
