"""What a practice remembers of its contributions, so that two never differ by a few clients.

From two contributions that are one client apart the difference gives that client's row. Clients
count as new if their first pairing began after the last day of the earlier contribution, which
needs no list of clients and holds where pseudonyms change from extract to extract.
"""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from recommender.errors import RecommenderError
from recommender.files import atomic_write
from recommender.model.mixed.blocks import Ints

EXPORTS_FILE = "exports.json"
LEAST_NEW_CLIENTS = 50
"""Clients by whom two contributions must differ; this project's choice, so that their difference
says no more of one client than a contribution of 50 does."""


@dataclass(frozen=True, slots=True)
class EarlierExport:
    """One contribution that was written.

    `last_started` is the last day on which a pairing of it began, `digest` names the file. Days
    are ISO 8601.
    """

    exported_on: str
    last_started: str
    ratings: int
    digest: str


def earlier_exports(folder: Path) -> tuple[EarlierExport, ...]:
    """The contributions written so far, oldest first.

    Raises
    ------
    RecommenderError
        When the record cannot be read: nothing is exported on a guess.
    """
    path = folder / EXPORTS_FILE
    if not path.exists():
        return ()
    try:
        listed = json.loads(path.read_bytes())
        return tuple(EarlierExport(**each) for each in listed)
    except (OSError, ValueError, TypeError):
        remedy = "restore it from a backup: it protects clients from a second contribution too soon"
        raise RecommenderError(str(path), "cannot be read", remedy) from None


def remember_export(folder: Path, export: EarlierExport) -> None:
    """Adds a contribution to the record, before its file is written."""
    listed = [*earlier_exports(folder), export]
    folder.mkdir(parents=True, exist_ok=True)
    with atomic_write(folder / EXPORTS_FILE) as file:
        file.write(json.dumps([asdict(each) for each in listed], indent=1).encode() + b"\n")


def refuse_few_new_clients(
    first_days: Ints, earlier: Sequence[EarlierExport], folder: Path
) -> None:
    """Refuses a contribution with fewer than `LEAST_NEW_CLIENTS` clients since the last one.

    `first_days` has the day on which each client's first pairing began, in days since 1970;
    `folder` has copies of the contributions.

    Raises
    ------
    RecommenderError
        With the day of the last one, and how many clients there are since.
    """
    if not earlier:
        return
    last = max(each.last_started for each in earlier)
    new = int((first_days > np.datetime64(last, "D").astype(np.int64)).sum())
    if new < LEAST_NEW_CLIENTS:
        problem = (
            f"have {new} clients who began after {last}, the last day of the contribution of "
            f"{earlier[-1].exported_on}; {LEAST_NEW_CLIENTS} are needed"
        )
        copy = folder / f"{earlier[-1].digest[:16]}.json"
        remedy = f"send {copy} again, or wait: two files a few clients apart give them away"
        raise RecommenderError("tables", problem, remedy)
