"""From scores to an order: a policy, changed without retraining.

The order follows the pairing part alone, because what a client would rate anybody cannot prefer
one clinician. Whom it cannot tell apart it says to tie. Imported by `recommend`.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from recommender.features.feature import Array
from recommender.practice.definition import Practice
from recommender.screening.screen import Screening
from recommender.tables.roster import Roster

TieBreak = Literal["reservations", "last_places", "lot", "alliance", "id"]

Places = NDArray[np.intp]
Flags = NDArray[np.bool_]

CLEAR_LEAD = 0.8
"""Probability of being ahead from which a lead is clear; two with less between them tie. Four to
one is our choice, no study names one. That a tie is read from the doubt about the difference, and
never from overlapping ranges of two levels, is from the methods study: ranges are 1.6 to 2 points
wide on a scale of 1 to 5 and would tie everybody."""
EVEN_LEAD = 0.6
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
    propensity : (n,)
        Probability of standing at this rank, over all lots that could have been drawn; None where
        none is drawn.
    """

    places: Places
    ties: Places
    leads: Array
    broken_by: tuple[TieBreak | None, ...]
    propensity: Array | None = None


def order_by_pairing(pairing: Array, ids: tuple[str, ...]) -> Places:
    """Places from the strongest pairing part down; equal ones by clinician id, never by chance."""
    return np.lexsort((np.array(ids), -pairing))


def order_by_wait(next_day: Array, ids: tuple[str, ...]) -> Places:
    """Places by the next free day, unknown days last; for clients who want no prediction."""
    return np.lexsort((np.array(ids), np.where(np.isnan(next_day), np.inf, next_day)))


def draw_lots(seed: str, ids: Sequence[str]) -> Places:
    """A number for each clinician, lowest first, that nobody can guess before the seed is known.

    The first 63 bits of SHA-256 of seed and id: as good as uniform and independent, so that each
    order of some clinicians is as likely as any other. The same on every machine and whoever else
    is there, so that a longer list begins like a shorter one.

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
    """The order shown: as it stood, but of those about even, fewer reservations stand first.

    Never across a tie: to be about even is to tie, but more may tie than are about even. Of those
    about even with as many reservations, last places stand behind; then lots are drawn, each order
    of m who are still together being as likely as any other. So the propensity of each of them is
    1/m at every rank of theirs, and 1 of somebody who stands alone: what the estimator of Horvitz &
    Thompson (1952, JASA 47:663) divides by.

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
    last : (n,), optional
        Whose last places are kept for others.
    lots : (n,) int, optional
        What was drawn for each; the declared order when nothing was.
    """
    ties, even = ties_of(leads, CLEAR_LEAD), ties_of(leads, EVEN_LEAD)
    last = np.zeros(len(places), dtype=np.bool_) if last is None else last
    drawn = np.zeros(len(places), dtype=np.intp) if lots is None else lots
    shown = np.lexsort((drawn, last, reservations, even, ties))
    together = np.stack([ties, even, reservations, last])[:, shown]
    return Ranking(
        places[shown],
        ties[shown],
        leads[np.ix_(shown, shown)],
        _broken_by(together, pairing[shown], by_lot=lots is not None),
        None if lots is None else _propensity(together),
    )


def _propensity(together: Places) -> Array:
    """One divided by how many stand together with each, (n,)."""
    _, group, sizes = np.unique(together, axis=1, return_inverse=True, return_counts=True)
    return np.asarray(1.0 / sizes[group])


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


def _broken_by(together: Places, pairing: Array, *, by_lot: bool) -> tuple[TieBreak | None, ...]:
    """What put each behind the one before, by the first thing in which the two differ."""
    apart = together[:, 1:] != together[:, :-1]
    # Where nothing is apart, the place past the last of them.
    by = np.where(apart.any(axis=0), apart.argmax(axis=0), len(together))
    stronger = pairing[1:] != pairing[:-1]
    reasons: list[TieBreak | None] = [None] * min(len(pairing), 1)
    for first, is_stronger in zip(by.tolist(), stronger.tolist(), strict=True):
        strength: TieBreak = "alliance" if is_stronger else "id"
        alike: TieBreak = "lot" if by_lot else strength
        turn: tuple[TieBreak | None, ...] = None, strength, "reservations", "last_places", alike
        reasons.append(turn[first])
    return tuple(reasons)


RARE_SHARE = 10
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
    return np.asarray(roster.columns[places] <= most) & ~_meet_rare_need(screening)


def _meet_rare_need(screening: Screening) -> Flags:
    """Who passes a constraint about this client's answers that few of the roster pass, (n,).

    Hard and soft ones alike. A constraint the client has no wish about is passed by everybody, and
    so by more than few.
    """
    found = np.zeros(len(screening.ids), dtype=np.bool_)
    few = max(len(found) // RARE_SHARE, 1)
    for constraint in screening.constraints:
        passed = screening.verdicts[constraint.name] == 1
        if constraint.client and np.count_nonzero(passed) <= few:
            found |= passed
    return found
