"""One preparation: who left before rating is learned from, low, out of fold and without a hint."""

from dataclasses import replace
from functools import cache

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from threadpoolctl import threadpool_limits

from recommender.errors import RecommenderError
from recommender.features.history import ClientReports, Shrinkage, held_out_rows, records_of
from recommender.model.alliance_model import AllianceModel
from recommender.training.dataset import Dataset, dataset_of
from recommender.training.fit import FitResult, finish, fit
from recommender.training.fit_preparation import (
    ENOUGH_HELD_OUT,
    PreparedFit,
    held_out_folds,
    prepare,
)
from recommender.training.metrics import DROPOUT_QUANTILE
from recommender.training.tree_fitting import FitSettings, TreeSettings
from tests.support.builders import (
    QUICK,
    Rows,
    a_dataset,
    a_fit,
    a_practice,
    digest_of,
    some_rows,
    tables_of,
)


@cache
def a_preparation() -> PreparedFit:
    # `fit` sees to one thread of linear algebra itself; whoever goes step by step does it here.
    with threadpool_limits(1, user_api="blas"):
        return prepare(a_dataset(), np.arange(len(a_dataset())), QUICK)


def finished_with(settings: FitSettings) -> FitResult:
    with threadpool_limits(1, user_api="blas"):
        return finish(a_preparation(), settings)


def learned_from(rows: Rows, settings: FitSettings = QUICK) -> FitResult:
    return fit(dataset_of(tables_of(rows), a_practice()), settings=settings)


def digest_without_tables(model: AllianceModel) -> str:
    """The digest of what was learned, whatever else the tables hold."""
    return digest_of(replace(model, manifest=replace(model.manifest, data_digest="")))


# Those who left


def test_pairings_that_ended_unrated_stand_behind_the_rated_ones() -> None:
    dataset, learned = a_dataset(), a_preparation().learned
    left = dataset.dropouts_with(np.arange(len(dataset)))

    assert learned.rated == len(dataset)
    assert len(learned.residual) == len(dataset) + len(left)
    assert np.array_equal(learned.pairs.client[learned.rated :], dataset.dropouts.client[left])
    assert np.array_equal(
        learned.pairs.clinician[learned.rated :], dataset.dropouts.clinician[left]
    )
    assert len(left) > 50


def test_who_left_counts_as_the_fifteenth_of_a_hundred_who_rated() -> None:
    learned = a_preparation().learned
    rated, weight = learned.residual[: learned.rated], learned.weight[: learned.rated]
    order = np.argsort(rated)
    reached = np.cumsum(weight[order]) >= DROPOUT_QUANTILE * weight.sum()

    assert DROPOUT_QUANTILE == 0.15
    assert set(learned.residual[learned.rated :].tolist()) == {rated[order][reached.argmax()]}
    assert set(learned.weight[learned.rated :].tolist()) == {1.0}


def test_the_fifteenth_of_a_hundred_is_counted_by_weight_not_by_head() -> None:
    # Labels of two ratings weigh more: the quantile is that of what they weigh together.
    rows = some_rows()
    low = [row for row in rows["ratings"] if float(row["score"]) < 40]
    again = [row | {"session": "4"} for row in low]
    dataset = dataset_of(tables_of({**rows, "ratings": [*rows["ratings"], *again]}), a_practice())
    learned = prepare(dataset, np.arange(len(dataset)), QUICK).learned
    rated, weight = learned.residual[: learned.rated], learned.weight[: learned.rated]
    value = learned.residual[-1]

    assert len(set(weight.tolist())) > 1
    assert weight[rated < value].sum() < DROPOUT_QUANTILE * weight.sum()
    assert weight[rated <= value].sum() >= DROPOUT_QUANTILE * weight.sum() - 1e-9
    assert value != np.quantile(rated, DROPOUT_QUANTILE, method="inverted_cdf")


def test_a_late_rating_of_someone_who_left_teaches_nothing() -> None:
    # A first-session rating is no early one here: the pairing ended unrated whatever it said.
    rows = some_rows()
    left = [row for row in rows["pairings"] if row["ended_on"]]
    digests = set()
    for score in ("12", "60"):
        said = [
            rows["ratings"][0]
            | {
                "pairing_id": row["pairing_id"],
                "session": "1",
                "rated_on": row["started_on"],
                "known_on": row["started_on"],
                "score": score,
            }
            for row in left
        ]
        fitted = learned_from({**rows, "ratings": [*rows["ratings"], *said]})
        assert fitted.model.manifest.left_unrated == len(left)
        assert fitted.model.manifest.ratings == len(rows["ratings"])
        digests.add(digest_without_tables(fitted.model))

    assert digests == {digest_without_tables(a_fit().model)}


