"""What an import did not use: columns, files, and fields that nothing was read into."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from recommender.importing.import_report import ImportLog
from recommender.importing.mapping_check import SESSION, cells_of, columns_read
from recommender.importing.mapping_file import Cell, MappingFile
from recommender.importing.output_tables import OutputTable
from recommender.importing.people_rows import columns_by_hand
from recommender.importing.rating_rows import item_columns, session_columns
from recommender.importing.source_files import Source, unread_columns
from recommender.practice.definition import Practice


def complete_report(
    mapping: MappingFile,
    practice: Practice,
    sources: Mapping[str, Source],
    tables: Mapping[str, OutputTable],
    unused: Iterable[Path],
    log: ImportLog,
) -> None:
    """Adds what was written, which columns and fields nothing was read into, and unused files."""
    for name, written in tables.items():
        log.write(name, len(written.rows))
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
        if declared.fields_of:
            read[key] |= set(columns_by_hand(practice.clinician, source))
        for file, name, reason in unread_columns(source, read[key], declared.leave_out):
            log.leave_out_column(file, name, reason)
    for side, fields in (("clients", practice.client), ("clinicians", practice.clinician)):
        table = tables[side]
        for field, known in fields.items():
            at = table.header.index(field)
            if all(row[at] is None for row in table.rows):
                log.lack(side, field, known.missing, required=known.required)
    for path in unused:
        log.note(f"{path.name} is not read: no file of the mapping is named like it.")
    for key, declared in mapping.files.items():
        if key not in sources:
            log.note(f"There is no file like {' or '.join(declared.names)}; it is not required.")


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
