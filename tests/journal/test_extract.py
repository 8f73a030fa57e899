"""Training tables out of the journal: what may be learned from, under other names, as it was."""

import csv
import json
import stat
from collections.abc import Mapping
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from recommender.errors import RecommenderError
from recommender.journal import training_material
from recommender.journal.consents import Consent, record_consent
from recommender.journal.extract import (
    Extract,
    pairings_of_extract,
    read_extract_id,
    record_training,
    write_extract,
)
from recommender.journal.pairings import PairingEvent, record_event
from recommender.journal.privacy_requests import erase_subject, models_that_learned_from
from recommender.journal.ratings import correct_rating, withdraw_rating
from recommender.journal.recommendations import ShortlistRow
from recommender.practice.definition import read_practice
from recommender.store.database import Store
from recommender.store.schema import subjects
from recommender.tables.loader import Tables, read_tables
from recommender.training.dataset import dataset_of
from tests.support.builders import a_practice
from tests.support.journal_rows import (
    ACTOR,
    AGREES,
    ANSWERS,
    SAID_AT,
    TODAY,
    a_rating,
    count,
    pair,
    put_roster,
    rate,
    recommend,
)

KEY = bytes(range(32))
BEGAN = date(2026, 10, 5)
SIBLING = """
[client.sibling]
kind = "ids"
refers_to = "clients"
phrase = "brothers and sisters at the practice"
purpose = "so that they see somebody else"
missing = "nobody"
use = "filter"
"""


def extracted(store: Store, directory: Path, key: bytes = KEY) -> Extract:
    return write_extract(store, a_practice(), directory, key=key, actor=ACTOR)


def read(directory: Path) -> Tables:
    return read_tables(directory, a_practice(), today=TODAY)


def rows(directory: Path, table: str) -> list[dict[str, str]]:
    with (directory / f"{table}.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def a_story(
    store: Store, number: int = 1, *, consent: Consent | None = AGREES, **more: Any
) -> None:
    """Client, recommendation, pairing and rating of one number."""
    client_id = f"c{number:04d}"
    recommend(store, f"r{number}", client_id, consent=consent, **more)
    pair(store, f"p{number}", client_id, recommendation_id=f"r{number}")
    rate(store, f"p{number}")


def says(store: Store, client_id: str, days: int, **scopes: bool) -> None:
    with store.writing() as connection:
        consent, at = Consent("2026-1", scopes), SAID_AT + timedelta(days=days)
        record_consent(connection, client_id, consent, stated_at=at, actor=ACTOR)


def test_an_extract_is_read_and_scored_as_a_practices_own_tables(
    a_store: Store, tmp_path: Path
) -> None:
    put_roster(a_store)
    a_story(a_store)
    items = tuple([4.0] * 6 + [5.0] * 6)
    kept = rate(a_store, session=4, metric="items", score=None, items=items)
    extract = extracted(a_store, tmp_path / "out")
    tables = read(tmp_path / "out")
    assert extract.rows == {"clients": 1, "clinicians": 2, "pairings": 1, "ratings": 2}
    assert extract.left_out == {}
    assert tables.clinician_ids == ("k01", "k02")
    dataset = dataset_of(tables, a_practice())
    # (48 - 12) / 48 as a sum, (4.5 - 1) / 4 as items: the same that was answered at the door.
    assert dataset.early.rows["pomp"].tolist() == pytest.approx([36 / 48, 3.5 / 4])
    assert kept.pomp == pytest.approx(3.5 / 4)


