"""Contributions of a recommendation as the journal stores them: a line of names, then numbers.

Numbers are binary, column by column: as text they took ten times as long to write, and columns that
are the same for everybody compress to nearly nothing. Earlier servers stored JSON, which is read as
well.
"""

import json
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

_NUMBERS = np.dtype("<f8")
_END = b"\n"
"""Ends the line of names; JSON without spaces has no line end of its own."""


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
        line = json.dumps({"features": self.names, "clinicians": self.ids}, separators=(",", ":"))
        columns = (self.start, *(each.T for each in (self.values, self.raw)))
        numbers = (np.ascontiguousarray(each, dtype=_NUMBERS).tobytes() for each in columns)
        return b"".join((line.encode(), _END, *numbers))

    @classmethod
    def from_bytes(cls, stored: bytes) -> Self:
        """The inverse of `to_bytes`; also reads the JSON of earlier servers."""
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
