"""Checks a mapping against a practice definition and against the files: every fault at once."""

import difflib
from collections.abc import Collection, Iterable, Iterator, Mapping

from recommender.alliance.instruments import METRICS
from recommender.errors import Fault, RecommenderError
from recommender.importing.cell_values import OTHER_VALUES, folded
from recommender.importing.mapping_file import (
    Cell,
    Column,
    MappingError,
    MappingFile,
    PeopleMapping,
    RatingMapping,
    RowCondition,
    SourceFile,
)
from recommender.importing.shipped_mappings import how_to_edit
from recommender.importing.source_files import Source
from recommender.practice.definition import Practice
from recommender.practice.fields import Field
from recommender.tables.csv_text import cell_text
from recommender.tables.pairings import RATERS
from recommender.values.table_format import TableFormat

SESSION, ITEM = "{session}", "{item}"
MAX_NAMED = 20
"""Columns of a file listed in a message."""


def check_definition(mapping: MappingFile, practice: Practice, name: str) -> None:
    """Checks that everything a mapping names exists in itself and in the definition.

    Raises
    ------
    MappingError
        With every fault.
    """
    faults = [
        *_file_faults(mapping, name),
        *_people_faults(mapping, practice.client, "clients", name),
        *_people_faults(mapping, practice.clinician, "clinicians", name),
        *_pairing_faults(mapping, name),
    ]
    for number, rating in enumerate(mapping.ratings, start=1):
        faults += _rating_faults(mapping, practice, rating, f"{name}: ratings {number}")
    for place, spec in cells_of(mapping):
        faults += _cell_faults(spec, f"{name}: {place}")
    faults += _format_faults(mapping, name)
    if faults:
        raise MappingError(dict.fromkeys(faults))


def check_columns(mapping: MappingFile, sources: Mapping[str, Source], name: str) -> None:
    """Checks that the files have the columns that a mapping reads.

    Raises
    ------
    MappingError
        With every column that is missing.
    """
    faults = []
    for place, file, column in columns_read(mapping):
        source = sources.get(file)
        # Without an id of rows, only repeated rows are not noticed.
        if source is None or place.endswith(".row_id") or source.column(column) is not None:
            continue
        faults.append(_missing_column(name, place, source, column))
    if faults:
        raise MappingError(dict.fromkeys(faults))


def _missing_column(name: str, place: str, source: Source, column: Column) -> Fault:
    named = " or ".join(map(repr, column))
    there = list(source.tables[0].columns)
    near = difflib.get_close_matches(
        folded(column[0]), [folded(each) for each in there], n=1, cutoff=0.6
    )
    meant = next((each for each in there if near and folded(each) == near[0]), None)
    if meant is not None:
        remedy = f"did you mean {meant!r}? Write it there, or add it to the list of names"
    else:
        some = ", ".join(there[:MAX_NAMED]) + (", …" if len(there) > MAX_NAMED else "")
        remedy = f"write the name it has; the file has {some}"
    problem = f"{source.label} has no column {named}"
    return Fault(f"{name}: {place}", problem, remedy + how_to_edit(name, place))


def cells_of(mapping: MappingFile) -> Iterator[tuple[str, Cell]]:
    """Every cell that a mapping declares, with its place in the file."""
    for key, file in mapping.files.items():
        for name in ("client", "clinician", "clinician_name", "date"):
            spec = getattr(file, name)
            if spec is not None:
                yield f"files.{key}.{name}", spec
    for table in ("clients", "clinicians"):
        for name, spec in getattr(mapping, table).fields.items():
            yield f"{table}.fields.{name}", spec
    for number, rating in enumerate(mapping.ratings, start=1):
        for name in ("instrument", "metric", "rater", "score", "session", "date"):
            spec = getattr(rating, name)
            if spec is not None:
                yield f"ratings {number}.{name}", spec


