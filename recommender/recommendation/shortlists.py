"""Shortlists of clients from the scores of their eligible clinicians: order, ties and leads."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice, pairwise, repeat

import numpy as np
from numpy.typing import NDArray

from recommender.features.feature import Array
from recommender.model.alliance_model import AllianceModel, PairScores, RosterEncoding
from recommender.plan.leads import leads_among
from recommender.plan.score_plan import ScoredPairs
from recommender.practice.definition import Practice
from recommender.recommendation.explanation import Explanation
from recommender.recommendation.ranking import (
    Ranking,
    TieBreak,
    draw_lots,
    order_by_wait,
    ranking_of,
    reserved_last_places,
    strongest_of,
)
from recommender.recommendation.shown_explanations import ShortlistExplanations, ShownExplanation
from recommender.screening.codes import MET
from recommender.screening.reasons import Reason
from recommender.screening.screening import Screening
from recommender.tables.roster import Roster
from recommender.values.limits import MAX_TOP_K as MAX_TOP_K

Places = NDArray[np.intp]
Predicted = Sequence[float | None]
"""Predicted alliance and the ends of its interval; None where nothing is predicted."""
Ranked = tuple[int | None, float | None, TieBreak | None, float | None]
"""Tie, lead, what breaks the tie, and propensity of an entry."""


@dataclass(frozen=True, slots=True)
class ShortlistEntry:
    """One clinician of a shortlist.

    Attributes
    ----------
    rank
        From 1.
    predicted, lower, upper
        Predicted alliance and the ends of its interval, in points of the reference scale, clipped
        to the scale; None where nothing is predicted.
    explanation
        Computed when it is first read; None where nothing is predicted.
    reservations
        Soft constraints that the clinician does not meet or is not known to meet.
    tie
        Number of the tie, from 1; clinicians of one tie cannot be told apart.
    ahead
        Probability that the predicted alliance is above that of the next entry.
    tie_broken_by
        Criterion that ranks this entry behind the previous one of its tie.
    propensity
        Probability of this rank over random draws within ties: 1/m for m clinicians that are drawn
        together, 1 for a clinician alone; None where the practice does not draw.
    """

    rank: int
    clinician_id: str
    name: str
    predicted: float | None
    lower: float | None
    upper: float | None
    explanation: Explanation | ShownExplanation | None
    reservations: tuple[Reason, ...]
    tie: int | None = None
    ahead: float | None = None
    tie_broken_by: TieBreak | None = None
    propensity: float | None = None


def build_shortlists(
    encoding: RosterEncoding,
    screenings: Sequence[Screening],
    pairs: ScoredPairs,
    top_k: int,
    seed: str | None = None,
    read_every: Callable[[], ScoredPairs] | None = None,
) -> list[tuple[tuple[ShortlistEntry, ...], Places]]:
    """The shortlist of each client.

    Parameters
    ----------
    screenings
        One per client.
    pairs
        Each client with every eligible clinician, client by client in the order of the roster.
    seed
        Seed of random draws within ties; see `recommend`.
    read_every
        Gives the pairs of every eligible clinician, where `pairs` are of one client and only of
        those who may be among the `MAX_TOP_K` strongest.

    Returns
    -------
    list of (tuple of ShortlistEntry, (entries,) int)
        For each client the entries, and the place of each among the client's pairs.
    """
    starts = pairs.client.searchsorted(np.arange(len(screenings) + 1)).tolist()
    rankings = _rankings(encoding, screenings, pairs, starts, top_k, seed)
    shown = {client: ranking.places[:top_k] for client, ranking in rankings.items()}
    everyone = np.concatenate([*shown.values(), _NONE])
    points = iter(displayed_points(pairs.plan.model, pairs.scores.take(everyone)).T.tolist())
    shortlists: list[tuple[tuple[ShortlistEntry, ...], Places]] = [((), _NONE)] * len(screenings)
    for client, rows in shown.items():
        places, ranked = pairs.clinician[rows].tolist(), _ranked(rankings[client], len(rows))
        own = pairs.part(starts[client], starts[client + 1])
        predicted, within = islice(points, len(rows)), rows - starts[client]
        explained = ShortlistExplanations(own, within, read_every)
        entries = _entries(encoding, screenings[client], places, predicted, explained, ranked)
        shortlists[client] = entries, within
    return shortlists


_NONE = np.empty(0, dtype=np.intp)


def _rankings(
    encoding: RosterEncoding,
    screenings: Sequence[Screening],
    pairs: ScoredPairs,
    starts: Sequence[int],
    top_k: int,
    seed: str | None,
) -> dict[int, Ranking]:
    """The ranking of each client with pairs, of as many of the strongest as decide the first ranks.

    The order of somebody depends on nobody behind those about even with them. `starts` are the
    first pair of each client, and the end.
    """
    strongest = [
        start + strongest_of(pairs.scores.pairing[start:end], MAX_TOP_K)
        for start, end in pairwise(starts)
    ]
    pending = [client for client, rows in enumerate(strongest) if len(rows)]
    size = 2 * top_k
    found: dict[int, Ranking] = {}
    while len(pending):
        by_count: dict[int, list[int]] = {}
        for client in pending:
            by_count.setdefault(min(len(strongest[client]), size), []).append(client)
        for count, some in by_count.items():
            rows = np.array([strongest[client][:count] for client in some])
            all_leads = leads_among(pairs, rows)
            for client, own, leads in zip(some, rows, all_leads, strict=True):
                found[client] = _ranking(encoding, screenings[client], pairs, own, leads, seed)
        pending = [
            client
            for client in pending
            if len(strongest[client]) > size and not found[client].decides(top_k)
        ]
        size *= 2
    return found


def _ranking(
    encoding: RosterEncoding,
    screening: Screening,
    pairs: ScoredPairs,
    strongest: Places,
    leads: NDArray[np.float64],
    seed: str | None,
) -> Ranking:
    """The ranking of one client's strongest pairs, whose leads are known."""
    practice, places = pairs.plan.model.practice, pairs.clinician[strongest]
    lots = None
    if practice.ranking.shuffle_ties and seed is not None:
        lots = draw_lots(seed, [encoding.roster.ids[place] for place in places.tolist()])
    return ranking_of(
        strongest,
        pairs.scores.pairing[strongest],
        leads,
        np.add.reduce(screening.cautioning.take(places, axis=1) != MET, axis=0),
        reserved_last_places(practice, encoding.roster, screening)[places],
        lots,
    )