def test_the_chance_of_a_lot_leaves_with_the_pairing_it_led_to(
    a_store: Store, tmp_path: Path
) -> None:
    put_roster(a_store)
    a_story(a_store)
    extracted(a_store, tmp_path / "without")
    assert "propensity" not in rows(tmp_path / "without", "pairings")[0]
    recommend(a_store, "r2", "c0002", shortlist=(ShortlistRow("k01", 4.25, 0.5),))
    pair(a_store, "p2", "c0002", recommendation_id="r2")
    extracted(a_store, tmp_path / "with")
    assert sorted(row["propensity"] for row in rows(tmp_path / "with", "pairings")) == ["", "0.5"]
    chances = read(tmp_path / "with").pairings["propensity"].tolist()
    assert sorted(chance for chance in chances if chance == chance) == [0.5]


@pytest.mark.both_databases("types")
def test_answers_arrive_as_they_were_given(a_store: Store, tmp_path: Path) -> None:
    put_roster(a_store)
    answers = {**ANSWERS, "wanted": ["cbt", "act"], "max_fee": "220.50", "not_with": []}
    answers |= {"home": ["-33.87,151.21"], "free": ["mon 09:00-12:30", "tue 17:00-20:00"]}
    a_story(a_store, answers=answers)
    extracted(a_store, tmp_path)
    (client,) = rows(tmp_path, "clients")
    assert client["wanted"] == "cbt;act"
    assert client["not_with"] == "none"
    assert client["free"] == "mon 09:00-12:30;tue 17:00-20:00"
    assert client["gender"] == ""
    columns = read(tmp_path).clients
    assert columns["max_fee"].tolist() == [22050]
    assert columns["home"].tolist() == [[[-33.87, 151.21]]]


def test_no_pseudonym_of_the_practice_is_in_an_extract_and_no_two_extracts_share_one(
    a_store: Store, tmp_path: Path
) -> None:
    put_roster(a_store)
    a_story(a_store)
    extracted(a_store, tmp_path / "a")
    extracted(a_store, tmp_path / "b", key=KEY[::-1])
    texts = [file.read_text() for file in tmp_path.glob("[ab]/*")]
    assert not any(name in text for text in texts for name in ("c0001", "c0009", "p1", "r1"))
    one, other = read(tmp_path / "a"), read(tmp_path / "b")
    assert not set(one.client_ids) & set(other.client_ids)
    assert not set(one.pairings["pairing_id"]) & set(other.pairings["pairing_id"])
    assert one.clinician_ids == other.clinician_ids


def test_whom_a_clinician_cannot_see_is_named_as_the_client_is(
    a_store: Store, tmp_path: Path
) -> None:
    put_roster(a_store)
    a_story(a_store)
    extracted(a_store, tmp_path)
    (client,) = rows(tmp_path, "clients")
    listed = next(row for row in rows(tmp_path, "clinicians") if row["clinician_id"] == "k02")
    assert client["client_id"] in listed["not_with"].split(";")
    assert len(listed["not_with"].split(";")) == 2


def test_a_client_named_by_another_client_is_renamed_too(a_store: Store, tmp_path: Path) -> None:
    put_roster(a_store)
    a_story(a_store)
    a_story(a_store, 2, answers={**ANSWERS, "sibling": ["c0001"]})
    practice = read_practice(a_practice().text + SIBLING)
    write_extract(a_store, practice, tmp_path, key=KEY, actor=ACTOR)
    named = {row["sibling"] for row in rows(tmp_path, "clients")} - {""}
    assert len(named) == 1
    assert named < {row["client_id"] for row in rows(tmp_path, "clients")}


def test_files_belong_to_their_owner_and_say_which_extract_they_are(
    a_store: Store, tmp_path: Path
) -> None:
    put_roster(a_store)
    a_story(a_store)
    extract = extracted(a_store, tmp_path / "out")
    assert all(stat.S_IMODE(f.stat().st_mode) == 0o600 for f in (tmp_path / "out").iterdir())
    assert read_extract_id(tmp_path / "out") == extract.extract_id
    assert read_extract_id(tmp_path) is None
    assert KEY.hex() not in json.dumps(dict(extract.rows))


