"""Draws from the posterior say the same as its covariance, for every seed the same way."""

import numpy as np
import pytest

from recommender.errors import RecommenderError
from recommender.model.mixed.blocks import Block, DenseBlock, Floats, IndexBlock
from recommender.model.mixed.fit import MixedFit, fit_mixed
from tests.support.mixed_data import a_practice, blocks_of

MANY = 20_000


def a_fit(rows: int = 120) -> tuple[MixedFit, list[Block]]:
    """A fit that keeps its factor; the sparse block first, which the design puts last."""
    y, matches, clinician, client = a_practice(n=rows)
    blocks = blocks_of(matches, clinician)[::-1]
    return fit_mixed(y, blocks, group=client, keep_factor=True), blocks


def some_rows() -> list[Block]:
    rng = np.random.default_rng(5)
    return blocks_of(rng.normal(size=(6, 2)), np.array([0, 1, 1, 5, -1, 11]))[::-1]


def deviations(blocks: list[Block], draws: dict[str, Floats]) -> Floats:
    """Deviation of each row in each draw, by the terms of every draw."""
    found = np.zeros((blocks[0].rows, draws["matches"].shape[1]))
    for draw in range(found.shape[1]):
        for block in blocks:
            found[:, draw] += block.term(draws[block.name][:, draw])
    return found


def covariance(rows: int = 120) -> Floats:
    """Posterior covariance of the coefficients of `a_fit`, the intercept first, written out."""
    y, matches, clinician, _ = a_practice(n=rows)
    fit = fit_mixed(y, blocks_of(matches, clinician))
    wide = np.column_stack([np.ones(rows), matches, np.eye(12)[clinician]])
    v, c = fit.variances["matches"], fit.variances["clinician"]
    penalty = np.diag([0, 1 / v, 1 / v, *([1 / c] * 12)])
    return np.asarray(np.linalg.inv(wide.T @ wide / fit.sigma2 + penalty))


def contrasts(rows: int) -> Floats:
    """Every row less the first: the intercept, which no draw holds, cancels."""
    return np.asarray(np.eye(rows)[1:] - np.eye(rows)[0])


def test_many_draws_vary_together_as_the_posterior_says() -> None:
    y, matches, clinician, _ = a_practice(n=120)
    blocks = blocks_of(matches, clinician)[::-1]
    fit, asked = fit_mixed(y, blocks, keep_factor=True), some_rows()
    clinicians, numbers = asked[0], asked[1]
    assert isinstance(clinicians, IndexBlock)
    assert isinstance(numbers, DenseBlock)
    one_hot = np.vstack([np.eye(12), np.zeros(12)])[clinicians.codes]
    wide = np.column_stack([np.ones(6), numbers.values, one_hot])
    apart = contrasts(6) @ deviations(asked, fit.draws_of(blocks, MANY, 0))
    cover = contrasts(6) @ wide @ covariance() @ wide.T @ contrasts(6).T

    interval = np.sqrt(np.outer(np.diagonal(cover), np.diagonal(cover)))
    assert np.abs(np.cov(apart) - cover).max() < 0.03 * interval.max()
    assert np.abs((np.cov(apart) - cover) / interval).max() < 0.04


def test_draws_lie_around_the_means() -> None:
    fit, blocks = a_fit()
    draws = fit.draws_of(blocks, MANY, 0)

    for block in draws.values():
        assert np.abs(block.mean(axis=1) / block.std(axis=1)).max() < 4 / np.sqrt(MANY)


def test_a_seed_draws_the_same_and_another_seed_others() -> None:
    fit, blocks = a_fit()
    one, again, other = (fit.draws_of(blocks, 5, seed) for seed in (3, 3, 4))

    for name in fit.names:
        assert one[name].tobytes() == again[name].tobytes()
        assert not np.array_equal(one[name], other[name])


def test_there_is_a_draw_for_every_coefficient_and_none_for_the_intercept() -> None:
    fit, blocks = a_fit()
    draws = fit.draws_of(blocks, 7, 0)

    assert {name: block.shape for name, block in draws.items()} == {
        "matches": (2, 7),
        "clinician": (12, 7),
    }


def test_a_clinician_nobody_met_is_drawn_as_wide_as_clinicians_differ() -> None:
    y, matches, clinician, _ = a_practice()
    blocks = blocks_of(matches, clinician, 13)
    fit = fit_mixed(y, blocks, keep_factor=True)
    drawn = fit.draws_of(blocks, MANY, 0)["clinician"].var(axis=1)

    assert drawn[12] == pytest.approx(fit.variances["clinician"], rel=0.05)
    assert (drawn[:12] < drawn[12]).all()


def test_more_ratings_leave_less_to_draw() -> None:
    few, many = (
        fit.draws_of(blocks, 500, 0)["clinician"].std() for fit, blocks in (a_fit(60), a_fit(2000))
    )

    assert many < few / 1.4


def test_without_the_factor_there_is_nothing_to_draw_from() -> None:
    y, matches, clinician, _ = a_practice()
    blocks = blocks_of(matches, clinician)

    with pytest.raises(RecommenderError, match="fit with keep_factor=True"):
        fit_mixed(y, blocks).draws_of(blocks, 5, 0)


def two_dense() -> tuple[MixedFit, list[Block]]:
    y, matches, clinician, _ = a_practice()
    blocks: list[Block] = [
        DenseBlock("one", matches[:, :1]),
        DenseBlock("two", 10 * matches[:, 1:]),
        IndexBlock("clinician", clinician, 12),
    ]
    return fit_mixed(y, blocks, keep_factor=True), blocks


def test_the_doubt_of_one_block_was_told_of_another_when_blocks_came_in_another_order() -> None:
    fit, blocks = two_dense()
    one, other = (fit.draws_of(order, 4, 0) for order in (blocks, blocks[::-1]))

    for name in fit.names:
        assert np.array_equal(one[name], other[name])


def test_blocks_that_are_not_those_of_the_fit_are_refused() -> None:
    fit, blocks = two_dense()

    with pytest.raises(RecommenderError, match="blocks"):
        fit.draws_of(blocks[:2], 4, 0)
