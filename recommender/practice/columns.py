"""A table as arrays: one array per declared field, rows along the first axis.

The same encoding serves a million pairings and one intake. Imported by `tables` and above.
"""

import re
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from dataclasses import field as attribute
from typing import Any, TypeVar, cast

import numpy as np
from numpy.typing import NDArray

from recommender.errors import Fault, IntakeError
from recommender.practice.fields import Field
from recommender.values.kinds import RawValue, is_missing

Made = TypeVar("Made")

_PLAIN_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,63}")


@dataclass(frozen=True, slots=True)
class Columns:
    """Encoded values of several rows.

    Attributes
    ----------
    size
        Number of rows n.
    values
        Field name to array. Shapes by kind: number, scale, ordinal (level index), category (level
        index), flag, date (days since 1970-01-01), money (cents): (n,). tags: (n, levels) of 0/1.
        place: (n, places, 2) latitude, longitude. weekly_hours: (n, windows, 3) day (0 = Monday),
        start and end minute. ids: (n,) of tuples or None. Missing is NaN throughout the row.
    """

    size: int
    values: Mapping[str, NDArray[Any]]
    _views: dict[Hashable, Any] = attribute(default_factory=dict, compare=False, repr=False)

    def __getitem__(self, name: str) -> NDArray[Any]:
        return self.values[name]

    def view(self, key: Hashable, make: Callable[[], Made]) -> Made:
        """What is made of these values alone, made when first asked for and kept with them.

        A roster is asked by every request: what only it decides is worked out once.
        """
        if key not in self._views:
            self._views[key] = make()
        return cast("Made", self._views[key])

    def only(self, names: Iterable[str]) -> "Columns":
        """Some of the columns, whole."""
        return Columns(self.size, {name: self.values[name] for name in names})

    def row(self, place: int) -> "Columns":
        """One row, which stays where it is."""
        one = slice(place, place + 1)
        return Columns(1, {name: array[one] for name, array in self.values.items()})

    def take(self, rows: NDArray[np.intp]) -> "Columns":
        """The given rows, in the given order; a row may be taken more than once."""
        return Columns(len(rows), {name: array[rows] for name, array in self.values.items()})


def read_rows(fields: Mapping[str, Field], rows: Sequence[Mapping[str, RawValue]]) -> Columns:
    """Encodes answers given as one mapping a row, checking every answer.

    Raises
    ------
    IntakeError
        With every fault of every row: unknown names, unreadable values, required answers missing.
        The row is told, counted from 1, where there are several.
    """
    faults: list[Fault] = []
    parsed: dict[str, list[Any]] = {name: [] for name in fields}
    for number, row in enumerate(rows, start=1):
        # One intake is one row, and its form has no row numbers.
        where = f"row {number}, " if len(rows) > 1 else ""
        faults += _unknown_names(where, fields, row)
        for name, field in fields.items():
            value, problem = read_cell(field, row.get(name))
            parsed[name].append(value)
            if problem:
                faults.append(Fault(f"{where}{name}", problem, remedy_for(field)))
    if faults:
        raise IntakeError(faults)
    return encode(fields.values(), parsed, len(rows))


def _unknown_names(
    where: str, fields: Mapping[str, Field], row: Mapping[str, RawValue]
) -> Iterator[Fault]:
    remedy = "remove it, or declare it in the practice definition"
    for name in sorted(set(map(str, row)) - set(fields)):
        # Where a name should stand may stand an answer, which is not to be repeated.
        said = name if _PLAIN_NAME.fullmatch(name) else "a name of the answers"
        yield Fault(f"{where}{said}", "is not a field of this practice", remedy)


def read_cell(field: Field, cell: RawValue) -> tuple[Any, str | None]:
    """The value of one cell (None when missing) and the problem with it, if any."""
    if is_missing(cell):
        return None, "is required but empty" if field.required else None
    try:
        return field.behaviour.parse(field, cell), None
    except ValueError as error:
        return None, str(error)


def remedy_for(field: Field) -> str:
    """What a person may write in this field instead."""
    if field.kind in ("category", "ordinal", "tags"):
        return f"choose from {', '.join(field.levels)}"
    if field.kind == "place":
        return f"write it like {field.behaviour.example}, or name a postcode under [postcodes]"
    bounds = [
        f"{word} {bound:.12g}"
        for word, bound in (("at least", field.min), ("at most", field.max))
        if bound is not None
    ]
    return f"write it like {field.behaviour.example}" + "".join(f", {bound}" for bound in bounds)


def encode(fields: Iterable[Field], parsed: Mapping[str, Sequence[Any]], size: int) -> Columns:
    """Columns from values that were already read, one sequence a field."""
    return Columns(size, {f.name: f.behaviour.encode(f, parsed[f.name]) for f in fields})
