"""Many clients at once: each screened, and all their eligible pairs scored in one pass.

The numbers are those `recommend` gives each of them alone; only what calls cost is shared.
Imported by `batch` and `allocation`.
"""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from recommender.compute.runner import Progress, TaskRunner, run_serially
from recommender.errors import RecommenderError
from recommender.features.pipeline import Pairs
from recommender.files import atomic_write
from recommender.model.alliance_model import (
    AllianceModel,
    PairScores,
    PreparedPairs,
    RosterEncoding,
)
from recommender.practice.columns import Columns
from recommender.recommendation.recommend import (
    CONSTRAINTS_ONLY,
    MAX_TOP_K,
    ShortlistEntry,
    build_shortlist,
    unscored_shortlist,
    with_consent,
)
from recommender.screening.cache import ScreeningCache, screening_cache_for
from recommender.screening.screen import ConstraintCount, Screening
from recommender.tables.cells import People
from recommender.tables.roster import digest_of

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


SHORTLIST_SCHEMA = pa.schema(
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
EXCLUSIONS_SCHEMA = pa.schema(
    [
        ("client_id", pa.string()),
        ("constraint", pa.string()),
        ("removed", pa.int32()),
        ("removed_only_by_it", pa.int32()),
    ]
)
CLIENTS_SCHEMA = pa.schema(
    [("client_id", pa.string()), ("mode", pa.string()), ("eligible", pa.int32())]
)
MIN_CHUNK_CLIENTS = 100
"""Clients of a part at least, however many clinicians they face: three files for each handful would
cost more than what is in them."""
TABLES = {"shortlist": SHORTLIST_SCHEMA, "exclusions": EXCLUSIONS_SCHEMA, "clients": CLIENTS_SCHEMA}
"""What a part is made of. `clients` is written last: where it stands, the part is whole."""


@dataclass(frozen=True, slots=True)
class JobResult:
    """How many parts a batch has, how many of them this run made, and for how many clients."""

    chunks: int
    computed: int
    clients: int


@dataclass(frozen=True, slots=True, eq=False)
class Chunk:
    """Some of the clients, and the name that says what their numbers came from."""

    name: str
    rows: NDArray[np.intp]


@dataclass(frozen=True, slots=True, eq=False)
class JobSettings:
    """What all clients are asked about: the roster as the model knows it, on a day."""

    encoding: RosterEncoding
    model: AllianceModel
    day: date
    top_k: int


ArrowTables = Mapping[str, pa.Table]


def score_clients(
    people: People,
    asked: JobSettings,
    model_digest: str,
    out: Path,
    progress: Progress,
    runner: TaskRunner = run_serially,
) -> JobResult:
    """Writes the shortlists of all clients under a folder; parts that are there are kept.

    Parameters
    ----------
    people
        The clients.
    asked, model_digest
        What they are asked about, and the digest of the model's bundle.
    out
        The folder.
    runner
        Who does the work.

    Raises
    ------
    RecommenderError
        When the folder has parts made from something else: the two would be read as one.
    """
    if not 1 <= asked.top_k <= MAX_TOP_K:
        raise RecommenderError("top_k", f"is outside 1 to {MAX_TOP_K}", "ask for a few clinicians")
    roster = asked.encoding.roster
    origin = f"{model_digest} {roster.version} {asked.day} {asked.top_k}"
    parts = list(_chunks(people, max(batch_size(len(roster)), MIN_CHUNK_CLIENTS), origin))
    out.mkdir(parents=True, exist_ok=True)
    _check_folder(out, parts)
    missing = [part for part in parts if not _file(out, "clients", part.name).exists()]
    some = ((part.name, people.take(part.rows)) for part in missing)
    done = len(parts) - len(missing)
    progress(f"{done} of {len(parts)} parts", 0.0)
    for number, (name, tables) in enumerate(runner(chunk_tables, asked, some), 1):
        for table in TABLES:
            with atomic_write(_file(out, table, name)) as file:
                pq.write_table(tables[table], file)
        progress(f"{done + number} of {len(parts)} parts", number / len(missing))
    return JobResult(len(parts), len(missing), sum(len(part.rows) for part in missing))


def chunk_tables(asked: JobSettings, people: People) -> ArrowTables:
    """What one part is made of."""
    rows: dict[str, list[tuple[Any, ...]]] = {table: [] for table in TABLES}
    # The matrices are small: threads of the linear algebra would wait for each other.
    with threadpool_limits(1, user_api="blas"):
        for batch in score_batches(
            people.ids, people.columns, asked.encoding, asked.model, asked.day
        ):
            for place in range(len(batch.ids)):
                _add_client(rows, batch, place, asked)
    return {name: _table(rows[name], schema) for name, schema in TABLES.items()}


def _add_client(
    rows: dict[str, list[tuple[Any, ...]]], batch: ScoredBatch, place: int, asked: JobSettings
) -> None:
    """One client's rows, added to those of the part."""
    name, screening = batch.ids[place], batch.screenings[place]
    rows["shortlist"] += (_shortlist_row(name, each) for each in _shortlist(batch, place, asked))
    removals = (each for each in screening.constraint_counts if each.removed)
    rows["exclusions"] += (_exclusion_row(name, each) for each in removals)
    mode = asked.model.manifest.mode if batch.agree[place] else CONSTRAINTS_ONLY
    rows["clients"].append((name, mode, int(np.count_nonzero(screening.eligible))))


def _table(rows: list[tuple[Any, ...]], schema: pa.Schema) -> pa.Table:
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


def _check_folder(out: Path, parts: list[Chunk]) -> None:
    ours = {_file(out, table, part.name) for table in TABLES for part in parts}
    others = {path for table in TABLES for path in out.glob(f"{table}-*.parquet")} - ours
    if others:
        problem = f"has {len(others)} files made from other clients, clinicians or another model"
        raise RecommenderError("out", problem, "name an empty folder, or remove them")


def _shortlist(batch: ScoredBatch, place: int, asked: JobSettings) -> tuple[ShortlistEntry, ...]:
    screening = batch.screenings[place]
    if not batch.agree[place]:
        return unscored_shortlist(asked.model.practice, asked.encoding, screening, asked.top_k)
    rows = batch.rows_of(place)
    if not len(rows):
        return ()
    of = batch.prepared, batch.scores, rows
    return build_shortlist(asked.encoding, asked.model, screening, *of, asked.top_k)[0]


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
