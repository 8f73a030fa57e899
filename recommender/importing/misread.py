"""Columns of which many cells cannot be read are mapped wrongly: they are refused together."""

from collections.abc import Sequence
from dataclasses import dataclass

from recommender.errors import Fault
from recommender.importing.cell_values import OTHER_ORDER, FieldCells
from recommender.importing.mapping_file import MappingError
from recommender.importing.shipped_mappings import how_to_edit
from recommender.importing.source_files import Source
from recommender.values.table_format import DATE_FORMS

MOSTLY = 0.5
"""A column of which more than this share cannot be read is mapped wrongly."""
FEW = 4
"""Filled cells from which on that share is looked at."""
RARELY = 0.05
"""More dates than this share that fit another order of day and month are no typing errors: then
those that fit both orders are read wrongly."""


@dataclass(frozen=True, slots=True)
class UnreadCells:
    """Cells of a column that could not be read for one reason, and how many are filled.

    `rows` has their rows; `declared_order_alone` those of dates that fit the declared order and not
    the one that the reason names, None for other reasons.
    """

    source: Source
    column: str
    reason: str
    count: int
    filled: int
    rows: Sequence[int]
    declared_order_alone: Sequence[int] | None


class Misread:
    """Collects columns of which cells could not be read, and refuses those mapped wrongly.

    `name` is how messages call the mapping.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self._found: list[UnreadCells] = []

    def add(self, source: Source, column: str, read: FieldCells, rows: Sequence[int]) -> None:
        """Adds the cells of a column; values that are no level are the report's alone.

        `rows` has the row of each cell.
        """
        for reason, wrong in read.left_out.items():
            if reason not in read.unmapped:
                alone = read.declared_order_alone.get(reason)
                cells = UnreadCells(
                    source,
                    column,
                    reason,
                    len(wrong),
                    read.filled,
                    [rows[at] for at in wrong],
                    None if alone is None else [rows[at] for at in alone],
                )
                self._found.append(cells)

    def refuse(self) -> None:
        """Refuses columns of which too many cells cannot be read.

        Raises
        ------
        MappingError
            With each such column.
        """
        faults = []
        for each in self._found:
            place = f"{self._name}: {each.source.label}, column {each.column}"
            problem = f"{each.reason}: {each.count:,} of {each.filled:,} filled cells"
            share = each.count / each.filled
            if each.declared_order_alone and share > RARELY:
                faults.append(_mixed_orders(place, each))
            elif each.reason.startswith(OTHER_ORDER) and share > RARELY:
                remedy = f"write dates = … under [files.{each.source.key}], as the file has them"
                remedy += how_to_edit(self._name, f"files.{each.source.key}")
                faults.append(Fault(place, problem, remedy))
            elif each.filled >= FEW and share > MOSTLY:
                remedy = "map the column that is meant, or say how it writes dates and numbers"
                remedy += how_to_edit(self._name, f"files.{each.source.key}")
                faults.append(Fault(place, problem, remedy))
        if faults:
            raise MappingError(dict.fromkeys(faults))


def _mixed_orders(place: str, cells: UnreadCells) -> Fault:
    """The fault of a column of which no order fits all dates; its rarer rows are named."""
    other = cells.reason.removeprefix(OTHER_ORDER)
    usual = DATE_FORMS[cells.source.written.dates]
    own = cells.declared_order_alone or ()
    problem = (
        f"mixes two orders of day and month: of {cells.filled:,} filled cells {len(own):,} fit "
        f"{usual} alone, and {cells.count:,} {other} alone"
    )
    if len(own) < cells.count:
        rows, form = own, other
    else:
        rows, form = cells.rows, usual
    remedy = (
        f"correct the export: write {cells.source.rows_text(rows)} as {form}; dates that fit both "
        "orders beside them may be exchanged too"
    )
    return Fault(place, problem, remedy)
