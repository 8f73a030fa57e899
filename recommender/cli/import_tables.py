"""Shows an import in a terminal: what was used, what was left out and why, and the first rows."""

from collections import Counter
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from rich.console import Group
from rich.text import Text

from recommender.cli.record_table import RecordTable
from recommender.importing.import_report import values_text
from recommender.values.counts import counted

if TYPE_CHECKING:
    from recommender.importing.import_report import ImportReport, LeftOutRows, SourceRows
    from recommender.importing.mapping_file import MappingFile
    from recommender.importing.output_tables import OutputTable

MAX_ROWS_SHOWN = 3
MAX_COLUMNS_SHOWN = 6


def import_view(report: "ImportReport") -> Group:
    """The report of an import; the files that it is written to have the rest."""
    parts: list[Any] = [_file(report, each) for each in report.sources]
    parts += _mapped(report)
    parts += _missing(report)
    parts += [Text(note, style="yellow") for note in report.notes]
    return Group(*parts)


def _file(report: "ImportReport", source: "SourceRows") -> Text:
    """What was used of one file, and what was left out and why, one reason a line."""
    left = sum(source.left_out.values())
    counts = f": {counted(source.read, 'row')}, {source.used:,} used, {left:,} left out"
    text = Text(source.source, style="bold").append(counts, style="default")
    for each in report.left_out:
        if each.source == source.source:
            place = "" if each.column is None else f"cells of {each.column}: "
            line = f"\n{each.count:>8,}  {place}{each.reason} ({_rows(each)})"
            text.append(line + (f": {values_text(each)}" if each.values else ""), style="default")
    unread: dict[str, list[str]] = {}
    for column in report.left_out_columns:
        if column.source == source.source:
            unread.setdefault(column.reason, []).append(column.column)
    for reason, columns in unread.items():
        text.append(f"\n  not read  {', '.join(columns)} ({reason})", style="dim")
    return text


def _rows(left: "LeftOutRows") -> str:
    """The first row numbers, with the number of further ones."""
    shown = left.rows[:MAX_ROWS_SHOWN]
    more = left.count - len(shown)
    rows = ", ".join(map(str, shown)) + (f" and {more:,} more" if more else "")
    return f"row{'s' * (left.count > 1)} {rows}"


def _mapped(report: "ImportReport") -> list[Text]:
    """Fields and the columns they are from; those of a column of the same name by file."""
    lines = []
    for table in dict.fromkeys(each.table for each in report.mapped):
        mapped, same = [], Counter[str]()
        for each in report.mapped:
            if each.table == table:
                last = each.sources[-1]
                if last.startswith(f"{each.field} of "):
                    same[last.removeprefix(f"{each.field} of ")] += 1
                else:
                    mapped.append(f"{each.field} from {', '.join(each.sources)}")
        named = [f"{count} from columns of their name in {file}" for file, count in same.items()]
        lines.append(Text(f"Fields of {table}: {'; '.join(mapped + named)}."))
    return lines


def _missing(report: "ImportReport") -> list[Text]:
    """The fields that nothing was read into, and those without which nobody is offered."""
    lines = []
    for table in dict.fromkeys(each.table for each in report.missing):
        names = [each.field for each in report.missing if each.table == table]
        count = counted(len(names), "field")
        verb = "is" if len(names) == 1 else "are"
        lines.append(Text(f"{count} of {table} {verb} empty in every row: {', '.join(names)}."))
    sentences = report.offered.sentences() if report.offered else []
    lines += [Text(each, style="bold yellow") for each in sentences]
    if sentences:
        lines.append(
            Text(
                "Write a table to fill in by hand with --extra clinicians_extra.csv, and add it; "
                "where you have one, fill them in there."
            )
        )
    return lines


def preview_view(tables: Mapping[str, "OutputTable"], rows: int) -> Group:
    """The first rows of each table under pseudonyms; names and empty columns are not shown."""
    parts: list[Any] = []
    for name, table in tables.items():
        first = table.rows[:rows]
        shown = [
            place
            for place, column in enumerate(table.header)
            if column != "name" and any(row[place] is not None for row in first)
        ][:MAX_COLUMNS_SHOWN]
        title = f"{name}: {counted(len(table.rows), 'row')}, of which the first"
        view = RecordTable(title, tuple(table.header[place] for place in shown))
        for row in first:
            view.add_row(*("" if row[at] is None else str(row[at]) for at in shown))
        parts.append(view)
    return Group(*parts)


def mappings_view(mappings: Mapping[str, "MappingFile"]) -> Group:
    """The shipped mappings, and the files that each reads."""
    table = RecordTable("Mappings", ("name", "for", "files"))
    for name, mapping in mappings.items():
        files = "; ".join(
            each.names[0] + ("" if each.required else " (if there)")
            for each in mapping.files.values()
        )
        table.add_row(name, mapping.mapping.title, files)
    return Group(table)
