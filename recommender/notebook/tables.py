"""A practice's definition and tables in a notebook: loading, checking, and the tables again."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from pathlib import Path

import numpy as np
import pandas as pd

from recommender.errors import RecommenderError
from recommender.notebook import arguments, html
from recommender.notebook.frames import faults_frame, in_short, people_frame
from recommender.practice.definition import Practice, practice_named
from recommender.tables.loader import (
    LoadedTables,
    Tables,
    checked_tables,
    read_directory,
    read_frames,
)
from recommender.tables.pairings import PROPENSITY
from recommender.tables.raw_table import TableFault
from recommender.tables.report import TablesReport, report_of_tables, unresolved_ids
from recommender.values.table_format import DateOrder, DecimalMark, TableFormat, ThousandsMark

_OPTION = re.compile(r"--(dates|decimal|thousands|currency) '?([^ ',;]+)'?")
Source = str | Path | Mapping[str, pd.DataFrame]
"""A folder or a workbook, or the four tables by name."""


def load_practice(source: str | Path = "psychology") -> Practice:
    """A practice definition: one that ships, by its name, or the TOML file at a path.

    Raises
    ------
    DefinitionError
        With every fault of the file.

    Examples
    --------
    >>> practice = load_practice()
    >>> practice.client["age_years"].kind, practice.reference.name
    ('number', 'wai_sr')
    """
    arguments.expect("source", source, arguments.PATHS, "give a name or the path of a TOML file")
    return practice_named(str(source))


@dataclass(frozen=True, slots=True, eq=False)
class PracticeTables:
    """Checked tables of a practice.

    Attributes
    ----------
    practice
        The definition they follow.
    checked
        The tables as training reads them.
    warnings
        What is legal and probably not meant: table, column, rows, problem, remedy.

    Examples
    --------
    `folder` holds the tables of a small practice, `practice` its definition:

    >>> tables = load_tables(folder, practice)
    >>> tables
    <PracticeTables corner: 120 clients, 12 clinicians, 120 pairings, 95 ratings>
    >>> tables.ratings["instrument"].unique().tolist()
    ['wai_sr']
    """

    practice: Practice
    checked: Tables
    warnings: pd.DataFrame = field(repr=False)

    @property
    def clients(self) -> pd.DataFrame:
        """client_id and every client field, a row a client; missing answers are None or NaN."""
        fields = self.practice.client
        return people_frame("client_id", self.checked.client_ids, self.checked.clients, fields)

    @property
    def clinicians(self) -> pd.DataFrame:
        """clinician_id, name and every clinician field, a row a clinician."""
        frame = people_frame(
            "clinician_id",
            self.checked.clinician_ids,
            self.checked.clinicians,
            self.practice.clinician,
        )
        if "name" not in frame:
            names = pd.Series(list(self.checked.clinician_names), dtype="str")
            frame.insert(1, "name", names)
        return frame

    @property
    def pairings(self) -> pd.DataFrame:
        """pairing_id, client_id, clinician_id, started_on, sessions, ended_on, propensity."""
        frame = self.checked.pairings
        ids = {
            "pairing_id": frame["pairing_id"],
            "client_id": pd.Series(self.checked.client_ids, dtype="str").reindex(frame["client"]),
            "clinician_id": pd.Series(self.checked.clinician_ids, dtype="str").reindex(
                frame["clinician"]
            ),
        }
        values = {name: series.to_numpy() for name, series in ids.items()}
        rest = frame[["started_on", "sessions", "ended_on", PROPENSITY]]
        return pd.DataFrame(values).join(rest)

    @property
    def ratings(self) -> pd.DataFrame:
        """pairing_id, session, rated_on, known_on, instrument, rater, metric, score and items."""
        return self.checked.ratings.copy()

    def __repr__(self) -> str:
        return f"<PracticeTables {self.practice.id}: {self._sizes()}>"

    def _sizes(self) -> str:
        checked = self.checked
        return (
            f"{len(checked.client_ids):,} clients, {len(checked.clinician_ids):,} clinicians, "
            f"{len(checked.pairings):,} pairings, {len(checked.ratings):,} ratings"
        )

    def _repr_html_(self) -> str:
        parts = [html.paragraph(f"{self._sizes()}; no faults.")]
        parts.append(html.table(in_short(self.warnings), "Please check:"))
        return html.block(f"Tables of {self.practice.title}", *parts)


def load_tables(
    source: Source,
    practice: Practice | str | Path = "psychology",
    *,
    today: date | str | None = None,
    dates: DateOrder = "iso",
    decimal: DecimalMark = "point",
    thousands: ThousandsMark = "none",
    currency: str = "",
) -> PracticeTables:
    """The four tables of a practice, with the checks of the command line.

    Parameters
    ----------
    source
        A folder of `clients`, `clinicians`, `pairings` and `ratings` (CSV, Parquet, Excel), a
        workbook with these sheets, or a mapping of these names to DataFrames. DataFrames are taken
        as `pd.read_csv` and other readers give them: text, whole numbers, floats, flags and dates.
        Messages count the rows of files from 1 with the header, those of DataFrames from 0.
    practice
        The definition, or what `load_practice` takes.
    today
        The practice's day, a date or text such as 2026-11-23; later dates of ratings are faults. By
        default today.
    dates, decimal, thousands, currency
        How text writes dates and amounts; see `recommender.values.table_format.TableFormat`.

    Raises
    ------
    TablesError
        With every fault of all tables, when anything would be lost or misread.
    RecommenderError
        When an argument is of another type, or an option is none of its choices.

    Examples
    --------
    >>> names = ("clients", "clinicians", "pairings", "ratings")
    >>> frames = {name: pd.read_csv(folder / f"{name}.csv") for name in names}
    >>> of_frames, of_files = (load_tables(source, practice) for source in (frames, folder))
    >>> of_frames.checked.digest == of_files.checked.digest
    True
    """
    _check_source(source)
    written = _written(dates, decimal, thousands, currency)
    declared = _declared(practice)
    read = _read(source, declared, today, written)
    checked = checked_tables(read)
    warnings = (*read.warnings, *unresolved_ids(read, declared))
    return PracticeTables(declared, checked, faults_frame(warnings))


@dataclass(frozen=True, slots=True, eq=False)
class CheckReport:
    """What is wrong with a practice's tables, and how much of them can be used.

    Attributes
    ----------
    practice
        The definition they should follow.
    report
        The report of `recommender check`.

    Examples
    --------
    >>> report = check(folder, practice)
    >>> report
    <CheckReport corner: sound; 95 pairings have an early rating, 25 have none>
    >>> report.rows
            table  read  usable
    0     clients   120     120
    1  clinicians    12      12
    2    pairings   120     120
    3     ratings    95      95
    """

    practice: Practice
    report: TablesReport

    @property
    def sound(self) -> bool:
        """Whether there is no fault."""
        return self.report.sound

    @property
    def faults(self) -> pd.DataFrame:
        """table, column, rows, problem, remedy; a row a problem of a column."""
        return faults_frame(self.report.faults)

    @property
    def warnings(self) -> pd.DataFrame:
        """What is legal and probably not meant, with the columns of `faults`."""
        return faults_frame(self.report.warnings)

    @property
    def implausible(self) -> tuple[str, ...]:
        """What is implausible about the tables as a whole, in sentences."""
        return tuple(map(str, self.report.implausible))

    @property
    def rows(self) -> pd.DataFrame:
        """table, read, usable: rows of each table, and how many of them have no fault."""
        rows = [(name, each.read, each.usable) for name, each in self.report.summary.rows.items()]
        return pd.DataFrame(rows, columns=["table", "read", "usable"])

    @property
    def left_out(self) -> "pd.Series[int]":
        """Ratings that do not count, by reason."""
        counts = {
            reason.replace("_", " "): number
            for reason, number in self.report.summary.left_out.items()
            if number
        }
        index = pd.Index(list(counts), name="reason", dtype="str")
        return pd.Series(list(counts.values()), index=index, name="ratings", dtype=np.int64)

    def __repr__(self) -> str:
        number = len(self.report.faults)
        state = "sound" if self.sound else f"{number} fault{'s'[: number > 1]}"
        return f"<CheckReport {self.practice.id}: {state}; {self._rated()}>"

    def _rated(self) -> str:
        summary = self.report.summary
        return (
            f"{summary.pairings_rated:,} pairings have an early rating, "
            f"{summary.pairings_unrated:,} have none"
        )

    def _repr_html_(self) -> str:
        state = "No faults." if self.sound else "Nothing is learned before these are corrected:"
        consent = self.report.summary.consent
        return html.block(
            f"Tables of {self.practice.title}",
            html.paragraph(f"{self._rated()}."),
            html.table(self.rows),
            html.table(self.left_out.reset_index(), "Ratings that do not count:"),
            html.paragraph(str(consent)) if consent is not None else "",
            html.paragraph(state),
            html.table(in_short(self.faults)),
            html.table(in_short(self.warnings), "Please check:"),
            html.bullets(self.implausible, "Plausibility:"),
        )


def check(
    source: Source,
    practice: Practice | str | Path = "psychology",
    *,
    today: date | str | None = None,
    dates: DateOrder = "iso",
    decimal: DecimalMark = "point",
    thousands: ThousandsMark = "none",
    currency: str = "",
) -> CheckReport:
    """Every fault in a practice's tables, and how much of them can be used.

    The parameters are those of `load_tables`; nothing about the tables is raised.

    Examples
    --------
    >>> report = check({"clients": pd.DataFrame({"client_id": ["c1", None]})}, practice)
    >>> report.sound, len(report.faults), report.faults["problem"].iloc[0]
    (False, 14, 'is missing')
    """
    _check_source(source)
    written = _written(dates, decimal, thousands, currency)
    declared = _declared(practice)
    read = _read(source, declared, today, written)
    return CheckReport(declared, report_of_tables(read, declared))


def _read(
    source: Source, practice: Practice, today: date | str | None, written: TableFormat
) -> LoadedTables:
    day = arguments.day("today", today, practice.day_at(datetime.now(UTC)))
    if isinstance(source, Mapping):
        read = read_frames(source, practice, day, written)
    else:
        read = read_directory(Path(source), practice, day, written)
    return replace(
        read,
        faults=tuple(map(_in_python, read.faults)),
        warnings=tuple(map(_in_python, read.warnings)),
    )


def check_loaded(tables: object) -> None:
    """Refuses what is not of `load_tables`.

    Raises
    ------
    RecommenderError
    """
    remedy = "call recommender.load_tables first and give what it returns"
    arguments.expect("tables", tables, PracticeTables, remedy)


def _check_source(source: object) -> None:
    remedy = "give a folder, or {'clients': frame, 'clinicians': ..., 'pairings': ..., 'ratings': "
    arguments.expect("source", source, (*arguments.PATHS, Mapping), f"{remedy}...}}")


def _declared(practice: Practice | str | Path) -> Practice:
    arguments.practice(practice)
    return practice if isinstance(practice, Practice) else load_practice(practice)


def _written(
    dates: DateOrder, decimal: DecimalMark, thousands: ThousandsMark, currency: str
) -> TableFormat:
    """How the tables are written.

    Raises
    ------
    RecommenderError
        When an argument is none of its choices.
    """
    try:
        return TableFormat(dates, decimal, thousands, currency)
    except RecommenderError as error:
        # An option of a command is named by its argument.
        name = error.field.removeprefix("--")
        raise RecommenderError(name, error.problem, error.remedy) from None


def _in_python(fault: TableFault) -> TableFault:
    """The fault; options of a command become arguments."""
    return replace(fault, remedy=_OPTION.sub(r'\1="\2"', fault.remedy))
