"""A live server that shows the matching page of the sample practice, and a staff account."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from experiments.demo.practice import write_clinicians, write_definition
from experiments.screenshots.office import PASSWORD, STAFF, Office
from experiments.trust.keys import PEPPER
from experiments.trust.live import PATIENT, live_server
from recommender.practice.definition import shipped_practice
from recommender.security.accounts import add_account
from recommender.security.scopes import Role
from recommender.store.database import open_store

CALLS = 600
"""Pages a minute of one address: more than a walk through every page asks for."""


@contextmanager
def matching_desk(folder: Path, **settings: object) -> Iterator[Office]:
    """A server without a learned model: it predicts by the literature, and stores what it shows."""
    definition, roster = folder / "practice.toml", folder / "clinicians.csv"
    today = shipped_practice().day_at(datetime.now(UTC))
    write_definition(definition, today)
    write_clinicians(roster, today)
    address = f"sqlite:///{folder / 'journal.db'}"
    store = open_store(address)
    with store.writing() as connection:
        add_account(
            connection, STAFF, Role.STAFF, PASSWORD, now=datetime.now(UTC), actor="experiment"
        )
    store.close()
    given = {
        "PRACTICE": definition,
        "ROSTER": roster,
        "STORE": address,
        "PEPPER": PEPPER,
        "MATCHING_PAGE": "true",
        "MATCHING_CALLS_PER_MINUTE": CALLS,
        "MATCHING_RESULTS_PER_MINUTE": CALLS,
    }
    with live_server({**given, **PATIENT, **settings}) as server:
        yield Office(server.url, address)
