"""The first page for the owner, the check of the audit log, and the list of backups."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Request
from starlette.responses import Response

from recommender.backup.manifest import BackupManifest, read_manifest
from recommender.errors import BackupError
from recommender.journal.audit_log import ChainVerification, verify
from recommender.security.scopes import Scope
from recommender.serving.authorization import caller
from recommender.serving.dependencies import app_state, current_snapshot
from recommender.serving.idempotency import require_store
from recommender.serving.staff.page import CLINICIANS, PRACTICE, page

AUDIT, BACKUPS = f"{PRACTICE}/audit", f"{PRACTICE}/backups"
PAGES = (
    (CLINICIANS, "Clinicians", "hours, places and absences of each", Scope.ROSTER_READ),
    (f"{PRACTICE}/roster", "Import a roster file", "with a preview of what changes",
     Scope.ROSTER_WRITE),
    (f"{PRACTICE}/accounts", "Accounts and roles", "who may sign in, and what they may do",
     Scope.ACCESS_MANAGE),
    (f"{PRACTICE}/keys", "Keys", "of programs and web pages", Scope.ACCESS_MANAGE),
    (f"{PRACTICE}/privacy", "Privacy requests", "access to, and erasure of, one client's data",
     Scope.PRIVACY_MANAGE),
    (AUDIT, "Audit check", "whether the record of who did what is whole", Scope.AUDIT_READ),
    (BACKUPS, "Backups", "when the last one was made, and how to restore", Scope.ACCESS_MANAGE),
)  # fmt: skip
"""Address, name and purpose of each page, and what it takes to see it."""
OLD = timedelta(hours=26)
"""A nightly backup is at most a day old; two hours more for one that started late."""

router = APIRouter(include_in_schema=False)


@dataclass(frozen=True, slots=True)
class ListedBackup:
    """A backup by the name of its folder; without a manifest it is not whole."""

    name: str
    manifest: BackupManifest | None

    @property
    def size(self) -> int:
        """Bytes of its files."""
        return sum(fact.bytes for fact in self.manifest.files.values()) if self.manifest else 0


@router.get(PRACTICE)
async def get_overview(request: Request) -> Response:
    """What the owner of a practice may look after."""
    pages = [each for each in PAGES if caller(request).may(each[3])]
    return page(request, "owner_overview.html", "Practice", pages=pages)


@router.get(AUDIT)
async def get_audit_page(request: Request) -> Response:
    """What the check does, and the button that runs it."""
    require_store(request)
    return _audit_page(request, None)


@router.post(AUDIT)
async def post_audit_check(request: Request) -> Response:
    """Verifies the audit log from its first stored row."""
    store, context = require_store(request), app_state(request.app)

    def work() -> ChainVerification:
        with store.reading() as connection:
            return verify(connection, context.settings.anchors)

    return _audit_page(request, await context.queues.exclusive.run(work))


@router.get(BACKUPS)
async def get_backups_page(request: Request) -> Response:
    """The backups in the configured folder, newest first."""
    folder, now = app_state(request.app).settings.backups, datetime.now(UTC)
    listed: tuple[ListedBackup, ...] = ()
    if folder is not None:
        listed = await app_state(request.app).queues.exclusive.run(_backups, folder)
    newest = next((each.manifest for each in listed if each.manifest is not None), None)
    return page(
        request,
        "owner_backups.html",
        "Backups",
        configured=folder is not None,
        listed=listed,
        newest=newest,
        is_old=newest is not None and now - newest.created_at > OLD,
        zone=ZoneInfo(current_snapshot(request.app).practice.timezone),
    )


def _audit_page(request: Request, verdict: ChainVerification | None) -> Response:
    anchored = app_state(request.app).settings.anchors is not None
    return page(request, "owner_audit.html", "Audit check", verdict=verdict, anchored=anchored)


def _backups(folder: Path) -> tuple[ListedBackup, ...]:
    if not folder.is_dir():
        return ()
    listed = [
        ListedBackup(each.name, _manifest(each)) for each in folder.iterdir() if each.is_dir()
    ]
    listed.sort(key=lambda each: each.name)
    listed.sort(key=_created_at, reverse=True)
    return tuple(listed)


def _created_at(listed: ListedBackup) -> datetime:
    return listed.manifest.created_at if listed.manifest else datetime.min.replace(tzinfo=UTC)


def _manifest(folder: Path) -> BackupManifest | None:
    try:
        return read_manifest(folder)
    except BackupError:
        return None
