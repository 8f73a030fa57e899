"""Explanations of what was shown, as it was shown."""

from collections.abc import Iterator
from dataclasses import replace
from math import isclose
from pathlib import Path
from typing import Any

import pytest

from recommender.recommendation.recommend import recommend
from recommender.serving.dependencies import app_state
from recommender.serving.snapshot.snapshot import open_snapshot
from recommender.serving.stored_recommendation import StoredContributions, stored_contributions
from recommender.settings import Settings
from tests.support.builders import DAY, a_model, an_encoding, an_intake
from tests.support.server import RECOMMEND, JournalServer, journal_server


@pytest.fixture
def keeping(settings: Settings, tmp_path: Path) -> Iterator[JournalServer]:
    with journal_server(settings, f"sqlite:///{tmp_path}/journal.db") as made:
        yield made


@pytest.fixture
def told(keeping: JournalServer) -> dict[str, Any]:
    return keeping.recommended(top_k=3, client_id="c9999")


def explained(
    keeping: JournalServer, told: dict[str, Any], name: str = "", against: str = ""
) -> Any:
    at = f"{RECOMMEND}/{told['recommendation_id']}/explanations"
    query = {"compared_with": against} if against else {}
    return keeping.staff.get(f"{at}/{name}" if name else at, params=query)


def test_parts_add_up_to_groups_and_groups_to_the_difference(
    keeping: JournalServer, told: dict[str, Any]
) -> None:
    listed = explained(keeping, told).json()["explanations"]
    assert [each["clinician_id"] for each in listed] == [
        each["clinician_id"] for each in told["shortlist"]
    ]
    for each, shown in zip(listed, told["shortlist"], strict=True):
        assert each["status"] == "shown"
        assert each["predicted_alliance"] == shown["predicted_alliance"]
        assert each["in_favour"] == shown["in_favour"]
        for group, short in zip(each["groups"], shown["groups"], strict=True):
            parts = sum(part["points"] for part in group["parts"])
            assert isclose(group["points"], parts, abs_tol=1e-4)
            assert round(group["points"], 2) == short["points"]
        assert isclose(each["difference"], sum(g["points"] for g in each["groups"]), abs_tol=1e-5)


def test_two_compared_turn_every_sign_when_turned_round(
    keeping: JournalServer, told: dict[str, Any]
) -> None:
    one, other = (each["clinician_id"] for each in told["shortlist"][:2])
    there = explained(keeping, told, one, other).json()["explanation"]
    back = explained(keeping, told, other, one).json()["explanation"]
    assert there["difference"] == -back["difference"]
    assert there["in_favour"] == back["against"]
    for group, turned in zip(there["groups"], back["groups"], strict=True):
        assert group["points"] == -turned["points"]
        assert [(p["feature"], p["points"]) for p in group["parts"]] == [
            (p["feature"], -p["points"]) for p in turned["parts"]
        ]
    predicted = [each["predicted_alliance"] for each in told["shortlist"][:2]]
    assert isclose(there["difference"], predicted[0] - predicted[1], abs_tol=0.011)


def test_who_was_not_shown_is_held_against_the_first_or_their_exclusion_told(
    keeping: JournalServer, told: dict[str, Any]
) -> None:
    shown = {each["clinician_id"] for each in told["shortlist"]}
    excluded = {each["clinician_id"]: each["reasons"] for each in told["excluded"]}
    everyone = {f"k{number:02d}" for number in range(12)}
    (below, *_) = sorted(everyone - shown - set(excluded))
    why = explained(keeping, told, below).json()["explanation"]
    assert (why["status"], why["rank"]) == ("eligible", None)
    assert why["compared_with"] == told["shortlist"][0]["clinician_id"]
    assert why["difference"] < 0
    (left_out, reasons), *_ = excluded.items()
    why = explained(keeping, told, left_out).json()["explanation"]
    assert (why["status"], why["reasons"]) == ("excluded", reasons)
    assert why["difference"] is None
    assert explained(keeping, told, "nobody").status_code == 404
    assert explained(keeping, told, below, left_out).status_code == 404


def test_without_agreement_nothing_is_explained_since_nothing_was_predicted(
    keeping: JournalServer,
) -> None:
    told = keeping.recommended(answers={"agrees": False})
    (first, *_) = explained(keeping, told).json()["explanations"]
    assert (first["difference"], first["groups"]) == (None, [])
    everyone = {f"k{number:02d}" for number in range(12)}
    told_of = {each["clinician_id"] for each in told["shortlist"] + told["excluded"]}
    for unseen in everyone - told_of:
        assert explained(keeping, told, unseen).status_code == 404


def test_another_model_explains_nothing_anew(
    keeping: JournalServer, told: dict[str, Any], settings: Settings
) -> None:
    before = explained(keeping, told).content
    state = open_snapshot(settings)
    model = replace(state.model, client_mean=state.model.client_mean + 1)
    snapshot_holder = app_state(keeping.app).snapshots
    snapshot_holder.swap(lambda _: replace(state, model=model, digest="f" * 64))
    assert explained(keeping, told).content == before


def test_another_definition_has_no_words_for_it(
    keeping: JournalServer, told: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    snapshot_holder = app_state(keeping.app).snapshots
    state = snapshot_holder.current
    assert state is not None
    practice = replace(state.practice, digest="0" * 64)
    pipeline = replace(state.model.pipeline, practice=practice)
    model = replace(state.model, pipeline=pipeline)
    monkeypatch.setattr(snapshot_holder, "current", replace(state, model=model))
    response = explained(keeping, told)
    assert (response.status_code, response.json()["type"]) == (410, "/problems/gone")


def test_what_explains_is_kept_to_the_last_digit() -> None:
    found = recommend(an_intake(), an_encoding(), a_model(), day=DAY)
    assert found.contributions is not None
    ids = tuple(f"k{number}" for number in range(len(found.contributions.values)))
    kept = stored_contributions(found.contributions, ids)
    again = StoredContributions.from_bytes(kept.to_bytes())
    assert (again.names, again.ids) == (kept.names, kept.ids)
    assert again.values.tobytes() == kept.values.tobytes()
    assert again.to_bytes() == kept.to_bytes()
