"""Ratings out of a spreadsheet: one a row, or several a row in columns named by their session."""

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, tzinfo

from recommender.alliance.instruments import METRICS
from recommender.importing.cell_values import Unreadable, date_of, mapped
from recommender.importing.import_report import ImportLog
from recommender.importing.mapping_file import Cell, RatingMapping
from recommender.importing.misread import Misread
from recommender.importing.other_values import note_other_values
from recommender.importing.pairing_rows import ImportedPairing, PairingKey
from recommender.importing.people_fields import UsedRows
from recommender.importing.score_columns import (
    RatingProblems,
    RowScore,
    days_of_ratings,
    scores_of_rows,
)
from recommender.importing.source_files import Source
from recommender.practice.fields import Field
from recommender.tables.cells import plain_field
from recommender.tables.pairings import RATERS
from recommender.values.kinds import is_missing


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


def imported_ratings(
    rating: RatingMapping,
    each: UsedRows,
    pairings: Mapping[PairingKey, ImportedPairing],
    clients: Mapping[str, str],
    instruments: Collection[str],
    zone: tzinfo,
    today: date,
    misread: Misread,
    log: ImportLog,
) -> list[ImportedRating]:
    """The ratings of a file.

    A row without a clinician is of the client's only pairing. A row of which nothing is used is
    left out with the first reason of its cells.
    """
    problems = RatingProblems(misread)
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
        known.name: _words(each.source, getattr(rating, known.name), known, rows, log)
        for known in (
            plain_field("instrument", "category", levels=tuple(instruments)),
            plain_field("rater", "category", levels=RATERS),
            plain_field("metric", "category", levels=METRICS),
        )
    }
    days = days_of_ratings(rating, each.source, rows, zone, problems)
    dated = {column for column, _ in days}
    ratings = []
    for score in scores_of_rows(rating, each.source, rows, zone, problems):
        pairing = pairing_of[score.row]
        placed = _placed(score, pairing, days, dated, today)
        if isinstance(placed, str):
            problems.cells[score.column, placed].append(score.row)
            continue
        named = {name: column[score.row] for name, column in words.items()}
        empty = next((name for name, word in named.items() if not word), None)
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
                named["instrument"],
                named["rater"],
                named["metric"],
                score.score,
                score.items,
            )
        )
    _record(problems, each.source, {each.row for each in ratings}, rows, log)
    return ratings


def _pairing_of(
    each: UsedRows,
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


def _words(
    source: Source, spec: Cell, known: Field, rows: Sequence[int], log: ImportLog
) -> dict[int, str]:
    """Instrument, rater or metric of each row, "" where it is none that is known."""
    cells = source.raw_cells(spec)
    note_other_values(source, spec, known, [cells[row] for row in rows], log)
    words = {}
    for row in rows:
        value = mapped(spec, cells[row], known)
        is_known = not is_missing(value) and not isinstance(value, Unreadable)
        words[row] = str(value) if is_known else ""
    return words


def _placed(
    score: RowScore,
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
    problems: RatingProblems, source: Source, used: set[int], rows: Iterable[int], log: ImportLog
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
