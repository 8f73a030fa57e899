"""Bundles on this machine's disk: each in a directory named by its digest, and which one is active.

Two files name one: the *pointer* is what the registry last named, the *last good* what last
answered requests.
"""

import json
from dataclasses import dataclass
from pathlib import Path

from recommender.files import atomic_write
from recommender.model.bundle.archive import is_digest

_POINTER, LAST_GOOD = "offer.json", "last_good"


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
            self._replace(LAST_GOOD, digest)

    def last_good(self) -> str | None:
        """Digest of the bundle that answered last; None where none has."""
        digest = self._read(LAST_GOOD)
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
