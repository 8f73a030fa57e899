"""The arrays of a bundle, packed as NumPy packs them and unpacked without trusting a header.

NumPy's own reader makes room for whatever shape a header claims before it has read a number, so
the headers are held against the bytes first. Imported by `bundle`.
"""

import io
import math
import zipfile
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

from recommender.model.bundle.archive import LARGEST

MOST = 1_000
"""Arrays in a bundle; a model of the shipped definition has some seventy."""
DTYPES = frozenset({"<f8", "<f4", "<i8"})
MOST_AXES = 3
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
        When it holds anything but some numbers of our kinds: no object is ever made of a pickle.
    """
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        entries = archive.infolist()
        _require(len(entries) <= MOST)
        _require(sum(entry.file_size for entry in entries) <= LARGEST)
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
    _require(dtype.str in DTYPES and len(shape) <= MOST_AXES and min(shape, default=0) >= 0)
    start = stream.tell()
    _require(math.prod(shape) * dtype.itemsize == len(content) - start)
    flat = np.frombuffer(content, dtype, offset=start)
    return flat.reshape(shape, order="F" if is_fortran else "C").copy(order="K")


def _require(sound: bool) -> None:
    if not sound:
        raise ValueError
