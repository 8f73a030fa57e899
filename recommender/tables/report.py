"""Checks a practice's tables: every fault in them, and how much of them can be used."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from recommender.alliance.label import early_ratings
from recommender.alliance.plausibility import PlausibilityWarning
from recommender.practice.definition import Practice
from recommender.tables.loader import LoadedTables, read_directory
from recommender.tables.plausibility import ConsentCounts, consent_counts, implausible_tables
from recommender.tables.raw_table import TableFault
from recommender.tables.references import KnownPeople, unresolved_references
from recommender.tables.table_files import TABLES
from recommender.values.table_format import STANDARD, TableFormat


@dataclass(frozen=True, slots=True)
class RowCount:
    """Rows of a table, and how many of them have no fault."""

    read: int
    usable: int


@dataclass(frozen=True, slots=True)
class TablesSummary:
    """How much of the tables can be used; rows with a fault are excluded from every figure.

    Attributes
    ----------
    rows
        Numbers of rows by table.
    early
        Number of ratings that count towards the early alliance, by instrument.
    left_out
        Number of ratings that do not count, by reason
        (`recommender.alliance.label.RatingExclusions`).
    pairings_rated, pairings_unrated
        Pairings with and without a rating that counts.
    unanswered
        Share of empty cells by field label (`client.age`), 0-1, over all rows of the file.
    clinicians_unrated
        Ids of clinicians whose pairings have no rating at all.
    consent
        Answers to the question of consent, where some client with a pairing did not say yes.
    """

    rows: Mapping[str, RowCount]
    early: Mapping[str, int]
    left_out: Mapping[str, int]
    pairings_rated: int
    pairings_unrated: int
    unanswered: Mapping[str, float]
    clinicians_unrated: tuple[str, ...]
    consent: ConsentCounts | None = None


@dataclass(frozen=True, slots=True)
class TablesReport:
    """Faults and summary of a practice's tables, and what is implausible about the sound rows.

    `faults` are grouped: one for each problem of a column with all its rows, in the order of
    tables, rows and columns. `warnings` are about what is legal and probably not meant, in the
    same form; `implausible` about what is probably not meant of sound rows as a whole.
    """

    faults: tuple[TableFault, ...]
    summary: TablesSummary
    warnings: tuple[TableFault, ...] = ()
    implausible: tuple[PlausibilityWarning, ...] = ()

    @property
    def sound(self) -> bool:
        """Whether there is no fault."""
        return not self.faults

    def grouped(self) -> tuple[str, ...]:
        """One line per problem: place, first five rows, number of rows, problem, remedy."""
        return tuple(str(fault.to_fault()) for fault in self.faults)


def check_tables(
    directory: Path,
    practice: Practice,
    today: date | None = None,
    written: TableFormat = STANDARD,
) -> TablesReport:
    """Every fault in a practice's tables, and how much of them can be used.

    The parameters are those of `read_tables`. Nothing about the files is raised.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> from recommender.practice.definition import shipped_practice
    >>> with TemporaryDirectory() as folder:
    ...     report = check_tables(Path(folder), shipped_practice())
    >>> report.sound
    False
    >>> print(report.faults[0].file, report.faults[0].problem)
    clients is missing
    """
    read = read_directory(directory, practice, today, written)
    return report_of_tables(read, practice)


def unresolved_ids(read: LoadedTables, practice: Practice) -> tuple[TableFault, ...]:
    """Ids in the fields of clients and clinicians that name nobody in these tables."""
    tables = {"clients": read.clients, "clinicians": read.clinicians}
    people = {
        table: KnownPeople(of.people.ids, of.people.names)
        for table, of in tables.items()
        if table in read.files
    }
    return tuple(
        TableFault(
            read.files[table],
            found.field.name,
            found.problem,
            found.remedy,
            tuple(sorted(int(of.lines[row]) for row in found.rows)),
        )
        for table, of in tables.items()
        if table in read.files
        for found in unresolved_references(
            practice, of.people.columns, table.removesuffix("s"), people
        )
    )


def report_of_tables(read: LoadedTables, practice: Practice) -> TablesReport:
    """Every fault of tables that were read, and how much of them can be used."""
    lines = {
        "clients": read.clients.lines,
        "clinicians": read.clinicians.lines,
        "pairings": read.pairings["line"].to_numpy(),
        "ratings": read.ratings["line"].to_numpy(),
    }
    sound = {table: _sound(read, table, lines[table]) for table in TABLES}
    pairings, ratings = read.pairings[sound["pairings"]], read.ratings[sound["ratings"]]
    # Without a column of ids no pairing can be told from another.
    pairings = pairings[pairings["pairing_id"].notna()]
    ratings = ratings[ratings["pairing_id"].isin(pairings["pairing_id"])]
    early = early_ratings(ratings, pairings, practice.alliance, practice.instruments)
    counts = early.rows["instrument"].value_counts()
    rated = int(early.rows["pairing_id"].nunique())
    usable = {table: int(sound[table].sum()) for table in TABLES} | {"ratings": len(ratings)}
    # Where a table of people cannot be read, nobody knows whom a pairing names.
    placed = pairings[(pairings["client"] >= 0) & (pairings["clinician"] >= 0)]
    summary = TablesSummary(
        rows={table: RowCount(read.sizes.get(table, 0), usable[table]) for table in TABLES},
        early={name: int(counts.get(name, 0)) for name in practice.alliance.instruments},
        left_out=asdict(early.exclusions),
        pairings_rated=rated,
        pairings_unrated=len(pairings) - rated,
        unanswered=_unanswered(read),
        clinicians_unrated=_unrated(read, pairings, ratings),
        consent=consent_counts(practice, read.clients.people.columns, placed),
    )
    people = read.clients.people.columns, read.clinicians.people.columns
    implausible = implausible_tables(practice, *people, placed, ratings)
    warnings = (*read.warnings, *unresolved_ids(read, practice))
    return TablesReport(read.faults, summary, warnings, implausible)


def _sound(read: LoadedTables, table: str, lines: NDArray[np.intp]) -> NDArray[np.bool_]:
    """Whether each line of a table has no fault."""
    file = read.files.get(table)
    wrong = [np.array(f.rows, dtype=np.intp) for f in read.faults if f.file == file and f.rows]
    return ~np.isin(lines, np.concatenate(wrong)) if wrong else np.ones(len(lines), dtype=np.bool_)


def _unanswered(read: LoadedTables) -> dict[str, float]:
    sides = (("client", read.clients), ("clinician", read.clinicians))
    return {
        f"{side}.{name}": share
        for side, people in sides
        for name, share in people.unanswered.items()
    }


def _unrated(read: LoadedTables, pairings: pd.DataFrame, ratings: pd.DataFrame) -> tuple[str, ...]:
    rated = pairings.loc[pairings["pairing_id"].isin(ratings["pairing_id"]), "clinician"]
    seen = set(rated.tolist())
    return tuple(n for place, n in enumerate(read.clinicians.people.ids) if place not in seen)
