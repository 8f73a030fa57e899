"""Exposure: whom each learner ranks first among all available clinicians.

Ratings say nothing of clinicians a client did not see, but first ranks can be counted without any.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from recommender.features.feature import Array
from recommender.features.pipeline import Pairs
from recommender.model.evaluation_report import Concentration
from recommender.model.share_intervals import top_size
from recommender.practice.columns import Columns
from recommender.training.baselines import CHAMPION, OURS, FoldTask, LearnerScores
from recommender.training.dataset import Dataset, RowIndex
from recommender.training.folds import Fold
from recommender.training.metrics import Ints, gini, top_share

GRID_PAIRS, OUR_GRID_PAIRS = 24_000, 200_000
"""Pairings every learner, and our own, scores besides the tested ones: 200 clients and 1,600 of a
practice of 120."""
GRID_CLIENTS, MOST_GRID_PAIRS = 200, 120_000
"""Clients who are asked however large the roster is, since first ranks of 200 give a top share to
within .03; up to so many pairings, which is a roster of 600."""
MOST_BY_KIND = 0.5
"""Share of first ranks that the most-named clinicians would get in an order drawn at random for
each kind of client, above which fewer of them are looked at: nothing could be seen beyond it."""
ORDERS = 100
"""Random orders whose mean is compared with: the mean share is then known to within .01."""
CHUNK_PAIRS = 50_000


@dataclass(frozen=True, slots=True)
class ExposureGrid:
    """Tested pairings whose client is scored with every available clinician.

    Attributes
    ----------
    tested : (q,) int
        Rows of the tested pairings.
    client : (q,) int
        Their clients.
    clinicians : (c,) int
        The available ones.
    """

    tested: RowIndex
    client: RowIndex
    clinicians: RowIndex

    @property
    def pairs(self) -> Pairs:
        """Each client with each clinician, client by client."""
        return Pairs(
            np.repeat(self.client, len(self.clinicians)),
            np.tile(self.clinicians, len(self.client)),
        )

    def first(self, pairing: Array) -> Ints:
        """The clinician ranked first for each client by scores of `pairs`; ties by place."""
        best = pairing.reshape(-1, len(self.clinicians)).argmax(axis=1)
        return np.asarray(self.clinicians[best], dtype=np.int64)


def available_clinicians(dataset: Dataset, fold: Fold) -> RowIndex:
    """Clinicians with a pairing that began from the fold's first tested one to its last."""
    tested = np.concatenate([dataset.started[fold.test], dataset.dropouts_started[fold.dropouts]])
    began = np.concatenate([dataset.started, dataset.dropouts_started])
    met = np.concatenate([dataset.pairs.clinician, dataset.dropouts.clinician])
    return np.unique(met[(began >= tested.min()) & (began <= tested.max())])


