"""Training tables out of the journal, in the format every practice's own tables have.

Clients and pairings get new pseudonyms under a key that is used for one extract and not stored;
clinicians have their own ids, by which a model finds them on the roster.
"""

import hashlib
import hmac
import json
import os
import secrets
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Connection, insert, select

from recommender.errors import ConflictError, RecommenderError
from recommender.journal.audit_log import AuditEntry, append
from recommender.journal.roster_versions import Cells
from recommender.journal.training_material import TrainingMaterial, training_material
from recommender.practice.definition import Practice
from recommender.practice.fields import Field
from recommender.store.database import Store, database_time
from recommender.store.schema import extract_pairings, extracts, pairings, trained_on
from recommender.tables.csv_text import csv_text
from recommender.values.kinds import NONE_NAMED, RawValue

MANIFEST = "extract.json"
_LENGTH = 24
"""Hexadecimal digits of a pseudonym: 96 bits, so that two clients never share one."""
_KEY_BYTES = 32
_PAIRINGS = ("pairing_id", "client_id", "clinician_id", "started_on", "sessions", "ended_on")
_RATINGS = (
    "pairing_id",
    "session",
    "rated_on",
    "known_on",
    "instrument",
    "rater",
    "metric",
    "score",
)

Table = tuple[Sequence[str], list[tuple[RawValue, ...]]]


@dataclass(frozen=True, slots=True)
class Extract:
    """What an extract holds: rows by table, and rows left out by reason."""

    extract_id: str
    rows: Mapping[str, int]
    left_out: Mapping[str, int]


def write_extract(
    store: Store, practice: Practice, directory: Path, *, key: bytes, actor: str
) -> Extract:
    """Writes clients, clinicians, pairings and ratings as CSV, and `extract.json`.

    Parameters
    ----------
    directory
        Created if missing; readable by its owner alone.
    key
        Fresh random bytes, at least 32; not stored, so that extracts cannot be linked.

    Raises
    ------
    ConflictError
        When a client was erased while the extract was written: run it again.
    """
    if len(key) < _KEY_BYTES:
        remedy = f"give {_KEY_BYTES} random bytes"
        raise RecommenderError("key", "is too short to keep pseudonyms apart", remedy)
    with store.reading() as connection:
        material = training_material(connection, practice)
    extract_id = secrets.token_hex(16)
    _record(store, extract_id, [each.pairing_id for each in material.pairings], actor)
    tables = _tables(material, practice, key)
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    for name, (header, rows) in tables.items():
        _text(directory / f"{name}.csv", csv_text(header, rows))
    counts = {name: len(rows) for name, (_, rows) in tables.items()}
    manifest = {"extract_id": extract_id, "practice_digest": practice.digest, "rows": counts}
    _text(directory / MANIFEST, json.dumps(manifest, indent=1) + "\n")
    return Extract(extract_id, counts, material.left_out)


def read_extract_id(directory: Path) -> str | None:
    """The id of the extract in a folder; None when its tables came from elsewhere."""
    path = directory / MANIFEST
    if not path.exists():
        return None
    return str(json.loads(path.read_text(encoding="utf-8"))["extract_id"])


def record_training(
    connection: Connection, model_digest: str, pairing_ids: Iterable[str], *, actor: str
) -> int:
    """Records that a model learned from pairings, by the journal's ids; counts the new ones."""
    known = set(
        connection.execute(
            select(trained_on.c.pairing_id).where(trained_on.c.model_digest == model_digest)
        ).scalars()
    )
    at, new = database_time(connection), sorted(set(pairing_ids) - known)
    rows = [{"model_digest": model_digest, "pairing_id": each, "recorded_at": at} for each in new]
    if rows:
        connection.execute(insert(trained_on), rows)
    facts = {"model_digest": model_digest, "pairings": len(rows)}
    append(connection, AuditEntry(actor, "model.trained", facts))
    return len(rows)


def pairings_of_extract(connection: Connection, extract_id: str) -> tuple[str, ...]:
    """The journal's ids of the pairings an extract had, sorted, without those erased since."""
    statement = select(extract_pairings.c.pairing_id).where(
        extract_pairings.c.extract_id == extract_id
    )
    return tuple(sorted(connection.execute(statement).scalars()))


