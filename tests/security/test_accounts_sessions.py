from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import text

from recommender.security.accounts import Account, add_account, change_password, remove_account
from recommender.security.scopes import Role
from recommender.security.sessions import (
    MAX_AGE,
    MAX_IDLE,
    Session,
    close_every_session,
    close_session,
    cookie_for,
    find_session,
    open_session,
    open_sessions,
)
from recommender.store.database import Store

NOW = datetime(2026, 11, 23, 9, tzinfo=UTC)
SECOND = timedelta(seconds=1)


@pytest.fixture
def account(a_store: Store) -> Account:
    with a_store.writing() as connection:
        return add_account(
            connection, "intake.desk", Role.STAFF, "four words without tune", now=NOW, actor="test"
        )


def opened(store: Store, account: Account, now: datetime = NOW) -> Session:
    with store.writing() as connection:
        return open_session(connection, account, now=now)


def lasts(store: Store, session: Session, now: datetime) -> bool:
    return find_session(store, session.token, now=now) is not None


def test_a_session_is_its_accounts(a_store: Store, account: Account) -> None:
    session = opened(a_store, account)
    found = find_session(a_store, session.token, now=NOW)
    assert found == session
    assert found.principal == account.principal


def test_a_token_stands_nowhere_in_the_store(a_store: Store, account: Account) -> None:
    session = opened(a_store, account)
    with a_store.reading() as connection:
        rows = str(connection.execute(text("SELECT * FROM staff_sessions")).all())
    assert session.token not in rows
    assert session.csrf not in rows
    assert session.token not in repr(session)


def test_another_token_finds_nothing(a_store: Store, account: Account) -> None:
    session = opened(a_store, account)
    for token in ("", session.token[:-1], session.token + "x", session.csrf):
        assert find_session(a_store, token, now=NOW) is None


@pytest.mark.both_databases("types")
def test_a_session_ends_half_an_hour_after_its_last_use(a_store: Store, account: Account) -> None:
    session = opened(a_store, account)
    assert lasts(a_store, session, NOW + MAX_IDLE - SECOND)
    assert lasts(a_store, session, NOW + 2 * MAX_IDLE - 2 * SECOND)
    assert not lasts(a_store, session, NOW + 3 * MAX_IDLE)


def test_a_session_ends_after_half_a_day_however_much_it_is_used(
    a_store: Store, account: Account
) -> None:
    session, at = opened(a_store, account), NOW
    while at < NOW + MAX_AGE - timedelta(minutes=20):
        at += timedelta(minutes=20)
        assert lasts(a_store, session, min(at, NOW + MAX_AGE - SECOND))
    assert not lasts(a_store, session, NOW + MAX_AGE)


def test_a_closed_session_is_over_and_others_go_on(a_store: Store, account: Account) -> None:
    one, other = opened(a_store, account), opened(a_store, account)
    with a_store.writing() as connection:
        close_session(connection, one)
    assert not lasts(a_store, one, NOW)
    assert lasts(a_store, other, NOW)


def test_a_new_password_and_a_removal_end_every_session(a_store: Store, account: Account) -> None:
    session = opened(a_store, account)
    with a_store.writing() as connection:
        change_password(connection, account.name, "another four words", actor="test")
    assert not lasts(a_store, session, NOW)
    session = opened(a_store, account)
    with a_store.writing() as connection:
        remove_account(connection, account.name, now=NOW, actor="test")
    assert not lasts(a_store, session, NOW)


def test_ended_sessions_are_removed_when_the_next_is_opened(
    a_store: Store, account: Account
) -> None:
    opened(a_store, account)
    opened(a_store, account, NOW + MAX_IDLE)
    with a_store.reading() as connection:
        assert connection.execute(text("SELECT count(*) FROM staff_sessions")).scalar_one() == 1


def test_a_session_knows_its_own_csrf_token_and_no_other(a_store: Store, account: Account) -> None:
    one, other = opened(a_store, account), opened(a_store, account)
    assert one.repeats(one.csrf)
    for given in (other.csrf, "", one.token, "маркер"):
        assert not one.repeats(given)


def test_the_cookie_needs_tls_wherever_another_machine_can_call() -> None:
    outside = cookie_for(("127.0.0.1", "match.example.org"))
    assert outside.name.startswith("__Host-")
    assert outside.setting("t").endswith("; Path=/; HttpOnly; SameSite=Lax; Secure")
    assert "Domain" not in outside.setting("t")
    inside = cookie_for(("127.0.0.1", "localhost"))
    assert "Secure" not in inside.setting("t")
    assert "Max-Age=0" in inside.clearing()


@pytest.mark.both_databases("types")
def test_a_restricted_session_stays_restricted_and_those_of_before_are_not(
    a_store: Store, account: Account
) -> None:
    with a_store.writing() as connection:
        limited = open_session(connection, account, now=NOW, restricted=True)
    usual = opened(a_store, account)
    with a_store.writing() as connection:
        of_before = text("UPDATE staff_sessions SET restricted = NULL WHERE NOT restricted")
        connection.execute(of_before)
    found = [find_session(a_store, each.token, now=NOW) for each in (limited, usual)]
    assert [each and each.restricted for each in found] == [True, False]


def test_the_sessions_of_an_account_are_listed_without_those_that_ended(
    a_store: Store, account: Account
) -> None:
    with a_store.writing() as connection:
        other = add_account(connection, "other", Role.STAFF, "no such words", now=NOW, actor="test")
    ended, own = opened(a_store, account, NOW - MAX_IDLE), opened(a_store, account)
    opened(a_store, other)
    with a_store.reading() as connection:
        listed = open_sessions(connection, own, now=NOW)
    assert [(each.opened_at, each.own) for each in listed] == [(NOW, True)]
    with a_store.writing() as connection:
        close_every_session(connection, own)
        assert not open_sessions(connection, own, now=NOW)
    assert find_session(a_store, ended.token, now=NOW) is None
