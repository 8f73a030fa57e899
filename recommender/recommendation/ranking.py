"""Ranks clinicians by their scores: ties, random draws, and last places. A policy without training.

The order follows the pairing part of a prediction alone, because what a client would rate any
clinician cannot prefer one of them. Clinicians that the prediction cannot tell apart are tied.
"""

import hashlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from recommender.features.feature import Array
from recommender.practice.definition import Practice
from recommender.screening.screening import Screening
from recommender.tables.roster import Roster

TieBreak = Literal["reservations", "last_places", "lot", "alliance", "id"]

Places = NDArray[np.intp]
Flags = NDArray[np.bool_]

CLEAR_LEAD = 0.8
"""Probability of being ahead from which a lead is clear; two clinicians below it are tied.

Four to one is our choice, without a published threshold. A tie rests on the uncertainty of the
difference, not on overlapping prediction intervals: those are 1.6 to 2 points wide on a scale of 1
to 5 and would tie everyone.
"""
EVEN_LEAD = 0.6
"""Probability of being ahead below which two clinicians are about even: other criteria decide.

Three to two is our choice. A lead that is not clear is still worth following: in two simulated
practices of some 1,500 ratings, ordering by reservations within whole ties reduced the share of the
attainable gain from .64 to .55; among those about even it stayed at .64.
"""
RARE_SHARE = 10
"""A need is rare when at most one in this many clinicians of the roster meets it, or a single one.

Our choice: a tenth of 50 clinicians is five, about the length of a shortlist.
"""


@dataclass(frozen=True, slots=True, eq=False)
class Ranking:
    """n clinicians in the order shown, and which parts of the order are certain.

    Attributes
    ----------
    places : (n,) int
        Clinician at each rank.
    ties : (n,) int
        Number of the tie of each, from 1, ascending.
    even : (n,) int
        Number of the group about even of each, as `ties_of` gives it; groups lie within ties.
    leads : (n, n)
        Probability that the row's predicted alliance is above the column's, by rank.
    broken_by
        Criterion that ranks each behind the previous one of its tie; None for the first of a tie.
    propensity : (n,)
        Probability of this rank over all draws; None where nothing is drawn.
    """

    places: Places
    ties: Places
    even: Places
    leads: Array
    broken_by: tuple[TieBreak | None, ...]
    propensity: Array | None = None

    def decides(self, rank: int) -> bool:
        """Whether clinicians behind these can change nothing of the first ranks.

        They are those up to `rank`, behind whom one must be known who is not about even with them.
        """
        if len(self.places) <= rank:
            return False
        last = self.ties[rank - 1], self.even[rank - 1]
        return (self.ties[-1], self.even[-1]) != last


def strongest_of(pairing: Array, most: int) -> Places:
    """The places of the highest pairing parts, descending, (at most `most`,).

    Equal ones remain in their order: that of the roster is by clinician id.

    >>> strongest_of(np.array([1.0, 3.0, 3.0, 4.0]), 3).tolist()
    [3, 1, 2]
    """
    if len(pairing) <= most:
        return np.asarray((-pairing).argsort(kind="stable"))
    some = (pairing >= np.partition(pairing, -most)[-most]).nonzero()[0]
    return np.asarray(some[(-pairing[some]).argsort(kind="stable")][:most])


def order_by_wait(next_day: Array, ids: tuple[str, ...]) -> Places:
    """Places by the next free day, unknown days last, then by clinician id."""
    return np.lexsort((np.array(ids), np.where(np.isnan(next_day), np.inf, next_day)))


def draw_lots(seed: str, ids: Sequence[str]) -> Places:
    """A random number for each clinician, (n,); the lowest is ranked first.

    The first 63 bits of SHA-256 of seed and id, which are as good as uniform and independent: every
    order is equally likely. The number of a clinician depends neither on the machine nor on the
    other clinicians, so that a longer list begins like a shorter one.

    >>> draw_lots("request 1", ("k01", "k02")).argsort().tolist()
    [0, 1]
    >>> draw_lots("request 2", ("k01", "k02")).argsort().tolist()
    [1, 0]
    """
    drawn = (hashlib.sha256(f"{seed}/{name}".encode()).digest()[:8] for name in ids)
    return np.array([int.from_bytes(each) >> 1 for each in drawn], dtype=np.intp)


