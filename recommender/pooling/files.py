"""Files of pooling: contributions, withdrawals and pools, each one JSON object."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from recommender.errors import RecommenderError
from recommender.files import atomic_write
from recommender.pooling.pool import Pool
from recommender.pooling.practice_contribution import (
    FORMAT,
    PracticeContribution,
    contribution_from,
)
from recommender.pooling.signature import is_signed, public_text, signed

POOL, WITHDRAWAL = "recommender pool", "recommender withdrawal"
POOL_VERSION = 1
LARGEST_FILE = 64 * 1024 * 1024
"""Bytes; a thousand contributions of twenty matches have a fifth of it."""
_ASK = "ask its sender for a new one; do not use it"


@dataclass(frozen=True, slots=True)
class Withdrawal:
    """A contributor's word that a contribution is not to be used any more."""

    digest: str
    contributor: str
    key: str
    withdrawn_on: str


@dataclass(frozen=True, slots=True)
class Received:
    """What several files hold: contributions, each once, and withdrawals."""

    contributions: tuple[PracticeContribution, ...]
    withdrawals: tuple[Withdrawal, ...]

    @property
    def withdrawn(self) -> tuple[PracticeContribution, ...]:
        """The contributions that those who sent them have withdrawn."""
        gone = {(each.digest, each.key) for each in self.withdrawals}
        return tuple(each for each in self.contributions if (each.digest, each.key) in gone)

    @property
    def superseded(self) -> tuple[PracticeContribution, ...]:
        """The contributions of practices that have sent a later one: a practice counts once."""
        latest: dict[str, str] = {}
        for each in self.contributions:
            latest[each.key] = max(each.exported_on, latest.get(each.key, ""))
        return tuple(e for e in self.contributions if e.exported_on < latest[e.key])


def read_object(path: Path) -> dict[str, Any]:
    """The JSON object of a file.

    Raises
    ------
    RecommenderError
        When there is no such file, or it holds anything else.
    """
    try:
        if path.stat().st_size > LARGEST_FILE:
            raise RecommenderError(str(path), "is too large to be one of ours", _ASK)
        content = json.loads(path.read_bytes())
    except OSError as error:
        problem = f"cannot be read ({error.strerror})"
        raise RecommenderError(str(path), problem, "check the path") from None
    except (ValueError, RecursionError):
        raise RecommenderError(str(path), "is no JSON", _ASK) from None
    if not isinstance(content, dict):
        raise RecommenderError(str(path), "is no JSON object", _ASK)
    return content


def check_writable(path: Path) -> None:
    """Refuses a path that no file can be written to, before minutes of computing.

    Raises
    ------
    RecommenderError
        When it is a folder, or its folder does not exist.
    """
    if path.is_dir():
        raise RecommenderError(str(path), "is a folder", "name a file")
    if not path.parent.is_dir():
        raise RecommenderError(str(path), "is in no folder that exists", "create the folder first")


def write_object(path: Path, content: Mapping[str, Any]) -> None:
    """Writes an object as JSON, whole or not at all.

    Raises
    ------
    RecommenderError
        When it cannot be written.
    """
    check_writable(path)
    try:
        with atomic_write(path) as file:
            text = json.dumps(content, indent=1, sort_keys=True, allow_nan=False)
            file.write(text.encode() + b"\n")
    except OSError as error:
        problem = f"cannot be written ({error.strerror})"
        raise RecommenderError(str(path), problem, "name another file, or make room") from None


def read_received(paths: Sequence[Path]) -> Received:
    """Contributions, pools and withdrawals, each file checked; what is in several counts once.

    Raises
    ------
    RecommenderError
        For the first file that is none of these or is not sound.
    """
    contributions: dict[str, PracticeContribution] = {}
    withdrawals = []
    for path in paths:
        content = read_object(path)
        if content.get("format") == WITHDRAWAL:
            withdrawals.append(_withdrawal_from(content, str(path)))
            continue
        for each in _contributions_of(content, str(path)):
            contributions[each.digest] = each
    ordered = sorted(contributions.values(), key=lambda each: (each.contributor, each.digest))
    return Received(tuple(ordered), tuple(withdrawals))


def write_pool(path: Path, contributions: Iterable[PracticeContribution]) -> None:
    """Writes contributions into one file, each with its own signature."""
    listed = [each.to_json() for each in contributions]
    write_object(path, {"format": POOL, "version": POOL_VERSION, "contributions": listed})


def read_pool(path: Path) -> Pool:
    """The pool of a file that `write_pool` wrote, or of a single contribution.

    Raises
    ------
    RecommenderError
        As `read_received` and `Pool` do.
    """
    return Pool(read_received([path]).contributions)


def withdrawal_of(
    contribution: PracticeContribution, key: Ed25519PrivateKey, withdrawn_on: str
) -> dict[str, Any]:
    """A signed withdrawal of one's own contribution.

    Raises
    ------
    RecommenderError
        When it was signed with another key.
    """
    if contribution.key != public_text(key):
        problem = f"was signed by {contribution.contributor} with another key than this one"
        remedy = "name the folder that has the key with --state"
        raise RecommenderError("contribution", problem, remedy)
    content = {
        "format": WITHDRAWAL,
        "version": 1,
        "digest": contribution.digest,
        "contributor": contribution.contributor,
        "key": contribution.key,
        "withdrawn_on": withdrawn_on,
    }
    return signed(content, key)


def _withdrawal_from(content: Mapping[str, Any], where: str) -> Withdrawal:
    names = ("digest", "contributor", "key", "withdrawn_on")
    if not all(isinstance(content.get(name), str) for name in names) or not is_signed(content):
        problem = "is no withdrawal, or was changed after it was signed"
        raise RecommenderError(where, problem, "ask its sender for a new one")
    return Withdrawal(**{name: content[name] for name in names})


def _contributions_of(content: Mapping[str, Any], where: str) -> list[PracticeContribution]:
    if content.get("format") == FORMAT:
        return [contribution_from(content, where)]
    listed = content.get("contributions")
    if content.get("format") != POOL or not isinstance(listed, list):
        problem = "is neither a contribution, a pool nor a withdrawal"
        raise RecommenderError(where, problem, "give files that `recommender share` wrote")
    if content.get("version") != POOL_VERSION:
        problem = f"has version {content.get('version')!r}, and this program reads {POOL_VERSION}"
        raise RecommenderError(where, problem, "use the program version it was written with")
    if not listed or not all(isinstance(each, dict) for each in listed):
        raise RecommenderError(where, "has no contribution", _ASK)
    return [contribution_from(each, f"{where} {number}") for number, each in enumerate(listed, 1)]
