"""Records by tags: what is learned, stored, and served to clients with several, one or none."""

from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from recommender.features.client_levels import level_weights
from recommender.features.history import ClientReports, Shrinkage, records_of
from recommender.features.pipeline import Pairs
from recommender.model.alliance_model import AllianceModel, levels_of
from recommender.model.bundle.io import load_bundle, save_bundle
from recommender.plan.compiling import compile_plan
from recommender.plan.contributions import contributions_of
from recommender.plan.leads import ahead
from recommender.practice.columns import Columns, read_rows
from recommender.practice.definition import Practice, read_practice
from recommender.training.dataset import Dataset, dataset_of
from recommender.training.fit import fit
from tests.support.builders import (
    QUICK,
    TAKEN_AT,
    Rows,
    a_practice,
    some_rows,
    tables_of,
)

WANTED = ("act;cbt", "emdr", "none", "", "act;cbt;emdr", "cbt;emdr")
"""Answers of clients, in turn: several tags, one, none named, and no answer."""


@cache
def a_practice_by(field: str, kind: str) -> Practice:
    """The corner practice with records by another field; the main concern may be an ordinal."""
    text = a_practice().text.replace('per = "concern"', f'per = "{field}"')
    if kind == "ordinal":
        text = text.replace(
            '[client.concern]\nkind = "category"', '[client.concern]\nkind = "ordinal"'
        )
    practice = read_practice(text)
    assert practice.client[field].kind == kind
    return practice


def rows_with_several_tags() -> Rows:
    """Tables whose clients name several therapies, one, none, or do not answer."""
    rows = some_rows()
    clients = [
        client | {"wanted": WANTED[place % len(WANTED)]}
        for place, client in enumerate(rows["clients"])
    ]
    return {**rows, "clients": clients}


@cache
def a_dataset_by(field: str, kind: str) -> Dataset:
    practice = a_practice_by(field, kind)
    return dataset_of(tables_of(rows_with_several_tags(), practice), practice)


@cache
def a_model_by(field: str, kind: str) -> AllianceModel:
    return replace(fit(a_dataset_by(field, kind), settings=QUICK).model, tree_weight=0.5)


def some_clients(practice: Practice) -> Columns:
    rows = [
        {"concern": "grief", "directive": 2, "agrees": True}
        | ({"wanted": wanted.split(";") if wanted != "none" else []} if wanted else {})
        for wanted in WANTED
    ]
    return read_rows(practice.fields("client", "score", "filter"), rows)


def everyone(clients: int, clinicians: int) -> Pairs:
    return Pairs(np.repeat(np.arange(clients), clinicians), np.tile(np.arange(clinicians), clients))


BY = pytest.mark.parametrize(("field", "kind"), [("wanted", "tags"), ("concern", "ordinal")])


@BY
def test_a_served_row_is_the_row_of_training_to_the_last_bit(field: str, kind: str) -> None:
    model, practice = a_model_by(field, kind), a_practice_by(field, kind)
    encoding = model.encode_roster(tables_of(rows_with_several_tags(), practice).roster(TAKEN_AT))
    clients = some_clients(practice)
    pairs = everyone(clients.size, len(encoding.roster))
    prepared = model.prepare(clients, encoding, pairs)
    planned = compile_plan(model, encoding).score(clients, pairs)
    index = prepared.clinician_index
    effect = model.additive.fit.terms(model.additive.frame.index_blocks(index))["by_level"]
    matches = prepared.rows.match.shape[1]

    assert planned.history.T.tolist() == prepared.rows.history.tolist()
    by_level = prepared.rows.clinician.shape[1] + matches + 2
    assert planned.added[:, by_level].tolist() == effect.tolist()
    assert np.abs(effect).max() > 0
    scores = model.score_of(prepared)
    assert planned.scores.pairing == pytest.approx(scores.pairing, abs=1e-9)
    found, parts = contributions_of(planned), model.contributions_of(prepared)
    assert found.values == pytest.approx(parts.values, abs=1e-9)
    one, other = np.triu_indices(30, 1)
    assert ahead(planned, one, other) == pytest.approx(
        model.ahead(prepared, one, other, scores), abs=1e-6
    )


@BY
def test_one_client_has_the_bits_they_have_among_others(field: str, kind: str) -> None:
    model, practice = a_model_by(field, kind), a_practice_by(field, kind)
    encoding = model.encode_roster(tables_of(rows_with_several_tags(), practice).roster(TAKEN_AT))
    clients, size = some_clients(practice), len(encoding.roster)
    plan = compile_plan(model, encoding)
    together = plan.score(clients, everyone(clients.size, size)).scores.pairing.reshape(-1, size)

    for row in range(clients.size):
        alone = plan.score(clients.row(row), Pairs.of_one(size))
        assert alone.scores.pairing.tolist() == together[row].tolist()
        assert alone.followed_by(alone).history.shape[1] == 2 * size


