"""Levels of tags: as codes, as weights, as a mean that depends on no other row."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from recommender.features.client_levels import (
    add_weighted,
    codes_of_tags,
    level_weights,
    mean_over_tags,
    used_places,
)

LEVELS = 12
NAMED = arrays(
    np.float64, st.tuples(st.integers(1, 6), st.just(LEVELS)), elements=st.just(1.0) | st.just(0.0)
)


def test_codes_are_ascending_with_none_behind_them() -> None:
    answer = np.array([[0.0, 1, 1], [0, 0, 0], [np.nan, np.nan, np.nan], [1, 0, 0]])

    assert codes_of_tags(answer).tolist() == [[1, 2, -1], [-1, -1, -1], [-1, -1, -1], [0, -1, -1]]


def test_every_tag_weighs_the_same_and_all_of_them_one() -> None:
    level = np.array([[0, 1, 2, -1], [3, -1, -1, -1], [-1, -1, -1, -1]])

    third = 1 / 3
    assert level_weights(level).tolist() == [[third] * 3 + [0], [1, 0, 0, 0], [0, 0, 0, 0]]


def test_places_nobody_uses_are_left_out_and_one_remains() -> None:
    assert used_places(np.array([[0, 1, -1], [2, -1, -1]])).tolist() == [[0, 1], [2, -1]]
    assert used_places(np.array([[-1, -1, -1]])).tolist() == [[-1]]


@given(answer=NAMED, seed=st.integers(0, 99))
def test_a_mean_has_the_same_bits_alone_among_others_and_without_unused_places(
    answer: np.ndarray, seed: int
) -> None:
    level = codes_of_tags(answer)
    values = np.random.default_rng(seed).normal(size=level.shape)
    values[level < 0] = 0.0
    together = mean_over_tags(values, level)

    for row in range(len(level)):
        own = used_places(level[[row]])
        assert mean_over_tags(values[[row], : own.shape[1]], own)[0] == together[row]


@given(answer=NAMED, seed=st.integers(0, 99))
def test_a_mean_and_draws_are_those_of_a_matrix_of_weights(answer: np.ndarray, seed: int) -> None:
    rng = np.random.default_rng(seed)
    level, by_level = codes_of_tags(answer), rng.normal(size=LEVELS)
    weights = answer / np.maximum(answer.sum(axis=1, keepdims=True), 1)
    values = np.where(level >= 0, by_level[level], 0.0)
    draws, rows = rng.normal(size=(LEVELS, 3)), np.zeros((len(answer), 3), dtype=np.float32)
    add_weighted(rows, draws.astype(np.float32), level, level_weights(level))

    np.testing.assert_allclose(mean_over_tags(values, level), weights @ by_level, atol=1e-12)
    np.testing.assert_allclose(rows, weights @ draws, atol=1e-5)


def test_a_code_without_draws_adds_nothing() -> None:
    rows = np.zeros((1, 2), dtype=np.float32)
    add_weighted(
        rows, np.ones((3, 2), dtype=np.float32), np.array([[1, 3]]), np.array([[0.5, 0.5]])
    )

    assert rows.tolist() == [[0.5, 0.5]]
