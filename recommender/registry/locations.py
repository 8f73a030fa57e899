"""Where a registry in a SQLite file says that its artifacts lie, and what to do after a move.

mlflow stores absolute locations. Reads and writes mlflow's tables without importing mlflow.
"""

import logging
import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote, urlsplit
from urllib.request import url2pathname

from recommender.errors import RegistryError

_LOCATIONS = (
    ("experiments", "artifact_location"),
    ("runs", "artifact_uri"),
    ("logged_models", "artifact_location"),
    ("model_versions", "source"),
    ("model_versions", "storage_location"),
)
"""Columns of mlflow 3 that hold a location of what this package publishes."""
_UNUSED = "0"
"""The experiment that mlflow creates by itself, beside whatever folder a command ran in."""
BRING_BACK = (
    "bring it back from a backup with `recommender restore BACKUP`, or use another version: "
    "`recommender train FOLDER` publishes one"
)
"""The remedy for a version whose files are not found."""
PATIENCE_SECONDS = 10.0
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class PublishedBundle:
    """A version in a registry: its number, the digest it was published with, and its directory."""

    version: int
    digest: str
    directory: Path


@dataclass(frozen=True, slots=True)
class Location:
    """One cell that holds a location."""

    table: str
    column: str
    row: int
    text: str
    path: Path


@dataclass(frozen=True, slots=True)
class Move:
    """Locations that lie outside of a registry's folder, and the folders they are below."""

    home: Path
    roots: tuple[Path, ...]
    locations: tuple[Location, ...]

    def moved(self, path: Path) -> Path:
        """The same place below the registry's own folder."""
        root = next(root for root in self.roots if path.is_relative_to(root))
        return self.home / path.relative_to(root)

    @property
    def refusal(self) -> RegistryError | None:
        """Why the locations must stay as they are; None where the artifacts came along."""
        left = [
            each.path
            for each in self.locations
            if each.table != "experiments"
            and each.path.exists()
            and not self.moved(each.path).exists()
        ]
        if left:
            problem = f"artifacts are at {left[0]}, outside of the registry's folder"
            roots = " and ".join(map(str, self.roots))
            return RegistryError("registry", problem, f"copy what {roots} holds into {self.home}")
        sources = [self.moved(each.path) for each in self.locations if each.column == "source"]
        if sources and not any(source.is_dir() for source in sources):
            problem = f"was moved without its artifacts: bundle not found at {sources[-1]}"
            remedy = f"move its artifacts, once at {self.roots[0]}, to {self.home}, or restore a "
            remedy += (
                "backup with `recommender restore BACKUP`; to begin anew name another --registry"
            )
            return RegistryError("registry", problem, remedy)
        return None


def artifact_folder(file: Path) -> Path:
    """The folder for the artifacts of a registry in this file: beside it."""
    return file.resolve().parent / "mlartifacts"


def local_path(location: str) -> Path | None:
    """The path of a location on this machine's disk; None for another kind of location.

    >>> local_path("file:///srv/a%20b"), local_path("mlflow-artifacts:/1/models")
    (PosixPath('/srv/a b'), None)
    """
    parts = urlsplit(location)
    if parts.scheme == "file" and parts.netloc in ("", "localhost"):
        return Path(os.path.normpath(url2pathname(parts.path)))
    return Path(os.path.normpath(location)) if location.startswith("/") else None


def pending_move(file: Path, home: Path, name: str) -> Move | None:
    """The locations outside of `home` that must be rewritten; None where all agree.

    Raises
    ------
    RegistryError
        When the file cannot be read as a database.
    """
    with _database(file, "ro") as database:
        return _pending(database, home, name)


def follow_move(file: Path, home: Path, name: str) -> None:
    """Rewrites locations after a registry's folder was moved or copied; logs one line.

    Nothing but the database is written, and only when the artifacts are found below `home`.

    Parameters
    ----------
    file
        mlflow's SQLite file.
    home
        The folder for its artifacts.
    name
        The registered model, whose experiments are considered.

    Raises
    ------
    RegistryError
        When the artifacts did not come along, with where they are expected.
    """
    if pending_move(file, home, name) is None:
        return
    with _database(file, "rw") as database:
        database.execute("BEGIN IMMEDIATE")
        # Another process may have done it since.
        move = _pending(database, home, name)
        if move is None:
            return
        if move.refusal is not None:
            raise move.refusal
        _rewrite(database, move)
        database.execute("COMMIT")
    roots = ", ".join(map(str, move.roots))
    _log.warning("registry moved: %d locations lie in %s, not in %s", len(move.locations), home,
                 roots)  # fmt: skip


