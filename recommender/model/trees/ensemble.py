"""A fitted LightGBM ensemble read from its text: scores and exact Shapley contributions of rows."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import combinations
from math import factorial

import numpy as np
from lightgbm import Booster
from numpy.typing import NDArray

from recommender.features.feature import Array
from recommender.model.trees.forest import NAN, ZERO, Forest, Tree, read_forest

MAX_TABLE_SPLITS = 4
"""Splits of a tree above which its table, 2 to that power, is no longer small."""
CHUNK_ROWS = 1024
ZERO_IS_BELOW = 1e-35
"""LightGBM treats smaller values as 0."""

Places = NDArray[np.intp]


@dataclass(frozen=True, slots=True)
class ShapleyTable:
    """The contribution of each tree to each of its columns, by the way a row takes.

    A *way* is a number whose bit s is set where a row goes left at split s. A *slot* is one column
    of one tree; slots are sorted by column. The splits are (splits, trees): where a tree has fewer,
    one at which every row goes right. `tree` (slots,) and `values` (slots, ways) describe the
    slots; `starts` is the first slot of each of `columns`, those any tree uses. `start` is the mean
    prediction over the training rows.
    """

    width: int
    feature: Places
    threshold: Array
    missing: Places
    missing_left: NDArray[np.bool_]
    tree: Places
    values: Array
    starts: Places
    columns: Places
    start: float

    def contributions(self, rows: NDArray[np.float32]) -> Array:
        """Path-dependent Shapley values, (n, columns + 1), the last being the start."""
        contributions = np.zeros((len(rows), self.width + 1))
        contributions[:, -1] = self.start
        for first in range(0, len(rows) if len(self.starts) else 0, CHUNK_ROWS):
            some = slice(first, first + CHUNK_ROWS)
            way = self._ways(rows[some])[self.tree]
            cells = self.values.take(way + self._offsets())
            contributions[some, self.columns] = np.add.reduceat(cells, self.starts, axis=0).T
        return contributions

    def _offsets(self) -> Places:
        slots, ways = self.values.shape
        return np.arange(0, slots * ways, ways)[:, None]

    def _ways(self, rows: NDArray[np.float32]) -> Places:
        """Which way each row goes through each tree, (trees, n)."""
        columns = np.ascontiguousarray(rows.T, dtype=np.float64)
        way = np.zeros((self.feature.shape[1], len(rows)), dtype=np.intp)
        for split, feature in enumerate(self.feature):
            way += self._goes_left(split, columns[feature]).astype(np.intp) << split
        return way

    def _goes_left(self, split: int, values: Array) -> NDArray[np.bool_]:
        """Whether each row goes left at this split of each tree, (trees, n)."""
        kind, nothing = self.missing[split, :, None], np.isnan(values)
        left = np.where(nothing, 0.0, values) <= self.threshold[split, :, None]
        missing = nothing & (kind == NAN)
        missing |= (kind == ZERO) & (nothing | (np.abs(values) <= ZERO_IS_BELOW))
        return np.where(missing, self.missing_left[split, :, None], left)


def shapley_table(forest: Forest) -> ShapleyTable | None:
    """The table of a forest; None where a tree is too large for one."""
    splits = max((len(tree.feature) for tree in forest.trees), default=0)
    if splits > MAX_TABLE_SPLITS:
        return None
    slots = [
        (column, place, values)
        for place, tree in enumerate(forest.trees)
        for column, values in _contributions(tree, splits)
    ]
    slots.sort(key=lambda slot: slot[:2])
    columns, starts = np.unique([column for column, _, _ in slots], return_index=True)
    return ShapleyTable(
        width=forest.width,
        feature=_padded([tree.feature for tree in forest.trees], splits, 0).astype(np.intp),
        threshold=_padded([tree.threshold for tree in forest.trees], splits, -np.inf),
        missing=_padded([tree.missing for tree in forest.trees], splits, 0).astype(np.intp),
        missing_left=_padded([tree.missing_left for tree in forest.trees], splits, 0) > 0,
        tree=np.array([place for _, place, _ in slots], dtype=np.intp),
        values=np.array([values for _, _, values in slots]).reshape(len(slots), 1 << splits),
        starts=starts.astype(np.intp),
        columns=columns.astype(np.intp),
        start=float(sum(_mean(tree) for tree in forest.trees)),
    )


def _contributions(tree: Tree, splits: int) -> Iterator[tuple[int, Array]]:
    """Each column of a tree and its Shapley value by way, (2^splits,); Shapley 1953."""
    ways = np.arange(1 << splits)
    left = [(ways >> split & 1).astype(bool) for split in range(len(tree.feature))]
    columns = sorted(set(tree.feature))
    for column in columns:
        others = [other for other in columns if other != column]
        total = np.zeros(len(ways))
        for size in range(len(others) + 1):
            weight = factorial(size) * factorial(len(others) - size) / factorial(len(columns))
            for known in combinations(others, size):
                gain = _value(tree, 0, {*known, column}, left) - _value(tree, 0, set(known), left)
                total += weight * gain
        yield column, total


def _value(tree: Tree, node: int, known: set[int], left: list[NDArray[np.bool_]]) -> Array:
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


def _padded(parts: list[tuple[float, ...]], size: int, filler: float) -> Array:
    padded = [(*part, *[filler] * (size - len(part))) for part in parts]
    return np.array(padded, dtype=np.float64).reshape(len(parts), size).T


class Trees:
    """A LightGBM ensemble, parsed from its model text.

    Parameters
    ----------
    text
        LightGBM's model text, truncated at the trees in use.

    Raises
    ------
    BundleError
        When the text is not a sound model of numerical trees.
    """

    def __init__(self, text: str) -> None:
        self.text = text
        self._forest = read_forest(text)
        self._booster = Booster(model_str=text)

    @property
    def width(self) -> int:
        """Number of columns a row must have."""
        return int(self._booster.num_feature())

    def score(self, rows: Array) -> Array:
        """Predicted value of each row, (n,); columns by position, NaN is missing."""
        return np.asarray(self._booster.predict(_narrow(rows), num_threads=1), dtype=np.float64)

    def contributions(self, rows: Array) -> Array:
        """Exact Shapley values, (n, columns + 1); the last column is the mean prediction.

        Path-dependent TreeSHAP (Lundberg et al. 2020); each row sums to its score. Small trees are
        looked up in a table, ten times faster than LightGBM; `prepare` or the first call builds it.
        """
        if self._table is not None:
            return self._table.contributions(_narrow(rows))
        contributions = self._booster.predict(_narrow(rows), pred_contrib=True, num_threads=1)
        return np.asarray(contributions, dtype=np.float64).reshape(len(rows), self.width + 1)

    def prepare(self) -> None:
        """Builds the table of contributions now, so that no request waits for it."""
        _ = self._table

    @cached_property
    def ranges(self) -> Array:
        """The most by which a change of each column can change a score, (columns,)."""
        ranges = np.zeros(self._forest.width)
        for tree in self._forest.trees:
            ranges[list(set(tree.feature))] += max(tree.leaf) - min(tree.leaf)
        return ranges

    @cached_property
    def _table(self) -> ShapleyTable | None:
        return shapley_table(self._forest)


def _narrow(rows: Array) -> NDArray[np.float32]:
    # Learned on 32-bit rows to halve memory: thresholds are only exact on the same rounding.
    return np.ascontiguousarray(rows, dtype=np.float32)
