"""Scores many clients against a roster: in memory, or as a resumable job that writes Parquet files.

The shortlists equal those of `recommend` for each client alone; only the cost of calls is shared.
"""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from recommender.compute.runner import Progress, TaskRunner, run_serially
from recommender.errors import RecommenderError
from recommender.features.pipeline import Pairs
from recommender.files import atomic_write
from recommender.model.alliance_model import AllianceModel, RosterEncoding
from recommender.plan.compiling import plan_for
from recommender.plan.score_plan import ScoredPairs
from recommender.practice.columns import Columns
from recommender.recommendation.recommend import CONSTRAINTS_ONLY, with_consent
from recommender.recommendation.shortlists import (
    MAX_TOP_K,
    ShortlistEntry,
    build_shortlists,
    unscored_shortlist,
)
from recommender.screening.cache import screening_cache_for
from recommender.screening.reasons import ConstraintCount
from recommender.screening.screening import Screening
from recommender.tables.cells import People
from recommender.tables.references import unresolved_of_one
from recommender.tables.roster import digest_of

if TYPE_CHECKING:
    import pyarrow as pa

MAX_PAIRS = 50_000
"""Pairs of a batch, eligible or not: memory stays below some hundred megabytes."""


@dataclass(frozen=True, slots=True, eq=False)
class ScoredBatch:
    """Some clients, screened and scored against one roster.

    Attributes
    ----------
    ids, clients
        The clients, row by row.
    screenings
        One per client.
    agree : (clients,)
        Whether each client agrees to prediction.
    pairs
        Each client who agrees with each eligible clinician, client by client, scored.
    """

    ids: tuple[str, ...]
    clients: Columns
    screenings: tuple[Screening, ...]
    agree: NDArray[np.bool_]
    pairs: ScoredPairs


def score_batches(
    ids: Sequence[str],
    clients: Columns,
    encoding: RosterEncoding,
    model: AllianceModel,
    day: date,
) -> Iterator[ScoredBatch]:
    """Screens and scores all clients in their order, `batch_size` at a time."""
    cache = screening_cache_for(model.practice, encoding.roster, day)
    plan = plan_for(model, encoding)
    size = batch_size(len(encoding.roster))
    for start in range(0, len(ids), size):
        some = tuple(ids[start : start + size])
        rows = clients.take(np.arange(start, start + len(some)))
        screenings = tuple(cache.screen(rows.row(row), name) for row, name in enumerate(some))
        agree = with_consent(model.practice, rows)
        pairs = plan.score(rows, _pairs(screenings, agree))
        yield ScoredBatch(some, rows, screenings, agree, pairs)


