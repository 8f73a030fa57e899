"""A compiled plan gives what the row-wise path of training gives."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from recommender.features.pipeline import Pairs
from recommender.model.alliance_model import AllianceModel, RosterEncoding
from recommender.model.trees.tables import MAX_SCORED_SPLITS
from recommender.plan.compiling import compile_plan, plan_for
from recommender.plan.contributions import average_contributions, contributions_of
from recommender.plan.leads import ahead, leads_among
from recommender.plan.score_plan import ScoredPairs
from recommender.plan.strongest import score_strongest_of_each
from recommender.practice.columns import Columns
from tests.support.builders import a_model, a_roster, an_encoding, an_intake, some_people
from tests.support.every_match import (
    a_model_of_every_match,
    a_roster_of_every_match,
    some_answers,
)

SIZE = 5


def everyone(clients: int, clinicians: int) -> Pairs:
    return Pairs(np.repeat(np.arange(clients), clinicians), np.tile(np.arange(clinicians), clients))


def agree(model: AllianceModel, encoding: RosterEncoding, clients: Columns) -> ScoredPairs:
    """The planned pairs, once they are found equal to the row-wise ones."""
    pairs = everyone(clients.size, len(encoding.roster))
    prepared = model.prepare(clients, encoding, pairs)
    scores, parts = model.score_of(prepared), model.contributions_of(prepared)
    planned = compile_plan(model, encoding).score(clients, pairs)
    found = contributions_of(planned)

    assert pytest.approx(prepared.rows.raw, abs=1e-9, nan_ok=True) == planned.raw.T
    assert pytest.approx(prepared.rows.match, abs=1e-9, nan_ok=True) == planned.match.T
    assert planned.scores.client.tolist() == scores.client.tolist()
    assert planned.scores.pairing == pytest.approx(scores.pairing, abs=1e-9)
    assert found.values == pytest.approx(parts.values, abs=1e-9)
    assert found.start == pytest.approx(parts.start, abs=1e-9)
    assert found.raw == pytest.approx(parts.raw, abs=1e-9, nan_ok=True)
    average = average_contributions(planned)
    assert average.values == pytest.approx(parts.average.values, abs=1e-9)
    assert average.matches == pytest.approx(parts.average.matches, abs=1e-9, nan_ok=True)
    one, other = np.triu_indices(min(len(planned), 30), 1)
    # Draws are of 32 bits.
    assert ahead(planned, one, other) == pytest.approx(
        model.ahead(prepared, one, other, scores), abs=1e-6
    )
    compared = np.arange(min(len(planned), 30))
    leads = leads_among(planned, compared[None])[0]
    assert leads[one, other] == pytest.approx(ahead(planned, one, other), abs=1e-9)
    assert (leads + leads.T).ravel() == pytest.approx(1.0, abs=1e-9)
    return planned


@pytest.mark.parametrize("weight", [0.0, 0.5, 1.0])
def test_scores_contributions_and_leads_are_those_of_single_rows(weight: float) -> None:
    agree(replace(a_model(), tree_weight=weight), an_encoding(), some_people(SIZE).columns)


@pytest.mark.parametrize("size", [1, SIZE])
def test_every_operator_is_compiled(size: int) -> None:
    model, roster = a_model_of_every_match(), a_roster_of_every_match()
    planned = agree(model, model.encode_roster(roster), some_answers(size, seed=size))

    # Every match is known of somebody and unknown of somebody else, or the test would say little.
    assert np.isnan(planned.raw).any(axis=1).all() or size == 1
    assert (~np.isnan(planned.raw)).any(axis=1).all() or size == 1


def test_clinicians_the_model_never_saw_have_no_effect_of_their_own() -> None:
    strangers = RosterEncoding(a_roster(), np.full(len(a_roster()), -1))

    agree(a_model(), strangers, some_people(2).columns)


def test_trees_too_large_for_tables_are_scored_by_lightgbm(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("recommender.model.trees.tables.MAX_SCORED_SPLITS", 0)
    monkeypatch.setattr("recommender.model.trees.tables.MAX_EXPLAINED_SPLITS", 0)
    model = a_model()
    assert model.trees is not None
    model = replace(model, tree_weight=0.5, trees=type(model.trees)(model.trees.text))
    planned = agree(model, an_encoding(), some_people(2).columns)

    assert planned.ways is None
    assert MAX_SCORED_SPLITS > 0


@given(places=st.lists(st.integers(0, 11), min_size=1, max_size=12, unique=True))
def test_a_score_has_the_same_bits_alone_and_among_any_others(places: list[int]) -> None:
    model = replace(a_model(), tree_weight=0.5)
    plan, client = plan_for(model, an_encoding()), an_intake().client
    some = np.array(places)
    whole = plan.score(client, Pairs.of_one(12)).scores.pairing

    among = plan.score(client, Pairs(np.zeros(len(some), dtype=np.intp), some)).scores
    assert among.pairing.tolist() == whole[some].tolist()


@pytest.mark.parametrize("some", [[4], [0, 5, 2], [11, 3, 7, 1, 0, 9, 2, 8, 4, 10]])
def test_a_match_has_the_same_bits_with_few_clinicians_and_with_all(some: list[int]) -> None:
    model, roster = a_model_of_every_match(), a_roster_of_every_match()
    plan = compile_plan(model, model.encode_roster(roster))
    client, places = some_answers(1, seed=3), np.array(some) % len(roster)
    whole = plan.score(client, Pairs.of_one(len(roster)))

    among = plan.score(client, Pairs(np.zeros(len(some), dtype=np.intp), places))
    assert among.raw.tobytes() == whole.raw[:, places].tobytes()
    assert among.usual.tobytes() == whole.usual.tobytes()


def test_pairs_of_several_blocks_have_the_scores_of_one(monkeypatch: pytest.MonkeyPatch) -> None:
    model, clients = replace(a_model(), tree_weight=0.5), some_people(SIZE).columns
    plan, pairs = compile_plan(model, an_encoding()), everyone(SIZE, 12)
    at_once = plan.score(clients, pairs)
    monkeypatch.setattr("recommender.plan.score_plan.BLOCK_PAIRS", 7)

    in_blocks = plan.score(clients, pairs)
    assert in_blocks.scores.pairing.tolist() == at_once.scores.pairing.tolist()
    assert in_blocks.ways is not None
    assert at_once.ways is not None
    assert in_blocks.ways.tolist() == at_once.ways.tolist()


@pytest.mark.parametrize("size", [1, SIZE])
@pytest.mark.parametrize("build", [a_model, a_model_of_every_match])
@pytest.mark.parametrize("weight", [0.0, 0.5])
def test_the_strongest_of_each_client_have_the_scores_they_have_among_all(
    size: int, build: Callable[[], AllianceModel], weight: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("recommender.plan.strongest.MOST_SCORED", 0)
    model = replace(build(), tree_weight=weight)
    is_every_match = build is a_model_of_every_match
    encoding = model.encode_roster(a_roster_of_every_match()) if is_every_match else an_encoding()
    clients = some_answers(size, seed=2) if is_every_match else some_people(size).columns
    plan, clinicians = compile_plan(model, encoding), len(encoding.roster)
    # The second of several clients has no pair.
    pairs = Pairs(*np.nonzero(np.arange(size)[:, None] != np.ones(clinicians)))
    every, few = plan.score(clients, pairs), score_strongest_of_each(plan, clients, pairs, 3)
    score = dict(
        zip(zip(every.client, every.clinician, strict=True), every.scores.pairing, strict=True)
    )
    pairs_of_few = [*zip(few.client, few.clinician, strict=True)]

    assert pairs_of_few == sorted(pairs_of_few)
    assert few.scores.pairing.tolist() == [score[pair] for pair in pairs_of_few]
    assert np.array_equal(few.usual, every.usual, equal_nan=True)
    for client in np.unique(every.client):
        own = np.sort(every.scores.pairing[every.client == client])
        found = np.sort(few.scores.pairing[few.client == client])
        assert found[-3:].tolist() == own[-3:].tolist()
    if weight == 0 and clinicians > 6:
        assert len(few) < len(every)


def test_several_clients_have_the_scores_they_have_alone() -> None:
    model, clients = replace(a_model(), tree_weight=0.5), some_people(SIZE).columns
    plan = plan_for(model, an_encoding())
    together = plan.score(clients, everyone(SIZE, 12)).scores.alliance.reshape(SIZE, 12)

    for row in range(SIZE):
        alone = plan.score(clients.row(row), Pairs.of_one(12)).scores.alliance
        assert alone.tolist() == together[row].tolist()


@pytest.mark.parametrize("size", [1, 3])
def test_changed_answers_are_scored_as_if_they_were_stated(size: int) -> None:
    model, roster = a_model_of_every_match(), a_roster_of_every_match()
    plan = compile_plan(model, model.encode_roster(roster))
    stated = some_answers(1, seed=0)
    before = plan.score(stated, Pairs.of_one(len(roster)))
    others = [some_answers(1, seed=seed) for seed in range(1, size + 1)]
    names = [sorted(stated.values)[seed::size] for seed in range(size)]
    changed = [
        Columns(1, {n: (other if n in some else stated)[n] for n in stated.values})
        for other, some in zip(others, names, strict=True)
    ]
    rows = [np.arange(seed, len(roster), 2) for seed in range(size)]

    after = plan.score_changed(before, rows, changed, [set(some) for some in names])

    said = [
        plan.score(client, Pairs(np.zeros(len(own), dtype=np.intp), own)).scores.alliance
        for client, own in zip(changed, rows, strict=True)
    ]
    assert after.scores.alliance.tolist() == np.concatenate(said).tolist()
    assert not np.array_equal(after.scores.pairing[: len(rows[0])], before.scores.pairing[rows[0]])


def test_nobody_is_scored_without_pairs() -> None:
    nobody = Pairs(np.empty(0, dtype=np.intp), np.empty(0, dtype=np.intp))

    planned = plan_for(a_model(), an_encoding()).score(an_intake().client, nobody)
    assert len(planned) == 0
    assert contributions_of(planned).values.shape == (0, len(a_model().pipeline.features))


def test_a_plan_is_compiled_again_only_for_another_model_or_roster() -> None:
    model, encoding = a_model(), an_encoding()
    plan = plan_for(model, encoding)
    strangers = replace(encoding, clinician=np.full(12, -1))

    assert plan_for(model, model.encode_roster(encoding.roster)) is plan
    assert plan_for(model, strangers) is not plan
    assert plan_for(replace(model, tree_weight=0.3), encoding).model.tree_weight == 0.3


def test_pairs_that_follow_others_are_compared_with_them() -> None:
    plan = plan_for(a_model(), an_encoding())
    clients = some_people(2).columns
    one, other = (plan.score(clients.row(row), Pairs.of_one(12)) for row in range(2))
    both: Any = plan.score(clients, everyone(2, 12))
    first, second = np.arange(12), np.arange(12, 24)

    joined = one.followed_by(other)
    assert ahead(joined, first, second) == pytest.approx(ahead(both, first, second), abs=1e-6)
    assert contributions_of(joined).values.tolist() == contributions_of(both).values.tolist()