def ranking_of(
    places: Places,
    pairing: Array,
    leads: Array,
    reservations: Places,
    last: Flags | None = None,
    lots: Places | None = None,
) -> Ranking:
    """The ranking of n clinicians.

    Clinicians keep their order, except among those about even: there, fewer reservations rank
    first, then clinicians without reserved last places, then the lower lot. Being about even
    implies a tie, so that no clear lead is reversed. All orders of m clinicians that remain
    together are equally likely under a draw, so that each has propensity 1/m at each of these
    ranks: the divisor of the estimator of Horvitz and Thompson (1952, JASA 47:663).

    Parameters
    ----------
    places
        Clinicians in the order of `order_by_pairing`.
    pairing : (n,)
        Their pairing parts, descending.
    leads : (n, n)
        Probability that the row's predicted alliance is above the column's.
    reservations : (n,) int
        Number of soft constraints that each is not known to meet.
    last : (n,), optional
        Whether the last places of each are reserved; see `reserved_last_places`.
    lots : (n,) int, optional
        As `draw_lots` gives them; None for no draw.
    """
    over_each = leads.T.tolist()
    criteria = [
        _tie_numbers(over_each, CLEAR_LEAD),
        _tie_numbers(over_each, EVEN_LEAD),
        reservations.tolist(),
        [False] * len(places) if last is None else last.tolist(),
    ]
    together = list(zip(*criteria, strict=True))
    turns = together if lots is None else list(zip(together, lots.tolist(), strict=True))
    shown = sorted(range(len(places)), key=turns.__getitem__)
    in_order = [together[place] for place in shown]
    strengths = [*map(pairing.tolist().__getitem__, shown)]
    order = np.array(shown, dtype=np.intp)
    numbers = np.array([each[:2] for each in in_order], dtype=np.intp).reshape(-1, 2)
    return Ranking(
        places[order],
        numbers[:, 0],
        numbers[:, 1],
        leads[order[:, None], order],
        _broken_by(in_order, strengths, by_lot=lots is not None),
        None if lots is None else _propensity(in_order),
    )


Criteria = tuple[int, int, int, bool]
"""Tie, group about even, reservations and whether last places are reserved, of one clinician."""


def _propensity(in_order: Sequence[Criteria]) -> Array:
    """One divided by the number of clinicians equal in every criterion, (n,)."""
    sizes = Counter(in_order)
    return np.array([1.0 / sizes[each] for each in in_order])


def ties_of(leads: Array, clear: float) -> Places:
    """Number of the tie of each clinician, from 1, (n,), in descending order of predicted alliance.

    A tie is extended by the next clinician as long as nobody in it, not only its first, leads them
    clearly: no two of a tie can be told apart, and no order within a tie reverses a clear lead.
    Two clinicians of adjacent ties may still be close.

    Parameters
    ----------
    leads : (n, n)
        Probability that the row's predicted alliance is above the column's.
    clear
        Probability from which a lead is clear.
    """
    return np.array(_tie_numbers(leads.T.tolist(), clear), dtype=np.intp)


def _tie_numbers(over_each: Sequence[Sequence[float]], clear: float) -> list[int]:
    """`ties_of` the probabilities that others are above each clinician."""
    ties, number, first = [], 1, 0
    for place, over_them in enumerate(over_each):
        if max(over_them[first:place], default=0.0) >= clear:
            first, number = place, number + 1
        ties.append(number)
    return ties


def _broken_by(
    in_order: Sequence[Criteria], pairing: Sequence[float], *, by_lot: bool
) -> tuple[TieBreak | None, ...]:
    """The first criterion in which each differs from the previous one."""
    reasons: list[TieBreak | None] = [None] * min(len(pairing), 1)
    for (own, part), (ahead, stronger) in pairwise(zip(in_order, pairing, strict=True)):
        strength: TieBreak = "alliance" if part != stronger else "id"
        if own[0] != ahead[0]:
            reasons.append(None)
        elif own[1] != ahead[1]:
            reasons.append(strength)
        elif own[2] != ahead[2]:
            reasons.append("reservations")
        elif own[3] != ahead[3]:
            reasons.append("last_places")
        else:
            reasons.append("lot" if by_lot else strength)
    return tuple(reasons)


def reserved_last_places(practice: Practice, roster: Roster, screening: Screening) -> Flags:
    """Clinicians whose last places this client should leave to others at equal scores, (n,).

    Those with at most `ranking.keep_last_places` open places, unless they meet a rare need of the
    client: their place is then reserved for just such a client.
    """
    max_places, places = practice.ranking.keep_last_places, practice.places
    if not max_places or places is None:
        return np.zeros(len(roster), dtype=np.bool_)
    return np.asarray(roster.columns[places] <= max_places) & ~_meet_rare_need(screening)


def _meet_rare_need(screening: Screening) -> Flags:
    """Whether each passes a constraint on this client's answers that few of the roster pass, (n,).

    Hard and soft constraints count alike. One about which the client has no wish is passed by all.
    """
    meets = np.zeros(len(screening.ids), dtype=np.bool_)
    few = max(len(meets) // RARE_SHARE, 1)
    for constraint in screening.constraints:
        passed = screening.verdict_of(constraint.name) == 1
        if constraint.client and np.count_nonzero(passed) <= few:
            meets |= passed
    return meets
