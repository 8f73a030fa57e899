"""The database keeps what was acknowledged, shows one view to a reader and says when it is away."""

import stat
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from threading import Barrier

import pytest
from sqlalchemy import Connection, event, func, insert, select, text

from experiments.trust.postgres import Cluster
from recommender.errors import StoreError, UnavailableError
from recommender.store.database import (
    Store,
    advisory_lock,
    connect,
    database_time,
    open_store,
    try_advisory_lock,
)
from recommender.store.schema import audit_pruned, extracts

pytestmark = pytest.mark.both_databases("the database itself is tested")

AT = datetime(2026, 11, 23, 9, 30, 0, 123456, tzinfo=UTC)


def add(connection: Connection, name: str, at: datetime = AT) -> None:
    connection.execute(insert(extracts).values(extract_id=name, actor="a", recorded_at=at))


def size(store: Store) -> int:
    with store.reading() as connection:
        return int(connection.execute(select(func.count()).select_from(extracts)).scalar_one())


def test_a_block_that_raises_writes_nothing(a_store: Store) -> None:
    def fail() -> None:
        with a_store.writing() as connection:
            add(connection, "lost")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert size(a_store) == 0


def test_a_reader_sees_one_state_however_long_it_reads(a_store: Store) -> None:
    count = select(func.count()).select_from(extracts)
    with a_store.reading() as reader:
        assert reader.execute(count).scalar_one() == 0
        with a_store.writing() as writer:
            add(writer, "later")
        assert reader.execute(count).scalar_one() == 0
    assert size(a_store) == 1


def test_moments_keep_their_microseconds_and_come_back_in_utc(a_store: Store) -> None:
    sydney = AT.astimezone(timezone(timedelta(hours=11)))
    with a_store.writing() as connection:
        add(connection, "x", sydney)
    with a_store.reading() as connection:
        read = connection.execute(select(extracts.c.recorded_at)).scalar_one()
    assert read == AT
    assert read.tzinfo is UTC


def test_a_moment_without_a_zone_is_refused(a_store: Store) -> None:
    with pytest.raises(Exception, match="without a zone"), a_store.writing() as connection:
        add(connection, "x", AT.replace(tzinfo=None))


def test_the_clock_is_the_databases_and_in_utc(a_store: Store) -> None:
    with a_store.reading() as connection:
        first, second = database_time(connection), database_time(connection)
    assert first.tzinfo is UTC
    assert first <= second
    assert abs(datetime.now(UTC) - first) < timedelta(minutes=1)


def test_concurrent_writers_are_all_kept(a_store: Store) -> None:
    barrier = Barrier(8)

    def write(name: int) -> None:
        barrier.wait()
        for place in range(5):
            with a_store.writing() as connection:
                add(connection, f"{name}-{place}")

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(write, range(8)))
    assert size(a_store) == 40


def test_a_match_rated_name_is_free_again_when_the_transaction_ends(a_store: Store) -> None:
    with a_store.writing() as connection:
        advisory_lock(connection, "one")
    with a_store.writing() as connection:
        assert try_advisory_lock(connection, "one")


def test_a_name_held_elsewhere_is_not_had(cluster: Cluster, tmp_path: Path) -> None:
    store = open_store(cluster.create("held"))
    with store.writing() as one, store.writing() as other:
        advisory_lock(one, "name")
        assert not try_advisory_lock(other, "name")
        assert try_advisory_lock(other, "another name")
    store.close()
    cluster.drop("held")


def test_rows_are_never_changed(a_store: Store) -> None:
    with a_store.writing() as connection:
        add(connection, "x")
        connection.execute(insert(audit_pruned).values(up_to=0, row_hash="", at=AT))
    for table in ("extracts", "audit_pruned"):
        column = "actor" if table == "extracts" else "row_hash"
        with pytest.raises(Exception, match="never changed"), a_store.writing() as connection:
            connection.execute(text(f"UPDATE {table} SET {column} = 'other'"))


def test_a_sqlite_file_lasts_through_a_power_cut_and_belongs_to_its_owner(tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    store = open_store(f"sqlite:///{path}")
    with store.reading() as connection:
        said = {
            name: connection.execute(text(f"PRAGMA {name}")).scalar_one()
            for name in ("journal_mode", "synchronous", "foreign_keys", "secure_delete")
        }
    assert said == {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1, "secure_delete": 1}
    for file in tmp_path.iterdir():
        assert stat.S_IMODE(file.stat().st_mode) == 0o600, file.name
    store.close()


def test_a_sqlite_writer_takes_its_place_before_it_reads(tmp_path: Path) -> None:
    store, begun = open_store(f"sqlite:///{tmp_path / 'journal.db'}"), []
    event.listen(store.engine, "before_cursor_execute", lambda *said: begun.append(str(said[2])))
    with store.writing() as connection:
        connection.execute(select(extracts))
    assert begun[0] == "BEGIN IMMEDIATE"
    store.close()


def test_a_database_that_is_away_is_told_without_its_address(tmp_path: Path) -> None:
    store = connect("postgresql+psycopg://someone:hunter2@127.0.0.1:1/nothing")
    for block in (store.reading, store.writing):
        with pytest.raises(UnavailableError) as away, block():
            pass
        assert "hunter2" not in str(away.value)
        assert away.value.__cause__ is None
    store.close()


def test_a_database_that_cannot_hold_every_character_is_refused(cluster: Cluster) -> None:
    url = cluster.create("narrow", encoding="SQL_ASCII")
    with pytest.raises(StoreError, match="ENCODING 'UTF8'"):
        open_store(url)
    cluster.drop("narrow")


def test_a_store_finds_a_restarted_connection_by_itself(cluster: Cluster) -> None:
    store = open_store(cluster.create("restarted"))
    cut = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = 'restarted'"
    with store.reading():
        pass
    other = connect(cluster.url("postgres"))
    with other.writing() as connection:
        connection.execute(text(cut))
    assert size(store) == 0
    for each in (store, other):
        each.close()
    cluster.drop("restarted")
