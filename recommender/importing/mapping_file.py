"""A mapping: which columns of which files become the fields of a practice's tables (TOML).

`read_mapping` names everything that is wrong with its form at once; whether it fits a practice
definition and the files is checked by `mapping_check`.
"""

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any

from pydantic import BeforeValidator, TypeAdapter, ValidationError
from pydantic import Field as Setting

from recommender.errors import Fault, FaultsError
from recommender.values.near_names import with_near_name
from recommender.values.table_format import (
    DateOrder,
    DecimalMark,
    TableFormat,
    ThousandsMark,
)
from recommender.values.toml_problem import toml_problem
from recommender.values.toml_settings import (
    FilledText,
    Flag,
    Number,
    Text,
    Texts,
    Whole,
    one_of,
    toml_table,
)

Column = Annotated[
    tuple[FilledText, ...],
    BeforeValidator(lambda names: (names,) if isinstance(names, str) else names),
]
"""The name of a column, or several of which the first that a file has is read."""
Constant = Flag | Whole | Number | Text
READ_AS = ("text", "name", "age")


class MappingError(FaultsError):
    """A mapping that cannot be used, with every reason."""


@toml_table
@dataclass(frozen=True, slots=True)
class Cell:
    """Where the cells of one field come from.

    Attributes
    ----------
    column
        The column that is read.
    columns
        Several columns in place of one: their filled cells, with `join_with` between them.
    value
        The same value in every row, in place of a column.
    values
        What stands for a value of the source, whatever its case; "" leaves the cell empty, and
        "*" stands for every value that is not named.
    split
        Marks between the parts of a cell that become several tags.
    read_as
        `name`: a person's name without title, whatever its order. `age`: a date of birth as whole
        years on the day of the first attended appointment.
    file
        The file that has the column, where it is not the file of the rows.
    optional
        Whether the column may be absent.
    dates, decimal, thousands, currency
        How this column writes dates and numbers, where the file writes others differently.
    """

    column: Column = ()
    columns: tuple[Column, ...] = ()
    join_with: Text = " "
    value: Constant | None = None
    values: Mapping[str, Constant] = field(default_factory=dict)
    split: Texts = ()
    read_as: Annotated[str, one_of(READ_AS)] = "text"
    file: Text = ""
    optional: Flag = False
    dates: DateOrder | None = None
    decimal: DecimalMark | None = None
    thousands: ThousandsMark | None = None
    currency: Text | None = None

    @property
    def named(self) -> tuple[tuple[str, ...], ...]:
        """The columns that are read, each with its other names."""
        return self.columns or ((self.column,) if self.column else ())

    def format(self, usual: TableFormat) -> TableFormat:
        """How this column writes dates and numbers, given how its file usually does."""
        return TableFormat(
            self.dates or usual.dates,
            self.decimal or usual.decimal,
            self.thousands or usual.thousands,
            usual.currency if self.currency is None else self.currency,
        )


@toml_table
@dataclass(frozen=True, slots=True)
class RowCondition:
    """A condition of a row: a cell that is filled or empty, or is one of some values.

    Of `equals`, "" is an empty cell.

    `reason` is what the report says of rows that are left out by it.
    """

    column: Column
    reason: FilledText
    equals: tuple[Constant, ...] | None = None
    filled: Flag | None = None


@toml_table
@dataclass(frozen=True, slots=True)
class SourceFile:
    """One kind of file of the source system.

    Attributes
    ----------
    names
        What its name is like, such as `Appointments*.csv`, whatever its case.
    sheet
        The sheet of a workbook; the only sheet without.
    required
        Whether the import is refused without it.
    fields_of
        `clients` or `clinicians` where the columns have the names of the definition's fields and
        need no mapping. Their filled cells count more than those of other files. Rows name a
        client by `client`, a clinician by the columns `clinician_id` or `name`.
    row_id
        What the source system calls a row: a row that repeats it is left out.
    client, clinician, clinician_name, date
        Whom a row is about, how staff read the clinician's name, and its day.
    drop, keep
        Rows that meet any condition of `drop`, or do not meet one of `keep`, are left out. What
        `drop` names by its values needs `keep` with those that count: a value that neither
        names is left out, and reported.
    leave_out
        Columns that are deliberately not read, with the reason.
    dates, decimal, thousands, currency
        How the file writes dates and numbers, where that is not as in [format].
    """

    names: Annotated[Texts, Setting(min_length=1)]
    sheet: Text = ""
    required: Flag = True
    fields_of: Annotated[str, one_of(("", "clients", "clinicians"))] = ""
    row_id: Column = ()
    client: Cell | None = None
    clinician: Cell | None = None
    clinician_name: Cell | None = None
    date: Cell | None = None
    drop: tuple[RowCondition, ...] = ()
    keep: tuple[RowCondition, ...] = ()
    leave_out: Mapping[str, FilledText] = field(default_factory=dict)
    dates: DateOrder | None = None
    decimal: DecimalMark | None = None
    thousands: ThousandsMark | None = None
    currency: Text | None = None


