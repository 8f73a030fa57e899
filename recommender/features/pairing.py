"""What exists only between the two: the declared matches, and the same centred within the client.

A client who names many wishes has high matches with everyone; only what differs between clinicians
can order them, so each match is taken against a fixed panel of clinicians (the R-learner's
centring, Nie & Wager 2021).
"""

import numpy as np

from recommender.features.feature import Array, Feature
from recommender.practice.columns import Columns
from recommender.practice.definition import Practice
from recommender.practice.match_operators import known_mean

ROWS_AT_ONCE = 200_000


def pairing_features(practice: Practice) -> tuple[Feature, ...]:
    """The matches of a practice as features, in the order of its definition."""
    return tuple(
        Feature(match.label, match.phrase, match.otherwise or match.phrase, match.group)
        for match in practice.matches.values()
    )


def matched_fields(practice: Practice) -> tuple[frozenset[str], frozenset[str]]:
    """Fields that matches compare, of the client and of the clinician."""
    matches = practice.matches.values()
    return (
        frozenset(field.name for match in matches for field in match.client),
        frozenset(field.name for match in matches for field in match.clinician),
    )


def pairing_rows(practice: Practice, client: Columns, clinician: Columns) -> Array:
    """Matches row by row, (n, matches); one client row may face all clinicians."""
    rows = np.empty((clinician.size, len(practice.matches)))
    for place, match in enumerate(practice.matches.values()):
        rows[:, place] = match.between(client, clinician)
    return rows


def panel_means(practice: Practice, client: Columns, panel: Columns) -> Array:
    """Each client's mean match with the panel, (clients, matches); NaN where no match is known."""
    means = np.empty((client.size, len(practice.matches)))
    ours, theirs = matched_fields(practice)
    client, panel = client.only(ours), panel.only(theirs)
    if client.size == 1:
        return known_mean(pairing_rows(practice, client, panel)[None])
    step = max(ROWS_AT_ONCE // max(panel.size, 1), 1)
    for start in range(0, client.size, step):
        some = np.arange(start, min(start + step, client.size))
        prepared = client.take(np.repeat(some, panel.size))
        rows = pairing_rows(
            practice, prepared, panel.take(np.tile(np.arange(panel.size), len(some)))
        )
        means[some] = known_mean(rows.reshape(len(some), panel.size, rows.shape[1]))
    return means