def test_a_changed_tag_is_scored_as_if_it_were_stated_and_nobody_without_pairs() -> None:
    model, practice = a_model_by("wanted", "tags"), a_practice_by("wanted", "tags")
    encoding = model.encode_roster(tables_of(rows_with_several_tags(), practice).roster(TAKEN_AT))
    clients, size = some_clients(practice), len(encoding.roster)
    plan, everybody = compile_plan(model, encoding), Pairs.of_one(size)
    before = plan.score(clients.row(0), everybody)
    after = plan.score_changed(before, [np.arange(size)], [clients.row(1)], [{"wanted"}])
    nobody = Pairs(np.empty(0, dtype=np.intp), np.empty(0, dtype=np.intp))

    stated = plan.score(clients.row(1), everybody)
    assert after.scores.pairing.tolist() == stated.scores.pairing.tolist()
    assert after.scores.pairing.tolist() != before.scores.pairing.tolist()
    assert len(plan.score(clients, nobody)) == 0


@BY
def test_a_stored_model_scores_as_it_did(field: str, kind: str, tmp_path: Path) -> None:
    model, practice = a_model_by(field, kind), a_practice_by(field, kind)
    roster = tables_of(rows_with_several_tags(), practice).roster(TAKEN_AT)
    save_bundle(model, tmp_path / "bundle")
    stored = load_bundle(tmp_path / "bundle")
    clients = some_clients(practice)
    pairs = everyone(clients.size, len(roster))
    before, after = (
        each.score(clients, each.encode_roster(roster), pairs) for each in (model, stored)
    )

    assert after.pairing.tolist() == before.pairing.tolist()


def test_a_client_with_several_tags_has_the_mean_of_their_records_and_none_without() -> None:
    reports = ClientReports(
        clinician=np.array([0, 0, 0]),
        level=np.array([[0, 1], [0, -1], [2, -1]]),
        residual=np.array([0.6, 0.3, -0.9]),
        clinicians=2,
        levels=3,
    )
    records = records_of(reports, Shrinkage(overall=3.0, by_level=6.0))
    one = records.rows(np.array([0, 0, 0]), np.array([0, 1, 2]))
    several = records.rows(np.array([0, 0, 1, -1]), np.array([[0, 2], [-1, -1], [0, 1], [0, 1]]))

    # The rating of the client with two tags counts in both.
    assert records.level_count[0].tolist() == [2, 1, 1]
    assert several[0, :2].tolist() == one[0, :2].tolist()
    assert several[0, 2:] == pytest.approx((one[0, 2:] + one[2, 2:]) / 2)
    assert several[1, 2:].tolist() == [0, 0]
    assert several[2].tolist() == [0, 0, 0, 0]
    assert several[3].tolist() == [0, 0, 0, 0]


def test_a_single_tag_counts_as_a_level_of_a_category_does() -> None:
    rng = np.random.default_rng(4)
    level = rng.integers(-1, 3, 200)
    several = np.full((200, 3), -1)
    several[:, 0] = level
    as_category, as_tags = (
        records_of(
            ClientReports(np.arange(200) % 5, each, np.sin(np.arange(200.0)), 5, 3),
            Shrinkage(4.0, 8.0),
        )
        for each in (level, several)
    )

    assert as_tags.level_mean.tolist() == as_category.level_mean.tolist()
    rows = as_category.rows(np.arange(200) % 5, level)
    assert as_tags.rows(np.arange(200) % 5, several).tolist() == rows.tolist()


def test_the_effect_by_tags_is_a_weighted_sum_in_the_mixed_model_too() -> None:
    model, dataset = a_model_by("wanted", "tags"), a_dataset_by("wanted", "tags")
    index, frame = dataset.clinician_index, model.additive.frame
    block = frame.index_blocks(index)[-1]
    full = block.matrix().toarray()
    weights = level_weights(levels_of(dataset.practice, dataset.clients)[dataset.pairs.client])

    assert full.sum(axis=1) == pytest.approx(weights.sum(axis=1))
    coefficients = model.additive.fit.coefficients["by_level"]
    assert block.term(coefficients) == pytest.approx(full @ coefficients)


def test_reasons_speak_of_clients_with_any_of_the_same_tags() -> None:
    features = a_model_by("wanted", "tags").pipeline.features

    [by_level] = [each for each in features if each.name == "history.record_by_level"]
    assert by_level.phrase.endswith("among those with any of the same therapies asked for")
