"""The rows of clients and of clinicians, out of the files whose rows are about them."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, tzinfo

from recommender.importing.cell_values import (
    FieldCells,
    age_on,
    date_of,
    display_name,
    field_cells,
    folded,
    person_key,
)
from recommender.importing.import_report import ImportLog
from recommender.importing.mapping_file import Cell, MappingFile, PeopleMapping
from recommender.importing.pseudonyms import Kind, Pseudonyms
from recommender.importing.source_files import Source
from recommender.practice.columns import read_cell
from recommender.practice.fields import Field
from recommender.tables.cells import plain_field
from recommender.values.ids import canonical_id
from recommender.values.kinds import is_missing

DATE = plain_field("date", "date")
BY_HAND = Cell()
"""How columns are read that have the names of fields."""


@dataclass(slots=True)
class SourceRows:
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
    """

    ids: dict[str, str] = field(default_factory=dict)
    origin: dict[str, tuple[str, int]] = field(default_factory=dict)
    names: dict[str, str] = field(default_factory=dict)
    cells: dict[str, dict[str, str]] = field(default_factory=dict)
    columns: dict[str, tuple[str, ...]] = field(default_factory=dict)

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


def read_clinicians(
    mapping: MappingFile,
    declared: Mapping[str, Field],
    sources: Mapping[str, SourceRows],
    pseudonyms: Pseudonyms,
    zone: tzinfo,
    log: ImportLog,
) -> ImportedPeople:
    """The clinicians of all files that name some, with their fields."""
    people = ImportedPeople()
    kind: Kind | None = "clinician" if mapping.clinicians.pseudonym else None
    by_hand = []
    for file in mapping.clinicians.rows:
        if file not in sources:
            continue
        if mapping.files[file].fields_of:
            by_hand.append(sources[file])
            continue
        _add_people(people, mapping, file, sources[file], pseudonyms, kind, log)
        _add_names(people, mapping, file, sources[file])
    _add_fields(people, mapping.clinicians, declared, sources, "clinicians", {}, zone, log)
    for each in by_hand:
        _add_by_hand(people, declared, each, pseudonyms, kind, zone, log)
    return people


def read_clients(
    mapping: MappingFile,
    declared: Mapping[str, Field],
    sources: Mapping[str, SourceRows],
    first_day: Mapping[str, date],
    pseudonyms: Pseudonyms,
    zone: tzinfo,
    log: ImportLog,
) -> ImportedPeople:
    """The clients with an attended appointment, with their fields.

    `first_day` has the day of the first one by key. Others, and those without an answer that the
    definition requires, are left out.
    """
    people = ImportedPeople()
    for file in mapping.clients.rows:
        if file in sources:
            _add_people(people, mapping, file, sources[file], pseudonyms, "client", log)
    _leave_out_people(
        people,
        sources,
        [key for key in people.ids if key not in first_day],
        "has no attended appointment with a clinician",
        mapping,
        log,
    )
    _add_fields(people, mapping.clients, declared, sources, "clients", first_day, zone, log)
    for file, each in sources.items():
        if mapping.files[file].fields_of == "clients":
            first_rows: dict[str, int] = {}
            for row in each.rows:
                if each.clients[row] in people.ids:
                    first_rows.setdefault(each.clients[row], row)
            _read_by_hand(people, declared, each.source, first_rows, zone, log)
    for name, known in declared.items():
        if known.required:
            lacking = [key for key in people.ids if key not in people.cells.get(name, {})]
            reason = f"{name} is empty or cannot be read, and the definition requires it"
            _leave_out_people(people, sources, lacking, reason, mapping, log)
    return people


def _leave_out_people(
    people: ImportedPeople,
    sources: Mapping[str, SourceRows],
    keys: Sequence[str],
    reason: str,
    mapping: MappingFile,
    log: ImportLog,
) -> None:
    """Leaves out people and their rows; rows of appointments follow where pairings are built."""
    for file in mapping.clients.rows:
        if file in sources and file != mapping.pairings.appointments:
            gone = {people.origin[key][1] for key in keys if people.origin[key][0] == file}
            each = sources[file]
            each.source.leave_out(log, reason, gone)
            each.rows = [row for row in each.rows if row not in gone]
    people.remove(keys)


def _add_people(
    people: ImportedPeople,
    mapping: MappingFile,
    file: str,
    each: SourceRows,
    pseudonyms: Pseudonyms,
    kind: Kind | None,
    log: ImportLog,
) -> None:
    """Adds the people of a file who are not there yet.

    In files of appointments and ratings a person has many rows; in others a second row is left out.
    """
    side = "client" if kind == "client" else "clinician"
    keys = each.clients if kind == "client" else each.clinicians
    repeating = {mapping.pairings.appointments, *(rating.file for rating in mapping.ratings)}
    nobody, again = [], []
    seen: set[str] = set()
    for row in each.rows:
        key = keys[row]
        if not key:
            nobody.append(row)
        elif key in seen:
            again.append(row)
        elif key not in people.ids:
            people.ids[key] = pseudonyms.of(kind, key) if kind else canonical_id(key)
            people.origin[key] = (file, row)
        seen.add(key)
    if file not in repeating:
        each.source.leave_out(log, f"names no {side}", nobody)
        each.source.leave_out(log, f"repeats a {side} of an earlier row", again)
        gone = {*nobody, *again}
        each.rows = [row for row in each.rows if row not in gone]


