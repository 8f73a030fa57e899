"""The demo's store, accounts for its staff pages and the key of a matching tool."""

import json
import secrets
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from experiments.demo.build import DEFINITION, HOME, ROSTER
from recommender.journal.roster_versions import current_roster, replace_roster
from recommender.practice.columns import cells_at
from recommender.practice.definition import load_practice
from recommender.security.accounts import add_account
from recommender.security.keys import KeyRequest, Pepper, create_key
from recommender.security.scopes import Role
from recommender.store.database import open_store
from recommender.tables.cells import NAME_COLUMN
from recommender.tables.loader import read_roster

FILE = HOME / "access.json"
KEY_FILE = HOME / "tool.key"
STORE = f"sqlite:///{HOME}/store.db"
ACCOUNTS: Mapping[str, tuple[Role, ...]] = {
    "reception": (Role.STAFF,),
    "owner": (Role.STAFF, Role.SCIENTIST, Role.ADMIN),
}
"""Roles by the name of the account."""
ACTOR = "demo"


@dataclass(frozen=True, slots=True)
class Access:
    """The demo's secrets, readable by their owner only; they open nothing but the demo."""

    pepper: str = field(repr=False)
    passwords: Mapping[str, str] = field(repr=False)
    key: str = field(repr=False)

    @property
    def environment(self) -> Mapping[str, str]:
        """Settings of a server that uses the store and shows the matching page."""
        return {
            "RECOMMENDER_STORE": STORE,
            "RECOMMENDER_PEPPER": self.pepper,
            "RECOMMENDER_MATCHING_PAGE": "true",
        }


def opened_access() -> Access:
    """The demo's access, made on first use."""
    return Access(**json.loads(FILE.read_text("utf-8"))) if FILE.exists() else _new_access()


def _new_access() -> Access:
    pepper = secrets.token_urlsafe(32)
    passwords = {name: secrets.token_hex(8) for name in ACCOUNTS}
    now = datetime.now(UTC)
    store = open_store(STORE)
    try:
        with store.writing() as connection:
            for name, roles in ACCOUNTS.items():
                add_account(connection, name, roles, passwords[name], now=now, actor=ACTOR)
            wanted = KeyRequest("matching-tool", Role.TOOL)
            issued = create_key(connection, wanted, Pepper.of(pepper), now=now, actor=ACTOR)
    finally:
        store.close()
    access = Access(pepper, passwords, issued.text)
    _write_secret(KEY_FILE, issued.text)
    _write_secret(FILE, json.dumps(asdict(access)))
    return access


def _write_secret(path: Path, text: str) -> None:
    path.touch(mode=0o600)
    path.write_text(text, "utf-8")


def store_roster() -> None:
    """Replaces the stored roster by that of the file, whose dates are counted from today."""
    practice = load_practice(DEFINITION)
    roster = read_roster(ROSTER, practice, datetime.now(UTC))
    rows = {
        each: {NAME_COLUMN: roster.called[each]}
        | cells_at(practice.clinician, roster.columns, place)
        for place, each in enumerate(roster.ids)
    }
    store = open_store(STORE)
    try:
        with store.writing() as connection:
            seen = current_roster(connection).etag
            replace_roster(connection, practice, rows, seen=seen, actor=ACTOR)
    finally:
        store.close()
