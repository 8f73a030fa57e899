"""Products of a client's features with a clinician's, beside the declared matches.

Numbers are multiplied with numbers, levels of categories and tags with levels, each in a block of
its own: levels have more products, most of them without effect, and a common variance would hide
the effects of the numbers. Of low rank where a side has many columns, so that blocks stay small.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from math import isqrt
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recommender.compute.threads import over_spans
from recommender.features.feature import Array
from recommender.features.pipeline import Rows
from recommender.model.mixed.blocks import chunks
from recommender.practice.definition import Practice
from recommender.practice.fields import Field, Side
from recommender.practice.sums import sum_in_order


@dataclass(frozen=True, slots=True)
class Standardizer:
    """Centre and spread of columns as learned; a column that never varied has spread 1."""

    mean: Array
    interval: Array

    def apply(self, values: Array) -> Array:
        """Standardised values; a missing one becomes 0, the average."""
        scaled = np.asarray(values - self.mean)
        scaled /= self.interval
        np.copyto(scaled, 0.0, where=np.isnan(scaled))
        return scaled


def fit_standardizer(values: Array, *, centre: bool = True) -> Standardizer:
    """Mean and standard deviation of the known values of each column."""
    known = ~np.isnan(values)
    count = np.maximum(known.sum(axis=0), 1)
    mean = np.where(known, values, 0.0).sum(axis=0) / count if centre else np.zeros(values.shape[1])
    interval = np.sqrt(np.where(known, (values - mean) ** 2, 0.0).sum(axis=0) / count)
    return Standardizer(mean, np.where(interval > 1e-12, interval, 1.0))


Places = NDArray[np.intp]
CHUNK_ROWS = 4_096
"""Rows whose products one core computes at once."""
NUMBERS, LEVELS = "products", "level_products"
"""Blocks of products: of numbers, and of levels of categories and tags."""
COMPONENTS: Mapping[str, int] = {NUMBERS: 12, LEVELS: 24}
"""Principal directions of each side: at most 144 products of numbers and 576 of levels. The shipped
definition has 11 by 10 numbers, which are used as they are, and 41 by 25 levels."""
ROWS_A_PRODUCT = 4
"""Rows for each product of levels, by our choice: on simulated practices 300 rows determine 4 of
576 coefficients and 1,000 rows 9, while the time of a fit grows with the third power of their
number."""
MAX_SLOPE_PARTS = 2_000_000
"""Parts of slopes that are summed at once: 16 MB."""


@dataclass(frozen=True, slots=True)
class MultipliedColumns:
    """The features of one side that are multiplied, and their principal directions.

    `places` (p,) are their columns among the side's features, `basis` (p, k) orthonormal
    directions: the identity where there are no more than the `COMPONENTS` of their block.
    """

    places: Places
    scale: Standardizer
    basis: Array

    def scaled(self, rows: Array) -> Array:
        """The side's columns on one scale, (n, p); a missing one becomes 0, the average."""
        return self.scale.apply(rows[:, self.places])