def test_who_left_is_never_in_the_client_part_or_the_records() -> None:
    prepared = a_preparation()
    dataset = prepared.dataset
    nobody = np.zeros(0, dtype=np.intp)
    none_left = replace(
        dataset, dropouts=dataset.dropouts.take(nobody), dropouts_ended=np.zeros(0, np.int64)
    )
    without = prepare(none_left, prepared.train, QUICK)

    assert prepared.records.count.sum() == len(dataset)
    assert prepared.client.mean == without.client.mean
    assert len(prepared.client.expected) == len(dataset)


def test_a_clinician_whom_clients_leave_is_expected_to_be_rated_lower() -> None:
    rows = some_rows(clinicians=6)
    with_first = [
        place for place, row in enumerate(rows["pairings"]) if row["clinician_id"] == "k00"
    ]
    gone = {rows["pairings"][place]["pairing_id"] for place in with_first[::2]}
    left = [
        row | {"sessions": "1", "ended_on": row["started_on"]} if row["pairing_id"] in gone else row
        for row in rows["pairings"]
    ]
    ratings = [row for row in rows["ratings"] if row["pairing_id"] not in gone]
    stayed = [row for row in rows["pairings"] if row["pairing_id"] not in gone]
    settings = replace(QUICK, fewest_for_trees=10_000)
    known, unknown = (
        learned_from({**rows, "pairings": p, "ratings": ratings}, settings).model
        for p in (left, stayed)
    )

    effect = [model.additive.fit.coefficients["clinicians"][0] for model in (known, unknown)]
    assert effect[0] < effect[1] - 0.01


# No hint of who left


def test_trees_learned_who_had_left_from_the_number_of_ratings() -> None:
    """Counted from all folds beside those who left, and out of fold beside those who rated."""
    learned, levels = a_preparation().learned, 3
    counts = np.rint(np.expm1(learned.rows.history[:, 1::2]))
    is_left = np.arange(len(counts)) >= learned.rated
    told = learned.clinician_index.level >= 0
    for cell, column in (
        (learned.clinician_index.clinician, 0),
        (
            np.where(
                told, learned.clinician_index.clinician * levels + learned.clinician_index.level, -1
            ),
            1,
        ),
    ):
        both = 0
        for fold, place in {(f, c) for f, c in zip(learned.fold, cell, strict=True) if c >= 0}:
            alike = (learned.fold == fold) & (cell == place)
            assert len(set(counts[alike, column].tolist())) == 1
            both += int(is_left[alike].any() and not is_left[alike].all())
        assert both > 10


def test_a_row_holds_the_records_of_the_raters_of_other_folds() -> None:
    prepared = a_preparation()
    learned = prepared.learned
    rated = learned.fold[: learned.rated]
    clinician = learned.clinician_index.clinician

    for row in (0, 100, learned.rated, len(learned.fold) - 1):
        others = (rated != learned.fold[row]) & (clinician[: learned.rated] == clinician[row])
        assert np.expm1(learned.rows.history[row, 1]) == pytest.approx(others.sum())


def by_chance() -> Rows:
    """Clients leave, and rate, whatever the clinician: there is nothing to learn of who stays."""
    rows = some_rows(pairings=700, seed=5)
    rng = np.random.default_rng(0)
    scores = rng.permutation([row["score"] for row in rows["ratings"]])
    moved = [row | {"score": s} for row, s in zip(rows["ratings"], scores.tolist(), strict=True)]
    return {**rows, "ratings": moved}


def told_apart(dataset: Dataset) -> float:
    """How far apart held-out trees see those who rated from those who left, in points."""
    prepared = prepare(dataset, np.arange(len(dataset)), QUICK)
    trees = finish(prepared, QUICK).model.trees
    assert trees is not None
    scores = trees.score(prepared.learned.rows.model_columns())
    rated = prepared.learned.rated
    return float(scores[:rated].mean() - scores[rated:].mean())


@pytest.mark.slow
def test_where_leaving_is_chance_no_tree_can_tell_who_left(monkeypatch: pytest.MonkeyPatch) -> None:
    dataset = dataset_of(tables_of(by_chance()), a_practice())
    honest = told_apart(dataset)

    def leaky(
        reports: ClientReports,
        fold: np.ndarray,
        clinician: np.ndarray,
        level: np.ndarray,
        asked: np.ndarray,
        shrinkage: Shrinkage,
    ) -> np.ndarray:
        rows = held_out_rows(reports, fold, clinician, level, asked, shrinkage)
        whole = records_of(reports, shrinkage)
        rated = len(fold)
        rows[rated:] = whole.rows(clinician[rated:], level[rated:])
        return rows

    monkeypatch.setattr("recommender.training.fit_preparation.held_out_rows", leaky)
    assert told_apart(dataset) > 2 * honest


