"""Solves the equations of a mixed model with many sparse and fewer dense columns.

With A = [[D, C], [C', T]], T sparse, U = C T^-1 and the Schur complement S = D - U C':

    log|A| = log|T| + log|S|,   A^-1 = [[Z, -V], [-V', T^-1 + U' V]],   Z = S^-1,  V = Z U

T is factored in an order that fills few cells, S densely (Henderson's absorption; Bates, Maechler,
Bolker & Walker 2015, Journal of Statistical Software 67(1), section 3). T^-1 is never written out.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy import sparse
from scipy.linalg import cho_solve, lapack
from scipy.sparse.linalg import SuperLU, splu

from recommender.compute.threads import CELLS_FOR_THREADS, over_spans
from recommender.model.mixed.blocks import Floats
from recommender.model.mixed.design import Gram

STEP = 1e-30
SPAN = 144
"""Rows of a large product that one core computes at once: several of the blocks that BLAS forms."""


@dataclass(frozen=True)
class SparseFactor:
    """A positive definite sparse matrix T, factored; T may have no rows."""

    matrix: sparse.csc_array
    factor: SuperLU | None

    @classmethod
    def of(cls, matrix: sparse.csc_array) -> "SparseFactor | None":
        """The factor; None when the matrix is not positive definite."""
        if matrix.shape[0] == 0:
            return cls(matrix, None)
        try:
            factor = _factored(matrix)
        except RuntimeError:
            # A pivot of exactly 0.
            return None
        # Where a pivot on the diagonal is 0, one beside it is taken.
        symmetric = (factor.perm_r == factor.perm_c).all()
        return cls(matrix, factor) if symmetric and (factor.U.diagonal() > 0).all() else None

    @property
    def log_determinant(self) -> float:
        """log|T|."""
        return 0.0 if self.factor is None else float(np.log(self.factor.U.diagonal()).sum())

    def solve(self, right: Floats) -> Floats:
        """T^-1 times (q,) or (q, k)."""
        return right if self.factor is None else np.asarray(self.factor.solve(right))

    def trace(self, direction: sparse.csc_array) -> float:
        """tr(T^-1 D) for a symmetric D whose cells are among those of T.

        It is the derivative of log|T + x D| at 0, here by a complex step, which has no rounding
        error of a difference (Squire & Trapp 1998, SIAM Review 40:110).
        """
        if self.factor is None:
            return 0.0
        pivots = _factored(sparse.csc_array(self.matrix + 1j * STEP * direction)).U.diagonal()
        return float((pivots.imag / pivots.real).sum() / STEP)


def _factored(matrix: sparse.csc_array) -> SuperLU:
    return splu(
        matrix,
        permc_spec="MMD_AT_PLUS_A",
        diag_pivot_thresh=0.0,
        options={"SymmetricMode": True},
    )


@dataclass(frozen=True)
class Eliminated:
    """The factors of A, over d dense and q thin columns.

    Attributes
    ----------
    thin
        T, factored.
    within : (d, q)
        U.
    factor : (d, d)
        Lower Cholesky factor of S.
    """

    thin: SparseFactor
    within: Floats
    factor: Floats

    @property
    def log_determinant(self) -> float:
        """log|A|."""
        return self.thin.log_determinant + 2 * float(np.log(np.diagonal(self.factor)).sum())

    def solve(self, right: Floats) -> Floats:
        """A^-1 times (d + q,) or (d + q, k)."""
        width = len(self.factor)
        thin = right[width:]
        dense = cho_solve((self.factor, True), right[:width] - self.within @ thin)
        return np.concatenate([dense, self.thin.solve(thin) - self.within.T @ dense])

    @cached_property
    def inverse(self) -> tuple[Floats, Floats]:
        """Z (d, d) and V (d, q)."""
        lower = lapack.dpotri(self.factor, lower=1)[0]
        corner = lower + np.tril(lower, -1).T
        across = np.empty_like(self.within)

        def multiply(rows: slice) -> None:
            across[rows] = corner[rows] @ self.within

        over_spans(multiply, len(across), span(across))
        return corner, across

    def traces(self, spans: Sequence[slice]) -> Floats:
        """The trace of A^-1 over each of some spans of columns, all dense or all thin."""
        (corner, across), width = self.inverse, len(self.factor)
        thin = np.einsum("ij,ij->j", across, self.within)
        diagonal = np.concatenate([np.diagonal(corner), thin])
        found = np.array([diagonal[span].sum() for span in spans])
        for number, span in enumerate(spans):
            if span.start >= width:
                own = np.zeros(thin.size)
                own[span.start - width : span.stop - width] = 1.0
                found[number] += self.thin.trace(sparse.csc_array(sparse.diags_array(own)))
        return found

    def trace(self, gram: Gram) -> float:
        """tr(A^-1 G), G having no other thin cells than T."""
        corner, across = self.inverse
        dense = np.vdot(corner, gram.dense) - 2 * np.vdot(across, gram.across)
        thin = np.vdot(across.T, gram.thin @ self.within.T)
        return float(dense + thin) + self.thin.trace(gram.thin)


def span(matrix: Floats) -> int:
    """How many rows of a matrix are computed by one core at once: all of a small one."""
    return SPAN if matrix.size >= CELLS_FOR_THREADS else len(matrix)


def eliminated(gram: Gram, penalty: Floats) -> Eliminated | None:
    """The factors of a cross-product with a penalty (d + q,) on its diagonal.

    None when it is not positive definite.
    """
    width = len(gram.dense)
    thin = SparseFactor.of(sparse.csc_array(gram.thin + sparse.diags_array(penalty[width:])))
    if thin is None:
        return None
    within, schur = np.empty_like(gram.across), np.zeros_like(gram.dense)

    def eliminate(rows: slice) -> None:
        within[rows] = thin.solve(gram.across[rows].T).T
        # Only the lower triangle is read.
        own = within[rows] @ gram.across[: rows.stop].T
        schur[rows, : rows.stop] = gram.dense[rows, : rows.stop] - own

    over_spans(eliminate, width, span(within))
    schur[np.diag_indices(width)] += penalty[:width]
    factor, failed = lapack.dpotrf(schur, lower=1, clean=1)
    return None if failed else Eliminated(thin, within, factor)