def _ranked(ranking: Ranking, n: int) -> Iterator[Ranked]:
    """Tie, lead, criterion and propensity of each of the first n of a ranking."""
    ahead = [*np.diagonal(ranking.leads, 1)[: n - 1].tolist(), None]
    propensity = [None] * n if ranking.propensity is None else ranking.propensity[:n].tolist()
    ties = ranking.ties[:n].tolist()
    return zip(ties, ahead, ranking.broken_by[:n], propensity, strict=True)


def unscored_shortlist(
    practice: Practice, encoding: RosterEncoding, screening: Screening, top_k: int
) -> tuple[ShortlistEntry, ...]:
    """The eligible clinicians by their next free day, for a client without a prediction."""
    eligible = np.flatnonzero(screening.eligible)
    places = unscored_order(practice, encoding.roster, eligible, screening.first_sessions)[:top_k]
    return unscored_entries(encoding, screening, places)


def unscored_order(
    practice: Practice, roster: Roster, eligible: Places, first_sessions: Array
) -> Places:
    """The places of the eligible clinicians, by their next free day.

    `first_sessions` are those of everybody on the roster.
    """
    waits = practice.first_session.clinician
    known = np.full(len(roster), np.nan) if waits is None else roster.columns[waits]
    next_day = np.where(np.isnan(known), np.nan, first_sessions)
    ids = tuple(roster.ids[place] for place in eligible)
    return np.asarray(eligible[order_by_wait(next_day[eligible], ids)])


def unscored_entries(
    encoding: RosterEncoding, screening: Screening, places: Places
) -> tuple[ShortlistEntry, ...]:
    """Entries in this order, by places of the roster, without anything that is predicted."""
    nothing = repeat((None, None, None)), repeat(None), repeat((None, None, None, None))
    return _entries(encoding, screening, places.tolist(), *nothing)


def displayed_points(model: AllianceModel, scores: PairScores) -> Array:
    """Predicted alliance and the ends of its interval, clipped to the scale, (3, n)."""
    columns = np.array([scores.alliance, *model.interval_of(scores)])
    return np.asarray(model.linker.to_displayed(columns))


def _entries(
    encoding: RosterEncoding,
    screening: Screening,
    places: Sequence[int],
    points: Iterable[Predicted],
    explanations: Iterable[ShownExplanation | None],
    ranked: Iterable[Ranked],
) -> tuple[ShortlistEntry, ...]:
    """The entries of the clinicians at some places of the roster, in their order."""
    roster, cautions = encoding.roster, screening.cautions_of(places)
    numbers = range(1, 1 + len(places))
    entries = []
    for rank, place, points_of, explanation, reasons, order in zip(
        numbers, places, points, explanations, cautions, ranked, strict=False
    ):
        predicted, lower, upper = points_of
        tie, ahead, broken_by, propensity = order
        entries.append(
            ShortlistEntry(
                rank,
                roster.ids[place],
                roster.name_of(place),
                predicted,
                lower,
                upper,
                explanation,
                reasons,
                tie,
                ahead,
                broken_by,
                propensity,
            )
        )
    return tuple(entries)
