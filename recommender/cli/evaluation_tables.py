"""What was measured, as tables in a terminal, each with a line on how to read it.

Reads a report as `training.report` writes it. Imported by `learning` and `evaluation`.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from recommender.cli.render import UNSAID, figure_cell, figures_table, print_notes

FEWEST_TOLD = 30
"""Ratings below which figures of a group say more about single people than about the model."""
BESIDE = ("composite", "dyad partial", "client-adjusted partial")
"""Differences shown; as many as 80 columns hold."""
Row = Mapping[str, Any]


def training_view(report: Row) -> Group:
    """What a training measured: figures, whether the range holds, why no champion stands beside."""
    title = f"Measured on {report['rated']:,} later rated pairings"
    return Group(_figures(report, title), ranges_table(report["ranges"]), *_not_compared(report))


def evaluation_view(report: Row) -> Group:
    """All that an evaluation measured."""
    title = f"{report['rated']:,} held-out rated pairings"
    return Group(
        _figures(report, title),
        differences_table(report["ours_minus"]),
        ranges_table(report["ranges"]),
        groups_table(report["groups"], report["groups_too_few"]),
        exposure_table(report["exposure"]),
        dropout_table(report["dropout_sensitivity"]),
        optimism_note(report),
        *lot_note(report),
        *_not_compared(report),
    )


def differences_table(rows: Sequence[Row]) -> RenderableType:
    """Ours less every baseline, one metric a column."""
    shown = [row for row in rows if row["metric"] in BESIDE]
    return _wide(
        shown, "baseline", "metric", "Ours less each baseline",
        "On the same draws: an interval that reaches over 0 may be chance.",
        sign="+",
    )  # fmt: skip


def ranges_table(rows: Sequence[Row]) -> Group:
    """How often the stated range held, among whom: rows of a report's `ranges`."""
    enough, few = _enough(rows)
    table = Table("among", "ratings", "held", "width", "bias", title="Does the range hold")
    for row in enough:
        figures = (_number(row[name]) for name in ("coverage", "width"))
        table.add_row(Text(row["among"]), f"{row['rated']:,}", *figures, _number(row["bias"], "+"))
    said = " and ".join(dict.fromkeys(f"{row['level']:.0%}" for row in rows))
    how = f"Said to hold: {said}. Bias is predicted less rated: above 0, too much is promised."
    return Group(table, *print_notes(how, *few))


def groups_table(rows: Sequence[Row], unseen: int) -> RenderableType:
    """The client-adjusted partial in each audited group: ours, and beside the champion."""
    enough, few = _enough(rows)
    if few:
        few = (f"Left out: rows on fewer than {FEWEST_TOLD} ratings.",)
    if unseen:
        few += (f"{unseen} more groups have too few people to be looked at.",)
    return _wide(
        enough, "among", "learner", "Client-adjusted partial by group of clients",
        "A group far below the others is served less well, if its interval says so.", *few,
    )  # fmt: skip


def exposure_table(rows: Sequence[Row]) -> RenderableType:
    """How concentrated the first ranks of each learner are."""
    table = Table("", "of the most-named tenth", "Gini", title="First ranks")
    for row in rows:
        table.add_row(row["learner"], f"{row['top_share']:.0%}", f"{row['gini']:.2f}")
    how = "How much goes to a tenth of the clinicians; Gini: 0 where all get as many."
    return Group(table, *print_notes(how)) if rows else Group()


def dropout_table(rows: Sequence[Row]) -> RenderableType:
    """The composite, were those who left before rating put lower or higher."""
    places = dict.fromkeys(f"at {row['quantile']:.0%}" for row in rows)
    table = Table("", *places, title="Those who left, elsewhere")
    for learner in dict.fromkeys(row["learner"] for row in rows):
        own = [row["composite"] for row in rows if row["learner"] == learner]
        table.add_row(learner, *(_number(value, places=3) for value in own))
    how = "The composite, those who left put at that quantile: the order should stand."
    return Group(table, *print_notes(how)) if rows else Group()


def optimism_note(report: Row) -> Text:
    """How much higher predictions lie than ratings, without and with those who left."""
    found = report["optimism"]
    said = f"Predicted less rated: {_points(found['rated'])}"
    if report["left_unrated"]:
        low = f"counted at the lowest {found['dropouts_low_at']:.0%} of ratings"
        left = f"the {report['left_unrated']:,} who left unrated {low}"
        said += f"; with {left}: {_points(found['with_left'])}"
    return Text(f"{said}.")


def lot_note(report: Row) -> tuple[Text, ...]:
    """How many ratings a lot was part of, how they are weighed, and what they say."""
    found = report.get("by_lot")
    if not found:
        return ()
    said = (
        f"A lot was part of {found['rated']:,} of the ratings. They weigh by the inverse of its "
        f"chance, ten times at most, so that all {report['rated']:,} say as much as "
        f"{found['effective']:,.0f} of equal weight. Had each of those clients seen everyone of "
        f"their lot alike: {found['mean']:.2f} ({found['low']:.2f} to {found['high']:.2f})."
    )
    return (Text(said),)


def _figures(report: Row, title: str) -> Group:
    columns = ["learner", "metric", "value", "low", "high"]
    return figures_table(pd.DataFrame(report["figures"], columns=columns), title)


def _wide(
    rows: Sequence[Row], down: str, across: str, title: str, *lines: str, sign: str = ""
) -> Group:
    """Rows by two of their names as a table of figures with intervals."""
    if not rows:
        return Group(*print_notes(*lines[1:]))
    names = list(dict.fromkeys(row[across] for row in rows))
    table = Table("", *names, title=title)
    for name in dict.fromkeys(row[down] for row in rows):
        own = {row[across]: row for row in rows if row[down] == name}
        ends = ([own[n][end] for end in ("value", "low", "high")] if n in own else None
                for n in names)  # fmt: skip
        cells = (Text("") if found is None else figure_cell(found, sign) for found in ends)
        table.add_row(Text(name), *cells)
    return Group(table, *print_notes(*lines))


def _enough(rows: Sequence[Row]) -> tuple[list[dict[str, Any]], tuple[str, ...]]:
    """Rows on enough ratings, and a line that names the others without a figure."""
    # Every group is one of clients: to say so in each line would only widen the table.
    named = [{**row, "among": row["among"].removeprefix("client.")} for row in rows]
    enough = [row for row in named if row["rated"] >= FEWEST_TOLD]
    names = dict.fromkeys(row["among"] for row in named if row not in enough)
    few = f"Fewer than {FEWEST_TOLD} ratings, and so no figures: {', '.join(names)}."
    return enough, (few,) if names else ()


def _not_compared(report: Row) -> tuple[Text, ...]:
    why = report.get("champion", {}).get("not_compared")
    return (Text(f"The champion was not measured beside: {why}."),) if why else ()


def _number(value: float | None, sign: str = "", places: int = 2) -> str:
    # Adding 0 turns -0.00 into 0.00.
    return UNSAID if value is None else f"{round(value, places) + 0.0:{sign}.{places}f}"


def _points(value: float | None) -> str:
    return UNSAID if value is None else f"{value:+.2f} points"
