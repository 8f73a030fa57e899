"""Turns cells of a source into cells of a field: names, dates, value maps and levels.

A cell that cannot be read is left empty with a reason. The reason never holds its content.
"""

import difflib
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, tzinfo
from typing import Any

from recommender.importing.mapping_file import Cell
from recommender.practice.columns import read_cell
from recommender.practice.fields import Field
from recommender.tables.csv_text import cell_text
from recommender.values.ids import NONE_NAMED, canonical_id
from recommender.values.kinds import RawValue, is_missing
from recommender.values.table_format import DATE_FORMS, DateOrder, TableFormat

OTHER_VALUES = "*"
ORDERS: tuple[DateOrder, ...] = ("iso", "dmy", "mdy")
OTHER_ORDER = "has day and month in the order of "
"""How the reason begins for a date that fits another order than the declared one."""
_LEVEL_KINDS = frozenset({"category", "ordinal", "tags"})
_TITLES = frozenset(["dr", "prof", "a/prof", "mr", "mrs", "ms", "miss", "mx"])
_MONTHS = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"]
_JOINED = re.compile(r"(?<=[^\W_])[-_]+(?=[^\W_])")
_CLOCK = r"[0-9]{1,2}(?::[0-9]{2}){1,2}(?:\.[0-9]+)?\s*(?:[ap]\.?m\.?)?|[0-9]{1,2}\s*[ap]\.?m\.?"
_ZONE = r"\s*(?:Z|UTC|[+-][0-9]{2}:?[0-9]{2})"
_AFTER = re.compile(
    rf"(?P<day>.*?[0-9])(?:T|,?\s+(?:at\s+)?)(?P<clock>{_CLOCK})(?P<zone>{_ZONE})?", re.I
)
_BEFORE = re.compile(rf"(?P<clock>{_CLOCK}),?\s+(?:on\s+)?(?P<day>.*[0-9])", re.I)
_WEEKDAY = re.compile(r"(?:mon|tue|wed|thu|fri|sat|sun)[a-z]*\.?,?\s+", re.I)
_WORDS = re.compile(
    r"([0-9]{1,2})(?:st|nd|rd|th)?[\s-]+([a-z]{3})[a-z]*\.?,?[\s-]+([0-9]{4})", re.I
)


