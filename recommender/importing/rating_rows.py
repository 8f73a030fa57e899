"""Ratings out of a spreadsheet: one a row, or several a row in columns named by their session."""

import re
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, tzinfo

from recommender.alliance.instruments import METRICS
from recommender.importing.cell_values import Unreadable, date_of, field_cells, mapped
from recommender.importing.import_report import ImportLog
from recommender.importing.mapping_check import ITEM, SESSION
from recommender.importing.mapping_file import Cell, RatingMapping
from recommender.importing.pairing_rows import ImportedPairing, PairingKey
from recommender.importing.people_rows import DATE, SourceRows
from recommender.importing.source_files import Source
from recommender.practice.fields import Field
from recommender.tables.cells import plain_field
from recommender.tables.pairings import RATERS
from recommender.values.kinds import is_missing

NUMBER = plain_field("score", "number")
SESSION_FIELD = plain_field("session", "scale", minimum=1)
MAX_ITEMS = 60
"""Columns that a pattern with `{item}` may name."""


@dataclass(slots=True)
class ImportedRating:
    """A rating as its table writes it, with the source row and column it is from."""

    source: Source
    row: int
    column: str
    pairing_id: str
    session: int
    rated_on: date
    instrument: str
    rater: str
    metric: str
    score: str | None
    items: tuple[str | None, ...] = ()


@dataclass(slots=True)
class _Problems:
    """Rows and cells of one source that give no rating, by reason."""

    rows: dict[str, list[int]] = field(default_factory=lambda: defaultdict(list))
    cells: dict[tuple[str, str], list[int]] = field(default_factory=lambda: defaultdict(list))


@dataclass(frozen=True, slots=True)
class _Score:
    """What one row says in one column or set of columns."""

    row: int
    column: str
    session: int | None
    score: str | None
    items: tuple[str | None, ...]
    date_column: str


def imported_ratings(
    rating: RatingMapping,
    each: SourceRows,
    pairings: Mapping[PairingKey, ImportedPairing],
    clients: Mapping[str, str],
    instruments: Collection[str],
    zone: tzinfo,
    today: date,
    log: ImportLog,
) -> list[ImportedRating]:
    """The ratings of a file.

    A row without a clinician is of the client's only pairing. A row of which nothing is used is
    left out with the first reason of its cells.
    """
    problems = _Problems()
    of_client: defaultdict[str, list[PairingKey]] = defaultdict(list)
    for key in pairings:
        of_client[key[0]].append(key)
    pairing_of: dict[int, ImportedPairing] = {}
    for row in each.rows:
        found = _pairing_of(each, row, pairings, of_client, clients)
        if isinstance(found, str):
            problems.rows[found].append(row)
        else:
            pairing_of[row] = found
    rows = list(pairing_of)
    words = {
        known.name: _words(each.source, getattr(rating, known.name), known, rows)
        for known in (
            plain_field("instrument", "category", levels=tuple(instruments)),
            plain_field("rater", "category", levels=RATERS),
            plain_field("metric", "category", levels=METRICS),
        )
    }
    days = _days(rating, each.source, rows, zone, problems)
    dated = {column for column, _ in days}
    ratings = []
    for score in _scores(rating, each.source, rows, zone, problems):
        pairing = pairing_of[score.row]
        placed = _placed(score, pairing, days, dated, today)
        if isinstance(placed, str):
            problems.cells[score.column, placed].append(score.row)
            continue
        said = {name: column[score.row] for name, column in words.items()}
        empty = next((name for name, word in said.items() if not word), None)
        if empty is not None:
            problems.cells[score.column, f"has no {empty} that is known"].append(score.row)
            continue
        ratings.append(
            ImportedRating(
                each.source,
                score.row,
                score.column,
                pairing.pairing_id,
                *placed,
                said["instrument"],
                said["rater"],
                said["metric"],
                score.score,
                score.items,
            )
        )
    _record(problems, each.source, {each.row for each in ratings}, rows, log)
    return ratings


def _pairing_of(
    each: SourceRows,
    row: int,
    pairings: Mapping[PairingKey, ImportedPairing],
    of_client: Mapping[str, Sequence[PairingKey]],
    clients: Mapping[str, str],
) -> ImportedPairing | str:
    """The pairing of a row, or why there is none."""
    client, clinician = each.clients[row], each.clinicians[row]
    if not client:
        return "names no client"
    if client not in clients:
        return "its client is in no file of clients, or was left out"
    if clinician:
        return pairings.get(
            (client, clinician), "its client has no attended appointment with its clinician"
        )
    own = of_client.get(client, ())
    if len(own) != 1:
        return "names no clinician, and its client has several"
    return pairings[own[0]]


