"""Checks the columns of a table: what is missing, what nothing would read, and likely misspellings.

One lost or renamed column is one fault. A file whose first line names no known column has no
header; its cells are then not read, so that nothing else is reported about them.
"""

import difflib
import re
from collections.abc import Iterable
from dataclasses import dataclass

from recommender.tables.raw_table import RawTable, TableFault, is_nameless

MAX_NAMED = 6
"""Columns listed in a message."""
NEAR = 0.75
"""Least similarity (difflib) of names of which one may be a misspelling of the other."""
_PLAIN_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_ -]{0,63}")
_MAY_BE_EMPTY = "; its cells may be empty"


@dataclass(frozen=True, slots=True)
class ExpectedColumns:
    """The columns of a table.

    Attributes
    ----------
    filled
        Must be there, with a value in every row.
    empty
        Must be there; cells may be empty.
    optional
        May be left out.
    ignores_others
        Whether other columns are ignored with a warning; else they are faults.
    """

    filled: tuple[str, ...]
    empty: tuple[str, ...] = ()
    optional: tuple[str, ...] = ()
    ignores_others: bool = False


def check_header(table: RawTable, expected: ExpectedColumns) -> tuple[RawTable, list[TableFault]]:
    """The table to read and the faults of its columns; without a header, a table without rows."""
    required = (*expected.filled, *expected.empty)
    known = (*required, *expected.optional)
    missing = [name for name in required if name not in table.columns]
    unknown = [name for name in table.columns if name not in known]
    absent = [name for name in known if name not in table.columns]
    near = _near(absent, unknown)
    if not near and len(absent) == len(known):
        return _without_header(table, known)
    faults = []
    without_name = "; if it is a column without a name, write its name into the header"
    for name in missing:
        remedy = f"add the column{_MAY_BE_EMPTY if name in expected.empty else ''}"
        remedy += without_name if any(map(is_nameless, unknown)) else ""
        if name in near:
            remedy = f"did you mean the column {near[name]}? Rename it to {name}"
        faults.append(TableFault(table.file, name, "is missing", remedy))
    faults += [
        TableFault(table.file, near[name], "is not known and would be lost",
                   f"did you mean {name}? Rename it to {name}")
        for name in near if name not in required
    ]  # fmt: skip
    # With few known names the first line may be a person's data: then none of it is repeated.
    is_header = 2 * len(missing) <= len(required)
    renamed = set(near.values())
    for number, name in enumerate(table.columns, start=1):
        if name in known or name in renamed:
            continue
        place = name if is_header and _PLAIN_NAME.fullmatch(name) else f"number {number}"
        if is_nameless(name):
            lost = "is ignored" if expected.ignores_others else "would be lost"
            faults.append(
                TableFault(table.file, name, f"has an empty header and {lost}",
                           "write its name into the header, or remove the column",
                           warning=expected.ignores_others)
            )  # fmt: skip
        elif expected.ignores_others:
            problem, remedy = "is not known and is ignored", "remove it, or fix its spelling"
            faults.append(TableFault(table.file, place, problem, remedy, warning=True))
        else:
            problem = "is not known and would be lost"
            remedy = "remove it, fix its spelling, or declare it in the practice definition"
            faults.append(TableFault(table.file, place, problem, remedy, edits_definition=True))
    return table, faults


def _without_header(table: RawTable, known: tuple[str, ...]) -> tuple[RawTable, list[TableFault]]:
    named = ", ".join(known[:MAX_NAMED]) + (", …" if len(known) > MAX_NAMED else "")
    problem = "has no header: its first line names no known column"
    remedy = f"put the names of the columns into the first line: {named}"
    nothing = RawTable(table.file, table.lines[:0], {}, whole=False)
    return nothing, [TableFault(table.file, None, problem, remedy)]


def _near(absent: Iterable[str], unknown: Iterable[str]) -> dict[str, str]:
    """Absent columns to the unknown ones that are likely meant, each unknown one once."""
    pairs = [
        (difflib.SequenceMatcher(None, _spelling(name), _spelling(other)).ratio(), name, other)
        for name in absent
        for other in unknown
        if _digits(name) == _digits(other)
    ]
    near: dict[str, str] = {}
    for likeness, name, other in sorted(pairs, key=lambda pair: -pair[0]):
        if likeness >= NEAR and name not in near and other not in near.values():
            near[name] = other
    return near


def _spelling(name: str) -> str:
    return re.sub(r"[\s_-]+", "_", name.strip()).casefold()


def _digits(name: str) -> str:
    return "".join(sign for sign in name if sign.isdigit())