def grid(pairs: Pairs, rows: RowIndex, clinicians: RowIndex, max_pairs: int) -> ExposureGrid:
    """As many of the rows as `max_pairs` allows, evenly spread over them."""
    size = min(len(rows), max(max_pairs // max(len(clinicians), 1), 1))
    some = rows[np.linspace(0, len(rows) - 1, size).astype(np.intp)] if len(rows) else rows
    return ExposureGrid(some, pairs.client[some], clinicians)


def grid_pairs(clinicians: int) -> int:
    """Pairings that every learner scores for so many available clinicians."""
    return max(GRID_PAIRS, min(GRID_CLIENTS * clinicians, MOST_GRID_PAIRS))


def places(trial: FoldTask, rows: RowIndex, clinicians: RowIndex, pairing: Array) -> Array:
    """Share of the available clinicians our pairing score ranks before each tested one, (n,).

    Only for the given rows, as many as `ASKED_OF_OURS` allows; NaN for all others.

    Parameters
    ----------
    pairing : (n,)
        Our scores of the tested pairings, the first of the task's.
    """
    shares = np.full(len(pairing), np.nan)
    for part in _chunks(grid(trial.pairs, rows, clinicians, OUR_GRID_PAIRS)):
        everyone = _ours(trial, part.pairs).reshape(-1, len(clinicians))
        shares[part.tested] = (everyone > pairing[part.tested, None]).mean(axis=1)
    return shares


def _chunks(grid: ExposureGrid) -> Iterator[ExposureGrid]:
    size = max(CHUNK_PAIRS // max(len(grid.clinicians), 1), 1)
    for start in range(0, len(grid.tested), size):
        some = slice(start, start + size)
        yield ExposureGrid(grid.tested[some], grid.client[some], grid.clinicians)


def _ours(trial: FoldTask, pairs: Pairs) -> Array:
    """Our pairing scores; only the columns of these clients are read."""
    clients, place = np.unique(pairs.client, return_inverse=True)
    columns = trial.dataset.clients.take(clients)
    scores = trial.fitted.model.score(columns, trial.encoding, Pairs(place, pairs.clinician))
    return scores.pairing


def exposure(first: Mapping[str, list[Ints]], available: list[NDArray[np.intp]]) -> pd.DataFrame:
    """How concentrated first ranks are over the available clinicians, a row a learner.

    Columns: learner, top_share (of the most-named tenth), gini, clinicians (how many there are). A
    learner without scores has no row.
    """
    known = np.unique(np.concatenate(available))
    rows = []
    for learner, parts in first.items():
        named = np.searchsorted(known, np.concatenate(parts)) if parts else known[:0]
        if len(named):
            measured = top_share(named, len(known)), gini(named, len(known))
            rows.append((learner, *measured, len(known)))
    return pd.DataFrame(rows, columns=["learner", "top_share", "gini", "clinicians"])


def kinds_of(clients: Columns) -> Ints:
    """A code for each client, equal for clients with equal answers, (n,).

    Two clients whose answers that a model reads are equal get the same order from it.
    """
    codes = np.zeros(clients.size, dtype=np.int64)
    for answer in clients.values.values():
        if answer.dtype == object:
            own = np.unique([repr(each) for each in answer], return_inverse=True)[1]
        else:
            rows = answer.reshape(clients.size, -1).astype(np.float64)
            # Missing is a value of its own, and NaN is not equal to itself.
            rows = np.where(np.isnan(rows), np.inf, rows)
            own = np.unique(rows, axis=0, return_inverse=True)[1].reshape(-1)
        codes = np.unique(np.stack([codes, own]), axis=1, return_inverse=True)[1].reshape(-1)
    return codes


def concentration(
    first: Mapping[str, list[Ints]], kinds: Ints, available: list[NDArray[np.intp]], seed: int
) -> Concentration | None:
    """How often the few most-named clinicians are first, beside random orders by kind of client.

    A random order for each kind is what an order must have that knows nothing of clinicians: of few
    kinds it names few. As many of the most-named are counted as get at most `MOST_BY_KIND` there, a
    tenth of the clinicians at most. None without our scores.

    Parameters
    ----------
    first
        Whom learners rank first, the parts of all folds, as `exposure` takes them.
    kinds : (n,) int
        Of the clients behind each first rank.
    """
    if not first.get(OURS):
        return None
    known = np.unique(np.concatenate(available))
    sizes, size = np.bincount(kinds), len(known)
    rng = np.random.default_rng(seed)
    named = rng.integers(0, size, (ORDERS, len(sizes)))
    by_count = np.stack([_reached(np.bincount(each, sizes, size)) for each in named]).mean(axis=0)
    tenth = by_count[: top_size(size)]
    most = max(int((tenth <= MOST_BY_KIND).sum()), 1)
    shares = {
        name: float(_reached(np.bincount(np.searchsorted(known, ranks), minlength=size))[most - 1])
        for name, parts in first.items()
        if parts and len(ranks := np.concatenate(parts))
    }
    return Concentration(
        clients=len(kinds),
        kinds=len(sizes),
        clinicians=size,
        most=most,
        ours=shares.get(OURS),
        by_kind=float(by_count[most - 1]),
        champion=shares.get(CHAMPION),
    )


def _reached(counts: NDArray[np.number[Any]]) -> Array:
    """Share of first ranks of the one, two, three, ... most-named clinicians, (clinicians,)."""
    shares = np.cumsum(np.sort(counts)[::-1]) / counts.sum()
    return np.asarray(shares, dtype=np.float64)


def named_first(learner_scores: LearnerScores, grid: ExposureGrid) -> list[Ints]:
    """Whom scores of the grid's pairings rank first; empty without scores."""
    return [grid.first(learner_scores.pairing)] if np.isfinite(learner_scores.pairing).all() else []