def _record(store: Store, extract_id: str, pairing_ids: Sequence[str], actor: str) -> None:
    with store.writing() as connection:
        there = set(connection.execute(select(pairings.c.pairing_id)).scalars())
        if not there.issuperset(pairing_ids):
            remedy = "make the extract again"
            raise ConflictError("extract", "met a client who was just erased", remedy)
        at = database_time(connection)
        values = {"extract_id": extract_id, "actor": actor, "recorded_at": at}
        connection.execute(insert(extracts).values(values))
        rows = [{"extract_id": extract_id, "pairing_id": each} for each in pairing_ids]
        if rows:
            connection.execute(insert(extract_pairings), rows)
        facts = {"extract_id": extract_id, "pairings": len(rows)}
        append(connection, AuditEntry(actor, "extract.written", facts))


def _tables(material: TrainingMaterial, practice: Practice, key: bytes) -> dict[str, Table]:
    def client(name: str) -> str:
        return _pseudonym(key, "c", name)

    def pairing(name: str) -> str:
        return _pseudonym(key, "p", name)

    def cells_of(fields: Mapping[str, Field], cells: Cells) -> Iterator[RawValue]:
        # Lists of ids may name clients by their pseudonyms.
        for name, field in fields.items():
            cell = cells.get(name)
            yield _renamed(field, cell, client) if _names_clients(field) else cell

    clients = [
        (client(name), *cells_of(practice.client, answers))
        for name, answers in material.clients.items()
    ]
    clinicians = [
        (name, *cells_of(practice.clinician, cells)) for name, cells in material.clinicians.items()
    ]
    # Only a practice that randomises has the column.
    drawn = any(each.propensity is not None for each in material.pairings)
    met = [
        (
            pairing(each.pairing_id),
            client(each.client_id),
            each.clinician_id,
            each.started_on,
            each.course.sessions,
            each.course.ended_on,
            *([each.propensity] if drawn else []),
        )
        for each in material.pairings
    ]
    return {
        "clients": (("client_id", *practice.client), sorted(clients, key=_first)),
        "clinicians": (("clinician_id", *practice.clinician), clinicians),
        "pairings": ((*_PAIRINGS, *(["propensity"] if drawn else [])), sorted(met, key=_first)),
        "ratings": _ratings(material, practice, pairing),
    }


def _ratings(
    material: TrainingMaterial, practice: Practice, pairing: Callable[[str], str]
) -> Table:
    forms = {rating.instrument for rating in material.ratings if rating.items}
    max_items = max((practice.instruments[name].items for name in forms), default=0)
    rows: list[tuple[RawValue, ...]] = [
        (
            pairing(rating.pairing_id),
            rating.session,
            rating.rated_on,
            rating.known_on,
            rating.instrument,
            rating.rater,
            rating.metric,
            rating.score,
            *rating.items,
            *[None] * (max_items - len(rating.items)),
        )
        for rating in material.ratings
    ]
    items = (f"item_{number}" for number in range(1, max_items + 1))
    return (*_RATINGS, *items), sorted(rows, key=lambda row: tuple(map(str, row[:6])))


def _first(row: tuple[RawValue, ...]) -> str:
    return str(row[0])


def _pseudonym(key: bytes, kind: str, name: str) -> str:
    code = hmac.new(key, f"{kind}/{name}".encode(), hashlib.sha256).hexdigest()
    return f"{kind}{code[:_LENGTH]}"


def _names_clients(field: Field) -> bool:
    """Whether the answers to a field are ids of clients."""
    return field.kind == "ids" and field.people_named == "clients"


def _renamed(field: Field, cell: RawValue, rename: Callable[[str], str]) -> RawValue:
    if field.is_missing(cell):
        return cell
    named = cell if isinstance(cell, list) else [part.strip() for part in str(cell).split(";")]
    return [part if part.lower() == NONE_NAMED else rename(part) for part in named]


def _text(path: Path, text: str) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
