"""What constraints do to n clinicians, as codes: whom they exclude, and where they are in doubt."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from recommender.practice.rules.constraint import Constraint, Mode
from recommender.practice.rules.packed_flags import Bits, packed

Array = NDArray[np.float64]
Codes = NDArray[np.int8]

MET, FAILED, UNKNOWN, MOVES = 0, 1, 2, 3
"""Codes of a constraint: met, known not to be met, unknown, and met until a change of clocks."""


@dataclass(frozen=True, slots=True, eq=False)
class VerdictCodes:
    """The codes of one constraint, (2, n): where it excludes, and where it is a reservation."""

    both: Codes

    @property
    def excluding(self) -> Codes:
        """Where it excludes, (n,)."""
        return np.asarray(self.both[0])

    @property
    def cautioning(self) -> Codes:
        """Where it is a reservation, (n,)."""
        return np.asarray(self.both[1])


def parts_of(constraint: Constraint, mode: Mode) -> tuple[int, int | None]:
    """Whether the codes of failed and of unknown verdicts exclude, 0, or are reservations, 1.

    None for the unknown ones where these are `MET`.
    """
    excludes = mode == "hard" and constraint.unknown == "fail"
    unknown = None if constraint.unknown == "met" else int(not excludes)
    return int(mode != "hard"), unknown


def codes_of(constraint: Constraint, mode: Mode, verdict: Array) -> VerdictCodes | None:
    """The codes of a verdict in a mode; None where all are `MET`."""
    # Most constraints are met by every clinician, or the client has no wish about them.
    if mode == "off" or not verdict.size or np.minimum.reduce(verdict) == 1:
        return None
    both = np.zeros((2, len(verdict)), dtype=np.int8)
    failed, unknown = parts_of(constraint, mode)
    # True is stored as FAILED.
    np.equal(verdict, 0.0, out=both[failed].view(np.bool_))
    if unknown is not None:
        both[unknown] += np.isnan(verdict).view(np.int8) * UNKNOWN
    return VerdictCodes(both)


def packed_codes(codes: VerdictCodes | None) -> Bits | None:
    """Whom a constraint excludes, and where it is a reservation, (2, n / 8); None for nobody."""
    return None if codes is None else packed(codes.both != MET)


def with_moves(codes: VerdictCodes | None, rows: Iterable[int], size: int) -> VerdictCodes | None:
    """The codes where clinicians in some rows pass until a change of clocks."""
    places = list(rows)
    if not places:
        return codes
    both = np.zeros((2, size), dtype=np.int8) if codes is None else codes.both.copy()
    both[1, places] = MOVES
    return VerdictCodes(both)
