"""What of a field a declared product multiplies."""

from dataclasses import dataclass

import numpy as np

from recommender.practice.fields import Field
from recommender.practice.sums import Array


@dataclass(frozen=True, slots=True)
class ProductPart:
    """What of one field a declared product multiplies.

    Attributes
    ----------
    field
        The field.
    level
        Place of the level that counts as 1, all others being 0; None for a kind without levels.
    at_least
        Encoded value from which the field counts as 1, and as 0 below; None without a threshold.
    """

    field: Field
    level: int | None = None
    at_least: float | None = None

    @property
    def described(self) -> str:
        """The field and what of it counts, as a table of the definition names it."""
        if self.level is not None:
            return f"{self.field.name} has {self.field.levels[self.level]}"
        if self.at_least is None:
            return self.field.name
        if self.field.levels:
            return f"{self.field.name} at least {self.field.levels[int(self.at_least)]}"
        return f"{self.field.name} at least {self.at_least / self.field.behaviour.units:g}"

    def of(self, values: Array) -> Array:
        """What is multiplied, (n,): 0 or 1, or a number on -1 to 1 of its bounds; NaN missing."""
        if self.level is not None:
            if values.ndim == 2:
                return np.asarray(values[:, self.level])
            return np.where(np.isnan(values), np.nan, values == self.level)
        if self.at_least is not None:
            return np.where(np.isnan(values), np.nan, values >= self.at_least)
        if self.field.kind == "flag":
            return values
        return 2 * self.field.on_unit_range(values) - 1
