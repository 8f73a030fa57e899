"""What is backed up is restored, row by row and bundle by bundle, into either database."""

import json
import os
import re
import resource
import shutil
import sqlite3
import stat
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import pytest
from sqlalchemy import insert, text

from recommender.backup.checking import check_backup
from recommender.backup.manifest import BackupManifest, read_manifest
from recommender.backup.restoring import Restored, restore_backup
from recommender.backup.writing import BackupSources, write_backup
from recommender.errors import BackupError, RegistryError, StoreError
from recommender.journal.audit_log import verify
from recommender.model.alliance_model import NAME
from recommender.registry.locations import published_bundles
from recommender.registry.registry import Registry
from recommender.rollout.registry_cache import registry_cache
from recommender.store.database import (
    Store,
    connect,
    connect_file,
    migrate,
    newest_version,
    open_store,
)
from recommender.store.schema import access_keys, decisions, metadata
from recommender.store.table_copy import content_of
from recommender.webhooks.deliveries import list_deliveries
from recommender.webhooks.endpoints import list_endpoints
from tests.support.journal_rows import CANARY, count, decide, recommend
from tests.support.registries import address, contents
from tests.support.webhook_receiver import subscribe

NOW = datetime(2026, 11, 28, 2, 0, tzinfo=UTC)


def quiet(step: str, share: float) -> None:
    assert 0 <= share <= 1


def back_up(
    target: Path, store: str | None = None, registry: str | None = None, bundles: Path | None = None
) -> BackupManifest:
    sources = BackupSources(store, registry, bundles, {})
    return write_backup(sources, target, now=NOW, progress=quiet)


def restore(
    backup: Path, into: Path, database: str | None = None, replace: bool = False
) -> Restored:
    return restore_backup(backup, into, database=database, replace=replace, now=NOW, progress=quiet)


def faults_of(backup: Path) -> str:
    try:
        _, faults = check_backup(backup, quiet)
    except BackupError as error:
        faults = error.faults
    return "\n".join(str(fault) for fault in faults)


@pytest.mark.both_databases("rows are copied from and to either")
def test_a_restored_copy_sends_no_webhook_and_says_how_to_send_again(
    a_store: Store, a_store_url: str, empty_url: str, tmp_path: Path
) -> None:
    subscribe(a_store, "https://example.org/")
    decide(a_store)
    back_up(tmp_path / "one", a_store_url)
    database = empty_url if empty_url.startswith("postgresql") else None
    assert restore(tmp_path / "one", tmp_path / "restored", database).webhooks_off == 1
    if database is not None:
        # As after an interruption between the database and the folder.
        assert restore(tmp_path / "one", tmp_path / "again", database).webhooks_off == 1
    url = database or f"sqlite:///{tmp_path}/restored/recommender.db"
    with closing(open_store(url)) as copy, copy.reading() as connection:
        (endpoint,) = list_endpoints(connection)
        assert (endpoint.off_since, endpoint.off_reason) == (NOW, "restored")
        (delivery,) = list_deliveries(connection, limit=9)
        assert (delivery.state, delivery.outcome) == ("failed", "endpoint_off")
    with a_store.reading() as connection:
        assert list_endpoints(connection)[0].off_since is None, "the original goes on"


@pytest.mark.both_databases("rows are copied from and to either")
def test_a_backup_of_what_was_restored_has_the_same_rows_with_the_same_content(
    store_url: str, tmp_path: Path
) -> None:
    first = back_up(tmp_path / "one", store_url)
    restored = restore(tmp_path / "one", tmp_path / "restored")
    again = back_up(tmp_path / "two", f"sqlite:///{tmp_path}/restored/recommender.db")

    assert first.store is not None
    assert first.store.tables["ratings"].rows == 2
    assert first.store == restored.store == again.store
    with closing(open_store(store_url)) as store:
        assert content_of(store) == first.store
    with closing(open_store(f"sqlite:///{tmp_path}/restored/recommender.db")) as store:
        recommend(store, "r3", "c0003")
        with store.reading() as connection:
            assert verify(connection).holds


