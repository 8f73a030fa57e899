from itertools import permutations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from sklearn.metrics import ndcg_score

from experiments.within_client_ranking import ByClient, ndcg, pairacc, spearman
from recommender.training.metrics import Floats, Ints

SEEDS = st.integers(0, 10_000)


def some_lists(seed: int = 0, ties: bool = True) -> tuple[Floats, Floats, Ints]:
    """Prediction, label 1 to 5 and client of 12 clients with 1 to 8 rows, in random row order."""
    rng = np.random.default_rng(seed)
    sizes = rng.integers(1, 9, 12)
    client = rng.permutation(np.repeat(rng.permutation(40)[:12], sizes)).astype(np.int64)
    prediction = rng.normal(size=client.size)
    label = rng.integers(1, 6, client.size).astype(np.float64)
    return np.round(prediction) if ties else prediction, label, client


def counted(label: Floats, client: Ints) -> list[int]:
    """Clients with 3 rows or more and labels that differ."""
    codes = [int(c) for c in np.unique(client)]
    return [c for c in codes if (client == c).sum() >= 3 and np.ptp(label[client == c]) > 0]


@settings(max_examples=30, deadline=None)
@given(SEEDS)
def test_spearman_agrees_with_scipy_in_each_client(seed: int) -> None:
    prediction, label, client = some_lists(seed)
    found = spearman(prediction, label, client)
    assert found.client.tolist() == counted(label, client)
    for code, value in zip(found.client, found.value, strict=True):
        rows = client == code
        constant = np.ptp(prediction[rows]) == 0
        oracle = 0.0 if constant else stats.spearmanr(prediction[rows], label[rows]).statistic
        assert value == pytest.approx(oracle, abs=1e-12)


@settings(max_examples=30, deadline=None)
@given(SEEDS)
def test_ndcg_agrees_with_sklearn_where_nothing_is_tied(seed: int) -> None:
    prediction, label, client = some_lists(seed, ties=False)
    found = ndcg(prediction, label, client, minimum=1.0)
    for code, value in zip(found.client, found.value, strict=True):
        rows = client == code
        oracle = ndcg_score([label[rows] - 1], [prediction[rows]], k=5)
        assert value == pytest.approx(oracle)


def test_a_tied_ndcg_is_the_mean_over_all_ways_to_break_the_tie() -> None:
    prediction, label = np.array([2.0, 1.0, 1.0, 1.0, 0.0]), np.array([2.0, 5.0, 1.0, 3.0, 4.0])
    discount = 1 / np.log2(np.arange(2, 7))
    highest = np.array([4, 3, 2, 1, 0])[:3] @ discount[:3]
    ways = [(label[[0, *way, 4]] - 1)[:3] @ discount[:3] for way in permutations([1, 2, 3])]
    found = ndcg(prediction, label, np.zeros(5, dtype=np.int64), minimum=1.0, depth=3)
    assert found.value[0] == pytest.approx(np.mean(ways) / highest)


def test_ndcg_by_hand() -> None:
    # Gains 0, 1, 2 shown in the order 1, 2, 0: (1 / 1 + 2 / log2 3) / (2 / 1 + 1 / log2 3).
    prediction, label = np.array([0.0, 2.0, 1.0]), np.array([1.0, 2.0, 3.0])
    found = ndcg(prediction, label, np.zeros(3, dtype=np.int64), minimum=1.0)
    log3 = np.log2(3)
    assert found.value[0] == pytest.approx((1 + 2 / log3) / (2 + 1 / log3))


def test_concordance_by_hand() -> None:
    # Labels 1, 2, 2, 3: five pairs differ. 1-2 right, 1-2 tied, 1-3 right, 2-3 wrong, 2-3 right.
    prediction, label = np.array([0.0, 5.0, 0.0, 4.0]), np.array([1.0, 2.0, 2.0, 3.0])
    found = pairacc(prediction, label, np.zeros(4, dtype=np.int64))
    assert found.value[0] == pytest.approx((1 + 0.5 + 1 + 0 + 1) / 5)


def test_a_constant_prediction_scores_as_chance() -> None:
    _, label, client = some_lists()
    constant = np.zeros(label.size)
    assert spearman(constant, label, client).value.tolist() == [0.0] * len(counted(label, client))
    assert (pairacc(constant, label, client).value == 0.5).all()
    first, again = (ndcg(constant + c, label, client, 1.0).mean() for c in (0, 1))
    assert first == again


@settings(max_examples=20, deadline=None)
@given(SEEDS)
def test_the_order_of_rows_and_the_unit_of_predictions_change_nothing(seed: int) -> None:
    prediction, label, client = some_lists(seed)
    order = np.random.default_rng(seed).permutation(label.size)
    moved = 3 * prediction[order] + 1
    for one, other in (
        (spearman(prediction, label, client), spearman(moved, label[order], client[order])),
        (ndcg(prediction, label, client, 1.0), ndcg(moved, label[order], client[order], 1.0)),
        (pairacc(prediction, label, client), pairacc(moved, label[order], client[order])),
    ):
        np.testing.assert_array_equal(one.client, other.client)
        np.testing.assert_allclose(one.value, other.value, atol=1e-12)


@pytest.mark.parametrize("rows", [0, 4])
def test_without_lists_there_is_no_mean_and_a_reason(rows: int) -> None:
    label, client = np.arange(rows, dtype=float), np.arange(rows)
    for found in (
        spearman(label, label, client),
        ndcg(label, label, client, 0.0),
        pairacc(label, label, client),
    ):
        assert np.isnan(found.mean())
        assert found.why_missing == "no client has 3 rows with labels that differ"


def test_a_mean_counts_each_client_by_the_mean_weight_of_its_rows() -> None:
    found = ByClient(np.array([1, 3]), np.array([0.2, 0.8]))
    client = np.array([1, 1, 1, 3, 3, 3, 0])
    assert found.mean() == pytest.approx(0.5)
    assert found.why_missing is None
    # Client 1 has mean weight 3 / 3, client 3 has 9 / 3: (0.2 + 3 * 0.8) / 4.
    weights = np.array([0.0, 1.0, 2.0, 3.0, 3.0, 3.0, 7.0])
    assert found.mean(client, weights) == pytest.approx(2.6 / 4)
    assert np.isnan(found.mean(client, np.zeros(7)))
