"""Why clinicians are excluded from a screening, and what is to be mentioned about them."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import pairwise
from typing import NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

Places = NDArray[np.intp]
S = TypeVar("S")
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Reason:
    """One constraint that a clinician does not meet, or is not known to meet.

    `text` continues a sentence that begins with the clinician's name; with `unknown` it is a
    question, not a fact. `judged_on` is the day of the first possible session, where the constraint
    was judged for that day and it is not the day asked.
    """

    constraint: str
    family: str
    text: str
    unknown: bool
    judged_on: date | None = None


@dataclass(frozen=True, slots=True)
class Exclusion:
    """An excluded clinician, with every reason in the order of the definition."""

    clinician_id: str
    reasons: tuple[Reason, ...]


@dataclass(frozen=True, slots=True)
class Caution:
    """A clinician with reservations, in the order of the definition.

    They are soft constraints failed or unknown, and hard ones that pass although unknown.
    """

    clinician_id: str
    reasons: tuple[Reason, ...]


class ConstraintCount(NamedTuple):
    """Numbers of clinicians that a hard constraint excludes, and that only it excludes."""

    constraint: str
    removed: int
    removed_only_by_it: int


@dataclass(frozen=True, slots=True, eq=False)
class NumberedReasons:
    """The reasons of n clinicians, each different one once.

    Attributes
    ----------
    rows : (n,) int
        Places on the roster of the clinicians with reasons.
    ends : (n,) int
        The end of the reasons of each in `which`.
    which : (reasons of all,) int
        The reasons of one clinician after another, in the order of the definition: places in
        `reasons`.
    reasons
        The different reasons.
    """

    rows: Places
    ends: Places
    which: Places
    reasons: tuple[Reason, ...]

    def by_row(self) -> Iterator[tuple[int, tuple[Reason, ...]]]:
        """Each clinician's place on the roster and reasons."""
        joined = self.joined(self.reasons, tuple)
        return zip(self.rows.tolist(), joined, strict=True)

    def joined(self, parts: Sequence[S], join: Callable[[list[S]], T]) -> list[T]:
        """The parts of each clinician's reasons joined, once for equal reasons.

        `parts` has one for each of the different reasons.
        """
        content, width = self.which.tobytes(), self.which.itemsize
        found: dict[bytes, T] = {}
        joined = []
        for start, end in pairwise([0, *(width * self.ends).tolist()]):
            key = content[start:end]
            each = found.get(key)
            if each is None:
                own = self.which[start // width : end // width].tolist()
                each = found[key] = join([parts[place] for place in own])
            joined.append(each)
        return joined
