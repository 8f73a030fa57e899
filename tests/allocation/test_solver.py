"""The solver beside brute force and beside first come, first served."""

from dataclasses import replace
from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from recommender.allocation.solver import (
    NOBODY,
    AssignmentProblem,
    CapacityLimit,
    Places,
    marginal_gains,
    solve,
)
from recommender.errors import RecommenderError


@st.composite
def problems(
    draw: st.DrawFn, most_clients: int = 4, most_clinicians: int = 3, caps: int = 1
) -> AssignmentProblem:
    clients = draw(st.integers(1, most_clients))
    clinicians = draw(st.integers(1, most_clinicians))
    fits = np.array(draw(st.lists(st.booleans(), min_size=clients * clinicians,
                                  max_size=clients * clinicians)))  # fmt: skip
    client, clinician = np.nonzero(fits.reshape(clients, clinicians))
    values = st.integers(-2_000_000, 2_000_000).map(lambda micro: micro / 1e6)
    value = draw(st.lists(values, min_size=len(client), max_size=len(client)))
    places = draw(st.lists(st.integers(0, 2), min_size=clinicians, max_size=clinicians))
    rank = draw(st.lists(st.integers(0, 2), min_size=clients, max_size=clients))
    limits = []
    for _ in range(draw(st.integers(0, caps))):
        members = draw(st.lists(st.booleans(), min_size=clients, max_size=clients))
        most = draw(st.lists(st.integers(0, 2), min_size=clinicians, max_size=clinicians))
        limits.append(CapacityLimit(np.array(members), np.array(most)))
    return AssignmentProblem(
        client, clinician, np.array(value, dtype=np.float64), np.array(places, dtype=np.intp),
        np.array(rank, dtype=np.intp), tuple(limits),
    )  # fmt: skip


def keeps_to(problem: AssignmentProblem, taken: Places) -> bool:
    client, clinician = problem.client[taken], problem.clinician[taken]
    within = [np.bincount(clinician, minlength=len(problem.places)) <= problem.places]
    for cap in problem.limits:
        own = clinician[cap.members[client]]
        within.append(np.bincount(own, minlength=len(problem.places)) <= cap.max_clients)
    return len(set(client.tolist())) == len(client) and bool(np.all(within))


def size(problem: AssignmentProblem, taken: Places) -> tuple[tuple[int, ...], float]:
    return problem.placed(taken), round(problem.total(taken), 9)


def every_allocation(problem: AssignmentProblem) -> list[Places]:
    own = [
        [NOBODY, *np.flatnonzero(problem.client == client).tolist()]
        for client in range(len(problem.rank))
    ]
    chosen = (np.array([p for p in pairs if p != NOBODY], dtype=np.intp) for pairs in product(*own))
    return [taken for taken in chosen if keeps_to(problem, taken)]


def first_come(problem: AssignmentProblem) -> Places:
    """Class by class, in the order of the list, each takes the highest value that is left."""
    taken: list[int] = []
    for client in np.lexsort((np.arange(len(problem.rank)), problem.rank)).tolist():
        own = np.flatnonzero(problem.client == client)
        for pair in own[np.argsort(-problem.value[own], kind="stable")].tolist():
            if keeps_to(problem, np.array([*taken, pair], dtype=np.intp)):
                taken.append(pair)
                break
    return np.array(taken, dtype=np.intp)


@given(problem=problems(caps=2))
def test_it_is_what_brute_force_finds(problem: AssignmentProblem) -> None:
    taken = solve(problem).chosen
    assert keeps_to(problem, taken)
    best = max(size(problem, other) for other in every_allocation(problem))
    placed, total = size(problem, taken)
    assert placed == best[0]
    assert total == pytest.approx(best[1], abs=1e-7)


@given(problem=problems(most_clients=12, most_clinicians=6))
def test_first_come_first_served_is_never_more(problem: AssignmentProblem) -> None:
    found, other = size(problem, solve(problem).chosen), size(problem, first_come(problem))
    assert found[0] >= other[0]
    if found[0] == other[0]:
        assert found[1] >= other[1] - 1e-7


@given(problem=problems(), few=st.integers(1, 3))
def test_one_more_place_is_worth_what_solving_again_gives(
    problem: AssignmentProblem, few: int
) -> None:
    found = solve(problem)
    told = marginal_gains(problem, found, few, lambda step, done: None)
    before = size(problem, found.chosen)
    each = []
    for place in range(len(problem.places)):
        places = problem.places.copy()
        places[place] += 1
        more = replace(problem, places=places)
        placed, total = size(more, solve(more).chosen)
        gained = tuple(a - b for a, b in zip(placed, before[0], strict=True))
        each.append((gained, round(total - before[1], 6)))
    some = sorted(
        (gain for gain in each if gain > (tuple([0] * len(before[0])), 1e-6)), reverse=True
    )
    assert [gain.placed for gain in told] == [placed for placed, _ in some[:few]]
    said = [gain.value for gain in told]
    assert said == pytest.approx([value for _, value in some[:few]], abs=2e-6)


def test_nobody_to_give_is_no_trouble() -> None:
    none = np.empty(0, dtype=np.intp)
    problem = AssignmentProblem(none, none, np.empty(0), np.array([2]), np.array([0, 1]))
    assert not len(solve(problem).chosen)


def test_classes_that_cannot_be_told_apart_are_refused() -> None:
    clients = 400
    pairs = np.arange(clients)
    half = pairs % 2 == 0
    caps = (CapacityLimit(half, np.array([3])), CapacityLimit(pairs % 3 == 0, np.array([3])))
    client = np.zeros(clients, dtype=np.intp)
    value, places = np.ones(clients), np.array([9])
    problem = AssignmentProblem(pairs, client, value, places, pairs % 8, caps)
    with pytest.raises(RecommenderError, match="too many classes"):
        solve(problem)