@toml_table
@dataclass(frozen=True, slots=True)
class PeopleMapping:
    """Clients or clinicians: the files whose rows are about them, and their fields.

    Of a person in several files the first in `rows` counts. Clinicians have pseudonyms unless
    `pseudonym` is false; clients always have.
    """

    rows: Annotated[Texts, Setting(min_length=1)]
    fields: Mapping[str, Cell] = field(default_factory=dict)
    pseudonym: Flag = True


@toml_table
@dataclass(frozen=True, slots=True)
class PairingMapping:
    """Pairings out of attended appointments: the first is the start, their number the sessions.

    With `ended_after_days` a pairing has ended on the day of its last appointment, where none was
    attended in so many days before the newest attended appointment of the file.
    """

    appointments: FilledText
    ended_after_days: Annotated[Whole, Setting(ge=1)] | None = None


@toml_table
@dataclass(frozen=True, slots=True)
class RatingMapping:
    """Ratings out of a file: one a row, or several a row in columns named by their session.

    Attributes
    ----------
    file
        The file of ratings.
    score
        The score. For several a row its column has `{session}` for the number of the session, such
        as `WAI session {session}`.
    items
        The columns of the answers in their order, in place of a score; `Q{item}` for Q1, Q2 …
    session
        The number of the session; without, the number of appointments attended until the day.
    date
        The day, by the same pattern where there are several a row; without, the day of that
        session's attended appointment.
    instrument, metric, rater
        As in the table of ratings.
    """

    file: FilledText
    instrument: Cell
    score: Cell | None = None
    items: Texts = ()
    session: Cell | None = None
    date: Cell | None = None
    metric: Cell = Cell(value="sum")
    rater: Cell = Cell(value="client")


@toml_table
@dataclass(frozen=True, slots=True)
class About:
    """What a mapping is for, where its columns are documented, and what could not be confirmed."""

    title: FilledText
    sources: Texts = ()
    unconfirmed: Texts = ()


@toml_table
@dataclass(frozen=True, slots=True)
class WrittenAs:
    """How the files of a mapping write dates and numbers, as in `TableFormat`."""

    dates: DateOrder = "iso"
    decimal: DecimalMark = "point"
    thousands: ThousandsMark = "none"
    currency: Text = ""


@toml_table
@dataclass(frozen=True, slots=True)
class MappingFile:
    """A whole mapping."""

    mapping: About
    files: Mapping[str, SourceFile]
    clients: PeopleMapping
    clinicians: PeopleMapping
    pairings: PairingMapping
    ratings: tuple[RatingMapping, ...] = ()
    format: WrittenAs = WrittenAs()

    def format_of(self, file: str) -> TableFormat:
        """How a file writes dates and numbers.

        Raises
        ------
        RecommenderError
            When its marks contradict each other.
        """
        source, usual = self.files[file], self.format
        return TableFormat(
            source.dates or usual.dates,
            source.decimal or usual.decimal,
            source.thousands or usual.thousands,
            usual.currency if source.currency is None else source.currency,
        )


_PROBLEMS = {
    "missing": ("is not given", "write it"),
    "missing_argument": ("is not given", "write it"),
    "unexpected_keyword_argument": ("is not a setting", "remove it, or fix its spelling"),
    "string_type": ("is not text", 'write it in quotes, as "text"'),
    "string_pattern_mismatch": ("is blank", "write it"),
    "tuple_type": ("is not a list", 'write ["a", "b"]'),
    "bool_type": ("is neither true nor false", "write true or false"),
    "int_type": ("is not a whole number", "write a whole number without quotes"),
    "greater_than_equal": ("is below 1", "write a whole number of at least 1"),
    "too_short": ("is empty", "name at least one"),
    "mapping_type": ("is not a table", "write { name = … }"),
    "dict_type": ("is not a table", "write { name = … }"),
    "dataclass_type": ("is not a table", "write { column = … }"),
}


def read_mapping(text: str, name: str) -> MappingFile:
    """The mapping in the text of a TOML file; `name` is how faults call it.

    Raises
    ------
    MappingError
        With everything that is wrong with its form.
    """
    try:
        table = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise MappingError([Fault(name, *toml_problem(text, error))]) from None
    try:
        return TypeAdapter(MappingFile).validate_python(table)
    except ValidationError as error:
        found = [_fault(name, each) for each in error.errors(include_url=False)]
        raise MappingError(dict.fromkeys(found)) from None


def _fault(name: str, error: Any) -> Fault:
    # A union names each of its types behind the setting; they say nothing to a reader.
    place = ".".join(str(part) for part in error["loc"] if "[" not in str(part))
    kind = error["type"]
    if kind == "choice" or kind == "literal_error":
        choices = error["ctx"].get("choices") or error["ctx"].get("expected", "")
        known = re.findall(r"[\w*.-]+", choices)
        remedy = with_near_name(error.get("input"), known, f"use one of {choices}")
        return Fault(f"{name}: {place}", "is not known", remedy)
    problem, remedy = _PROBLEMS.get(kind, ("cannot be read", "see docs/importing.md"))
    return Fault(f"{name}: {place}", problem, remedy)
