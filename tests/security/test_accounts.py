from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
from argon2 import PasswordHasher
from sqlalchemy import text

from recommender.errors import ConflictError, NotFoundError, RecommenderError
from recommender.security.accounts import (
    FIRST_WAIT,
    FREE_FAILURES,
    MAX_LENGTH,
    MAX_WAIT,
    Account,
    account_with_password,
    add_account,
    change_password,
    change_roles,
    list_accounts,
    remove_account,
)
from recommender.security.scopes import ROLES, Role
from recommender.store.database import Store

NOW = datetime(2026, 11, 23, 9, tzinfo=UTC)
RIGHT = "four words without tune"
SECOND = timedelta(seconds=1)


def added(store: Store, name: str = "intake.desk", role: Role = Role.STAFF) -> Account:
    with store.writing() as connection:
        return add_account(connection, name, role, RIGHT, now=NOW, actor="test")


def let_in(
    store: Store, given: str = RIGHT, now: datetime = NOW, name: str = "intake.desk"
) -> bool:
    return account_with_password(store, name, given, now=now) is not None


def fail(store: Store, times: int, now: datetime = NOW) -> None:
    for _ in range(times):
        assert not let_in(store, "wrong password", now)


@pytest.mark.both_databases("types")
def test_the_right_password_lets_in_as_the_accounts_role(a_store: Store) -> None:
    account = added(a_store, role=Role.ADMIN)
    found = account_with_password(a_store, "intake.desk", RIGHT, now=NOW)
    assert found == account
    assert found.principal.role is Role.ADMIN
    assert found.principal.actor == account.staff_id


@pytest.mark.both_databases("types")
def test_an_account_with_two_roles_has_the_scopes_of_both(a_store: Store) -> None:
    with a_store.writing() as connection:
        add_account(
            connection, "owner", [Role.ADMIN, Role.STAFF], RIGHT, now=NOW, actor="test"
        )  # fmt: skip
    found = account_with_password(a_store, "owner", RIGHT, now=NOW)
    assert found is not None
    assert found.roles == (Role.STAFF, Role.ADMIN)
    assert found.principal.scopes == ROLES[Role.STAFF] | ROLES[Role.ADMIN]


def test_changed_roles_replace_those_of_before_and_are_recorded(a_store: Store) -> None:
    added(a_store)
    with a_store.writing() as connection:
        change_roles(connection, "intake.desk", [Role.SCIENTIST], actor="test")
        assert list_accounts(connection)[0].roles == (Role.SCIENTIST,)
        causes = connection.execute(text("SELECT action FROM audit")).scalars()
        assert "account.roles" in list(causes)
        for unusable in ([], [Role.TOOL]):
            with pytest.raises(RecommenderError, match="role"):
                change_roles(connection, "intake.desk", unusable, actor="test")


def test_an_account_of_before_has_the_one_role_it_had(a_store: Store) -> None:
    added(a_store, role=Role.ADMIN)
    with a_store.writing() as connection:
        connection.execute(text("UPDATE staff_accounts SET roles = NULL"))
        assert list_accounts(connection)[0].roles == (Role.ADMIN,)


def test_a_wrong_password_or_an_unknown_name_lets_nobody_in(a_store: Store) -> None:
    added(a_store)
    for given in ("", RIGHT.upper(), RIGHT + " ", "x" * 10_000, "пароль"):
        assert not let_in(a_store, given)
    assert not let_in(a_store, name="nobody")


def test_a_longer_password_is_not_cut_to_the_right_one(a_store: Store) -> None:
    longest = "abcde " * 50
    with a_store.writing() as connection:
        add_account(connection, "long", Role.STAFF, longest[:MAX_LENGTH], now=NOW, actor="test")
    assert let_in(a_store, longest[:MAX_LENGTH], name="long")
    assert not let_in(a_store, longest, name="long")


def test_passwords_are_kept_as_argon2id_and_nowhere_in_clear(a_store: Store) -> None:
    added(a_store)
    with a_store.reading() as connection:
        kept = connection.execute(text("SELECT password_hash FROM staff_accounts")).scalar_one()
        assert RIGHT not in str(connection.execute(text("SELECT * FROM audit")).all())
    assert kept.startswith("$argon2id$")


