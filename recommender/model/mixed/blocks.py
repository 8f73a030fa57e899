"""Blocks of columns that enter the linear mixed model.

One-hot blocks stay integer codes and are never written out densely.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from recommender.errors import RecommenderError
from recommender.practice.sums import sum_in_order

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

CHUNK_ROWS = 16_384


@dataclass(frozen=True, slots=True, eq=False)
class DenseBlock:
    """A named group of numeric columns that share one prior variance.

    Attributes
    ----------
    name : str
        Unique within a model; ``"intercept"`` is taken.
    values : (n, p) float64
        No NaN; the caller standardises, so that one variance can serve all columns.
    penalised : bool
        True: coefficients ~ N(prior_mean, variance). False: flat prior.
    prior_mean : (p,) float64, optional
        Where penalised coefficients are shrunk to; 0 when left out.
    """

    name: str
    values: Floats
    penalised: bool = True
    prior_mean: Floats | None = None

    @property
    def rows(self) -> int:
        """Number of rows."""
        return int(self.values.shape[0])

    @property
    def width(self) -> int:
        """Number of columns."""
        return int(self.values.shape[1])

    def term(self, coefficients: Floats) -> Floats:
        """Contribution of the block to each row, (n,)."""
        return np.asarray(self.values @ coefficients, dtype=np.float64)


@dataclass(frozen=True, slots=True, eq=False)
class IndexBlock:
    """A named one-hot (or several-hot) block, given as codes.

    Attributes
    ----------
    name : str
        Unique within a model; ``"intercept"`` is taken.
    codes : (n,) or (n, k) int64
        Level of each row, 0 to ``levels - 1``; -1 is none. With k columns a row belongs to up to k
        levels.
    levels : int
        Number of levels, including those no row has.
    penalised : bool
        True: effects ~ N(0, variance). False: flat prior (then no level may be empty or span the
        intercept).
    values : same shape as `codes`, optional
        The value of each cell in place of 1, for example a slope or 1 / number of concerns.
    """

    name: str
    codes: Ints
    levels: int
    penalised: bool = True
    values: Floats | None = None

    @property
    def rows(self) -> int:
        """Number of rows."""
        return int(self.codes.shape[0])

    @property
    def width(self) -> int:
        """Number of columns."""
        return self.levels

    def term(self, coefficients: Floats) -> Floats:
        """Contribution of the block to each row, (n,); a level never trained on contributes 0."""
        known = np.where(self.codes < coefficients.size, self.codes, -1)
        cells = np.append(coefficients, 0.0)[known]
        if self.values is not None:
            # 0 where there is no level, so that a NaN there stays harmless.
            cells = cells * np.where(known >= 0, self.values, 0.0)
        return np.asarray(cells if cells.ndim == 1 else sum_in_order(cells.T), dtype=np.float64)

    def matrix(self) -> sparse.csr_array:
        """The block as a sparse (n, levels) matrix; unknown codes leave an empty row."""
        codes = self.codes.reshape(self.rows, -1)
        row, column = np.nonzero((codes >= 0) & (codes < self.levels))
        values = np.ones(codes.shape) if self.values is None else self.values.reshape(codes.shape)
        cells = (values[row, column], (row, codes[row, column]))
        return sparse.csr_array(sparse.coo_array(cells, shape=(self.rows, self.levels)))


Block = DenseBlock | IndexBlock


@dataclass(frozen=True, slots=True, eq=False)
class UsedLevels:
    """A block without the levels that no row has, and what gives each coefficient its old place.

    A penalised level without rows has the coefficient 0 and adds nothing to the restricted
    likelihood: its share of log|A| is minus the logarithm of its prior variance. Leaving it out
    changes no number of a fit.

    Attributes
    ----------
    block
        The block to fit.
    places : (block.width,) int
        The columns of the original block that are left.
    width : int
        The number of columns of the original block.
    """

    block: Block
    places: NDArray[np.intp]
    width: int

    def restored(self, values: Floats) -> Floats:
        """Coefficients of the original block, (width,): 0 for a level without rows."""
        full = np.zeros(self.width)
        full[self.places] = values
        return full


def used_levels(block: Block) -> UsedLevels:
    """A block reduced to the levels that rows have; dense and free blocks stay as they are."""
    if isinstance(block, DenseBlock) or not block.penalised:
        return UsedLevels(block, np.arange(block.width), block.width)
    places = np.unique(block.codes[block.codes >= 0])
    return UsedLevels(at_levels(block, places), places, block.width)


def at_levels(block: IndexBlock, places: NDArray[np.intp]) -> IndexBlock:
    """A block of some of the levels, ascending, among which is that of every row."""
    codes = np.where(block.codes >= 0, np.searchsorted(places, block.codes), -1)
    return replace(block, codes=codes, levels=len(places))


def chunks(rows: int, most: int = CHUNK_ROWS) -> Iterator[slice]:
    """Slices that walk `rows` rows in order, at most `most` at a time."""
    for start in range(0, rows, most):
        yield slice(start, min(start + most, rows))


def ordered(blocks: Sequence[Block]) -> tuple[Block, ...]:
    """Blocks in the order of their columns: dense ones first, each kind as given."""
    dense = [block for block in blocks if isinstance(block, DenseBlock)]
    return (*dense, *(block for block in blocks if isinstance(block, IndexBlock)))


def spans(blocks: Sequence[Block]) -> dict[str, slice]:
    """Columns of each block in the design, by name; column 0 is the intercept."""
    columns, start = {}, 1
    for block in ordered(blocks):
        columns[block.name] = slice(start, start + block.width)
        start += block.width
    return columns


def check_blocks(blocks: Sequence[Block], rows: int) -> None:
    """Refuses blocks that do not fit together.

    Raises
    ------
    RecommenderError
        A name given twice, a block of another length, a NaN, a code outside the levels, a prior
        mean of another width.
    """
    names = [block.name for block in blocks]
    for block in blocks:
        if block.name == "intercept" or names.count(block.name) > 1:
            raise RecommenderError(block.name, "the name is taken", "give each block its own name")
        if block.rows != rows:
            problem = f"has {block.rows} rows where {rows} are expected"
            raise RecommenderError(block.name, problem, "give every block one row per outcome")
        if isinstance(block, DenseBlock):
            _check_dense(block)
        else:
            _check_index(block)


def _check_dense(block: DenseBlock) -> None:
    if not np.isfinite(block.values).all():
        raise RecommenderError(block.name, "has cells that are not finite", "impute before fitting")
    if block.prior_mean is not None and block.prior_mean.shape != (block.width,):
        problem = f"prior_mean has shape {block.prior_mean.shape}"
        raise RecommenderError(block.name, problem, f"give one mean for each of {block.width}")


def _check_index(block: IndexBlock) -> None:
    if block.codes.size and (block.codes.min() < -1 or block.codes.max() >= block.levels):
        problem = f"has codes outside -1 to {block.levels - 1}"
        raise RecommenderError(block.name, problem, "code every level, or -1 for none")
    if block.values is None:
        return
    if block.values.shape != block.codes.shape:
        raise RecommenderError(block.name, "values and codes differ in shape", "give both alike")
    if not np.isfinite(block.values[block.codes >= 0]).all():
        raise RecommenderError(
            block.name, "has values that are not finite", "impute before fitting"
        )