def batch_size(clinicians: int) -> int:
    """Clients per batch against this number of clinicians."""
    return max(MAX_PAIRS // max(clinicians, 1), 1)


def _pairs(screenings: Sequence[Screening], agree: NDArray[np.bool_]) -> Pairs:
    fitting = [
        np.flatnonzero(screening.eligible & agrees)
        for screening, agrees in zip(screenings, agree.tolist(), strict=True)
    ]
    client = np.repeat(np.arange(len(fitting)), [len(places) for places in fitting])
    return Pairs(client, np.concatenate([*fitting, np.empty(0, dtype=np.intp)]))


TABLES = ("shortlist", "exclusions", "clients")
"""Tables of a chunk. `clients` is written last: where its file exists, the chunk is complete."""
LAYOUT = 2
"""Version of the columns; parts of another version are not continued."""
MIN_CHUNK_CLIENTS = 100
"""Clients per chunk at least, so that three files per chunk stay cheap."""


@dataclass(frozen=True, slots=True)
class JobResult:
    """Numbers of chunks, of chunks that this run computed, and of their clients."""

    chunks: int
    computed: int
    clients: int


@dataclass(frozen=True, slots=True, eq=False)
class Chunk:
    """Some of the clients; the name holds a digest of their answers, the model and the roster."""

    name: str
    rows: NDArray[np.intp]


@dataclass(frozen=True, slots=True, eq=False)
class JobSettings:
    """The encoded roster, the model, the day of the request and the length of shortlists."""

    encoding: RosterEncoding
    model: AllianceModel
    day: date
    top_k: int


ArrowTables = Mapping[str, "pa.Table"]


def score_clients(
    people: People,
    job: JobSettings,
    model_digest: str,
    out: Path,
    progress: Progress,
    runner: TaskRunner = run_serially,
) -> JobResult:
    """Writes the shortlists of all clients to a folder, in chunks.

    A chunk whose files exist is not computed again, so that an interrupted job can be resumed.

    Parameters
    ----------
    people
        The clients.
    job, model_digest
        Roster, model and day, and the digest of the model's bundle.
    out
        The folder.
    progress
        Called after each chunk.
    runner
        Computes the chunks: in this process, or on a cluster.

    Raises
    ------
    RecommenderError
        When `top_k` is out of range, or the folder has chunks of other clients, clinicians or
        models.
    """
    # Imported here because a server, which allocates and writes no files, does not install pyarrow.
    import pyarrow.parquet as pq

    if not 1 <= job.top_k <= MAX_TOP_K:
        raise RecommenderError("top_k", f"is outside 1 to {MAX_TOP_K}", "ask for a few clinicians")
    roster = job.encoding.roster
    origin = f"{LAYOUT} {model_digest} {roster.version} {job.day} {job.top_k}"
    chunks = list(_chunks(people, max(batch_size(len(roster)), MIN_CHUNK_CLIENTS), origin))
    out.mkdir(parents=True, exist_ok=True)
    _check_folder(out, chunks)
    missing = [chunk for chunk in chunks if not _file(out, "clients", chunk.name).exists()]
    parts = ((chunk.name, people.take(chunk.rows)) for chunk in missing)
    done = len(chunks) - len(missing)
    progress(f"{done} of {len(chunks)} parts", 0.0)
    for number, (name, tables) in enumerate(runner(chunk_tables, job, parts), 1):
        for table in TABLES:
            with atomic_write(_file(out, table, name)) as file:
                pq.write_table(tables[table], file)
        progress(f"{done + number} of {len(chunks)} parts", number / len(missing))
    return JobResult(len(chunks), len(missing), sum(len(chunk.rows) for chunk in missing))


def chunk_tables(job: JobSettings, people: People) -> ArrowTables:
    """The tables of one chunk."""
    rows: dict[str, list[tuple[Any, ...]]] = {table: [] for table in TABLES}
    # Matrices are small here: several BLAS threads would only wait for each other.
    with threadpool_limits(1, user_api="blas"):
        for batch in score_batches(people.ids, people.columns, job.encoding, job.model, job.day):
            scored = build_shortlists(job.encoding, batch.screenings, batch.pairs, job.top_k)
            for place, (shown, _) in enumerate(scored):
                _add_client(rows, batch, place, shown, job)
    return {name: _table(rows[name], schema) for name, schema in _schemas().items()}


def _add_client(
    rows: dict[str, list[tuple[Any, ...]]],
    batch: ScoredBatch,
    place: int,
    shown: tuple[ShortlistEntry, ...],
    job: JobSettings,
) -> None:
    """Adds one client's rows to those of the chunk; `shown` are the scored clinicians."""
    name, screening = batch.ids[place], batch.screenings[place]
    if not batch.agree[place]:
        shown = unscored_shortlist(job.model.practice, job.encoding, screening, job.top_k)
    rows["shortlist"] += (_shortlist_row(name, each) for each in shown)
    rows["exclusions"] += (_exclusion_row(name, each) for each in screening.constraint_counts)
    mode = job.model.manifest.mode if batch.agree[place] else CONSTRAINTS_ONLY
    client, roster = batch.clients.row(place), job.encoding.roster
    unresolved = unresolved_of_one(job.model.practice, client, name, roster)
    eligible = int(np.count_nonzero(screening.eligible))
    rows["clients"].append((name, mode, eligible, unresolved))


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
    clients = pa.schema(
        [
            ("client_id", pa.string()),
            ("mode", pa.string()),
            ("eligible", pa.int32()),
            ("unresolved_ids", pa.list_(pa.string())),
        ]
    )
    return {"shortlist": shortlist, "exclusions": exclusions, "clients": clients}


def _table(rows: list[tuple[Any, ...]], schema: "pa.Schema") -> "pa.Table":
    import pyarrow as pa

    columns = zip(*rows, strict=True) if rows else [()] * len(schema)
    arrays = [pa.array(col, of.type) for col, of in zip(columns, schema, strict=True)]
    return pa.Table.from_arrays(arrays, schema=schema)


def _chunks(people: People, size: int, origin: str) -> Iterator[Chunk]:
    for number, start in enumerate(range(0, len(people), size)):
        rows = np.arange(start, min(start + size, len(people)))
        ids = tuple(people.ids[row] for row in rows.tolist())
        digest = hashlib.sha256(f"{origin} {digest_of(ids, people.columns.take(rows))}".encode())
        yield Chunk(f"{number:05d}-{digest.hexdigest()[:12]}", rows)


def _file(out: Path, table: str, name: str) -> Path:
    return out / f"{table}-{name}.parquet"


def _check_folder(out: Path, chunks: list[Chunk]) -> None:
    ours = {_file(out, table, chunk.name) for table in TABLES for chunk in chunks}
    others = {path for table in TABLES for path in out.glob(f"{table}-*.parquet")} - ours
    if others:
        problem = f"has {len(others)} files made from other clients, clinicians or another model"
        raise RecommenderError("out", problem, "name an empty folder, or remove them")


def _shortlist_row(client_id: str, shown: ShortlistEntry) -> tuple[Any, ...]:
    return (
        client_id,
        shown.rank,
        shown.clinician_id,
        shown.predicted,
        shown.lower,
        shown.upper,
        shown.tie,
        shown.ahead,
        shown.tie_broken_by,
        [reason.constraint for reason in shown.reservations],
    )


def _exclusion_row(client_id: str, removal: ConstraintCount) -> tuple[Any, ...]:
    return client_id, removal.constraint, removal.removed, removal.removed_only_by_it
