import numpy as np
import pytest

from recommender.errors import RecommenderError
from recommender.training import bootstrap as module
from recommender.training.bootstrap import bootstrap, two_way_weights, weightings
from recommender.training.metrics import Floats, Ints, client_adjusted_partial


def rated_pairings(seed: int = 0) -> tuple[Floats, Ints, Ints]:
    """Labels that differ by clinician, clients with one row each, 20 clinicians."""
    rng = np.random.default_rng(seed)
    clinician = rng.integers(0, 20, 400)
    return rng.normal(0, 1, 20)[clinician] + rng.normal(size=400), np.arange(400), clinician


def test_a_row_weighs_its_client_times_its_clinician() -> None:
    client, clinician = np.array([0, 0, 1, 2]), np.array([0, 1, 1, 0])
    weights = two_way_weights(client, clinician, np.random.default_rng(4))
    rng = np.random.default_rng(4)
    clients = np.bincount(rng.integers(0, 3, 3), minlength=3)
    clinicians = np.bincount(rng.integers(0, 2, 2), minlength=2)
    assert weights.tolist() == (clients[client] * clinicians[clinician]).tolist()


def test_the_same_seed_gives_the_same_interval() -> None:
    label, client, clinician = rated_pairings()
    one, two, other = (
        bootstrap(lambda w: float(np.average(label, weights=w)), client, clinician, seed=seed)
        for seed in (1, 1, 2)
    )
    assert one == two
    assert one != other
    assert one.low < one.value < one.high


def test_shared_clinicians_widen_the_interval() -> None:
    # The mean of 20 clinicians of variance 1 has an error near sqrt(1 / 20), not sqrt(2 / 400).
    label, client, clinician = rated_pairings()

    def mean(weights: Floats) -> float:
        return float(np.average(label, weights=weights))

    clustered = bootstrap(mean, client, clinician, seed=0).error
    alone = bootstrap(mean, client, client, seed=0).error
    assert clustered == pytest.approx(np.sqrt(1 / 20), rel=0.5)
    assert clustered > 2 * alone


def test_a_difference_of_two_models_is_a_metric_too() -> None:
    label, client, clinician = rated_pairings()
    better, part = label + np.random.default_rng(5).normal(size=400), np.zeros(400)
    worse = np.random.default_rng(6).normal(size=400)

    def gain(weights: Floats) -> float:
        return client_adjusted_partial(better, label, part, weights) - client_adjusted_partial(
            worse, label, part, weights
        )

    found = bootstrap(gain, client, clinician, seed=0, draws=50)
    assert found.low > 0
    assert found.above_zero == 1.0
    assert (found.draws, found.missed) == (50, 0)


def test_a_metric_that_never_applies_has_no_interval_and_the_draws_are_counted() -> None:
    _, client, clinician = rated_pairings()
    found = bootstrap(lambda w: float("nan"), client, clinician, seed=0, draws=10)
    assert np.isnan([found.value, found.low, found.high, found.error]).all()
    assert (found.draws, found.missed) == (0, 10)
    nobody = np.zeros(0, dtype=np.int64)
    assert two_way_weights(nobody, nobody, np.random.default_rng(0)).size == 0


def test_draws_and_level_out_of_range_are_refused() -> None:
    _, client, clinician = rated_pairings()
    for draws, level in ((1, 0.9), (10, 1.0)):
        with pytest.raises(RecommenderError, match="bootstrap"):
            bootstrap(lambda w: 0.0, client, clinician, seed=0, draws=draws, level=level)


@pytest.mark.parametrize("at_once", [1, 3_000, 4_000_000])
def test_weights_held_together_are_those_of_one_draw_after_another(
    monkeypatch: pytest.MonkeyPatch, at_once: int
) -> None:
    _, client, clinician = rated_pairings()
    monkeypatch.setattr(module, "MAX_CELLS", at_once)
    rng = np.random.default_rng(7)
    codes = np.unique(client, return_inverse=True)[1], np.unique(clinician, return_inverse=True)[1]
    expected = np.stack([two_way_weights(*codes, rng) for _ in range(20)], axis=1)

    found = list(weightings(client, clinician, seed=7, draws=20))

    assert np.array_equal(np.concatenate(found, axis=1), expected)
    assert all(part.size <= max(at_once, 400) for part in found)