def set_home(file: Path, home: Path, name: str) -> None:
    """Rewrites locations to below `home`, the folder to which the artifacts will be moved."""
    with _database(file, "rw") as database:
        database.execute("BEGIN IMMEDIATE")
        move = _pending(database, home, name)
        if move is not None:
            _rewrite(database, move)
        database.execute("COMMIT")


def published_bundles(file: Path, name: str) -> tuple[PublishedBundle, ...]:
    """Every version whose artifacts are on this machine's disk, oldest first."""
    statement = """
        SELECT v.version, coalesce(v.storage_location, v.source), t.value
        FROM model_versions v LEFT JOIN model_version_tags t
        ON t.name = v.name AND t.version = v.version AND t.key = 'digest'
        WHERE v.name = ? AND v.current_stage <> 'Deleted_Internal' ORDER BY v.version
    """
    with _database(file, "ro") as database:
        if not _has_tables(database):
            return ()
        rows = database.execute(statement, (name,)).fetchall()
    found = ((version, local_path(str(place)), digest) for version, place, digest in rows)
    return tuple(
        PublishedBundle(int(version), str(digest or ""), place / "artifacts" / "bundle")
        for version, place, digest in found
        if place is not None
    )


def artifact_paths(file: Path) -> tuple[Path, ...]:
    """Every directory on this machine's disk that a run, logged model or version names."""
    with _database(file, "ro") as database:
        found = {
            each.path for each in _locations(database) if each.table != "experiments"
        }  # fmt: skip
    return tuple(sorted(found))


@contextmanager
def _database(file: Path, mode: str) -> Iterator[sqlite3.Connection]:
    address = f"file:{quote(str(file.resolve()))}?mode={mode}"
    try:
        with closing(
            sqlite3.connect(address, uri=True, isolation_level=None, timeout=PATIENCE_SECONDS)
        ) as database:
            yield database
    except sqlite3.Error as error:
        problem = f"database {file} cannot be {'read' if mode == 'ro' else 'written'}"
        remedy = "try again, check who may write its folder, or restore a backup with "
        remedy += "`recommender restore BACKUP`"
        raise RegistryError("registry", f"{problem} ({error})", remedy) from None


def _has_tables(database: sqlite3.Connection) -> bool:
    named = "SELECT count(*) FROM sqlite_master WHERE type = 'table' AND name = ?"
    return all(database.execute(named, (table,)).fetchone()[0] for table, _ in _LOCATIONS)


def _locations(database: sqlite3.Connection) -> Iterator[Location]:
    if not _has_tables(database):
        return
    for table, column in _LOCATIONS:
        for row, text in database.execute(f"SELECT rowid, {column} FROM {table}"):
            path = local_path(str(text)) if text else None
            if path is not None:
                yield Location(table, column, int(row), str(text), path)


def _pending(database: sqlite3.Connection, home: Path, name: str) -> Move | None:
    if not _has_tables(database):
        return None
    home = home.resolve()
    roots = sorted(
        {
            path
            for path in _experiment_folders(database, home, name)
            if not path.resolve().is_relative_to(home)
        }
    )
    if not roots:
        return None
    outside = tuple(
        each
        for each in _locations(database)
        if any(each.path.is_relative_to(root) for root in roots)
    )
    return Move(home, tuple(roots), outside)


def _experiment_folders(
    database: sqlite3.Connection, home: Path, name: str
) -> Iterator[Path]:  # fmt: skip
    """Folders of the experiments that a model's versions were trained in, or named like `home`."""
    statement = """
        SELECT experiment_id, artifact_location, experiment_id IN (
            SELECT r.experiment_id FROM runs r JOIN model_versions v ON v.run_id = r.run_uuid
            WHERE v.name = ?
        ) FROM experiments
    """
    for number, location, is_ours in database.execute(statement, (name,)):
        path = local_path(str(location or ""))
        if path is None or (str(number) == _UNUSED and not is_ours):
            continue
        if is_ours or path.name == home.name:
            yield path


def _rewrite(database: sqlite3.Connection, move: Move) -> None:
    for each in move.locations:
        path = move.moved(each.path)
        text = path.as_uri() if each.text.startswith("file:") else str(path)
        statement = f"UPDATE {each.table} SET {each.column} = ? WHERE rowid = ?"
        database.execute(statement, (text, each.row))
