"""The command `export`, and the record of the pairings that a model learned from."""

import secrets
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from recommender.cli.commands.console import (
    Definition,
    StoreUrl,
    definition,
    err,
    opened_store,
    out,
)
from recommender.errors import RecommenderError
from recommender.values.counts import counted_tables

ACTOR = "command"
KEY_BYTES = 32


@dataclass(frozen=True, slots=True)
class TrainingExtract:
    """An extract that a model is trained on, and the address of its journal."""

    extract_id: str
    url: str


def export(
    out_: Annotated[Path, typer.Option("--out", help="Folder for the tables; created if missing.")],
    store: StoreUrl = None,
    practice: Definition = "psychology",
) -> None:
    """Write training tables from the journal, with consent and under new pseudonyms."""
    from recommender.journal.extract import write_extract

    with opened_store(store) as journal:
        key = secrets.token_bytes(KEY_BYTES)
        extract = write_extract(journal, definition(practice), out_, key=key, actor=ACTOR)
    for reason, count in extract.left_out.items():
        err.print(f"Left out: {count} {reason}.", soft_wrap=True)
    out.print(f"Wrote {counted_tables(extract.rows)}.", soft_wrap=True)
    out.print(f"Next: recommender train {out_} --practice {practice} --store …", soft_wrap=True)


def learned_from(data: Path, store: str | None) -> TrainingExtract | None:
    """The extract in a folder; None where its tables came from elsewhere.

    Raises
    ------
    RecommenderError
        When they come from a journal that is not named: an erasure could not name the models that
        learned from them.
    """
    from recommender.journal.extract import read_extract_id

    extract_id = read_extract_id(data)
    if extract_id is None:
        return None
    if store is None:
        problem = "is not named, although these tables come from a journal"
        raise RecommenderError("store", problem, "name it with --store or RECOMMENDER_STORE")
    return TrainingExtract(extract_id, store)


def record_learned(learned: TrainingExtract | None, model_digest: str) -> None:
    """Records in the journal which pairings a model learned from."""
    from recommender.journal.extract import pairings_of_extract, record_training

    if learned is None:
        return
    with opened_store(learned.url) as journal, journal.writing() as connection:
        pairings = pairings_of_extract(connection, learned.extract_id)
        count = record_training(connection, model_digest, pairings, actor=ACTOR)
    out.print(f"Recorded in the journal that it learned from {count} pairings.")
