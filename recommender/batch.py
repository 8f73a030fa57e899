"""A file of clients ranked against a roster, in parts that survive a kill.

Each part holds some hundred clients and is named by what it was made from, so that a run that goes
on makes only what is missing. The numbers are `recommend`'s. Imported by the command.
"""

import hashlib
import os
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from recommender.crowd import Crowd, at_once, crowd_of
from recommender.errors import RecommenderError
from recommender.model import AllianceModel, Standing
from recommender.progress import Progress
from recommender.recommend import CONSTRAINTS_ONLY, MOST, Shown, listed, unpredicted
from recommender.roster import digest_of
from recommender.sieve import Sieve
from recommender.tables.people import People

SHORTLIST = pa.schema(
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
EXCLUSIONS = pa.schema(
    [
        ("client_id", pa.string()),
        ("constraint", pa.string()),
        ("removed", pa.int32()),
        ("removed_only_by_it", pa.int32()),
    ]
)
CLIENTS = pa.schema([("client_id", pa.string()), ("mode", pa.string()), ("eligible", pa.int32())])
TABLES = {"shortlist": SHORTLIST, "exclusions": EXCLUSIONS, "clients": CLIENTS}
"""What a part is made of. `clients` is written last: where it stands, the part is whole."""


@dataclass(frozen=True, slots=True)
class Written:
    """How many parts a batch has, how many of them this run made, and for how many clients."""

    parts: int
    made: int
    clients: int


@dataclass(frozen=True, slots=True, eq=False)
class Part:
    """Some of the clients, and the name that says what their numbers came from."""

    name: str
    rows: NDArray[np.intp]


def score_clients(
    people: People,
    standing: Standing,
    model: AllianceModel,
    model_digest: str,
    out: Path,
    *,
    day: date,
    top_k: int,
    progress: Progress,
) -> Written:
    """Writes the shortlists of all clients under a folder; parts that are there are kept.

    Parameters
    ----------
    people
        The clients.
    standing, model, model_digest
        The roster as the model knows it, the model, and the digest of its bundle.
    out
        The folder.
    day
        The day asked, in the practice's zone.
    top_k
        How many clinicians a client is shown, 1 to 50.

    Raises
    ------
    RecommenderError
        When the folder has parts made from something else: the two would be read as one.
    """
    if not 1 <= top_k <= MOST:
        raise RecommenderError("top_k", f"is outside 1 to {MOST}", "ask for a few clinicians")
    origin = f"{model_digest} {standing.roster.version} {day} {top_k}"
    parts = list(_parts(people, at_once(len(standing.roster)), origin))
    out.mkdir(parents=True, exist_ok=True)
    _refuse_others(out, parts)
    missing = [part for part in parts if not _file(out, "clients", part).exists()]
    sieve = Sieve(model.practice, standing.roster, day)
    for number, part in enumerate(missing):
        progress(
            f"{len(parts) - len(missing) + number} of {len(parts)} parts", number / len(missing)
        )
        ids = [people.ids[row] for row in part.rows.tolist()]
        crowd = crowd_of(ids, people.columns.take(part.rows), standing, model, sieve)
        _write(out, part, crowd, standing, model, top_k)
    return Written(len(parts), len(missing), sum(len(part.rows) for part in missing))


def _parts(people: People, size: int, origin: str) -> Iterator[Part]:
    for number, start in enumerate(range(0, len(people), size)):
        rows = np.arange(start, min(start + size, len(people)))
        ids = tuple(people.ids[row] for row in rows.tolist())
        digest = hashlib.sha256(f"{origin} {digest_of(ids, people.columns.take(rows))}".encode())
        yield Part(f"{number:05d}-{digest.hexdigest()[:12]}", rows)


def _file(out: Path, table: str, part: Part) -> Path:
    return out / f"{table}-{part.name}.parquet"


def _refuse_others(out: Path, parts: list[Part]) -> None:
    ours = {_file(out, table, part) for table in TABLES for part in parts}
    others = {path for table in TABLES for path in out.glob(f"{table}-*.parquet")} - ours
    if others:
        problem = f"has {len(others)} files made from other clients, clinicians or another model"
        raise RecommenderError("out", problem, "name an empty folder, or remove them")


def _write(
    out: Path, part: Part, crowd: Crowd, standing: Standing, model: AllianceModel, top_k: int
) -> None:
    rows: dict[str, list[dict[str, Any]]] = {table: [] for table in TABLES}
    for place, client_id in enumerate(crowd.ids):
        told = {"client_id": client_id}
        screening = crowd.screenings[place]
        rows["shortlist"] += (
            told | _shortlist_row(shown) for shown in _shown(crowd, place, standing, model, top_k)
        )
        rows["exclusions"] += (
            told
            | {
                "constraint": removal.constraint,
                "removed": removal.removed,
                "removed_only_by_it": removal.removed_only_by_it,
            }
            for removal in screening.ledger
            if removal.removed
        )
        mode = model.manifest.mode if crowd.agree[place] else CONSTRAINTS_ONLY
        eligible = int(np.count_nonzero(screening.eligible))
        rows["clients"].append(told | {"mode": mode, "eligible": eligible})
    for table, schema in TABLES.items():
        _put(_file(out, table, part), pa.Table.from_pylist(rows[table], schema))


def _shown(
    crowd: Crowd, place: int, standing: Standing, model: AllianceModel, top_k: int
) -> tuple[Shown, ...]:
    screening = crowd.screenings[place]
    if not crowd.agree[place]:
        return unpredicted(model.practice, standing, screening, top_k)
    rows = crowd.rows_of(place)
    if not len(rows):
        return ()
    return listed(standing, model, screening, crowd.faced, crowd.scores, rows, top_k)[0]


def _shortlist_row(shown: Shown) -> dict[str, Any]:
    return {
        "rank": shown.rank,
        "clinician_id": shown.clinician_id,
        "predicted_alliance": shown.predicted,
        "lower": shown.lower,
        "upper": shown.upper,
        "tie": shown.tie,
        "ahead_of_next": shown.ahead,
        "tie_broken_by": shown.tie_broken_by,
        "reservations": [reason.constraint for reason in shown.reservations],
    }


def _put(path: Path, table: pa.Table) -> None:
    """Writes a file whole or not at all: it is only named when every byte is on disk."""
    unfinished = path.with_suffix(".unfinished")
    with unfinished.open("wb") as file:
        pq.write_table(table, file)
        file.flush()
        os.fsync(file.fileno())
    unfinished.replace(path)
