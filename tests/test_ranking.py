"""Orders: the strongest first, equal ones by id, unknown days last."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from recommender.ranking import order_by_pairing, order_by_wait

SCORES = st.lists(st.integers(-3, 3).map(float), min_size=1, max_size=12)


def ids_of(n: int) -> tuple[str, ...]:
    return tuple(f"k{place:02d}" for place in range(n))


def test_the_strongest_pairing_stands_first() -> None:
    assert order_by_pairing(np.array([0.1, 0.3, 0.2]), ids_of(3)).tolist() == [1, 2, 0]


@given(scores=SCORES, seed=st.integers(0, 99))
def test_equal_scores_stand_by_id_wherever_they_stood_before(
    scores: list[float], seed: int
) -> None:
    ids, pairing = ids_of(len(scores)), np.array(scores)
    turned = np.random.default_rng(seed).permutation(len(scores))

    first = [ids[place] for place in order_by_pairing(pairing, ids)]
    again = tuple(ids[place] for place in turned)
    assert first == [again[place] for place in order_by_pairing(pairing[turned], again)]
    assert sorted(first) == list(ids)


def test_the_next_free_stands_first_and_nobody_knows_when_last() -> None:
    days = np.array([np.nan, 20_010.0, 20_005.0, np.nan, 20_005.0])

    assert order_by_wait(days, ids_of(5)).tolist() == [2, 4, 1, 0, 3]


def test_nobody_is_ordered_to_nobody() -> None:
    assert order_by_pairing(np.zeros(0), ()).tolist() == []
    assert order_by_wait(np.zeros(0), ()).tolist() == []
