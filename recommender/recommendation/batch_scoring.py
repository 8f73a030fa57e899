"""Scores many clients against a roster, as a resumable job that writes Parquet files.

The shortlists equal those of `recommend` for each client alone; only the cost of calls is shared.
"""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from recommender.compute.runner import Progress, TaskRunner, run_serially
from recommender.errors import RecommenderError
from recommender.files import atomic_write
from recommender.recommendation.score_tables import TABLES, JobSettings, chunk_tables
from recommender.recommendation.scored_batch import batch_size
from recommender.recommendation.shortlists import MAX_TOP_K
from recommender.tables.cells import People
from recommender.tables.roster import digest_of

LAYOUT = 3
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
    origin = f"{LAYOUT} {model_digest} {roster.version} {job.day} {job.top_k} {job.relaxations}"
    chunks = list(_chunks(people, max(batch_size(len(roster)), MIN_CHUNK_CLIENTS), origin))
    out.mkdir(parents=True, exist_ok=True)
    _check_folder(out, chunks)
    missing = [chunk for chunk in chunks if not _file(out, "clients", chunk.name).exists()]
    parts = ((chunk.name, people.take(chunk.rows)) for chunk in missing)
    done = len(chunks) - len(missing)
    progress(f"{done} of {len(chunks)} parts", 0.0)
    for number, (name, tables) in enumerate(runner(chunk_tables, job, parts), 1):
        for table in job.tables:
            with atomic_write(_file(out, table, name)) as file:
                pq.write_table(tables[table], file)
        progress(f"{done + number} of {len(chunks)} parts", number / len(missing))
    return JobResult(len(chunks), len(missing), sum(len(chunk.rows) for chunk in missing))


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
