"""The result of an allocation: assigned and unplaced clients with reasons, and places used."""

from dataclasses import dataclass
from datetime import date
from typing import Final, Literal

from recommender.errors import Fault
from recommender.screening.reasons import ConstraintCount

FixedBy = Literal["told", "previous"]
UnplacedReason = Literal["nobody_fits", "no_places", "below_floor", "places_taken"]
HolderReason = Literal["told", "comes_first", "gains_as_much"]

MAX_NAMED = 5
"""Clinicians named in a message."""
PROMISED: Final = "told"
"""In files and responses: the clinician was promised to the client before."""
FORMER: Final = "previous"
"""In files and responses: an earlier allocation assigned the clinician to the client."""

UNFIT_PROMISE = "the clinician promised does not fit every requirement of the client"
"""Said of a promise, which an allocation never changes."""
REASON_TEXTS: dict[UnplacedReason, str] = {
    "nobody_fits": "nobody fits every requirement",
    "no_places": "nobody who fits has a place",
    "below_floor": "everybody who fits and has a place is below the floor",
    "places_taken": "the places of everybody who fits are given to others",
}


@dataclass(frozen=True, slots=True)
class AssignedClient:
    """A client and the assigned clinician.

    Points are None where nothing is predicted, and for a promise whose pair is not eligible.

    Attributes
    ----------
    predicted
        Predicted alliance, in points of the reference scale.
    first_choice
        The clinician with a place that ranks first for this client alone.
    cost
        Points of predicted alliance below the first choice.
    rank
        Rank of the clinician among the eligible ones with a place, from 1.
    choices
        Number of eligible clinicians with a place.
    reservations
        Number of soft constraints that the clinician does not meet.
    fixed_by
        Promise or earlier allocation that names this clinician; None for a free choice.
    eligible
        Whether the clinician fits every hard constraint of the client; False only for a promise.
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
    eligible: bool = True


@dataclass(frozen=True, slots=True)
class Holder:
    """A client who has a place that another client could have, and what ranks them first.

    `ahead` is the difference in weighted points; None where points do not decide.
    """

    client_id: str
    reason: HolderReason
    ahead: float | None


@dataclass(frozen=True, slots=True)
class FullClinician:
    """A clinician eligible for an unplaced client, and the holders of the places.

    `limit_reached` says that places remain but a limit of the mix is reached.
    """

    clinician_id: str
    predicted: float | None
    holders: tuple[Holder, ...]
    limit_reached: bool


@dataclass(frozen=True, slots=True)
class Unplaced:
    """A client without a clinician, and the reason.

    Attributes
    ----------
    removals
        Where no clinician is eligible: the constraints that exclude, most exclusive first.
    full
        Where places are taken: the clinicians ranked first for this client.
    """

    client_id: str
    reason: UnplacedReason
    removals: tuple[ConstraintCount, ...] = ()
    full: tuple[FullClinician, ...] = ()


@dataclass(frozen=True, slots=True)
class MarginalPlace:
    """The value of one more place with a clinician.

    Attributes
    ----------
    placed
        Number of further clients assigned.
    points
        Sum of predicted alliance gained by clients who are assigned either way.
    newly_assigned
        Clients assigned only with the further place.
    moved
        Number of clients assigned to another clinician.
    """

    clinician_id: str
    placed: int
    points: float
    newly_assigned: tuple[str, ...]
    moved: int


@dataclass(frozen=True, slots=True)
class PlacesUsed:
    """One clinician's places: in all (None when not known), promised, and assigned besides."""

    clinician_id: str
    name: str
    places: int | None
    promised: int
    assigned: int

    @property
    def left(self) -> int | None:
        """Places that nobody has; None when the places are not known."""
        return None if self.places is None else max(self.places - self.promised - self.assigned, 0)


@dataclass(frozen=True, slots=True)
class Allocation:
    """The result, with clients and clinicians in the order of their ids.

    `points` is the unweighted sum of the pairing parts of the pairs assigned besides promises.
    """

    mode: str
    day: date
    roster_version: str
    assigned: tuple[AssignedClient, ...]
    unplaced: tuple[Unplaced, ...]
    places_used: tuple[PlacesUsed, ...]
    marginal_places: tuple[MarginalPlace, ...]
    points: float


def allocation_warnings(allocation: Allocation) -> tuple[Fault, ...]:
    """Promises that do not fit, more promises than places, and unknown places."""
    warnings = [
        Fault(
            PROMISED,
            f"{used.promised} clients have {used.clinician_id}, who has {used.places} places",
            "add a place, or promise one of them another clinician",
        )
        for used in allocation.places_used
        if used.places is not None and used.promised > used.places
    ]
    unfit = [each for each in allocation.assigned if not each.eligible]
    if unfit:
        pairs = [f"{each.client_id} with {each.clinician_id}" for each in unfit[:MAX_NAMED]]
        more = f" and {len(unfit) - MAX_NAMED} more" if len(unfit) > MAX_NAMED else ""
        problem = f"{', '.join(pairs)}{more}: {UNFIT_PROMISE}"
        remedy = "a promise is never changed here: ask the client, then change the list"
        warnings.append(Fault(PROMISED, problem, remedy))
    unknown = [used.clinician_id for used in allocation.places_used if used.places is None]
    if unknown:
        named = ", ".join(unknown[:MAX_NAMED])
        more = f" and {len(unknown) - MAX_NAMED} more" if len(unknown) > MAX_NAMED else ""
        problem = f"are not known of {named}{more}, who are assigned nobody new"
        remedy = "record their open places, or state them for this list"
        warnings.append(Fault("places", problem, remedy))
    return tuple(warnings)