@dataclass(slots=True)
class FieldCells:
    """The cells of a field as its table writes them, and the rows that could not be read.

    Attributes
    ----------
    cells
        Text of each row; None where it is empty or was left out.
    left_out
        Places of rows by reason.
    unmapped
        For values that are no level: the value of each row in `left_out`, with what may be meant.
    declared_order_alone
        For dates that fit another order, by reason: places of those that fit the declared order
        and not that other one. Where there are some, the column mixes both.
    """

    cells: list[str | None]
    left_out: dict[str, list[int]] = field(default_factory=dict)
    unmapped: dict[str, list[str]] = field(default_factory=dict)
    declared_order_alone: dict[str, list[int]] = field(default_factory=dict)

    @property
    def filled(self) -> int:
        """Number of cells that were filled in the source."""
        read = sum(cell is not None for cell in self.cells)
        return read + sum(map(len, self.left_out.values()))


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A cell that cannot be read, and why; `value` is shown where it cannot identify anybody."""

    reason: str
    value: str = ""


def field_cells(
    declared: Field, spec: Cell, cells: Sequence[RawValue], written: TableFormat, zone: tzinfo
) -> FieldCells:
    """The cells of one field.

    Parameters
    ----------
    declared
        The field; for an age the cells are dates of birth, and this is `DATE`.
    spec
        The mapping of the field.
    cells
        One for each row, as the source has them.
    written
        How they write dates and numbers.
    zone
        The practice's time zone, for times that name another.
    """
    if declared.kind == "ids":
        # Whom they name is found when everybody is known.
        texts = (None if is_missing(cell) else cell_text(cell).strip() for cell in cells)
        return FieldCells(list(texts))
    form = spec.format(written)
    meant = [mapped(spec, cell, declared) for cell in cells]
    if declared.kind == "date":
        meant = [tidy_date(cell, zone, form.dates) for cell in meant]
    distinct = list(dict.fromkeys(_hashable(cell) for cell in meant))
    readable = [None if isinstance(cell, Unreadable) else cell for cell in distinct]
    standard = dict(zip(distinct, form.cells(declared.kind, readable), strict=True))
    result = FieldCells([])
    for place, cell in enumerate(meant):
        read = standard[_hashable(cell)]
        unreadable = cell if isinstance(cell, Unreadable) else _error(declared, cell, read, form)
        if unreadable is None:
            result.cells.append(None if is_missing(read) else _text(read))
            continue
        result.cells.append(None)
        result.left_out.setdefault(unreadable.reason, []).append(place)
        if unreadable.value:
            result.unmapped.setdefault(unreadable.reason, []).append(unreadable.value)
    for order in ORDERS:
        reason = f"{OTHER_ORDER}{DATE_FORMS[order]}"
        if reason in result.left_out:
            result.declared_order_alone[reason] = [
                place
                for place, cell in enumerate(meant)
                if result.cells[place] is not None and not _fits(declared, cell, order)
            ]
    return result


def _fits(declared: Field, cell: Any, order: DateOrder) -> bool:
    """Whether a date can be read in an order."""
    (other,) = TableFormat(dates=order).cells("date", [cell])
    return read_cell(declared, other)[1] is None


def _hashable(cell: Any) -> Any:
    return tuple(cell) if isinstance(cell, list) else cell


def _text(cell: RawValue) -> str:
    # A time of day at the end of a date is no part of it.
    return cell.date().isoformat() if isinstance(cell, datetime) else cell_text(cell).strip()


def _error(
    declared: Field, cell: RawValue, standard: RawValue, form: TableFormat
) -> Unreadable | None:
    """Why a cell cannot be read, given in the standard form too; None where it can."""
    if is_missing(standard):
        return None
    _, error = read_cell(declared, standard, form)
    if error is None:
        return None
    if declared.kind == "date" and isinstance(cell, str):
        for order in ORDERS:
            if order != form.dates and _fits(declared, cell, order):
                return Unreadable(f"{OTHER_ORDER}{DATE_FORMS[order]}")
    return Unreadable(error.problem)


def mapped(spec: Cell, cell: RawValue, declared: Field) -> RawValue | Unreadable:
    """A cell after the value map, as levels where the field has some."""
    if is_missing(cell):
        return None
    if not (spec.values or spec.split or declared.kind in _LEVEL_KINDS):
        return cell
    if declared.kind == "tags" and folded(cell) in {NONE_NAMED} - set(map(folded, spec.values)):
        return NONE_NAMED
    parts = cell_parts(spec, cell, declared)
    found: dict[Any, None] = {}
    for part in parts:
        value = _one(spec, part, declared)
        if isinstance(value, Unreadable):
            return value
        if value is not None:
            found[value] = None
    values = list(found)
    if not values:
        return None
    return ";".join(map(str, values)) if declared.kind == "tags" else values[0]


def cell_parts(spec: Cell, cell: RawValue, declared: Field) -> list[RawValue]:
    """The parts of a cell that become tags of a field; the cell alone for other fields."""
    if declared.kind != "tags":
        return [cell]
    marks = spec.split or (";",)
    text = str(cell)
    for mark in marks[1:]:
        text = text.replace(mark, marks[0])
    return [part.strip() for part in text.split(marks[0]) if part.strip()]


def _one(spec: Cell, cell: RawValue, declared: Field) -> RawValue | Unreadable:
    key = folded(cell)
    for name, value in spec.values.items():
        if folded(name) == key:
            return None if value == "" else value
    if declared.kind in _LEVEL_KINDS:
        levels = levels_by_word(declared)
        if key in levels:
            return levels[key]
        if OTHER_VALUES not in spec.values:
            near = difflib.get_close_matches(key, levels, n=1, cutoff=0.7)
            hint = f" (did you mean {levels[near[0]]}?)" if near else ""
            return Unreadable(f"is no level of {declared.name}", f"{str(cell).strip()}{hint}")
    if OTHER_VALUES in spec.values:
        value = spec.values[OTHER_VALUES]
        return None if value == "" else value
    return cell


def levels_by_word(declared: Field) -> dict[str, str]:
    """Levels by what stands for them whatever the case: themselves, and what people read."""
    labels = {folded(declared.label_of(level)): level for level in declared.levels}
    return labels | {folded(level): level for level in declared.levels}


def folded(cell: RawValue) -> str:
    """A value for comparison: without regard to case, and to what is between its words.

    >>> folded("  Did_not  arrive"), folded("Non-binary"), folded(True), folded(-3.0)
    ('did not arrive', 'non binary', 'true', '-3')
    """
    if isinstance(cell, float) and cell.is_integer():
        cell = int(cell)
    return " ".join(_JOINED.sub(" ", canonical_id(cell_text(cell)).casefold()).split())


def tidy_date(
    cell: RawValue | Unreadable, zone: tzinfo, order: DateOrder = "iso"
) -> RawValue | Unreadable:
    """A date without its time and weekday, the name of a month as its number.

    A time with an offset is moved to the practice's time zone first. What cannot be a date is
    unchanged.

    Parameters
    ----------
    order
        How the other dates of the column are written; so is one with the name of a month.

    Examples
    --------
    >>> from zoneinfo import ZoneInfo
    >>> sydney = ZoneInfo("Australia/Sydney")
    >>> for text in ("Sat 28 Nov 2026, 2:30 pm", "28/11/2026 14:30", "2026-11-27T20:00:00Z"):
    ...     print(tidy_date(text, sydney))
    2026-11-28
    28/11/2026
    2026-11-28
    """
    if isinstance(cell, datetime):
        return cell.astimezone(zone).date() if cell.tzinfo else cell.date()
    if not isinstance(cell, str):
        return cell
    text = _WEEKDAY.sub("", cell.strip(), count=1)
    found = _AFTER.fullmatch(text) or _BEFORE.fullmatch(text)
    if found and found.groupdict().get("zone"):
        return _moved(text, zone, order)
    day = _WEEKDAY.sub("", found["day"], count=1) if found else text
    words = _WORDS.fullmatch(day)
    if words and words[2].lower() in _MONTHS:
        month = _MONTHS.index(words[2].lower()) + 1
        return _written(f"{words[3]}-{month:02d}-{int(words[1]):02d}", order)
    return day


def _written(iso: str, order: DateOrder) -> str:
    year, month, day = iso.split("-")
    if order == "iso":
        return iso
    return "/".join((day, month, year) if order == "dmy" else (month, day, year))


def _moved(text: str, zone: tzinfo, order: DateOrder) -> str | Unreadable:
    plain = re.sub(r"\s*(?:UTC|Z)$", "+00:00", text, flags=re.I)
    plain = re.sub(r"\s*([+-][0-9]{2}):?([0-9]{2})$", r"\1:\2", plain)
    try:
        moved = datetime.fromisoformat(plain).astimezone(zone).date().isoformat()
    except ValueError:
        return Unreadable("has an offset and is not written like 2026-11-28T14:30:00+11:00")
    return _written(moved, order)


def display_name(cell: RawValue) -> str:
    """A person's name as staff read it: given name first, without a title.

    >>> display_name("WATTLE,  Dr Ann"), display_name("Dr. Ann Wattle")
    ('Ann WATTLE', 'Ann Wattle')
    """
    text = " ".join(canonical_id(cell_text(cell)).split())
    if text.count(",") == 1:
        last, first = text.split(",")
        text = f"{first.strip()} {last.strip()}".strip()
    words = [word for word in text.split() if word.rstrip(".").casefold() not in _TITLES]
    return " ".join(words)


def person_key(spec: Cell, cell: RawValue) -> str:
    """What identifies a person across files: an id, or a name in a form for comparison."""
    if is_missing(cell):
        return ""
    if spec.read_as == "name":
        return display_name(cell).casefold()
    return canonical_id(cell_text(int(cell) if _is_whole(cell) else cell))


def _is_whole(cell: RawValue) -> bool:
    return isinstance(cell, float) and cell.is_integer()


def age_on(born: date, day: date) -> int:
    """Whole years from a birth to a day.

    >>> age_on(date(2000, 2, 29), date(2026, 2, 28)), age_on(date(2000, 2, 28), date(2026, 2, 28))
    (25, 26)
    """
    return day.year - born.year - ((day.month, day.day) < (born.month, born.day))


def date_of(text: str) -> date:
    """The date of a cell that `field_cells` has read."""
    return date.fromisoformat(text[:10])
