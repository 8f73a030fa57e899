"""Concentration of first ranks beyond what few kinds of client force."""

import numpy as np

from recommender.practice.columns import Columns
from recommender.training.baselines import CHAMPION, OURS
from recommender.training.exposure import MOST_BY_KIND, concentration, grid_pairs, kinds_of

CLINICIANS = np.arange(300)
KINDS = np.repeat(np.arange(8), 25)


def test_equal_answers_are_of_one_kind_and_missing_is_an_answer() -> None:
    answers = {
        "age": np.array([30.0, 30.0, np.nan, np.nan]),
        "tags": np.array([[1.0, 0.0], [1.0, 0.0], [0.0, 1.0], [0.0, 1.0]]),
    }
    kinds = kinds_of(Columns(4, answers))
    assert kinds[0] == kinds[1] != kinds[2] == kinds[3]


def test_each_of_few_kinds_with_a_best_of_their_own_is_as_spread_as_can_be() -> None:
    suited = np.arange(8)[KINDS] * 30
    found = concentration({OURS: [suited]}, KINDS, [CLINICIANS], seed=0)
    assert found is not None
    assert (found.clients, found.kinds, found.clinicians) == (200, 8, 300)
    assert found.most == 3
    assert found.ours == 3 / 8
    assert found.by_kind is not None
    assert found.ours <= found.by_kind <= MOST_BY_KIND


def test_the_same_for_every_kind_is_wholly_concentrated() -> None:
    popular = np.zeros(200, dtype=np.int64)
    found = concentration({OURS: [popular], CHAMPION: [popular]}, KINDS, [CLINICIANS], seed=0)
    assert found is not None
    assert found.ours == found.champion == 1
    assert found.by_kind is not None
    assert found.by_kind <= MOST_BY_KIND


def test_of_many_kinds_a_tenth_of_the_clinicians_is_counted() -> None:
    kinds = np.arange(400)
    first = np.random.default_rng(0).integers(0, 40, 400)
    found = concentration({OURS: [first]}, kinds, [np.arange(40)], seed=0)
    assert found is not None
    assert found.most == 4
    assert found.by_kind is not None
    assert found.ours is not None
    assert abs(found.ours - found.by_kind) < 0.03


def test_clients_who_are_all_alike_leave_nothing_to_compare() -> None:
    alike = np.zeros(200, dtype=np.int64)
    found = concentration({OURS: [alike]}, alike, [CLINICIANS], seed=0)
    assert found is not None
    assert (found.most, found.by_kind) == (1, 1.0)


def test_without_scores_there_is_nothing_to_measure() -> None:
    assert concentration({OURS: []}, KINDS, [CLINICIANS], seed=0) is None


def test_a_large_roster_is_measured_on_as_many_clients_as_a_middling_one() -> None:
    for clinicians in (120, 300, 600):
        assert grid_pairs(clinicians) // clinicians >= 200
    assert grid_pairs(40) == grid_pairs(120)
    assert grid_pairs(5_000) == grid_pairs(600)
