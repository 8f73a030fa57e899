"""The tables of a file of clients who are scored: shortlists, exclusions, relaxations, clients."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import ThreadpoolController

from recommender.model.alliance_model import AllianceModel, RosterEncoding
from recommender.recommendation.many_shortlists import BREAKS, shortlist_table
from recommender.recommendation.recommend import CONSTRAINTS_ONLY
from recommender.recommendation.relaxation_offers import RelaxationOffer, offered_relaxations
from recommender.recommendation.scored_batch import ScoredBatch, score_batches
from recommender.recommendation.stated_scores import score_stated
from recommender.screening.changes import ScreenedRequest
from recommender.tables.cells import People
from recommender.tables.references import unresolved_by_client
from recommender.values.limits import MAX_TOP_K

if TYPE_CHECKING:
    import pyarrow as pa

TABLES = ("shortlist", "exclusions", "relaxations", "clients")
"""Tables of a chunk. `clients` is written last: where its file exists, the chunk is complete."""


@dataclass(frozen=True, slots=True, eq=False)
class JobSettings:
    """The encoded roster, the model, the day of the request and the length of shortlists.

    `relaxations`: whether relaxations are searched for, which takes several times as long as the
    rest.
    """

    encoding: RosterEncoding
    model: AllianceModel
    day: date
    top_k: int
    relaxations: bool = False

    @property
    def tables(self) -> tuple[str, ...]:
        """The tables that are written."""
        return tuple(name for name in TABLES if self.relaxations or name != "relaxations")


Places = NDArray[np.intp]
ArrowTables = Mapping[str, "pa.Table"]


def chunk_tables(job: JobSettings, people: People) -> ArrowTables:
    """The tables of one chunk."""
    import pyarrow as pa

    schemas = _schemas()
    unresolved = unresolved_by_client(job.model.practice, people, job.encoding.roster)
    parts: dict[str, list[pa.RecordBatch]] = {name: [] for name in job.tables}
    # Matrices are small here: several BLAS threads would only wait for each other.
    with _thread_pools().limit(limits=1, user_api="blas"):
        for batch in score_batches(
            people.ids, people.columns, job.encoding, job.model, job.day, MAX_TOP_K
        ):
            columns = {
                "shortlist": _shortlist(batch, job),
                "exclusions": _exclusions(batch),
                "relaxations": _relaxations(batch, job) if job.relaxations else [],
                "clients": _clients(batch, job, unresolved),
            }
            for name, some in parts.items():
                arrays = map(pa.array, columns[name], schemas[name].types)
                some.append(pa.RecordBatch.from_arrays([*arrays], schema=schemas[name]))
    return {name: pa.Table.from_batches(some, schemas[name]) for name, some in parts.items()}


@cache
def _thread_pools() -> ThreadpoolController:
    """The thread pools of the libraries that this process has loaded, which takes 4 ms to find."""
    return ThreadpoolController()


def _named(names: Sequence[str], places: Places) -> list[str]:
    return [names[place] for place in places.tolist()]


def _shortlist(batch: ScoredBatch, job: JobSettings) -> list[Any]:
    import pyarrow as pa

    shown = shortlist_table(batch, job.encoding, job.top_k)
    entry, place = np.nonzero(batch.screened.reserved(shown.client, shown.clinician))
    constraints = [each.name for each in batch.screened.layout.constraints]
    ends = np.searchsorted(entry, np.arange(len(shown.client) + 1)).astype(np.int32)
    return [
        _named(batch.ids, shown.client),
        shown.rank,
        _named(job.encoding.roster.ids, shown.clinician),
        *(pa.array(points, from_pandas=True) for points in shown.points),
        pa.array(shown.tie, mask=shown.tie == 0),
        pa.array(shown.ahead, from_pandas=True),
        [BREAKS[reason] for reason in shown.broken_by.tolist()],
        pa.ListArray.from_arrays(ends, _named(constraints, place)),
    ]


def _exclusions(batch: ScoredBatch) -> list[Any]:
    constraints = [each.name for each in batch.screened.layout.constraints]
    removed, only = batch.screened.removed()
    client, place = np.nonzero(removed)
    named = _named(batch.ids, client), _named(constraints, place)
    return [*named, removed[client, place], only[client, place]]


def _clients(
    batch: ScoredBatch, job: JobSettings, unresolved: Mapping[str, tuple[str, ...]]
) -> list[Any]:
    modes = [job.model.manifest.mode if agrees else CONSTRAINTS_ONLY for agrees in batch.agree]
    eligible = np.count_nonzero(batch.screened.eligible, axis=1)
    return [batch.ids, modes, eligible, [unresolved.get(name, ()) for name in batch.ids]]


def _relaxations(batch: ScoredBatch, job: JobSettings) -> list[Any]:
    rows = [
        (name, number, *_offer(offer))
        for place, name in enumerate(batch.ids)
        for number, offer in enumerate(_offers(batch, place, job), 1)
    ]
    return [*zip(*rows, strict=True)] if rows else [()] * len(_schemas()["relaxations"])


def _offers(batch: ScoredBatch, place: int, job: JobSettings) -> tuple[RelaxationOffer, ...]:
    """One client's relaxations, as a single request gives them."""
    roster, screening = job.encoding.roster, batch.screening(place)
    request = ScreenedRequest(
        job.model.practice,
        batch.clients.row(place),
        batch.cache.context_of(batch.ids[place]),
        roster.columns,
        screening,
    )
    stated = score_stated(request, batch.pairs.plan) if batch.agree[place] else None
    return offered_relaxations(request, job.encoding, stated, job.top_k)


def _offer(offer: RelaxationOffer) -> tuple[Any, ...]:
    """The new answers are JSON, null for none; there are none where staff may only ask."""
    return (
        offer.text,
        [{"field": each.field, "answer": json.dumps(each.answer)} for each in offer.changes],
        offer.admits,
        offer.clinician_id,
        offer.predicted,
        offer.gain,
    )


def _schemas() -> "dict[str, pa.Schema]":
    """The columns of each table."""
    import pyarrow as pa

    shortlist = pa.schema(
        [
            ("client_id", pa.string()),
            ("rank", pa.int16()),
            ("clinician_id", pa.string()),
            ("predicted_alliance", pa.float64()),
            ("lower", pa.float64()),
            ("upper", pa.float64()),
            ("tie", pa.int16()),
            ("ahead_of_next", pa.float64()),
            ("tie_broken_by", pa.string()),
            ("reservations", pa.list_(pa.string())),
        ]
    )
    exclusions = pa.schema(
        [
            ("client_id", pa.string()),
            ("constraint", pa.string()),
            ("removed", pa.int32()),
            ("removed_only_by_it", pa.int32()),
        ]
    )
    change = pa.struct([("field", pa.string()), ("answer", pa.string())])
    relaxations = pa.schema(
        [
            ("client_id", pa.string()),
            ("relaxation", pa.int16()),
            ("text", pa.string()),
            ("changes", pa.list_(change)),
            ("admits", pa.int32()),
            ("clinician_id", pa.string()),
            ("predicted_alliance", pa.float64()),
            ("gain", pa.float64()),
        ]
    )
    clients = pa.schema(
        [
            ("client_id", pa.string()),
            ("mode", pa.string()),
            ("eligible", pa.int32()),
            ("unresolved_ids", pa.list_(pa.string())),
        ]
    )
    by_name = (shortlist, exclusions, relaxations, clients)
    return dict(zip(TABLES, by_name, strict=True))
