import numpy as np
import pytest

from experiments.simulated_practice.forms import FORMS, Likert, answer, expected_mean
from tests.support.simulated_world import the_practice

# Sum scores published or simulated at N = 200,000 before straight-lining: mean, SD.
PUBLISHED = {
    "wai_sr": (47.2, 8.6),
    "wai_s": (66.5, 11.5),
    "haq_ii": (94.5, 11.4),
    "arm_5": (28.8, 4.6),
    "srs_v3": (35.1, 3.7),
}


@pytest.mark.parametrize("name", PUBLISHED)
def test_scores_have_the_mean_and_spread_of_their_instrument(name: str) -> None:
    rng = np.random.default_rng(5)
    latent, own, none = rng.normal(size=20_000), rng.normal(size=20_000), np.zeros(20_000)
    scores = answer(rng, the_practice().instruments[name], latent, own, none)
    mean, sd = PUBLISHED[name]
    assert scores.mean() == pytest.approx(mean, rel=0.01)
    assert scores.std() == pytest.approx(sd, rel=0.04)


def test_two_instruments_share_about_six_tenths_in_correlation() -> None:
    rng = np.random.default_rng(6)
    latent, none = rng.normal(size=20_000), np.zeros(20_000)
    instruments = the_practice().instruments
    one = answer(rng, instruments["wai_sr"], latent, rng.normal(size=20_000), none)
    other = answer(rng, instruments["srs_v3"], latent, rng.normal(size=20_000), none)
    assert 0.52 < np.corrcoef(one, other)[0, 1] < 0.66


def test_straight_liners_above_the_mean_alliance_give_the_highest_score() -> None:
    rng = np.random.default_rng(7)
    latent = np.full(50, 0.1)
    scores = answer(rng, the_practice().instruments["wai_sr"], latent, -latent, np.ones(50))
    assert set(scores) == {60.0}


def test_the_expected_mean_is_what_many_forms_average_to() -> None:
    rng = np.random.default_rng(8)
    form = FORMS["wai_sr"]
    assert isinstance(form, Likert)
    for known in (-1.0, 0.0, 0.8):
        latent = known + rng.normal(0, np.sqrt(0.45), 40_000)
        straight = np.where(latent > 0, 0.25, 0.12)
        own = rng.normal(size=40_000)
        scores = answer(rng, the_practice().instruments["wai_sr"], latent, own, straight)
        expected = expected_mean(form, np.array([known]), np.sqrt(0.45), (0.12, 0.25))
        assert scores.mean() / 12 == pytest.approx(float(expected[0]), abs=0.02)


def test_a_stronger_alliance_is_never_expected_to_score_lower() -> None:
    form = FORMS["wai_sr"]
    assert isinstance(form, Likert)
    expected = expected_mean(form, np.linspace(-3, 3, 200), 0.67, (0.12, 0.25))
    assert (np.diff(expected) > 0).all()
    assert expected.min() >= 1
    assert expected.max() <= 5
