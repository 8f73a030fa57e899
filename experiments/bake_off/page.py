"""One table of results, in Markdown and CSV."""

from dataclasses import dataclass
from pathlib import Path

import pandas as pd


@dataclass(frozen=True, slots=True)
class Sheet:
    """A table with what a reader must know of it.

    Attributes
    ----------
    name
        Of its CSV file.
    title, meaning
        Its heading, and a sentence or two under it.
    rows
        Cells as text.
    notes
        What is missing or failed.
    plots
        Files of plots that belong to it.
    """

    name: str
    title: str
    meaning: str
    rows: pd.DataFrame
    notes: tuple[str, ...] = ()
    plots: tuple[str, ...] = ()

    def markdown(self) -> str:
        """The section of a page."""
        head = [str(column) for column in self.rows.columns]
        lines = [f"## {self.title}", "", self.meaning, ""]
        lines += [f"| {' | '.join(head)} |", "|" + "---|" * len(head)]
        cells = self.rows.astype(str).to_numpy().tolist()
        lines += [f"| {' | '.join(_safe(cell) for cell in row)} |" for row in cells]
        for plot in self.plots:
            lines += ["", f"![{self.title}]({plot})"]
        if self.notes:
            lines += ["", *(f"- {note}" for note in self.notes)]
        return "\n".join(lines).rstrip() + "\n"

    def write_csv(self, folder: Path) -> None:
        """The table as `<name>.csv`."""
        self.rows.to_csv(folder / f"{self.name}.csv", index=False, lineterminator="\n")


def _safe(cell: str) -> str:
    return cell.replace("|", "\\|").replace("\n", " ")
