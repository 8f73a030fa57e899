"""An intake office at work: a live server with accounts on a simulated practice."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from experiments.trust.keys import PEPPER
from experiments.trust.live import PATIENT, live_server
from experiments.trust.subject import Subject
from recommender.security.accounts import add_account
from recommender.security.scopes import Role
from recommender.store.database import open_store

PASSWORD = "four words without tune"
STAFF, SCIENTIST, OWNER = "intake.desk", "data.desk", "owner.desk"
_LIMITS = {"CALLS_PER_MINUTE": 100_000}


@dataclass(frozen=True, slots=True)
class Office:
    """A live server, where it keeps things, its roster's file, and the password of all."""

    url: str
    store: str = ""
    roster: Path = Path()
    password: str = PASSWORD


def store_with_accounts(subject: Subject) -> str:
    """The address of a new store in the workspace, with accounts of staff, data and owner."""
    subject.workspace.mkdir(exist_ok=True)
    address = f"sqlite:///{subject.workspace / 'journal.db'}"
    store, now = open_store(address), datetime.now(UTC)
    with store.writing() as connection:
        for name, roles in (
            (STAFF, [Role.STAFF]),
            (SCIENTIST, [Role.SCIENTIST]),
            (OWNER, [Role.ADMIN, Role.STAFF]),
        ):
            add_account(connection, name, roles, PASSWORD, now=now, actor="office")
    store.close()
    return address


@contextmanager
def running_office(subject: Subject, **settings: object) -> Iterator[Office]:
    """A server with these settings and a store with accounts of staff, data and owner."""
    address = store_with_accounts(subject)
    given = {"BUNDLE": subject.bundle, "ROSTER": subject.roster, "STORE": address}
    with live_server({**given, "PEPPER": PEPPER, **_LIMITS, **PATIENT, **settings}) as server:
        yield Office(server.url, address, subject.roster)


@contextmanager
def running_counter(roster: Path) -> Iterator[Office]:
    """A server with a roster and nothing else: it predicts by the literature and keeps nothing."""
    with live_server({"ROSTER": roster, **PATIENT}) as server:
        yield Office(server.url)
