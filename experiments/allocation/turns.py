"""First come, first served: what a practice does that answers one client after the other."""

import numpy as np

from recommender.allocation.candidates import Candidates
from recommender.allocation.solver import NOBODY, Places


def in_turn(fitting: Candidates, places: Places, order: Places, rng: np.random.Generator) -> Places:
    """The pair each client is given in turn, (clients,), or -1: the strongest with a place left.

    Each client is shown what a single request shows and takes the first. Whoever agreed to no
    prediction takes anybody who fits, by chance.

    Parameters
    ----------
    places : (clinicians,) int
    order : (clients,) int
        Who comes first.
    """
    left, given = places.copy(), np.full(len(order), NOBODY, dtype=np.intp)
    for client in order.tolist():
        own = fitting.rows_of(client)
        own = own[left[fitting.clinician[own]] > 0]
        if len(own):
            chance = rng.random(len(own))
            own = own[np.lexsort((chance, -fitting.pairing[own]))]
            given[client] = own[0]
            left[fitting.clinician[own[0]]] -= 1
    return given
