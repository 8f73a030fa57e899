"""Contributions of trees: those of LightGBM and of shap, looked up instead of walked."""

import warnings

import lightgbm as lgb
import numpy as np
import pytest

from recommender.errors import BundleError
from recommender.model.trees.ensemble import Trees
from recommender.model.trees.tables import MAX_EXPLAINED_SPLITS, MAX_SCORED_SPLITS
from tests.support.builders import a_dataset, a_model, an_encoding
from tests.support.grown_trees import Rows, grown_on, odd_rows


def training_rows() -> Rows:
    dataset = a_dataset()
    return a_model().rows(dataset.clients, an_encoding(), dataset.pairs)[0].model_columns()


def walked(trees: Trees, rows: Rows) -> Rows:
    booster = lgb.Booster(model_str=trees.text)
    return np.asarray(booster.predict(rows.astype(np.float32), pred_contrib=True, num_threads=1))


def test_contributions_are_those_shap_finds_in_the_same_trees() -> None:
    # Late: every worker of a parallel run collects this module, and one runs it.
    with warnings.catch_warnings():
        # shap makes its colour maps in a way matplotlib is about to forbid.
        warnings.simplefilter("ignore")
        import shap

    trees, rows = a_model().trees, training_rows()
    assert trees is not None
    explainer = shap.TreeExplainer(lgb.Booster(model_str=trees.text))
    # Told that the trees are LightGBM's, shap would ask LightGBM instead of walking them itself.
    explainer.model.model_type = "internal"
    found = trees.contributions(rows)

    assert found[:, :-1] == pytest.approx(explainer.shap_values(rows.astype(np.float32)), abs=1e-6)
    assert found[0, -1] == pytest.approx(float(explainer.expected_value[0]), abs=1e-6)


def test_contributions_are_those_lightgbm_walks_to() -> None:
    trees, rows = a_model().trees, training_rows()
    assert trees is not None

    assert trees.contributions(rows) == pytest.approx(walked(trees, rows), abs=1e-9)


@pytest.fixture(
    scope="module",
    params=[
        {},
        {"num_leaves": 2},
        {"num_leaves": 5},
        {"num_leaves": 7},
        {"num_leaves": 12},
        {"zero_as_missing": True},
        {"use_missing": False},
        {"max_depth": 2},
        {"num_trees": 1},
    ],
    ids=str,
)
def grown(request: pytest.FixtureRequest) -> Trees:
    """Trees grown in every way that changes how they are read."""
    return grown_on(*odd_rows(), **request.param)


def test_contributions_agree_for_every_way_of_growing(grown: Trees) -> None:
    others = odd_rows(seed=5)[0]

    assert grown.contributions(others) == pytest.approx(walked(grown, others), abs=1e-9)
    assert grown.contributions(others).sum(axis=1) == pytest.approx(grown.score(others), abs=1e-9)


def test_scores_have_the_bits_of_lightgbms(grown: Trees) -> None:
    others = odd_rows(seed=5)[0]
    booster = lgb.Booster(model_str=grown.text)

    assert (
        grown.score(others).tolist()
        == np.asarray(booster.predict(others.astype(np.float32))).tolist()
    )


@pytest.mark.parametrize(
    ("leaves", "scored", "explained"),
    [
        (MAX_EXPLAINED_SPLITS + 1, True, True),
        (MAX_SCORED_SPLITS + 1, True, False),
        (MAX_SCORED_SPLITS + 2, False, False),
    ],
)
def test_only_trees_too_large_for_a_table_are_walked(
    leaves: int, scored: bool, explained: bool
) -> None:
    trees = grown_on(*odd_rows(), num_leaves=leaves)

    assert (trees.scores is not None, trees.shapley is not None) == (scored, explained)


def test_a_table_that_reads_a_split_otherwise_than_lightgbm_is_refused() -> None:
    trees = grown_on(*odd_rows())
    assert trees.scores is not None
    trees.scores.splits.threshold[3] += 1.0

    with pytest.raises(BundleError, match="read otherwise than by LightGBM"):
        trees.prepare()


def test_more_rows_than_are_looked_up_at_once_give_the_same(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    rows, label = odd_rows()
    trees = grown_on(rows, label)
    whole = trees.contributions(rows)
    monkeypatch.setattr("recommender.model.trees.tables.CHUNK_ROWS", 7)

    assert np.array_equal(trees.contributions(rows), whole)


def test_a_row_alone_has_the_score_and_contributions_it_has_among_many() -> None:
    trees, rows = a_model().trees, training_rows()
    assert trees is not None
    scores, parts = trees.score(rows), trees.contributions(rows)

    for row in range(0, len(rows), 7):
        assert trees.score(rows[row : row + 1])[0] == scores[row]
        assert np.array_equal(trees.contributions(rows[row : row + 1])[0], parts[row])


def test_values_that_lightgbm_reads_as_zero_are_read_so() -> None:
    trees = grown_on(*odd_rows())
    tiny = np.array([-1e-35, 1e-35, np.float32(1e-35), 1e-38])[:, None] * np.ones(6)

    assert trees.score(tiny).tolist() == trees.score(np.zeros((4, 6))).tolist()
    assert trees.contributions(tiny) == pytest.approx(walked(trees, tiny), abs=1e-9)


def test_trees_of_ratings_that_never_differ_give_everyone_the_same() -> None:
    trees = grown_on(np.ones((60, 2)), np.full(60, 3.5))

    assert trees.score(np.zeros((2, 2))).tolist() == [3.5, 3.5]
    assert trees.contributions(np.zeros((2, 2))).tolist() == [[0, 0, 3.5]] * 2


def test_nobody_asked_is_nobody_scored() -> None:
    trees = grown_on(*odd_rows())

    assert trees.score(np.zeros((0, 6))).shape == (0,)
    assert trees.contributions(np.zeros((0, 6))).shape == (0, 7)


def test_a_damaged_text_is_refused_before_lightgbm_reads_it() -> None:
    text = grown_on(*odd_rows()).text

    with pytest.raises(BundleError):
        Trees(text.replace("left_child=1", "left_child=7", 1))


def test_a_prepared_table_is_the_one_used() -> None:
    trees = grown_on(*odd_rows())
    trees.prepare()

    rows = odd_rows()[0]
    assert trees.contributions(rows) == pytest.approx(walked(trees, rows), abs=1e-9)
