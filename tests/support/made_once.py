"""Folders that take seconds to fill: one worker of a parallel run fills them, all of them read."""

import fcntl
import os
from collections.abc import Callable
from pathlib import Path

import pytest


def made_once(factory: pytest.TempPathFactory, name: str, fill: Callable[[Path], object]) -> Path:
    """The folder of this name, filled by whichever worker comes first; no test may write there."""
    own: Path = factory.getbasetemp()
    # Each worker has a folder of its own within that of the run.
    home = own.parent if "PYTEST_XDIST_WORKER" in os.environ else own
    folder, filled = home / name, home / f"{name}.filled"
    with (home / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not filled.exists():
            folder.mkdir()
            fill(folder)
            filled.touch()
    return folder
