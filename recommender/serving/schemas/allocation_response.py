"""What is answered to a waiting list: who is given whom at what cost, who is not and why.

Imported by `serving.allocations`.
"""

from collections.abc import Mapping
from datetime import date
from typing import Annotated, Self

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
from recommender.serving.schemas.responses import (
    DECIMALS,
    AllianceScale,
    ExclusionCount,
    ModelInUse,
    Points,
    ResponseModel,
)


class Assignment(ResponseModel):
    """A client and the clinician they are given."""

    client_id: str
    clinician_id: str
    kept: Annotated[
        FixedBy | None,
        Setting(description="`told`: promised before; `previous`: as in the allocation before."),
    ]
    predicted_alliance: Annotated[
        Points | None,
        Setting(description="null where nothing is predicted, or a promise no longer fits."),
    ]
    first_choice: Annotated[
        str | None,
        Setting(description="Who with a place would be shown first to this client alone."),
    ]
    points_below_first: Annotated[
        Points | None, Setting(description="What the compromise costs this client.")
    ]
    stands: Annotated[
        int | None, Setting(description="Of those who fit and have a place, which one this is.")
    ]
    among: Annotated[int, Setting(description="How many fit and have a place.")]
    reservations: Annotated[int, Setting(description="Soft constraints not met.")]

    @classmethod
    def of(cls, given: AssignedClient) -> Self:
        """One client who is given somebody."""
        return cls(
            client_id=given.client_id,
            clinician_id=given.clinician_id,
            kept=given.fixed_by,
            predicted_alliance=_rounded(given.predicted),
            first_choice=given.first_choice,
            points_below_first=_rounded(given.cost),
            stands=given.rank,
            among=given.choices,
            reservations=given.reservations,
        )


class PlaceHolder(ResponseModel):
    """Who has a place another client would have liked."""

    client_id: str
    before: Annotated[
        HolderReason,
        Setting(
            description="`told`: promised; `comes_first`: of an earlier class, or waiting too "
            "long; `gains_as_much`: as much or more is gained there."
        ),
    ]
    points_ahead: Annotated[
        Points | None, Setting(description="How much more is gained there, weighted.")
    ]

    @classmethod
    def of(cls, holder: Holder) -> Self:
        """One holder."""
        return cls(
            client_id=holder.client_id,
            before=holder.reason,
            points_ahead=_rounded(holder.ahead),
        )


class OccupiedClinician(ResponseModel):
    """A clinician who fits, and who has the places."""

    clinician_id: str
    predicted_alliance: Points | None
    mix_full: Annotated[bool, Setting(description="Places are left, but a limit is reached.")]
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
    """A client who is given nobody."""

    client_id: str
    why: UnplacedReason
    say: Annotated[str, Setting(description="The reason in words.")]
    removals: Annotated[
        tuple[ExclusionCount, ...],
        Setting(description="Where nobody fits: what removed how many, most first."),
    ]
    taken: Annotated[
        tuple[OccupiedClinician, ...],
        Setting(description="Where places are taken: the first few who stand first."),
    ]

    @classmethod
    def of(cls, unplaced: Unplaced, says: Mapping[str, str]) -> Self:
        """One client; `says` is what staff say of each constraint."""
        return cls(
            client_id=unplaced.client_id,
            why=unplaced.reason,
            say=reason_text(unplaced, says),
            removals=tuple(ExclusionCount.of(each) for each in unplaced.removals),
            taken=tuple(OccupiedClinician.of(each) for each in unplaced.full),
        )


class MarginalCapacity(ResponseModel):
    """What one more place with a clinician would be worth."""

    clinician_id: str
    placed: Annotated[int, Setting(description="How many more would be given somebody.")]
    points: Annotated[
        Points, Setting(description="Gained, in all, by those who have somebody either way.")
    ]
    newly: Annotated[tuple[str, ...], Setting(description="Clients given somebody only then.")]
    moved: Annotated[int, Setting(description="Clients given somebody else than now.")]

    @classmethod
    def of(cls, more: MarginalPlace) -> Self:
        """One place."""
        return cls(
            clinician_id=more.clinician_id,
            placed=more.placed,
            points=round(more.points, DECIMALS) + 0.0,
            newly=more.newly_assigned,
            moved=more.moved,
        )


class ClinicianCapacity(ResponseModel):
    """One clinician's places: how many, promised and given."""

    clinician_id: str
    places: int
    told: int
    given: int

    @classmethod
    def of(cls, seat: PlacesUsed) -> Self:
        """One clinician."""
        return cls(
            clinician_id=seat.clinician_id,
            places=seat.places,
            told=seat.promised,
            given=seat.assigned,
        )


class AllocationResponse(ResponseModel):
    """A whole list allocated; clients and clinicians in the order of their ids."""

    mode: str
    model: ModelInUse
    asked_on: date
    roster_version: str
    scale: AllianceScale
    given: tuple[Assignment, ...]
    unplaced: tuple[UnplacedClient, ...]
    places: tuple[ClinicianCapacity, ...]
    one_more_place: Annotated[
        tuple[MarginalCapacity, ...], Setting(description="Where one would add most, most first.")
    ]
    points: Annotated[
        Points, Setting(description="What is particular to each pair given now, in all.")
    ]
    notice: str


def _rounded(points: float | None) -> float | None:
    # Adding 0.0 turns a rounded -0.0 into 0.0.
    return None if points is None else round(points, DECIMALS) + 0.0
