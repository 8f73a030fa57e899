"""Tables of small trees: the score and the Shapley values of every way a row can take."""

from collections.abc import Iterator, Sequence, Set
from dataclasses import dataclass
from functools import lru_cache
from itertools import combinations
from math import factorial
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from recommender.features.feature import Array
from recommender.model.trees.forest import NAN, ZERO, Forest, Tree
from recommender.practice.sums import sum_in_order

MAX_SCORED_SPLITS = 7
"""Splits of a tree above which the table of its scores, 2 to that power, is no longer small."""
MAX_EXPLAINED_SPLITS = 4
"""Splits of a tree above which its Shapley values take too long to tabulate."""
CHUNK_ROWS = 128
"""Rows looked up at once: some hundred kilobytes for some hundred trees."""
ZERO_IS_BELOW = float(np.float32(1e-35))
"""LightGBM reads values up to this, of either sign, as 0."""

Places = NDArray[np.intp]
Flags = NDArray[np.bool_]
Ways = NDArray[np.uint8]
Floats = TypeVar("Floats", bound=np.floating[Any])


@dataclass(frozen=True, slots=True, eq=False)
class Splits:
    """Splits of trees on neighbouring columns, those where a missing value goes left at the end.

    Attributes
    ----------
    column, threshold : (s,), (s, 1)
        Column of each split, and the greatest value of 32 bits that goes left.
    known
        How many a row without a value does not pass on the left.
    zeros
        The splits that take zero as missing, their columns, and whether a zero goes left there.
    """

    column: Places
    threshold: NDArray[np.float32]
    known: int
    zeros: tuple[tuple[int, int, bool], ...]

    def left(self, columns: NDArray[np.float32], out: Flags | None = None) -> Flags:
        """Whether each of n rows goes left, (s, n), written to `out` if given.

        `columns` has (columns, n).
        """
        if out is None:
            out = np.empty((len(self.column), columns.shape[1]), dtype=np.bool_)
        values, known = columns.take(self.column, axis=0), self.known
        # No comparison holds of a missing value.
        np.less_equal(values[:known], self.threshold[:known], out=out[:known])
        if known < len(values):
            right = np.greater(values[known:], self.threshold[known:], out=out[known:])
            np.logical_not(right, out=right)
        for split, column, goes_left in self.zeros:
            out[split][np.abs(columns[column]) <= ZERO_IS_BELOW] = goes_left
        return out


@dataclass(frozen=True, slots=True, eq=False)
class SplitTable:
    """The different splits of trees, and where each tree has them.

    A *way* is a number whose bit s is set where a row goes left at split s of a tree.

    Attributes
    ----------
    feature, threshold : (s,)
        Column of each split, and the greatest value of 32 bits that goes left.
    if_missing : (s,)
        Whether a row without a value goes left.
    if_zero : (s,)
        Whether a zero goes left; NaN where that follows from the threshold.
    places : (splits of a tree, trees)
        The splits of each tree; s where a tree has fewer.
    """

    feature: Places
    threshold: NDArray[np.float32]
    if_missing: Flags
    if_zero: Array
    places: Places

    def arranged(self, firsts: Sequence[int] = (0,)) -> tuple["SplitTable", tuple[Splits, ...]]:
        """The table with its splits by part of the columns, and the splits of each part.

        The columns of a part begin at one of `firsts`, and are counted from there.
        """
        part = np.searchsorted(firsts, self.feature, side="right") - 1
        order = np.lexsort((self.feature, self.if_missing, part))
        place = np.append(order.argsort(), len(order))
        table = SplitTable(
            self.feature[order],
            self.threshold[order],
            self.if_missing[order],
            self.if_zero[order],
            place[self.places],
        )
        ends = np.cumsum(np.bincount(part, minlength=len(firsts))).tolist()
        parts = zip([0, *ends], ends, firsts, strict=False)
        return table, tuple(table._part(slice(start, end), first) for start, end, first in parts)

    def _part(self, which: slice, first: int) -> Splits:
        column, if_zero = self.feature[which] - first, self.if_zero[which]
        at_zero = np.flatnonzero(~np.isnan(if_zero))
        zeros = zip(at_zero, column[at_zero], if_zero[at_zero] == 1, strict=True)
        return Splits(
            column,
            self.threshold[which, None],
            int(np.count_nonzero(~self.if_missing[which])),
            tuple((int(split), int(at), bool(left)) for split, at, left in zeros),
        )

    def ways(self, sides: Flags) -> Ways:
        """The way of each row through each tree, (trees, n).

        `sides` (splits + 1, n) is whether it goes left at every split; the last row is False.
        """
        if not len(self.places):
            return np.zeros((self.places.shape[1], sides.shape[1]), dtype=np.uint8)
        bits = sides.view(np.uint8)
        # The last split of a tree is the highest bit.
        ways: Ways = bits.take(self.places[-1], axis=0)
        for places in self.places[-2::-1]:
            ways += ways
            ways += bits.take(places, axis=0)
        return ways

    def no_sides(self, count: int) -> Flags:
        """Sides of a number of rows, for `ways`, of which only the last row, False, is set."""
        sides = np.empty((len(self.feature) + 1, count), dtype=np.bool_)
        sides[-1] = False
        return sides


