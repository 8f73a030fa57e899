"""What an import did not use: columns, files, and fields that nothing was read into."""

import difflib
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from recommender.importing.cell_values import folded
from recommender.importing.import_report import ImportLog
from recommender.importing.mapping_check import SESSION, cells_of, columns_read
from recommender.importing.mapping_file import Cell, MappingFile
from recommender.importing.offered_clinicians import offered_clinicians
from recommender.importing.output_tables import OutputTable
from recommender.importing.people_fields import ImportedPeople, columns_by_hand
from recommender.importing.score_columns import item_columns, session_columns
from recommender.importing.source_files import Source, unread_columns
from recommender.practice.definition import Practice
from recommender.practice.fields import Field

SIMILAR = 0.8
"""Similarity of names of columns from which on one may be meant for the other (`difflib`)."""


def complete_report(
    mapping: MappingFile,
    practice: Practice,
    sources: Mapping[str, Source],
    tables: Mapping[str, OutputTable],
    imported: Mapping[str, ImportedPeople],
    unused: Iterable[Path],
    log: ImportLog,
) -> None:
    """Adds what was written, which columns and fields nothing was read into, and unused files."""
    for table, written in tables.items():
        log.write(table, len(written.rows))
    read: dict[str, set[str]] = {key: set() for key in sources}
    for _, file, column in columns_read(mapping):
        if file in sources and (found := sources[file].column(column)) is not None:
            read[file].add(found)
    for key, source in sources.items():
        declared = mapping.files[key]
        for spec in _own_cells(mapping, key):
            read[key] |= {n for names in spec.named if (n := source.column(names)) is not None}
        for rating in mapping.ratings:
            if rating.file == key:
                read[key] |= set(item_columns(rating.items, source))
                for spec in filter(None, (rating.score, rating.date)):
                    read[key] |= _session_columns(spec, source)
        # What the file may have and has not: an unread column may be meant as one of them.
        absent = [
            name
            for spec in _own_cells(mapping, key)
            for names in spec.named
            if source.column(names) is None
            for name in names
        ]
        if declared.fields_of:
            side = practice.client if declared.fields_of == "clients" else practice.clinician
            read[key] |= set(columns_by_hand(side, source))
            absent += [name for name in side if source.column([name]) is None]
        for file, unread, reason in unread_columns(source, read[key], declared.leave_out):
            log.leave_out_column(file, unread, reason + _meant(unread, absent))
    clinicians = tables["clinicians"]
    log.offer(offered_clinicians(practice, clinicians.header, clinicians.rows))
    for name, fields in (("clients", practice.client), ("clinicians", practice.clinician)):
        _report_fields(name, fields, tables[name], imported[name], log)
    for path in unused:
        log.note(f"{path.name} is not read: no file of the mapping is named like it.")
    for key, declared in mapping.files.items():
        if key not in sources:
            log.note(f"There is no file like {' or '.join(declared.names)}; it is not required.")


def _meant(column: str, absent: Sequence[str]) -> str:
    """A question where a column that is not read may be one that the file lacks."""
    names = {folded(name): name for name in absent}
    near = difflib.get_close_matches(folded(column), list(names), n=1, cutoff=SIMILAR)
    return f"; did you mean {names[near[0]]}?" if near else ""


def _own_cells(mapping: MappingFile, key: str) -> list[Cell]:
    """The cells that are read from a file."""
    rating_files = {f"ratings {n}": each.file for n, each in enumerate(mapping.ratings, start=1)}
    own = []
    for place, spec in cells_of(mapping):
        section, _, rest = place.partition(".")
        if section == "files":
            files: Sequence[str] = [rest.partition(".")[0]]
        elif section in ("clients", "clinicians"):
            files = [spec.file] if spec.file else getattr(mapping, section).rows
        else:
            files = [rating_files[section]]
        if key in files:
            own.append(spec)
    return own


def _session_columns(spec: Cell, source: Source) -> set[str]:
    if not any(SESSION in name for names in spec.named for name in names):
        return set()
    return {name for name, _ in session_columns(source, spec)}


def _report_fields(
    name: str,
    fields: Mapping[str, Field],
    table: OutputTable,
    people: ImportedPeople,
    log: ImportLog,
) -> None:
    """Reports what each field was read from, and the fields that are empty in every row."""
    for field, known in fields.items():
        at = table.header.index(field)
        filled = sum(row[at] is not None for row in table.rows)
        columns = people.columns.get(field, ())
        if columns:
            log.map_field(name, field, columns, filled, len(table.rows))
        if not filled:
            log.lack(name, field, known.missing, required=known.required)
