"""Downloads of bundles, each complete, into a directory named by its digest."""

import shutil
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from recommender.errors import RegistryError
from recommender.model.bundle.archive import is_digest
from recommender.model.bundle.io import bundle_digest

ABANDONED_AFTER_SECONDS = 3600.0
"""More than any download takes."""

_UNFINISHED = ".fetching-"


def install_bundle(into: Path, digest: str, download: Callable[[Path], Path]) -> Path:
    """The directory `into/<digest>`, downloaded unless it is there.

    It is filled under another name, then renamed. Its content is validated when it is loaded.

    Parameters
    ----------
    into
        Holds one directory a bundle; created if missing.
    digest
        Of the wanted bundle, in hexadecimal.
    download
        Downloads the bundle to a path below the given directory and returns the path.
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
            # Another process finished first, with the same content.
            if not target.is_dir():
                raise
    return target


def checked_digest(digest: str) -> str:
    """The digest, if it is hexadecimal: a registry is not trusted to choose paths."""
    if not is_digest(digest):
        remedy = "publish the bundle again with `recommender train`"
        raise RegistryError("digest", "is not a hexadecimal digest", remedy)
    return digest


def verified_bundle(bundle: Path, digest: str) -> Path:
    """The bundle, if its content has this digest; else raises `BundleError` or `RegistryError`."""
    if bundle_digest(bundle) != digest:
        remedy = "do not use it; find out who changed it, then train and publish again"
        raise RegistryError("bundle", "does not have the digest it was published with", remedy)
    return bundle


def _clear_abandoned(into: Path) -> None:
    for unfinished in into.glob(f"{_UNFINISHED}*"):
        if time.time() - unfinished.stat().st_mtime > ABANDONED_AFTER_SECONDS:
            shutil.rmtree(unfinished, ignore_errors=True)
