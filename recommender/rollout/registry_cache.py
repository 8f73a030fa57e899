"""Where the bundle cache of a registry is: each registry has its own."""

import hashlib
import os
from contextlib import suppress
from pathlib import Path

from recommender.registry.versions import registry_file
from recommender.rollout.bundle_cache import BundleCache


def registry_cache(bundles: Path, uri: str) -> BundleCache:
    """The cache of one registry below a folder; each registry has its own.

    That of a SQLite file is named by the file's path relative to the folder, so that it is found
    again after both were moved together.
    """
    file = registry_file(uri)
    identity = uri if file is None else os.path.relpath(file.resolve(), bundles.resolve())
    cache, earlier = bundles / _cache_name(identity), bundles / _cache_name(uri)
    if not cache.exists() and earlier.is_dir():
        # Earlier versions named it by the address as it was written.
        with suppress(OSError):
            earlier.rename(cache)
    return BundleCache(cache)


def _cache_name(identity: str) -> str:
    return hashlib.sha256(identity.encode()).hexdigest()[:12]
