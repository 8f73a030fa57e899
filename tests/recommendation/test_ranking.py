"""Orders: the strongest first, equal ones by id, unknown days last; and who ties with whom."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from recommender.features.feature import Array
from recommender.recommendation.ranking import (
    CLEAR_LEAD,
    EVEN_LEAD,
    Places,
    Ranking,
    order_by_wait,
    ranking_of,
    strongest_of,
    ties_of,
)
from tests.support.strategies import SCORES, cases


def ids_of(n: int) -> tuple[str, ...]:
    return tuple(f"k{place:02d}" for place in range(n))


@given(scores=SCORES, most=st.integers(1, 9))
def test_the_strongest_stand_first_and_equal_ones_as_on_the_roster(
    scores: list[float], most: int
) -> None:
    ordered = sorted(range(len(scores)), key=lambda place: (-scores[place], place))

    assert strongest_of(np.array(scores), most).tolist() == ordered[:most]


def test_the_next_free_stands_first_and_nobody_knows_when_last() -> None:
    days = np.array([np.nan, 20_010.0, 20_005.0, np.nan, 20_005.0])

    assert order_by_wait(days, ids_of(5)).tolist() == [2, 4, 1, 0, 3]


def test_nobody_is_ordered_to_nobody() -> None:
    assert strongest_of(np.zeros(0), 5).tolist() == []
    assert order_by_wait(np.zeros(0), ()).tolist() == []


def leads_of(*upper: list[float]) -> Array:
    """The whole table of leads from what stands above its diagonal."""
    leads = np.full((len(upper) + 1, len(upper) + 1), 0.5)
    for row, known in enumerate(upper):
        leads[row, row + 1 :] = known
        leads[row + 1 :, row] = 1 - np.array(known)
    return leads


def told(pairing: list[float], leads: Array, reservations: list[int]) -> Ranking:
    """The ranking of clinicians who stand in falling order of their pairing parts."""
    places = np.arange(len(pairing))
    return ranking_of(places, np.array(pairing), leads, np.array(reservations, dtype=np.intp))


def test_a_tie_ends_where_a_lead_is_clear() -> None:
    leads = leads_of([0.6, 0.85, 0.9], [0.75, 0.85], [0.79])

    assert ties_of(leads, 0.8).tolist() == [1, 1, 2, 2]


def test_a_lead_is_clear_from_the_threshold_on() -> None:
    assert ties_of(leads_of([0.8]), 0.8).tolist() == [1, 2]
    assert ties_of(leads_of([0.8 - 1e-9]), 0.8).tolist() == [1, 1]


def test_whoever_is_clearly_behind_any_of_a_tie_is_not_in_it() -> None:
    leads = leads_of([0.6, 0.75], [0.9])

    assert ties_of(leads, 0.8).tolist() == [1, 1, 2]


def test_a_lead_over_somebody_of_an_earlier_tie_ends_no_later_one() -> None:
    leads = leads_of([0.85, 0.99, 0.99], [0.6, 0.7], [0.6])

    assert ties_of(leads, 0.8).tolist() == [1, 2, 2, 2]


def test_fewer_reservations_stand_first_among_those_about_even_and_nowhere_else() -> None:
    leads = leads_of([0.55, 0.7, 0.9], [0.65, 0.85], [0.8])
    ranking = told([0.4, 0.3, 0.2, 0.1], leads, [3, 2, 1, 0])

    assert ranking.places.tolist() == [1, 0, 2, 3]
    assert ranking.ties.tolist() == [1, 1, 1, 2]
    assert ranking.broken_by == (None, "reservations", "alliance", None)
    assert np.diagonal(ranking.leads, 1).tolist() == [1 - 0.55, 0.7, 0.8]


def test_it_is_said_what_broke_a_tie() -> None:
    ranking = told([0.2, 0.1, 0.1], leads_of([0.7, 0.7], [0.5]), [1, 0, 0])

    assert ranking.broken_by == (None, "alliance", "id")


def test_nobody_ties_with_nobody() -> None:
    nobody = told([], np.zeros((0, 0)), [])

    assert (nobody.places.tolist(), nobody.ties.tolist(), nobody.broken_by) == ([], [], ())
    assert told([0.1], np.full((1, 1), 0.5), [3]).ties.tolist() == [1]


@given(case=cases())
def test_no_two_of_a_tie_can_be_told_apart_and_a_new_one_needs_a_clear_lead(
    case: tuple[Array, Array, Places],
) -> None:
    _, leads, _ = case
    ties = ties_of(leads, CLEAR_LEAD)

    assert ties[0] == 1
    assert set(np.diff(ties).tolist()) <= {0, 1}
    for tie in range(1, ties[-1] + 1):
        members = np.flatnonzero(ties == tie)
        assert leads[np.ix_(members, members)].max() < CLEAR_LEAD
        if tie > 1:
            assert leads[np.flatnonzero(ties == tie - 1), members[0]].max() >= CLEAR_LEAD


@given(case=cases())
def test_the_order_within_a_tie_follows_the_rule_and_never_leaves_it(
    case: tuple[Array, Array, Places],
) -> None:
    pairing, leads, reservations = case
    ranking = ranking_of(np.arange(len(pairing)), pairing, leads, reservations)

    even = ties_of(leads, EVEN_LEAD)
    rule = [
        (tie, even[place], reservations[place], -pairing[place], place)
        for tie, place in zip(ranking.ties.tolist(), ranking.places.tolist(), strict=True)
    ]
    assert rule == sorted(rule)
    assert sorted(ranking.places.tolist()) == list(range(len(pairing)))
    assert ranking.ties.tolist() == ties_of(leads, CLEAR_LEAD).tolist()


@given(case=cases())
def test_what_broke_a_tie_is_what_differs(case: tuple[Array, Array, Places]) -> None:
    pairing, leads, reservations = case
    ranking = ranking_of(np.arange(len(pairing)), pairing, leads, reservations)

    for rank in range(1, len(pairing)):
        before, place = ranking.places[rank - 1 : rank + 1]
        differs = {
            None: ranking.ties[rank - 1] < ranking.ties[rank],
            "reservations": reservations[before] < reservations[place]
            and max(leads[before, place], leads[place, before]) < EVEN_LEAD,
            "alliance": pairing[before] > pairing[place],
            "id": pairing[before] == pairing[place] and before < place,
        }
        assert differs[ranking.broken_by[rank]]
