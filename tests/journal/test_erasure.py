"""An erased client is gone from every table and every file, and the audit chain still holds."""

from pathlib import Path
from typing import Any

import pytest
from cryptography.exceptions import InvalidTag
from sqlalchemy import select

from recommender.errors import NotFoundError
from recommender.journal.audit_log import details_of, verify
from recommender.journal.extract import record_training
from recommender.journal.idempotency import IdempotencyStore, StoredReply, ticket_for
from recommender.journal.privacy_requests import (
    erase_subject,
    erased_before,
    models_that_learned_from,
)
from recommender.journal.recommendations import (
    Decision,
    find_recommendation,
    record_decision,
)
from recommender.journal.recording import prepare_recommendation, record_recommendation
from recommender.journal.subjects import Subject, subject_for
from recommender.store.database import Store, open_store
from recommender.store.schema import audit, erasures, metadata, subjects
from tests.support.journal_rows import ACTOR, CANARY, a_recommendation, count, pair, rate, recommend

KEEPS = {"audit", "audit_head", "erasures"}


def a_whole_story(store: Store, client_id: str = "c0001", name: str = "r1", of: str = "p1") -> None:
    """A client with a row in every table that can have one."""

    def shown(connection: Any) -> StoredReply:
        made = a_recommendation(name, client_id, answers={"free": CANARY})
        return StoredReply(
            200,
            made.response,
            record_recommendation(connection, prepare_recommendation(made), actor=ACTOR),
        )

    IdempotencyStore(store).once(ticket_for("tool", "POST /x", name, {}), shown)
    pair(store, of, client_id, recommendation_id=name)
    rate(store, of)
    with store.writing() as connection:
        record_decision(connection, Decision(name, "k01"), actor=ACTOR)
        record_training(connection, "model-a", [of], actor=ACTOR)


@pytest.mark.both_databases("triggers")
def test_nothing_of_an_erased_client_is_left_in_any_table(a_store: Store) -> None:
    a_whole_story(a_store)
    erased = erase_subject(a_store, "c0001", actor=ACTOR)
    assert erased.model_digests == ("model-a",)
    assert min(erased.rows[name] for name in ("payloads", "pairings", "ratings", "subjects")) == 1
    left = {table.name for table in metadata.sorted_tables if count(a_store, table)}
    assert left == KEEPS
    with a_store.reading() as connection:
        with pytest.raises(NotFoundError):
            find_recommendation(connection, "r1")
        for table in metadata.sorted_tables:
            assert "c0001" not in str(connection.execute(select(table)).all())


def test_other_clients_keep_what_is_theirs(a_store: Store) -> None:
    a_whole_story(a_store)
    a_whole_story(a_store, "c0002", "r2", "p2")
    before = {table.name: count(a_store, table) for table in metadata.sorted_tables}
    erased = erase_subject(a_store, "c0001", actor=ACTOR)
    for table in metadata.sorted_tables:
        if table.name not in KEEPS:
            left = before[table.name] - erased.rows.get(table.name, 0)
            assert count(a_store, table) == left, table.name
    with a_store.reading() as connection:
        assert find_recommendation(connection, "r2").shown.client_id == "c0002"
        assert models_that_learned_from(connection, ["p2"]) == ("model-a",)


@pytest.mark.both_databases("triggers")
def test_the_chain_holds_and_what_it_said_of_them_is_noise(a_store: Store) -> None:
    a_whole_story(a_store)
    with a_store.reading() as connection:
        rows = connection.execute(select(audit).where(audit.c.details_sealed.is_not(None))).all()
        key = bytes(connection.execute(select(subjects.c.key)).scalar_one())
    assert len(rows) > 3
    erase_subject(a_store, "c0001", actor=ACTOR)
    with a_store.writing() as connection:
        assert verify(connection).holds
        said = " ".join(connection.execute(select(audit.c.facts)).scalars())
        assert not any(f'"{name}"' in said for name in ("c0001", "r1", "p1", "k01"))
        newcomer = subject_for(connection, "c0001")
    assert newcomer.key != key
    for row in rows:
        with pytest.raises(InvalidTag):
            details_of(row, Subject(row.subject_id, newcomer.key))


def test_neither_text_nor_key_nor_pseudonym_is_left_in_the_file(tmp_path: Path) -> None:
    store = open_store(f"sqlite:///{tmp_path / 'journal.db'}")
    a_whole_story(store)
    with store.reading() as connection:
        key = bytes(connection.execute(select(subjects.c.key)).scalar_one())
    assert any(key in file.read_bytes() for file in tmp_path.iterdir())
    assert not any(CANARY.encode() in file.read_bytes() for file in tmp_path.iterdir())
    erase_subject(store, "c0001", actor=ACTOR)
    for file in tmp_path.iterdir():
        for secret in (key, b"c0001", CANARY.encode()):
            assert secret not in file.read_bytes(), file.name
    store.close()


def test_a_client_without_a_pseudonym_is_erased_by_way_of_their_pairing(a_store: Store) -> None:
    recommend(a_store, "r1", None)
    pair(a_store, recommendation_id="r1")
    erase_subject(a_store, "c0001", actor=ACTOR)
    assert count(a_store, subjects) == 0


def test_an_erased_pseudonym_is_recognised_and_not_kept(a_store: Store) -> None:
    recommend(a_store)
    erase_subject(a_store, "c0001", actor=ACTOR)
    with a_store.reading() as connection:
        was_erased = erased_before(connection)
        kept = connection.execute(select(erasures)).one()
    assert was_erased("c0001")
    assert not was_erased("c0002")
    assert "c0001" not in str(kept)


def test_whoever_is_not_known_cannot_be_erased(a_store: Store) -> None:
    with pytest.raises(NotFoundError):
        erase_subject(a_store, "c0001", actor=ACTOR)
    assert count(a_store, audit) == 0