@pytest.mark.slow
@pytest.mark.parametrize("database", ["postgresql"])
def test_a_practice_that_outgrew_its_file_goes_on_in_postgresql(
    store_url: str, empty_url: str, tmp_path: Path, database: str
) -> None:
    first = back_up(tmp_path / "one", store_url)
    restored = restore(tmp_path / "one", tmp_path / "restored", empty_url)
    assert restored.store == first.store
    assert not (tmp_path / "restored" / "recommender.db").exists()
    with closing(open_store(empty_url)) as store:
        recommend(store, "r3", "c0003")
        with store.reading() as connection:
            assert verify(connection).holds
            # A row that is numbered by the database would need its counter restored.
            counters = connection.execute(text("SELECT count(*) FROM pg_sequences"))
            assert counters.scalar_one() == 0

    shutil.rmtree(tmp_path / "restored")
    with pytest.raises(StoreError, match="has rows already; name an empty database"):
        restore(tmp_path / "one", tmp_path / "restored", empty_url)
    assert not (tmp_path / "restored").exists()
    replaced = restore(tmp_path / "one", tmp_path / "restored", empty_url, replace=True)
    assert replaced.store == first.store
    # As after a kill between the commit of the database and the folder's name.
    shutil.rmtree(tmp_path / "restored")
    assert restore(tmp_path / "one", tmp_path / "restored", empty_url).store == first.store


@pytest.mark.slow
def test_a_registry_and_its_cache_are_restored_into_another_folder_and_leave_the_first_alone(
    registry_folder: Path, tmp_path: Path
) -> None:
    backup, restored = tmp_path / "backup", tmp_path / "restored"
    written = back_up(backup, None, address(registry_folder), registry_folder / "bundles")
    assert written.registry is not None
    assert (written.registry.versions, dict(written.registry.unsound)) == (3, {})
    before = contents(registry_folder)
    restore(backup, restored)
    registry = Registry(address(restored))
    champion = registry.alias("champion")
    assert champion is not None

    assert registry.text(champion, "card.md") == "# The card\n"
    assert all(b.directory.is_relative_to(restored) for b in published_bundles(
        restored / "mlflow.db", NAME))  # fmt: skip
    cache = registry_cache(restored / "bundles", address(restored))
    assert cache.last_good() == champion.digest
    assert cache.digests() == (champion.digest,)
    assert contents(registry_folder) == before
    shutil.rmtree(registry_folder)
    assert registry.fetch("challenger", tmp_path / "fetched").is_dir()


@pytest.mark.slow
def test_a_bundle_lost_before_the_backup_is_named_and_the_others_are_restored(
    registry_folder: Path, tmp_path: Path
) -> None:
    lost, damaged = (each.directory for each in published_bundles(
        registry_folder / "mlflow.db", NAME)[:2])  # fmt: skip
    shutil.rmtree(lost)
    (damaged / "report.json").write_text("{}")
    written = back_up(tmp_path / "backup", None, address(registry_folder))
    assert written.registry is not None
    assert dict(written.registry.unsound) == {1: "bundle not found", 2: "bundle is damaged"}
    assert faults_of(tmp_path / "backup") == ""
    restore(tmp_path / "backup", tmp_path / "restored")
    registry = Registry(address(tmp_path / "restored"))
    assert registry.fetch(3, tmp_path / "fetched").is_dir()
    with pytest.raises(RegistryError, match="version 1: bundle not found"):
        registry.fetch(1, tmp_path / "fetched")


@pytest.mark.slow
def test_damage_to_any_file_of_a_backup_is_found_and_it_is_not_restored(
    registry_folder: Path, store_url: str, tmp_path: Path
) -> None:
    backup = tmp_path / "backup"
    back_up(backup, store_url, address(registry_folder), registry_folder / "bundles")
    assert faults_of(backup) == ""
    names = sorted(contents(backup))
    assert {"manifest.json", "mlflow.db", "recommender.db"} < set(names)
    for name in names:
        path = backup / name
        sound = path.read_bytes()
        middle = len(sound) // 2
        path.write_bytes(sound[:middle] + bytes([sound[middle] ^ 1]) + sound[middle + 1 :])
        assert name in faults_of(backup)
        path.unlink()
        assert name in faults_of(backup)
        path.write_bytes(sound)
    (backup / "added").write_text("")
    assert faults_of(backup).startswith("added: is not listed in the manifest")
    with pytest.raises(BackupError, match="added"):
        restore(backup, tmp_path / "restored")
    assert not (tmp_path / "restored").exists()


