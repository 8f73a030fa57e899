"""Verifies a backup without writing: files, content of the store, audit log, bundles."""

import os
import sqlite3
import stat
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from urllib.parse import quote

from recommender.backup.folders import as_backup_error, files_below, sha256_of
from recommender.backup.manifest import (
    ARTIFACTS,
    CACHE,
    CHECKED,
    MANIFEST,
    REGISTRY_FILE,
    STORE_FILE,
    BackupManifest,
    read_manifest,
)
from recommender.backup.writing import Progress, unsound_bundle
from recommender.errors import BackupError, BundleError, Fault, RegistryError, StoreError
from recommender.journal.audit_log import verify
from recommender.model.alliance_model import NAME
from recommender.model.bundle.archive import is_digest
from recommender.model.bundle.io import bundle_digest
from recommender.registry.locations import PublishedBundle, published_bundles
from recommender.store.database import known_versions, open_copy
from recommender.store.table_copy import StoreContent, content_of, damage_of

_OTHER = "use another backup"


def check_backup(folder: Path, progress: Progress) -> tuple[BackupManifest, tuple[Fault, ...]]:
    """The manifest of a backup, and everything that is wrong with the backup.

    Raises
    ------
    BackupError
        When there is no manifest, or it is damaged.
    """
    manifest = read_manifest(folder)
    with as_backup_error(folder):
        progress("files", 0.0)
        faults = [*_files(folder, manifest)]
        if not faults:
            # Only what is as it was written is worth opening.
            progress("store", 0.4)
            faults += _store(folder / STORE_FILE, manifest)
            progress("registry", 0.8)
            faults += _registry(folder, manifest)
            faults += _cache(folder / CACHE)
    return manifest, tuple(faults)


def sound_backup(folder: Path, progress: Progress) -> BackupManifest:
    """The manifest of a backup without a fault; raises `BackupError` with every fault."""
    manifest, faults = check_backup(folder, progress)
    if faults:
        raise BackupError(faults)
    return manifest


def store_faults(found: StoreContent, expected: StoreContent) -> Iterator[Fault]:
    """The tables whose content is not that of the manifest."""
    for name, table in expected.tables.items():
        other = found.tables.get(name)
        if other is None or other.rows != table.rows:
            problem = f"has {other.rows if other else 0} rows, not {table.rows}"
            yield Fault(f"table {name}", problem, _OTHER)
        elif other.sha256 != table.sha256:
            yield Fault(f"table {name}", "has another content than was written", _OTHER)


def copied_bundles(folder: Path) -> tuple[PublishedBundle, ...]:
    """The published bundles of a registry that was copied with its artifacts, where they are now.

    Its database names the places they were copied from, which all end alike.
    """
    found = published_bundles(folder / REGISTRY_FILE, NAME)
    return tuple(
        replace(each, directory=_below(folder / ARTIFACTS, each.directory)) for each in found
    )


def newest_backup(folder: Path) -> datetime | None:
    """When the newest readable backup in a folder of backups was written, UTC; None without one."""
    times = []
    for place in [folder, *(entry for entry in folder.iterdir() if entry.is_dir())]:
        if not place.name.startswith(".") and (place / MANIFEST).is_file():
            try:
                times.append(read_manifest(place).created_at)
            except BackupError:
                continue
    return max(times, default=None)


def _below(artifacts: Path, place: Path) -> Path:
    """The directory below the artifacts that ends as the place does."""
    ends = (Path(*place.parts[start:]) for start in range(1, len(place.parts)))
    there = (artifacts / end for end in ends)
    return next((path for path in there if path.is_dir()), artifacts / place.name)


def _files(folder: Path, manifest: BackupManifest) -> Iterator[Fault]:
    there = files_below(folder)
    for name, fact in manifest.files.items():
        path = there.get(name)
        if path is None:
            yield Fault(name, "is missing", _OTHER)
        elif not stat.S_ISREG(os.lstat(path).st_mode):
            yield Fault(name, "is no regular file", _OTHER)
        elif path.stat().st_size != fact.bytes or sha256_of(path) != fact.sha256:
            yield Fault(name, "is damaged: it is not as it was written", _OTHER)
    for name in sorted(set(there) - set(manifest.files) - {MANIFEST, CHECKED}):
        yield Fault(name, "is not listed in the manifest", "remove it, or use another backup")


def _store(file: Path, manifest: BackupManifest) -> Iterator[Fault]:
    expected = manifest.store
    if expected is None:
        return
    if expected.schema_version not in known_versions():
        remedy = "restore it with that version"
        yield Fault(file.name, "was written by a newer version of recommender", remedy)
        return
    damage = damage_of(file)
    if damage is not None:
        yield Fault(file.name, damage, _OTHER)
        return
    try:
        with closing(open_copy(file)) as store:
            found = content_of(store)
            yield from store_faults(found, expected)
            with store.reading() as connection:
                audit = verify(connection)
    except StoreError as error:
        yield Fault(file.name, error.problem, _OTHER)
        return
    if found.schema_version != expected.schema_version:
        problem = f"has schema {found.schema_version}, not {expected.schema_version}"
        yield Fault(file.name, problem, _OTHER)
    if not audit.holds:
        remedy = "find out when the log was altered: see `recommender audit verify` on the store"
        yield Fault("audit log", f"row {audit.first_bad} {audit.problem}", remedy)


def _registry(folder: Path, manifest: BackupManifest) -> Iterator[Fault]:
    if manifest.registry is None:
        return
    address = f"file:{quote(str((folder / REGISTRY_FILE).resolve()))}?mode=ro&immutable=1"
    try:
        with closing(sqlite3.connect(address, uri=True)) as database:
            sound = database.execute("PRAGMA integrity_check(1)").fetchone()[0] == "ok"
        bundles = copied_bundles(folder)
    except (sqlite3.Error, RegistryError):
        sound = False
    if not sound:
        yield Fault(REGISTRY_FILE, "is damaged", _OTHER)
        return
    if len(bundles) != manifest.registry.versions:
        problem = f"has {len(bundles)} versions, not {manifest.registry.versions}"
        yield Fault(REGISTRY_FILE, problem, _OTHER)
    for bundle in bundles:
        why = unsound_bundle(bundle)
        if why and bundle.version not in manifest.registry.unsound:
            yield Fault(f"version {bundle.version}", why, _OTHER)


def _cache(folder: Path) -> Iterator[Fault]:
    if not folder.is_dir():
        return
    for entry in sorted(folder.iterdir()):
        if not entry.is_dir():
            continue
        try:
            sound = is_digest(entry.name) and bundle_digest(entry) == entry.name
        except BundleError:
            sound = False
        if not sound:
            yield Fault(f"{CACHE}/{entry.name}", "does not have its digest", _OTHER)
