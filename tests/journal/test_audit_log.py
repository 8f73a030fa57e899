"""Whoever changes, moves or takes a row of the audit chain is found, and the row is named."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from threading import Barrier

import pytest
from sqlalchemy import Connection, select, text

from recommender.journal.audit_log import (
    PRUNED,
    AuditEntry,
    ChainVerification,
    anchor,
    append,
    details_of,
    head,
    prune,
    read_anchors,
    verify,
)
from recommender.journal.subjects import subject_for
from recommender.store.database import Store, database_time
from recommender.store.schema import audit
from tests.support.journal_rows import ACTOR, CANARY


def fill(store: Store, rows: int = 6) -> None:
    for number in range(rows):
        with store.writing() as connection:
            append(connection, AuditEntry(ACTOR, "thing.done", {"number": number}))


def checked(store: Store, anchors: Path | None = None) -> ChainVerification:
    with store.reading() as connection:
        return verify(connection, anchors)


def without_guards(store: Store, *statements: str) -> None:
    """What an owner of the database can do who knows of the triggers."""
    with store.writing() as connection:
        for guard in _guards_off(connection):
            connection.execute(text(guard))
        for statement in statements:
            connection.execute(text(statement))


def _guards_off(connection: Connection) -> Iterator[str]:
    if connection.dialect.name == "postgresql":
        yield "ALTER TABLE audit DISABLE TRIGGER USER"
        return
    for guard in ("audit_never_changed", "audit_never_deleted"):
        yield f"DROP TRIGGER IF EXISTS {guard}"


@pytest.mark.both_databases("triggers")
@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE audit SET actor = 'other' WHERE seq = 2",
        "DELETE FROM audit WHERE seq = 2",
        "DELETE FROM audit",
    ],
)
def test_the_database_itself_refuses_to_change_or_delete(a_store: Store, statement: str) -> None:
    fill(a_store)
    with (
        pytest.raises(Exception, match=r"never (changed|deleted)"),
        a_store.writing() as connection,
    ):
        connection.execute(text(statement))
    assert checked(a_store).rows == 6


@pytest.mark.both_databases("triggers")
def test_postgresql_refuses_to_truncate(a_store: Store) -> None:
    if a_store.engine.dialect.name == "sqlite":
        pytest.skip("SQLite has no TRUNCATE")
    fill(a_store)
    with pytest.raises(Exception, match="never changed"), a_store.writing() as connection:
        connection.execute(text("TRUNCATE audit"))


@pytest.mark.both_databases("types")
def test_an_untouched_chain_holds(a_store: Store) -> None:
    assert checked(a_store).holds
    fill(a_store)
    verdict = checked(a_store)
    assert verdict.holds
    assert (verdict.rows, verdict.head.seq) == (6, 6)


SWAP = (
    "UPDATE audit SET seq = -1 WHERE seq = 3",
    "UPDATE audit SET seq = 3 WHERE seq = 4",
    "UPDATE audit SET seq = 4 WHERE seq = -1",
)


@pytest.mark.parametrize(
    ("statements", "first_bad", "problem"),
    [
        (("UPDATE audit SET actor = 'other' WHERE seq = 3",), 3, "was changed"),
        (("UPDATE audit SET facts = '{}' WHERE seq = 1",), 1, "was changed"),
        (
            ("UPDATE audit SET at = (SELECT at FROM audit WHERE seq = 6) WHERE seq = 2",),
            2,
            "change",
        ),
        (("UPDATE audit SET row_hash = prev_hash WHERE seq = 4",), 4, "was changed"),
        (("DELETE FROM audit WHERE seq = 4",), 4, "is missing"),
        (("DELETE FROM audit WHERE seq = 1",), 1, "is missing"),
        (("DELETE FROM audit WHERE seq > 4",), 5, "is missing, and every later row"),
        (("DELETE FROM audit",), 1, "is missing, and every later row"),
        (SWAP, 3, "does not follow"),
    ],
)
def test_tampering_is_found_and_the_first_bad_row_named(
    a_store: Store, statements: tuple[str, ...], first_bad: int, problem: str
) -> None:
    fill(a_store)
    without_guards(a_store, *statements)
    verdict = checked(a_store)
    assert verdict.first_bad == first_bad
    assert problem in str(verdict.problem)


def test_a_row_slipped_in_at_the_end_is_found(a_store: Store) -> None:
    fill(a_store, 3)
    with a_store.writing() as connection:
        before = head(connection)
        append(connection, AuditEntry("intruder", "thing.done"))
        connection.execute(
            text("UPDATE audit_head SET seq = :seq, row_hash = :row_hash"),
            {"seq": before.seq, "row_hash": before.row_hash},
        )
    assert checked(a_store).first_bad == 4


def test_a_chain_cut_with_its_head_moved_back_is_found_by_an_anchor_outside(
    a_store: Store, tmp_path: Path
) -> None:
    anchors = tmp_path / "anchors"
    fill(a_store)
    assert anchor(a_store, anchors).seq == 6
    cut = "DELETE FROM audit WHERE seq > 4"
    back = "UPDATE audit_head SET seq = 4, row_hash = (SELECT row_hash FROM audit WHERE seq = 4)"
    without_guards(a_store, cut, back)
    assert checked(a_store).holds
    assert checked(a_store, anchors).first_bad == 5
    fill(a_store, 2)
    assert checked(a_store).holds
    assert checked(a_store, anchors).problem == (
        "is not the row that was anchored outside the database"
    )


def test_an_anchor_cut_short_by_a_crash_is_passed_by(a_store: Store, tmp_path: Path) -> None:
    anchors = tmp_path / "anchors"
    assert read_anchors(anchors) == {}
    fill(a_store, 1)
    anchor(a_store, anchors)
    anchors.write_text(anchors.read_text() + '{"row_hash": "00', encoding="utf-8")
    assert list(read_anchors(anchors)) == [1]
    assert checked(a_store, anchors).holds


def test_details_are_read_with_the_subjects_key_and_not_without(a_store: Store) -> None:
    with a_store.writing() as connection:
        subject = subject_for(connection, "c1")
        append(connection, AuditEntry(ACTOR, "thing.done", {}, subject, {"said": CANARY}))
    with a_store.reading() as connection:
        row = connection.execute(select(audit)).one()
    assert details_of(row, subject) == {"said": CANARY}
    assert CANARY not in str(row)


@pytest.mark.both_databases("locks")
def test_ten_writers_at_once_do_not_fork_the_chain(a_store: Store) -> None:
    barrier = Barrier(10)

    def write(number: int) -> None:
        barrier.wait()
        fill(a_store, 5)

    with ThreadPoolExecutor(10) as pool:
        list(pool.map(write, range(10)))
    verdict = checked(a_store)
    assert verdict.holds
    assert verdict.rows == 50


@pytest.mark.both_databases("sequences")
def test_a_transaction_that_fails_leaves_no_gap(a_store: Store) -> None:
    def fail() -> None:
        with a_store.writing() as connection:
            append(connection, AuditEntry(ACTOR, "thing.lost"))
            raise ZeroDivisionError

    fill(a_store, 2)
    with pytest.raises(ZeroDivisionError):
        fail()
    fill(a_store, 2)
    assert checked(a_store).rows == 4


@pytest.mark.both_databases("triggers")
def test_a_pruned_chain_says_so_and_holds(a_store: Store, tmp_path: Path) -> None:
    anchors = tmp_path / "anchors"
    fill(a_store, 4)
    anchor(a_store, anchors)
    with a_store.writing() as connection:
        later = database_time(connection) + timedelta(seconds=1)
        assert prune(connection, later, ACTOR) == 4
        assert prune(connection, later - timedelta(days=1), ACTOR) == 0
    verdict = checked(a_store, anchors)
    assert verdict.holds
    assert (verdict.rows, verdict.head.seq) == (1, 5)
    with a_store.reading() as connection:
        assert connection.execute(select(audit.c.action)).scalar_one() == PRUNED
    fill(a_store, 2)
    assert checked(a_store, anchors).holds


def test_a_pruning_that_the_chain_does_not_tell_of_is_found(a_store: Store) -> None:
    fill(a_store)
    pretended = (
        "INSERT INTO audit_pruned (up_to, row_hash, at) "
        "SELECT seq, row_hash, at FROM audit WHERE seq = 3"
    )
    with a_store.writing() as connection:
        connection.execute(text(pretended))
        connection.execute(text("DELETE FROM audit WHERE seq <= 3"))
    assert checked(a_store).problem == "was pruned without a record of it"
