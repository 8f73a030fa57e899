"""Clients who are screened and scored against one roster, some at a time."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
from numpy.typing import NDArray

from recommender.features.feature import Array
from recommender.features.pipeline import Pairs
from recommender.model.alliance_model import AllianceModel, RosterEncoding
from recommender.plan.compiling import plan_for
from recommender.plan.score_plan import ScoredPairs
from recommender.plan.strongest import score_strongest_of_each
from recommender.practice.columns import Columns
from recommender.practice.rules.first_session import earliest_day, first_sessions
from recommender.recommendation.recommend import with_consent
from recommender.screening.cache import ScreeningCache, screening_cache_for
from recommender.screening.many_clients import ScreenedClients, screen_clients
from recommender.screening.screening import Screening

MAX_PAIRS = 200_000
"""Pairs of a part of a file, eligible or not: memory stays below some hundred megabytes."""
SCREENED_PAIRS = 500_000
"""Pairs that are screened at once: most arrays hold one bit of each."""


@dataclass(frozen=True, slots=True, eq=False)
class ScoredBatch:
    """Some clients, screened and scored against one roster.

    Attributes
    ----------
    ids, clients
        The clients, row by row.
    cache
        Screens one of them alone.
    screened
        What constraints do to the clinicians for each of them.
    agree : (clients,)
        Whether each client agrees to prediction.
    pairs
        Each client who agrees with each eligible clinician, or with those of the strongest, client
        by client, scored.
    """

    ids: tuple[str, ...]
    clients: Columns
    cache: ScreeningCache
    screened: ScreenedClients
    agree: NDArray[np.bool_]
    pairs: ScoredPairs

    def screening(self, place: int) -> Screening:
        """The screening of one client, with its verdicts and reasons."""
        return self.cache.screen(self.clients.row(place), self.ids[place])

    def first_sessions(self, place: int) -> Array:
        """The first possible session of one client with each clinician, as `Screening` has it."""
        settings, day = self.cache.layout.practice.first_session, self.cache.day
        earliest = earliest_day(settings, self.clients.row(place), day)
        return first_sessions(settings, self.cache.roster.columns, earliest)


def score_batches(
    ids: Sequence[str],
    clients: Columns,
    encoding: RosterEncoding,
    model: AllianceModel,
    day: date,
    strongest: int | None = None,
) -> Iterator[ScoredBatch]:
    """Screens and scores all clients in their order, some at a time.

    Of each client all eligible clinicians are scored, or at least so many of the strongest.
    """
    cache = screening_cache_for(model.practice, encoding.roster, day)
    plan = plan_for(model, encoding)
    size = _clients_of(SCREENED_PAIRS, len(encoding.roster))
    for start in range(0, len(ids), size):
        some = tuple(ids[start : start + size])
        rows = clients.between(start, start + len(some))
        screened, agree = screen_clients(cache, some, rows), with_consent(model.practice, rows)
        pairs = Pairs(*np.nonzero(screened.eligible & agree[:, None]))
        scored = (
            plan.score(rows, pairs)
            if strongest is None
            else score_strongest_of_each(plan, rows, pairs, strongest)
        )
        yield ScoredBatch(some, rows, cache, screened, agree, scored)


def batch_size(clinicians: int) -> int:
    """Clients of a part of a file against this number of clinicians."""
    return _clients_of(MAX_PAIRS, clinicians)


def _clients_of(pairs: int, clinicians: int) -> int:
    return max(pairs // max(clinicians, 1), 1)
