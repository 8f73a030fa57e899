"""What a gain comes from, and which matches matter, as tables in a terminal."""

from collections.abc import Sequence

from rich.console import Group, RenderableType
from rich.text import Text

from recommender.cli.record_table import RecordTable
from recommender.model.evaluation_report import Estimate, PartGain, interval_text
from recommender.model.match_sizes import HOW_TO_READ, NOT_SHOWN, MatchSize, estimate_text

WIDTH = 31
"""Characters of the line on which an interval is drawn, 0 in its middle."""
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
        cells = (interval_text(by[part, metric], "+").replace(" (", "\n(") for metric in metrics)
        table.add_row(Text(part), *cells)
    return Group(table, Text(HOW_PARTS_READ, style="dim"))


def matches_table(sizes: Sequence[MatchSize], title: str) -> Group:
    """Every match by size: its interval as a picture and in figures, and what is shown of it."""
    headings = ("match", "", "size, SD", "points", "own ratings, SD", "expected, SD", "shown")
    table = RecordTable(title, headings)
    reach = reach_of(sizes)
    for each in sizes:
        size = each.in_sd(each.size)
        style = "dim" if each.status == NOT_SHOWN else ""
        table.add_row(
            Text(each.phrase),
            Text(interval_picture(size, reach)),
            estimate_text(size),
            estimate_text(each.size),
            estimate_text(each.in_sd(each.own)),
            estimate_text(each.in_sd(each.expected)),
            Text(each.status, style=style),
        )
    sources = [Text(f"{each.phrase}: {each.source}", style="dim") for each in sizes if each.source]
    return Group(table, Text(HOW_TO_READ.replace("*", ""), style="dim"), *sources)


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