@dataclass(frozen=True, slots=True, eq=False)
class ScoreTable:
    """Trees and what each adds to a score, by way, (trees, ways).

    `every` are all splits of `splits`, in their order.
    """

    splits: SplitTable
    every: Splits
    values: Array

    def score(self, ways: Ways) -> Array:
        """Sum of the trees' values in their order, as LightGBM adds them, (n,)."""
        score = np.empty(ways.shape[1])
        for some in in_chunks(len(score)):
            score[some] = sum_in_order(looked_up(self.values, ways[:, some]))
        return score


@dataclass(frozen=True, slots=True, eq=False)
class ShapleyTable:
    """The contribution of each tree to each of its columns, by way.

    A *slot* is one column of one tree; slots are sorted by column. `tree` (slots,) and `values`
    (slots, ways) describe the slots; `starts` is the first slot of each of `columns`, those any
    tree uses. `start` is the mean prediction over the training rows.
    """

    width: int
    tree: Places
    values: Array
    starts: Places
    columns: Places
    start: float

    def contributions(self, ways: Ways) -> Array:
        """Path-dependent Shapley values, (n, columns + 1), the last being the start."""
        contributions = np.zeros((ways.shape[1], self.width + 1))
        contributions[:, -1] = self.start
        for some in in_chunks(len(contributions) if len(self.starts) else 0):
            cells = looked_up(self.values, ways[:, some].take(self.tree, axis=0))
            contributions[some, self.columns] = np.add.reduceat(cells, self.starts, axis=0).T
        return contributions

    def mean(self, ways: Ways) -> Array:
        """The mean of `contributions` over n > 0 rows, without the start, (columns,)."""
        trees, size = ways.shape[0], self.values.shape[1]
        taken = np.zeros(trees * size)
        first = np.arange(0, trees * size, size)[:, None]
        for some in in_chunks(ways.shape[1]):
            taken += np.bincount((ways[:, some] + first).ravel(), minlength=len(taken))
        shares = taken.reshape(trees, size) / ways.shape[1]
        mean = np.zeros(self.width)
        if len(self.starts):
            slots = (self.values * shares.take(self.tree, axis=0)).sum(axis=1)
            mean[self.columns] = np.add.reduceat(slots, self.starts)
        return mean


def in_chunks(count: int, most: int = CHUNK_ROWS) -> Iterator[slice]:
    """All of a number of rows, so many at once that what is computed of them stays in a cache."""
    return (slice(at, at + most) for at in range(0, count, most))


def looked_up(values: NDArray[Floats], ways: Ways) -> NDArray[Floats]:
    """The value of each row's way, (rows of values, n)."""
    return np.asarray(values.take(ways + _firsts(*values.shape)))


@lru_cache
def _firsts(count: int, size: int) -> NDArray[np.integer]:
    """The place of the first value of each row of values, (rows, 1).

    In the smallest type that holds every place: adding and reading them takes less time.
    """
    return np.arange(0, count * size, size, dtype=np.min_scalar_type(count * size))[:, None]


def score_table(forest: Forest) -> ScoreTable | None:
    """The table of a forest's scores; None where a tree is too large for one."""
    depth = _depth(forest)
    if depth > MAX_SCORED_SPLITS:
        return None
    values = [
        np.broadcast_to(
            _value(tree, 0 if tree.feature else ~0, set(tree.feature), sides), 1 << depth
        )
        for tree in forest.trees
        for sides in [_sides(tree, depth)]
    ]
    splits, (every,) = _split_table(forest, depth).arranged()
    return ScoreTable(splits, every, np.array(values))


