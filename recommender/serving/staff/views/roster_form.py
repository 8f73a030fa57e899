"""The facts about one clinician as a form: a control for each field, weekly hours day by day."""

import csv
import io
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from recommender.errors import FaultsError
from recommender.journal.roster_versions import Cells
from recommender.practice.columns import cells_at, read_rows
from recommender.practice.definition import Practice
from recommender.practice.fields import Field
from recommender.serving.http.submitted_form import FormData
from recommender.serving.snapshot.snapshot import rows_of
from recommender.serving.staff import wording
from recommender.tables.cells import NAME_COLUMN
from recommender.tables.loader import roster_of_csv
from recommender.values.kinds import DAY_NAMES

WEEKLY = ("availability", "weekly_hours")
UNKNOWN = "Not recorded"
ID_COLUMN = "clinician_id"
_COLUMN = re.compile(r"column (\w+)")


@dataclass(frozen=True, slots=True)
class Entry:
    """One control: its name and label, what it holds, and the choices where it has some."""

    name: str
    label: str
    given: tuple[str, ...]
    choices: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class FieldEntries:
    """One field: its kind decides the control, and some have several."""

    name: str
    kind: str
    label: str
    entries: tuple[Entry, ...]


def roster_entries(
    practice: Practice, names: Sequence[str], cells: Cells, sent: FormData | None = None
) -> tuple[FieldEntries, ...]:
    """The controls of some fields; filled in as sent, if it was.

    Parameters
    ----------
    names
        Names of the fields.
    cells
        The clinician's cells, each value in the form of `rows_of`.
    """
    return tuple(_entries(practice.clinician[name], cells.get(name), sent) for name in names)


def availability_cells(
    practice: Practice, names: Sequence[str], before: Cells, sent: FormData
) -> Mapping[str, Any]:
    """The cells of the availability as a form sent them, None for emptied ones.

    Raises
    ------
    IntakeError
        With every cell that cannot be read, by field.
    """
    typed: dict[str, Any] = {name: _typed(practice.clinician[name], sent) for name in names}
    row = {name: cell for name, cell in {**before, **typed}.items() if cell not in (None, "", [])}
    row.pop(NAME_COLUMN, None)
    # An emptied field is unknown, and a required one is refused.
    columns = read_rows(practice.clinician, [row])
    read = cells_at(practice.clinician, columns, 0)
    return {name: read.get(name) for name in names}


def sent_row(
    practice: Practice, clinician_id: str, sent: FormData, now: datetime
) -> dict[str, Any]:
    """The cells of a whole row as a form sent them, read as the import reads a file of one row.

    Raises
    ------
    TablesError
        With every fault of the row; `faults_by_field` names their fields.
    """
    row = {ID_COLUMN: clinician_id, NAME_COLUMN: sent.text(NAME_COLUMN)}
    for name, field in practice.clinician.items():
        typed = _typed(field, sent)
        row[name] = typed if isinstance(typed, str) else "; ".join(typed)
        if field.kind == "money":
            row[name] = row[name].replace("$", "").replace(",", "").strip()
    table = io.StringIO()
    writer = csv.DictWriter(table, list(row))
    writer.writeheader()
    writer.writerow(row)
    roster = roster_of_csv(table.getvalue().encode(), practice, now)
    return dict(rows_of(roster, practice)[clinician_id])


def faults_by_field(error: FaultsError) -> Mapping[str, str]:
    """Sentences on a row's faults by field; "" where a fault names none."""
    faults: dict[str, str] = {}
    for each in error.faults:
        found = _COLUMN.search(each.where)
        # Options of commands are of no use on a page.
        remedy = "" if "--" in each.remedy or "`" in each.remedy else f": {each.remedy}"
        name = found[1] if found else each.where
        faults.setdefault(name, wording.sentence(f"this {each.problem}{remedy}."))
    return faults


def _entries(field: Field, cell: Any, sent: FormData | None) -> FieldEntries:
    given = _texts(cell)
    if field.kind in WEEKLY:
        entries = tuple(
            Entry(
                f"{field.name}.{day}",
                name,
                (sent.text(f"{field.name}.{day}") if sent else _of_day(given, day),),
            )
            for day, name in DAY_NAMES.items()
        )
        return FieldEntries(field.name, "weekly", field.heading, entries)
    if sent is not None:
        lines = sent.text(field.name).splitlines() if field.kind == "date_ranges" else None
        given = tuple(sent.texts(field.name) if lines is None else lines)
    choices: tuple[tuple[str, str], ...] = ()
    kind = field.kind
    if field.kind == "flag":
        kind, given = "choice", (_flag(given),)
        choices = (("", UNKNOWN), ("yes", wording.YES), ("no", wording.NO))
    elif field.behaviour.has_levels:
        kind = "tags" if field.kind == "tags" else "choice"
        unknown = () if kind == "tags" else (("", UNKNOWN),)
        choices = (*unknown, *((level, field.label_of(level)) for level in field.levels))
        if kind == "tags":
            choices = (*choices, ("none", wording.NONE_OF_THESE))
            given = given if given or cell is None or sent is not None else ("none",)
    elif field.kind not in ("date", "date_ranges"):
        kind = "text"
        if sent is None and isinstance(cell, list | tuple):
            given = ("; ".join(given) or "none",)
    if field.kind == "date_ranges" and sent is None and cell is not None and not given:
        given = ("none",)
    entry = Entry(field.name, field.heading, given, choices)
    return FieldEntries(field.name, kind, field.heading, (entry,))


def _typed(field: Field, sent: FormData) -> Any:
    """What a form says of a field, as a cell."""
    if field.kind in WEEKLY:
        return [
            f"{day} {hours}"
            for day in DAY_NAMES
            for hours in map(str.strip, sent.text(f"{field.name}.{day}").split(";"))
            if hours
        ]
    if field.kind == "date_ranges":
        lines = map(str.strip, sent.text(field.name).splitlines())
        return [each for each in lines if each]
    if field.kind == "tags":
        return [each for each in sent.texts(field.name) if each]
    return sent.text(field.name)


def _texts(cell: Any) -> tuple[str, ...]:
    if cell is None:
        return ()
    if isinstance(cell, list | tuple):
        return tuple(map(str, cell))
    return (f"{cell:.15g}" if isinstance(cell, float) else str(cell),)


def _of_day(windows: Sequence[str], day: str) -> str:
    own = (each.partition(" ") for each in windows)
    return "; ".join(hours for name, _, hours in own if name == day)


def _flag(given: Sequence[str]) -> str:
    text = "".join(given).lower()
    return {"true": "yes", "1": "yes", "false": "no", "0": "no"}.get(text, text)
