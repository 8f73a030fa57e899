"""Restores a backup into a new folder, and its store into PostgreSQL if that is asked for."""

from contextlib import closing
from dataclasses import dataclass
from dataclasses import replace as replace_fields
from datetime import datetime
from pathlib import Path

from recommender.backup.checking import copied_bundles, sound_backup, store_faults
from recommender.backup.folders import (
    as_backup_error,
    copy_file,
    copy_folder,
    whole_folder,
)
from recommender.backup.manifest import (
    ARTIFACTS,
    CACHE,
    REGISTRY_FILE,
    STORE_FILE,
    BackupManifest,
    CacheFacts,
    RegistryFacts,
)
from recommender.backup.writing import Progress, unsound_bundle
from recommender.errors import BackupError, Fault
from recommender.journal.audit_log import verify
from recommender.model.alliance_model import NAME
from recommender.registry.locations import set_home
from recommender.rollout.registry_cache import registry_cache
from recommender.store.database import Store, connect_file, migrate, open_copy, open_store
from recommender.store.table_copy import StoreContent, content_of, load_copy
from recommender.webhooks.endpoints import silence


@dataclass(frozen=True, slots=True)
class Restored:
    """What was restored: the backup's manifest, and the content that the store has now.

    `moved_aside` is where the content of the folder is that was replaced; `webhooks_off` counts
    the endpoints of webhooks that were on, and are off in what was restored.
    """

    manifest: BackupManifest
    store: StoreContent | None
    moved_aside: Path | None
    webhooks_off: int


def restore_backup(
    backup: Path,
    into: Path,
    *,
    database: str | None,
    replace: bool,
    now: datetime,
    progress: Progress,
) -> Restored:
    """Verifies a backup, restores it, upgrades its schema and verifies what was restored.

    The folder appears when it is whole; a database is filled in one transaction. After an
    interruption the same call starts again, and goes on with a database that is filled already.

    Parameters
    ----------
    backup
        A folder that `write_backup` wrote.
    into
        A new or empty folder for store, registry and bundle cache.
    database
        A PostgreSQL database to restore the store into, in place of a file in the folder.
    replace
        Moves a folder with content aside, and replaces the rows of a database.
    now
        For the name of a folder that is moved aside.
    progress
        Called with each step and the share that is done.

    Raises
    ------
    BackupError
        When the backup has a fault, with every fault; when the folder is not empty; when a file
        cannot be read or written.
    StoreError
        When the database has rows, or cannot be reached.
    """
    manifest = sound_backup(backup, lambda step, done: progress(f"check: {step}", 0.3 * done))
    if database is not None and not database.startswith("postgresql"):
        remedy = "name a PostgreSQL database, or leave it out to restore into the folder"
        raise BackupError([Fault("store", "is no PostgreSQL database", remedy)])
    into, aside = into.absolute(), None
    with as_backup_error(into):
        if replace and into.is_dir() and any(into.iterdir()):
            aside = into.with_name(f"{into.name}.before-{now:%Y%m%dT%H%M%SZ}")
        with whole_folder(into, aside) as folder:
            content, webhooks_off = _restore_store(
                backup, folder, manifest, database, replace, progress
            )
            if manifest.registry is not None:
                progress("registry", 0.8)
                _restore_registry(backup, folder, into, manifest.registry)
            if manifest.cache is not None:
                progress("bundle cache", 0.9)
                _restore_cache(backup / CACHE, folder, manifest.cache)
    progress("done", 1.0)
    return Restored(manifest, content, aside, webhooks_off)


def _restore_store(
    backup: Path,
    folder: Path,
    manifest: BackupManifest,
    database: str | None,
    replace: bool,
    progress: Progress,
) -> tuple[StoreContent | None, int]:
    """The content of the restored store, and how many endpoints of webhooks it had on."""
    if manifest.store is None:
        return None, 0

    def step(table: str, share: float) -> None:
        progress(f"store: {table}", 0.3 + 0.5 * share)

    step("schema", 0.0)
    file = folder / STORE_FILE
    copy_file(backup / STORE_FILE, file)
    store = connect_file(file)
    migrate(store)
    with store.writing() as connection:
        off = silence(connection, at=manifest.created_at)
    expected = _with_webhooks(manifest.store, store) if off else manifest.store
    store.close_copy()
    if database is None:
        with closing(open_copy(file)) as copy:
            return _verified(copy, expected), off
    try:
        with closing(open_copy(file)) as copy, closing(open_store(database)) as target:
            if not _is_restored(target, expected):
                load_copy(copy, target, replace=replace, progress=step)
            return _verified(target, expected), off
    finally:
        file.unlink()


def _with_webhooks(written: StoreContent, store: Store) -> StoreContent:
    """The content of a backup, in which webhooks are as in a store that was silenced."""
    found = content_of(store).tables
    changed = {name: found[name] for name in ("webhook_endpoints", "webhook_deliveries")}
    return replace_fields(written, tables={**written.tables, **changed})


def _is_restored(target: Store, expected: StoreContent) -> bool:
    """Whether an earlier call that was interrupted has filled the database."""
    has_rows = any(table.rows for table in expected.tables.values())
    return has_rows and not any(store_faults(content_of(target), expected))


def _verified(store: Store, expected: StoreContent) -> StoreContent:
    content = content_of(store)
    faults = tuple(store_faults(content, expected))
    if faults:
        raise BackupError(faults)
    with store.reading() as connection:
        audit = verify(connection)
    if not audit.holds:
        problem, remedy = f"row {audit.first_bad} {audit.problem}", "use another backup"
        raise BackupError([Fault("audit log", problem, remedy)])
    return content


def _restore_registry(backup: Path, folder: Path, into: Path, facts: RegistryFacts) -> None:
    copy_file(backup / REGISTRY_FILE, folder / REGISTRY_FILE)
    copy_folder(backup / ARTIFACTS, folder / ARTIFACTS)
    set_home(folder / REGISTRY_FILE, into / ARTIFACTS, NAME)
    faults = [
        Fault(f"version {bundle.version}", why, "use another backup")
        for bundle in copied_bundles(folder)
        if (why := unsound_bundle(bundle)) and bundle.version not in facts.unsound
    ]
    if faults:
        raise BackupError(faults)


def _restore_cache(backup: Path, folder: Path, facts: CacheFacts) -> None:
    """Under the name by which a server looks for the cache of this registry."""
    if facts.name is None:
        cache = registry_cache(folder / CACHE, f"sqlite:///{folder / REGISTRY_FILE}").directory
    else:
        cache = folder / CACHE / facts.name
    copy_folder(backup, cache)
