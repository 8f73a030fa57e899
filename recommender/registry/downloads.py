"""Bundles on this machine's disk: each whole, in a directory named by its digest.

Knows nothing of where they come from. Imported by the registry.
"""

import shutil
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from recommender.errors import RegistryError
from recommender.model.bundle.archive import is_digest
from recommender.model.bundle.io import bundle_digest

ABANDONED_AFTER_SECONDS = 3600.0
"""Older than any download that still runs."""

_UNFINISHED = ".fetching-"


def install_bundle(into: Path, digest: str, download: Callable[[Path], Path]) -> Path:
    """The directory `into/<digest>`, downloaded unless it is there.

    It appears whole or not at all: it is filled under another name, then renamed. What it holds
    is checked by whoever loads it.

    Parameters
    ----------
    into
        Holds one directory a bundle; made when it is not there.
    digest
        Of the wanted bundle, in hexadecimal.
    download
        Puts the bundle somewhere below the directory it is given, and says where.
    """
    target = into / checked_digest(digest)
    if target.is_dir():
        return target
    into.mkdir(parents=True, exist_ok=True)
    _clear_abandoned(into)
    with tempfile.TemporaryDirectory(dir=into, prefix=_UNFINISHED) as unfinished:
        got = download(Path(unfinished))
        try:
            got.rename(target)
        except OSError:
            # Another process finished first; its copy is the same content.
            if not target.is_dir():
                raise
    return target


def checked_digest(digest: str) -> str:
    """A digest that may become the name of a directory.

    A registry is not trusted to choose our paths, so anything but hexadecimal is refused.
    """
    if not is_digest(digest):
        remedy = "publish the bundle again with `recommender train`"
        raise RegistryError("digest", "is not a hexadecimal digest", remedy)
    return digest


def verified_bundle(bundle: Path, digest: str) -> Path:
    """A bundle whose content has this digest; raises `BundleError` or `RegistryError` if not."""
    if bundle_digest(bundle) != digest:
        remedy = "do not use it; find out who changed it, then train and publish again"
        raise RegistryError("bundle", "is not what its digest was taken of", remedy)
    return bundle


def _clear_abandoned(into: Path) -> None:
    for unfinished in into.glob(f"{_UNFINISHED}*"):
        if time.time() - unfinished.stat().st_mtime > ABANDONED_AFTER_SECONDS:
            shutil.rmtree(unfinished, ignore_errors=True)
