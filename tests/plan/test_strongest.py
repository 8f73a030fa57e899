"""Nearly equal scores find the strongest clinicians, whose scores are then exact."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import date

import numpy as np
import pytest

from recommender.features.pipeline import Pairs
from recommender.plan.compiling import compile_plan
from recommender.plan.score_plan import ScorePlan
from recommender.plan.strongest import nearly, score_strongest
from recommender.recommendation.recommend import recommend
from recommender.recommendation.stated_scores import EligiblePairs
from tests.support.builders import a_model, an_encoding, an_intake, some_people
from tests.support.every_match import (
    a_model_of_every_match,
    a_roster_of_every_match,
    some_answers,
)

CLIENTS = 6
DAY = date(2026, 11, 30)


@pytest.fixture(autouse=True)
def few_are_many(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("recommender.plan.trees.MANY", 1)
    monkeypatch.setattr("recommender.recommendation.stated_scores.MANY", 1)


def plans() -> Iterator[tuple[ScorePlan, int]]:
    """Plans with tree weights, and the number of the clinicians."""
    for weight in (0.5, 1.0):
        encoding = an_encoding()
        yield compile_plan(replace(a_model(), tree_weight=weight), encoding), len(encoding.roster)


def test_nearly_equal_scores_are_within_their_error() -> None:
    for plan, size in plans():
        everyone = Pairs.of_one(size)
        for row in range(CLIENTS):
            client = some_people(CLIENTS).columns.row(row)
            exact = plan.score(client, everyone)
            points, error = nearly(plan, exact.clients, exact.clinician, exact.raw, exact.usual)

            assert np.abs(exact.scores.pairing - points).max() <= error < 1e-4


@pytest.mark.parametrize("most", [1, 3, 1000])
def test_the_strongest_have_the_scores_they_have_among_all(most: int) -> None:
    for plan, size in plans():
        for row in range(CLIENTS):
            client = some_people(CLIENTS).columns.row(row)
            every = plan.score(client, Pairs.of_one(size))
            found = score_strongest(plan, client, np.arange(size), most)

            pairing, part = every.scores.pairing, found.scored
            last = np.sort(pairing)[-min(most, size)]
            assert set(np.flatnonzero(pairing >= last)) <= set(part.clinician)
            assert part.scores.pairing.tolist() == pairing[part.clinician].tolist()
            assert found.every.scores.pairing.tolist() == pairing.tolist()
            assert most > 1 or len(part) < size


def test_every_operator_may_be_nearly_known() -> None:
    model, roster = a_model_of_every_match(), a_roster_of_every_match()
    plan = compile_plan(model, model.encode_roster(roster))
    client = some_answers(1, seed=1)
    every = plan.score(client, Pairs.of_one(len(roster)))
    found = score_strongest(plan, client, np.arange(len(roster)), 5)

    places = every.scores.pairing.argsort()[::-1][:5]
    assert set(places) <= set(found.scored.clinician)


def test_a_shortlist_is_the_same_from_the_strongest(monkeypatch: pytest.MonkeyPatch) -> None:
    model, encoding = a_model(), an_encoding()
    few = recommend(an_intake(), encoding, model, day=DAY, top_k=2)
    monkeypatch.setattr("recommender.recommendation.stated_scores.MANY", 10**9)
    all_ = recommend(an_intake(), encoding, model, day=DAY, top_k=2)

    assert few.shortlist == all_.shortlist
    assert isinstance(few.scored, EligiblePairs)
    assert few.eligible_pairs is not None
    assert len(few.eligible_pairs) == few.eligible
    assert few.contributions is not None
