"""When each clinician is next free, as the roster says now. Imported by `staff.sheet`."""

from datetime import date

import numpy as np

from recommender.definition.kinds import EPOCH
from recommender.serving.answers import today
from recommender.serving.staff import words
from recommender.serving.state import State


def next_free(state: State) -> dict[str, str]:
    """The day in words, by clinician; empty where the practice keeps none."""
    practice, roster = state.practice, state.standing.roster
    rules = practice.constraints.values()
    kept = [each.clinician[0] for each in rules if each.rule == "available_within"]
    if not kept or practice.clinician[kept[0]].kind != "date":
        return {}
    now = today(practice)
    days = np.asarray(roster.columns[kept[0]], dtype=np.float64)
    return {
        name: words.free(date.fromordinal(int(day) + EPOCH), now)
        for name, day in zip(roster.ids, days.tolist(), strict=True)
        if not np.isnan(day)
    }
