"""Training tables out of the journal, and who was learned from: `export`, and a part of `train`.

Imported by `cli` and `learning`.
"""

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from recommender.cli.commands.console import (
    Definition,
    StoreUrl,
    definition,
    err,
    exit_on_error,
    out,
)
from recommender.errors import RecommenderError

if TYPE_CHECKING:
    from recommender.store.database import Store

ACTOR = "command"
KEY_BYTES = 32


@dataclass(frozen=True, slots=True)
class TrainingExtract:
    """An extract that is learned from, and the journal it came out of."""

    extract_id: str
    url: str


def export(
    out_: Annotated[Path, typer.Option("--out", help="Folder for the tables; made when missing.")],
    store: StoreUrl = None,
    practice: Definition = "psychology",
) -> None:
    """Write training tables from the journal: consent respected, pseudonyms of their own."""
    from recommender.journal.extract import write_extract

    with exit_on_error(), _opened(store) as journal:
        key = secrets.token_bytes(KEY_BYTES)
        extract = write_extract(journal, definition(practice), out_, key=key, actor=ACTOR)
    for reason, count in extract.left_out.items():
        err.print(f"Left out: {count} {reason}.", soft_wrap=True)
    counts = ", ".join(f"{count} {table}" for table, count in extract.rows.items())
    out.print(f"Wrote {counts}.", soft_wrap=True)
    out.print(f"Next: recommender train {out_} --practice {practice} --store …", soft_wrap=True)


def learned_from(data: Path, store: str | None) -> TrainingExtract | None:
    """The extract in a folder; None where its tables came from elsewhere.

    Raises
    ------
    RecommenderError
        When they came out of a journal that is not named: whoever is erased later could not be
        told which models learned from them.
    """
    from recommender.journal.extract import read_extract_id

    extract_id = read_extract_id(data)
    if extract_id is None:
        return None
    if store is None:
        problem = "is not named, although these tables came out of a journal"
        raise RecommenderError("store", problem, "name it with --store or RECOMMENDER_STORE")
    return TrainingExtract(extract_id, store)


def record_learned(learned: TrainingExtract | None, model_digest: str) -> None:
    """Keeps in the journal which pairings a model learned from."""
    from recommender.journal.extract import pairings_of_extract, record_training

    if learned is None:
        return
    with _opened(learned.url) as journal, journal.writing() as connection:
        pairings = pairings_of_extract(connection, learned.extract_id)
        count = record_training(connection, model_digest, pairings, actor=ACTOR)
    out.print(f"The journal knows that it learned from {count} pairings.")


@contextmanager
def _opened(url: str | None) -> Iterator["Store"]:
    from recommender.store.migration import open_store

    if url is None:
        remedy = "name it with --store or RECOMMENDER_STORE"
        raise RecommenderError("store", "is not named", remedy)
    journal = open_store(url)
    try:
        yield journal
    finally:
        journal.close()
