import numpy as np
import pytest

from experiments.simulated_practice.world import EARLY_DAYS
from tests.support.simulated_world import a_world


def test_exactly_as_many_pairings_are_rated_as_were_asked_for() -> None:
    assert a_world().history.rated.sum() == 600


def test_who_left_early_had_a_weaker_alliance() -> None:
    block = a_world(ratings=2_000).history
    left, steady = block.course.left_early, block.pairings.steady
    assert steady[left].mean() < steady[~left].mean() - 0.25


def test_dropout_hurts_more_where_it_is_made_to() -> None:
    def gap(name: str) -> float:
        block = a_world(name, ratings=2_000).history
        left, steady = block.course.left_early, block.pairings.steady
        return float(steady[~left].mean() - steady[left].mean())

    assert gap("strong_dropout") > gap("default") + 0.1


def test_the_rated_have_a_stronger_alliance_than_the_unrated() -> None:
    block = a_world(ratings=2_000).history
    steady = block.pairings.steady
    assert steady[block.rated].mean() > steady[~block.rated].mean()


def test_more_ratings_extend_the_same_world() -> None:
    few, many = a_world(ratings=300).history, a_world(ratings=600).history
    shown = len(few.pairings.client)
    np.testing.assert_array_equal(few.pairings.clinician, many.pairings.clinician[:shown])
    np.testing.assert_array_equal(few.pairings.steady, many.pairings.steady[:shown])


def test_cold_clinicians_have_no_pairing() -> None:
    world = a_world()
    cold = world.staff.joined >= world.settings.days
    assert cold.sum() == round(0.15 * 30)
    assert not cold[world.history.pairings.clinician].any()


def test_nobody_is_placed_before_a_clinician_came_or_after_they_left() -> None:
    world = a_world()
    pairings = world.history.pairings
    assert (world.staff.joined[pairings.clinician] <= pairings.start).all()
    assert (pairings.start < world.staff.left[pairings.clinician]).all()


def test_about_one_client_in_thirty_goes_on_to_another_clinician() -> None:
    pairings = a_world(ratings=2_000).history.pairings
    _, many = np.unique(pairings.client, return_counts=True)
    assert 0.01 < np.mean(many == 2) < 0.05
    again = np.flatnonzero(np.diff(pairings.client) == 0)
    assert (pairings.clinician[again] != pairings.clinician[again + 1]).all()


def test_a_pairing_has_ended_before_the_client_starts_the_next() -> None:
    block = a_world(ratings=2_000).history
    again = np.flatnonzero(np.diff(block.pairings.client) == 0)
    assert (block.course.ended[again] < block.pairings.start[again + 1]).all()


def test_forms_belong_to_sessions_that_took_place() -> None:
    block = a_world().history
    forms = block.ratings
    assert (forms.session <= block.course.sessions[forms.pairing]).all()
    assert (forms.day - block.pairings.start[forms.pairing] >= 0).all()
    assert (forms.known >= forms.day).all()
    early = forms.session <= 3
    assert (forms.day - block.pairings.start[forms.pairing])[early].max() <= EARLY_DAYS


def test_logged_chances_of_the_choice_are_probabilities() -> None:
    propensity = a_world().history.pairings.propensity
    assert propensity.min() > 0
    assert propensity.max() <= 1


def test_strong_selection_makes_the_choice_more_certain() -> None:
    usual = a_world().history.pairings.propensity.mean()
    assert a_world("strong_selection").history.pairings.propensity.mean() > 1.5 * usual


def test_staff_choose_better_pairs_than_chance() -> None:
    assert a_world(ratings=2_000).history.pairings.dyad_part.mean() > 0.02


def test_feasible_clinicians_are_a_fifth_to_three_fifths_of_those_there() -> None:
    world = a_world()
    share = world.feasible.sum(axis=1) / world.staff.active.sum()
    assert share.min() > 0.15
    assert share.max() < 0.65
    assert not world.feasible[:, ~world.staff.active].any()


@pytest.mark.parametrize("field", ["phq9", "home", "expectancy", "gender"])
def test_some_but_not_most_answers_are_missing(field: str) -> None:
    missing = np.isnan(a_world().test_clients[field].reshape(1_000, -1)).any(axis=1)
    assert 0.01 < missing.mean() < 0.3
