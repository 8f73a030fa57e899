"""Checks of files, settings, registry, clock and port, and the list of all checks."""

import base64
import http.client
import shutil
import socket
import stat
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from recommender.backup.checking import newest_backup
from recommender.cli.doctor.deployment import Deployment
from recommender.cli.doctor.matching_checks import check_matching_page
from recommender.cli.doctor.security_checks import (
    check_keys,
    check_open,
    check_passwords,
    check_pepper,
    check_special_keys,
    check_store,
    check_webhooks,
)
from recommender.cli.doctor.sign_in_checks import check_provider
from recommender.errors import (
    BundleError,
    Fault,
    RegistryError,
    StoreError,
    SystemLibraryError,
    TablesError,
)
from recommender.model.alliance_model import NAME
from recommender.model.bundle.integrity import diff_practices
from recommender.model.bundle.io import load_bundle
from recommender.practice.definition import read_learned_practice
from recommender.registry.locations import (
    BRING_BACK,
    artifact_folder,
    pending_move,
    published_bundles,
)
from recommender.registry.versions import registry_file
from recommender.settings import unknown_variables
from recommender.store.database import connect, database_time
from recommender.system_libraries import require_lightgbm_libraries
from recommender.tables.loader import read_roster

OLD = timedelta(days=7)
BACKUP_AGE = timedelta(hours=50)
"""Two nights and two hours: one missed nightly backup is not yet a fault."""
SPACE = 2**30
"""Free bytes that a disk must have: some months of a busy journal."""


def check_system_libraries(_: Deployment) -> Iterator[Fault]:
    """The shared libraries that LightGBM needs are installed."""
    try:
        require_lightgbm_libraries()
    except SystemLibraryError as error:
        yield Fault(error.field, error.problem, error.remedy)


def check_bundle(deployment: Deployment) -> Iterator[Fault]:
    """The bundle can be loaded."""
    try:
        if deployment.bundle is not None:
            load_bundle(deployment.bundle)
    except SystemLibraryError:
        return  # Another check reports it.
    except BundleError as error:
        yield Fault(f"bundle {error.field}", error.problem, error.remedy)


def check_definition(deployment: Deployment) -> Iterator[Fault]:
    """The model learned with the current definition."""
    model = deployment.model
    if model is None or deployment.practice is None:
        return
    learned = read_learned_practice(model.practice.text, deployment.practice)
    differs = diff_practices(learned, deployment.practice)
    if differs:
        remedy = "train on this definition and promote, or name the definition it learned with"
        problem = f"is not the definition the model learned with: {differs}"
        yield Fault("practice", problem, remedy)


def check_roster(deployment: Deployment) -> Iterator[Fault]:
    """The roster can be read, and was written recently."""
    practice = deployment.definition
    if not deployment.roster.is_file():
        yield Fault("roster", "does not exist", "name the clinicians' table with --roster")
        return
    written = datetime.fromtimestamp(deployment.roster.stat().st_mtime, UTC)
    if deployment.now - written > OLD:
        days = (deployment.now - written).days
        yield Fault("roster", f"was written {days} days ago", "export the clinicians again")
    if practice is not None:
        try:
            read_roster(deployment.roster, practice, written, deployment.table_format)
        except TablesError as error:
            yield from error.faults


def check_space(deployment: Deployment) -> Iterator[Fault]:
    """The disks of the store and the bundle have free space."""
    folders = {
        _folder(path)
        for path in (deployment.store_file, deployment.bundle, deployment.roster)
        if path
    }
    for device in {folder.stat().st_dev: folder for folder in sorted(folders)}.values():
        if shutil.disk_usage(device).free < SPACE:
            remedy = "free space or move the store; a full disk refuses every decision and rating"
            yield Fault(f"disk of {device}", "has less than 1 GiB left", remedy)


def check_permissions(deployment: Deployment) -> Iterator[Fault]:
    """Only the server's own account may read the files of the store."""
    if deployment.store_file is None:
        return
    for suffix in ("", "-wal", "-shm"):
        file = deployment.store_file.with_name(deployment.store_file.name + suffix)
        if file.is_file() and stat.S_IMODE(file.stat().st_mode) & 0o077:
            yield Fault(file.name, "can be read by other accounts", f"run `chmod 600 {file}`")


def _folder(path: Path) -> Path:
    """The nearest existing folder above a path."""
    return next(folder for folder in path.resolve().parents if folder.is_dir())


PATIENCE_SECONDS = 3.0
APART = timedelta(seconds=30)
ZONES = ("UTC", "Australia/Sydney")
SHIPPED_WITH_MLFLOW = base64.b64encode(b"admin:password1234").decode()


def check_settings(deployment: Deployment) -> Iterator[Fault]:
    """Every RECOMMENDER_ variable is a known setting."""
    for name, meant in unknown_variables(deployment.environment):
        remedy = f"write {meant}" if meant else "fix its spelling, or remove it"
        yield Fault("environment", f"sets {name}, which is not a setting", remedy)


