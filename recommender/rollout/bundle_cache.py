"""Bundles on this machine's disk: each in a directory named by its digest, and which one stands.

Two files say which: the *offer* is what the registry last named, the *last good* what last
answered. Each is replaced in one step, so that a reader finds the old or the new one and never a
half. Imported by `publishing`, `serving` and `commands`.
"""

import json
import os
import tempfile
from dataclasses import dataclass
from pathlib import Path

from recommender.model.bundle.archive import is_digest

_OFFER, _LAST_GOOD = "offer.json", "last_good"


@dataclass(frozen=True, slots=True)
class RegistryPointer:
    """What the registry named when it was last asked.

    Attributes
    ----------
    digest
        Of the champion; None where there is none yet, or where the registry is away.
    refused
        Class of the error for which its bundle was not put on the shelf, or None.
    away
        Whether the registry could not be asked.
    version
        Of the champion in the registry, where it is known.
    """

    digest: str | None = None
    rejected: str | None = None
    unreachable: bool = False
    version: int | None = None


@dataclass(frozen=True, slots=True)
class BundleCache:
    """The bundles of one registry.

    Attributes
    ----------
    directory
        Holds one directory a bundle, and the two files.
    """

    directory: Path

    def bundle(self, digest: str) -> Path:
        """Where the bundle of this digest lies, if it does."""
        return self.directory / digest

    def digests(self) -> tuple[str, ...]:
        """The bundles that lie here, sorted; whether they may be opened is another question."""
        if not self.directory.is_dir():
            return ()
        return tuple(
            sorted(
                each.name
                for each in self.directory.iterdir()
                if each.is_dir() and is_digest(each.name)
            )
        )

    def write_pointer(self, offer: RegistryPointer) -> None:
        """Keeps what the registry named."""
        told = {
            "digest": offer.digest,
            "refused": offer.rejected,
            "away": offer.unreachable,
            "version": offer.version,
        }
        self._replace(_OFFER, json.dumps(told))

    def read_pointer(self) -> RegistryPointer | None:
        """What the registry last named; None where it was never asked or the file is damaged."""
        try:
            told = json.loads(self._text(_OFFER))
            digest, refused, away = told["digest"], told["refused"], told["away"]
            version = told.get("version")
        except (ValueError, KeyError, TypeError, RecursionError):
            return None
        sound = digest is None or (isinstance(digest, str) and is_digest(digest))
        sound &= version is None or isinstance(version, int)
        return (
            RegistryPointer(digest, refused and str(refused), bool(away), version)
            if sound
            else None
        )

    def clear_pointer(self) -> None:
        """Nothing is offered until the registry is asked again; what answered last stays known."""
        (self.directory / _OFFER).unlink(missing_ok=True)

    def store_last_good(self, digest: str) -> None:
        """Notes that a bundle has answered and may answer again."""
        if self.last_good() != digest:
            self._replace(_LAST_GOOD, digest)

    def last_good(self) -> str | None:
        """The bundle that answered last; None where none has."""
        digest = self._text(_LAST_GOOD)
        return digest if is_digest(digest) else None

    def _text(self, name: str) -> str:
        try:
            return (self.directory / name).read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError):
            return ""

    def _replace(self, name: str, text: str) -> None:
        """Writes a file whole, to survive a loss of power too, and puts it in the other's place."""
        self.directory.mkdir(parents=True, exist_ok=True)
        handle, unfinished = tempfile.mkstemp(dir=self.directory, prefix=f".{name}-")
        try:
            with os.fdopen(handle, "w", encoding="utf-8") as file:
                file.write(text)
                file.flush()
                os.fsync(file.fileno())
            Path(unfinished).replace(self.directory / name)
        except BaseException:
            Path(unfinished).unlink(missing_ok=True)
            raise
