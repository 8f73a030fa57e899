"""What a synchronisation changes in a roster, fact by fact."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from recommender.practice.columns import read_cell
from recommender.practice.fields import Field
from recommender.values.kinds import RawValue
from recommender.values.table_format import STANDARD, TableFormat


@dataclass(frozen=True, slots=True)
class FactChange:
    """One changed fact of a clinician, as a table writes it; empty for not known."""

    clinician_id: str
    field: str
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class FactChanges:
    """Changed facts of clinicians of the roster, and clinicians that are added."""

    facts: tuple[FactChange, ...]
    added: tuple[str, ...]

    def __bool__(self) -> bool:
        return bool(self.facts or self.added)


def is_equal(field: Field, one: RawValue, other: RawValue, written: TableFormat = STANDARD) -> bool:
    """Whether two cells of a field mean the same; `one` may be written in the form of a table."""
    return bool(_meaning(field, one, written) == _meaning(field, other, STANDARD))


def _meaning(field: Field, cell: RawValue, written: TableFormat) -> Any:
    if field.is_missing(cell):
        return None
    standard = written.cells(field.kind, [cell])[0]
    value, error = read_cell(field, standard)
    # A cell that cannot be read equals nothing, so that it is replaced.
    return object() if error is not None else value


def changed_facts(
    fields: Mapping[str, Field],
    before: Mapping[str, RawValue],
    after: Mapping[str, RawValue],
    written: TableFormat = STANDARD,
) -> dict[str, RawValue]:
    """The facts of `after` that mean something else than those of `before`."""
    return {
        name: cell
        for name, cell in after.items()
        if not is_equal(fields[name], before.get(name), cell, written)
    }
