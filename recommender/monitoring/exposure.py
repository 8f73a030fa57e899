"""How often each clinician was shown and chosen, beside the places they have open."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from recommender.journal.rated_pairings import Exposure
from recommender.tables.roster import Roster

DAYS = 90
"""Days over which exposure is counted."""


@dataclass(frozen=True, slots=True)
class ClinicianExposure:
    """Counts of one clinician; `open_places` is None where places are not recorded."""

    name: str
    on_roster: bool
    counts: Exposure
    open_places: int | None


def clinician_exposures(
    counted: Mapping[str, Exposure], roster: Roster, places_field: str | None
) -> tuple[ClinicianExposure, ...]:
    """Clinicians on the roster and those no longer on it who were shown, most shown first.

    Parameters
    ----------
    counted
        Counts by clinician id, from the journal.
    roster
        Clinicians as they are now.
    places_field
        Column of the roster with open places; None where the practice records none.
    """
    names, places = roster.called, _open_places(roster, places_field)
    rows = [
        ClinicianExposure(
            names.get(each, each), each in names, counted.get(each, Exposure()), places.get(each)
        )
        for each in {*names, *counted}
    ]
    return tuple(sorted(rows, key=lambda row: (-row.counts.shown, -row.counts.first, row.name)))


def _open_places(roster: Roster, places_field: str | None) -> dict[str, int]:
    """Open places by clinician id, where they are recorded."""
    if places_field is None:
        return {}
    places = np.asarray(roster.columns[places_field], dtype=np.float64)
    rows = zip(roster.ids, places.tolist(), strict=True)
    return {each: int(number) for each, number in rows if not np.isnan(number)}
