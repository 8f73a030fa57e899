from datetime import UTC, datetime

import pytest
from sqlalchemy import select

from recommender.errors import ConflictError, NotFoundError, RecommenderError
from recommender.security.accounts import account_with_password, add_account
from recommender.security.linked_identities import (
    account_of_identity,
    identity_code,
    link_identity,
    linked_staff,
    unlink_identities,
)
from recommender.security.scopes import Role
from recommender.store.database import Store
from recommender.store.schema import audit

NOW = datetime(2026, 11, 28, tzinfo=UTC)
ISSUER = "https://login.example.org"
CODE = identity_code(ISSUER, "8c1f")


@pytest.fixture
def desk(a_store: Store, cheap_passwords: None) -> Store:
    with a_store.writing() as connection:
        for name in ("ines", "omar"):
            add_account(connection, name, Role.STAFF, None, now=NOW, actor="test")
    return a_store


def test_an_identity_is_issuer_and_subject() -> None:
    others = [(ISSUER, "8c1g"), (f"{ISSUER}/", "8c1f"), (f"{ISSUER}8", "c1f")]
    assert len({CODE, *(identity_code(*each) for each in others)}) == 4


@pytest.mark.both_databases("binary keys, counts of deleted rows")
def test_an_account_has_identities_and_an_identity_one_account(desk: Store) -> None:
    second = identity_code(ISSUER, "second")
    with desk.writing() as connection:
        ines = link_identity(connection, "ines", CODE.lower(), now=NOW, actor="test")
        link_identity(connection, "ines", f" {second} ", now=NOW, actor="test")
        with pytest.raises(ConflictError):
            link_identity(connection, "omar", CODE, now=NOW, actor="test")
        assert account_of_identity(connection, CODE) == ines
        assert linked_staff(connection) == {ines.staff_id}
        unlink_identities(connection, "ines", actor="test")
        assert account_of_identity(connection, second) is None
        with pytest.raises(NotFoundError):
            unlink_identities(connection, "ines", actor="test")
        actions = list(connection.execute(select(audit.c.action)).scalars())
        facts = str(connection.execute(select(audit.c.facts)).scalars().all())
    assert actions[-3:] == ["account.linked", "account.linked", "account.unlinked"]
    assert CODE not in facts


@pytest.mark.parametrize("code", ["", "8c1f", CODE[:-1], f"{CODE}-AAAA", "!" * 32])
def test_what_is_no_code_is_refused(desk: Store, code: str) -> None:
    with desk.writing() as connection, pytest.raises(RecommenderError, match="32 letters"):
        link_identity(connection, "ines", code, now=NOW, actor="test")


def test_an_account_without_a_password_has_none_that_opens_it(desk: Store) -> None:
    for guess in ("", "ines", "None"):
        assert account_with_password(desk, "ines", guess, now=NOW) is None
