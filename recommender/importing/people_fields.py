"""Fields of people: columns that a mapping names, and columns named like the fields."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, tzinfo

from recommender.importing.cell_values import (
    FieldCells,
    age_on,
    date_of,
    field_cells,
    folded,
    person_key,
)
from recommender.importing.import_report import ImportLog
from recommender.importing.mapping_file import Cell, PeopleMapping
from recommender.importing.misread import Misread
from recommender.importing.other_values import note_other_values
from recommender.importing.source_files import Source
from recommender.practice.columns import read_cell
from recommender.practice.fields import Field
from recommender.tables.cells import plain_field

DATE = plain_field("date", "date")
BY_HAND = Cell()
"""How columns are read that have the names of fields."""


@dataclass(slots=True)
class UsedRows:
    """A source with the rows that are used so far, and whom each row names.

    `clients` and `clinicians` hold a key for each row, "" where it names nobody.
    """

    source: Source
    rows: list[int]
    clients: list[str]
    clinicians: list[str]


@dataclass(slots=True)
class ImportedPeople:
    """Clients or clinicians by key, in the order in which they were found.

    Attributes
    ----------
    ids
        Their ids in the tables.
    origin
        The source and row of each.
    names
        Names that staff read; of clinicians alone.
    cells
        Filled cells by field and key.
    columns
        Columns from which each field was read.
    unread
        Keys of those of whom a filled cell could not be read, by field.
    """

    ids: dict[str, str] = field(default_factory=dict)
    origin: dict[str, tuple[str, int]] = field(default_factory=dict)
    names: dict[str, str] = field(default_factory=dict)
    cells: dict[str, dict[str, str]] = field(default_factory=dict)
    columns: dict[str, tuple[str, ...]] = field(default_factory=dict)
    unread: defaultdict[str, set[str]] = field(default_factory=lambda: defaultdict(set))

    def remove(self, keys: Iterable[str]) -> None:
        """Removes people."""
        for key in keys:
            self.ids.pop(key, None)
            self.origin.pop(key, None)


def keys_of(source: Source, spec: Cell | None) -> list[str]:
    """Whom each row names; "" for nobody."""
    if spec is None:
        return [""] * source.size
    return [person_key(spec, cell) for cell in source.raw_cells(spec)]


def add_fields(
    people: ImportedPeople,
    mapping: PeopleMapping,
    declared: Mapping[str, Field],
    sources: Mapping[str, UsedRows],
    table: str,
    first_day: Mapping[str, date],
    zone: tzinfo,
    misread: Misread,
    log: ImportLog,
) -> None:
    """Reads the mapped fields of everybody; a cell that cannot be read is left out."""
    for name, spec in mapping.fields.items():
        found: dict[str, str] = {}
        columns: dict[str, None] = {}
        for file in (spec.file,) if spec.file else mapping.rows:
            if file not in sources:
                continue
            own = {key for key in people.ids if spec.file or people.origin[key][0] == file}
            _read_field(
                found,
                columns,
                people.unread[name],
                sources[file],
                spec,
                declared[name],
                table,
                own,
                first_day,
                zone,
                misread,
                log,
            )
        people.cells[name] = found
        people.columns[name] = tuple(columns)


def _read_field(
    found: dict[str, str],
    columns: dict[str, None],
    unread: set[str],
    each: UsedRows,
    spec: Cell,
    declared: Field,
    table: str,
    wanted: Collection[str],
    first_day: Mapping[str, date],
    zone: tzinfo,
    misread: Misread,
    log: ImportLog,
) -> None:
    source = each.source
    keys = each.clients if table == "clients" else each.clinicians
    first_rows: dict[str, int] = {}
    for row in each.rows:
        if keys[row] in wanted:
            first_rows.setdefault(keys[row], row)
    rows = list(first_rows.values())
    named = [name for names in spec.named if (name := source.column(names)) is not None]
    columns |= dict.fromkeys(named if spec.value is None else ["the same in every row"])
    every = source.raw_cells(spec)
    cells = [every[row] for row in rows]
    if spec.read_as == "age":
        days = [first_day[keys[row]] for row in rows]
        read = _ages(declared, spec, cells, days, source, zone)
    else:
        read = field_cells(declared, spec, cells, source.written, zone)
    place = ", ".join(named)
    misread.add(source, place, read, rows)
    note_other_values(source, spec, declared, cells, log)
    for reason, wrong in read.left_out.items():
        values = read.unmapped.get(reason, ())
        source.leave_out_cells(log, place, reason, [rows[at] for at in wrong], values)
        unread |= {keys[rows[at]] for at in wrong}
    for row, cell in zip(rows, read.cells, strict=True):
        if cell is not None:
            found.setdefault(keys[row], cell)


def _ages(
    declared: Field,
    spec: Cell,
    cells: Sequence[object],
    days: Sequence[date],
    source: Source,
    zone: tzinfo,
) -> FieldCells:
    """Whole years from dates of birth to days."""
    read = field_cells(DATE, spec, cells, source.written, zone)
    for place, (born, day) in enumerate(zip(read.cells, days, strict=True)):
        if born is None:
            continue
        age = age_on(date_of(born), day)
        _, error = read_cell(declared, age)
        read.cells[place] = None if error else str(age)
        if error:
            reason = f"gives an age that {error.problem}"
            read.left_out.setdefault(reason, []).append(place)
    return read


def read_by_hand(
    people: ImportedPeople,
    declared: Mapping[str, Field],
    source: Source,
    row_of: Mapping[str, int],
    zone: tzinfo,
    misread: Misread,
    log: ImportLog,
) -> None:
    """Reads columns that have the names of fields, for the people whose rows are given by key."""
    keys, rows = list(row_of), list(row_of.values())
    for name, known in declared.items():
        cells = source.cells([name])
        if cells is None:
            continue
        read = field_cells(known, BY_HAND, [cells[row] for row in rows], source.written, zone)
        misread.add(source, name, read, rows)
        for reason, wrong in read.left_out.items():
            values = read.unmapped.get(reason, ())
            source.leave_out_cells(log, name, reason, [rows[at] for at in wrong], values)
            people.unread[name] |= {keys[at] for at in wrong}
        filled = {k: c for k, c in zip(row_of, read.cells, strict=True) if c is not None}
        people.cells[name] = people.cells.get(name, {}) | filled
        people.columns[name] = (*people.columns.get(name, ()), f"{name} of {source.label}")


def columns_by_hand(declared: Mapping[str, Field], source: Source) -> list[str]:
    """The columns that are read of a file whose columns have the names of fields."""
    known = {folded(name) for name in ("clinician_id", "name", *declared)}
    return [name for table in source.tables for name in table.columns if folded(name) in known]
