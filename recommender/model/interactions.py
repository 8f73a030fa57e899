"""Products of a client's numeric features with a clinician's, beside the declared matches.

Of low rank where a practice has many numeric fields, so that the block stays small.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

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
        scaled = np.asarray((values - self.mean) / self.interval)
        scaled[np.isnan(scaled)] = 0.0
        return scaled


def fit_standardizer(values: Array, *, centre: bool = True) -> Standardizer:
    """Mean and standard deviation of the known values of each column."""
    known = ~np.isnan(values)
    count = np.maximum(known.sum(axis=0), 1)
    mean = np.where(known, values, 0.0).sum(axis=0) / count if centre else np.zeros(values.shape[1])
    interval = np.sqrt(np.where(known, (values - mean) ** 2, 0.0).sum(axis=0) / count)
    return Standardizer(mean, np.where(interval > 1e-12, interval, 1.0))


Places = NDArray[np.intp]
COMPONENTS = 12
"""Principal directions of each side's numbers: at most 144 products. The shipped definition has 11
by 10 numbers, which are used as they are."""


@dataclass(frozen=True, slots=True)
class NumericColumns:
    """The numeric features of one side and their principal directions.

    `places` (p,) are their columns among the side's features, `basis` (p, k) orthonormal
    directions: the identity where there are no more than `COMPONENTS` numbers.
    """

    places: Places
    scale: Standardizer
    basis: Array

    def scaled(self, rows: Array) -> Array:
        """The side's numbers on one scale, (n, p); a missing one becomes 0, the average."""
        return self.scale.apply(rows[:, self.places])


@dataclass(frozen=True, slots=True)
class Interactions:
    """How rows become products; fixed when the model is fitted."""

    client: NumericColumns
    clinician: NumericColumns

    @property
    def width(self) -> int:
        """Number of product columns."""
        return int(self.client.basis.shape[1] * self.clinician.basis.shape[1])

    def columns(self, rows: Rows) -> Array:
        """Every direction of the client times every direction of the clinician, (n, width)."""
        ours = self.client.scaled(rows.client) @ self.client.basis
        theirs = self.clinician.scaled(rows.clinician) @ self.clinician.basis
        return (ours[:, :, None] * theirs[:, None, :]).reshape(len(ours), self.width)

    def parts(self, rows: Rows, coefficients: Array) -> Array:
        """Contribution of each clinician column given the client's numbers, (n, clinician columns).

        A product is attributed to the clinician's column, since the client's numbers are the same
        for every clinician. Summed element by element: the last digit of a matrix product depends
        on the number of rows.
        """
        contributions = np.zeros_like(rows.clinician)
        weights = self.weights(coefficients)
        for some in chunks(len(contributions)):
            theirs = self.clinician.scaled(rows.clinician[some])
            contributions[some, self.clinician.places] = (
                self.slopes(rows.client[some], weights) * theirs
            )
        return contributions

    def weights(self, coefficients: Array) -> Array:
        """Points for one unit of a client's number times one of a clinician's, (p, q)."""
        inner = coefficients.reshape(self.client.basis.shape[1], -1)
        return np.asarray(self.client.basis @ inner @ self.clinician.basis.T)

    def slopes(self, client_rows: Array, weights: Array) -> Array:
        """Points for one unit of each of the clinician's numbers, (clients, q)."""
        ours = self.client.scaled(client_rows).T
        parts = ours[:, :, None] * weights[:, None, :]
        return sum_in_order(parts.reshape(len(ours), -1)).reshape(-1, weights.shape[1])

    def to_arrays(self) -> dict[str, NDArray[Any]]:
        """Named arrays, for `from_arrays`."""
        arrays: dict[str, NDArray[Any]] = {}
        for name in ("client", "clinician"):
            side: NumericColumns = getattr(self, name)
            arrays |= {f"{name}.places": side.places, f"{name}.basis": side.basis}
            arrays |= {f"{name}.mean": side.scale.mean, f"{name}.spread": side.scale.interval}
        return arrays

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]]) -> "Interactions":
        """The inverse of `to_arrays`."""
        return cls(*(_side_from(arrays, name) for name in ("client", "clinician")))


def fit_interactions(practice: Practice, rows: Rows) -> Interactions | None:
    """Interactions scaled on the training rows; None where a side has no scored number."""
    sides = []
    by_side: dict[Side, Array] = {"client": rows.client, "clinician": rows.clinician}
    for name, values in by_side.items():
        places = numeric_columns(practice.fields(name, "score").values())
        if not len(places):
            return None
        scale = fit_standardizer(values[:, places])
        sides.append(NumericColumns(places, scale, _basis(scale.apply(values[:, places]))))
    return Interactions(*sides)


def numeric_columns(fields: Iterable[Field]) -> Places:
    """Indices of the numeric fields among the columns of `features_of(fields)`."""
    numeric = [
        field.behaviour.numeric
        for field in fields
        for _ in range(1 if field.behaviour.numeric else len(field.levels))
    ]
    return np.flatnonzero(numeric)


def _basis(scaled: Array) -> Array:
    """The identity for few columns, else the principal directions of many, signed alike."""
    if scaled.shape[1] <= COMPONENTS:
        return np.eye(scaled.shape[1])
    _, directions = np.linalg.eigh(scaled.T @ scaled)
    principal = directions[:, ::-1][:, :COMPONENTS]
    # The sign of an eigenvector is arbitrary: its largest entry becomes positive.
    leading = np.abs(principal).argmax(axis=0)
    return np.asarray(principal * np.sign(principal[leading, np.arange(COMPONENTS)]))


def _side_from(arrays: Mapping[str, NDArray[Any]], name: str) -> NumericColumns:
    scale = Standardizer(arrays[f"{name}.mean"], arrays[f"{name}.spread"])
    return NumericColumns(arrays[f"{name}.places"], scale, arrays[f"{name}.basis"])
