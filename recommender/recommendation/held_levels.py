"""The levels that the clinicians of a roster hold, as flags in columns."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from recommender.practice.columns import Columns
from recommender.practice.fields import Field

Flags = NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False)
class HeldLevels:
    """The levels of some fields that n clinicians hold.

    Attributes
    ----------
    levels
        The field and the level of each column, fields and levels in declared order.
    held : (n, columns)
        Whether each clinician is known to have a level.
    unknown : (n, fields)
        Whether a clinician's levels of a field are not known.
    columns
        The columns of each field, as first and the one after the last.
    """

    levels: tuple[tuple[str, str], ...]
    held: Flags
    unknown: Flags
    columns: Mapping[str, tuple[int, int]]

    @classmethod
    def of(
        cls, fields: Mapping[str, Field], roster: Columns, names: Collection[str]
    ) -> "HeldLevels":
        """The levels of some of a roster's fields; fields without levels are left out."""
        levels: list[tuple[str, str]] = []
        columns: dict[str, tuple[int, int]] = {}
        held, unknown = [np.zeros((roster.size, 0), dtype=np.bool_)], []
        for name, field in fields.items():
            if name in names and field.behaviour.has_levels:
                values = roster[name]
                own = (
                    values == 1 if values.ndim == 2 else values[:, None] == range(len(field.levels))
                )
                is_missing = np.isnan(values)
                held.append(own)
                unknown.append(is_missing.any(axis=1) if values.ndim == 2 else is_missing)
                columns[name] = len(levels), len(levels) + len(field.levels)
                levels += [(name, level) for level in field.levels]
        missing = np.stack(unknown, axis=1) if unknown else np.zeros((roster.size, 0), np.bool_)
        return cls(tuple(levels), np.concatenate(held, axis=1), missing, columns)

    def columns_with(self, levels: Mapping[str, Collection[str]]) -> list[int]:
        """The columns of some levels by field, in order; fields that are not there are left out."""
        return [
            place
            for name, named in levels.items()
            if name in self.columns
            for place in range(*self.columns[name])
            if self.levels[place][1] in named
        ]
