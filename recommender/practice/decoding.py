"""Arrays read back as cells: the other way of `encoding`, one row at a time.

A cell made here is plain JSON, and reads as the value it was made of. Imported by `roster` and
above.
"""

from collections.abc import Callable, Mapping
from datetime import date
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recommender.practice.columns import Columns
from recommender.practice.fields import Field
from recommender.values.kinds import DAYS, EPOCH, RawValue

Value = NDArray[Any]
Decode = Callable[[Field, Value], RawValue]


def cells_at(fields: Mapping[str, Field], columns: Columns, row: int) -> dict[str, RawValue]:
    """What is known of one row, by field; a field of which nothing is known is left out."""
    told = {name: _DECODERS[f.kind](f, columns[name][row]) for name, f in fields.items()}
    return {name: cell for name, cell in told.items() if cell is not None}


def _number(_: Field, value: Value) -> RawValue:
    return None if np.isnan(value) else float(value)


def _flag(_: Field, value: Value) -> RawValue:
    return None if np.isnan(value) else bool(value)


def _money(_: Field, value: Value) -> RawValue:
    return None if np.isnan(value) else round(float(value)) / 100


def _level(field: Field, value: Value) -> RawValue:
    return None if np.isnan(value) else field.levels[int(value)]


def _day(_: Field, value: Value) -> RawValue:
    return None if np.isnan(value) else date.fromordinal(int(value) + EPOCH).isoformat()


def _tags(field: Field, value: Value) -> RawValue:
    if np.isnan(value).any():
        return None
    return [level for level, named in zip(field.levels, value, strict=True) if named]


def _place(_: Field, value: Value) -> RawValue:
    points = value[~np.isnan(value).any(axis=1)].tolist()
    return [f"{latitude!r},{longitude!r}" for latitude, longitude in points] or None


def _hours(_: Field, value: Value) -> RawValue:
    windows = value[~np.isnan(value).any(axis=1)].astype(int).tolist()
    # One window without length stands for an answer that names no hour.
    told = [f"{DAYS[day]} {_clock(start)}-{_clock(end)}" for day, start, end in windows if end]
    return told if windows else None


def _clock(minutes: int) -> str:
    return f"{minutes // 60:02d}:{minutes % 60:02d}"


def _ids(_: Field, value: Any) -> RawValue:
    return None if value is None else list(value)


_DECODERS: Mapping[str, Decode] = {
    "number": _number,
    "scale": _number,
    "ordinal": _level,
    "category": _level,
    "tags": _tags,
    "flag": _flag,
    "place": _place,
    "weekly_hours": _hours,
    "date": _day,
    "money": _money,
    "ids": _ids,
}
"""Every kind of `recommender.values.kinds.KINDS`."""