def rewritten(backup: Path, change: Callable[[sqlite3.Connection], object]) -> None:
    """Changes the store of a backup and makes its manifest agree with the file."""
    from recommender.backup.manifest import files_of, write_manifest

    manifest = read_manifest(backup)
    with closing(sqlite3.connect(backup / "recommender.db")) as database:
        change(database)
        database.commit()
    changes = {name: getattr(manifest, name) for name in BackupManifest.__dataclass_fields__}
    write_manifest(backup, BackupManifest(**{**changes, "files": files_of(backup)}))


@pytest.mark.parametrize(
    ("statement", "said"),
    [
        ("DELETE FROM decisions", "table decisions: has 0 rows, not 1"),
        ("DROP TRIGGER shown_never_changed; UPDATE shown SET score = 1", "another content"),
        ("PRAGMA foreign_keys = OFF; DELETE FROM subjects", "refers to a missing one"),
        ("UPDATE alembic_version SET version_num = '0003'", f"schema 0003, not {newest_version()}"),
        ("DROP TRIGGER audit_never_changed; UPDATE audit SET actor = 'x'", "audit log: row 1"),
    ],
)
def test_rows_changed_in_a_backup_are_found_though_its_hashes_were_made_to_agree(
    store_url: str, tmp_path: Path, statement: str, said: str
) -> None:
    with closing(open_store(store_url)) as store, store.writing() as connection:
        row = {"decision_id": "d1", "recommendation_id": "r1", "clinician_id": "k01"}
        row |= {"kind": "chosen", "actor": "a"}
        connection.execute(insert(decisions).values(**row, recorded_at=NOW))
    back_up(tmp_path / "backup", store_url)
    rewritten(tmp_path / "backup", lambda database: database.executescript(statement))
    assert said in faults_of(tmp_path / "backup")


def test_a_backup_of_an_earlier_version_is_restored_with_todays_schema(tmp_path: Path) -> None:
    with closing(connect_file(tmp_path / "old.db")) as old:
        migrate(old, "0002")
        with old.writing() as connection:
            key: dict[str, object] = {"key_id": "k", "name": "website", "role": "tool"}
            key |= {"pepper_mark": "m", "secret_hash": b"h", "created_at": NOW, "expires_at": NOW}
            connection.execute(insert(access_keys).values(key))
    written = back_up(tmp_path / "backup", f"sqlite:///{tmp_path}/old.db")
    restored = restore(tmp_path / "backup", tmp_path / "restored")

    assert written.store is not None
    assert restored.store is not None
    assert written.store.schema_version == "0002"
    assert restored.store.schema_version == newest_version()
    assert restored.store.tables["access_keys"].rows == 1
    with closing(connect(f"sqlite:///{tmp_path}/old.db")) as old:
        assert content_of(old).schema_version == "0002", "the store that was read was upgraded"


def test_a_store_of_a_newer_version_and_one_without_tables_are_not_backed_up(
    store_url: str, tmp_path: Path
) -> None:
    with closing(open_store(store_url)) as store, store.writing() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    for url, said in ((store_url, "newer version"), (f"sqlite:///{tmp_path}/new.db", "no tables")):
        with pytest.raises(StoreError, match=said):
            back_up(tmp_path / "backup", url)
    assert not (tmp_path / "backup").exists()


def test_a_backup_is_for_its_owner_alone_and_names_no_client_and_no_secret(
    store_url: str, tmp_path: Path
) -> None:
    back_up(tmp_path / "backup", store_url)
    restore(tmp_path / "backup", tmp_path / "restored")
    for folder in (tmp_path / "backup", tmp_path / "restored"):
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
        modes = {stat.S_IMODE((folder / name).stat().st_mode) for name in contents(folder)}
        assert modes == {0o600}
    said = (tmp_path / "backup" / "manifest.json").read_text()
    assert "c0001" not in said
    assert store_url not in said
    assert CANARY not in (tmp_path / "backup" / "recommender.db").read_bytes().decode("latin-1")


def test_a_folder_that_holds_something_is_refused_or_moved_aside_and_never_mixed(
    store_url: str, tmp_path: Path
) -> None:
    backup, into = tmp_path / "backup", tmp_path / "into"
    into.mkdir()
    (into / "note").write_text("mine")
    with pytest.raises(BackupError, match="is not empty"):
        back_up(into, store_url)
    back_up(backup, store_url)
    with pytest.raises(BackupError, match="is not empty"):
        restore(backup, into)
    restored = restore(backup, into, replace=True)
    assert restored.moved_aside == tmp_path / "into.before-20261128T020000Z"
    assert (restored.moved_aside / "note").read_text() == "mine"
    assert list(contents(into)) == ["recommender.db"]


