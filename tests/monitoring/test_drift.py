import math

import numpy as np
import pytest

from recommender.serving.staff.views.drift import FEWEST, INDEX, answer_shifts, level_shifts, swing
from tests.support.builders import a_model, a_practice

CONCERN = a_practice().client["concern"]


def test_a_number_is_held_to_the_mean_and_spread_the_model_learned_with() -> None:
    model = a_model()
    products = model.additive.frame.products
    assert products is not None
    (then,), (interval,) = products.client.scale.mean, products.client.scale.interval
    (found,) = answer_shifts([{"directive": 8}, {"directive": 10}] * FEWEST, model)
    assert (found.answered, found.now, found.then) == (2 * FEWEST, 9.0, then)
    assert found.deviations == pytest.approx((9 - then) / interval)
    assert found.moved


def test_too_few_answers_and_answers_that_cannot_be_read_say_nothing() -> None:
    model = a_model()
    assert answer_shifts([{"directive": 8}] * (FEWEST - 1), model) == ()
    assert answer_shifts([{"directive": "often"}] * FEWEST, model) == ()
    assert answer_shifts([{}] * FEWEST, model) == ()
    assert level_shifts([{"concern": "grief"}] * (2 * FEWEST - 1), a_practice()) == ()


def test_the_index_of_a_question_is_the_sum_over_its_answers_open_ones_too() -> None:
    found = swing(CONCERN, ["anxiety"] * 30 + ["grief"] * 10, ["anxiety"] * 10 + ["grief"] * 30)
    p, q = (30.5 / 42, 10.5 / 42), (10.5 / 42, 30.5 / 42)
    by_hand = sum((a - b) * math.log(a / b) for a, b in zip(p, q, strict=True))
    assert found.index == pytest.approx(by_hand)
    assert found.moved


def test_chance_alone_hardly_ever_moves_a_question() -> None:
    rng = np.random.default_rng(5)
    draws = [rng.choice(CONCERN.levels, (2, 100), p=[0.5, 0.3, 0.2]).tolist() for _ in range(300)]
    moved = [swing(CONCERN, now, then).moved for now, then in draws]
    assert sum(moved) <= 9


def test_the_newer_half_is_held_to_the_older() -> None:
    new, old = [{"concern": "grief"}] * FEWEST, [{"concern": "anxiety"}] * FEWEST
    found = {each.phrase: each for each in level_shifts(new + old, a_practice())}
    assert found[CONCERN.phrase].index > INDEX
    still = {each.phrase: each for each in level_shifts(old + old, a_practice())}
    assert still[CONCERN.phrase].index == 0
