"""A waiting list in numbers: who may go to whom, what it is worth, and what is scarce.

Knows neither people nor models, so that it can be checked against brute force.
Imported by `optimum` and above.
"""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Flags = NDArray[np.bool_]
Places = NDArray[np.intp]

NOBODY = -1
"""Stands for the clinician of a client who is given nobody."""


@dataclass(frozen=True, slots=True, eq=False)
class CapacityLimit:
    """At most so many of some clients for each clinician.

    Attributes
    ----------
    members : (clients,)
    most : (clinicians,) int
    """

    members: Flags
    most: Places


@dataclass(frozen=True, slots=True, eq=False)
class AssignmentProblem:
    """n pairs of clients and clinicians, of which each client may be given one.

    Attributes
    ----------
    client, clinician : (n,) int
        The pairs.
    value : (n,)
        What each adds to the sum that is to be largest.
    places : (clinicians,) int
    rank : (clients,) int
        From 0: whoever has a lower one gets a place before anybody with a higher one.
    caps
        Limits to how many of some clients one clinician is given.
    """

    client: Places
    clinician: Places
    value: Array
    places: Places
    rank: Places
    caps: tuple[CapacityLimit, ...] = ()

    def with_a_place_more(self, clinician: int) -> "AssignmentProblem":
        """The same with one more place at a clinician."""
        places = self.places.copy()
        places[clinician] += 1
        return replace(self, places=places)

    def placed(self, taken: Places) -> tuple[int, ...]:
        """How many of each rank are given somebody, from the first rank on."""
        ranks = int(self.rank.max(initial=-1)) + 1
        counts = np.bincount(self.rank[self.client[taken]], minlength=ranks)
        return tuple(counts.tolist())

    def total(self, taken: Places) -> float:
        """The sum over some of the pairs."""
        return float(self.value[taken].sum())


def nested(caps: tuple[CapacityLimit, ...]) -> bool:
    """Whether any two limits are about clients of which none, or all of one, are in the other.

    Then every corner of the linear programme is whole, as flows in a network are.
    """
    for place, one in enumerate(caps):
        for other in caps[:place]:
            both = (one.members & other.members).sum()
            if both not in (0, one.members.sum(), other.members.sum()):
                return False
    return True
