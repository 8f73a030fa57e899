"""How a practice writes dates and amounts in its tables, and which way of writing a column fits.

Cells are rewritten to the standard form (2026-11-28, 1234.5) before they are parsed. Values of a
file that has types (a date of a workbook, a number of Parquet) are never rewritten.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from itertools import combinations, product
from typing import Any, Literal, get_args

from recommender.errors import RecommenderError
from recommender.values.parsers import CellError, RawValue, is_missing, is_serial

DateOrder = Literal["iso", "dmy", "mdy"]
DecimalMark = Literal["point", "comma"]
ThousandsMark = Literal["none", "comma", "point", "space"]

CHOICES: Mapping[str, tuple[str, ...]] = {
    "dates": get_args(DateOrder),
    "decimal": get_args(DecimalMark),
    "thousands": get_args(ThousandsMark),
}
"""What each option of `TableFormat` may be."""
DATE_FORMS = {"iso": "yyyy-mm-dd", "dmy": "dd/mm/yyyy", "mdy": "mm/dd/yyyy"}
MARKS = {"point": ".", "comma": ",", "space": " ", "none": ""}
_EXCHANGED = (
    "may have day and month exchanged: all dates of the column with a day above 12 are text",
    "a spreadsheet set to the other order converts so; export the column again as text",
)
AMOUNT_KINDS = frozenset({"number", "scale", "money"})

_TIME = r"([T ]+[0-9]{1,2}:[0-9]{2}(:[0-9]{2}(\.[0-9]+)?)?( ?[AaPp]\.?[Mm]\.?)?)?"
_ISO = re.compile(rf"[0-9]{{4}}-[0-9]{{2}}-[0-9]{{2}}{_TIME}")
_PARTS = re.compile(rf"([0-9]{{1,2}})([/.-])([0-9]{{1,2}})\2([0-9]{{4}}){_TIME}")
_SHORT_YEAR = re.compile(r"[0-9]{1,2}([/.-])[0-9]{1,2}\1[0-9]{2}")
_PLAIN = re.compile(r"[+-]?[0-9]+(\.[0-9]+)?([eE][+-]?[0-9]+)?")
_MAYBE_GROUPED = re.compile(r"[+-]?[1-9][0-9]{0,2}\.[0-9]{3}")
_SIGN = re.compile("[A-Z]{0,3}[$\u00a3\u00a5\u20a9\u20aa\u20ab\u20ac\u20b1\u20b9\u20ba]|[A-Z]{3}")
_SPACES = re.compile("[\u0020\u00a0\u2009\u202f]")


@dataclass(frozen=True, slots=True)
class TableFormat:
    """The declared way of writing dates and amounts.

    A column is read in this form. Where every cell of a column is unmistakably in the standard
    form, it is read in that: one file may come from a spreadsheet and another from a program. A
    column in which both occur is a fault.

    Attributes
    ----------
    dates
        `iso` is 2026-11-28, `dmy` 28/11/2026, `mdy` 11/28/2026; `.` and `-` may be in place of `/`.
    decimal
        Mark before decimals.
    thousands
        Mark between groups of three digits, where there is one.
    currency
        Sign before or after an amount of money, such as `$`; empty for none.

    Raises
    ------
    RecommenderError
        When an option is none of its choices, or they contradict each other. It is named as the
        option of a command.
    """

    dates: DateOrder = "iso"
    decimal: DecimalMark = "point"
    thousands: ThousandsMark = "none"
    currency: str = ""

    def __post_init__(self) -> None:
        for name, choices in CHOICES.items():
            if getattr(self, name) not in choices:
                remedy = f"choose from {', '.join(choices)}"
                raise RecommenderError(f"--{name}", _not_a_choice(getattr(self, name)), remedy)
        if self.decimal == self.thousands:
            raise RecommenderError("--thousands", "is the decimal mark too", "declare another")
        if not isinstance(self.currency, str) or (
            self.currency and not _SIGN.fullmatch(self.currency)
        ):
            remedy = "give a sign such as $ or a code such as AUD"
            raise RecommenderError("--currency", "is not a sign of a currency", remedy)

    def cells(self, kind: str, cells: Sequence[RawValue]) -> list[RawValue | CellError]:
        """The cells of a column in the standard form; an error in place of one that does not fit.

        Parameters
        ----------
        kind
            The kind of the column's field; other kinds than dates and amounts are unchanged.
        cells
            The distinct cells of the whole column, since the whole decides its form.
        """
        texts = [cell for cell in cells if isinstance(cell, str) and not is_missing(cell)]
        if kind == "date" and self.dates != "iso":
            if all(_ISO.fullmatch(text.strip()) for text in texts):
                return list(cells)
            if _half_converted(self.dates, cells, texts):
                error = CellError(*_EXCHANGED)
                return [error if _is_date(cell) else self._standard(kind, cell) for cell in cells]
        elif kind not in AMOUNT_KINDS or _is_standard(self, texts):
            return list(cells)
        return [self._standard(kind, cell) for cell in cells]

    def example(self, kind: str, standard: str) -> str:
        """An example of a kind, given in the standard form, in this form."""
        if kind == "date" and self.dates != "iso":
            year, month, day = standard.split("-")
            return "/".join((day, month, year) if self.dates == "dmy" else (month, day, year))
        if kind in AMOUNT_KINDS:
            return standard.replace(".", MARKS[self.decimal])
        return standard

    def _standard(self, kind: str, cell: RawValue) -> RawValue | CellError:
        if not isinstance(cell, str) or is_missing(cell):
            return cell
        try:
            return self._date(cell.strip()) if kind == "date" else self._amount(kind, cell.strip())
        except CellError as error:
            return error

    def _date(self, text: str) -> str:
        if self.dates == "iso":
            return text
        found = _PARTS.fullmatch(text)
        if not found:
            if is_serial(text):
                return text
            if _SHORT_YEAR.fullmatch(text):
                raise CellError("has a year of two digits")
            raise CellError(f"is not a date written {DATE_FORMS[self.dates]}")
        first, second, year = found[1].zfill(2), found[3].zfill(2), found[4]
        month, day = (second, first) if self.dates == "dmy" else (first, second)
        return f"{year}-{month}-{day}"

    def _amount(self, kind: str, text: str) -> str:
        problem = "is not an amount" if kind == "money" else "is not a number"
        written = _SPACES.sub(" ", text)
        if self.currency and kind == "money":
            sign = "-" if written.startswith("-") else ""
            written = written.removeprefix(sign).strip()
            written = written.removeprefix(self.currency).removesuffix(self.currency).strip()
            written = sign + written
        decimal = re.escape(MARKS[self.decimal])
        whole = "[0-9]+"
        if self.thousands != "none":
            mark = re.escape(MARKS[self.thousands])
            whole = rf"(?:[0-9]+|[0-9]{{1,3}}(?:{mark}[0-9]{{3}})+)"
        if not re.fullmatch(rf"[+-]?{whole}(?:{decimal}[0-9]+)?(?:[eE][+-]?[0-9]+)?", written):
            raise CellError(problem)
        if self.thousands != "none":
            written = written.replace(MARKS[self.thousands], "")
        return written.replace(MARKS[self.decimal], ".")


def _not_a_choice(value: object) -> str:
    """The problem of an option that is none of its choices."""
    return f"is not known: {value!r}" if isinstance(value, str) else "is no text"


STANDARD = TableFormat()


def _is_date(cell: RawValue) -> bool:
    return isinstance(cell, date) and not is_missing(cell)


def _half_converted(order: DateOrder, cells: Sequence[RawValue], texts: Sequence[str]) -> bool:
    """Whether a spreadsheet set to the other order converted the dates that it could.

    Those have a day up to 12, which it took for the month; what has a later day was left as text.
    """
    converted = [cell for cell in cells if _is_date(cell)]
    left = [_PARTS.fullmatch(text.strip()) for text in texts]
    day = 1 if order == "dmy" else 3
    return (
        bool(converted and left)
        and all(found is not None and int(found[day]) > 12 for found in left)
        and all(cell.day <= 12 for cell in converted)
    )


def _is_standard(declared: TableFormat, texts: Sequence[str]) -> bool:
    """Whether all amounts of a column are written with a decimal point, and cannot mean another.

    1.500 is one and a half, or one thousand five hundred with points between the thousands.
    """
    if (declared.decimal, declared.thousands, declared.currency) == ("point", "none", ""):
        return True
    stripped = [text.strip() for text in texts]
    if not all(_PLAIN.fullmatch(text) for text in stripped):
        return False
    pointed = [text for text in stripped if "." in text]
    return declared.decimal == "point" or any(not _MAYBE_GROUPED.fullmatch(t) for t in pointed)


def unread_column(
    declared: TableFormat, kind: str, cells: Sequence[RawValue]
) -> tuple[str, str] | None:
    """The problem of a column whose cells are all written in another form, and the options for it.

    Parameters
    ----------
    declared
        The form that does not fit.
    kind
        The kind of the column's field.
    cells
        The distinct cells of the column.

    Returns
    -------
    tuple of str or None
        Problem and remedy, without any cell's content; None where no one form fits all cells.
    """
    texts = [cell.strip() for cell in cells if isinstance(cell, str) and not is_missing(cell)]
    if not texts:
        return None
    if kind == "date":
        return _two_forms(declared, cells, texts) or _other_dates(declared, texts)
    return _other_amounts(declared, kind, texts) if kind in AMOUNT_KINDS else None


def _two_forms(
    declared: TableFormat, cells: Sequence[RawValue], texts: Sequence[str]
) -> tuple[str, str] | None:
    """The problem of dates of which some are converted and some are not: no option reads both."""
    standard = [text for text in texts if _ISO.fullmatch(text)]
    others = [text for text in texts if _PARTS.fullmatch(text)]
    typed = any(map(_is_date, cells))
    if not others or not (standard or typed) or len(standard) + len(others) < len(texts):
        return None
    converted = DATE_FORMS["iso"] if standard else "dates of the spreadsheet"
    orders = _orders(others)
    orders = [declared.dates] if declared.dates in orders else orders
    fitting = " or ".join(DATE_FORMS[order] for order in orders) or "text"
    remedy = (
        "export it again with all dates as text: a spreadsheet that converted a part of them may "
        "have exchanged day and month"
    )
    return f"is one of two forms in this column, {converted} and {fitting}", remedy


def _orders(texts: Sequence[str]) -> list[DateOrder]:
    orders: tuple[DateOrder, ...] = ("dmy", "mdy")
    return [order for order in orders if _all_days(order, texts)]


def _other_dates(declared: TableFormat, texts: Sequence[str]) -> tuple[str, str] | None:
    if all(_SHORT_YEAR.fullmatch(text) for text in texts):
        return "has years of two digits throughout", "write years with four digits"
    fitting = _orders(texts)
    if not fitting or declared.dates in fitting:
        return None
    if len(fitting) == 2:
        remedy = "add --dates dmy or --dates mdy, whichever it is; no day is above 12"
        return "is written as dd/mm/yyyy or as mm/dd/yyyy throughout", remedy
    form = replace(declared, dates=fitting[0])
    return f"is written as {DATE_FORMS[fitting[0]]} throughout", _remedy_of([form], declared)


def _all_days(order: DateOrder, texts: Sequence[str]) -> bool:
    for text in texts:
        found = _PARTS.fullmatch(text)
        if not found:
            return False
        day, month = (found[1], found[3]) if order == "dmy" else (found[3], found[1])
        if not (1 <= int(day) <= 31 and 1 <= int(month) <= 12):
            return False
    return True


def _other_amounts(
    declared: TableFormat, kind: str, texts: Sequence[str]
) -> tuple[str, str] | None:
    forms = _forms_of_amounts(declared, kind, texts)
    if not forms or declared in forms:
        return None
    if len(forms) > 1:
        problem = "has marks that may be decimal or thousands marks throughout"
        return problem, _remedy_of(forms, declared)
    what = "amounts" if kind == "money" else "numbers"
    return f"has {what} with other marks throughout", _remedy_of(forms, declared)


def _forms_of_amounts(declared: TableFormat, kind: str, texts: Sequence[str]) -> list[TableFormat]:
    """The forms that read all amounts of a column, those with fewer changes first."""
    marks: tuple[tuple[DecimalMark, ThousandsMark], ...] = (
        # What is declared for other columns is left as it is where it fits.
        (declared.decimal, declared.thousands),
        ("point", "none"),
        ("comma", "none"),
        ("point", "comma"),
        ("point", "space"),
        ("comma", "point"),
        ("comma", "space"),
    )
    found = [sign[0] for text in texts if kind == "money" and (sign := _SIGN.search(text))]
    if len(set(found)) > 1 or (found and 2 * len(found) < len(texts)):
        return []
    currency = found[0] if found else declared.currency
    fitting: dict[tuple[str, ...], TableFormat] = {}
    for decimal, thousands in marks:
        form = replace(declared, decimal=decimal, thousands=thousands, currency=currency)
        if _reads(form, kind, texts):
            # A form that gives the same amounts with fewer changes or marks comes first.
            fitting.setdefault(tuple(map(str, form.cells(kind, texts))), form)
    return list(fitting.values())


def _remedy_of(forms: Sequence[TableFormat], declared: TableFormat) -> str:
    """The options of the forms; options count for all columns, so that none is replaced lightly."""
    options = " or ".join(options_of(form, declared) for form in forms)
    whichever = ", whichever it is" if len(forms) > 1 else ""
    names = ("dates", "decimal", "thousands", "currency")
    unchanged = {
        name: getattr(declared, name)
        for name in names
        if all(getattr(form, name) == getattr(declared, name) for form in forms)
    }
    replaced = options_of(declared, replace(STANDARD, **unchanged))
    if not replaced:
        return f"add {options}{whichever}"
    return (
        f"give {options}{whichever} in place of {replaced}; if another column needs {replaced}, "
        "write both columns alike in the file, since options count for all columns"
    )


def excluded_by_others(
    declared: TableFormat, columns: Mapping[str, tuple[str, Sequence[RawValue]]]
) -> dict[str, str]:
    """Columns in another form whose options would leave another of them unread, with that one.

    Parameters
    ----------
    declared
        The form that does not fit.
    columns
        Kind and distinct cells of each column, by name, that some other form reads.
    """
    amounts = {}
    for name, (kind, cells) in columns.items():
        texts = [cell.strip() for cell in cells if isinstance(cell, str) and not is_missing(cell)]
        forms = _forms_of_amounts(declared, kind, texts) if kind in AMOUNT_KINDS else []
        if forms:
            amounts[name] = kind, texts, forms
    excluded: dict[str, str] = {}
    for (one, first), (other, second) in combinations(amounts.items(), 2):
        joined = (_joined(declared, *pair) for pair in product(first[2], second[2]))
        if not any(
            form and _reads(form, *first[:2]) and _reads(form, *second[:2]) for form in joined
        ):
            excluded.setdefault(one, other)
            excluded.setdefault(other, one)
    return excluded


def _joined(declared: TableFormat, one: TableFormat, other: TableFormat) -> TableFormat | None:
    """The form with the changes of two others; None where they contradict each other."""
    changes: dict[str, Any] = {}
    for name in ("decimal", "thousands", "currency"):
        before = getattr(declared, name)
        changed = {getattr(form, name) for form in (one, other)} - {before}
        if len(changed) > 1:
            return None
        changes[name] = changed.pop() if changed else before
    if changes["decimal"] == changes["thousands"]:
        return None
    return replace(declared, **changes)


def _reads(form: TableFormat, kind: str, texts: Sequence[str]) -> bool:
    """Whether a form reads every amount."""
    read = form.cells(kind, texts)
    return not any(isinstance(cell, CellError) for cell in read) and _all_standard(read)


def _all_standard(cells: Sequence[RawValue]) -> bool:
    return all(isinstance(cell, str) and _PLAIN.fullmatch(cell) for cell in cells)


def options_of(form: TableFormat, base: TableFormat = STANDARD) -> str:
    """The options of a command that declare a form, as far as it differs from another."""
    written = []
    for name in ("dates", "decimal", "thousands"):
        if getattr(form, name) != getattr(base, name):
            written.append(f"--{name} {getattr(form, name)}")
    if form.currency != base.currency:
        written.append(f"--currency '{form.currency}'")
    return " ".join(written)
