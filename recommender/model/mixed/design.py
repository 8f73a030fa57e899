"""The design matrix of blocks of columns, and its weighted cross-products."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from recommender.model.mixed.blocks import Block, DenseBlock, Floats, IndexBlock, chunks

Places = NDArray[np.intp]

CHUNK_ROWS = 4_096


@dataclass(frozen=True, slots=True, eq=False)
class Gram:
    """A symmetric matrix over d dense and q thin columns, in blocks.

    Attributes
    ----------
    dense : (d, d)
    across : (d, q)
    thin : (q, q) sparse
        Index blocks meet in few cells, so that most are empty.
    """

    dense: Floats
    across: Floats
    thin: sparse.csc_array

    def __add__(self, other: "Gram") -> "Gram":
        """The sum of two matrices of one shape."""
        return Gram(self.dense + other.dense, self.across + other.across, self.thin + other.thin)

    def __sub__(self, other: "Gram") -> "Gram":
        """The difference of two matrices of one shape."""
        return Gram(self.dense - other.dense, self.across - other.across, self.thin - other.thin)

    def scaled(self, factor: float) -> "Gram":
        """The matrix times a number."""
        return Gram(factor * self.dense, factor * self.across, factor * self.thin)

    def times(self, vector: Floats) -> Floats:
        """Product with (d + q,) or (d + q, k)."""
        dense, thin = vector[: len(self.dense)], vector[len(self.dense) :]
        return np.concatenate(
            [self.dense @ dense + self.across @ thin, self.across.T @ dense + self.thin @ thin]
        )

    @property
    def diagonal(self) -> Floats:
        """The diagonal, (d + q,)."""
        return np.concatenate([np.diagonal(self.dense), self.thin.diagonal()])

    @property
    def without_outcome(self) -> "Gram":
        """The matrix without its last dense column and row, which are those of the outcome."""
        return Gram(self.dense[:-1, :-1], self.across[:-1], self.thin)

    @property
    def with_outcome(self) -> Floats:
        """The last dense column, that of the outcome, in the rows of all others, (d - 1 + q,)."""
        return np.concatenate([self.dense[:-1, -1], self.across[-1]])

    def whole(self) -> Floats:
        """The matrix in one piece, (d + q, d + q)."""
        return np.block([[self.dense, self.across], [self.across.T, self.thin.toarray()]])


@dataclass(frozen=True, slots=True, eq=False)
class GramStack:
    """Several matrices of one shape, of which sums with many different factors are wanted.

    `dense` (k, d, d), `across` (k, d, q) and `thin` (k, cells) have one row a matrix; `cells` has
    the thin cells that any of them fills.
    """

    dense: Floats
    across: Floats
    thin: Floats
    cells: sparse.csc_array

    @classmethod
    def of(cls, grams: Sequence[Gram]) -> "GramStack":
        """A stack of at least one matrix."""
        cells = abs(grams[0].thin)
        for gram in grams[1:]:
            cells = cells + abs(gram.thin)
        cells.sort_indices()
        width = cells.shape[0]
        column = np.repeat(np.arange(width), np.diff(cells.indptr))
        places = column * width + cells.indices
        thin = np.zeros((len(grams), cells.nnz))
        for row, gram in zip(thin, grams, strict=True):
            own = gram.thin.tocoo()
            row[np.searchsorted(places, own.col.astype(np.int64) * width + own.row)] = own.data
        return cls(
            np.stack([gram.dense for gram in grams]),
            np.stack([gram.across for gram in grams]),
            thin,
            cells,
        )

    def summed(self, factors: Floats) -> Gram:
        """The sum of all, each times its factor."""
        cells = (factors @ self.thin, self.cells.indices, self.cells.indptr)
        return Gram(
            np.tensordot(factors, self.dense, 1),
            np.tensordot(factors, self.across, 1),
            sparse.csc_array(cells, shape=self.cells.shape),
        )


@dataclass(frozen=True, slots=True, eq=False)
class Design:
    """Rows of a design matrix: groups of dense columns first, sparse columns (n, q) after them."""

    dense: tuple[Floats, ...]
    thin: sparse.csr_array

    @property
    def rows(self) -> int:
        """Number of rows."""
        return int(self.thin.shape[0])

    @property
    def dense_width(self) -> int:
        """Number of dense columns, d."""
        return sum(part.shape[1] for part in self.dense)

    def times(self, vector: Floats) -> Floats:
        """Product with a (d + q,) vector, (n,)."""
        total, start = self.thin @ vector[self.dense_width :], 0
        for part in self.dense:
            total = total + part @ vector[start : start + part.shape[1]]
            start += part.shape[1]
        return np.asarray(total)

    def summed(self, chooser: sparse.csr_array) -> "Design":
        """Weighted sums of rows, one for each row of the (m, n) chooser."""
        dense = tuple(np.asarray(chooser @ part) for part in self.dense)
        return Design(dense, sparse.csr_array(chooser @ self.thin))

    def gram(self, weights: Floats, places: Places | None = None) -> Gram:
        """Weighted cross-product of the rows at some places, or of all: sum of w_i x_i x_i'.

        `weights` (n,) are not negative. Written out for a few thousand rows at a time.
        """
        places = np.arange(self.rows) if places is None else places
        dense = np.zeros((self.dense_width, self.dense_width))
        across = np.zeros((self.thin.shape[1], self.dense_width))
        root = np.sqrt(weights)
        thin = sparse.csr_array(sparse.diags_array(root[places]) @ self.thin[places])
        for some in chunks(len(places), CHUNK_ROWS):
            here = places[some]
            values = np.concatenate([part[here] for part in self.dense], axis=1)
            values *= root[here, None]
            # The same array twice: numpy then computes one triangle only.
            dense += values.T @ values
            across += thin[some].T @ values
        return Gram(dense, np.ascontiguousarray(across.T), sparse.csc_array(thin.T @ thin))


def design_of(blocks: Sequence[Block], outcome: Floats) -> Design:
    """An intercept, blocks, and the outcome as the last dense column.

    Once `check_blocks` has accepted the blocks.
    """
    rows = outcome.shape[0]
    dense = [block.values for block in blocks if isinstance(block, DenseBlock)]
    thin = [block.matrix() for block in blocks if isinstance(block, IndexBlock)]
    empty = sparse.csr_array((rows, 0))
    return Design(
        (np.ones((rows, 1)), *dense, outcome[:, None]),
        sparse.csr_array(sparse.hstack(thin, format="csr")) if thin else empty,
    )
