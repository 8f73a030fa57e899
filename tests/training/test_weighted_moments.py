"""Many weightings at once say what one at a time says, and rounding is never a signal."""

import numpy as np
import pytest
from scipy import stats

from recommender.training.metrics import Floats, Ints, low_quantile, products


def some_rows(seed: int = 0, n: int = 200) -> tuple[Floats, Floats, Floats, Ints]:
    """Client part, label, score and group of n rows."""
    rng = np.random.default_rng(seed)
    client, score, group = rng.normal(4, 1, n), rng.normal(0, 2, n), rng.integers(0, 9, n)
    return client, client + 0.3 * score + rng.normal(size=n), score, group


def test_a_weight_is_so_many_rows() -> None:
    client, label, score, group = some_rows()
    weights = np.random.default_rng(1).integers(0, 4, (200, 5)).astype(float)
    found = products([client, label, score], group).at(weights)
    for draw in range(5):
        again = np.repeat(np.arange(200), weights[:, draw].astype(int))
        ready = products([client[again], label[again], score[again]], group[again])
        one = ready.at(np.ones((len(again), 1)))
        assert found.partial()[draw] == pytest.approx(one.partial()[0])
        assert found.slope()[draw] == pytest.approx(one.slope()[0])
        assert found.within[draw] == pytest.approx(one.within[0])


def test_the_slope_is_that_of_a_regression_on_the_score() -> None:
    client, label, score, _ = some_rows()
    found = products([client, label, score]).at(np.ones((200, 1))).slope()
    assert found[0] == pytest.approx(stats.linregress(score, label - client).slope)


def test_new_columns_made_of_old_ones_are_as_if_they_had_been_given() -> None:
    client, label, score, _ = some_rows()
    lowered = label - 0.7 * score
    weights = np.ones((200, 1))
    shares = np.array([[[1.0, 0, 0], [0, 1, -0.7], [0, 0, 1]]])
    mixed = products([client, label, score]).at(weights).mixed(shares)
    assert mixed.partial() == pytest.approx(
        products([client, lowered, score]).at(weights).partial()
    )


@pytest.mark.parametrize("scale", [1e-9, 1.0, 1e9])
def test_what_is_left_of_a_score_by_rounding_orders_nobody(scale: float) -> None:
    client, label, _, group = some_rows()
    for score in (np.full(200, 0.1), 0.1 + client / 3, 7 - client):
        for groups in (None, group):
            found = products([client, label, scale * score], groups).at(np.ones((200, 1)))
            assert found.partial()[0] == 0.0


def test_a_label_that_leaves_nothing_is_not_said_to_be_unrelated() -> None:
    client, _, score, group = some_rows()
    for label in (np.full(200, 3.0), 2 * client - 1):
        assert np.isnan(products([client, label, score]).at(np.ones((200, 1))).partial()[0])
    each = np.arange(200)
    assert np.isnan(products([client, score, score], each).at(np.ones((200, 1))).partial()[0])
    assert np.isfinite(products([client, score, score], group).at(np.ones((200, 1))).partial()[0])


def test_no_rows_or_fewer_than_three_say_nothing() -> None:
    nobody = np.zeros(0)
    assert np.isnan(products([nobody] * 3).at(np.ones((0, 2))).partial()).all()
    client, label, score, _ = some_rows()
    weights = np.zeros((200, 2))
    weights[:2, 0], weights[:3, 1] = 5.0, 1.0
    found = products([client, label, score]).at(weights).partial()
    assert np.isnan(found[0])
    assert np.isfinite(found[1])


def test_the_low_quantile_is_numpy_s_inverted_cdf_at_each_weighting() -> None:
    rng = np.random.default_rng(2)
    values, weights = np.round(rng.normal(size=50), 1), rng.integers(0, 4, (50, 6)).astype(float)
    for quantile in (0.05, 0.15, 0.5):
        expected = [
            np.quantile(values, quantile, weights=weights[:, draw], method="inverted_cdf")
            for draw in range(6)
        ]
        assert low_quantile(values, weights, quantile).tolist() == expected
    assert np.isnan(low_quantile(values, np.zeros((50, 1)), 0.15)[0])
    assert np.isnan(low_quantile(np.zeros(0), np.ones((0, 1)), 0.15)[0])
