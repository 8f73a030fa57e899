"""Folders that appear whole or not at all, and copies of files for their owner alone."""

import errno
import fcntl
import hashlib
import os
import shutil
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from recommender.errors import BackupError, Fault

_UNFINISHED = ".unfinished"
_CHUNK = 2**20


@contextmanager
def whole_folder(target: Path, aside: Path | None = None) -> Iterator[Path]:
    """A new folder that gets its name when the block ends without an error.

    It is filled under another name beside it. What a killed process left under such a name is
    removed first. What the target holds is moved to `aside`, or refused without one.

    Raises
    ------
    BackupError
        When the target exists and is not empty, or cannot be written.
    """
    if aside is None:
        refuse_content(target)
    with as_backup_error(target):
        target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        _remove_abandoned(target.parent)
        unfinished = target.with_name(f".{target.name}.{os.getpid()}{_UNFINISHED}")
        unfinished.mkdir(mode=0o700)
        held = os.open(unfinished, os.O_RDONLY)
        try:
            # The lock ends with the process, however that ends.
            fcntl.flock(held, fcntl.LOCK_EX)
            yield unfinished
            _sync_folders(unfinished)
            if aside is not None:
                target.rename(aside)
            unfinished.rename(target)
            _sync_folder(target.parent)
        except BaseException:
            shutil.rmtree(unfinished, ignore_errors=True)
            raise
        finally:
            os.close(held)


def refuse_content(target: Path) -> None:
    """Raises `BackupError` unless the target is missing or an empty folder."""
    with as_backup_error(target):
        if target.is_symlink() or (target.exists() and not target.is_dir()):
            _refuse(str(target), "is no folder", "name a new folder")
        if target.is_dir() and any(target.iterdir()):
            _refuse(str(target), "is not empty", "name a new folder")


def copy_folder(source: Path, target: Path) -> None:
    """Copies a folder of files and folders; a link or a device in it is an error."""
    target.mkdir(mode=0o700, parents=True, exist_ok=True)
    for entry in sorted(os.scandir(source), key=lambda entry: entry.name):
        path = Path(entry.path)
        if entry.is_dir(follow_symlinks=False):
            copy_folder(path, target / entry.name)
        else:
            copy_file(path, target / entry.name)


def copy_file(source: Path, target: Path) -> None:
    """Copies a regular file and waits until it is on disk; only its owner may read the copy."""
    # A link could name any file of the machine, and a pipe would never end.
    opened = os.open(source, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    with os.fdopen(opened, "rb") as read:
        if not stat.S_ISREG(os.fstat(opened).st_mode):
            raise OSError(errno.EINVAL, "no regular file", str(source))
        opened_copy = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(opened_copy, "wb") as written:
            shutil.copyfileobj(read, written, _CHUNK)
            written.flush()
            os.fsync(opened_copy)


def sha256_of(file: Path) -> str:
    """The SHA-256 of a regular file, in hexadecimal."""
    digest = hashlib.sha256()
    with os.fdopen(os.open(file, os.O_RDONLY | os.O_NOFOLLOW), "rb") as read:
        while chunk := read.read(_CHUNK):
            digest.update(chunk)
    return digest.hexdigest()


def files_below(folder: Path) -> dict[str, Path]:
    """Every file below a folder by its path relative to it, `/` between names, sorted."""
    found = {}
    for directory, _, names in os.walk(folder):
        for name in names:
            path = Path(directory) / name
            found[path.relative_to(folder).as_posix()] = path
    return dict(sorted(found.items()))


@contextmanager
def as_backup_error(place: Path) -> Iterator[None]:
    """Errors of files as a `BackupError` that names the file and what the system answers."""
    try:
        yield
    except OSError as error:
        full = error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
        remedy = "free space on its disk" if full else "check that it exists and who may use it"
        problem = f"cannot be used: {(error.strerror or 'unknown error').lower()}"
        fault = Fault(str(error.filename or place), problem, f"{remedy}, then run it again")
        raise BackupError([fault]) from None


def _refuse(where: str, problem: str, remedy: str) -> None:
    raise BackupError([Fault(where, problem, remedy)])


def _remove_abandoned(folder: Path) -> None:
    """Removes what killed processes left; a folder that is being filled is locked."""
    for left in folder.glob(f".*{_UNFINISHED}"):
        with suppress(OSError):
            held = os.open(left, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
            try:
                fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(left)
            finally:
                os.close(held)


def _sync_folders(folder: Path) -> None:
    for directory, _, _ in os.walk(folder):
        _sync_folder(Path(directory))


def _sync_folder(folder: Path) -> None:
    opened = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)