def test_the_models_that_learned_from_a_client_are_found_by_way_of_the_extract(
    a_store: Store, tmp_path: Path
) -> None:
    put_roster(a_store)
    a_story(a_store, 1)
    a_story(a_store, 2)
    extract = extracted(a_store, tmp_path)
    with a_store.writing() as connection:
        pairings = pairings_of_extract(connection, extract.extract_id)
        assert pairings == ("p1", "p2")
        assert record_training(connection, "model-a", pairings, actor=ACTOR) == 2
        assert record_training(connection, "model-a", pairings, actor=ACTOR) == 0
        assert models_that_learned_from(connection, ["p1"]) == ("model-a",)
    assert erase_subject(a_store, "c0001", actor=ACTOR).model_digests == ("model-a",)
    with a_store.reading() as connection:
        assert pairings_of_extract(connection, extract.extract_id) == ("p2",)


def test_who_was_erased_is_in_no_later_extract_even_when_they_come_again(
    a_store: Store, tmp_path: Path
) -> None:
    put_roster(a_store)
    a_story(a_store)
    erase_subject(a_store, "c0001", actor=ACTOR)
    a_story(a_store)
    extract = extracted(a_store, tmp_path)
    assert extract.rows["pairings"] == extract.rows["clients"] == extract.rows["ratings"] == 0
    assert extract.left_out == {training_material.ERASED: 1, training_material.NOT_LEARNED: 1}


def test_corrections_are_learned_from_and_withdrawn_ratings_are_not(
    a_store: Store, tmp_path: Path
) -> None:
    put_roster(a_store)
    a_story(a_store)
    kept = rate(a_store, session=4)
    with a_store.writing() as connection:
        withdraw_rating(connection, kept.rating_id, seen=1, reason="mistake", actor=ACTOR)
    other = rate(a_store, session=5)
    with a_store.writing() as connection:
        correct_rating(
            connection,
            a_practice(),
            other.rating_id,
            a_rating(session=5, score=12.0),
            seen=1,
            reason="typing_error",
            actor=ACTOR,
            today=TODAY,
        )
    extracted(a_store, tmp_path)
    assert [(row["session"], row["score"]) for row in rows(tmp_path, "ratings")] == [
        ("3", "48.0"),
        ("5", "12.0"),
    ]


def test_consent_given_before_there_was_a_pseudonym_counts_through_the_pairing(
    a_store: Store, tmp_path: Path
) -> None:
    put_roster(a_store)
    recommend(a_store, "r1", None)
    pair(a_store, "p1", "c0001", recommendation_id="r1")
    rate(a_store)
    assert extracted(a_store, tmp_path / "a").rows["pairings"] == 1
    with a_store.writing() as connection:
        refused = Consent("2026-1", {"train": False})
        later = SAID_AT + timedelta(days=90)
        record_consent(connection, "c0001", refused, stated_at=later, actor=ACTOR)
    assert extracted(a_store, tmp_path / "b").left_out[training_material.NO_CONSENT] == 1


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"consent": None}, training_material.NO_CONSENT),
        ({"consent": Consent("1", {"match": True})}, training_material.NO_CONSENT),
        ({"answers": {"concern": "no longer a level"}}, training_material.MISFIT),
    ],
)
def test_who_cannot_be_learned_from_is_left_out_and_counted(
    a_store: Store, tmp_path: Path, change: Mapping[str, Any], reason: str
) -> None:
    put_roster(a_store)
    a_story(a_store, 1, **change)
    a_story(a_store, 2)
    extract = extracted(a_store, tmp_path)
    assert extract.left_out == {reason: 1, training_material.NOT_LEARNED: 1}
    assert len(read(tmp_path).client_ids) == 1


