"""What a gain comes from, and which matches matter, as tables in a terminal."""

from collections.abc import Sequence

from rich.console import Group, RenderableType
from rich.text import Text

from recommender.cli.record_table import RecordTable
from recommender.model.evaluation_report import Estimate, PartGain, gain_text
from recommender.model.match_sizes import (
    HOW_TO_READ,
    NO_RATING,
    NOT_SHOWN,
    MatchSize,
    estimate_text,
)

WIDTH = 31
"""Characters of the line on which an interval is drawn, 0 in its middle."""
WHAT_IS_DRAWN = "The line drawn is the interval of the size."
HOW_PARTS_READ = (
    "Parts are added one after another, on the same pairings and draws. The client part changes no "
    "order; the clinician's own part is the same for every client. RMSE: below 0 is a gain."
)


def gains_table(gains: Sequence[PartGain]) -> RenderableType:
    """What each part adds, one metric a column; nothing without figures."""
    if not gains:
        return Group()
    metrics = tuple(dict.fromkeys(each.metric for each in gains))
    by = {(each.part, each.metric): each for each in gains}
    table = RecordTable("What a gain comes from", ("with the", *metrics))
    for part in dict.fromkeys(each.part for each in gains):
        cells = (gain_text(by[part, metric]).replace(" (", "\n(") for metric in metrics)
        table.add_row(Text(part), *cells)
    return Group(table, Text(HOW_PARTS_READ, style="dim"))


def matches_view(sizes: Sequence[MatchSize], title: str) -> Group:
    """Every match by size, three lines each: what is shown, a picture of its interval, figures."""
    reach, lines = reach_of(sizes), [Text(title, style="italic")]
    for each in sizes:
        size, own, expected = map(each.in_sd, (each.size, each.own, each.expected))
        line = Text(f"\n{each.phrase}: ", style="bold")
        style = "dim" if each.status in (NOT_SHOWN, NO_RATING) else "green"
        line.append(each.status, style=style)
        line.append(
            f"\n  {interval_picture(size, reach)}  {_with_unit(size, 'SD')}", style="default"
        )
        figures = [_with_unit(each.size, "points")]
        figures += [f"own {_with_unit(own, 'SD')}"] if own.value is not None else []
        figures += [f"expected {estimate_text(expected).partition(' ')[0]}"]
        lines.append(line.append(f"\n  {'; '.join(figures)}", style="dim"))
    sources = [Text(f"{each.phrase}: {each.source}", style="dim") for each in sizes if each.source]
    return Group(*lines, Text(f"\n{HOW_TO_READ} {WHAT_IS_DRAWN}", style="dim"), *sources, Text(""))


def _with_unit(estimate: Estimate, unit: str) -> str:
    """An estimate in words, the unit after its value."""
    value, _, interval = estimate_text(estimate).partition(" ")
    return f"{value} {unit} {interval}"


def reach_of(sizes: Sequence[MatchSize]) -> float:
    """The end furthest from 0 of all sizes, in standard deviations."""
    ends = [end for each in sizes for end in _ends(each.in_sd(each.size))]
    return max(map(abs, ends), default=0.0) or 1.0


def interval_picture(estimate: Estimate, reach: float) -> str:
    """An interval on a line from -`reach` to `reach`, with a mark at 0.

    Examples
    --------
    >>> interval_picture(Estimate(value=0.5, low=0.0, high=1.0), 1.0)
    '···············├───────●──────┤'
    """
    line = ["·"] * WIDTH
    middle = WIDTH // 2
    line[middle] = "│"
    if estimate.value is None or estimate.low is None or estimate.high is None:
        return "".join(line)
    low, value, high = (
        middle + round(end / reach * middle)
        for end in (estimate.low, estimate.value, estimate.high)
    )
    for place in range(low, high + 1):
        line[place] = "┼" if place == middle else "─"
    line[low], line[high], line[value] = "├", "┤", "●"
    return "".join(line)


def _ends(estimate: Estimate) -> tuple[float, ...]:
    return tuple(end for end in (estimate.low, estimate.high) if end is not None)
