"""An allocation as text and tables in a terminal."""

from collections import Counter
from collections.abc import Mapping

import numpy as np
from rich.console import Group, RenderableType
from rich.text import Text

from recommender.allocation.files import reason_text
from recommender.allocation.outcome import FORMER, PROMISED, REASON_TEXTS, Allocation
from recommender.cli.record_table import RecordTable

MAX_LINES = 5
"""Clients listed; the file has all of them."""


def summary(allocation: Allocation, constraint_texts: Mapping[str, str]) -> Group:
    """The allocation on one screen."""
    parts: list[RenderableType] = [_counts(allocation)]
    if any(each.cost is not None for each in allocation.assigned):
        parts.append(_costs(allocation))
    if allocation.unplaced:
        parts.append(_unplaced(allocation, constraint_texts))
    if allocation.marginal_places:
        parts.append(_marginal_places(allocation))
    return Group(*parts)


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'s'[number == 1 :]}"


def _counts(allocation: Allocation) -> Text:
    promised = sum(each.fixed_by == PROMISED for each in allocation.assigned)
    unchanged = sum(each.fixed_by == FORMER for each in allocation.assigned)
    places = sum(max((used.places or 0) - used.promised, 0) for used in allocation.places_used)
    assigned = _count(len(allocation.assigned) - promised, "client")
    text = f"{assigned} assigned, with {_count(places, 'place')}"
    text += f"; {promised:,} promised before" if promised else ""
    text += f"; {unchanged:,} as in the earlier allocation" if unchanged else ""
    text += f"; {len(allocation.unplaced):,} without a clinician."
    return Text(text)


def _costs(allocation: Allocation) -> RecordTable:
    costs = np.array([each.cost for each in allocation.assigned if each.cost is not None])
    first = np.mean([each.rank == 1 for each in allocation.assigned if each.rank is not None])
    headings = ("predicted", "with first choice", "mean", "90th percentile", "highest")
    table = RecordTable("Cost in points below each client's own first choice", headings)
    ends = (costs.mean(), float(np.quantile(costs, 0.9)), costs.max())
    table.add_row(f"{len(costs):,}", f"{first:.0%}", *(f"{end:.2f}" for end in ends))
    return table


def _unplaced(allocation: Allocation, constraint_texts: Mapping[str, str]) -> Group:
    counts = Counter(each.reason for each in allocation.unplaced)
    lines = [Text(f"  {count:,}: {REASON_TEXTS[reason]}") for reason, count in counts.most_common()]
    table = RecordTable("Without a clinician", ("client", "why"))
    for each in allocation.unplaced[:MAX_LINES]:
        table.add_row(each.client_id, reason_text(each, constraint_texts))
    rest = len(allocation.unplaced) - MAX_LINES
    return Group(*lines, table, *([Text(f"and {rest:,} more: see the file")] if rest > 0 else []))


def _marginal_places(allocation: Allocation) -> RecordTable:
    headings = ("with", "more placed", "points for others", "who", "moved")
    table = RecordTable("Value of one more place", headings)
    for each in allocation.marginal_places:
        table.add_row(
            each.clinician_id,
            str(each.placed),
            f"{each.points:+.2f}",
            ", ".join(each.newly_assigned) or "nobody new",
            str(each.moved),
        )
    return table
