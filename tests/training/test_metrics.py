import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from recommender.errors import RecommenderError
from recommender.training.metrics import (
    Floats,
    Ints,
    client_adjusted_partial,
    composite,
    coverage,
    dyad_partial,
    gini,
    mean_width,
    top_share,
    why_missing,
    with_dropouts,
)

SEEDS = st.integers(0, 10_000)


def a_holdout(seed: int = 0, n: int = 3000) -> tuple[Floats, Floats, Floats, Floats, Ints]:
    """Label, client part, clinician quality, match and clinician codes of rated pairings."""
    rng = np.random.default_rng(seed)
    clinician = rng.integers(0, 60, n)
    client, match = rng.normal(3.8, 0.4, n), rng.normal(0, 0.3, n)
    quality = rng.normal(0, 0.3, 60)[clinician]
    return client + quality + match + rng.normal(0, 0.5, n), client, quality, match, clinician


def test_the_partial_is_the_correlation_of_two_residuals() -> None:
    # m = (-1, 0, 1); score (1, 0, 3) has slope (3 - 1) / 2 = 1 and mean 4/3: left (2/3, -4/3, 2/3).
    # label (1, 2, 5) has slope 2 and mean 8/3: left (1/3, -2/3, 1/3), the same shape: r = 1.
    m = np.array([-1.0, 0.0, 1.0])
    found = client_adjusted_partial(np.array([1.0, 0.0, 3.0]), np.array([1.0, 2.0, 5.0]), m)
    assert found == pytest.approx(1.0)


def test_without_a_client_part_the_partial_is_pearson() -> None:
    label, _, _, match, _ = a_holdout(n=50)
    found = client_adjusted_partial(match, label, np.zeros(50))
    assert found == pytest.approx(stats.pearsonr(match, label).statistic)


def test_the_partial_agrees_with_the_textbook_formula() -> None:
    label, client, quality, match, _ = a_holdout(n=200)
    score = match + 0.5 * client + quality
    r = np.corrcoef([score, label, client])
    below = np.sqrt((1 - r[0, 2] ** 2) * (1 - r[1, 2] ** 2))
    expected = (r[0, 1] - r[0, 2] * r[1, 2]) / below
    assert client_adjusted_partial(score, label, client) == pytest.approx(expected)


def test_the_dyad_partial_agrees_with_a_regression_on_clinician_dummies() -> None:
    label, client, _, match, clinician = a_holdout(n=300)
    known = np.column_stack([np.eye(60)[clinician], client])
    left = [c - known @ np.linalg.lstsq(known, c, rcond=None)[0] for c in (match, label)]
    expected = stats.pearsonr(*left).statistic
    assert dyad_partial(match, label, client, clinician) == pytest.approx(expected)


def test_a_dyad_partial_by_hand() -> None:
    # Within clinicians the score is (-1, 1), (-1, 1) and the label (-1/2, 1/2), (-3/2, 3/2):
    # r = 4 / sqrt(4 * 5) = 2 / sqrt 5. The fifth row, alone with its clinician, changes nothing.
    score = np.array([0.0, 2.0, 5.0, 7.0, 100.0])
    label = np.array([3.0, 4.0, 1.0, 4.0, -50.0])
    clinician = np.array([0, 0, 1, 1, 2])
    found = dyad_partial(score, label, np.zeros(5), clinician)
    assert found == pytest.approx(2 / np.sqrt(5))


def test_a_score_made_of_the_client_alone_orders_nobody() -> None:
    label, client, _, _, clinician = a_holdout()
    assert client_adjusted_partial(3 * client - 7, label, client) == 0.0
    assert dyad_partial(3 * client - 7, label, client, clinician) == 0.0
    bent = client + 0.3 * (client - 3.8) ** 2
    assert abs(client_adjusted_partial(bent, label, client)) < 0.06
    assert abs(dyad_partial(bent, label, client, clinician)) < 0.06


def test_popularity_counts_for_the_client_partial_and_not_for_the_dyad() -> None:
    label, client, quality, match, clinician = a_holdout()
    assert client_adjusted_partial(quality, label, client) > 0.3
    assert dyad_partial(quality, label, client, clinician) == 0.0
    assert dyad_partial(match, label, client, clinician) > 0.3
    # Popularity mixed in hides no match.
    mixed = dyad_partial(match + 9 * quality, label, client, clinician)
    assert mixed == pytest.approx(dyad_partial(match, label, client, clinician))


@settings(max_examples=25, deadline=None)
@given(SEEDS)
def test_a_weight_is_the_number_of_times_a_row_is_there(seed: int) -> None:
    label, client, quality, match, clinician = a_holdout(seed, n=40)
    score = quality + match
    weights = np.random.default_rng(seed).integers(0, 3, 40).astype(float)
    weights[:3] = 1.0
    again = np.repeat(np.arange(40), weights.astype(int))
    label[weights == 0] = np.nan
    rows = score[again], label[again], client[again]
    one = client_adjusted_partial(score, label, client, weights)
    assert one == pytest.approx(client_adjusted_partial(*rows))
    dyad = dyad_partial(score, label, client, clinician, weights)
    assert dyad == pytest.approx(dyad_partial(*rows, clinician[again]), nan_ok=True)