def _words(source: Source, spec: Cell, known: Field, rows: Sequence[int]) -> dict[int, str]:
    """Instrument, rater or metric of each row, "" where it is none that is known."""
    cells = source.raw_cells(spec)
    words = {}
    for row in rows:
        value = mapped(spec, cells[row], known)
        is_known = not is_missing(value) and not isinstance(value, Unreadable)
        words[row] = str(value) if is_known else ""
    return words


def _days(
    rating: RatingMapping, source: Source, rows: Sequence[int], zone: tzinfo, problems: _Problems
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


def _scores(
    rating: RatingMapping, source: Source, rows: Sequence[int], zone: tzinfo, problems: _Problems
) -> Iterator[_Score]:
    """Every filled score of the rows."""
    if rating.items:
        yield from _item_scores(rating, source, rows, zone, problems)
        return
    assert rating.score is not None
    sessions = _sessions(rating, source, rows, zone, problems)
    for column, number in session_columns(source, rating.score):
        cells = source.cells([column]) or []
        read = field_cells(NUMBER, rating.score, [cells[row] for row in rows], source.written, zone)
        for reason, wrong in read.left_out.items():
            problems.cells[column, reason] += [rows[at] for at in wrong]
        for row, cell in zip(rows, read.cells, strict=True):
            if cell is not None and (number is not None or row in sessions):
                session = number if number is not None else sessions[row]
                date_column = "" if number is None else str(number)
                yield _Score(row, column, session, cell, (), date_column)


def _item_scores(
    rating: RatingMapping, source: Source, rows: Sequence[int], zone: tzinfo, problems: _Problems
) -> Iterator[_Score]:
    columns = item_columns(rating.items, source)
    sessions = _sessions(rating, source, rows, zone, problems)
    answers = []
    for column in columns:
        cells = source.cells([column]) or []
        spec = Cell(column=(column,))
        read = field_cells(NUMBER, spec, [cells[row] for row in rows], source.written, zone)
        for reason, wrong in read.left_out.items():
            problems.cells[column, reason] += [rows[at] for at in wrong]
        answers.append(read.cells)
    for at, row in enumerate(rows):
        items = tuple(column[at] for column in answers)
        if any(item is not None for item in items) and row in sessions:
            yield _Score(row, columns[0], sessions[row], None, items, "")


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
    rating: RatingMapping, source: Source, rows: Sequence[int], zone: tzinfo, problems: _Problems
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
    for reason, wrong in read.left_out.items():
        problems.cells[place, reason] += [rows[at] for at in wrong]
        for at in wrong:
            sessions.pop(rows[at], None)
    return sessions


def _placed(
    score: _Score,
    pairing: ImportedPairing,
    days: Mapping[tuple[str, int], str],
    dated: Collection[str],
    today: date,
) -> tuple[int, date] | str:
    """The session and the day of a rating, each from the other where it is missing."""
    written = days.get((score.date_column, score.row))
    if written is None and score.date_column in dated:
        return "has a day that cannot be read"
    day = date_of(written) if written else None
    session = score.session
    if day is not None and day > today:
        return "is in the future"
    if session is None and day is None:
        return "has neither session nor day"
    if session is None:
        assert day is not None
        session = bisect_right(pairing.days, day)
        if not session:
            return "is before the first attended appointment"
    if day is None:
        if session > len(pairing.days):
            return "has no day, and so many appointments were not attended"
        day = pairing.days[session - 1]
    return session, day


def _record(
    problems: _Problems, source: Source, used: set[int], rows: Iterable[int], log: ImportLog
) -> None:
    """Records rows of which nothing is used, and cells of the others."""
    for reason, gone in problems.rows.items():
        source.leave_out(log, reason, gone)
    for (column, reason), gone in problems.cells.items():
        source.leave_out(log, f"{column} {reason}", [row for row in gone if row not in used])
        source.leave_out_cells(log, column, reason, [row for row in gone if row in used])
    refused = {row for gone in problems.cells.values() for row in gone}
    empty = [row for row in rows if row not in used and row not in refused]
    source.leave_out(log, "has no score", empty)
