"""What lies on disk: the bundle, the definition, the roster, the store's file, the space left."""

import shutil
import stat
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

from recommender.cli.doctor.deployment import Deployment
from recommender.errors import BundleError, Fault, TablesError
from recommender.model.alliance_model import AllianceModel
from recommender.model.bundle.io import load_bundle
from recommender.tables.loader import read_roster

OLD = timedelta(days=7)
SPACE = 2**30
"""Bytes below which a disk is called full: some months of a busy journal."""


def check_bundle(found: Deployment) -> Iterator[Fault]:
    """The model can be loaded and is what its digest says."""
    try:
        if found.bundle is not None:
            load_bundle(found.bundle)
    except BundleError as error:
        yield Fault(f"bundle {error.field}", error.problem, error.remedy)


def check_definition(found: Deployment) -> Iterator[Fault]:
    """The model learned with the definition this practice has now."""
    model = _model(found)
    if model is None or found.practice is None:
        return
    if model.manifest.practice_digest != found.practice.digest:
        remedy = "train on this definition and promote, or name the definition it learned with"
        yield Fault("practice", "is not the definition the model learned with", remedy)


def check_roster(found: Deployment) -> Iterator[Fault]:
    """The clinicians can be read without loss, and were written lately."""
    model = _model(found)
    practice = found.practice or (model.practice if model else None)
    if not found.roster.is_file():
        yield Fault("roster", "is not there", "name the clinicians' .csv or .parquet with --roster")
        return
    written = datetime.fromtimestamp(found.roster.stat().st_mtime, UTC)
    if found.now - written > OLD:
        days = (found.now - written).days
        yield Fault("roster", f"was written {days} days ago", "export the clinicians anew")
    if practice is not None:
        try:
            read_roster(found.roster, practice, written)
        except TablesError as error:
            yield from error.faults


def check_space(found: Deployment) -> Iterator[Fault]:
    """There is room to write where the store and the bundles lie."""
    folders = {_folder(path) for path in (found.store_file, found.bundle, found.roster) if path}
    for device in {folder.stat().st_dev: folder for folder in sorted(folders)}.values():
        if shutil.disk_usage(device).free < SPACE:
            remedy = "free space or move the store; a full disk refuses every decision and rating"
            yield Fault(f"disk of {device}", "has less than 1 GiB left", remedy)


def check_permissions(found: Deployment) -> Iterator[Fault]:
    """Nobody but the server's own account reads the store's files."""
    if found.store_file is None:
        return
    for suffix in ("", "-wal", "-shm"):
        file = found.store_file.with_name(found.store_file.name + suffix)
        if file.is_file() and stat.S_IMODE(file.stat().st_mode) & 0o077:
            yield Fault(file.name, "can be read by other accounts", f"run `chmod 600 {file}`")


def _model(found: Deployment) -> AllianceModel | None:
    try:
        return load_bundle(found.bundle) if found.bundle else None
    except BundleError:
        return None


def _folder(path: Path) -> Path:
    """The nearest folder above a path that is there."""
    return next(folder for folder in path.resolve().parents if folder.is_dir())
