"""The levels that the clinicians of a roster hold, as bits of one number for each clinician."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from recommender.practice.columns import Columns
from recommender.practice.fields import Field


@dataclass(frozen=True, slots=True, eq=False)
class HeldLevels:
    """The levels of some fields that n clinicians hold, a bit for each level.

    Attributes
    ----------
    levels
        The field, the level and its label by bit, fields and levels in declared order.
    held : (n,)
        The levels that each clinician is known to have.
    unknown : (n,)
        All levels of those fields whose levels are not known of each clinician.
    of_field
        All levels of each field.
    bit_of
        The bit of a level by its field and itself.
    """

    levels: tuple[tuple[str, str, str], ...]
    held: tuple[int, ...]
    unknown: tuple[int, ...]
    of_field: Mapping[str, int]
    bit_of: Mapping[tuple[str, str], int]

    @classmethod
    def of(
        cls, fields: Mapping[str, Field], roster: Columns, names: Collection[str]
    ) -> "HeldLevels":
        """The levels of some of a roster's fields; fields without levels are left out."""
        levels: list[tuple[str, str, str]] = []
        of_field: dict[str, int] = {}
        held, unknown = [np.zeros((roster.size, 0), dtype=np.bool_)] * 2
        for name, field in fields.items():
            if name in names and field.behaviour.has_levels:
                values = roster[name]
                each = values.reshape(roster.size, -1)
                own = each == 1 if values.ndim == 2 else each == range(len(field.levels))
                is_missing = np.isnan(each).any(axis=1, keepdims=True)
                held = np.concatenate([held, own], axis=1)
                unknown = np.concatenate([unknown, is_missing.repeat(own.shape[1], axis=1)], axis=1)
                of_field[name] = (1 << len(field.levels)) - 1 << len(levels)
                levels += [(name, level, field.label_of(level)) for level in field.levels]
        bit_of = {(name, level): 1 << place for place, (name, level, _) in enumerate(levels)}
        return cls(tuple(levels), _as_bits(held), _as_bits(unknown), of_field, bit_of)

    def bits_of(self, name: str, levels: Collection[str]) -> int:
        """Some levels of one field; none of a field that is not there."""
        return sum([self.bit_of.get((name, level), 0) for level in levels])


def places_of(bits: int) -> Iterator[int]:
    """The places of the bits that are set, ascending.

    >>> list(places_of(0b10010))
    [1, 4]
    """
    while bits:
        lowest = bits & -bits
        yield lowest.bit_length() - 1
        bits ^= lowest


def _as_bits(flags: NDArray[np.bool_]) -> tuple[int, ...]:
    packed = np.packbits(flags, axis=1, bitorder="little")
    return tuple(int.from_bytes(each.tobytes(), "little") for each in packed)