def shapley_table(forest: Forest) -> ShapleyTable | None:
    """The table of a forest's Shapley values; None where a tree is too large for one."""
    depth = _depth(forest)
    if depth > MAX_EXPLAINED_SPLITS:
        return None
    slots = [
        (column, place, values)
        for place, tree in enumerate(forest.trees)
        for column, values in _contributions(tree, depth)
    ]
    slots.sort(key=lambda slot: slot[:2])
    columns, starts = np.unique([column for column, _, _ in slots], return_index=True)
    return ShapleyTable(
        width=forest.width,
        tree=np.array([place for _, place, _ in slots], dtype=np.intp),
        values=np.array([values for _, _, values in slots]).reshape(len(slots), 1 << depth),
        starts=starts.astype(np.intp),
        columns=columns.astype(np.intp),
        start=float(sum(_mean(tree) for tree in forest.trees)),
    )


def _depth(forest: Forest) -> int:
    """The most splits a tree has."""
    return max((len(tree.feature) for tree in forest.trees), default=0)


def _split_table(forest: Forest, depth: int) -> SplitTable:
    of_trees = [
        tuple(zip(tree.feature, tree.threshold, tree.missing, tree.missing_left, strict=True))
        for tree in forest.trees
    ]
    different = sorted({split for splits in of_trees for split in splits})
    place = {split: number for number, split in enumerate(different)}
    places = [
        [*(place[split] for split in splits), *[len(different)] * (depth - len(splits))]
        for splits in of_trees
    ]
    missing = [
        goes_left if kind in (NAN, ZERO) else threshold >= 0
        for _, threshold, kind, goes_left in different
    ]
    return SplitTable(
        feature=np.array([split[0] for split in different], dtype=np.intp),
        threshold=_around_zero(
            _rounded_down(np.array([split[1] for split in different], dtype=np.float64))
        ),
        if_missing=np.array(missing, dtype=np.bool_),
        if_zero=np.array([split[3] if split[2] == ZERO else np.nan for split in different]),
        places=np.array(places, dtype=np.intp).reshape(len(of_trees), depth).T,
    )


def _around_zero(thresholds: NDArray[np.float32]) -> NDArray[np.float32]:
    """Thresholds that all values read as 0 pass, or none of them does."""
    zero = np.float32(ZERO_IS_BELOW)
    below = np.nextafter(-zero, np.float32(-np.inf))
    at_zero = np.where(thresholds >= 0, zero, below)
    return np.where(np.abs(thresholds) <= zero, at_zero, thresholds)


def _rounded_down(values: Array) -> NDArray[np.float32]:
    """The greatest value of 32 bits that is not above each."""
    near = values.astype(np.float32)
    return np.where(near > values, np.nextafter(near, np.float32(-np.inf)), near)


def _sides(tree: Tree, depth: int) -> list[Flags]:
    """Whether each way goes left at each split of a tree."""
    ways = np.arange(1 << depth)
    return [(ways >> split & 1).astype(bool) for split in range(len(tree.feature))]


def _contributions(tree: Tree, depth: int) -> Iterator[tuple[int, Array]]:
    """Each column of a tree and its Shapley value by way, (2^depth,); Shapley 1953."""
    left = _sides(tree, depth)
    columns = sorted(set(tree.feature))
    # Each set is needed for every column; a tree that never splits has none.
    value = {
        known: _value(tree, 0, known, left)
        for size in range(len(columns) + 1 if columns else 0)
        for known in map(frozenset, combinations(columns, size))
    }
    for column in columns:
        others = [other for other in columns if other != column]
        total = np.zeros(1 << depth)
        for size in range(len(others) + 1):
            weight = factorial(size) * factorial(len(others) - size) / factorial(len(columns))
            for known in map(frozenset, combinations(others, size)):
                total += weight * (value[known | {column}] - value[known])
        yield column, total


def _value(tree: Tree, node: int, known: Set[int], left: list[Flags]) -> Array:
    """Expected value below a node when only some columns are known, by way.

    At a split on another column rows divide as the training rows did (Lundberg et al. 2020,
    algorithm 1).
    """
    if node < 0:
        return np.asarray(tree.leaf[~node])
    one = _value(tree, tree.left[node], known, left)
    other = _value(tree, tree.right[node], known, left)
    if tree.feature[node] in known:
        return np.where(left[node], one, other)
    child = tree.left[node]
    share = (tree.rows[child] if child >= 0 else tree.leaf_rows[~child]) / tree.rows[node]
    return np.asarray(share * one + (1 - share) * other)


def _mean(tree: Tree) -> float:
    return float(np.average(tree.leaf, weights=tree.leaf_rows)) if tree.feature else tree.leaf[0]
