"""What clinicians decide by level, for clients with several levels: the mean over their tags.

With the digits of `HistoryRecords.rows` and of `Additive.contributions`.
"""

import numpy as np
from numpy.typing import NDArray

from recommender.features.client_levels import (
    Codes,
    Drawn,
    add_weighted,
    level_weights,
    mean_over_tags,
    used_places,
)
from recommender.features.feature import Array
from recommender.plan.clinicians import ClinicianTerms

Places = NDArray[np.intp]
BY_LEVEL = 2
"""Columns of a record before those by level."""


def history_of_tags(own: ClinicianTerms, level: Codes, clinician: Places) -> Array:
    """The columns of the clinicians' records for levels (n, k), (columns, n).

    One row of levels, (1, k), is of every pair.
    """
    level = used_places(level)
    history: Array = own.history[-1].take(clinician, axis=1)
    for column in range(BY_LEVEL, len(history)):
        values = own.history[level, column, clinician[:, None]]
        history[column] = mean_over_tags(values, level)
    return history


def effect_of_tags(own: ClinicianTerms, level: Codes, clinician: Places) -> Array:
    """The effect of each clinician for levels (n, k), (n,)."""
    level = used_places(level)
    return mean_over_tags(own.by_level[level, clinician[:, None]], level)


def add_draws_of_tags(drawn: Drawn, draws: Drawn, index: Codes, level: Codes, levels: int) -> None:
    """Adds to drawn (..., draws) the draws of the effects for levels (..., k)."""
    index = index[..., None]
    cell = np.where((index >= 0) & (level >= 0), index * levels + level, -1)
    add_weighted(drawn, draws, cell, level_weights(level))
