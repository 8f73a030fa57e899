"""Figures that cannot be fooled: decoys score what they are worth."""

from dataclasses import replace
from functools import cache

import numpy as np
import pytest

from recommender.training.baselines import ADDITIVE, AVERAGE, LEARNERS, OURS, RANDOM, Guess
from recommender.training.bootstrap import bootstrap
from recommender.training.dataset import Dataset, dataset_of
from recommender.training.evaluate import (
    METRICS,
    Evaluation,
    evaluate,
    measure_range,
    ours_minus,
)
from recommender.training.folds import clients_left_out, forward
from recommender.training.growth import FitSettings
from tests.builders import a_practice, some_rows, tables_of

QUICK = FitSettings(fewest_for_trees=100, folds=3)
PARTIALS = ("client-adjusted partial", "dyad partial", "composite")


@cache
def a_world() -> Dataset:
    return dataset_of(tables_of(some_rows(pairings=1200, seed=5)), a_practice())


@cache
def an_evaluation() -> Evaluation:
    return evaluate(a_world(), forward(a_world(), 0.4), QUICK, draws=40)


def measured(pairing: np.ndarray, metric: str) -> float:
    tested = an_evaluation().tested
    guess = Guess(pairing, tested.expected + pairing)
    return METRICS[metric](tested, guess, np.ones(len(tested.label)))


@pytest.mark.parametrize("metric", PARTIALS)
def test_a_model_that_only_knows_the_client_orders_nobody(metric: str) -> None:
    assert measured(an_evaluation().tested.expected, metric) == pytest.approx(0, abs=1e-9)
    assert measured(3 - 2 * an_evaluation().tested.expected, metric) == pytest.approx(0, abs=1e-9)


@pytest.mark.parametrize("metric", PARTIALS)
def test_a_constant_orders_nobody(metric: str) -> None:
    assert measured(np.full(len(an_evaluation().tested.label), 4.2), metric) == 0


def test_a_model_that_only_knows_who_is_popular_has_no_dyad_partial() -> None:
    evaluation = an_evaluation()

    assert measured(evaluation.guesses[AVERAGE].pairing, "dyad partial") == pytest.approx(
        0, abs=1e-9
    )
    assert evaluation.value(AVERAGE, "client-adjusted partial") != 0


def test_the_ratings_themselves_as_a_score_have_every_partial_of_one() -> None:
    tested = an_evaluation().tested
    label = np.where(np.isnan(tested.label), 0, tested.label)

    assert measured(label, "client-adjusted partial") == pytest.approx(1)
    assert measured(label, "dyad partial") == pytest.approx(1)


@pytest.mark.parametrize("metric", PARTIALS)
def test_adding_what_the_client_says_to_a_score_changes_nothing(metric: str) -> None:
    own = an_evaluation().guesses[OURS].pairing

    moved = own + 5 * an_evaluation().tested.expected
    assert measured(moved, metric) == pytest.approx(measured(own, metric), abs=1e-9)


@pytest.mark.parametrize("metric", PARTIALS)
def test_where_there_is_something_to_learn_ours_finds_it(metric: str) -> None:
    evaluation = an_evaluation()
    row = evaluation.table.query("learner == @OURS and metric == @metric").iloc[0]

    assert row["low"] > 0
    assert evaluation.value(OURS, metric) > evaluation.value(RANDOM, metric) + 0.2
    assert evaluation.value(OURS, metric) > evaluation.value(AVERAGE, metric)


def test_where_ratings_are_shuffled_there_is_nothing_to_find() -> None:
    dataset, rng = a_world(), np.random.default_rng(1)
    rows = dataset.early.rows.copy()
    rows["pomp"] = rng.permutation(rows["pomp"].to_numpy())
    shuffled = replace(dataset, early=replace(dataset.early, rows=rows))
    null = evaluate(shuffled, forward(shuffled, 0.4), QUICK, draws=2)
    own, tested = null.guesses[OURS], null.tested

    interval = bootstrap(
        lambda weights: METRICS["dyad partial"](tested, own, weights),
        tested.client,
        tested.clinician,
        seed=0,
    )
    assert np.isnan(interval.value) or interval.low <= 0 <= interval.high


def test_every_learner_is_measured_on_the_same_rows() -> None:
    evaluation = an_evaluation()

    assert set(evaluation.guesses) == set(LEARNERS)
    for guess in evaluation.guesses.values():
        assert len(guess.pairing) == len(evaluation.tested.label)


def test_clients_who_left_before_rating_are_asked_too() -> None:
    (fold,) = forward(a_world(), 0.4)
    tested = an_evaluation().tested

    assert len(fold.left)
    assert np.isnan(tested.label).sum() == len(fold.left)
    assert tested.rated.sum() == len(fold.test)


def test_values_lie_within_their_intervals() -> None:
    table = an_evaluation().table

    assert (table["low"] <= table["high"]).all()
    assert ((table["low"] - 0.1 <= table["value"]) & (table["value"] <= table["high"] + 0.1)).all()


def test_orders_within_clients_are_not_reported_where_each_rated_once() -> None:
    evaluation = an_evaluation()

    assert not set(evaluation.table["metric"]) & {"Spearman", "NDCG@5", "pairs in order"}
    assert np.isnan(evaluation.value(OURS, "NDCG@5"))


def test_folds_by_client_measure_every_rating_once() -> None:
    dataset = a_world()
    evaluation = evaluate(dataset, clients_left_out(dataset, 3), QUICK, draws=2)

    assert evaluation.folds == ("clients 1", "clients 2", "clients 3")
    assert len(evaluation.tested.label) == len(dataset)


def test_the_stated_range_is_measured_on_rated_pairings() -> None:
    told = measure_range(an_evaluation().tested, 0.9)

    assert told["level"] == 0.9
    assert told["coverage"] == pytest.approx(0.9, abs=0.07)
    assert told["width"] > 0


def test_ours_is_compared_with_each_baseline_on_the_same_draws() -> None:
    evaluation = an_evaluation()
    told = ours_minus(evaluation, "composite").set_index("baseline")

    assert OURS not in told.index
    own = evaluation.value(OURS, "composite")
    for name in (RANDOM, AVERAGE):
        expected = own - evaluation.value(name, "composite")
        assert told["value"].to_dict()[name] == pytest.approx(expected)
    assert told["low"].to_dict()[RANDOM] > 0


def test_lists_of_one_client_in_two_folds_are_never_ranked_together() -> None:
    tested = replace(
        an_evaluation().tested,
        client=np.zeros(4, dtype=np.int64),
        fold=np.array([0, 0, 1, 1]),
    )

    assert tested.lists[0] == tested.lists[1] != tested.lists[2] == tested.lists[3]


def test_popularity_measured_over_folds_is_never_mistaken_for_matching() -> None:
    evaluation = evaluate(a_world(), clients_left_out(a_world(), 3), QUICK, draws=20)

    assert evaluation.value(ADDITIVE, "dyad partial") == pytest.approx(0, abs=1e-9)
    assert evaluation.value(AVERAGE, "dyad partial") == pytest.approx(0, abs=1e-9)
