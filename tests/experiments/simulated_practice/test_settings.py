import pytest

from experiments.simulated_practice.settings import SCENARIOS, Dyad, Settings, Shares, scenario
from recommender.errors import RecommenderError


@pytest.mark.parametrize("name", SCENARIOS)
def test_every_scenario_is_a_valid_world(name: str) -> None:
    assert scenario(name).clinicians == 120


def test_the_default_can_only_explain_its_clinician_and_systematic_shares() -> None:
    shares = Settings().shares
    assert shares.clinician + shares.dyad == pytest.approx(0.17)


def test_weights_of_the_pair_add_up_to_one_in_every_scenario() -> None:
    for name in SCENARIOS:
        dyad: Dyad = scenario(name).dyad
        parts = (dyad.style, dyad.modality, dyad.gender, dyad.language_culture, dyad.specialty)
        assert sum(parts) + dyad.skill + dyad.nonlinear == pytest.approx(1.0)


def test_shares_that_do_not_add_up_are_refused() -> None:
    with pytest.raises(RecommenderError, match="do not add up to 1"):
        Shares(client=0.9)


def test_an_unknown_scenario_is_refused_with_the_known_ones() -> None:
    with pytest.raises(RecommenderError, match="strong_dropout"):
        scenario("stormy")


def test_a_practice_without_ratings_is_refused() -> None:
    with pytest.raises(RecommenderError, match="ratings: is below 1"):
        scenario("default", ratings=0)


def test_drift_and_attributes_cannot_take_more_than_the_clinician_has() -> None:
    with pytest.raises(RecommenderError, match="pass 1"):
        scenario("default", drift=0.9)
