import numpy as np
import pytest

from experiments.known_truth import Truth, cap_share, first_ranked, share, too_high


def a_truth(alliance: list[list[float]], cold: tuple[bool, ...] = ()) -> Truth:
    true = np.array(alliance)
    ids = (tuple(map(str, range(size))) for size in true.shape)
    clients, clinicians = ids
    without = np.array(cold or (False,) * len(clinicians))
    feasible = np.ones(true.shape, dtype=bool)
    return Truth(clients, clinicians, true, true, true[:, 0], feasible, without, {})


def test_an_oracle_has_all_there_is_to_have() -> None:
    truth = a_truth([[1.0, 2.0], [3.0, 1.0]] * 2)
    assert share(truth, truth.alliance) == pytest.approx(1.0)
    assert share(truth, -truth.alliance) == pytest.approx(-1.0)
    # A tie is an even chance: nothing gained over random.
    assert share(truth, np.zeros((4, 2))) == pytest.approx(0.0)


def test_where_clinicians_do_not_differ_there_is_no_share() -> None:
    truth = a_truth([[1.0, 1.0], [2.0, 2.0]])
    assert np.isnan(share(truth, np.zeros((2, 2))))
    assert np.isnan(cap_share(truth, np.zeros((2, 2))))


def test_share_among_clinicians_nobody_has_two_of_is_missing() -> None:
    truth = a_truth([[1.0, 2.0]], cold=(True, False))
    assert np.isnan(share(truth, truth.alliance, among=truth.cold))


def test_too_high_counts_each_client_once() -> None:
    truth = a_truth([[1.0, 2.0], [3.0, 3.0]])
    chosen = np.array([[True, True], [True, False]])
    predicted = np.array([[1.5, 3.5], [3.0, 12.0]])
    # Client 1 is predicted 0.5 and 1.5 too high, client 2 by 0: (1 + 0) / 2.
    assert too_high(truth, predicted, chosen) == 0.5


def test_tied_clinicians_take_turns_in_front() -> None:
    truth = a_truth([[1.0, 2.0, 3.0]] * 300)
    first = first_ranked(truth, np.array([[1.0, 1.0, 0.0]] * 300))
    assert set(first.tolist()) == {0, 1}
    assert 100 < int((first == 0).sum()) < 200


def test_nobody_infeasible_stands_first() -> None:
    truth = a_truth([[1.0, 2.0, 3.0]])
    truth.feasible[0, 2] = False
    assert first_ranked(truth, np.array([[0.0, 1.0, 9.0]])).tolist() == [1]


def test_scarce_places_reward_matching_and_not_popularity() -> None:
    rng = np.random.default_rng(0)
    match = rng.normal(size=(200, 20))
    popular = np.broadcast_to(rng.normal(size=20), match.shape)
    truth = a_truth((match + popular).tolist())
    assert cap_share(truth, match) > 0.9 > 0.5 > cap_share(truth, popular)
