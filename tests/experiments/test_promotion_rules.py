"""The simulation of promotion rules: what it decides on, and how its table counts."""

from dataclasses import replace
from functools import cache
from itertools import pairwise

import numpy as np
import pytest
from threadpoolctl import threadpool_limits

from experiments.promotion_rules.__main__ import fault_figures, figures
from experiments.promotion_rules.practice import CLINICIANS, SmallPractice
from experiments.promotion_rules.rules import CORRELATION, RULES, THE_RULE, Evidence, Measured
from experiments.promotion_rules.simulate import (
    BAD,
    TABLES,
    Fault,
    Look,
    simulated,
)

NOTHING = Measured(float("nan"), float("nan"), 0)
A_YEAR = Evidence(
    later=NOTHING,
    crossed=Measured(0.01, 0.06, 100),
    before=0,
    now=100,
    agreement=0.9,
    retained=0.9,
    shown=False,
)


@cache
def a_practice() -> tuple[Look, ...]:
    with threadpool_limits(limits=1):
        return tuple(simulated(1, 100, looks=3))


def test_a_rule_serves_what_it_promoted_and_nothing_else() -> None:
    looks = a_practice()
    for rule in RULES:
        own = [look for look in looks if look.rule == rule and look.drawn]
        assert [look.look for look in own] == [1, 2, 3]
        for before, after in pairwise(own):
            moved = after.gain if after.promoted else 0.0
            assert after.cap - before.cap == pytest.approx(moved)


def test_every_rule_judges_each_fault_once_at_each_look() -> None:
    looks = a_practice()
    for rule in RULES:
        faulty = [(look.look, look.fault) for look in looks if look.rule == rule and look.fault]
        for fault in (*BAD, *TABLES):
            assert [look for look, each in faulty if each is fault] == [1, 2, 3]


def test_what_learned_from_reversed_ratings_serves_no_small_practice_under_the_rule() -> None:
    promoted = {
        rule: [
            look.look
            for look in a_practice()
            if look.rule == rule
            and look.fault in (Fault.REVERSED, Fault.REVERSED_TABLE)
            and look.promoted
        ]
        for rule in (CORRELATION, THE_RULE)
    }
    assert promoted[CORRELATION]
    assert not promoted[THE_RULE]


def test_more_ratings_are_worth_more_and_reversed_ones_less_than_none() -> None:
    practice = SmallPractice(3)
    many = practice.ratings(4_000)
    known = practice.evidence
    learned = replace(known, coefficients=practice.learned(many, many.rating))
    reversed_ = replace(known, coefficients=practice.learned(many, -many.rating))
    exchanged = replace(learned, reads=np.roll(np.arange(CLINICIANS), 1))
    caps = [practice.cap(model) for model in (learned, known, exchanged, reversed_)]
    assert caps[0] > caps[1] > max(caps[2:])
    assert caps[3] < 0


def test_only_the_expected_gain_promotes_after_a_year_of_a_small_practice() -> None:
    assert [rule(A_YEAR) for rule in RULES.values()] == [*3 * [False], *5 * [True]]


def test_an_order_that_disagrees_waits_until_it_is_shown() -> None:
    apart = replace(A_YEAR, agreement=0.3)
    assert not RULES[THE_RULE](apart)
    assert RULES[THE_RULE](replace(apart, shown=True))
    assert not RULES[THE_RULE](replace(apart, agreement=-0.1, shown=True))
    assert not RULES[THE_RULE](replace(A_YEAR, retained=0.5))
    assert RULES[CORRELATION](replace(A_YEAR, retained=0.5))
    lost = replace(apart, shown=True, crossed=Measured(-0.2, 0.03, 600))
    assert not any(rule(lost) for rule in RULES.values())


def test_the_table_counts_worse_broken_and_better_challengers_apart() -> None:
    def look(
        number: int, fault: Fault, gain: float, cap: float, *, promoted: bool, drawn: bool = True
    ) -> Look:
        return Look(THE_RULE, number, fault, drawn, promoted, gain, cap, 0.8, 0.6)

    own = [
        look(1, Fault.NONE, 0.1, 0.5, promoted=False),
        look(2, Fault.NONE, 0.1, 0.6, promoted=True),
        look(3, Fault.MILD, -0.1, 0.6, promoted=False),
        look(4, Fault.REVERSED, -0.6, 0.6, promoted=True, drawn=False),
        look(4, Fault.REVERSED_TABLE, -0.6, 0.6, promoted=True, drawn=False),
        look(4, Fault.ALL, -0.6, 0.6, promoted=False),
    ]
    worse, broken, wrong, better, first, mean_cap = figures([own])
    assert (worse, broken, wrong, better, first) == ("0.00", "0.500", "1.00", "0.50", "1")
    assert mean_cap == f"{np.mean([0.5, 0.5, 0.6, 0.6, 0.6]):.3f}"
    assert fault_figures(own, Fault.ALL) == ("0.80 ± 0.00", "0.60 ± 0.00", "-0.60", "0.00")
    assert set(fault_figures(own, Fault.MISJOINED)) == {"-"}
    never = [replace(each, promoted=False) for each in own]
    assert figures([never])[4] == "never"
