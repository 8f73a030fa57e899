"""What came of an allocation: who was given whom and at what cost, who was not and why.

Imported by `allocate` and the doors.
"""

from dataclasses import dataclass
from datetime import date
from typing import Literal

from recommender.screening.screen import ConstraintCount

FixedBy = Literal["told", "previous"]
UnplacedReason = Literal["nobody_fits", "no_places", "below_floor", "places_taken"]
HolderReason = Literal["told", "comes_first", "gains_as_much"]

REASON_TEXTS: dict[UnplacedReason, str] = {
    "nobody_fits": "nobody fits every requirement",
    "no_places": "nobody who fits has a place",
    "below_floor": "everybody who fits and has a place is below the floor",
    "places_taken": "the places of everybody who fits are given to others",
}


@dataclass(frozen=True, slots=True)
class AssignedClient:
    """A client and the clinician they are given.

    Points are None where nothing may be predicted, and for a promise that no longer fits.

    Attributes
    ----------
    predicted
        Predicted alliance on the reference scale.
    first_choice
        The clinician with a place who stands first for this client alone.
    cost
        Points of predicted alliance below the first choice.
    stands
        Where the clinician stands among all who fit and have a place, from 1.
    among
        How many those are.
    reservations
        Soft constraints the clinician does not meet.
    kept
        Why this one was not free to change: told already; or what an earlier allocation gave.
    """

    client_id: str
    clinician_id: str
    choices: int
    reservations: int
    fixed_by: FixedBy | None
    predicted: float | None = None
    first_choice: str | None = None
    cost: float | None = None
    rank: int | None = None


@dataclass(frozen=True, slots=True)
class Holder:
    """Who has a place another client would have liked, and what puts them before.

    `ahead` is by how many points, weighted, more this one gains there; None where that is not it.
    """

    client_id: str
    reason: HolderReason
    ahead: float | None


@dataclass(frozen=True, slots=True)
class FullClinician:
    """A clinician an unplaced client could have seen, and who has the places instead.

    `limit` says that places are left but the mix is full.
    """

    clinician_id: str
    predicted: float | None
    holders: tuple[Holder, ...]
    limit_reached: bool


@dataclass(frozen=True, slots=True)
class Unplaced:
    """A client who is given nobody, and why.

    Attributes
    ----------
    removals
        Where nobody fits: what removed clinicians, most first.
    taken
        Where places are taken: the first few who stand first for this client.
    """

    client_id: str
    reason: UnplacedReason
    removals: tuple[ConstraintCount, ...] = ()
    full: tuple[FullClinician, ...] = ()


@dataclass(frozen=True, slots=True)
class MarginalPlace:
    """What one more place with a clinician would be worth.

    Attributes
    ----------
    placed
        How many more clients would be given somebody.
    points
        Predicted alliance gained by those who have somebody either way, in all.
    newly
        Clients who would be given somebody and are not now.
    moved
        How many others would be given somebody else.
    """

    clinician_id: str
    placed: int
    points: float
    newly_assigned: tuple[str, ...]
    moved: int


@dataclass(frozen=True, slots=True)
class PlacesUsed:
    """One clinician's places: how many there were, how many are promised and given."""

    clinician_id: str
    name: str
    places: int
    promised: int
    assigned: int


@dataclass(frozen=True, slots=True)
class Allocation:
    """The whole answer, clients and clinicians in the order of their ids.

    `points` is the sum of what is particular to each pair given now, unweighted; promises apart.
    """

    mode: str
    day: date
    roster_version: str
    assigned: tuple[AssignedClient, ...]
    unplaced: tuple[Unplaced, ...]
    places_used: tuple[PlacesUsed, ...]
    marginal_places: tuple[MarginalPlace, ...]
    points: float
