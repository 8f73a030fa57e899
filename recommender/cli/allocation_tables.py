"""An allocation in a terminal: how many, at what cost, who is left and why, where a place helps.

Imported by `lists`.
"""

from collections import Counter
from collections.abc import Mapping

import numpy as np
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from recommender.allocation.files import reason_text
from recommender.allocation.outcome import REASON_TEXTS, Allocation

MAX_LINES = 5
"""People told of by line; the file has everybody."""


def summary(found: Allocation, says: Mapping[str, str]) -> Group:
    """The whole of it on one screen."""
    parts: list[RenderableType] = [_counts(found)]
    if any(each.cost is not None for each in found.assigned):
        parts.append(_costs(found))
    if found.unplaced:
        parts.append(_unplaced(found, says))
    if found.marginal_places:
        parts.append(_marginal_places(found))
    return Group(*parts)


def _counts(found: Allocation) -> Text:
    promised = sum(each.fixed_by == "told" for each in found.assigned)
    unchanged = sum(each.fixed_by == "previous" for each in found.assigned)
    places = sum(max(seat.places - seat.promised, 0) for seat in found.places_used)
    text = f"{len(found.assigned) - promised:,} given somebody, with {places:,} places"
    text += f"; {promised:,} told before stay" if promised else ""
    text += f"; {unchanged:,} as in the allocation before" if unchanged else ""
    text += f"; {len(found.unplaced):,} given nobody."
    return Text(text)


def _costs(found: Allocation) -> Table:
    costs = np.array([each.cost for each in found.assigned if each.cost is not None])
    first = np.mean([each.rank == 1 for each in found.assigned if each.rank is not None])
    table = Table(title="What it costs, in points below each one's own first choice")
    for heading in ("predicted", "with first choice", "mean", "90 % below", "most"):
        table.add_column(heading, justify="right")
    ends = (costs.mean(), float(np.quantile(costs, 0.9)), costs.max())
    table.add_row(f"{len(costs):,}", f"{first:.0%}", *(f"{end:.2f}" for end in ends))
    return table


def _unplaced(found: Allocation, says: Mapping[str, str]) -> Group:
    counts = Counter(each.reason for each in found.unplaced)
    lines = [Text(f"  {count:,}: {REASON_TEXTS[reason]}") for reason, count in counts.most_common()]
    table = Table("client", "why", title="Given nobody", show_lines=True)
    for each in found.unplaced[:MAX_LINES]:
        table.add_row(each.client_id, Text(reason_text(each, says)))
    rest = len(found.unplaced) - MAX_LINES
    return Group(*lines, table, *([Text(f"and {rest:,} more: see the file")] if rest > 0 else []))


def _marginal_places(found: Allocation) -> Table:
    table = Table("with", "more placed", "points for others", "who", "moved",
                  title="What one more place would be worth")  # fmt: skip
    for each in found.marginal_places:
        table.add_row(
            each.clinician_id,
            str(each.placed),
            f"{each.points:+.2f}",
            ", ".join(each.newly_assigned) or "nobody new",
            str(each.moved),
        )
    return table
