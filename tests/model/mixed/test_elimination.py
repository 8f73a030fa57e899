"""Equations solved in two parts say what the whole matrix says."""

import numpy as np
import pytest
from scipy import sparse

from recommender.compute import threads
from recommender.model.mixed import elimination
from recommender.model.mixed.design import Design, Gram
from recommender.model.mixed.elimination import Eliminated, eliminated

DENSE, THIN = 5, 30


def a_gram(seed: int, thin: int = THIN) -> tuple[Gram, np.ndarray]:
    """A cross-product of dense columns and of two levels a row, and a penalty."""
    rng = np.random.default_rng(seed)
    codes = rng.integers(0, thin, (80, 2)) if thin else np.zeros((80, 0), dtype=int)
    cells = np.zeros((80, thin))
    for column in codes.T:
        cells[np.arange(80), column] = rng.uniform(0.5, 2.0, 80)
    design = Design((rng.normal(size=(80, 2)), rng.normal(size=(80, 3))), sparse.csr_array(cells))
    return design.gram(rng.uniform(0.5, 2.0, 80)), rng.uniform(0.5, 2.0, DENSE + thin)


def factors_of(gram: Gram, penalty: np.ndarray) -> Eliminated:
    found = eliminated(gram, penalty)
    assert found is not None
    return found


@pytest.mark.parametrize("thin", [THIN, 1, 0])
@pytest.mark.parametrize("seed", range(3))
def test_the_parts_say_what_the_whole_matrix_says(seed: int, thin: int) -> None:
    gram, penalty = a_gram(seed, thin)
    factors, whole = factors_of(gram, penalty), gram.whole() + np.diag(penalty)
    inverse = np.linalg.inv(whole)
    right = np.random.default_rng(seed).normal(size=(len(whole), 3))
    spans = [slice(0, 2), slice(2, DENSE), slice(DENSE, len(whole))]

    assert factors.log_determinant == pytest.approx(np.linalg.slogdet(whole)[1], rel=1e-13)
    np.testing.assert_allclose(factors.solve(right), inverse @ right, rtol=1e-10)
    traces = [np.trace(inverse[span, span]) for span in spans]
    np.testing.assert_allclose(factors.traces(spans), traces, rtol=1e-12)
    assert factors.trace(gram) == pytest.approx(float((inverse * gram.whole()).sum()), rel=1e-12)


@pytest.mark.parametrize("cores", [1, 3])
def test_a_large_matrix_is_solved_in_spans_of_rows(
    cores: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    gram, penalty = a_gram(0)
    whole = factors_of(gram, penalty)
    monkeypatch.setattr(elimination, "CELLS_FOR_THREADS", 0)
    monkeypatch.setattr(elimination, "SPAN", 2)
    monkeypatch.setattr(threads, "cores", lambda: cores)
    in_spans = factors_of(gram, penalty)

    np.testing.assert_allclose(in_spans.factor, whole.factor, rtol=1e-12)
    np.testing.assert_allclose(in_spans.within, whole.within, rtol=1e-12)
    for ours, theirs in zip(in_spans.inverse, whole.inverse, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-10)


@pytest.mark.parametrize("place", [0, DENSE])
def test_what_is_not_positive_definite_has_no_factors(place: int) -> None:
    gram, penalty = a_gram(0)
    penalty[place] -= gram.diagonal[place] + penalty[place]

    assert eliminated(gram, penalty) is None


def test_a_level_without_rows_and_without_a_penalty_has_no_factors() -> None:
    empty = Gram(np.eye(2), np.zeros((2, 1)), sparse.csc_array((1, 1)))

    assert eliminated(empty, np.zeros(3)) is None