@dataclass(frozen=True, slots=True)
class Interactions:
    """How rows become the products of one block; fixed when the model is fitted."""

    client: MultipliedColumns
    clinician: MultipliedColumns

    @property
    def width(self) -> int:
        """Number of product columns."""
        return int(self.client.basis.shape[1] * self.clinician.basis.shape[1])

    def columns(self, rows: Rows) -> Array:
        """Every direction of the client times every direction of the clinician, (n, width)."""
        ours = self.client.scaled(rows.client) @ self.client.basis
        theirs = self.clinician.scaled(rows.clinician) @ self.clinician.basis
        columns = np.empty((len(ours), ours.shape[1], theirs.shape[1]))

        def multiply(some: slice) -> None:
            np.multiply(ours[some, :, None], theirs[some, None, :], out=columns[some])

        over_spans(multiply, len(columns), CHUNK_ROWS)
        return columns.reshape(len(columns), self.width)

    def parts(self, rows: Rows, coefficients: Array) -> Array:
        """Contribution of each clinician column given the client's, (n, clinician columns).

        A product is attributed to the clinician's column, since the client's columns are the same
        for every clinician. Summed element by element: the last digit of a matrix product depends
        on the number of rows.
        """
        contributions = np.zeros_like(rows.clinician)
        weights = self.weights(coefficients)
        for some in chunks(len(contributions), max(MAX_SLOPE_PARTS // weights.size, 1)):
            ours = self.client.scaled(rows.client[some])
            theirs = self.clinician.scaled(rows.clinician[some])
            contributions[some, self.clinician.places] = self.slopes(ours, weights) * theirs
        return contributions

    def weights(self, coefficients: Array) -> Array:
        """Points for one unit of a client's column times one of a clinician's, (p, q)."""
        inner = coefficients.reshape(self.client.basis.shape[1], -1)
        return np.asarray(self.client.basis @ inner @ self.clinician.basis.T)

    def slopes(self, scaled: Array, weights: Array) -> Array:
        """Points for one unit of each of the clinician's columns, (clients, q).

        `scaled` are the clients' columns on one scale, (clients, p).
        """
        parts = scaled.T[:, :, None] * weights[:, None, :]
        return sum_in_order(parts.reshape(len(parts), -1)).reshape(-1, weights.shape[1])

    def to_arrays(self) -> dict[str, NDArray[Any]]:
        """Named arrays, for `from_arrays`."""
        arrays: dict[str, NDArray[Any]] = {}
        for name in ("client", "clinician"):
            side: MultipliedColumns = getattr(self, name)
            arrays |= {f"{name}.places": side.places, f"{name}.basis": side.basis}
            arrays |= {f"{name}.mean": side.scale.mean, f"{name}.spread": side.scale.interval}
        return arrays

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]]) -> "Interactions":
        """The inverse of `to_arrays`."""
        return cls(*(_side_from(arrays, name) for name in ("client", "clinician")))


def fit_interactions(practice: Practice, rows: Rows) -> dict[str, Interactions]:
    """The products by block, scaled on the training rows.

    A block is left out where a side has no column of its kind.
    """
    by_side: dict[Side, Array] = {"client": rows.client, "clinician": rows.clinician}
    found = {}
    for block in COMPONENTS:
        sides = []
        for name, values in by_side.items():
            places = multiplied_columns(practice.fields(name, "score").values(), block)
            scale = fit_standardizer(values[:, places])
            most = COMPONENTS[block] if block == NUMBERS else most_directions(len(values))
            basis = _basis(scale.apply(values[:, places]), most)
            sides.append(MultipliedColumns(places, scale, basis))
        if all(len(side.places) for side in sides):
            found[block] = Interactions(*sides)
    return found


def most_directions(rows: int) -> int:
    """Directions of levels a side: at most one product for `ROWS_A_PRODUCT` rows."""
    return min(COMPONENTS[LEVELS], max(isqrt(rows // ROWS_A_PRODUCT), 1))


def is_multiplied(field: Field, block: str) -> bool:
    """Whether a block multiplies the columns of a scored field."""
    return field.behaviour.numeric == (block == NUMBERS)


def multiplied_columns(fields: Iterable[Field], block: str) -> Places:
    """Indices of the columns that a block multiplies among those of `features_of(fields)`."""
    chosen = [
        is_multiplied(field, block)
        for field in fields
        for _ in range(1 if field.behaviour.numeric else len(field.levels))
    ]
    return np.flatnonzero(chosen)


def _basis(scaled: Array, most: int) -> Array:
    """The identity for few columns, else the principal directions of many, signed alike."""
    if scaled.shape[1] <= most:
        return np.eye(scaled.shape[1])
    _, directions = np.linalg.eigh(scaled.T @ scaled)
    principal = directions[:, ::-1][:, :most]
    # The sign of an eigenvector is arbitrary: its largest entry becomes positive.
    leading = np.abs(principal).argmax(axis=0)
    return np.asarray(principal * np.sign(principal[leading, np.arange(most)]))


def _side_from(arrays: Mapping[str, NDArray[Any]], name: str) -> MultipliedColumns:
    scale = Standardizer(arrays[f"{name}.mean"], arrays[f"{name}.spread"])
    return MultipliedColumns(arrays[f"{name}.places"], scale, arrays[f"{name}.basis"])
