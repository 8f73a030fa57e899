"""Whose last places are kept for those they suit most.

Nobody is hidden for it: it only orders clinicians who are about even. Imported by `recommend`.
"""

import numpy as np
from numpy.typing import NDArray

from recommender.practice.definition import Practice
from recommender.screening.screen import Screening
from recommender.tables.roster import Roster

Flags = NDArray[np.bool_]

FEW = 10
"""A need is one that few meet when at most one in so many of the roster does, or one alone: our
choice, no study names one. A tenth of 50 clinicians is five, about as many as a shortlist shows."""


def reserved_last_places(practice: Practice, roster: Roster, screening: Screening) -> Flags:
    """Whose last places this client should leave to others if it makes no difference, (n,).

    Those with at most `ranking.keep_last_places` open places, unless they meet a need of the client
    that few of the roster meet: then the place is kept for just such a client.
    """
    most, places = practice.ranking.keep_last_places, practice.places
    if not most or places is None:
        return np.zeros(len(roster), dtype=np.bool_)
    return np.asarray(roster.columns[places] <= most) & ~_meet_what_few_do(screening)


def _meet_what_few_do(screening: Screening) -> Flags:
    """Who passes a constraint about this client's answers that few of the roster pass, (n,).

    Hard and soft ones alike. A constraint the client has no wish about is passed by everybody, and
    so by more than few.
    """
    found = np.zeros(len(screening.ids), dtype=np.bool_)
    few = max(len(found) // FEW, 1)
    for constraint in screening.constraints:
        passed = screening.verdicts[constraint.name] == 1
        if constraint.client and np.count_nonzero(passed) <= few:
            found |= passed
    return found
