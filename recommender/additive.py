"""The additive half of the pairing part: declared matches, clinician attributes, clinician effects.

Turns feature rows into blocks of the mixed model and its terms back into feature contributions.
Imported by `model` and `training.fit`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recommender.features.feature import Array
from recommender.features.pipeline import Rows
from recommender.mixed.blocks import Block, DenseBlock, IndexBlock
from recommender.mixed.fit import MixedFit
from recommender.practice import Practice

Codes = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Seats:
    """Which clinician a row is about, and the client's level for records by level.

    Attributes
    ----------
    clinician : (n,) int
        Place among the clinicians the model learned from; -1 for one it never saw.
    level : (n,) int
        Level of the client's answer; -1 when not answered or not asked.
    """

    clinician: Codes
    level: Codes

    def take(self, rows: NDArray[np.intp]) -> "Seats":
        """Some of the rows."""
        return Seats(self.clinician[rows], self.level[rows])


@dataclass(frozen=True, slots=True)
class Scale:
    """Centre and spread of columns as learned; a column that never varied has spread 1."""

    mean: Array
    spread: Array

    def apply(self, values: Array) -> Array:
        """Standardised values; a missing one becomes 0, the average."""
        return np.nan_to_num((values - self.mean) / self.spread, nan=0.0)


def scale_of(values: Array, *, centre: bool = True) -> Scale:
    """Mean and standard deviation of the known values of each column."""
    known = ~np.isnan(values)
    count = np.maximum(known.sum(axis=0), 1)
    mean = np.where(known, values, 0.0).sum(axis=0) / count if centre else np.zeros(values.shape[1])
    spread = np.sqrt(np.where(known, (values - mean) ** 2, 0.0).sum(axis=0) / count)
    return Scale(mean, np.where(spread > 1e-12, spread, 1.0))


@dataclass(frozen=True, slots=True)
class Frame:
    """How rows become blocks: fixed when the model is fitted.

    Attributes
    ----------
    clinician, match
        Scales of clinician and of centred match columns.
    prior : (matches,)
        Declared sizes in points of alliance; all zero when the practice gives none.
    clinicians, levels
        How many clinicians, and levels by which records are kept, the effects are for.
    """

    clinician: Scale
    match: Scale
    prior: Array
    clinicians: int
    levels: int

    def blocks(self, rows: Rows, seats: Seats) -> list[Block]:
        """Blocks of the mixed model for these rows."""
        blocks: list[Block] = [
            DenseBlock("clinician", self.clinician.apply(rows.clinician)),
            DenseBlock("matches", self.match.apply(rows.match)),
            IndexBlock("clinicians", seats.clinician, self.clinicians),
        ]
        if self.prior.any():
            evidence = np.nan_to_num(rows.match) @ self.prior
            # Ratings must outweigh the literature before they move it: shrunk to 1, not to 0.
            blocks.append(DenseBlock("evidence", evidence[:, None], prior_mean=np.ones(1)))
        if self.levels:
            blocks.append(IndexBlock("by_level", self._cells(seats), self.clinicians * self.levels))
        return blocks

    def _cells(self, seats: Seats) -> Codes:
        told = (seats.clinician >= 0) & (seats.level >= 0)
        return np.where(told, seats.clinician * self.levels + seats.level, -1)


def frame_of(practice: Practice, rows: Rows, spread: float, clinicians: int, levels: int) -> Frame:
    """A frame whose scales are those of the training rows.

    `spread` is the standard deviation of alliance in points, the unit of declared sizes.
    """
    return Frame(
        clinician=scale_of(rows.clinician),
        match=scale_of(rows.match, centre=False),
        prior=spread * np.array([match.prior for match in practice.matches.values()]),
        clinicians=clinicians,
        levels=levels,
    )


@dataclass(frozen=True, slots=True)
class Additive:
    """A frame and the mixed model fitted in it."""

    frame: Frame
    fit: MixedFit

    def score(self, rows: Rows, seats: Seats) -> Array:
        """Pairing part of each row, in points, (n,).

        The sum of its contributions, not a matrix product: the last digit of that depends on the
        rows beside it, so that a request would not repeat what a batch said.
        """
        return np.asarray(self.contributions(rows, seats).sum(axis=1))

    def contributions(self, rows: Rows, seats: Seats) -> Array:
        """Signed parts, (n, clinician + match + history columns + 1), summing to `score`.

        The clinician's own effect stands with the record, its effect by level with the record by
        level; the evidence column is shared out over the matches it sums. Last is the start.
        """
        frame, own = self.frame, self.fit.coefficients
        blocks = frame.blocks(rows, seats)
        terms = self.fit.terms([block for block in blocks if isinstance(block, IndexBlock)])
        matches = frame.match.apply(rows.match) * own["matches"]
        if "evidence" in own:
            matches = matches + np.nan_to_num(rows.match) * frame.prior * own["evidence"][0]
        history = np.zeros_like(rows.history)
        history[:, 0] = terms["clinicians"]
        if "by_level" in terms:
            history[:, 2] = terms["by_level"]
        start = np.full((len(history), 1), self.fit.intercept)
        clinician = frame.clinician.apply(rows.clinician) * own["clinician"]
        return np.concatenate([clinician, matches, history, start], axis=1)

    def to_arrays(self) -> tuple[dict[str, NDArray[Any]], dict[str, Any]]:
        """Named arrays and JSON facts that `from_arrays` turns back."""
        arrays, facts = self.fit.to_arrays()
        arrays = {f"fit.{name}": array for name, array in arrays.items()}
        for name in ("clinician", "match"):
            scale: Scale = getattr(self.frame, name)
            arrays[f"{name}.mean"], arrays[f"{name}.spread"] = scale.mean, scale.spread
        arrays["prior"] = self.frame.prior
        shape = {"clinicians": self.frame.clinicians, "levels": self.frame.levels}
        return arrays, {"fit": facts} | shape

    @classmethod
    def from_arrays(
        cls, arrays: Mapping[str, NDArray[Any]], facts: Mapping[str, Any]
    ) -> "Additive":
        """The model that `to_arrays` wrote."""
        scales = {
            name: Scale(arrays[f"{name}.mean"], arrays[f"{name}.spread"])
            for name in ("clinician", "match")
        }
        frame = Frame(
            **scales,
            prior=arrays["prior"],
            clinicians=facts["clinicians"],
            levels=facts["levels"],
        )
        fitted = {name[4:]: array for name, array in arrays.items() if name.startswith("fit.")}
        return cls(frame, MixedFit.from_arrays(fitted, facts["fit"]))
