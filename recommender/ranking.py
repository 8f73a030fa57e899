"""From scores to an order: a policy, changed without retraining.

The order follows the pairing part alone, because what a client would rate anybody cannot prefer
one clinician. Imported by `recommend`.
"""

import numpy as np
from numpy.typing import NDArray

from recommender.features.feature import Array


def order_by_pairing(pairing: Array, ids: tuple[str, ...]) -> NDArray[np.intp]:
    """Places from the strongest pairing part down; equal ones by clinician id, never by chance."""
    return np.lexsort((np.array(ids), -pairing))


def order_by_wait(next_day: Array, ids: tuple[str, ...]) -> NDArray[np.intp]:
    """Places by the next free day, unknown days last; for clients who want no prediction."""
    return np.lexsort((np.array(ids), np.where(np.isnan(next_day), np.inf, next_day)))
