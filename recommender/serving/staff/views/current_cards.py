"""A stored request beside the present roster: times of clinicians change after a request."""

from dataclasses import dataclass
from datetime import datetime
from typing import cast

import numpy as np

from recommender.journal.recommendations import ShownRecommendation
from recommender.practice.columns import Columns
from recommender.practice.definition import Practice
from recommender.recommendation.card import cards
from recommender.recommendation.recommend import read_intake
from recommender.screening.meeting_ways import Modes
from recommender.screening.screen import Screening, screen
from recommender.serving.schemas.card import ClinicianCard
from recommender.tables.roster import Roster, snapshot


@dataclass(frozen=True, slots=True, eq=False)
class PresentClinicians:
    """The client of a request, one row, and those of some clinicians who are on the roster."""

    client: Columns
    roster: Roster
    screening: Screening


def present_clinicians(
    shown: ShownRecommendation, practice: Practice, roster: Roster, ids: tuple[str, ...]
) -> PresentClinicians | None:
    """Some clinicians screened for a stored request, by the present roster.

    None where none of them is on it, or the practice definition has changed since the request.
    """
    places = {each: place for place, each in enumerate(roster.ids)}
    known = [each for each in dict.fromkeys(ids) if each in places]
    if shown.practice_digest != practice.digest or not known:
        return None
    rows = np.array([places[each] for each in known], dtype=np.intp)
    names = [roster.name_of(places[each]) for each in known]
    part = snapshot(known, names, roster.columns.take(rows), roster.taken_at)
    client = read_intake(practice, shown.answers).client
    modes = cast("Modes", shown.modes)
    screening = screen(practice, client, shown.client_id, part, shown.asked_on, modes)
    return PresentClinicians(client, part, screening)


def current_cards(
    shown: ShownRecommendation,
    practice: Practice,
    roster: Roster,
    ids: tuple[str, ...],
    now: datetime,
) -> dict[str, ClinicianCard]:
    """Cards of those of some clinicians who are on the roster, by id and in their order."""
    found = present_clinicians(shown, practice, roster, ids)
    if found is None:
        return {}
    known = tuple(each for each in dict.fromkeys(ids) if each in found.roster.ids)
    contents = cards(practice, found.client, found.roster, found.screening, known, now)
    return dict(zip(known, map(ClinicianCard.of, contents), strict=True))