@pytest.mark.long
def test_what_a_killed_backup_left_is_no_backup_and_is_removed_by_the_next(
    store_url: str, tmp_path: Path
) -> None:
    code = (
        "import os, signal, sys; from pathlib import Path; from datetime import datetime, UTC\n"
        "from recommender.backup.writing import BackupSources, write_backup\n"
        "def kill(step, share):\n"
        "    if step == 'hashes': os.kill(os.getpid(), signal.SIGKILL)\n"
        "write_backup(BackupSources(sys.argv[1], None, None, {}), Path(sys.argv[2]),\n"
        "             now=datetime.now(UTC), progress=kill)\n"
    )
    folder = tmp_path / "backups"
    ended = subprocess.run([sys.executable, "-c", code, store_url, str(folder / "one")])
    assert ended.returncode == -9
    assert [path.name.startswith(".one.") for path in folder.iterdir()] == [True]
    back_up(folder / "two", store_url)
    assert [path.name for path in folder.iterdir()] == ["two"]


@pytest.mark.long
def test_a_full_disk_is_said_in_a_sentence_and_nothing_half_written_is_left(
    store_url: str, tmp_path: Path
) -> None:
    words = [sys.executable, "-m", "recommender.cli", "backup", str(tmp_path / "backup")]
    words += ["--store", store_url]
    # A limit on the size of files stands for a disk that is full.
    limit = partial(resource.setrlimit, resource.RLIMIT_FSIZE, (2**16, 2**16))
    ended = subprocess.run(words, capture_output=True, text=True, cwd=tmp_path, preexec_fn=limit)
    assert ended.returncode == 1
    assert "cannot be written; free space on its disk" in " ".join(ended.stderr.split()).replace(
        "│ ", ""
    )
    assert "Traceback" not in ended.stderr
    assert not [path for path in tmp_path.iterdir() if "backup" in path.name]


@pytest.mark.skipif(os.geteuid() == 0, reason="the superuser may read every file")
def test_a_file_that_cannot_be_read_is_named(store_url: str, tmp_path: Path) -> None:
    back_up(tmp_path / "backup", store_url)
    (tmp_path / "backup" / "recommender.db").chmod(0)
    assert "recommender.db: cannot be used: permission denied" in faults_of(tmp_path / "backup")


@pytest.mark.slow
def test_a_link_among_the_artifacts_is_not_followed_out_of_the_registry(
    registry_folder: Path, tmp_path: Path
) -> None:
    bundle = published_bundles(registry_folder / "mlflow.db", NAME)[0].directory
    (tmp_path / "secret").write_text("elsewhere")
    (bundle / "link").symlink_to(tmp_path / "secret")
    with pytest.raises(BackupError, match=r"link: cannot be used"):
        back_up(tmp_path / "backup", None, address(registry_folder))
    assert not (tmp_path / "backup").exists()


def test_a_manifest_that_would_leave_the_backup_is_refused(store_url: str, tmp_path: Path) -> None:
    back_up(tmp_path / "backup", store_url)
    path = tmp_path / "backup" / "manifest.json"
    for name in ("../outside", "/etc/passwd"):
        said = re.sub(r'"recommender\.db": \{', f'"{name}": {{', path.read_text())
        path.write_text(said)
        assert "is damaged" in faults_of(tmp_path / "backup")
    read = json.loads(path.read_text())
    path.write_text(json.dumps(read | {"format": 99}))
    assert "of another format" in faults_of(tmp_path / "backup")


def test_every_table_is_copied(store_url: str, tmp_path: Path) -> None:
    written = back_up(tmp_path / "backup", store_url)
    assert written.store is not None
    with closing(open_store(store_url)) as store:
        rows = {name: count(store, table) for name, table in metadata.tables.items()}
    assert {name: table.rows for name, table in written.store.tables.items()} == rows


def test_a_remote_registry_and_a_store_that_is_not_named_are_said_not_to_be_included(
    store_url: str, tmp_path: Path
) -> None:
    written = back_up(tmp_path / "backup", store_url, "http://mlflow.example:5000")
    assert "back it up there" in written.not_included["registry"]
    with pytest.raises(BackupError, match="would hold nothing"):
        back_up(tmp_path / "other", None, "http://mlflow.example:5000")
