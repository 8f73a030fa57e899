"""Decisions and the open places they take, over HTTP."""

from dataclasses import replace
from pathlib import Path

from recommender.journal.roster_versions import current_roster
from recommender.model.bundle.io import save_bundle
from recommender.practice.definition import Practice, read_practice
from tests.support.builders import a_model, a_practice, write_tables
from tests.support.server import (
    RECOMMEND,
    JournalServer,
    journal_server,
    put_small_roster,
    server_settings,
    wait_until,
)


def with_two_places_asked_for() -> Practice:
    one = 'value = 1\nclinician = "places"'
    assert one in a_practice().text
    return read_practice(a_practice().text.replace(one, one.replace("1", "2")))


def places_of(keeping: JournalServer, name: str) -> int:
    with keeping.store.reading() as connection:
        return int(current_roster(connection).rows[name]["places"])


def decide(keeping: JournalServer, recommendation_id: str, clinician_id: str) -> None:
    address = f"{RECOMMEND}/{recommendation_id}/decisions"
    response = keeping.post(address, {"clinician_id": clinician_id})
    assert response.status_code == 201, response.text


def test_clients_were_booked_with_a_clinician_whose_places_were_gone(tmp_path: Path) -> None:
    """A practice that asks for two open places never had one taken by a decision."""
    model = a_model()
    practice = with_two_places_asked_for()
    pipeline = replace(model.pipeline, practice=practice)
    manifest = replace(model.manifest, practice_digest=practice.digest)
    write_tables(tmp_path)
    save_bundle(replace(model, pipeline=pipeline, manifest=manifest), tmp_path / "bundle")
    url = f"sqlite:///{tmp_path / 'journal.db'}"

    with journal_server(server_settings(tmp_path, poll_seconds=0.02), url) as keeping:
        put_small_roster(keeping.store, places=2)
        first = keeping.recommended(client_id="c1")
        name, other = (each["clinician_id"] for each in first["shortlist"][:2])
        decide(keeping, first["recommendation_id"], name)
        assert places_of(keeping, name) == 1

        def is_left_out() -> bool:
            shortlist = keeping.recommended(client_id="c2")["shortlist"]
            return name not in [each["clinician_id"] for each in shortlist]

        wait_until(is_left_out)

        decide(keeping, first["recommendation_id"], other)
        assert (places_of(keeping, name), places_of(keeping, other)) == (2, 1)
