"""The list of backups: their age and size, whether they were checked, and the commands."""

import shlex
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Request
from starlette.responses import Response

from recommender.backup.manifest import BackupManifest, checked_at, read_manifest
from recommender.errors import BackupError
from recommender.serving.dependencies import app_state, current_snapshot
from recommender.serving.recommendation_service import today
from recommender.serving.staff.page import PRACTICE, page
from recommender.settings import Settings

BACKUPS = f"{PRACTICE}/backups"
OLD = timedelta(days=1, hours=1)
"""A nightly backup is at most a day old; one hour more for one that started late."""
MOST = 30
"""Backups that are listed."""

router = APIRouter(include_in_schema=False)


@dataclass(frozen=True, slots=True)
class ListedBackup:
    """A backup by the name of its folder; without a manifest it is not whole."""

    name: str
    manifest: BackupManifest | None
    checked_at: datetime | None = None
    complete: bool = False
    """Whether every file is there with its size."""

    @property
    def size(self) -> int:
        """Bytes of its files."""
        return sum(fact.bytes for fact in self.manifest.files.values()) if self.manifest else 0

    @property
    def created_at(self) -> datetime:
        """When it was made; long ago for what is not whole, so that it is listed last."""
        return self.manifest.created_at if self.manifest else datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class BackupCommands:
    """What is typed on the server to make, check and restore a backup, with its values."""

    make: str
    check: str
    restore: str

    @classmethod
    def of(cls, settings: Settings, newest: str | None, today: date) -> "BackupCommands":
        """The commands of a server; an address that may hold a password is not shown."""
        folder = str(settings.backups or "/srv/backups")
        store = settings.store.get_secret_value() if settings.store else ""
        options = ["--store", store] if store.startswith("sqlite") else []
        if settings.bundles is not None:
            options += ["--bundles", str(settings.bundles.parent)]
        named = f"{folder}/{newest or today.isoformat()}"
        return cls(
            shlex.join(["recommender", "backup", f"{folder}/{today.isoformat()}", *options]),
            shlex.join(["recommender", "restore", named, "--check"]),
            shlex.join(["recommender", "restore", named, "--into", "restored"]),
        )


@router.get(BACKUPS)
async def get_backups_page(request: Request) -> Response:
    """The backups in the configured folder, newest first."""
    context, now = app_state(request.app), datetime.now(UTC)
    practice, folder = current_snapshot(request.app).practice, context.settings.backups
    listed: tuple[ListedBackup, ...] = ()
    if folder is not None:
        listed = await context.queues.exclusive.run(_backups, folder)
    newest = next((each for each in listed if each.complete), None)
    name = newest.name if newest else None
    commands = BackupCommands.of(context.settings, name, today(practice))
    return page(
        request,
        "owner_backups.html",
        "Backups",
        folder=folder,
        listed=listed,
        newest=newest,
        is_old=newest is not None and now - newest.created_at > OLD,
        commands=commands,
        names_store="--store" in commands.make,
        follows=context.settings.bundles is not None,
        now=now,
        zone=ZoneInfo(practice.timezone),
    )


def _backups(folder: Path) -> tuple[ListedBackup, ...]:
    if not folder.is_dir():
        return ()
    found = (each for each in sorted(folder.iterdir()) if each.is_dir())
    listed = [_listed(each) for each in found if not each.name.startswith(".")]
    listed.sort(key=lambda each: each.created_at, reverse=True)
    return tuple(listed[:MOST])


def _listed(folder: Path) -> ListedBackup:
    try:
        manifest = read_manifest(folder)
    except BackupError:
        return ListedBackup(folder.name, None)
    complete = all(_size(folder / name) == fact.bytes for name, fact in manifest.files.items())
    return ListedBackup(folder.name, manifest, checked_at(folder), complete)


def _size(file: Path) -> int | None:
    try:
        return file.stat().st_size
    except OSError:
        return None
