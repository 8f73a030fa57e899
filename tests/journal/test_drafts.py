"""Drafts are encrypted, of one account, and deleted with their key when their time comes."""

import json
from typing import Any

import pytest
from sqlalchemy import select, text

from recommender.errors import NotFoundError, StaleError
from recommender.journal.drafts import (
    DraftKey,
    FormOpened,
    discard_draft,
    drop_drafts_of,
    drop_sent_draft,
    find_draft,
    save_draft,
)
from recommender.journal.privacy_requests import erase_subject, export_subject
from recommender.journal.retention import Ages, sweep
from recommender.store.database import Store
from recommender.store.schema import audit, drafts, subjects
from tests.support.journal_rows import ACTOR, CANARY, count, recommend

DESK = DraftKey("desk")
FORM = FormOpened("form-1")
FIELDS = {"client_id": ["c0042"], "answer.concern": [CANARY]}


def save(
    store: Store,
    key: DraftKey = DESK,
    form: FormOpened = FORM,
    fields: dict[str, list[str]] | None = None,
) -> None:
    with store.writing() as connection:
        save_draft(connection, key, fields or FIELDS, form)


def found(store: Store, key: DraftKey = DESK, hours: int = 24) -> Any:
    with store.reading() as connection:
        draft = find_draft(connection, key, hours=hours)
        return None if draft is None else draft.fields


def older(store: Store, hours: int) -> None:
    sqlite = store.engine.dialect.name == "sqlite"
    back = (
        f"datetime(saved_at, '-{hours} hours')"
        if sqlite
        else f"saved_at - interval '{hours} hours'"
    )
    with store.writing() as connection:
        connection.execute(text(f"UPDATE drafts SET saved_at = {back}"))


@pytest.mark.both_databases("types, updates")
def test_a_draft_is_found_by_its_account_and_request_alone(a_store: Store) -> None:
    save(a_store)
    save(a_store, DraftKey("desk", "r1"), fields={"client_id": ["c0001"]})
    assert found(a_store) == FIELDS
    assert found(a_store, DraftKey("desk", "r1")) == {"client_id": ["c0001"]}
    assert found(a_store, DraftKey("other")) is None


def test_a_draft_is_not_readable_without_its_key(a_store: Store) -> None:
    save(a_store)
    with a_store.reading() as connection:
        content = bytes(connection.execute(select(drafts.c.content_sealed)).scalar_one())
        assert CANARY.encode() not in content
        assert b"c0042" not in content
        assert CANARY not in str(connection.execute(select(audit)).all())


def test_only_the_form_that_saved_or_one_that_began_with_it_saves_again(a_store: Store) -> None:
    save(a_store)
    save(a_store, fields={"client_id": ["c0043"]})
    with pytest.raises(StaleError):
        save(a_store, form=FormOpened("form-2"))
    with a_store.reading() as connection:
        draft = find_draft(connection, DESK)
    assert draft is not None
    save(a_store, form=FormOpened("form-2", draft.version), fields={"client_id": ["c0044"]})
    with pytest.raises(StaleError):
        save(a_store)
    assert found(a_store) == {"client_id": ["c0044"]}


def test_what_another_form_saved_stays_when_a_form_is_sent(a_store: Store) -> None:
    save(a_store)
    with a_store.writing() as connection:
        drop_sent_draft(connection, DESK, FormOpened("form-2"))
    assert found(a_store) == FIELDS
    with a_store.writing() as connection:
        drop_sent_draft(connection, DESK, FORM)
    assert found(a_store) is None
    assert count(a_store, subjects) == 0


def test_discarding_and_removing_an_account_delete_the_key(a_store: Store) -> None:
    save(a_store)
    with a_store.writing() as connection:
        discard_draft(connection, DESK)
    save(a_store)
    with a_store.writing() as connection:
        assert drop_drafts_of(connection, "desk") == 1
    assert count(a_store, drafts) == count(a_store, subjects) == 0
    with a_store.reading() as connection:
        actions = connection.execute(select(audit.c.action).order_by(audit.c.seq)).scalars().all()
    assert actions == ["draft.begun", "draft.discarded", "draft.begun"]


@pytest.mark.both_databases("times")
def test_a_draft_past_its_age_is_not_shown_and_deleted_by_the_sweep(a_store: Store) -> None:
    save(a_store)
    older(a_store, 23)
    assert found(a_store) == FIELDS
    older(a_store, 2)
    assert found(a_store) is None
    with a_store.writing() as connection:
        assert sweep(connection, Ages(draft_hours=48), actor=ACTOR)["drafts"] == 0
        assert sweep(connection, Ages(), actor=ACTOR)["drafts"] == 1
    assert count(a_store, subjects) == 0


def test_saving_deletes_every_draft_past_its_age(a_store: Store) -> None:
    save(a_store)
    older(a_store, 25)
    save(a_store, DraftKey("other"))
    assert count(a_store, drafts) == count(a_store, subjects) == 1


def test_access_and_erasure_reach_drafts_that_name_a_client_or_change_their_request(
    a_store: Store,
) -> None:
    recommend(a_store, "r1", "c0042")
    save(a_store)
    save(a_store, DraftKey("desk", "r1"), fields={"answer.concern": [CANARY]})
    save(a_store, DraftKey("other"), fields={"client_id": ["c0001"]})
    with a_store.writing() as connection:
        exported = json.loads(export_subject(connection, "c0042", actor=ACTOR))
    assert [each["fields"] for each in exported["drafts"]] == [
        FIELDS,
        {"answer.concern": [CANARY]},
    ]
    assert erase_subject(a_store, "c0042", actor=ACTOR).rows["drafts"] == 2
    assert found(a_store) is None
    assert found(a_store, DraftKey("other")) == {"client_id": ["c0001"]}


def test_a_client_named_in_drafts_alone_is_exported_and_erased(a_store: Store) -> None:
    save(a_store)
    save(a_store, DraftKey("other"))
    with a_store.writing() as connection:
        assert len(json.loads(export_subject(connection, "c0042", actor=ACTOR))["drafts"]) == 2
    assert erase_subject(a_store, "c0042", actor=ACTOR).rows["drafts"] == 2
    with a_store.writing() as connection, pytest.raises(NotFoundError):
        export_subject(connection, "c0042", actor=ACTOR)


def test_erasure_reaches_versions_of_a_request_from_before_the_client_had_a_code(
    a_store: Store,
) -> None:
    recommend(a_store, "r1", None)
    recommend(a_store, "r2", "c0042", replaces="r1")
    recommend(a_store, "r3", "c0001")
    assert erase_subject(a_store, "c0042", actor=ACTOR).rows["recommendations"] == 2
