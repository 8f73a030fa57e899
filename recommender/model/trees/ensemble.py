"""A fitted LightGBM ensemble read from its text: scores and exact Shapley contributions of rows."""

from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from recommender.errors import BundleError
from recommender.features.feature import Array
from recommender.model.trees.forest import read_forest
from recommender.model.trees.groups import TreeGroups, grouped
from recommender.model.trees.tables import (
    ScoreTable,
    ShapleyTable,
    Ways,
    in_chunks,
    score_table,
    shapley_table,
)
from recommender.system_libraries import named_libraries

CHECK_ROWS = 64
"""Rows on which tables are compared with LightGBM when a model is loaded."""
ROUNDING = 1e-9
"""Points by which a score or contribution may differ from LightGBM's."""


class Trees:
    """A LightGBM ensemble, parsed from its model text.

    Small trees are looked up in tables, several times faster than LightGBM, which remains for
    trees of more than `MAX_SCORED_SPLITS` splits, and for contributions of more than
    `MAX_EXPLAINED_SPLITS`. Scores have LightGBM's bits either way.

    Parameters
    ----------
    text
        LightGBM's model text, truncated at the trees in use.

    Raises
    ------
    BundleError
        When the text is not a sound model of numerical trees.
    SystemLibraryError
        When a shared library that LightGBM needs is not installed.
    """

    def __init__(self, text: str) -> None:
        # Late: it takes a second where scikit-learn is installed, and not every model has trees.
        with named_libraries():
            from lightgbm import Booster

        self.text = text
        self._forest = read_forest(text)
        self._booster = Booster(model_str=text)

    @property
    def width(self) -> int:
        """Number of columns a row must have."""
        return self._forest.width

    def score(self, rows: Array) -> Array:
        """Predicted value of each row, (n,); columns by position, NaN is missing."""
        if self.scores is None:
            return self._predicted(narrow(rows))
        return self.scores.score(self._ways(self.scores, rows))

    def contributions(self, rows: Array) -> Array:
        """Exact Shapley values, (n, columns + 1); the last column is the mean prediction.

        Path-dependent TreeSHAP (Lundberg et al. 2020); each row sums to its score.
        """
        if self.scores is None or self.shapley is None:
            return self._explained(narrow(rows))
        return self.shapley.contributions(self._ways(self.scores, rows))

    def prepare(self) -> None:
        """Builds the tables now, so that no request waits for them, and checks them.

        Raises
        ------
        BundleError
            When a score or contribution is not LightGBM's, on rows around the splits.
        """
        rows = self._rows_around_splits()
        pairs = [(self.score(rows), self._predicted(narrow(rows)))]
        pairs.append((self.contributions(rows), self._explained(narrow(rows))))
        if any(np.abs(one - other).max() > ROUNDING for one, other in pairs):
            remedy = "train again; if it comes from elsewhere, do not use it"
            raise BundleError("trees", "are read otherwise than by LightGBM", remedy)

    @cached_property
    def ranges(self) -> Array:
        """The most by which a change of each column can change a score, (columns,)."""
        ranges = np.zeros(self._forest.width)
        for tree in self._forest.trees:
            ranges[list(set(tree.feature))] += max(tree.leaf) - min(tree.leaf)
        return ranges

    @cached_property
    def scores(self) -> ScoreTable | None:
        """The table of scores; None where trees are too large for one."""
        return score_table(self._forest)

    @cached_property
    def groups(self) -> TreeGroups | None:
        """The trees in groups, for scores that are nearly equal; None where there is no table."""
        return None if self.scores is None else grouped(self.scores)

    @cached_property
    def shapley(self) -> ShapleyTable | None:
        """The table of contributions; None where trees are too large for one."""
        return shapley_table(self._forest)

    def _ways(self, table: ScoreTable, rows: Array) -> Ways:
        """The way of each row through each tree, (trees, n)."""
        columns, splits = narrow(rows).T, table.splits
        ways = np.empty((splits.places.shape[1], len(rows)), dtype=np.uint8)
        for some in in_chunks(len(rows)):
            sides = splits.no_sides(ways[:, some].shape[1])
            table.every.left(columns[:, some], out=sides[:-1])
            ways[:, some] = splits.ways(sides)
        return ways

    def _predicted(self, rows: NDArray[np.float32]) -> Array:
        return np.asarray(self._booster.predict(rows, num_threads=1), dtype=np.float64)

    def _explained(self, rows: NDArray[np.float32]) -> Array:
        contributions = self._booster.predict(rows, pred_contrib=True, num_threads=1)
        return np.asarray(contributions, dtype=np.float64).reshape(len(rows), self.width + 1)

    def _rows_around_splits(self) -> Array:
        """Rows of values at, above and below the thresholds, zeros and missing ones."""
        near: list[list[float]] = [[0.0, np.nan] for _ in range(self.width)]
        for tree in self._forest.trees:
            for column, threshold in zip(tree.feature, tree.threshold, strict=True):
                at = np.float32(threshold)
                ends = np.nextafter(at, np.array([-np.inf, np.inf], dtype=np.float32))
                near[column] += [float(at), *ends.tolist()]
        rng = np.random.default_rng(0)
        return np.stack([rng.choice(values, CHECK_ROWS) for values in near], axis=1)


def narrow(rows: Array) -> NDArray[np.float32]:
    """Rows as trees read them.

    Learned on 32-bit rows to halve memory: thresholds are only exact on the same rounding.
    """
    return np.ascontiguousarray(rows, dtype=np.float32)
