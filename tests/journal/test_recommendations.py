"""What was shown is kept as it was shown."""

import json

import pytest
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select

from recommender.errors import FeedbackError, NotFoundError
from recommender.journal.consents import Consent
from recommender.journal.recommendations import find_recommendation
from recommender.journal.subjects import Subject
from recommender.store.database import Store
from recommender.store.schema import payloads, subjects
from tests.support.journal_rows import ACTOR, ANSWERS, CANARY, a_recommendation, count, recommend


@pytest.mark.both_databases("types")
def test_asking_again_gives_the_same_bytes(a_store: Store) -> None:
    response = b'{"score": 4.250,\n  "name": "Zo\xc3\xab"}  '
    recommend(a_store, response=response)
    with a_store.reading() as connection:
        assert find_recommendation(connection, "r1").shown.response == response


@pytest.mark.both_databases("types")
def test_everything_that_was_used_and_shown_is_read_back(a_store: Store) -> None:
    recommend(a_store)
    with a_store.reading() as connection:
        recorded = find_recommendation(connection, "r1")
    assert recorded.shown == a_recommendation()
    assert recorded.shown.answers == ANSWERS
    assert [
        (each.clinician_id, each.score, each.propensity) for each in recorded.shown.shortlist
    ] == [
        ("k01", 4.25, None),
        ("k02", 3.5, 0.5),
    ]
    assert recorded.actor == ACTOR


def test_one_client_is_one_subject_and_a_client_without_a_pseudonym_is_one_of_their_own(
    a_store: Store,
) -> None:
    first, again = recommend(a_store, "r1"), recommend(a_store, "r2")
    unnamed = [recommend(a_store, name, None) for name in ("r3", "r4")]
    assert first == again
    assert len({first.subject_id, *(each.subject_id for each in unnamed)}) == 3
    assert count(a_store, subjects) == 3


def test_what_was_never_shown_is_not_found(a_store: Store) -> None:
    with a_store.reading() as connection, pytest.raises(NotFoundError, match="is not recorded"):
        find_recommendation(connection, "r9")


def test_ids_that_are_no_pseudonyms_and_unknown_scopes_are_refused_without_being_repeated(
    a_store: Store,
) -> None:
    with pytest.raises(FeedbackError) as refused:
        recommend(a_store, client_id="Jane Canary", consent=Consent("1", {"canary": True}))
    assert [fault.where for fault in refused.value.faults] == ["client_id", "scope"]
    assert "anary" not in str(refused.value)
    assert count(a_store, subjects) == 0


def test_content_is_sealed_in_the_rows_and_for_its_own_place(a_store: Store) -> None:
    subject = recommend(a_store)
    with a_store.reading() as connection:
        row = connection.execute(select(payloads)).one()
    sealed = bytes(row.response_sealed)
    assert CANARY.encode() not in sealed
    assert CANARY.encode() in subject.decrypt("response/r1", sealed)
    with pytest.raises(InvalidTag):
        subject.decrypt("response/r2", sealed)
    assert subject.key.hex() not in repr(subject)


def test_a_long_response_takes_a_tenth_of_its_place_and_comes_back_byte_for_byte(
    a_store: Store,
) -> None:
    response = json.dumps({"excluded": [{"constraint": "hours", "said": CANARY}] * 400}).encode()
    recommend(a_store, response=response)
    with a_store.reading() as connection:
        row = connection.execute(select(payloads)).one()
        assert find_recommendation(connection, "r1").shown.response == response
    assert len(row.response_sealed) < len(response) / 10


@given(st.binary(max_size=3_000) | st.binary(max_size=50).map(lambda some: b"x" + some))
def test_any_content_is_unsealed_as_it_was_sealed(content: bytes) -> None:
    subject = Subject("s1", bytes(32))
    assert subject.decrypt("response/r1", subject.encrypt("response/r1", content)) == content


def test_content_that_was_sealed_before_it_was_packed_is_still_read() -> None:
    subject, nonce = Subject("s1", bytes(32)), bytes(12)
    sealed = nonce + AESGCM(subject.key).encrypt(nonce, b"{}" + b" " * 5_000, b"s1/response/r1")
    assert subject.decrypt("response/r1", sealed) == b"{}" + b" " * 5_000


def test_modes_and_what_explains_it_are_kept_sealed(a_store: Store) -> None:
    recommend(a_store, modes={"fee": "off"}, explained=CANARY.encode())
    with a_store.reading() as connection:
        shown = find_recommendation(connection, "r1").shown
        (row,) = connection.execute(select(payloads)).all()
    assert (shown.modes, shown.explained) == ({"fee": "off"}, CANARY.encode())
    assert CANARY.encode() not in bytes(row.explained_sealed)
