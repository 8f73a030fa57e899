"""Cards of clinicians for a stored request, by the present roster: times change after a request."""

from datetime import datetime
from typing import cast

import numpy as np

from recommender.journal.recommendations import ShownRecommendation
from recommender.practice.definition import Practice
from recommender.recommendation.card import cards
from recommender.recommendation.recommend import read_intake
from recommender.screening.meeting_ways import Modes
from recommender.screening.screen import screen
from recommender.serving.schemas.card import ClinicianCard
from recommender.tables.roster import Roster, snapshot


def current_cards(
    shown: ShownRecommendation,
    practice: Practice,
    roster: Roster,
    ids: tuple[str, ...],
    now: datetime,
) -> dict[str, ClinicianCard]:
    """Cards of those of some clinicians who are on the roster, by id.

    Empty where the practice definition has changed since the request.
    """
    places = {each: place for place, each in enumerate(roster.ids)}
    known = [each for each in dict.fromkeys(ids) if each in places]
    if shown.practice_digest != practice.digest or not known:
        return {}
    rows = np.array([places[each] for each in known], dtype=np.intp)
    names = [roster.called[each] for each in known]
    part = snapshot(known, names, roster.columns.take(rows), roster.taken_at)
    client = read_intake(practice, shown.answers).client
    modes = cast("Modes", shown.modes)
    screening = screen(practice, client, shown.client_id, part, shown.asked_on, modes)
    contents = cards(practice, client, part, screening, tuple(known), now)
    return dict(zip(known, map(ClinicianCard.of, contents), strict=True))