def columns_read(mapping: MappingFile) -> Iterator[tuple[str, str, Column]]:
    """Place in the mapping, file and names of every column that must be there."""
    for key, file in mapping.files.items():
        if file.row_id:
            yield f"files.{key}.row_id", key, file.row_id
        for kind in ("drop", "keep"):
            for condition in getattr(file, kind):
                yield f"files.{key}.{kind}", key, condition.column
    first = {"clients": mapping.clients.rows[0], "clinicians": mapping.clinicians.rows[0]}
    rating_files = {f"ratings {n}": each.file for n, each in enumerate(mapping.ratings, start=1)}
    for place, spec in cells_of(mapping):
        section, _, rest = place.partition(".")
        own = rest.partition(".")[0] if section == "files" else ""
        file_of = spec.file or own or first.get(section) or rating_files[section]
        for column in () if spec.optional else spec.named:
            if not any(SESSION in each or ITEM in each for each in column):
                yield place, file_of, column


def _file_faults(mapping: MappingFile, name: str) -> Iterator[Fault]:
    for key, file in mapping.files.items():
        if file.fields_of == "clients" and file.client is None:
            remedy = "add client = { column = … }"
            yield Fault(f"{name}: files.{key}", "does not say which client a row names", remedy)
        for kind in ("drop", "keep"):
            for number, condition in enumerate(getattr(file, kind), start=1):
                place = f"{name}: files.{key}.{kind} {number}"
                if (condition.equals is None) == (condition.filled is None):
                    remedy = "write equals = [ … ], or filled = true or false"
                    yield Fault(place, "needs one of equals and filled", remedy)
                elif (
                    kind == "drop" and condition.equals and not _names_what_counts(condition, file)
                ):
                    column = condition.column[0]
                    remedy = (
                        f'add keep = [{{ column = "{column}", equals = [ … ], reason = "…" }}] '
                        'with the values that count, and "" if an empty cell does'
                    )
                    problem = f"does not say which values of {column} count"
                    yield Fault(place, problem, remedy)


def _names_what_counts(condition: RowCondition, file: SourceFile) -> bool:
    """Whether a file names the values that count, in a column by whose values rows are dropped."""
    dropped = set(map(folded, condition.column))
    return any(
        each.equals is not None and dropped & set(map(folded, each.column)) for each in file.keep
    )


def _known_file(mapping: MappingFile, place: str, file: str) -> Iterator[Fault]:
    if file not in mapping.files:
        near = _near(file, mapping.files)
        yield Fault(place, f"names no file of the mapping: {file}", near or "declare it in [files]")


def _people_faults(
    mapping: MappingFile, declared: Mapping[str, Field], table: str, name: str
) -> Iterator[Fault]:
    people: PeopleMapping = getattr(mapping, table)
    side = table[:-1]
    for file in people.rows:
        yield from _known_file(mapping, f"{name}: {table}.rows", file)
        source = mapping.files.get(file)
        if source and getattr(source, side) is None and source.fields_of != table:
            remedy = f"add {side} = {{ column = … }}"
            yield Fault(f"{name}: files.{file}", f"does not say which {side} a row names", remedy)
    for field, spec in people.fields.items():
        place = f"{name}: {table}.fields.{field}"
        if field not in declared:
            remedy = _near(field, declared) or "use a field of the definition"
            yield Fault(place, f"is no field of {table} in the definition", remedy)
            continue
        yield from _value_faults(place, declared[field], spec)
        if spec.file:
            yield from _known_file(mapping, place, spec.file)
            joined = mapping.files.get(spec.file)
            if joined and getattr(joined, side) is None:
                remedy = f"add {side} = {{ column = … }} to [files.{spec.file}]"
                yield Fault(place, f"{spec.file} does not say which {side} a row names", remedy)
        if spec.read_as == "age" and (side, declared[field].kind) != ("client", "number"):
            yield Fault(place, "cannot be an age", "read an age into a client's field of numbers")
    by_hand = any(file.fields_of == table for file in mapping.files.values())
    for field, known in declared.items():
        if known.required and not by_hand and field not in people.fields:
            remedy = f"add {field} under [{table}.fields]"
            yield Fault(f"{name}: {table}.fields", f"{field} is required and not mapped", remedy)


