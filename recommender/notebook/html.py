"""HTML that notebooks show in place of a `repr`; every text is escaped."""

from collections.abc import Mapping, Sequence
from html import escape

import pandas as pd

MAX_ROWS = 20
"""Rows shown of a table; the DataFrame has all."""


def block(title: str, *parts: str) -> str:
    """A heading and what is below it; the parts are HTML."""
    return f"<div><p><strong>{escape(title)}</strong></p>{''.join(parts)}</div>"


def paragraph(text: str) -> str:
    """A paragraph of text."""
    return f"<p>{escape(text)}</p>"


def bullets(texts: Sequence[str], heading: str = "") -> str:
    """A list of texts below a heading; empty without any."""
    if not texts:
        return ""
    items = "".join(f"<li>{escape(text)}</li>" for text in texts)
    return f"{paragraph(heading) if heading else ''}<ul>{items}</ul>"


def table(frame: pd.DataFrame, heading: str = "", *, digits: int = 2) -> str:
    """The first rows of a table without its index, and how many there are; empty without rows."""
    if frame.empty:
        return ""
    shown = frame.head(MAX_ROWS)
    cells = {name: [cell_text(cell, digits) for cell in shown[name]] for name in shown}
    html = pd.DataFrame(cells, dtype="str").to_html(
        index=False, escape=True, border=0, justify="left"
    )
    # Where a page has no style of its own for tables, cells would touch.
    html = html.replace("<table ", '<table cellpadding="4" ', 1)
    more = f"{MAX_ROWS} of {len(frame):,} rows" if len(frame) > MAX_ROWS else ""
    return (paragraph(heading) if heading else "") + html + (paragraph(more) if more else "")


def cell_text(cell: object, digits: int = 2) -> str:
    """A cell as text: numbers rounded, several texts joined, nothing for what is missing.

    >>> cell_text(0.126), cell_text(("one", "two")), cell_text(None), cell_text(3.0)
    ('0.13', 'one; two', '', '3.00')
    """
    if isinstance(cell, list | tuple):
        return "; ".join(cell_text(part, digits) for part in cell)
    if isinstance(cell, Mapping):
        return "; ".join(f"{name}: {cell_text(part, digits)}" for name, part in cell.items())
    if cell is None or cell is pd.NA or cell is pd.NaT or cell != cell:
        return ""
    return f"{cell:.{digits}f}" if isinstance(cell, float) else str(cell)
