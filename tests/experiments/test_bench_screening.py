"""The bench asks for everything, reads what it says, and fits what it is given."""

from dataclasses import replace
from functools import cache

import numpy as np
import pytest

from experiments.bench.screening import (
    ANSWERS,
    DAY,
    a_roster,
    columns_read,
    dearest,
    exponent,
    measured,
    read_once,
    the_intake,
)
from recommender.practice.definition import Practice, shipped_practice
from recommender.practice.rules.constraint import client_fields
from recommender.screening.screen import screen
from recommender.tables.roster import Roster


@cache
def the_practice() -> Practice:
    return shipped_practice()


@cache
def the_roster() -> Roster:
    return a_roster(the_practice(), 3_000)


def test_the_client_answers_every_question_that_a_constraint_reads() -> None:
    practice = the_practice()
    asked = {
        name
        for constraint in practice.constraints.values()
        for name in client_fields(constraint, practice.first_session)
    }
    assert asked <= set(ANSWERS)


def test_every_constraint_but_the_one_for_other_schemes_finds_somebody_to_leave_out() -> None:
    """Those that pass everybody do so by what the client answered, not by the client's silence."""
    practice, intake = the_practice(), the_intake(the_practice())
    screening = screen(practice, intake.client, intake.client_id, the_roster(), DAY)
    assert {each.name for each in screening.constraints} == practice.constraints.keys()
    same = {name for name in practice.constraints if (screening.verdict_of(name) == 1).all()}
    assert same <= {"unrestricted", "referral", "rebate_left", "scheme_approval"}


def test_no_two_clinicians_of_the_roster_are_copies() -> None:
    columns = the_roster().columns
    numbers = [name for name in columns.values if columns[name].dtype != object]
    told = [np.nan_to_num(columns[name]).reshape(3_000, -1) for name in numbers]
    assert len(np.unique(np.hstack(told), axis=0)) == 3_000


def test_every_column_is_read_and_no_other_is_kept() -> None:
    assert set(the_roster().columns.values) == set(columns_read(the_practice()))
    assert np.isfinite(read_once((np.ones(3), np.array([None, ("c1",)], dtype=object))))


@pytest.mark.parametrize("power", [0.5, 1.0, 2.0])
def test_the_exponent_is_that_of_a_power_law(power: float) -> None:
    sizes = [5_000.0, 50_000.0, 500_000.0]
    assert exponent(sizes, [3 * size**power for size in sizes]) == pytest.approx(power)


def test_a_small_bench_runs() -> None:
    cost = measured(the_practice(), 300, runs=2)
    assert 0 < cost.read < cost.screening
    assert replace(cost, screening=10.0, read=2.0).ratio == 5
    assert len(dearest(the_practice(), 300, runs=1)) == len(the_practice().constraints)
