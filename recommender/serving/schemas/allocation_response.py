"""The response to a waiting list: assignments with their cost, unplaced clients with reasons."""

from collections.abc import Mapping
from datetime import date
from typing import Annotated, Literal, Self

from pydantic import Field as Setting

from recommender.allocation.files import reason_text
from recommender.allocation.outcome import (
    AssignedClient,
    FixedBy,
    FullClinician,
    Holder,
    HolderReason,
    MarginalPlace,
    PlacesUsed,
    Unplaced,
    UnplacedReason,
)
from recommender.serving.schemas.reference_warnings import ReferenceWarning
from recommender.serving.schemas.responses import (
    DECIMALS,
    AllianceScale,
    ExclusionCount,
    ModelInUse,
    Points,
    ResponseModel,
)


class Assignment(ResponseModel):
    """A client and the clinician assigned to them."""

    client_id: str
    clinician_id: str
    retained: Annotated[
        Literal["promised", "former"] | None,
        Setting(
            description="`promised`: the promised clinician; `former`: as in the allocation before."
        ),
    ]
    predicted_alliance: Annotated[
        Points | None,
        Setting(
            description="null if nothing is predicted or the promised clinician is not eligible."
        ),
    ]
    first_choice: Annotated[
        str | None,
        Setting(description="The first clinician with open places if the client were alone."),
    ]
    points_below_first: Annotated[
        Points | None, Setting(description="Cost of the compromise for this client.")
    ]
    choice_rank: Annotated[
        int | None,
        Setting(description="Rank of this clinician among the eligible ones with open places."),
    ]
    candidates: Annotated[
        int, Setting(description="Number of eligible clinicians with open places.")
    ]
    reservations: Annotated[int, Setting(description="Number of soft constraints not met.")]

    @classmethod
    def of(cls, assigned: AssignedClient) -> Self:
        """One assigned client."""
        return cls(
            client_id=assigned.client_id,
            clinician_id=assigned.clinician_id,
            retained=_RETAINED[assigned.fixed_by] if assigned.fixed_by else None,
            predicted_alliance=_rounded(assigned.predicted),
            first_choice=assigned.first_choice,
            points_below_first=_rounded(assigned.cost),
            choice_rank=assigned.rank,
            candidates=assigned.choices,
            reservations=assigned.reservations,
        )


class PlaceHolder(ResponseModel):
    """A client who has a place that another client would have taken."""

    client_id: str
    precedence: Annotated[
        Literal["promised", "priority", "gain"],
        Setting(
            description="`promised`: the place was promised; `priority`: an earlier class, or over "
            "the longest wait; `gain`: gains as much or more there."
        ),
    ]
    points_ahead: Annotated[
        Points | None, Setting(description="How much more this holder gains there, weighted.")
    ]

    @classmethod
    def of(cls, holder: Holder) -> Self:
        """One holder."""
        return cls(
            client_id=holder.client_id,
            precedence=_PRECEDENCE[holder.reason],
            points_ahead=_rounded(holder.ahead),
        )


class OccupiedClinician(ResponseModel):
    """An eligible clinician without open places, and the holders of the places."""

    clinician_id: str
    predicted_alliance: Points | None
    mix_full: Annotated[
        bool, Setting(description="Whether places are left but a limit on the mix is reached.")
    ]
    holders: tuple[PlaceHolder, ...]

    @classmethod
    def of(cls, taken: FullClinician) -> Self:
        """One clinician."""
        return cls(
            clinician_id=taken.clinician_id,
            predicted_alliance=_rounded(taken.predicted),
            mix_full=taken.limit_reached,
            holders=tuple(PlaceHolder.of(each) for each in taken.holders),
        )


class UnplacedClient(ResponseModel):
    """A client without an assignment."""

    client_id: str
    reason: UnplacedReason
    text: Annotated[str, Setting(description="The reason in words.")]
    exclusion_counts: Annotated[
        tuple[ExclusionCount, ...],
        Setting(description="If nobody is eligible: exclusions by constraint, most first."),
    ]
    occupied: Annotated[
        tuple[OccupiedClinician, ...],
        Setting(description="If places are taken: the first few clinicians for this client."),
    ]

    @classmethod
    def of(cls, unplaced: Unplaced, says: Mapping[str, str]) -> Self:
        """One client; `says` has the phrase of each constraint, by its name."""
        return cls(
            client_id=unplaced.client_id,
            reason=unplaced.reason,
            text=reason_text(unplaced, says),
            exclusion_counts=tuple(map(ExclusionCount.model_validate, unplaced.removals)),
            occupied=tuple(OccupiedClinician.of(each) for each in unplaced.full),
        )


class MarginalCapacity(ResponseModel):
    """The value of one more place with a clinician."""

    clinician_id: str
    placed: Annotated[int, Setting(description="How many more clients would be placed.")]
    points: Annotated[
        Points, Setting(description="Total gain of the clients who are placed either way.")
    ]
    newly_placed: Annotated[tuple[str, ...], Setting(description="Clients placed only then.")]
    moved: Annotated[
        int, Setting(description="Number of clients assigned to another clinician than now.")
    ]

    @classmethod
    def of(cls, more: MarginalPlace) -> Self:
        """One place."""
        return cls(
            clinician_id=more.clinician_id,
            placed=more.placed,
            points=round(more.points, DECIMALS) + 0.0,
            newly_placed=more.newly_assigned,
            moved=more.moved,
        )


class ClinicianCapacity(ResponseModel):
    """The places of one clinician: open, promised and newly assigned."""

    clinician_id: str
    places: int
    promised: int
    assigned: int

    @classmethod
    def of(cls, seat: PlacesUsed) -> Self:
        """One clinician."""
        return cls(
            clinician_id=seat.clinician_id,
            places=seat.places,
            promised=seat.promised,
            assigned=seat.assigned,
        )


class AllocationResponse(ResponseModel):
    """An allocated waiting list; clients and clinicians are ordered by id."""

    mode: str
    model: ModelInUse
    asked_on: date
    roster_version: str
    scale: AllianceScale
    assignments: tuple[Assignment, ...]
    unplaced: tuple[UnplacedClient, ...]
    places: tuple[ClinicianCapacity, ...]
    marginal_capacity: Annotated[
        tuple[MarginalCapacity, ...],
        Setting(description="Clinicians whose next place is worth most, most first."),
    ]
    points: Annotated[
        Points, Setting(description="Sum of the pairing parts of the new assignments.")
    ]
    warnings: Annotated[
        tuple[str, ...],
        Setting(description="Fields of clients or clinicians with ids that name nobody, in words."),
    ] = ()
    reference_warnings: Annotated[
        tuple[ReferenceWarning, ...],
        Setting(description="Ids in the answers that name nobody, at most 100."),
    ] = ()
    notice: str


_RETAINED: Mapping[FixedBy, Literal["promised", "former"]] = {
    "told": "promised",
    "previous": "former",
}
_PRECEDENCE: Mapping[HolderReason, Literal["promised", "priority", "gain"]] = {
    "told": "promised",
    "comes_first": "priority",
    "gains_as_much": "gain",
}
"""Words of `recommender.allocation` in terms of this contract."""


def _rounded(points: float | None) -> float | None:
    # Adding 0.0 turns a rounded -0.0 into 0.0.
    return None if points is None else round(points, DECIMALS) + 0.0
