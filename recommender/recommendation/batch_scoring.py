"""Many clients at once: each screened, and all their eligible pairs scored in one pass.

The numbers are those `recommend` gives each of them alone; only what calls cost is shared.
Imported by `batch` and `allocation`.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
from numpy.typing import NDArray

from recommender.features.pipeline import Pairs
from recommender.model.alliance_model import (
    AllianceModel,
    PairScores,
    PreparedPairs,
    RosterEncoding,
)
from recommender.practice.columns import Columns
from recommender.recommendation.recommend import with_consent
from recommender.screening.cache import ScreeningCache, screening_cache_for
from recommender.screening.screen import Screening

MAX_PAIRS = 50_000
"""Pairs, eligible or not, looked at together: memory stays below some hundred megabytes."""


@dataclass(frozen=True, slots=True, eq=False)
class ScoredBatch:
    """Some clients before one roster.

    Attributes
    ----------
    ids, clients
        Who they are, row by row.
    screenings
        One a client.
    agree : (clients,)
        Whether anything may be predicted for them.
    pairs : n
        Everyone who agreed with everyone who may be shown to them, client by client.
    prepared, scores
        Of the pairs.
    """

    ids: tuple[str, ...]
    clients: Columns
    screenings: tuple[Screening, ...]
    agree: NDArray[np.bool_]
    pairs: Pairs
    prepared: PreparedPairs
    scores: PairScores

    def rows_of(self, place: int) -> NDArray[np.intp]:
        """Which of the pairs are one client's."""
        ends = np.searchsorted(self.pairs.client, [place, place + 1])
        return np.arange(*ends)


def score_batch(
    ids: Sequence[str],
    clients: Columns,
    encoding: RosterEncoding,
    model: AllianceModel,
    screening_cache: ScreeningCache,
) -> ScoredBatch:
    """Clients screened and scored together."""
    some = [clients.row(place) for place in range(len(ids))]
    screenings = tuple(
        screening_cache.screen(one, name) for name, one in zip(ids, some, strict=True)
    )
    agree = with_consent(model.practice, clients)
    pairs = _pairs(screenings, agree)
    prepared = model.prepare(clients, encoding, pairs)
    return ScoredBatch(
        tuple(ids), clients, screenings, agree, pairs, prepared, model.score_of(prepared)
    )


def score_batches(
    ids: Sequence[str],
    clients: Columns,
    encoding: RosterEncoding,
    model: AllianceModel,
    day: date,
) -> Iterator[ScoredBatch]:
    """All clients, as many at once as memory allows, in the order given."""
    screening_cache = screening_cache_for(model.practice, encoding.roster, day)
    size = batch_size(len(encoding.roster))
    for start in range(0, len(ids), size):
        some = ids[start : start + size]
        rows = np.arange(start, start + len(some))
        yield score_batch(some, clients.take(rows), encoding, model, screening_cache)


def batch_size(clinicians: int) -> int:
    """How many clients are looked at together."""
    return max(MAX_PAIRS // max(clinicians, 1), 1)


def _pairs(screenings: Sequence[Screening], agree: NDArray[np.bool_]) -> Pairs:
    fitting = [
        np.flatnonzero(screening.eligible & agrees)
        for screening, agrees in zip(screenings, agree.tolist(), strict=True)
    ]
    client = np.repeat(np.arange(len(fitting)), [len(places) for places in fitting])
    return Pairs(client, np.concatenate([*fitting, np.empty(0, dtype=np.intp)]))
