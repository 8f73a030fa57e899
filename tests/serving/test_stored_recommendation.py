"""Stored recommendations are read in the present field names, whichever contract wrote them."""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from recommender.journal.recommendations import find_recommendation
from recommender.journal.recording import prepare_recommendation, record_recommendation
from recommender.serving.stored_recommendation import (
    current_body,
    current_content,
    read_response,
)
from recommender.settings import Settings
from tests.support.server import (
    RECOMMEND,
    JournalServer,
    journal_server,
    whole,
)

FIRST_CONTRACT = {
    "exclusion_counts": "ledger",
    "text": "say",
    "tie_text": "tie_say",
    "admits": "opens",
}


@pytest.fixture
def keeping(settings: Settings, tmp_path: Path) -> Iterator[JournalServer]:
    with journal_server(settings, f"sqlite:///{tmp_path}/journal.db") as running:
        yield running


def in_the_first_contract(part: Any) -> Any:
    """A response of today as version 1 of the contract would have named its fields."""
    if isinstance(part, dict):
        return {
            FIRST_CONTRACT.get(key, key): in_the_first_contract(each)
            for key, each in part.items()
            if key != "contract_version"
        }
    return [in_the_first_contract(each) for each in part] if isinstance(part, list) else part


def test_a_body_of_the_first_contract_is_read_in_the_present_names(keeping: JournalServer) -> None:
    sent = keeping.recommended(answers={"wanted": ["act"]}, top_k=3)
    assert sent["excluded"]
    old = json.dumps(in_the_first_contract(sent)).encode()
    assert {"ledger", "excluded"} < set(json.loads(old))
    assert b"contract_version" not in old
    assert json.loads(current_body(old)) == current_content(old) == sent
    assert read_response(old) == read_response(json.dumps(sent).encode())


def test_a_recommendation_recorded_by_the_first_contract_is_served_and_explained(
    keeping: JournalServer,
) -> None:
    sent = keeping.recommended()
    old = json.dumps(in_the_first_contract(sent)).encode()
    with keeping.store.writing() as connection:
        shown = find_recommendation(connection, sent["recommendation_id"]).shown
        before = replace(shown, recommendation_id="r1", response=old)
        record_recommendation(connection, prepare_recommendation(before), actor="test")
    assert keeping.staff.get(whole("r1")).json() == sent
    there = keeping.staff.get(f"{RECOMMEND}/r1/explanations").json()["explanations"]
    here = keeping.staff.get(f"{RECOMMEND}/{sent['recommendation_id']}/explanations").json()
    assert there == here["explanations"]


def test_a_body_of_today_is_given_as_it_was_sent(keeping: JournalServer) -> None:
    body = json.dumps(keeping.recommended()).encode()
    assert current_body(body) is body
    assert current_content(body) == json.loads(body)
