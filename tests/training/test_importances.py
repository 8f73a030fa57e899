"""How far columns and groups move predictions."""

import numpy as np
import pytest

from recommender.notebook.regression import regression_data
from recommender.training.estimator import AllianceRegressor
from tests.support.builders import a_practice
from tests.support.frames import loaded_tables


def learned() -> tuple[AllianceRegressor, dict[str, float]]:
    X, y, _, _ = regression_data(loaded_tables())
    regressor = AllianceRegressor(a_practice(), folds=3, fewest_for_trees=100).fit(X, y)
    sizes = dict(zip(regressor.feature_names_in_, regressor.feature_importances_, strict=True))
    return regressor, sizes


def test_each_column_has_a_size_in_points() -> None:
    regressor, sizes = learned()

    assert len(regressor.feature_importances_) == regressor.n_features_in_
    assert all(size >= 0 for size in sizes.values())
    # The truth has two matches and each clinician's own quality.
    large = sorted(sizes, key=lambda name: -sizes[name])[:5]
    assert set(large) == {
        "client.wanted",
        "clinician.offers",
        "client.directive",
        "clinician.guides",
        "clinician_id",
    }


def test_what_no_model_reads_has_no_size() -> None:
    _, sizes = learned()

    assert {sizes[name] for name in ("client_id", "client.home", "client.max_fee")} == {0.0}


def test_groups_are_those_of_the_definition_the_largest_first() -> None:
    regressor, _ = learned()
    groups = regressor.group_importances_

    assert set(groups.index) == set(a_practice().groups)
    assert groups.is_monotonic_decreasing


def test_a_matrix_has_a_size_for_each_column_and_no_groups() -> None:
    rng = np.random.default_rng(0)
    numbers = rng.normal(size=(200, 3))
    regressor = AllianceRegressor().fit(numbers, 2 * numbers[:, 1] + rng.normal(0, 0.1, 200))

    assert regressor.feature_importances_.argmax() == 1
    # The mean absolute deviation of 2 x for standard normal x is 2 sqrt(2 / pi), 1.6.
    assert regressor.feature_importances_[1] == pytest.approx(1.6, abs=0.2)
    assert regressor.group_importances_.empty


def test_of_a_large_data_set_some_pairings_are_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    _, sizes = learned()
    monkeypatch.setattr("recommender.training.importances.MAX_ROWS", 150)
    _, of_some = learned()

    names = [name for name, size in sizes.items() if size > 0.05]
    assert [of_some[name] for name in names] == pytest.approx(
        [sizes[name] for name in names], rel=0.25
    )
