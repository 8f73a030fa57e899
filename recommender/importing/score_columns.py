"""The columns of a file of ratings: scores, answers, sessions and days of its rows."""

import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import tzinfo

from recommender.importing.cell_values import field_cells
from recommender.importing.mapping_check import ITEM, SESSION
from recommender.importing.mapping_file import Cell, RatingMapping
from recommender.importing.misread import Misread
from recommender.importing.people_fields import DATE
from recommender.importing.source_files import Source
from recommender.tables.cells import plain_field

NUMBER = plain_field("score", "number")
SESSION_FIELD = plain_field("session", "scale", minimum=1)
MAX_ITEMS = 60
"""Columns that a pattern with `{item}` may name."""


@dataclass(slots=True)
class RatingProblems:
    """Rows and cells of one source that give no rating, by reason."""

    misread: Misread
    rows: dict[str, list[int]] = field(default_factory=lambda: defaultdict(list))
    cells: dict[tuple[str, str], list[int]] = field(default_factory=lambda: defaultdict(list))


@dataclass(frozen=True, slots=True)
class RowScore:
    """What one row says in one column or set of columns."""

    row: int
    column: str
    session: int | None
    score: str | None
    items: tuple[str | None, ...]
    date_column: str


def days_of_ratings(
    rating: RatingMapping,
    source: Source,
    rows: Sequence[int],
    zone: tzinfo,
    problems: RatingProblems,
) -> dict[tuple[str, int], str]:
    """The day of each row by column of dates; "" where it is empty."""
    days: dict[tuple[str, int], str] = {}
    if rating.date is None:
        return days
    for column, session in session_columns(source, rating.date):
        cells = source.cells([column]) or []
        read = field_cells(DATE, rating.date, [cells[row] for row in rows], source.written, zone)
        for row, cell in zip(rows, read.cells, strict=True):
            days["" if session is None else str(session), row] = cell or ""
        problems.misread.add(source, column, read, rows)
        for reason, wrong in read.left_out.items():
            for at in wrong:
                days.pop(("" if session is None else str(session), rows[at]))
                problems.cells[column, reason].append(rows[at])
    return days


def session_columns(source: Source, spec: Cell) -> Iterator[tuple[str, int | None]]:
    """The columns that a mapping names, in the order of the file, and the session of each.

    Without a pattern the session is None.
    """
    for names in spec.named:
        if not any(SESSION in name for name in names):
            found = source.column(names)
            if found is not None:
                yield found, None
            continue
        patterns = [_pattern(name, SESSION) for name in names]
        for name in source.tables[0].columns:
            match = next((m for p in patterns if (m := p.fullmatch(" ".join(name.split())))), None)
            if match is not None and source.column([name]) is not None:
                yield name, int(match[1])


def _pattern(name: str, mark: str) -> re.Pattern[str]:
    before, _, after = " ".join(name.split()).partition(mark)
    return re.compile(f"{re.escape(before)}([0-9]{{1,3}}){re.escape(after)}", re.IGNORECASE)


def scores_of_rows(
    rating: RatingMapping,
    source: Source,
    rows: Sequence[int],
    zone: tzinfo,
    problems: RatingProblems,
) -> Iterator[RowScore]:
    """Every filled score of the rows."""
    if rating.items:
        yield from _item_scores(rating, source, rows, zone, problems)
        return
    assert rating.score is not None
    sessions = _sessions(rating, source, rows, zone, problems)
    for column, number in session_columns(source, rating.score):
        cells = source.cells([column]) or []
        read = field_cells(NUMBER, rating.score, [cells[row] for row in rows], source.written, zone)
        problems.misread.add(source, column, read, rows)
        for reason, wrong in read.left_out.items():
            problems.cells[column, reason] += [rows[at] for at in wrong]
        for row, cell in zip(rows, read.cells, strict=True):
            if cell is not None and (number is not None or row in sessions):
                session = number if number is not None else sessions[row]
                date_column = "" if number is None else str(number)
                yield RowScore(row, column, session, cell, (), date_column)


def _item_scores(
    rating: RatingMapping,
    source: Source,
    rows: Sequence[int],
    zone: tzinfo,
    problems: RatingProblems,
) -> Iterator[RowScore]:
    columns = item_columns(rating.items, source)
    sessions = _sessions(rating, source, rows, zone, problems)
    answers = []
    for column in columns:
        cells = source.cells([column]) or []
        spec = Cell(column=(column,))
        read = field_cells(NUMBER, spec, [cells[row] for row in rows], source.written, zone)
        problems.misread.add(source, column, read, rows)
        for reason, wrong in read.left_out.items():
            problems.cells[column, reason] += [rows[at] for at in wrong]
        answers.append(read.cells)
    for at, row in enumerate(rows):
        items = tuple(column[at] for column in answers)
        if any(item is not None for item in items) and row in sessions:
            yield RowScore(row, columns[0], sessions[row], None, items, "")


def item_columns(items: Sequence[str], source: Source) -> list[str]:
    """The columns of items, with every column that a pattern names, in the order of the items."""
    found = []
    for name in items:
        if ITEM not in name:
            found += [each for each in [source.column([name])] if each is not None]
            continue
        numbered = (source.column([name.replace(ITEM, str(n))]) for n in range(1, MAX_ITEMS + 1))
        found += [each for each in numbered if each is not None]
    return found


def _sessions(
    rating: RatingMapping,
    source: Source,
    rows: Sequence[int],
    zone: tzinfo,
    problems: RatingProblems,
) -> dict[int, int | None]:
    """The session of each row, None where it is to be counted; rows with an unreadable one lack."""
    if rating.session is None:
        return dict.fromkeys(rows)
    cells = source.raw_cells(rating.session)
    read = field_cells(
        SESSION_FIELD, rating.session, [cells[row] for row in rows], source.written, zone
    )
    sessions: dict[int, int | None] = {}
    for at, (row, cell) in enumerate(zip(rows, read.cells, strict=True)):
        number = None if cell is None else float(cell)
        if number is None or number.is_integer():
            sessions[row] = None if number is None else int(number)
        else:
            read.left_out.setdefault("is not a whole number", []).append(at)
    place = ", ".join(names[0] for names in rating.session.named)
    problems.misread.add(source, place, read, rows)
    for reason, wrong in read.left_out.items():
        problems.cells[place, reason] += [rows[at] for at in wrong]
        for at in wrong:
            sessions.pop(rows[at], None)
    return sessions
