"""The simulation of promotion rules: what it decides on, and how its table counts."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

from experiments.promotion_rules.__main__ import figures
from experiments.promotion_rules.practice import CLINICIANS, SmallPractice
from experiments.promotion_rules.rules import RULES, THE_RULE, Evidence, Measured
from experiments.promotion_rules.simulate import LOOKS, Fault, Look, simulated

NOTHING = Measured(float("nan"), float("nan"), 0)
A_YEAR = Evidence(
    later=NOTHING, crossed=Measured(0.01, 0.06, 100), before=0, now=100, agreement=0.9, shown=False
)


def test_a_rule_serves_what_it_promoted_and_nothing_else() -> None:
    looks = list(simulated(1, 100))
    assert len(looks) == LOOKS * len(RULES)
    for rule in RULES:
        own = [look for look in looks if look.rule == rule]
        assert [look.look for look in own] == list(range(1, LOOKS + 1))
        for before, after in pairwise(own):
            moved = after.gain if after.promoted else 0.0
            assert after.cap - before.cap == pytest.approx(moved)


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
    assert [rule(A_YEAR) for rule in RULES.values()] == [False, False, False, True, True, True]


def test_an_order_that_disagrees_waits_until_it_is_shown() -> None:
    apart = replace(A_YEAR, agreement=0.3)
    assert not RULES[THE_RULE](apart)
    assert RULES[THE_RULE](replace(apart, shown=True))
    lost = replace(apart, shown=True, crossed=Measured(-0.2, 0.03, 600))
    assert not any(rule(lost) for rule in RULES.values())


def test_the_table_counts_worse_broken_and_better_challengers_apart() -> None:
    def look(number: int, fault: Fault, gain: float, cap: float, *, promoted: bool) -> Look:
        return Look(THE_RULE, number, fault, promoted, gain, cap)

    own = [
        look(1, Fault.NONE, 0.1, 0.5, promoted=False),
        look(2, Fault.NONE, 0.1, 0.6, promoted=True),
        look(3, Fault.MILD, -0.1, 0.6, promoted=False),
        look(4, Fault.ALL, -0.6, 0.6, promoted=False),
    ]
    worse, broken, better, first, mean_cap = figures([own])
    assert (worse, broken, better, first) == ("0.00", "0.00", "0.50", "1")
    assert mean_cap == f"{np.mean([0.5, 0.5, 0.6, 0.6, 0.6]):.3f}"
    never = [replace(each, promoted=False) for each in own]
    assert figures([never])[3] == "never"
