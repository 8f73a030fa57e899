"""Bundles on this machine's disk: each in a directory named by its digest, and which one is active.

Two files name one: the *pointer* is what the registry last named, the *last good* what last
answered requests.
"""

import hashlib
import json
import os
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from recommender.files import atomic_write
from recommender.model.bundle.archive import is_digest
from recommender.registry.versions import registry_file

_POINTER, _LAST_GOOD = "offer.json", "last_good"


@dataclass(frozen=True, slots=True)
class RegistryPointer:
    """The champion that the registry named when it was last asked; its digest is None without one.

    `rejected` is the class of the error for which its bundle was not cached, or None.
    """

    digest: str | None = None
    rejected: str | None = None
    unreachable: bool = False
    version: int | None = None


@dataclass(frozen=True, slots=True)
class BundleCache:
    """The bundles of one registry: a directory with one directory a bundle, and the two files."""

    directory: Path

    def bundle(self, digest: str) -> Path:
        """The directory of the bundle of this digest, whether it exists or not."""
        return self.directory / digest

    def digests(self) -> tuple[str, ...]:
        """Digests of the bundles in the cache, sorted; none of them is validated here."""
        if not self.directory.is_dir():
            return ()
        entries = (entry for entry in self.directory.iterdir() if entry.is_dir())
        return tuple(sorted(entry.name for entry in entries if is_digest(entry.name)))

    def write_pointer(self, pointer: RegistryPointer) -> None:
        """Stores what the registry named."""
        content = {
            "digest": pointer.digest,
            "refused": pointer.rejected,
            "away": pointer.unreachable,
            "version": pointer.version,
        }
        self._replace(_POINTER, json.dumps(content))

    def read_pointer(self) -> RegistryPointer | None:
        """What the registry last named; None where it was never asked or the file is damaged."""
        try:
            content = json.loads(self._read(_POINTER))
            digest, rejected = content["digest"], content["refused"]
            unreachable, version = content["away"], content.get("version")
        except (ValueError, KeyError, TypeError, RecursionError):
            return None
        is_sound = digest is None or (isinstance(digest, str) and is_digest(digest))
        if not is_sound or not (version is None or isinstance(version, int)):
            return None
        return RegistryPointer(digest, rejected and str(rejected), bool(unreachable), version)

    def clear_pointer(self) -> None:
        """Removes the pointer until the registry is asked again; the last good bundle stays."""
        (self.directory / _POINTER).unlink(missing_ok=True)

    def store_last_good(self, digest: str) -> None:
        """Records that a bundle has answered and may answer again."""
        if self.last_good() != digest:
            self._replace(_LAST_GOOD, digest)

    def last_good(self) -> str | None:
        """Digest of the bundle that answered last; None where none has."""
        digest = self._read(_LAST_GOOD)
        return digest if is_digest(digest) else None

    def _read(self, name: str) -> str:
        try:
            return (self.directory / name).read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError):
            return ""

    def _replace(self, name: str, text: str) -> None:
        self.directory.mkdir(parents=True, exist_ok=True)
        with atomic_write(self.directory / name) as file:
            file.write(text.encode())


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
