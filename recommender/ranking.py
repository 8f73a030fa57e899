"""From scores to an order: a policy, changed without retraining.

The order follows the pairing part alone, because what a client would rate anybody cannot prefer
one clinician. Whom it cannot tell apart it says to tie. Imported by `recommend`.
"""

from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from recommender.features.feature import Array

TieBreak = Literal["reservations", "alliance", "id"]

Places = NDArray[np.intp]

CLEAR = 0.8
"""Probability of being ahead from which a lead is clear; two with less between them tie. Four to
one is our choice, no study names one. That a tie is read from the doubt about the difference, and
never from overlapping ranges of two levels, is from the methods study: ranges are 1.6 to 2 points
wide on a scale of 1 to 5 and would tie everybody."""
EVEN = 0.6
"""Probability of being ahead below which two are about even, so that something else may put them in
order: three to two. A lead that is not clear is still worth following: on two simulated practices
of some 1,500 ratings, to put fewer reservations first among all who tie took the share of the
attainable gain from .64 to .55, among those about even to .64."""


@dataclass(frozen=True, slots=True, eq=False)
class Ranking:
    """Clinicians in the order shown, and where that order says something.

    Attributes
    ----------
    places : (n,) int
        Which clinician stands at each rank.
    ties : (n,) int
        Number of the tie each belongs to, from 1, never falling.
    leads : (n, n)
        Probability that the row's predicted alliance is above the column's, by rank.
    broken_by
        What put each behind the one before in the same tie; None for the first of a tie.
    """

    places: Places
    ties: Places
    leads: Array
    broken_by: tuple[TieBreak | None, ...]


def order_by_pairing(pairing: Array, ids: tuple[str, ...]) -> Places:
    """Places from the strongest pairing part down; equal ones by clinician id, never by chance."""
    return np.lexsort((np.array(ids), -pairing))


def order_by_wait(next_day: Array, ids: tuple[str, ...]) -> Places:
    """Places by the next free day, unknown days last; for clients who want no prediction."""
    return np.lexsort((np.array(ids), np.where(np.isnan(next_day), np.inf, next_day)))


def ranking_of(places: Places, pairing: Array, leads: Array, reservations: Places) -> Ranking:
    """The order shown: as it stood, but of those about even, fewer reservations stand first.

    Never across a tie: to be about even is to tie, but more may tie than are about even.

    Parameters
    ----------
    places
        Clinicians as `order_by_pairing` has them, n of them.
    pairing : (n,)
        Their pairing parts, falling.
    leads : (n, n)
        Probability that the row's predicted alliance is above the column's.
    reservations : (n,) int
        How many constraints each is not known to meet.
    """
    ties, even = ties_of(leads, CLEAR), ties_of(leads, EVEN)
    shown = np.lexsort((reservations, even, ties))
    broken_by = _broken_by(ties[shown], even[shown], reservations[shown], pairing[shown])
    return Ranking(places[shown], ties[shown], leads[np.ix_(shown, shown)], broken_by)


def ties_of(leads: Array, clear: float) -> Places:
    """Number of the tie each clinician belongs to, from 1, (n,), in order of predicted alliance.

    A tie takes in the next one while nobody in it is clearly ahead of them. Nobody, rather than
    its first alone: then no two of a tie can be told apart, and no order within it goes against a
    clear lead. Two of neighbouring ties may still be close; only the lines are drawn in order.

    Parameters
    ----------
    leads : (n, n)
        Probability that the row's predicted alliance is above the column's.
    clear
        Probability from which a lead is one.
    """
    led = np.triu(leads >= clear, 1)
    last_ahead = np.where(led, np.arange(len(leads))[:, None], -1).max(axis=0, initial=-1)
    ties, first = np.ones(len(leads), dtype=np.intp), 0
    for place, ahead in enumerate(last_ahead.tolist()):
        if ahead >= first:
            first = place
            ties[place:] += 1
    return ties


def _broken_by(
    ties: Places, even: Places, reservations: Places, pairing: Array
) -> tuple[TieBreak | None, ...]:
    reasons: list[TieBreak | None] = [None] * min(len(ties), 1)
    for before, place in pairwise(range(len(ties))):
        if ties[before] != ties[place]:
            reasons.append(None)
        elif even[before] == even[place] and reservations[before] != reservations[place]:
            reasons.append("reservations")
        else:
            reasons.append("alliance" if pairing[before] != pairing[place] else "id")
    return tuple(reasons)
