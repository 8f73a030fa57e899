"""Published versions of a model and their promotions; imports no mlflow."""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlsplit

from recommender.errors import RegistryError

CHAMPION = "champion"
CHALLENGER = "challenger"

USUAL_REGISTRY = "sqlite:///var/mlflow.db"
"""The registry of a command that is given none."""
PROMOTED = "promoted"
ROLLED_BACK = "rolled back"

_RECORD = "promotion."
_NAME = re.compile(rf"{re.escape(_RECORD)}[0-9]{{8}}T[0-9]{{6}}\.[0-9]{{6}}Z")
_MAX_CHARACTERS = 4000
"""Characters of notes in a record: a database may limit a tag to 5,000, the reason included."""


@dataclass(frozen=True, slots=True)
class Version:
    """One published bundle: its number, the digest of its content, its run, and when (UTC)."""

    version: int
    digest: str
    run_id: str
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Promotion:
    """A promotion of a version to champion: when (UTC), who decided, why, and what it replaced.

    `kind` is `promoted`, or `rolled back` to; `notes` are those of the promotion gate, such as few
    ratings or an override.
    """

    at: datetime
    version: int
    digest: str
    by: str
    reason: str
    previous: int | None
    kind: str = PROMOTED
    notes: tuple[str, ...] = ()


def promotion_tags(promotion: Promotion) -> dict[str, str]:
    """Tags that store a promotion with its version, in the order in which to write them.

    Each promotion has tags of its own, named by its time, so that a version that is promoted again
    has all its records; the one without a further name comes last, and only with it the record is
    whole. The short tags show the newest one to a person.
    """
    at, previous = promotion.at.isoformat(), promotion.previous
    name = f"{_RECORD}{promotion.at:%Y%m%dT%H%M%S.%fZ}"
    replaced = "none" if previous is None else str(previous)
    return {
        f"{name}.by": promotion.by,
        f"{name}.reason": promotion.reason,
        f"{name}.previous": replaced,
        **({f"{name}.notes": "\n".join(_fitting(promotion.notes))} if promotion.notes else {}),
        name: promotion.kind,
        "promoted_by": promotion.by,
        "promoted_at": at,
        "reason": promotion.reason,
        "previous": replaced,
    }


def _fitting(notes: Sequence[str]) -> list[str]:
    """The first notes, a line each, as many as fit into a tag, and the number of the others."""
    fitting: list[str] = []
    for note in notes:
        line = " ".join(note.splitlines())
        if len("\n".join([*fitting, line])) > _MAX_CHARACTERS:
            return [*fitting, f"and {len(notes) - len(fitting)} more"]
        fitting.append(line)
    return fitting


def read_promotions(version: Version, tags: Mapping[str, str]) -> tuple[Promotion, ...]:
    """Every promotion in the tags of a version, oldest first; unfinished records are left out."""
    names = [name for name in tags if _NAME.fullmatch(name)]
    promotions = (
        _of_json(version, tags[name])
        if tags[name].startswith("{")
        else _of_tags(version, name, tags)
        for name in names
    )
    return tuple(sorted(promotions, key=lambda promotion: promotion.at))


def _of_tags(version: Version, name: str, tags: Mapping[str, str]) -> Promotion:
    replaced = tags[f"{name}.previous"]
    return Promotion(
        at=datetime.strptime(name, f"{_RECORD}%Y%m%dT%H%M%S.%fZ").replace(tzinfo=UTC),
        version=version.version,
        digest=version.digest,
        by=tags[f"{name}.by"],
        reason=tags[f"{name}.reason"],
        previous=None if replaced == "none" else int(replaced),
        kind=tags[name],
        notes=tuple(tags.get(f"{name}.notes", "").splitlines()),
    )


def _of_json(version: Version, content: str) -> Promotion:
    """A record in one tag of JSON, as registries of release 0.1 hold it."""
    record = json.loads(content)
    return Promotion(
        at=datetime.fromisoformat(record["at"]),
        version=version.version,
        digest=version.digest,
        by=record["by"],
        reason=record["reason"],
        previous=record["previous"],
        kind=record["kind"],
        notes=tuple(record["notes"]),
    )


def in_utc(at: datetime) -> datetime:
    """A time in UTC; refuses one without a time zone."""
    if at.tzinfo is None:
        raise RegistryError("promoted_at", "has no time zone", "give the time in UTC")
    return at.astimezone(UTC)


def registry_file(uri: str) -> Path | None:
    """The SQLite file of a registry; None for one that is no such file."""
    path = uri.removeprefix("sqlite:///")
    return None if path == uri else Path(path)


def shown_address(uri: str) -> str:
    """The address of a registry without a user name and a password.

    >>> shown_address("postgresql://me:secret@db:5432/mlflow"), shown_address("sqlite:///a.db")
    ('postgresql://db:5432', 'sqlite:///a.db')
    """
    parts = urlsplit(uri)
    shown = f"{parts.scheme}://{parts.hostname or parts.path}"
    return f"{shown}:{parts.port}" if parts.port else shown


def address_in_commands(uri: str) -> str:
    """The address of a registry as an option takes it, a user name and a password as words.

    >>> address_in_commands("postgresql://me:secret@db:5432/mlflow")
    'postgresql://USER:PASSWORD@db:5432/mlflow'
    >>> address_in_commands("sqlite:///var/mlflow.db")
    'sqlite:///var/mlflow.db'
    """
    return re.sub(r"(?<=://)[^/@]*@", "USER:PASSWORD@", uri)


def registry_option(uri: str) -> str:
    """The option by which a command reaches a registry, after a space; empty for the usual one.

    >>> registry_option(USUAL_REGISTRY), registry_option("http://mlflow:5000")
    ('', ' --registry http://mlflow:5000')
    """
    return "" if uri == USUAL_REGISTRY else f" --registry {address_in_commands(uri)}"


def tracking_reachable(uri: str) -> bool:
    """Whether the registry exists; always true of one that is no SQLite file."""
    file = registry_file(uri)
    return file is None or file.is_file()
