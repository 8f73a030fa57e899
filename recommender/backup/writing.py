"""Writes a backup: the store as of one moment, the registry with its artifacts, cached bundles."""

import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from urllib.parse import quote

from recommender.backup.folders import as_backup_error, copy_file, copy_folder, whole_folder
from recommender.backup.manifest import (
    ARTIFACTS,
    CACHE,
    REGISTRY,
    REGISTRY_FILE,
    STORE,
    STORE_FILE,
    BackupManifest,
    CacheFacts,
    RegistryFacts,
    files_of,
    program_version,
    write_manifest,
)
from recommender.errors import BackupError, BundleError, Fault
from recommender.model.alliance_model import NAME
from recommender.model.bundle.io import bundle_digest
from recommender.registry.locations import (
    PublishedBundle,
    artifact_folder,
    artifact_paths,
    follow_move,
    published_bundles,
)
from recommender.registry.versions import registry_file
from recommender.rollout.bundle_cache import LAST_GOOD
from recommender.rollout.registry_cache import registry_cache
from recommender.store.database import connect
from recommender.store.table_copy import StoreContent, write_copy

Progress = Callable[[str, float], None]
"""Called with the step and the share that is done."""
REMOTE = "it is a server with a disk of its own: back it up there"


@dataclass(frozen=True, slots=True)
class BackupSources:
    """What is copied.

    Attributes
    ----------
    store
        The address of the database; None leaves it out.
    registry
        The address of mlflow; None leaves it out. Only one in a SQLite file is copied.
    bundles
        The folder of bundle caches; None leaves it out.
    left_out
        Why a part is left out, by its name.
    """

    store: str | None = field(repr=False)
    registry: str | None = field(repr=False)
    bundles: Path | None
    left_out: dict[str, str]


def write_backup(
    sources: BackupSources, target: Path, *, now: datetime, progress: Progress
) -> BackupManifest:
    """Copies store, registry and bundle cache into a new folder, which appears when it is whole.

    A server, a training or a promotion may go on meanwhile.

    Parameters
    ----------
    sources
        What is copied.
    target
        A new or empty folder. It holds personal data: its files are for their owner alone.
    now
        Stored in the manifest; UTC.
    progress
        Called with each step and the share that is done.

    Raises
    ------
    BackupError
        When there is nothing to copy, the folder is not empty, or a file cannot be read or written.
    StoreError, RegistryError
        When the store or the registry cannot be read.
    """
    with whole_folder(target) as folder, as_backup_error(target):
        store = None
        if sources.store is not None:
            store = _copy_store(sources.store, folder / STORE_FILE, progress)
        left_out = dict(sources.left_out)
        registry = None
        if sources.registry is not None:
            file = registry_file(sources.registry)
            if file is None:
                left_out[REGISTRY] = REMOTE
            else:
                registry = _copy_registry(file, folder, progress)
        cache = None
        if sources.bundles is not None and sources.registry is not None:
            progress("bundle cache", 0.8)
            cache = _copy_cache(sources.bundles, sources.registry, folder / CACHE)
        if store is None and registry is None:
            remedy = "name the store with --store, or a local registry with --registry"
            raise BackupError([Fault("backup", "would hold nothing", remedy)])
        progress("hashes", 0.9)
        manifest = BackupManifest(
            now, program_version(), store, registry, cache, left_out, files_of(folder)
        )
        write_manifest(folder, manifest)
    progress("done", 1.0)
    return manifest


def unsound_bundle(bundle: PublishedBundle) -> str | None:
    """What is wrong with a published bundle, or None."""
    if not bundle.directory.is_dir():
        return "bundle not found"
    try:
        same = bundle_digest(bundle.directory) == bundle.digest
    except BundleError:
        same = False
    return None if same else "bundle is damaged"


def _copy_store(url: str, file: Path, progress: Progress) -> StoreContent:
    with closing(connect(url)) as source:
        return write_copy(
            source, file, lambda table, share: progress(f"{STORE}: {table}", 0.5 * share)
        )


def _copy_registry(file: Path, folder: Path, progress: Progress) -> RegistryFacts:
    """The database first: what it names was written before, and does not change afterwards."""
    home, copied = artifact_folder(file), folder / REGISTRY_FILE
    follow_move(file, home, NAME)
    progress(f"{REGISTRY}: database", 0.5)
    _copy_database(file, copied)
    (folder / ARTIFACTS).mkdir(mode=0o700)
    paths = [path for path in artifact_paths(copied) if path.is_relative_to(home)]
    for number, path in enumerate(paths):
        progress(f"{REGISTRY}: artifacts", 0.5 + 0.3 * number / len(paths))
        place = folder / ARTIFACTS / path.relative_to(home)
        # A run that logged nothing has no folder.
        if path.is_dir() and not place.exists():
            copy_folder(path, place)
    bundles = [
        replace(each, directory=folder / ARTIFACTS / each.directory.relative_to(home))
        if each.directory.is_relative_to(home)
        else each
        for each in published_bundles(copied, NAME)
    ]
    unsound = {each.version: why for each in bundles if (why := unsound_bundle(each))}
    return RegistryFacts(len(bundles), unsound)


def _copy_database(file: Path, copied: Path) -> None:
    address = f"file:{quote(str(file.resolve()))}?mode=ro"
    copied.touch(mode=0o600)
    try:
        with (
            closing(sqlite3.connect(address, uri=True)) as source,
            closing(sqlite3.connect(copied, isolation_level=None)) as target,
        ):
            source.backup(target)
            target.execute("PRAGMA journal_mode = DELETE")
    except sqlite3.Error as error:
        remedy = "free space on the disk of the backup, or try again"
        fault = Fault("registry", f"database cannot be copied ({error})", remedy)
        raise BackupError([fault]) from None


def _copy_cache(bundles: Path, registry: str, folder: Path) -> CacheFacts:
    """The bundles that have their digest; the server would download any other again."""
    cache, count = registry_cache(bundles, registry), 0
    folder.mkdir(mode=0o700)
    for digest in cache.digests():
        try:
            sound = bundle_digest(cache.bundle(digest)) == digest
        except BundleError:
            sound = False
        if sound:
            copy_folder(cache.bundle(digest), folder / digest)
            count += 1
    last_good = cache.last_good()
    if last_good is not None and (folder / last_good).is_dir():
        copy_file(cache.directory / LAST_GOOD, folder / LAST_GOOD)
    is_local = registry_file(registry) is not None
    return CacheFacts(count, None if is_local else cache.directory.name)