def test_the_shipped_hash_is_as_heavy_as_the_standard_asks() -> None:
    shipped = PasswordHasher()
    assert (shipped.memory_cost, shipped.time_cost, shipped.type.name) == (65536, 3, "ID")


def test_wrong_passwords_close_an_account_for_longer_and_longer(a_store: Store) -> None:
    added(a_store)
    fail(a_store, FREE_FAILURES)
    assert not let_in(a_store, now=NOW + FIRST_WAIT - SECOND)
    later = NOW + FIRST_WAIT
    fail(a_store, 1, later)
    assert not let_in(a_store, now=later + 2 * FIRST_WAIT - SECOND)
    assert let_in(a_store, now=later + 2 * FIRST_WAIT)


def test_no_lock_lasts_longer_than_an_hour(a_store: Store) -> None:
    added(a_store)
    at = NOW
    for _ in range(20):
        fail(a_store, 1, at)
        at += MAX_WAIT
    assert let_in(a_store, now=at)


def test_guesses_while_locked_do_not_lengthen_the_lock(a_store: Store) -> None:
    added(a_store)
    fail(a_store, FREE_FAILURES + 20)
    assert let_in(a_store, now=NOW + FIRST_WAIT)


def test_the_right_password_starts_the_count_anew(a_store: Store) -> None:
    added(a_store)
    fail(a_store, FREE_FAILURES - 1)
    assert let_in(a_store)
    fail(a_store, FREE_FAILURES - 1)
    assert let_in(a_store)


@pytest.mark.both_databases("locks")
def test_guesses_sent_all_at_once_are_each_counted(a_store: Store) -> None:
    added(a_store)
    with ThreadPoolExecutor(8) as pool:
        by_learner = pool.map(lambda place: let_in(a_store, f"guess number {place}"), range(24))
        assert not any(by_learner)
    assert not let_in(a_store)


def test_a_removed_account_lets_nobody_in_and_its_name_is_not_used_again(a_store: Store) -> None:
    added(a_store)
    with a_store.writing() as connection:
        remove_account(connection, "intake.desk", now=NOW, actor="test")
    assert not let_in(a_store)
    with pytest.raises(ConflictError, match="is or was in use"):
        added(a_store)
    with pytest.raises(NotFoundError), a_store.writing() as connection:
        remove_account(connection, "intake.desk", now=NOW, actor="test")
    with pytest.raises(NotFoundError), a_store.writing() as connection:
        change_password(connection, "intake.desk", RIGHT, actor="test")


def test_a_new_password_replaces_the_old_and_opens_a_lock(a_store: Store) -> None:
    added(a_store)
    fail(a_store, FREE_FAILURES)
    with a_store.writing() as connection:
        change_password(connection, "intake.desk", "another four words", actor="test")
    assert let_in(a_store, "another four words")
    assert not let_in(a_store)


@pytest.mark.parametrize(
    "given", ["short", "eleven char", "x" * 257, "aaaaaaaaaaaaaaaa", "intake.desk 2026"]
)
def test_a_password_that_can_be_guessed_is_refused_without_being_told(
    a_store: Store, given: str
) -> None:
    with pytest.raises(RecommenderError, match="password") as refused:  # noqa: SIM117
        with a_store.writing() as connection:
            add_account(connection, "intake.desk", Role.STAFF, given, now=NOW, actor="test")
    assert given not in str(refused.value)


def test_names_and_roles_that_are_not_for_people_are_refused(a_store: Store) -> None:
    for name in ("", "A.Name", "a name", "x" * 65):
        with pytest.raises(RecommenderError, match="cannot name"):
            added(a_store, name)
    with pytest.raises(RecommenderError, match="for programs"):
        added(a_store, role=Role.TOOL)


def test_accounts_are_listed_by_name_with_what_became_of_them(a_store: Store) -> None:
    added(a_store, "second")
    added(a_store, "first")
    with a_store.writing() as connection:
        remove_account(connection, "second", now=NOW, actor="test")
        listed = list_accounts(connection)
    assert [(each.name, each.removed_at) for each in listed] == [("first", None), ("second", NOW)]