@settings(max_examples=25, deadline=None)
@given(SEEDS, st.floats(0.01, 100), st.floats(-10, 10))
def test_the_unit_of_the_score_does_not_matter(seed: int, scale: float, shift: float) -> None:
    label, client, quality, match, clinician = a_holdout(seed, n=100)
    score = quality + match
    moved = scale * score + shift
    assert client_adjusted_partial(moved, label, client) == pytest.approx(
        client_adjusted_partial(score, label, client), abs=1e-8
    )
    assert dyad_partial(moved, label, client, clinician) == pytest.approx(
        dyad_partial(score, label, client, clinician), abs=1e-8
    )


def test_those_who_left_take_the_low_residual_of_those_who_rated() -> None:
    # Residuals -2, -1, 0, 1, 2: the first to reach 15 % (1/5 = 20 %) is -2, to reach 40 % -1.
    label = np.array([1.0, 2.0, 3.0, 4.0, 5.0, np.nan])
    part = np.array([3.0, 3.0, 3.0, 3.0, 3.0, 4.0])
    assert with_dropouts(label, part).tolist() == [1.0, 2.0, 3.0, 4.0, 5.0, 2.0]
    assert with_dropouts(label, part, quantile=0.4)[5] == 3.0
    weights = np.array([0.0, 1.0, 1.0, 1.0, 1.0, 1.0])
    assert with_dropouts(label, part, weights=weights)[5] == 3.0
    assert np.isnan(with_dropouts(np.full(2, np.nan), np.zeros(2))).all()


def test_the_composite_is_the_partial_with_those_who_left() -> None:
    label, client, quality, match, _ = a_holdout(n=200)
    label[:30] = np.nan
    expected = client_adjusted_partial(match + quality, with_dropouts(label, client), client)
    assert composite(match + quality, label, client) == expected
    assert np.isnan(composite(match, np.full(200, np.nan), client))
    # Put at the median residual, those who left were not low at all.
    middle = client_adjusted_partial(
        match + quality, with_dropouts(label, client, quantile=0.5), client
    )
    assert composite(match + quality, label, client, quantile=0.5) == middle != expected


def test_an_interval_covers_its_own_bounds() -> None:
    low, high = np.array([1.0, 1.0, 1.0, 1.0]), np.array([2.0, 2.0, 3.0, 4.0])
    label = np.array([1.0, 2.0, 3.1, 0.9])
    assert coverage(low, high, label) == 2 / 4
    assert mean_width(low, high) == pytest.approx((1 + 1 + 2 + 3) / 4)
    assert mean_width(low, high, np.array([0.0, 0.0, 1.0, 1.0])) == pytest.approx(5 / 2)


def test_exposure_by_hand() -> None:
    # 20 clinicians, the first two named 6 and 3 of 10 times, one other once: 9/10 to 10 %.
    first = np.array([0] * 6 + [7] * 3 + [11])
    assert top_share(first, 20) == 9 / 10
    # Ascending 17 zeros, 1, 3, 6 at ranks 18, 19, 20: (15 * 1 + 17 * 3 + 19 * 6) / (20 * 10).
    assert gini(first, 20) == pytest.approx((15 + 51 + 114) / 200)
    assert gini(np.arange(20), 20) == pytest.approx(0.0)
    assert gini(np.zeros(5, dtype=np.int64), 20) == pytest.approx(19 / 20)
    assert top_share(np.arange(30), 30) == 3 / 30
    assert np.isnan(top_share(first[:0], 20))
    assert np.isnan(gini(first[:0], 20))


@pytest.mark.parametrize(
    ("label", "clinician", "reason"),
    [
        ([1.0, 2.0], [0, 0], "fewer than 3 rated pairings"),
        ([2.0, 2.0, 2.0], [0, 0, 0], "all labels are the same"),
        ([1.0, 2.0, np.nan], [0, 0, 0], "some labels are missing"),
        ([1.0, 2.0, 3.0], [0, 1, 2], "no clinician has 2 rated pairings"),
        ([1.0, 1.0, 3.0], [0, 0, 2], "the labels do not vary within any clinician"),
    ],
)
def test_a_metric_that_does_not_apply_says_why(
    label: list[float], clinician: list[int], reason: str
) -> None:
    given_label, codes = np.array(label), np.array(clinician)
    assert why_missing(given_label, codes) == reason
    score = np.arange(given_label.size, dtype=float)
    assert np.isnan(dyad_partial(score, given_label, np.zeros(score.size), codes))


def test_reasons_that_concern_clinicians_do_not_touch_the_client_partial() -> None:
    label = np.array([1.0, 2.0, 3.0])
    assert why_missing(label) is None
    assert client_adjusted_partial(label, label, np.zeros(3)) == pytest.approx(1.0)
    assert np.isnan(client_adjusted_partial(label, label, label))
    assert np.isnan(client_adjusted_partial(label[:2], label[:2], label[:2]))


def test_weights_that_do_not_fit_are_refused() -> None:
    label = np.array([1.0, 2.0, 3.0])
    for weights in (np.ones(2), np.array([1.0, -1.0, 1.0]), np.array([1.0, np.nan, 1.0])):
        with pytest.raises(RecommenderError, match="weights"):
            client_adjusted_partial(label, label, label, weights)
