"""The command: `python -m experiments.trust`, or one part of it with `--only NAME`.

Prints one table of what must hold on bad days too, each line with its figure and its target; ends
with 1 where one was missed. A new part is one module and one row of `PARTS`.
"""

import tempfile
import time
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from experiments.trust import (
    canaries,
    fuzz,
    kills,
    mutations,
    nothing_to_gain,
    overload,
    registries,
    restores,
    servers,
    swaps,
    threads,
)
from experiments.trust.line import Line, Part
from experiments.trust.subject import Subject, simulated_subject

PARTS = {
    "mutations": Part(mutations.measure, 10_000),
    "threads": Part(threads.measure, 200_000),
    "fuzz": Part(fuzz.measure, 100_000),
    "swaps": Part(swaps.measure, 100),
    "canaries": Part(canaries.measure, 10_000),
    "overload": Part(overload.measure, 15),
    "kills": Part(kills.measure, 500),
    "restore": Part(restores.measure, 20),
    "servers": Part(servers.measure, 20),
    "registries": Part(registries.measure, 20),
    "nothing_to_gain": Part(nothing_to_gain.measure, 20),
}
out, err = Console(width=140), Console(stderr=True)


def measured(names: list[str], count: int | None, subject: Subject) -> list[Line]:
    """Lines of these parts, each part in a workspace of its own."""
    lines: list[Line] = []
    for name in names:
        part, started = PARTS[name], time.monotonic()
        own = replace(subject, workspace=subject.workspace / name)
        own.workspace.mkdir(parents=True)
        lines += part.measure(part.count if count is None else count, own)
        err.print(f"{name}: {time.monotonic() - started:.0f} s", style="dim")
    return lines


def table_of(lines: list[Line]) -> Table:
    """All that was measured."""
    table = Table(
        "", "measured", "how", "figure", "target", title="What must hold", show_lines=True
    )
    for line in lines:
        mark = "[green]pass[/green]" if line.passed else "[red]FAIL[/red]"
        table.add_row(mark, line.name, line.how, line.figure, line.target)
    return table


def main(
    only: Annotated[
        list[str] | None, typer.Option(help=f"{', '.join(PARTS)}; all when left out.")
    ] = None,
    count: Annotated[
        int | None, typer.Option(min=1, help="How often a part tries, instead of its own number.")
    ] = None,
) -> None:
    """Measure what must hold on bad days too, and print it as one table."""
    names = only or list(PARTS)
    if not set(names) <= set(PARTS):
        raise typer.BadParameter(f"choose from {', '.join(PARTS)}")
    with tempfile.TemporaryDirectory() as directory:
        err.print("learning a model to try it all on", style="dim")
        lines = measured(names, count, simulated_subject(Path(directory)))
    out.print(table_of(lines))
    if not all(line.passed for line in lines):
        raise typer.Exit(1)


if __name__ == "__main__":
    typer.run(main)