def _add_names(people: ImportedPeople, mapping: MappingFile, file: str, each: SourceRows) -> None:
    declared = mapping.files[file]
    spec = declared.clinician_name or declared.clinician
    if spec is None or (declared.clinician_name is None and spec.read_as != "name"):
        return
    cells = each.source.raw_cells(spec)
    for row in each.rows:
        key = each.clinicians[row]
        if key in people.ids and not is_missing(cells[row]):
            people.names.setdefault(key, display_name(cells[row]))


def _add_fields(
    people: ImportedPeople,
    mapping: PeopleMapping,
    declared: Mapping[str, Field],
    sources: Mapping[str, SourceRows],
    table: str,
    first_day: Mapping[str, date],
    zone: tzinfo,
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
                sources[file],
                spec,
                declared[name],
                table,
                own,
                first_day,
                zone,
                log,
            )
        people.cells[name] = found
        people.columns[name] = tuple(columns)


def _read_field(
    found: dict[str, str],
    columns: dict[str, None],
    each: SourceRows,
    spec: Cell,
    declared: Field,
    table: str,
    wanted: Collection[str],
    first_day: Mapping[str, date],
    zone: tzinfo,
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
    for reason, wrong in read.left_out.items():
        values = read.unmapped.get(reason, ())
        source.leave_out_cells(log, place, reason, [rows[at] for at in wrong], values)
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
            reason = f"gives an age that {error.problem}, as {declared.name} must be"
            read.left_out.setdefault(reason, []).append(place)
    return read


def _add_by_hand(
    people: ImportedPeople,
    declared: Mapping[str, Field],
    each: SourceRows,
    pseudonyms: Pseudonyms,
    kind: Kind | None,
    zone: tzinfo,
    log: ImportLog,
) -> None:
    """Adds what a file says of clinicians in columns named like the fields of the definition.

    Its filled cells count more than those of other files. A clinician is named by id or by name;
    one whom no other file names is added.
    """
    source = each.source
    ids, names = (source.cells([name]) or [None] * source.size for name in ("clinician_id", "name"))
    by_id = {identity: key for key, identity in people.ids.items()}
    by_name = {name.casefold(): key for key, name in people.names.items()}
    keys: dict[int, str] = {}
    nobody, again = [], []
    for row in each.rows:
        key, written = _key_of(ids[row], names[row], by_id, by_name)
        if not key:
            nobody.append(row)
        elif key in keys.values():
            again.append(row)
        else:
            keys[row] = key
            if key not in people.ids:
                people.ids[key] = pseudonyms.of(kind, key) if kind else canonical_id(key)
                people.origin[key] = (source.key, row)
            if written:
                people.names.setdefault(key, written)
    source.leave_out(log, "names no clinician by clinician_id or name", nobody)
    source.leave_out(log, "repeats a clinician of an earlier row", again)
    row_of = {key: row for row, key in keys.items()}
    _read_by_hand(people, declared, source, row_of, zone, log)


def _read_by_hand(
    people: ImportedPeople,
    declared: Mapping[str, Field],
    source: Source,
    row_of: Mapping[str, int],
    zone: tzinfo,
    log: ImportLog,
) -> None:
    """Reads columns that have the names of fields, for the people whose rows are given by key."""
    rows = list(row_of.values())
    for name, known in declared.items():
        cells = source.cells([name])
        if cells is None:
            continue
        read = field_cells(known, BY_HAND, [cells[row] for row in rows], source.written, zone)
        for reason, wrong in read.left_out.items():
            values = read.unmapped.get(reason, ())
            source.leave_out_cells(log, name, reason, [rows[at] for at in wrong], values)
        filled = {k: c for k, c in zip(row_of, read.cells, strict=True) if c is not None}
        people.cells[name] = people.cells.get(name, {}) | filled
        people.columns[name] = (*people.columns.get(name, ()), f"{name} of {source.label}")


def _key_of(
    identity: object, name: object, by_id: Mapping[str, str], by_name: Mapping[str, str]
) -> tuple[str, str]:
    """The key of a clinician named by id or by name, and the name; "" for nobody."""
    written = "" if is_missing(name) else display_name(name)
    if not is_missing(identity):
        text = canonical_id(str(identity))
        return by_id.get(text, text), written
    return by_name.get(written.casefold(), written.casefold()), written


def columns_by_hand(declared: Mapping[str, Field], source: Source) -> list[str]:
    """The columns that are read of a file whose columns have the names of fields."""
    known = {folded(name) for name in ("clinician_id", "name", *declared)}
    return [name for table in source.tables for name in table.columns if folded(name) in known]
