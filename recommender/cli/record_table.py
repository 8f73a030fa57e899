"""Tables for a terminal of any width: side by side where they fit, else one block for each row."""

import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TextIO

from rich.console import Console, ConsoleOptions, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

Cell = str | Text

PIPED_WIDTH = 10_000
"""Columns of output that goes to a file or a program: nothing is wrapped there."""
INDENT = 2


@dataclass(slots=True)
class RecordTable:
    """Rows under headings, each cell of which is shown whole.

    A cell is never cut or wrapped beside another: where the rows are wider than the terminal, each
    becomes a block that begins with its first cell, with one line for each other cell.
    """

    title: str
    headings: tuple[str, ...]
    rows: list[tuple[Cell, ...]] = field(default_factory=list)

    def add_row(self, *cells: Cell) -> None:
        """Adds a row of as many cells as there are headings."""
        self.rows.append(cells)

    def __rich_console__(
        self, console: Console, options: ConsoleOptions
    ) -> Iterator[RenderableType]:
        if self.title:
            yield Text(self.title, style="italic")
        table = self._side_by_side()
        unbounded = options.update(max_width=PIPED_WIDTH)
        if console.measure(table, options=unbounded).maximum <= options.max_width:
            yield table
        else:
            yield from self._blocks()

    def _side_by_side(self) -> Table:
        table = Table()
        for heading in self.headings:
            table.add_column(Text(heading))
        for row in self.rows:
            table.add_row(*map(_text, row))
        return table

    def _blocks(self) -> Iterator[RenderableType]:
        for first, *others in self.rows:
            yield _labelled(self.headings[0], first, style="bold")
            for heading, cell in zip(self.headings[1:], others, strict=True):
                if _text(cell).plain:
                    yield Padding(_labelled(heading, cell), (0, 0, 0, INDENT))


def output_width(stream: TextIO) -> int | None:
    """The width of a console that writes to a stream; None for that of the terminal.

    A file or a program has no width: lines are as long as their text, unless COLUMNS says more.
    """
    return None if stream.isatty() or os.environ.get("COLUMNS") else PIPED_WIDTH


def _text(cell: Cell) -> Text:
    # A string is text and never markup: it may come from a definition or a table.
    return cell if isinstance(cell, Text) else Text(cell)


def _labelled(heading: str, cell: Cell, style: str = "") -> Text:
    label = f"{heading}: " if heading else ""
    return Text(label, style="dim").append_text(Text("", style=style).append_text(_text(cell)))
