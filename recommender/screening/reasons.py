"""Why clinicians are excluded from a screening, and what is to be mentioned about them."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import NamedTuple


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


@dataclass(frozen=True, slots=True)
class GroupedReasons:
    """The reasons of several clinicians, among whom few combinations of reasons repeat.

    Attributes
    ----------
    rows
        Places on the roster of the clinicians with reasons, ascending.
    group_of
        For each of them, the place of their reasons among `reasons`.
    reasons
        Each combination of reasons once, in the order of the definition.
    """

    rows: tuple[int, ...]
    group_of: tuple[int, ...]
    reasons: tuple[tuple[Reason, ...], ...]

    def by_row(self) -> Iterator[tuple[int, tuple[Reason, ...]]]:
        """Each clinician's place on the roster and reasons."""
        for row, group in zip(self.rows, self.group_of, strict=True):
            yield row, self.reasons[group]
