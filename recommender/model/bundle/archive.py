"""The files of a bundle: a closed set of names, each with the checksum in its listing."""

import hashlib
import io
import json
import math
import os
import re
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

from recommender.errors import BundleError

FORMAT = 2
PRACTICE, FACTS, REPORT, ARRAYS = "practice.toml", "manifest.json", "report.json", "arrays.npz"
CLIENT, PAIRING = "client_trees.txt", "pairing_trees.txt"
LISTING = "digest.json"
ALLOWED = frozenset({PRACTICE, FACTS, REPORT, ARRAYS, CLIENT, PAIRING})
MAX_FILE_BYTES = 64 * 2**20
"""Bytes a file may have, the arrays unpacked: some hundred times what shipped settings write."""
MAX_LISTING_BYTES = 64 * 2**10
_DIGEST = re.compile(r"[0-9a-f]{8,128}")


@dataclass(frozen=True, slots=True)
class BundleArchive:
    """The checked files of a bundle, their bytes without the listing.

    `digest` is SHA-256 over the checksums of the files, the name of the bundle. `created_at` is
    when the model was trained, UTC, ISO 8601; empty where that is not recorded.
    """

    contents: Mapping[str, bytes]
    created_at: str
    digest: str


def write_files(directory: Path, contents: Mapping[str, bytes], created_at: str) -> str:
    """Writes the files and their listing into a directory and gives the digest."""
    for name, content in contents.items():
        (directory / name).write_bytes(content)
    (directory / LISTING).write_bytes(listing(_sums(contents), created_at))
    return digest_of(contents)


def read_files(directory: Path) -> BundleArchive:
    """Content of every file, checked against the listing before anything parses it.

    Raises
    ------
    BundleError
        When a file is missing, added, changed, too large or no file, or of another format.
    """
    sums, created_at = _listed(directory)
    contents = {}
    for name, expected in sums.items():
        content = _content(directory / name, MAX_FILE_BYTES)
        if content is None:
            raise BundleError(name, "is too large or no file", "fetch the bundle again")
        if _sum(content) != expected:
            raise BundleError(name, "does not match its digest", "fetch the bundle again")
        contents[name] = content
    return BundleArchive(contents, created_at, digest_of(contents))


def listing(sums: Mapping[str, str], created_at: str) -> bytes:
    """The content of `digest.json`: the SHA-256 of every file, and one of itself.

    It has the time of training, which no digest covers, so that equal training gives equal digests.
    """
    listed = {"format": FORMAT, "files": dict(sums), "created_at": created_at}
    return _json(listed | {"itself": _sum(_json(listed))})


def digest_of(contents: Mapping[str, bytes]) -> str:
    """The digest of a bundle of these files."""
    return _sum(json.dumps(_sums(contents), sort_keys=True).encode())


def _listed(directory: Path) -> tuple[dict[str, str], str]:
    """The files of a bundle with their checksums, and the time of training."""
    content = _content(directory / LISTING, MAX_LISTING_BYTES)
    try:
        listed = json.loads(content or b"")
        of_format, sums, created_at = listed["format"], listed["files"], listed["created_at"]
        there = {entry.name for entry in os.scandir(directory)}
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        remedy = "fetch the bundle again from the registry"
        raise BundleError(directory.name, "has no readable digest.json", remedy) from None
    if of_format != FORMAT:
        raise BundleError(directory.name, "is of another format", "train again with this version")
    if not _is_sound_listing(sums, created_at) or listing(sums, created_at) != content:
        raise BundleError(LISTING, "does not match its own sum", "fetch the bundle again")
    if not set(sums) <= ALLOWED:
        raise BundleError(LISTING, "lists files that no bundle has", "fetch the bundle again")
    if there - {LISTING} != set(sums):
        problem = "has files its digest does not list, or lacks some"
        raise BundleError(directory.name, problem, "fetch the bundle again")
    return sums, created_at


def _is_sound_listing(sums: Any, created_at: Any) -> bool:
    """Whether the listing has checksums and a time, or none."""
    try:
        day = not created_at or bool(datetime.fromisoformat(created_at))
        return day and all(len(bytes.fromhex(each)) == 32 for each in sums.values())
    except (AttributeError, TypeError, ValueError):
        return False


def _content(path: Path, max_bytes: int) -> bytes | None:
    """Bytes of a regular file that is no larger; None for a link, a device or a directory."""
    try:
        # A link could name any file of the machine, and a pipe would never end.
        opened = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
        with os.fdopen(opened, "rb") as file:
            content = file.read(max_bytes + 1)
    except OSError:
        return None
    return content if len(content) <= max_bytes else None


def _sums(contents: Mapping[str, bytes]) -> dict[str, str]:
    return {name: _sum(content) for name, content in contents.items()}


def _sum(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _json(facts: Mapping[str, Any]) -> bytes:
    return json.dumps(facts, indent=1, sort_keys=True, allow_nan=False).encode()


def is_digest(text: str) -> bool:
    """Whether a text is a hexadecimal digest, and so may become the name of a directory."""
    return _DIGEST.fullmatch(text) is not None


MAX_ARRAYS = 1_000
"""Arrays in a bundle; a model of the shipped definition has some seventy."""
DTYPES = frozenset({"<f8", "<f4", "<i8"})
MAX_AXES = 3
SUFFIX = ".npy"
_ENCRYPTED = 0x1


def packed(arrays: Mapping[str, NDArray[Any]]) -> bytes:
    """Named arrays as the bytes of one `.npz`; equal arrays give equal bytes."""
    buffer = io.BytesIO()
    np.savez_compressed(buffer, **{name: arrays[name] for name in sorted(arrays)})  # type: ignore[arg-type]
    return buffer.getvalue()


def unpacked(content: bytes) -> dict[str, NDArray[Any]]:
    """The arrays in the bytes of an `.npz`.

    Raises
    ------
    ValueError, zipfile.BadZipFile, zlib.error, EOFError
        When it holds anything but numeric arrays of the known types: nothing is ever unpickled.
    """
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        entries = archive.infolist()
        _require(len(entries) <= MAX_ARRAYS)
        _require(sum(entry.file_size for entry in entries) <= MAX_FILE_BYTES)
        _require(len({entry.filename for entry in entries}) == len(entries))
        return {_name(entry): _array(archive.read(entry)) for entry in entries}


def _name(entry: zipfile.ZipInfo) -> str:
    plain = entry.compress_type in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
    _require(plain and not entry.flag_bits & _ENCRYPTED and entry.filename.endswith(SUFFIX))
    return entry.filename.removesuffix(SUFFIX)


def _array(content: bytes) -> NDArray[Any]:
    stream = io.BytesIO(content)
    _require(npy.read_magic(stream) == (1, 0))
    shape, is_fortran, dtype = npy.read_array_header_1_0(stream)
    _require(dtype.str in DTYPES and len(shape) <= MAX_AXES and min(shape, default=0) >= 0)
    start = stream.tell()
    _require(math.prod(shape) * dtype.itemsize == len(content) - start)
    flat = np.frombuffer(content, dtype, offset=start)
    return flat.reshape(shape, order="F" if is_fortran else "C").copy(order="K")


def _require(sound: bool) -> None:
    if not sound:
        raise ValueError
