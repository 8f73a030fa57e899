"""A list of people: promises are kept, nobody excluded is given, nobody is below the floor."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from recommender.allocation.allocate import allocate
from recommender.allocation.files import clients_table, places_table
from recommender.allocation.outcome import Allocation, allocation_warnings
from recommender.allocation.terms import (
    Floor,
    Limit,
    Terms,
    WaitingClient,
    members,
    places_of,
    read_limit,
)
from recommender.errors import IntakeError, RecommenderError
from recommender.practice.columns import Columns
from recommender.practice.definition import read_practice
from recommender.recommendation.recommend import Intake, recommend
from recommender.screening.screen import screen
from tests.support.builders import DAY, a_model, a_practice, a_roster, an_encoding, some_people

SLOWLY = settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def everybody() -> list[WaitingClient]:
    return [WaitingClient(client_id) for client_id in some_people().ids]


def allocated(waiting: Sequence[WaitingClient] | None = None, **terms: Any) -> Allocation:
    given = Terms(**terms)
    people = everybody() if waiting is None else waiting
    return allocate(some_people(), people, an_encoding(), a_model(), given, day=DAY)


def clinicians(found: Allocation) -> dict[str, str]:
    return {each.client_id: each.clinician_id for each in found.assigned}


IDS = a_roster().ids
LISTS = st.lists(
    st.builds(
        WaitingClient,
        st.sampled_from(some_people().ids),
        priority=st.integers(1, 3),
        weight=st.sampled_from([0.5, 1.0, 2.0]),
        promised_clinician_id=st.none() | st.sampled_from(IDS),
        former_clinician_id=st.none() | st.sampled_from(IDS),
    ),
    min_size=1,
    unique_by=lambda each: each.client_id,
)
TERMS = st.fixed_dictionaries(
    {
        "places": st.none() | st.dictionaries(st.sampled_from(IDS), st.integers(0, 3)),
        "floor": st.builds(Floor, st.none() | st.floats(0, 1), st.none() | st.floats(3, 4.5)),
        "limits": st.just(()) | st.just((Limit("concern", "grief", 1),)),
        "marginal_value_for": st.just(0),
    }
)


@SLOWLY
@given(waiting=LISTS, terms=TERMS, seed=st.integers(0, 9))
def test_whatever_the_list_its_promises_and_rules_hold(
    waiting: list[WaitingClient], terms: dict[str, Any], seed: int
) -> None:
    found = allocated(waiting, **terms)
    own = clinicians(found)
    asked = {each.client_id: each for each in waiting}

    assert set(own) | {each.client_id for each in found.unplaced} == set(asked)
    assert len(found.assigned) + len(found.unplaced) == len(asked)
    assert {c: own[c] for c, w in asked.items() if w.promised_clinician_id} == {
        c: w.promised_clinician_id for c, w in asked.items() if w.promised_clinician_id
    }
    for seat in found.places_used:
        assert seat.places is not None
        assert seat.assigned <= max(seat.places - seat.promised, 0)
    for each in found.assigned:
        if each.fixed_by != "told":
            assert fits(each.client_id, each.clinician_id)
            assert_above(each.cost, each.predicted, terms["floor"])
    grieving = members(a_practice(), some_people().columns, Limit("concern", "grief", 1))
    about = {c for c, is_in in zip(some_people().ids, grieving.tolist(), strict=True) if is_in}
    if terms["limits"]:
        free = Counter(own[c] for c in about & set(own) if not asked[c].promised_clinician_id)
        assert max(free.values(), default=0) <= 1
    turned = [waiting[row] for row in np.random.default_rng(seed).permutation(len(waiting))]
    assert allocated(turned, **terms) == found


def fits(client_id: str, clinician_id: str) -> bool:
    row = some_people().ids.index(client_id)
    client = some_people().columns.take(np.array([row]))
    found = screen(a_practice(), client, client_id, a_roster(), DAY)
    place = a_roster().ids.index(clinician_id)
    capacity = {c.name for c in found.constraints if c.family == "capacity"}
    barring = [c.name for c, code in zip(found.constraints, found.excluding[:, place], strict=True)
               if code]  # fmt: skip
    # Places are the terms', and counted above.
    return set(barring) <= capacity


def assert_above(cost: float | None, predicted: float | None, floor: Floor) -> None:
    if cost is not None and floor.within is not None:
        assert cost <= floor.within + 1e-5
    if predicted is not None and floor.level is not None:
        assert predicted >= floor.level


def test_a_client_alone_is_given_whom_a_request_shows_first() -> None:
    for row, client_id in enumerate(some_people().ids):
        client = some_people().columns.take(np.array([row]))
        shown = recommend(
            Intake(client, client_id, ()), an_encoding(), a_model(), day=DAY, top_k=12
        ).shortlist
        given = allocated([WaitingClient(client_id)]).assigned
        if not shown or shown[0].predicted is None:
            assert [each.predicted for each in given] == [None] * bool(shown)
            continue
        first = max(shown, key=lambda each: each.predicted or 0.0)
        assert given[0].clinician_id == first.clinician_id
        assert given[0].predicted == pytest.approx(first.predicted, abs=1e-9)
        assert (given[0].cost, given[0].rank, given[0].choices) == (0.0, 1, len(shown))


def test_an_earlier_class_comes_first_and_a_long_wait_before_it() -> None:
    some = [c for c in some_people().ids if fits(c, "k03")][:2]
    waiting = [WaitingClient(some[0], priority=2), WaitingClient(some[1], priority=1)]
    assert set(clinicians(allocated(waiting, places={"k03": 1}))) == {some[1]}

    since = DAY.replace(month=1)
    late = [WaitingClient(some[0], priority=2, waiting_since=since), waiting[1]]
    found = allocated(late, places={"k03": 1}, longest_wait_days=90)
    assert set(clinicians(found)) == {some[0]}
    assert found.unplaced[0].reason == "places_taken"
    holder = found.unplaced[0].full[0].holders[0]
    assert (holder.client_id, holder.reason) == (some[0], "comes_first")


def test_one_more_place_is_said_to_place_whom_it_places() -> None:
    some = [c for c in some_people().ids if fits(c, "k03")][:2]
    waiting = [WaitingClient(client_id) for client_id in some]
    found = allocated(waiting, places={"k03": 1})
    more = next(each for each in found.marginal_places if each.clinician_id == "k03")
    assert more.placed == 1
    assert more.newly_assigned == (found.unplaced[0].client_id,)
    again = allocated(waiting, places={"k03": 2})
    assert set(clinicians(again)) == set(some)


def test_an_earlier_allocation_is_kept_and_a_small_change_moves_nobody() -> None:
    first = clinicians(allocated())
    again = [WaitingClient(c, former_clinician_id=first.get(c)) for c in some_people().ids]
    found = allocated(again)
    assert clinicians(found) == first
    assert {each.fixed_by for each in found.assigned} == {"previous"}


def test_who_fits_nobody_is_told_by_what() -> None:
    found = allocated(places=dict.fromkeys(IDS, 20))
    assert {each.reason for each in found.unplaced} <= {"nobody_fits"}
    for each in found.unplaced:
        assert each.removals
        assert all(removal.removed for removal in each.removals)


def test_a_list_nobody_could_keep_to_is_refused_whole() -> None:
    wrong = [
        WaitingClient("w00", promised_clinician_id="nobody"),
        WaitingClient("w00", priority=0, weight=0.0),
    ]
    with pytest.raises(IntakeError) as refused:
        allocated(wrong)
    assert len(refused.value.faults) == 4
    with pytest.raises(RecommenderError, match="1 whose answers"):
        allocated([WaitingClient("w99")])
    with pytest.raises(RecommenderError, match="not on the roster"):
        allocated(places={"k99": 1})


def test_limits_are_read_as_typed() -> None:
    assert read_limit("concern=grief:2") == Limit("concern", "grief", 2)
    for text in ("concern", "concern=grief", "concern:2", "=grief:2", "concern=grief:x"):
        with pytest.raises(RecommenderError, match="cannot be read"):
            read_limit(text)
    with pytest.raises(RecommenderError, match="no such level"):
        allocated(limits=(Limit("concern", "joy", 1),))
    with pytest.raises(RecommenderError, match="limit on gender: is on a field that matching may"):
        allocated(limits=(Limit("gender", "woman", 1),))
    with pytest.raises(RecommenderError, match="did you mean concern") as refused:
        allocated(limits=(Limit("concerns", "grief", 1),))
    assert "limit: " in str(refused.value)


def test_nobody_waiting_is_an_empty_allocation() -> None:
    found = allocated([])
    assert (found.assigned, found.unplaced, found.marginal_places) == ((), (), ())


def test_a_practice_that_asks_for_two_open_places_keeps_one_free() -> None:
    one = 'value = 1\nclinician = "places"'
    two = read_practice(a_practice().text.replace(one, one.replace("1", "2")))
    recorded = a_roster().columns["places"]

    assert places_of(a_roster(), a_practice(), Terms()).tolist() == recorded.tolist()
    assert places_of(a_roster(), two, Terms()).tolist() == np.maximum(recorded - 1, 0).tolist()


def test_two_clients_promised_one_last_place_are_said() -> None:
    promised = [WaitingClient(name, promised_clinician_id=IDS[0]) for name in some_people().ids[:2]]
    found = allocated(promised, places={IDS[0]: 1, IDS[1]: 1})

    assert {each.clinician_id for each in found.assigned} == {IDS[0]}
    [warning] = allocation_warnings(found)
    assert str(warning) == (
        f"told: 2 clients have {IDS[0]}, who has 1 places; add a place, or promise one of them "
        "another clinician"
    )


def test_a_promise_that_no_longer_fits_the_client_is_kept_and_reported() -> None:
    free = allocated(places=dict.fromkeys(IDS, 20))
    unfit = next(
        WaitingClient(name, promised_clinician_id=each)
        for name in some_people().ids
        for each in IDS
        if not fits(name, each)
    )
    assert all(each.eligible for each in free.assigned)
    found = allocated([unfit], places=dict.fromkeys(IDS, 20))
    [kept] = found.assigned
    assert (kept.clinician_id, kept.eligible) == (unfit.promised_clinician_id, False)
    [warning] = allocation_warnings(found)
    assert str(warning).startswith(
        f"told: {kept.client_id} with {kept.clinician_id}: the clinician"
    )
    [why] = clients_table(found, {}, {})["why"]
    assert why == "the clinician promised does not fit every requirement of the client"


def test_places_that_nobody_recorded_are_not_called_none() -> None:
    roster = a_roster()
    places = roster.columns["places"].copy()
    places[0] = np.nan
    values = {**roster.columns.values, "places": places}
    unknown = replace(roster, columns=Columns(roster.columns.size, values))
    people = everybody()
    encoding = a_model().encode_roster(unknown)
    found = allocate(some_people(), people, encoding, a_model(), Terms(), day=DAY)

    first, *others = found.places_used
    assert (first.places, first.left, first.assigned) == (None, None, 0)
    assert all(seat.places is not None for seat in others)
    assert places_table(found)["places"].isna().tolist()[:2] == [True, False]
    [warning] = allocation_warnings(found)
    assert warning.problem == f"are not known of {IDS[0]}, who are assigned nobody new"
