"""Changes of a client's answers that admit excluded clinicians."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from recommender.practice.columns import Columns
from recommender.practice.definition import Practice
from recommender.practice.rules.rule_input import RequestContext
from recommender.screening.screening import Screening
from recommender.values.kinds import RawValue

Places = NDArray[np.intp]


@dataclass(frozen=True, slots=True)
class Change:
    """One changed answer.

    Attributes
    ----------
    constraint
        The constraint that the change relaxes.
    field, answer
        The client's field and its new answer, as a cell; None to leave it empty.
    ask
        Whether staff may only ask the client if the wish matters.
    step
        Position among answers to this field, from the smallest change to the largest; None where
        the answers are alternatives.
    """

    constraint: str
    field: str
    answer: RawValue
    ask: bool = False
    step: int | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Relaxation:
    """Changes that together admit at least one clinician.

    Attributes
    ----------
    changes
        One change or more, each of another field.
    admits
        Places on the roster of the clinicians for whom no smaller change of these answers suffices.
    """

    changes: tuple[Change, ...]
    admits: Places

    @property
    def fields(self) -> frozenset[str]:
        """The changed fields."""
        return frozenset(change.field for change in self.changes)


@dataclass(frozen=True, slots=True, eq=False)
class ScreenedRequest:
    """One request and its screening of the roster."""

    practice: Practice
    client: Columns
    context: RequestContext
    roster: Columns
    screening: Screening