def _value_faults(place: str, declared: Field, spec: Cell) -> Iterator[Fault]:
    if not declared.behaviour.has_levels or declared.kind == "availability":
        return
    constant = [] if spec.value is None else [spec.value]
    for value in dict.fromkeys([*spec.values.values(), *constant]):
        for level in filter(None, (part.strip() for part in cell_text(value).split(";"))):
            if level not in declared.levels:
                remedy = _near(level, declared.levels) or f"use {', '.join(declared.levels)}"
                yield Fault(place, f"{level} is no level of {declared.name}", remedy)


def _pairing_faults(mapping: MappingFile, name: str) -> Iterator[Fault]:
    file = mapping.pairings.appointments
    place = f"{name}: pairings.appointments"
    yield from _known_file(mapping, place, file)
    source = mapping.files.get(file)
    for part in ("client", "clinician", "date") if source else ():
        if getattr(source, part) is None:
            remedy = f"add {part} = {{ column = … }} to [files.{file}]"
            yield Fault(place, f"{file} does not say the {part} of an appointment", remedy)


def _rating_faults(
    mapping: MappingFile, practice: Practice, rating: RatingMapping, place: str
) -> Iterator[Fault]:
    yield from _known_file(mapping, place, rating.file)
    source = mapping.files.get(rating.file)
    if source and source.client is None:
        remedy = f"add client = {{ column = … }} to [files.{rating.file}]"
        yield Fault(place, f"{rating.file} does not say which client a rating is of", remedy)
    if (rating.score is None) == (not rating.items):
        yield Fault(place, "needs one of score and items", "write score = { column = … }")
    wide = is_wide(rating)
    if not wide and rating.session is None and rating.date is None:
        remedy = "write session = { column = … }, date = { column = … }, or both"
        yield Fault(place, "says neither session nor date", remedy)
    if wide and rating.session is not None:
        yield Fault(f"{place}.session", "is said by the names of the columns too", "remove it")
    known: tuple[tuple[str, Cell, Collection[str]], ...] = (
        ("instrument", rating.instrument, practice.instruments),
        ("metric", rating.metric, METRICS),
        ("rater", rating.rater, RATERS),
    )
    for setting, spec, choices in known:
        for value in filter(None, [spec.value, *spec.values.values()]):
            if str(value) not in choices:
                remedy = _near(str(value), choices) or f"use {', '.join(choices)}"
                yield Fault(f"{place}.{setting}", f"{value} is not known", remedy)


def is_wide(rating: RatingMapping) -> bool:
    """Whether a row has several ratings, in columns named by their session."""
    named = rating.score.named if rating.score else ()
    return any(SESSION in each for column in named for each in column)


def _cell_faults(spec: Cell, place: str) -> Iterator[Fault]:
    given = sum((bool(spec.column), bool(spec.columns), spec.value is not None))
    if given != 1:
        remedy = 'write column = "…", columns = ["…", "…"] or value = "…"'
        yield Fault(place, "needs one of column, columns and value", remedy)
    folds = [folded(each) for each in spec.values if each != OTHER_VALUES]
    if len(set(folds)) != len(folds):
        yield Fault(place, "names a value twice, but for its case", "keep one of them")


def _format_faults(mapping: MappingFile, name: str) -> Iterator[Fault]:
    """Faults of marks that contradict each other, of files and of single columns."""
    remedy = "declare another mark or sign"
    usual = TableFormat()
    for key in mapping.files:
        try:
            usual = mapping.format_of(key)
        except RecommenderError as error:
            yield Fault(f"{name}: files.{key}", f"{error.field[2:]} {error.problem}", remedy)
    for place, spec in cells_of(mapping):
        try:
            spec.format(usual)
        except RecommenderError as error:
            yield Fault(f"{name}: {place}", f"{error.field[2:]} {error.problem}", remedy)


def _near(wanted: str, known: Iterable[str]) -> str:
    near = difflib.get_close_matches(wanted, list(known), n=1, cutoff=0.6)
    return f"did you mean {near[0]}?" if near else ""
