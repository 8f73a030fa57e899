import json

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recommender.alliance.instruments import FloatArray, read_instruments, shipped_instruments
from recommender.alliance.linking import InstrumentLinker
from recommender.errors import RecommenderError

SHIPPED = shipped_instruments()
TWO = {name: SHIPPED[name] for name in ("wai_sr", "srs_v3")}
OWN = read_instruments({"own": {"items": 1, "min": 0, "max": 10}})


def scores(**pomp_by_instrument: object) -> pd.DataFrame:
    parts = [
        pd.DataFrame({"instrument": name, "pomp": np.asarray(pomp, dtype=float)})
        for name, pomp in pomp_by_instrument.items()
    ]
    return pd.concat(parts, ignore_index=True)


def interval(n: int, mean: float, sd: float) -> FloatArray:
    """Give n values of exactly this mean and sample SD."""
    z = np.linspace(-1, 1, n)
    standard: FloatArray = (z - z.mean()) / z.std(ddof=1)
    return mean + sd * standard


def test_equal_z_becomes_equal_alliance_with_a_hundred_ratings_each() -> None:
    train = scores(wai_sr=interval(100, 0.7, 0.2), srs_v3=interval(100, 0.9, 0.05))
    fitted = InstrumentLinker.fit(train, TWO, "wai_sr")
    # z = (.95 - .90) / .05 = 1, so .7 + 1 * .2
    np.testing.assert_allclose(fitted.alliance(0.95, "srs_v3"), 0.9, rtol=1e-12)
    assert fitted.links["srs_v3"].basis == "training"


def test_the_reference_is_never_moved_by_a_bit() -> None:
    pomp = np.random.default_rng(1).random(500)
    fitted = InstrumentLinker.fit(scores(wai_sr=pomp), TWO, "wai_sr")
    np.testing.assert_array_equal(fitted.alliance(pomp, "wai_sr"), pomp)


def test_with_99_ratings_the_stated_moments_of_both_instruments_are_used() -> None:
    train = scores(wai_sr=interval(500, 0.9, 0.1), srs_v3=interval(99, 0.5, 0.1))
    fitted = InstrumentLinker.fit(train, TWO, "wai_sr")
    # z = (.97 - .88) / .09 = 1, so .73 + 1 * .18
    np.testing.assert_allclose(fitted.alliance(0.97, "srs_v3"), 0.91, rtol=1e-12)
    assert (fitted.links["srs_v3"].basis, fitted.links["srs_v3"].ratings) == ("stated", 99)


def test_an_instrument_without_stated_moments_is_taken_as_it_stands_while_ratings_are_few() -> None:
    fitted = InstrumentLinker.fit(scores(own=[0.1, 0.9]), TWO | OWN, "wai_sr")
    assert fitted.links["own"].basis == "pomp"
    assert fitted.alliance(0.4, "own") == 0.4


def test_ratings_that_are_all_equal_give_no_training_moments() -> None:
    train = scores(wai_sr=interval(200, 0.7, 0.2), srs_v3=np.full(200, 1.0))
    assert InstrumentLinker.fit(train, TWO, "wai_sr").links["srs_v3"].basis == "stated"


def test_missing_scores_are_not_counted_as_ratings() -> None:
    train = scores(wai_sr=[0.1, np.nan, 0.3])
    assert InstrumentLinker.fit(train, TWO, "wai_sr").links["wai_sr"].ratings == 2


def test_beyond_the_scale_is_kept_and_only_clipped_when_said() -> None:
    train = scores(wai_sr=interval(100, 0.7, 0.2), srs_v3=interval(100, 0.5, 0.05))
    fitted = InstrumentLinker.fit(train, TWO, "wai_sr")
    # z = (1 - .5) / .05 = 10, so .7 + 10 * .2 = 2.7, and 1 + 2.7 * (5 - 1) = 11.8
    value = fitted.on_scale(fitted.alliance([1.0, np.nan], "srs_v3"))
    np.testing.assert_allclose(value, [11.8, np.nan])
    np.testing.assert_array_equal(fitted.to_displayed(value), [5, np.nan])


def test_the_sum_metric_speaks_in_sums() -> None:
    fitted = InstrumentLinker.fit(scores(wai_sr=[0.5]), TWO, "wai_sr", "sum")
    # 12 + 1/2 * (60 - 12)
    assert fitted.on_scale(0.5) == 36


@settings(max_examples=30, deadline=None)
@given(st.floats(0.05, 1), st.floats(0, 0.5), st.integers(0, 99))
def test_stretching_an_instruments_scores_changes_no_alliance(
    slope: float, shift: float, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    reference, other = rng.random(120), rng.random(120)
    plain = InstrumentLinker.fit(scores(wai_sr=reference, own=other), TWO | OWN, "wai_sr")
    stretched = shift + slope * other
    moved = InstrumentLinker.fit(scores(wai_sr=reference, own=stretched), TWO | OWN, "wai_sr")
    np.testing.assert_allclose(
        moved.alliance(stretched, "own"), plain.alliance(other, "own"), atol=1e-9
    )


def test_names_may_differ_row_by_row() -> None:
    fitted = InstrumentLinker.fit(scores(wai_sr=[0.5]), TWO, "wai_sr")
    mixed = fitted.alliance([0.88, 0.5, 0.88], ["srs_v3", "wai_sr", "srs_v3"])
    # z of the SRS score is 0, so the mean of WAI-SR.
    np.testing.assert_allclose(mixed, [0.73, 0.5, 0.73], rtol=1e-12)


def test_json_gives_back_the_same_linker_to_the_last_bit() -> None:
    rng = np.random.default_rng(3)
    fitted = InstrumentLinker.fit(
        scores(wai_sr=rng.random(120), srs_v3=rng.random(150)), TWO, "wai_sr"
    )
    assert InstrumentLinker.from_dict(json.loads(json.dumps(fitted.to_dict()))) == fitted


@pytest.mark.parametrize("name", ["haq_ii", None])
def test_an_instrument_never_fitted_is_refused_by_name(name: str | None) -> None:
    fitted = InstrumentLinker.fit(scores(wai_sr=[0.5]), TWO, "wai_sr")
    with pytest.raises(RecommenderError, match=name or "missing name"):
        fitted.alliance([0.5], [name])


def test_a_reference_that_is_not_accepted_is_refused() -> None:
    with pytest.raises(RecommenderError, match="reference"):
        InstrumentLinker.fit(scores(wai_sr=[0.5]), TWO, "haq_ii")
