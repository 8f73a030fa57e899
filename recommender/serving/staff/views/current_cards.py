"""Cards of a stored request by the present roster: times of clinicians change after a request."""

from datetime import datetime

from recommender.journal.recommendations import ShownRecommendation
from recommender.practice.definition import Practice
from recommender.recommendation.card import cards
from recommender.serving.present_clinicians import present_clinicians
from recommender.serving.schemas.card import ClinicianCard
from recommender.tables.roster import Roster


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
