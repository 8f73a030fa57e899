"""A client may read everything that is kept of them."""

import json

import numpy as np
import pytest

from recommender.errors import NotFoundError
from recommender.journal.consents import Consent, record_consent
from recommender.journal.contribution_table import ContributionTable
from recommender.journal.extract import record_training
from recommender.journal.privacy_requests import export_subject
from recommender.journal.ratings import withdraw_rating
from recommender.journal.recommendations import Decision, record_decision
from recommender.store.database import Store
from tests.support.journal_rows import (
    ACTOR,
    ANSWERS,
    SAID_AT,
    a_recommendation,
    pair,
    rate,
    recommend,
)


@pytest.mark.both_databases("types")
def test_an_export_has_everything_from_every_table(a_store: Store) -> None:
    one = np.ones((1, 1))
    table = ContributionTable(("match.wish",), ("k01",), one, one * np.nan, one[0])
    recommend(a_store, explained=table.to_bytes())
    pair(a_store)
    kept = rate(a_store)
    recommend(a_store, "r2", "c0002")
    with a_store.writing() as connection:
        record_decision(connection, Decision("r1", "k01"), actor=ACTOR)
        withdraw_rating(connection, kept.rating_id, seen=1, reason="client_wish", actor=ACTOR)
        refused = Consent("2026-2", {"research": False})
        record_consent(connection, "c0001", refused, stated_at=SAID_AT, actor=ACTOR)
        record_training(connection, "model-a", ["p1"], actor=ACTOR)
        exported = json.loads(export_subject(connection, "c0001", actor=ACTOR))
    assert exported["client_id"] == "c0001"
    assert {row["scope"]: row["given"] for row in exported["consents"]} == {
        "match": True,
        "train": True,
        "research": False,
    }
    assert [row["recommendation_id"] for row in exported["recommendations"]] == ["r1"]
    assert exported["payloads"][0]["request"]["answers"] == ANSWERS
    assert exported["payloads"][0]["response"].encode() == a_recommendation().response
    assert exported["payloads"][0]["explained"] == {
        "features": ["match.wish"],
        "clinicians": ["k01"],
        "start": [1.0],
        "points": [[1.0]],
        "values": [[None]],
    }
    assert [row["clinician_id"] for row in exported["shown"]] == ["k01", "k02"]
    assert [row["kind"] for row in exported["decisions"]] == ["chosen"]
    assert [row["pairing_id"] for row in exported["pairings"]] == ["p1"]
    assert [row["kind"] for row in exported["pairing_events"]] == ["attended"]
    assert [row["version"] for row in exported["rating_versions"]] == [1, 2]
    assert exported["models"] == ["model-a"]
    actions = [row["action"] for row in exported["audit"]]
    assert actions[0] == "recommendation.shown"
    assert actions[-1] == "subject.exported"
    rated = next(row for row in exported["audit"] if row["action"] == "rating.recorded")
    assert rated["details"]["score"] == 48.0


def test_a_recommendation_made_before_the_client_had_a_pseudonym_is_theirs(
    a_store: Store,
) -> None:
    recommend(a_store, "r1", None)
    pair(a_store, recommendation_id="r1")
    with a_store.writing() as connection:
        exported = json.loads(export_subject(connection, "c0001", actor=ACTOR))
    assert [row["recommendation_id"] for row in exported["payloads"]] == ["r1"]


def test_a_pairing_does_not_give_away_somebody_elses_recommendation(a_store: Store) -> None:
    recommend(a_store, "r1", "c0002")
    pair(a_store, client_id="c0001", recommendation_id="r1")
    with a_store.writing() as connection:
        exported = json.loads(export_subject(connection, "c0001", actor=ACTOR))
    assert exported["recommendations"] == exported["payloads"] == []


def test_whoever_is_not_known_has_nothing_to_read(a_store: Store) -> None:
    with a_store.writing() as connection, pytest.raises(NotFoundError, match="nothing kept"):
        export_subject(connection, "c0001", actor=ACTOR)