def check_registry(deployment: Deployment) -> Iterator[Fault]:
    """The registry answers within seconds, and not to mlflow's default password."""
    if deployment.registry is None:
        return
    if not deployment.registry.startswith(("http://", "https://")):
        file = registry_file(deployment.registry)
        if file is not None and not file.is_file():
            remedy = "run `recommender train FOLDER` first, or fix --registry"
            yield Fault("registry", "does not exist", remedy)
        return
    address = f"{deployment.registry.rstrip('/')}/api/2.0/mlflow/experiments/search?max_results=1"
    status = _status(address)
    if status is None:
        remedy = "start it, or fix --registry; until then the last good model is active"
        yield Fault("registry", f"does not answer within {PATIENCE_SECONDS:.0f} seconds", remedy)
    elif status == 401 and _status(address, SHIPPED_WITH_MLFLOW) == 200:
        remedy = "change the password of its `admin` account"
        yield Fault("registry", "accepts mlflow's default password", remedy)


def check_artifacts(deployment: Deployment) -> Iterator[Fault]:
    """The locations in a registry's database are in its own folder, and its bundles are there."""
    file = registry_file(deployment.registry) if deployment.registry else None
    if file is None or not file.is_file():
        return
    try:
        move = pending_move(file, artifact_folder(file), NAME)
        bundles = published_bundles(file, NAME)
    except RegistryError as error:
        yield Fault(error.field, error.problem, error.remedy)
        return
    if move is not None:
        refusal, roots = move.refusal, ", ".join(map(str, move.roots))
        if refusal is not None:
            yield Fault(refusal.field, refusal.problem, refusal.remedy)
            return
        remedy = f"run `recommender history --registry {deployment.registry}`, which corrects it"
        yield Fault("registry", f"was moved: its database names {roots}", remedy)
        return
    for bundle in bundles:
        if not bundle.directory.is_dir():
            problem = f"bundle not found at {bundle.directory}"
            yield Fault(f"version {bundle.version}", problem, BRING_BACK)


def check_backups(deployment: Deployment) -> Iterator[Fault]:
    """The newest backup in the configured folder is recent."""
    if deployment.backups is None:
        return
    remedy = f"run `recommender backup {deployment.backups}/NAME`, and do so every night"
    try:
        newest = newest_backup(deployment.backups)
    except OSError:
        problem = "is a folder that cannot be read"
        yield Fault("backups", problem, "create it, or fix RECOMMENDER_BACKUPS")
        return
    if newest is None:
        yield Fault("backups", "holds no backup", remedy)
    elif deployment.now - newest > BACKUP_AGE:
        hours = (deployment.now - newest) // timedelta(hours=1)
        yield Fault("backups", f"newest is {hours} hours old", remedy)


def check_clock(deployment: Deployment) -> Iterator[Fault]:
    """Time zones are installed, and this clock agrees with that of the store."""
    zones = {*ZONES, *([deployment.practice.timezone] if deployment.practice else [])}
    for name in sorted(zones):
        try:
            ZoneInfo(name)
        except (ZoneInfoNotFoundError, ValueError):
            yield Fault(f"zone {name}", "is unknown", "install the package tzdata")
    if deployment.store is None or not deployment.store_there:
        return
    try:
        with closing(connect(deployment.store)) as store, store.reading() as connection:
            apart = abs(database_time(connection) - deployment.now)
    except StoreError:
        return
    if apart > APART:
        problem = f"differs from the database's by {apart.total_seconds():.0f} seconds"
        yield Fault("clock", problem, "set both by NTP")


def check_port(deployment: Deployment) -> Iterator[Fault]:
    """The port is free, or this server listens on it."""
    family = socket.AF_INET6 if ":" in deployment.host else socket.AF_INET
    with socket.socket(family) as tried:
        tried.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            tried.bind((deployment.host, deployment.port))
        except OSError:
            if not _is_ours(deployment):
                remedy = "stop the program that uses it, or choose another with --port"
                yield Fault(f"port {deployment.port}", "is in use", remedy)


def _is_ours(deployment: Deployment) -> bool:
    host = "127.0.0.1" if deployment.host in ("0.0.0.0", "::") else deployment.host
    try:
        with closing(
            http.client.HTTPConnection(host, deployment.port, timeout=PATIENCE_SECONDS)
        ) as line:
            line.request("GET", "/livez", headers={"host": deployment.allowed_hosts[0]})
            return line.getresponse().read() == b'{"status":"alive"}'
    except (OSError, http.client.HTTPException, IndexError):
        return False


def _status(address: str, basic: str | None = None) -> int | None:
    """The HTTP status of an address; None without a reply in time."""
    headers = {"Authorization": f"Basic {basic}"} if basic else {}
    try:
        request = urllib.request.Request(address, headers=headers)
        with urllib.request.urlopen(request, timeout=PATIENCE_SECONDS) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        return error.code
    except (OSError, ValueError, http.client.HTTPException):
        return None


CHECKS: tuple[Callable[[Deployment], Iterator[Fault]], ...] = (
    check_system_libraries,
    check_settings,
    check_open,
    check_bundle,
    check_definition,
    check_roster,
    check_store,
    check_permissions,
    check_pepper,
    check_keys,
    check_special_keys,
    check_passwords,
    check_webhooks,
    check_provider,
    check_matching_page,
    check_registry,
    check_artifacts,
    check_backups,
    check_clock,
    check_space,
    check_port,
)


def run_checks(deployment: Deployment) -> tuple[Fault, ...]:
    """Every fault of a deployment."""
    return tuple(fault for check in CHECKS for fault in check(deployment))
