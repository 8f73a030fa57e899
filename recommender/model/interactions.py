"""Products of a client's numbers and a clinician's: interplay that no declared match names.

Low-rank where a practice asks for many numbers, so that the block never outgrows the ratings.
Imported by `additive` alone.
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


@dataclass(frozen=True, slots=True)
class Standardizer:
    """Centre and spread of columns as learned; a column that never varied has spread 1."""

    mean: Array
    interval: Array

    def apply(self, values: Array) -> Array:
        """Standardised values; a missing one becomes 0, the average."""
        return np.nan_to_num((values - self.mean) / self.interval, nan=0.0)


def fit_standardizer(values: Array, *, centre: bool = True) -> Standardizer:
    """Mean and standard deviation of the known values of each column."""
    known = ~np.isnan(values)
    count = np.maximum(known.sum(axis=0), 1)
    mean = np.where(known, values, 0.0).sum(axis=0) / count if centre else np.zeros(values.shape[1])
    interval = np.sqrt(np.where(known, (values - mean) ** 2, 0.0).sum(axis=0) / count)
    return Standardizer(mean, np.where(interval > 1e-12, interval, 1.0))


Places = NDArray[np.intp]
COMPONENTS = 12
"""Directions kept of each side's numbers: at most 144 products, whatever a practice asks. All those
of the shipped definition, 11 by 10, stay as they are."""


@dataclass(frozen=True, slots=True)
class NumericColumns:
    """The numbers of one side, and the directions in which they are multiplied.

    Attributes
    ----------
    places : (p,) int
        Their columns among the side's features.
    scale
        Of these columns.
    basis : (p, k)
        Orthonormal directions; the identity where there are no more than `COMPONENTS` numbers.
    """

    places: Places
    scale: Standardizer
    basis: Array

    def scaled(self, rows: Array) -> Array:
        """The side's numbers on one scale, (n, p); a missing one becomes 0, the average."""
        return self.scale.apply(rows[:, self.places])


@dataclass(frozen=True, slots=True)
class Interactions:
    """How rows become products, fixed when the model is fitted."""

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

        A client's numbers are the same beside every clinician, so that what a product adds is the
        clinician's column at work on this client. Summed element by element: the last digit of a
        matrix product depends on the rows beside it.
        """
        found = np.zeros_like(rows.clinician)
        inner = coefficients.reshape(self.client.basis.shape[1], -1)
        weights = self.client.basis @ inner @ self.clinician.basis.T
        for some in chunks(len(found)):
            ours = self.client.scaled(rows.client[some])
            slopes = np.zeros((len(ours), weights.shape[1]))
            for place, weight in enumerate(weights):
                slopes += ours[:, place, None] * weight
            theirs = self.clinician.scaled(rows.clinician[some])
            found[some, self.clinician.places] = slopes * theirs
        return found

    def to_arrays(self) -> dict[str, NDArray[Any]]:
        """Named arrays that `from_arrays` turns back."""
        arrays: dict[str, NDArray[Any]] = {}
        for name in ("client", "clinician"):
            side: NumericColumns = getattr(self, name)
            arrays |= {f"{name}.places": side.places, f"{name}.basis": side.basis}
            arrays |= {f"{name}.mean": side.scale.mean, f"{name}.spread": side.scale.interval}
        return arrays

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]]) -> "Interactions":
        """The products that `to_arrays` wrote."""
        return cls(*(_side_from(arrays, name) for name in ("client", "clinician")))


def fit_interactions(practice: Practice, rows: Rows) -> Interactions | None:
    """Products scaled on the training rows; None where a side has no number the model may see."""
    sides = []
    given: dict[Side, Array] = {"client": rows.client, "clinician": rows.clinician}
    for name, values in given.items():
        places = numeric_columns(practice.fields(name, "score").values())
        if not len(places):
            return None
        scale = fit_standardizer(values[:, places])
        sides.append(NumericColumns(places, scale, _basis(scale.apply(values[:, places]))))
    return Interactions(*sides)


def numeric_columns(fields: Iterable[Field]) -> Places:
    """Places of the numbers among the columns of `features_of(fields)`."""
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
    kept = directions[:, ::-1][:, :COMPONENTS]
    # An eigenvector's sign is chance: the largest entry is made positive.
    largest = np.abs(kept).argmax(axis=0)
    return np.asarray(kept * np.sign(kept[largest, np.arange(COMPONENTS)]))


def _side_from(arrays: Mapping[str, NDArray[Any]], name: str) -> NumericColumns:
    scale = Standardizer(arrays[f"{name}.mean"], arrays[f"{name}.spread"])
    return NumericColumns(arrays[f"{name}.places"], scale, arrays[f"{name}.basis"])
