"""Contributions of a recommendation as the journal stores them: names, then numbers by column.

A number that several clinicians have is written once in a column, with a code for each of them, and
columns that are the same for everybody are one number. That is as short as numbers that are
compressed, which takes several times as long. Earlier servers stored JSON, or a line of names with
every number after it; both are read as well.
"""

import json
import struct
import zlib
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

_CODED = b"\x01"
"""First byte of the present form; the earlier ones begin with a brace."""
_LENGTHS = struct.Struct("<II")
"""Lengths of the compressed names and of the ids."""
_NUMBERS, _COUNTS = np.dtype("<f8"), np.dtype("<u4")
_CODES = (np.dtype("<u1"), np.dtype("<u2"), np.dtype("<u4"))
_END = b"\n"
"""Ends the line of names of the earlier binary form; JSON without spaces has no line end."""


@dataclass(frozen=True, slots=True, eq=False)
class ContributionTable:
    """Contributions of n eligible clinicians by feature.

    Attributes
    ----------
    names
        Names of the f features.
    ids
        Ids of the clinicians, one per row.
    values : (n, f)
        Points that each feature adds.
    raw : (n, f)
        The features; NaN where unknown.
    start : (n,)
        Points without any feature.
    """

    names: tuple[str, ...]
    ids: tuple[str, ...]
    values: Array
    raw: Array
    start: Array

    def to_bytes(self) -> bytes:
        """The stored form."""
        names, ids = _packed_names(self.names), _as_json(self.ids)
        columns = np.concatenate([self.start[None], self.values.T, self.raw.T], dtype=_NUMBERS)
        head = _LENGTHS.pack(len(names), len(ids))
        return b"".join((_CODED, head, names, ids, *_coded(columns)))

    @classmethod
    def from_bytes(cls, stored: bytes) -> Self:
        """The inverse of `to_bytes`; also reads the forms of earlier servers.

        Raises
        ------
        ValueError
            When numbers are missing.
        """
        if not stored.startswith(_CODED):
            return cls._from_earlier(stored)
        names_end, length = _LENGTHS.unpack_from(stored, len(_CODED))
        begin = len(_CODED) + _LENGTHS.size
        names_end += begin
        names = tuple(json.loads(zlib.decompress(stored[begin:names_end])))
        ids = tuple(json.loads(stored[names_end : names_end + length]))
        columns = _decoded(stored[names_end + length :], 1 + 2 * len(names), len(ids))
        values, raw = columns[1:].reshape(2, len(names), len(ids)).transpose(0, 2, 1)
        return cls(names, ids, values, raw, columns[0])

    @classmethod
    def _from_earlier(cls, stored: bytes) -> Self:
        line, is_binary, numbers = stored.partition(_END)
        content = json.loads(line)
        names, ids = tuple(content["features"]), tuple(content["clinicians"])
        if not is_binary:
            shape = len(ids), len(names)
            values, raw = (
                np.array(content[part], dtype=np.float64).reshape(shape)
                for part in ("points", "values")
            )
            return cls(names, ids, values, raw, np.array(content["start"], dtype=np.float64))
        start, both = np.split(np.frombuffer(numbers, dtype=_NUMBERS), [len(ids)])
        values, raw = both.reshape(2, len(names), len(ids)).transpose(0, 2, 1)
        return cls(names, ids, values, raw, start)

    def to_json(self) -> dict[str, Any]:
        """The content for a person to read, as values for JSON; unknown features are null."""
        raw = [[None if value != value else value for value in row] for row in self.raw.tolist()]
        return {
            "features": self.names,
            "clinicians": self.ids,
            "start": self.start.tolist(),
            "points": self.values.tolist(),
            "values": raw,
        }


@lru_cache(maxsize=8)
def _packed_names(names: tuple[str, ...]) -> bytes:
    return zlib.compress(_as_json(names))


def _as_json(texts: tuple[str, ...]) -> bytes:
    return json.dumps(texts, separators=(",", ":")).encode()


def _coded(columns: Array) -> tuple[bytes, ...]:
    """Columns of n numbers each, (k, n), as the numbers that each has and codes of who has which.

    They are how many different numbers each column has, the number of each column with one, the
    numbers of the others, and their codes.
    """
    # Numbers are compared by their bits, so that NaN equals itself and -0.0 is not 0.0.
    bits = columns.view(np.int64)
    varies = (bits != bits[:, :1]).any(axis=1)
    varying = bits[varies]
    place = np.argsort(varying, axis=1) + np.arange(len(varying))[:, None] * varying.shape[1]
    in_order = varying.ravel()[place]
    begins = np.ones(varying.shape, dtype=np.bool_)
    np.not_equal(in_order[:, 1:], in_order[:, :-1], out=begins[:, 1:])
    number = np.cumsum(begins, axis=1)
    counts = np.ones(len(columns), dtype=_COUNTS)
    counts[varies] = number[:, -1:].ravel()
    codes = np.empty(varying.size, dtype=_codes_of(counts))
    codes[place] = number - 1
    numbers = (counts, bits[~varies, :1], in_order[begins], codes)
    return tuple(each.tobytes() for each in numbers)


def _decoded(stored: bytes, k: int, n: int) -> Array:
    """The columns that `_coded` was given, (k, n)."""
    counts = np.frombuffer(stored, _COUNTS, k)
    varies, columns = counts > 1, np.empty((k, n))
    many = counts[varies].astype(np.intp)
    constant = (k - len(many), min(n, 1))
    known = np.frombuffer(stored, _NUMBERS, constant[0] * constant[1] + many.sum(), counts.nbytes)
    begin = counts.nbytes + known.nbytes
    codes = np.frombuffer(stored, _codes_of(counts), len(many) * n, begin).reshape(len(many), n)
    once, several = np.split(known, [constant[0] * constant[1]])
    columns[~varies] = once.reshape(constant)
    columns[varies] = several[codes + (np.cumsum(many) - many)[:, None]]
    return columns


def _codes_of(counts: NDArray[np.uint32]) -> np.dtype[Any]:
    """The narrowest type for codes of columns with so many different numbers."""
    most = int(counts.max(initial=1)) - 1
    return next(each for each in _CODES if most <= np.iinfo(each).max)
