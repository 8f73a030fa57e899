"""Flags of n people as bits, eight of them a byte: a pass reads an eighth of the memory."""

import numpy as np
from numpy.typing import NDArray

Bits = NDArray[np.uint8]
Flags = NDArray[np.bool_]


def packed(flags: Flags) -> Bits:
    """Flags (..., n) as bits, (..., n / 8 rounded up); those behind the last are 0."""
    return np.packbits(flags, axis=-1, bitorder="little")


def unpacked(bits: Bits, size: int) -> Flags:
    """The flags (..., size) of bits.

    >>> unpacked(packed(np.array([True, False, True])), 3).tolist()
    [True, False, True]
    """
    return np.unpackbits(bits, axis=-1, count=size, bitorder="little").view(np.bool_)


def counted(bits: Bits) -> NDArray[np.intp]:
    """How many of the flags are set, (...)."""
    return np.asarray(np.add.reduce(np.bitwise_count(bits), axis=-1, dtype=np.intp))