# Folds held out


@given(st.lists(st.integers(0, 30_000), min_size=1, max_size=8).filter(any))
def test_as_many_folds_are_held_out_as_say_enough_and_never_none(sizes: list[int]) -> None:
    fold = np.repeat(np.arange(len(sizes)), sizes)
    tried = held_out_folds(fold)
    rows = np.isin(fold, tried).sum()

    assert tried == list(range(len(tried)))
    assert rows >= min(ENOUGH_HELD_OUT, len(fold))
    assert len(tried) >= 1
    assert np.isin(fold, tried[:-1]).sum() < ENOUGH_HELD_OUT


def test_below_the_number_that_is_enough_every_fold_is_held_out() -> None:
    assert held_out_folds(np.arange(ENOUGH_HELD_OUT - 1) % 5) == [0, 1, 2, 3, 4]
    assert a_preparation().held_out_folds == [0, 1, 2]
    assert np.isfinite(a_preparation().held_out).all()


def test_far_above_it_fewer_are() -> None:
    assert held_out_folds(np.arange(10 * ENOUGH_HELD_OUT) % 5) == [0]
    assert held_out_folds(np.arange(3 * ENOUGH_HELD_OUT) % 5) == [0, 1]


def test_rows_of_folds_nobody_needed_are_not_predicted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("recommender.training.fit_preparation.ENOUGH_HELD_OUT", 150)
    prepared = prepare(a_dataset(), np.arange(len(a_dataset())), QUICK)
    fitted = finish(prepared, QUICK)
    rated = prepared.learned.fold[: prepared.learned.rated]

    assert prepared.held_out_folds == [0, 1]
    assert np.array_equal(np.isnan(prepared.held_out), prepared.learned.fold == 2)
    assert np.array_equal(np.isnan(fitted.out_of_fold), rated == 2)
    assert np.isfinite(
        [fitted.model.survivor_offset, fitted.model.interval.low, fitted.model.tree_weight]
    ).all()


def test_a_row_held_out_is_predicted_by_a_fit_that_saw_neither_rating_nor_leaving() -> None:
    dataset, prepared = a_dataset(), a_preparation()
    inside = np.flatnonzero(prepared.learned.fold[: len(dataset)] == 1)
    pomp = dataset.early.rows["pomp"].to_numpy(copy=True)
    chosen = dataset.rated_rows(inside)
    pomp[chosen] = pomp[chosen][::-1]
    moved = replace(
        dataset, early=replace(dataset.early, rows=dataset.early.rows.assign(pomp=pomp))
    )
    again = prepare(moved, np.arange(len(dataset)), QUICK)

    # Variances, scales and the low quantile are of all rows and move a little; nothing else may.
    before, after = (p.held_out[prepared.learned.fold == 1] for p in (prepared, again))
    assert np.corrcoef(before, after)[0, 1] > 0.98


# One preparation, many trees


def test_preparing_and_finishing_is_fitting() -> None:
    assert digest_of(finished_with(QUICK).model) == digest_of(a_fit().model)


def test_finishing_twice_gives_the_same_bytes() -> None:
    one, two = (finished_with(QUICK) for _ in range(2))

    assert digest_of(one.model) == digest_of(two.model)
    assert one.out_of_fold.tobytes() == two.out_of_fold.tobytes()


@pytest.mark.parametrize(
    "other",
    [
        replace(QUICK, pairing=TreeSettings(num_leaves=8, num_trees=30, bagging_fraction=0.9)),
        replace(QUICK, pairing=TreeSettings(num_leaves=3, num_trees=20, feature_fraction=1.0)),
        replace(QUICK, fewest_for_trees=10_000),
    ],
    ids=["larger trees", "smaller trees", "no trees"],
)
def test_other_trees_on_one_preparation_are_those_of_a_fresh_fit(other: FitSettings) -> None:
    finished, fresh = finished_with(other), fit(a_dataset(), settings=other)

    assert digest_of(finished.model) == digest_of(fresh.model)
    assert finished.out_of_fold.tobytes() == fresh.out_of_fold.tobytes()
    assert digest_of(finished.model) != digest_of(a_fit().model)


@pytest.mark.parametrize(
    ("pairings", "folds", "way_out"),
    [(3, 1, "hold back"), (2, 2, "more clients have rated")],
)
def test_a_practice_of_few_clients_is_told_the_way_out_and_not_of_free_columns(
    pairings: int, folds: int, way_out: str
) -> None:
    with pytest.raises(RecommenderError, match=way_out):
        fit(a_dataset(), np.arange(pairings), replace(QUICK, folds=folds, fewest_for_trees=10_000))
