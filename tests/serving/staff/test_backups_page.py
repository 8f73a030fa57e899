"""The list of backups, and what is said of old, damaged and unchecked ones."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from recommender.backup.manifest import note_check
from recommender.backup.writing import BackupSources, write_backup
from recommender.security.scopes import Role
from tests.support.page_reader import read, signed_in
from tests.support.server import LockedServer, TestClient, locked_server, locked_settings

BACKUPS = "/staff/practice/backups"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "backups"


@pytest.fixture
def owner(
    practice_files: Path, store_file: Path, cheap_passwords: None, folder: Path
) -> Iterator[TestClient]:
    store = f"sqlite:///{store_file}"
    with locked_server(locked_settings(practice_files, store=store, backups=folder)) as server:
        yield signed_in(server, Role.ADMIN)


def written(folder: Path, name: str, store_file: Path, *, hours: int = 1) -> Path:
    """A backup of some hours ago."""
    sources = BackupSources(f"sqlite:///{store_file}", None, None, {})
    at = datetime.now(UTC) - timedelta(hours=hours)
    write_backup(sources, folder / name, now=at, progress=lambda *_: None)
    return folder / name


def test_without_a_whole_backup_the_page_warns_and_gives_the_command(
    owner: TestClient, folder: Path, store_file: Path
) -> None:
    (folder / "half").mkdir(parents=True)
    text = read(owner, BACKUPS).text
    assert "There is no whole backup." in text
    assert "Not whole, or not a backup" in text
    assert f"recommender backup {folder}/2" in text
    assert f"--store sqlite:///{store_file}" in text


def test_a_backup_is_listed_with_its_age_and_whether_it_was_checked(
    owner: TestClient, folder: Path, store_file: Path
) -> None:
    backup = written(folder, "tonight", store_file)
    before = read(owner, BACKUPS).text
    note_check(backup, datetime.now(UTC))
    after = read(owner, BACKUPS).text
    assert "The newest backup is 1 hour old." in before
    assert "what is recorded" in before
    assert f"recommender restore {backup} --check" in before
    assert ("Not yet" in before, "Sound, " in before) == (True, False)
    assert ("Not yet" in after, "Sound, " in after) == (False, True)


def test_a_backup_of_before_yesterday_or_with_a_file_cut_short_is_no_backup_of_today(
    owner: TestClient, folder: Path, store_file: Path
) -> None:
    written(folder, "old", store_file, hours=49)
    assert "The newest backup is 2 days old." in read(owner, BACKUPS).text
    newer = written(folder, "damaged", store_file)
    (newer / "recommender.db").write_bytes(b"cut")
    text = read(owner, BACKUPS).text
    assert "Damaged: a file is missing or cut short" in text
    assert "The newest backup is 2 days old." in text


def test_a_server_that_knows_no_folder_of_backups_says_so(locked: LockedServer) -> None:
    text = read(signed_in(locked, Role.ADMIN), BACKUPS).text
    assert "does not know where backups are" in text
    assert "recommender backup /srv/backups/" in text
