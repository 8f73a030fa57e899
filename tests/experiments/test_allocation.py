"""A waiting list given out at once and in turn, on a simulated practice whose truth is known."""

import numpy as np
import pytest

from experiments.allocation.__main__ import said, table_of
from experiments.allocation.compare import Asked, Compared, compared, over_practices
from experiments.allocation.turns import in_turn
from recommender.allocation.candidates import Candidates

ASKED = Asked(clients=40, clinicians=20, ratings=200, floor=0.3)


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> Compared:
    return compared(tmp_path_factory.mktemp("practice"), ASKED, seed=3)


@pytest.mark.slow
def test_nobody_on_a_list_given_out_at_once_is_below_the_floor(found: Compared) -> None:
    assert found.at_once.below == 0
    assert "no client below the floor" in said([found], ASKED)
    assert table_of([found], ASKED).row_count == 3


@pytest.mark.slow
def test_at_once_places_as_many_as_can_be_and_gains_are_of_those_placed_either_way(
    found: Compared,
) -> None:
    both = found.at_once.placed & found.in_turn.placed
    gain = found.gain(found.in_turn)

    assert found.places == round(len(both) / 0.85)
    assert len(gain) == both.sum()
    assert np.isfinite(gain).all()
    assert found.at_once.true[both].mean() - found.in_turn.true[both].mean() == pytest.approx(
        gain.mean()
    )


def test_in_turn_each_takes_the_strongest_with_a_place_left() -> None:
    client, clinician = np.array([0, 0, 1, 1, 2]), np.array([0, 1, 0, 1, 0])
    pairing = np.array([0.2, 0.1, 0.9, 0.3, 0.5])
    nothing = np.zeros(5, dtype=np.intp)
    fitting = Candidates(client, clinician, pairing, pairing, nothing, {})
    chance = np.random.default_rng(0)

    assert in_turn(fitting, np.array([1, 1]), np.arange(3), chance).tolist() == [0, 3, -1]
    assert in_turn(fitting, np.array([1, 1]), np.array([2, 1, 0]), chance).tolist() == [-1, 3, 4]


def test_the_interval_over_practices_is_the_one_of_students_t() -> None:
    # t with 2 degrees of freedom at .975 is 4.3027; the error of the mean is 1 / sqrt(3).
    mean, low, high = over_practices([1.0, 2.0, 3.0])

    assert mean == 2.0
    assert (high - low) / 2 == pytest.approx(4.3027 / np.sqrt(3), abs=1e-4)
