"""What a roster file would change: clinicians added, removed, and changed field by field."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from recommender.journal.roster_versions import Cells
from recommender.practice.definition import Practice
from recommender.tables.cells import NAME_COLUMN

NOTHING = "not recorded"


@dataclass(frozen=True, slots=True)
class FieldChange:
    """One field before and after, as the roster writes it."""

    label: str
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class ClinicianChange:
    """A clinician whose fields change."""

    clinician_id: str
    name: str
    fields: tuple[FieldChange, ...]


@dataclass(frozen=True, slots=True)
class RosterChanges:
    """Clinicians by id and name who are added or removed, those who change, and how many do not."""

    added: tuple[tuple[str, str], ...]
    removed: tuple[tuple[str, str], ...]
    changed: tuple[ClinicianChange, ...]
    unchanged: int


def roster_changes(
    practice: Practice, before: Mapping[str, Cells], after: Mapping[str, Cells]
) -> RosterChanges:
    """The difference of two rosters whose cells are in the form of `rows_of`."""
    both = [each for each in after if each in before]
    changed = [
        ClinicianChange(each, _name(each, after[each]), fields)
        for each in both
        if (fields := _changes(practice, before[each], after[each]))
    ]
    return RosterChanges(
        tuple((each, _name(each, after[each])) for each in after if each not in before),
        tuple((each, _name(each, before[each])) for each in before if each not in after),
        tuple(changed),
        len(both) - len(changed),
    )


def _changes(practice: Practice, before: Cells, after: Cells) -> tuple[FieldChange, ...]:
    labels = {NAME_COLUMN: "Name"}
    labels |= {name: field.heading for name, field in practice.clinician.items()}
    return tuple(
        FieldChange(label, _text(before.get(name)), _text(after.get(name)))
        for name, label in labels.items()
        if before.get(name) != after.get(name)
    )


def _name(clinician_id: str, cells: Cells) -> str:
    return str(cells.get(NAME_COLUMN) or clinician_id)


def _text(cell: Any) -> str:
    if cell is None:
        return NOTHING
    if isinstance(cell, list | tuple):
        return "; ".join(map(str, cell)) or "none"
    return str(cell)
