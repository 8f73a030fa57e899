"""A statement of the driver takes and gives what SQLAlchemy does, and raises its errors."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from sqlalchemy import bindparam, exc, insert, select, update

from recommender.store.database import Store
from recommender.store.driver_statement import DriverStatement
from recommender.store.schema import audit_head, subjects

pytestmark = pytest.mark.both_databases("the drivers differ")

AT = datetime(2026, 11, 23, 9, 30, 0, 123456, tzinfo=UTC)
INSERT = DriverStatement(insert(subjects))
SELECT = DriverStatement(select(subjects).where(subjects.c.subject_id == bindparam("wanted")))
HEAD = {"seq": 1, "row_hash": "f" * 64}
UPDATE = DriverStatement(update(audit_head).values({name: bindparam(name) for name in HEAD}))


def row(name: str, at: datetime = AT) -> dict[str, object]:
    return {"subject_id": name, "client_id": None, "key": b"\x00\xff'", "created_at": at}


def test_a_row_is_read_as_it_was_written_by_either(a_store: Store) -> None:
    sydney = AT.astimezone(timezone(timedelta(hours=11)))
    with a_store.writing() as connection:
        assert INSERT.execute(connection, row("one", sydney), row("two")) == 2
        connection.execute(insert(subjects), row("three", sydney))
    with a_store.reading() as connection:
        found = [SELECT.first(connection, wanted=name) for name in ("one", "two", "three")]
        (own, *_) = connection.execute(select(subjects)).mappings()
        assert SELECT.first(connection, wanted="four") is None
    assert found == [row(name) for name in ("one", "two", "three")]
    assert dict(own) == row("one")


def test_changed_rows_are_counted(a_store: Store) -> None:
    with a_store.writing() as connection:
        assert UPDATE.execute(connection, HEAD) == 0
        connection.execute(insert(audit_head), {"one": 1, **HEAD})
        assert UPDATE.execute(connection, HEAD) == 1


def test_an_error_is_sqlalchemys_without_values_and_nothing_is_stored(a_store: Store) -> None:
    def twice() -> None:
        with a_store.writing() as connection:
            INSERT.execute(connection, row("one"))
            INSERT.execute(connection, row("one"))

    with pytest.raises(exc.IntegrityError) as refused:
        twice()
    assert (refused.value.statement, refused.value.params) == (None, None)
    with a_store.single_read() as connection:
        assert SELECT.first(connection, wanted="one") is None


def test_a_single_read_sees_what_was_committed_before_it(a_store: Store) -> None:
    for name in ("one", "two"):
        with a_store.single_read() as connection:
            assert SELECT.first(connection, wanted=name) is None
        with a_store.writing() as connection:
            INSERT.execute(connection, row(name))
        with a_store.single_read() as connection:
            assert SELECT.first(connection, wanted=name) == row(name)


def test_a_single_read_holds_no_state_back(a_store: Store) -> None:
    with a_store.single_read() as connection:
        assert SELECT.first(connection, wanted="one") is None
        with a_store.writing() as other:
            INSERT.execute(other, row("one"))
    a_store.scrub(["subjects"])
    a_store.close()
    with a_store.single_read() as connection:
        assert SELECT.first(connection, wanted="one") == row("one")
