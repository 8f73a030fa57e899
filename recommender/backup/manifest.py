"""The manifest of a backup: what it holds, with sizes, hashes, schema versions and counts."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from hashlib import sha256
from importlib.metadata import version
from pathlib import Path, PurePosixPath
from typing import Any

from recommender.backup.folders import files_below, sha256_of
from recommender.errors import BackupError, Fault
from recommender.files import atomic_write
from recommender.store.table_copy import StoreContent, TableContent

FORMAT = 1
MANIFEST, CHECKED = "manifest.json", "checked.json"
STORE, REGISTRY, BUNDLES = "store", "registry", "bundles"
STORE_FILE, REGISTRY_FILE, ARTIFACTS, CACHE = (
    "recommender.db",
    "mlflow.db",
    "mlartifacts",
    "bundles",
)
"""Names of the parts in a backup, and in the folder it is restored into."""
MAX_MANIFEST_BYTES = 64 * 2**20


@dataclass(frozen=True, slots=True)
class FileFact:
    """The size of a file, and its SHA-256 in hexadecimal."""

    bytes: int
    sha256: str


@dataclass(frozen=True, slots=True)
class RegistryFacts:
    """The versions in a copied registry.

    `unsound` says of a version why its bundle was not usable when it was copied.
    """

    versions: int
    unsound: Mapping[int, str]


@dataclass(frozen=True, slots=True)
class CacheFacts:
    """The bundles in a copied cache, and the name of the cache; none for a local registry."""

    bundles: int
    name: str | None


@dataclass(frozen=True, slots=True)
class BackupManifest:
    """What a backup holds.

    Attributes
    ----------
    created_at
        UTC: the store is copied as of a moment after it.
    program
        Version of the program that wrote it.
    store, registry, cache
        None for a part that is not included.
    not_included
        Why, by the name of the part.
    files
        Every file by its path in the backup, but for the manifest.
    """

    created_at: datetime
    program: str
    store: StoreContent | None
    registry: RegistryFacts | None
    cache: CacheFacts | None
    not_included: Mapping[str, str]
    files: Mapping[str, FileFact]


def program_version() -> str:
    """The version of this program."""
    return version("recommender")


def files_of(folder: Path) -> dict[str, FileFact]:
    """Size and hash of every file of a backup but its manifest."""
    return {
        name: FileFact(path.stat().st_size, sha256_of(path))
        for name, path in files_below(folder).items()
        if name != MANIFEST
    }


def write_manifest(folder: Path, manifest: BackupManifest) -> None:
    """Writes the manifest into a backup."""
    content = _json(asdict(manifest) | {"created_at": manifest.created_at.isoformat()})
    with atomic_write(folder / MANIFEST) as file:
        file.write(_with_own_hash(content))
    (folder / MANIFEST).chmod(0o600)


def read_manifest(folder: Path) -> BackupManifest:
    """The manifest of a backup.

    Raises
    ------
    BackupError
        When there is none, it is damaged, or of another format.
    """
    path = folder / MANIFEST
    try:
        with path.open("rb") as file:
            content = file.read(MAX_MANIFEST_BYTES)
    except OSError:
        remedy = "name a folder that `recommender backup` wrote"
        raise _fault(f"{folder}", f"has no readable {MANIFEST}", remedy) from None
    try:
        read = json.loads(content)
        of_format = read["format"]
        if of_format == FORMAT and _with_own_hash(_json(_without_frame(read))) == content:
            return _manifest(read)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        of_format = FORMAT
    if of_format != FORMAT:
        remedy = "restore it with the version of recommender that wrote it"
        raise _fault(MANIFEST, "is of another format", remedy)
    raise _fault(MANIFEST, "is damaged", "use another backup")


def note_check(folder: Path, at: datetime) -> None:
    """Writes beside the manifest that all of the backup was read and is sound."""
    with atomic_write(folder / CHECKED) as file:
        file.write(json.dumps({"sound_at": at.isoformat()}).encode())
    (folder / CHECKED).chmod(0o600)


def checked_at(folder: Path) -> datetime | None:
    """When all of the backup was last read and found sound, UTC; None if that is not known."""
    try:
        noted = json.loads((folder / CHECKED).read_bytes())
        return datetime.fromisoformat(noted["sound_at"]).astimezone(UTC)
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _manifest(read: Mapping[str, Any]) -> BackupManifest:
    store, registry, cache = read["store"], read["registry"], read["cache"]
    files = {name: FileFact(int(f["bytes"]), str(f["sha256"])) for name, f in read["files"].items()}
    if not all(_is_inside(name) for name in files):
        raise ValueError
    return BackupManifest(
        created_at=datetime.fromisoformat(read["created_at"]).astimezone(UTC),
        program=str(read["program"]),
        store=None
        if store is None
        else StoreContent(
            str(store["schema_version"]),
            {n: TableContent(int(t["rows"]), str(t["sha256"])) for n, t in store["tables"].items()},
        ),
        registry=None
        if registry is None
        else RegistryFacts(
            int(registry["versions"]),
            {int(number): str(why) for number, why in registry["unsound"].items()},
        ),
        cache=None if cache is None else CacheFacts(int(cache["bundles"]), _cache_name(cache)),
        not_included={str(part): str(why) for part, why in read["not_included"].items()},
        files=files,
    )


def _cache_name(cache: Mapping[str, Any]) -> str | None:
    name = cache["name"]
    if name is not None:
        bytes.fromhex(name)
    return name and str(name)


def _is_inside(name: str) -> bool:
    path = PurePosixPath(name)
    return not path.is_absolute() and ".." not in path.parts and path.as_posix() == name


def _json(facts: Mapping[str, Any]) -> Mapping[str, Any]:
    framed: Mapping[str, Any] = json.loads(json.dumps({"format": FORMAT, **facts}))
    return framed


def _without_frame(read: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in read.items() if name not in ("format", "itself")}


def _with_own_hash(facts: Mapping[str, Any]) -> bytes:
    return _text(dict(facts) | {"itself": sha256(_text(facts)).hexdigest()})


def _text(facts: Mapping[str, Any]) -> bytes:
    return json.dumps(facts, indent=1, sort_keys=True, allow_nan=False).encode()


def _fault(where: str, problem: str, remedy: str) -> BackupError:
    return BackupError([Fault(where, problem, remedy)])
