"""The design matrix of blocks of columns, and its weighted cross-products."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from recommender.compute.threads import CELLS_FOR_THREADS, side_by_side
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

    def whole(self, order: Literal["C", "F"] = "C") -> Floats:
        """The matrix in one piece, (d + q, d + q), whose rows or columns are contiguous."""
        width = len(self.dense)
        size = width + self.thin.shape[0]
        whole = np.empty((size, size), order=order)
        whole[:width, :width], whole[:width, width:] = self.dense, self.across
        whole[width:, :width], whole[width:, width:] = self.across.T, self.thin.toarray()
        return whole


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
    def of(cls, parts: Sequence["DesignRows"], shares: Floats) -> "GramStack":
        """The cross-products of some rows each, computed side by side.

        The first also gets the others, each times its share of `shares` (k - 1,).
        """
        design = parts[0].design
        width, thin_width = design.dense_width, design.thin.shape[1]
        dense = np.zeros((len(parts), width, width))
        across = np.zeros((len(parts), width, thin_width))
        found = side_by_side(
            lambda place: parts[place].gram_in(dense[place], across[place]), range(len(parts))
        )
        stack = cls(dense, across, *_shared_cells(list(found)))
        for place, share in enumerate(shares, 1):
            for array in (dense, across, stack.thin) if share else ():
                array[0] += share * array[place]
        return stack

    def __getitem__(self, place: int) -> Gram:
        """One of the matrices."""
        return Gram(self.dense[place], self.across[place], self._thin(self.thin[place]))

    def summed(self, factors: Floats) -> Gram:
        """The sum of all, each times its factor."""
        parts = self.dense, self.across
        run = side_by_side if self.across[0].size >= CELLS_FOR_THREADS else map
        dense, across = run(lambda part: np.tensordot(factors, part, 1), parts)
        return Gram(dense, across, self._thin(factors @ self.thin))

    def _thin(self, values: Floats) -> sparse.csc_array:
        cells = values, self.cells.indices, self.cells.indptr
        return sparse.csc_array(cells, shape=self.cells.shape)


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

    def take(self, rows: Places) -> "Design":
        """Some of the rows."""
        return Design(tuple(part[rows] for part in self.dense), self.thin[rows])

    def gram(self, weights: Floats) -> Gram:
        """Weighted cross-product: sum of w_i x_i x_i', the `weights` (n,) not being negative."""
        width = self.dense_width
        dense, across = np.zeros((width, width)), np.zeros((width, self.thin.shape[1]))
        return Gram(dense, across, DesignRows(self, weights).gram_in(dense, across))


@dataclass(frozen=True, slots=True, eq=False)
class DesignRows:
    """The rows of a design at some `places`, or all, and the weights (n,) of all its rows."""

    design: Design
    weights: Floats
    places: Places | None = None

    def gram_in(self, dense: Floats, across: Floats) -> sparse.csc_array:
        """The thin cells of `Design.gram`, whose other parts are written to arrays of zeros.

        Written out for a few thousand rows at a time.
        """
        design, places = self.design, self.places
        root = np.sqrt(self.weights if places is None else self.weights[places])
        thin = design.thin.copy() if places is None else design.thin[places]
        thin.data *= np.repeat(root, np.diff(thin.indptr))
        columns = np.zeros(across.shape[::-1])
        for some in chunks(len(root), CHUNK_ROWS):
            here = some if places is None else places[some]
            values = np.concatenate([part[here] for part in design.dense], axis=1)
            values *= root[some, None]
            # The same array twice: numpy then computes one triangle only.
            dense += values.T @ values
            columns += thin[some].T @ values
        across[:] = columns.T
        return sparse.csc_array(thin.T @ thin)


def _shared_cells(parts: Sequence[sparse.csc_array]) -> tuple[Floats, sparse.csc_array]:
    """The values of several matrices in the cells that any of them fills, (k, cells); the cells."""
    cells = sum(map(abs, parts[1:]), start=abs(parts[0]))
    cells.sort_indices()
    width = cells.shape[0]
    column = np.repeat(np.arange(width), np.diff(cells.indptr))
    places = column * width + cells.indices
    values = np.zeros((len(parts), cells.nnz))
    for row, part in zip(values, parts, strict=True):
        own = part.tocoo()
        row[np.searchsorted(places, own.col.astype(np.int64) * width + own.row)] = own.data
    return values, cells


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
