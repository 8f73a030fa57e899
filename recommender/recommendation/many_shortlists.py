"""Shortlists of many clients at once, each as `build_shortlists` gives it to the client alone."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from recommender.features.feature import Array
from recommender.model.alliance_model import RosterEncoding
from recommender.plan.leads import leads_among
from recommender.recommendation.ranking import (
    CLEAR_LEAD,
    EVEN_LEAD,
    TieBreak,
    reserved_last_places,
)
from recommender.recommendation.scored_batch import ScoredBatch
from recommender.recommendation.shortlists import displayed_points, unscored_order
from recommender.values.limits import MAX_TOP_K

Places = NDArray[np.intp]
Flags = NDArray[np.bool_]

BREAKS: tuple[TieBreak | None, ...] = (None, "reservations", "last_places", "alliance", "id")
"""What ranks an entry behind the previous one of its tie; None for the first of a tie."""
_FIRST, _RESERVATIONS, _LAST_PLACES, _ALLIANCE, _ID = range(len(BREAKS))


@dataclass(frozen=True, slots=True, eq=False)
class ShortlistTable:
    """m entries of the shortlists of a batch, client by client in the order of their ranks.

    Attributes
    ----------
    client, clinician : (m,) int
        The client of the batch, and the place on the roster.
    rank : (m,) int
        From 1.
    points : (3, m)
        Predicted alliance and the ends of its interval, clipped to the scale; NaN where nothing is
        predicted.
    tie : (m,) int
        Number of the tie, from 1; 0 where nothing is predicted.
    ahead : (m,)
        Probability that the predicted alliance is above that of the next entry; NaN for the last.
    broken_by : (m,) int
        Place in `BREAKS`.
    """

    client: Places
    clinician: Places
    rank: Places
    points: Array
    tie: Places
    ahead: Array
    broken_by: Places


def shortlist_table(batch: ScoredBatch, encoding: RosterEncoding, top_k: int) -> ShortlistTable:
    """The shortlists of all clients of a batch, of at most `top_k` clinicians each."""
    parts = [*_scored(batch, encoding, top_k), _unscored(batch, encoding, top_k)]
    client, clinician, rank, tie, broken_by = np.concatenate([ints for ints, _ in parts], axis=1)
    numbers = np.concatenate([numbers for _, numbers in parts], axis=1)
    order = np.lexsort((rank, client))
    return ShortlistTable(
        client[order],
        clinician[order],
        rank[order],
        numbers[1:, order],
        tie[order],
        numbers[0, order],
        broken_by[order],
    )


_Part = tuple[Places, Array]
"""Client, clinician, rank, tie and `broken_by` of m entries, (5, m); lead and points, (4, m)."""


def _unscored(batch: ScoredBatch, encoding: RosterEncoding, top_k: int) -> _Part:
    """The entries of clients who do not agree to prediction."""
    practice, roster = batch.pairs.plan.model.practice, encoding.roster
    clients, eligible = np.flatnonzero(~batch.agree), batch.screened.eligible
    shown = [
        unscored_order(
            practice,
            roster,
            np.flatnonzero(eligible[client]),
            batch.first_sessions(client),
        )[:top_k]
        for client in clients.tolist()
    ]
    sizes = [len(places) for places in shown]
    client = np.repeat(clients, sizes)
    clinician = np.concatenate([np.empty(0, dtype=np.intp), *shown])
    rank = np.concatenate([np.empty(0, dtype=np.intp), *(np.arange(1, 1 + n) for n in sizes)])
    none = np.zeros_like(client)
    return np.stack([client, clinician, rank, none, none]), np.full((4, len(client)), np.nan)


def _scored(batch: ScoredBatch, encoding: RosterEncoding, top_k: int) -> list[_Part]:
    """The entries of all others, of as many of the strongest as decide the first ranks.

    The order of somebody depends on nobody behind those about even with them.
    """
    pairs = batch.pairs
    # Equal ones remain in the order of the roster, which is by clinician id.
    by_strength = np.lexsort((-pairs.scores.pairing, pairs.client))
    _, starts, counts = np.unique(pairs.client, return_index=True, return_counts=True)
    counts = np.minimum(counts, MAX_TOP_K)
    parts: list[_Part] = []
    size = 2 * top_k
    while len(starts):
        known = np.minimum(counts, size)
        place = np.arange(known.max())
        rows = np.where(place < known[:, None], starts[:, None] + place, _NOBODY)
        rows[rows != _NOBODY] = by_strength[rows[rows != _NOBODY]]
        ranked = _ranked(batch, encoding, rows, known)
        is_open = (counts > size) & ~ranked.decides(top_k)
        parts.append(_entries(batch, ranked, ~is_open, top_k))
        starts, counts, size = starts[is_open], counts[is_open], 2 * size
    return parts


_NOBODY = -1


@dataclass(frozen=True, slots=True, eq=False)
class _Ranked:
    """Pairs of each of B clients in the order shown, (B, n); as `Ranking` of one client.

    Behind the last pair of a client who has fewer is `_NOBODY`.
    """

    rows: Places
    ties: Places
    even: Places
    ahead: Array
    broken_by: Places

    def decides(self, rank: int) -> Flags:
        """`Ranking.decides` of each client who has n pairs, (B,)."""
        if self.rows.shape[1] <= rank:
            return np.zeros(len(self.rows), dtype=np.bool_)
        behind, last = self.ties[:, -1], self.ties[:, rank - 1]
        is_behind = (behind != last) | (self.even[:, -1] != self.even[:, rank - 1])
        return np.asarray(is_behind)


def _ranked(batch: ScoredBatch, encoding: RosterEncoding, rows: Places, known: Places) -> _Ranked:
    """`ranking_of` for the strongest pairs of B clients each, (B, n), in descending order.

    Of each client so many are `known`, (B,).
    """
    pairs, there = batch.pairs, rows != _NOBODY
    client, clinician = pairs.client[rows], pairs.clinician[rows]
    leads = np.full((*rows.shape, rows.shape[1]), np.nan)
    # Pairs of one client alone have other digits beside more of them.
    for count in np.unique(known).tolist():
        some = np.flatnonzero(known == count)
        leads[some, :count, :count] = leads_among(pairs, rows[some, :count])
    reserved = batch.screened.reserved(client.ravel(), clinician.ravel())
    criteria = np.stack(
        [
            _tie_numbers(leads, CLEAR_LEAD),
            _tie_numbers(leads, EVEN_LEAD),
            np.count_nonzero(reserved, axis=1).reshape(rows.shape),
            _reserved_last(batch, encoding, client, clinician),
        ]
    )
    criteria[0, ~there] = np.iinfo(criteria.dtype).max
    shown = np.lexsort(criteria[::-1], axis=-1)
    criteria = np.take_along_axis(criteria, shown[None], axis=2)
    own = np.arange(len(rows))[:, None]
    ahead = np.full(rows.shape, np.nan)
    ahead[:, :-1] = leads[own, shown[:, :-1], shown[:, 1:]]
    pairing = pairs.scores.pairing[np.take_along_axis(rows, shown, axis=1)]
    strength = np.where(pairing[:, 1:] != pairing[:, :-1], _ALLIANCE, _ID)
    first, by_reservations, by_last_places = (
        np.full_like(strength, reason) for reason in (_FIRST, _RESERVATIONS, _LAST_PLACES)
    )
    differs = [*(criteria[:, :, 1:] != criteria[:, :, :-1])]
    reasons = [first, strength, by_reservations, by_last_places]
    broken_by = np.full(rows.shape, _FIRST)
    broken_by[:, 1:] = np.select(differs, reasons, strength)
    rows = np.take_along_axis(rows, shown, axis=1)
    return _Ranked(rows, criteria[0], criteria[1], ahead, broken_by)


def _tie_numbers(leads: Array, clear: float) -> Places:
    """`ties_of` for each of B clients, (B, n), from their leads (B, n, n)."""
    clients, size = leads.shape[:2]
    ties = np.empty((clients, size), dtype=np.intp)
    first, number = np.zeros(clients, dtype=np.intp), np.ones(clients, dtype=np.intp)
    place = np.arange(size)
    # The last before each place that is clearly ahead of it; -1 where there is none.
    is_clear = (leads >= clear) & (place[:, None] < place)
    ahead = np.where(is_clear, place[:, None], -1).max(axis=1, initial=-1)
    for each in place.tolist():
        is_next = ahead[:, each] >= first
        first[is_next] = each
        number += is_next
        ties[:, each] = number
    return ties


def _reserved_last(
    batch: ScoredBatch, encoding: RosterEncoding, client: Places, clinician: Places
) -> Places:
    """Whether the last places of each clinician are reserved, (B, n); see `ranking`."""
    practice = batch.pairs.plan.model.practice
    if not practice.ranking.keep_last_places:
        return np.zeros_like(client)
    return np.stack(
        [
            reserved_last_places(practice, encoding.roster, batch.screening(one))[places]
            for one, places in zip(client[:, 0].tolist(), clinician, strict=True)
        ]
    ).astype(np.intp)


def _entries(batch: ScoredBatch, ranked: _Ranked, decided: Flags, top_k: int) -> _Part:
    """The first entries of the clients whose ranking is decided."""
    pairs, rows = batch.pairs, ranked.rows[decided, :top_k]
    there = rows != _NOBODY
    ahead = ranked.ahead[decided, :top_k]
    # The next behind the last one shown is not shown.
    ahead[:, top_k - 1 :] = np.nan
    rank = np.broadcast_to(np.arange(1, 1 + rows.shape[1]), rows.shape)
    ties, broken_by = ranked.ties[decided, :top_k], ranked.broken_by[decided, :top_k]
    ints = [pairs.client[rows], pairs.clinician[rows], rank, ties, broken_by]
    points = displayed_points(pairs.plan.model, pairs.scores.take(rows[there]))
    return np.stack([each[there] for each in ints]), np.concatenate([[ahead[there]], points])
