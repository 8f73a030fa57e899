"""The level of those who stay: learned with those who left, said of those who reach a rating."""

from dataclasses import replace
from functools import cache

import numpy as np
import pytest

from recommender.features.pipeline import Pairs
from recommender.training.baselines import encode_clinicians
from recommender.training.dataset import Dataset, dataset_of
from recommender.training.fit import FitResult, fit
from recommender.training.tree_fitting import FitSettings
from tests.support.builders import QUICK, Rows, a_dataset, a_fit, a_practice, some_rows, tables_of

NO_TREES = replace(QUICK, fewest_for_trees=100_000)


def nobody_left(rows: Rows) -> Rows:
    """The same ratings in a practice where whoever did not rate is still there."""
    return {**rows, "pairings": [row | {"ended_on": ""} for row in rows["pairings"]]}


def dataset_from(rows: Rows) -> Dataset:
    return dataset_of(tables_of(rows), a_practice())


@cache
def without_dropouts() -> FitResult:
    return fit(dataset_from(nobody_left(some_rows())), settings=QUICK)


def error_of(fitted: FitResult, dataset: Dataset) -> float:
    """Weighted mean of what ratings were above what was predicted out of fold, in points."""
    apart = fitted.labels.alliance - fitted.out_of_fold
    return float(np.average(apart, weights=fitted.labels.weight))


def test_what_is_predicted_out_of_fold_has_the_level_of_those_who_rated() -> None:
    assert error_of(a_fit(), a_dataset()) == pytest.approx(0, abs=1e-12)


def test_ratings_that_weigh_more_count_more_for_the_level() -> None:
    rows = some_rows()
    again = [row | {"session": "4"} for row in rows["ratings"] if float(row["score"]) < 44]
    dataset = dataset_from({**rows, "ratings": [*rows["ratings"], *again]})
    fitted = fit(dataset, settings=QUICK)
    apart = fitted.labels.alliance - fitted.out_of_fold

    assert error_of(fitted, dataset) == pytest.approx(0, abs=1e-12)
    assert abs(apart.mean()) > 1e-3


def test_clients_who_stay_were_told_the_level_of_those_who_left() -> None:
    # Half of those who did not rate left: the pairing part alone is then too low for who stays.
    assert a_fit().model.survivor_offset > 0.05


def test_in_a_practice_that_nobody_left_there_is_nothing_to_correct() -> None:
    fitted = without_dropouts()

    assert fitted.model.manifest.left_unrated == 0
    assert abs(fitted.model.survivor_offset) < 0.02


def test_a_practice_that_nobody_left_learns_as_if_dropouts_had_never_been_thought_of() -> None:
    dataset = dataset_from(some_rows())
    nobody = np.zeros(0, dtype=np.intp)
    none_known = replace(
        dataset,
        dropouts=Pairs(nobody, nobody),
        dropouts_started=np.zeros(0, dtype=np.int64),
        dropouts_ended=np.zeros(0, dtype=np.int64),
    )
    fitted = fit(none_known, settings=QUICK)
    one, other = (
        f.model.score(dataset.clients, encode_clinicians(dataset), dataset.pairs).alliance
        for f in (fitted, without_dropouts())
    )

    assert np.array_equal(one, other)


@pytest.mark.parametrize("settings", [QUICK, NO_TREES], ids=["with trees", "without trees"])
def test_new_clients_who_stay_rate_on_average_what_was_predicted(settings: FitSettings) -> None:
    rows = some_rows(pairings=1500, seed=11)
    dataset = dataset_from(rows)
    train, test = np.arange(700), np.arange(700, len(dataset))
    fitted = fit(dataset, train, settings)
    scores = fitted.model.score(
        dataset.clients, encode_clinicians(dataset), dataset.pairs.take(test)
    )
    error = float((fitted.labels.alliance[test] - scores.alliance).mean())

    assert fitted.model.survivor_offset > 0.05
    assert abs(error) < 0.04


def test_the_range_is_that_of_predictions_at_the_level_of_those_who_stay() -> None:
    model, apart = a_fit().model, a_fit().labels.alliance - a_fit().out_of_fold

    assert model.interval.low < 0 < model.interval.high
    inside = (model.interval.low <= apart) & (apart <= model.interval.high)
    assert 0.9 <= inside.mean() <= 0.92


def test_the_manifest_says_how_many_left_and_until_when_it_knew() -> None:
    dataset = a_dataset()
    train = np.arange(150)
    manifest = fit(dataset, train, NO_TREES).model.manifest

    known = dataset.known[train].max()
    assert manifest.known_until == str(np.datetime64(int(known), "D"))
    assert manifest.left_unrated == len(dataset.dropouts_with(train))
    assert 0 < manifest.left_unrated < len(dataset.dropouts.client)
    # Who is judged by it began later: the last pairing learned from began before it was known.
    assert manifest.last_day is not None
    assert manifest.known_until > manifest.last_day


def test_who_left_after_the_last_known_rating_changes_nothing() -> None:
    dataset, train = a_dataset(), np.arange(150)
    later = dataset.dropouts_ended > dataset.known[train].max()
    turned = dataset.dropouts.clinician.copy()
    turned[later] = (turned[later] + 1) % 12
    moved = replace(dataset, dropouts=replace(dataset.dropouts, clinician=turned))
    one, other = (fit(data, train, QUICK).model for data in (dataset, moved))

    assert later.any()
    assert (one.survivor_offset, one.tree_weight, one.interval) == (
        other.survivor_offset,
        other.tree_weight,
        other.interval,
    )
    for name, own in one.additive.fit.coefficients.items():
        assert np.array_equal(own, other.additive.fit.coefficients[name])


def test_with_few_raters_and_many_who_left_something_is_still_learned() -> None:
    rows = some_rows()
    fitted = fit(dataset_from({**rows, "ratings": rows["ratings"][:5]}))

    assert fitted.model.manifest.pairings == 5
    assert np.isfinite([fitted.model.survivor_offset, fitted.model.interval.low]).all()
    assert np.isfinite(fitted.out_of_fold).all()


@pytest.mark.parametrize("trees", [100, 100_000])
def test_where_all_ratings_are_equal_those_who_left_are_taken_to_be_too(trees: int) -> None:
    rows = some_rows()
    same = {**rows, "ratings": [row | {"score": "48"} for row in rows["ratings"]]}
    fitted = fit(dataset_from(same), settings=replace(QUICK, fewest_for_trees=trees))

    assert fitted.model.manifest.left_unrated > 0
    assert fitted.model.survivor_offset == pytest.approx(0, abs=1e-9)
    assert fitted.out_of_fold == pytest.approx(np.full(len(a_dataset()), 4.0), abs=1e-6)
