"""Ties of a shortlist: the clinicians that cannot be told apart, with one text for all of them."""

from collections import defaultdict
from collections.abc import Iterable
from typing import Annotated

from pydantic import BaseModel, ConfigDict
from pydantic import Field as Setting

TEXT = (
    "What is known does not set these {number} clinicians apart: choose by what matters to you, "
    "such as times, place or cost."
)


class ClinicianTie(BaseModel):
    """Clinicians of the shortlist that cannot be told apart, at least two."""

    # Whatever has a default is sent all the same.
    model_config = ConfigDict(frozen=True, json_schema_serialization_defaults_required=True)

    tie: Annotated[int, Setting(description="As `tie` of each of them in the shortlist.")]
    clinician_ids: Annotated[
        tuple[str, ...], Setting(description="In the order of the shortlist, next to each other.")
    ]
    text: Annotated[
        str,
        Setting(
            description="For clients and staff: show it once, above the first of them, and number "
            "none of them.",
            examples=[TEXT.format(number=3)],
        ),
    ]


def ties_of(shortlist: Iterable[tuple[str, int | None]]) -> tuple[ClinicianTie, ...]:
    """The ties among clinicians given by id and number of their tie, in order.

    Examples
    --------
    >>> [each.clinician_ids for each in ties_of([("k1", 1), ("k2", 2), ("k3", 2), ("k4", None)])]
    [('k2', 'k3')]
    """
    members: dict[int, list[str]] = defaultdict(list)
    for clinician_id, tie in shortlist:
        if tie is not None:
            members[tie].append(clinician_id)
    return tuple(
        ClinicianTie(tie=tie, clinician_ids=tuple(ids), text=TEXT.format(number=len(ids)))
        for tie, ids in members.items()
        if len(ids) > 1
    )