def test_pairings_without_what_learning_needs_are_left_out_and_counted(
    a_store: Store, tmp_path: Path
) -> None:
    put_roster(a_store)
    a_story(a_store, 1)
    lacking: tuple[dict[str, Any], ...] = (
        {"began": None},
        {"clinician_id": "k99"},
        {"recommendation_id": None},
        {"client_id": "c0001", "recommendation_id": "r1"},
    )
    for number, changes in enumerate(lacking, start=2):
        client_id = f"c{number:04d}"
        if changes.get("recommendation_id", "") is None:
            says(a_store, client_id, 0, train=True)
        else:
            recommend(a_store, f"r{number}", client_id)
        given: dict[str, Any] = {"client_id": client_id, "recommendation_id": f"r{number}"}
        pair(a_store, f"p{number}", **(given | changes))
    pair(a_store, "p9", "c0001", "k02")
    with a_store.writing() as connection:
        early = PairingEvent("p9", "ended", BEGAN - timedelta(days=9))
        record_event(connection, early, actor=ACTOR, today=TODAY)
    recommend(a_store, "r10", "c0010")
    pair(a_store, "p10", "c0010", recommendation_id="r10")
    with a_store.writing() as connection:
        mistake = PairingEvent("p10", "withdrawn", TODAY, reason="wrong_client")
        record_event(connection, mistake, actor=ACTOR, today=TODAY)
    extract = extracted(a_store, tmp_path)
    assert extract.left_out == {
        training_material.WITHDRAWN: 1,
        training_material.NOT_BEGUN: 1,
        training_material.NO_CLINICIAN: 1,
        training_material.NO_INTAKE: 1,
        training_material.REPEATED: 1,
        training_material.BACKWARDS: 1,
    }
    assert len(read(tmp_path).pairings) == 1


def test_a_rating_from_before_the_first_session_is_left_out(a_store: Store, tmp_path: Path) -> None:
    put_roster(a_store)
    recommend(a_store)
    rate(a_store, rated_on=BEGAN - timedelta(days=1))
    pair(a_store)
    assert extracted(a_store, tmp_path).left_out == {training_material.TOO_EARLY: 1}
    assert len(read(tmp_path).ratings) == 0


def test_a_client_keeps_the_answers_from_before_their_first_pairing(
    a_store: Store, tmp_path: Path
) -> None:
    put_roster(a_store)
    recommend(a_store, "r2", asked_on=date(2026, 11, 1), answers={**ANSWERS, "concern": "sleep"})
    recommend(a_store, "r1", answers={**ANSWERS, "concern": "grief"})
    pair(a_store, "p2", clinician_id="k02", recommendation_id="r2", began=date(2026, 11, 3))
    pair(a_store, "p1", recommendation_id="r1", began=date(2026, 10, 5))
    extracted(a_store, tmp_path)
    (client,) = rows(tmp_path, "clients")
    assert client["concern"] == "grief"
    assert len(read(tmp_path).pairings) == 2


def test_a_short_key_is_refused(a_store: Store, tmp_path: Path) -> None:
    with pytest.raises(RecommenderError, match="too short"):
        extracted(a_store, tmp_path, key=b"short")


@given(said=st.lists(st.tuples(st.integers(0, 2), st.integers(0, 9), st.booleans()), max_size=8))
@settings(max_examples=10, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_nobody_whose_last_word_is_no_is_ever_in_an_extract(
    a_store: Store, tmp_path: Path, said: list[tuple[int, int, bool]]
) -> None:
    out, first = tmp_path / "out", count(a_store, subjects) + 1
    if first == 1:
        put_roster(a_store)
    before = extracted(a_store, out).rows["clients"]
    for number in range(first, first + 3):
        a_story(a_store, number, consent=None)
    last: dict[int, tuple[int, bool]] = {}
    for place, day, agrees in said:
        says(a_store, f"c{first + place:04d}", day, train=agrees)
        then = last.get(place, (-1, True))[0]
        # Of statements of the same moment a refusal holds.
        if day > then or (day == then and not agrees):
            last[place] = (day, agrees)
    agreed_last = sum(agrees for _, agrees in last.values())
    assert extracted(a_store, out).rows["clients"] - before == agreed_last
