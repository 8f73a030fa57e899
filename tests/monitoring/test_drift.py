import math

import numpy as np
import pytest

from recommender.monitoring.drift import (
    MIN_INDEX,
    MIN_REQUESTS,
    answer_shifts,
    level_shift,
    level_shifts,
)
from tests.support.builders import a_model, a_practice

CONCERN = a_practice().client["concern"]


def test_a_number_is_held_to_the_mean_and_spread_the_model_learned_with() -> None:
    model = a_model()
    products = model.additive.frame.products["products"]
    (then,), (interval,) = products.client.scale.mean, products.client.scale.interval
    (found,) = answer_shifts([{"directive": 8}, {"directive": 10}] * MIN_REQUESTS, model)
    assert (found.answered, found.now, found.training) == (2 * MIN_REQUESTS, 9.0, then)
    assert found.difference == pytest.approx((9 - then) / interval)
    assert found.changed


def test_too_few_answers_and_answers_that_cannot_be_read_say_nothing() -> None:
    model = a_model()
    assert answer_shifts([{"directive": 8}] * (MIN_REQUESTS - 1), model) == ()
    assert answer_shifts([{"directive": "often"}] * MIN_REQUESTS, model) == ()
    assert answer_shifts([{}] * MIN_REQUESTS, model) == ()
    assert level_shifts([{"concern": "grief"}] * (2 * MIN_REQUESTS - 1), a_practice()) == ()


def test_the_index_of_a_question_is_the_sum_over_its_answers_open_ones_too() -> None:
    found = level_shift(
        CONCERN, ["anxiety"] * 30 + ["grief"] * 10, ["anxiety"] * 10 + ["grief"] * 30
    )
    p, q = (30.5 / 42, 10.5 / 42), (10.5 / 42, 30.5 / 42)
    by_hand = sum((a - b) * math.log(a / b) for a, b in zip(p, q, strict=True))
    assert found.index == pytest.approx(by_hand)
    assert found.changed


def test_chance_alone_hardly_ever_moves_a_question() -> None:
    rng = np.random.default_rng(5)
    draws = [rng.choice(CONCERN.levels, (2, 100), p=[0.5, 0.3, 0.2]).tolist() for _ in range(300)]
    moved = [level_shift(CONCERN, now, then).changed for now, then in draws]
    assert sum(moved) <= 9


def test_the_newer_half_is_held_to_the_older() -> None:
    new, old = [{"concern": "grief"}] * MIN_REQUESTS, [{"concern": "anxiety"}] * MIN_REQUESTS
    found = {each.phrase: each for each in level_shifts(new + old, a_practice())}
    assert found[CONCERN.phrase].index > MIN_INDEX
    still = {each.phrase: each for each in level_shifts(old + old, a_practice())}
    assert still[CONCERN.phrase].index == 0
