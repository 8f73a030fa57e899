"""An allocation in a terminal: how many, at what cost, who is left and why, where a place helps.

Imported by `lists`.
"""

from collections import Counter
from collections.abc import Mapping

import numpy as np
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from recommender.allocation.files import why
from recommender.allocation.outcome import WHY, Allocation

MOST_LINES = 5
"""People told of by line; the file has everybody."""


def summary(found: Allocation, says: Mapping[str, str]) -> Group:
    """The whole of it on one screen."""
    parts: list[RenderableType] = [_counts(found)]
    if any(each.cost is not None for each in found.assigned):
        parts.append(_costs(found))
    if found.unplaced:
        parts.append(_left(found, says))
    if found.marginal_places:
        parts.append(_more(found))
    return Group(*parts)


def _counts(found: Allocation) -> Text:
    promised = sum(each.kept == "told" for each in found.assigned)
    kept = sum(each.kept == "previous" for each in found.assigned)
    places = sum(max(seat.places - seat.promised, 0) for seat in found.places_used)
    said = f"{len(found.assigned) - promised:,} given somebody, with {places:,} places"
    said += f"; {promised:,} told before stay" if promised else ""
    said += f"; {kept:,} as in the allocation before" if kept else ""
    said += f"; {len(found.unplaced):,} given nobody."
    return Text(said)


def _costs(found: Allocation) -> Table:
    costs = np.array([each.cost for each in found.assigned if each.cost is not None])
    first = np.mean([each.stands == 1 for each in found.assigned if each.stands is not None])
    table = Table(title="What it costs, in points below each one's own first choice")
    for heading in ("predicted", "with first choice", "mean", "90 % below", "most"):
        table.add_column(heading, justify="right")
    ends = (costs.mean(), float(np.quantile(costs, 0.9)), costs.max())
    table.add_row(f"{len(costs):,}", f"{first:.0%}", *(f"{end:.2f}" for end in ends))
    return table


def _left(found: Allocation, says: Mapping[str, str]) -> Group:
    counts = Counter(each.why for each in found.unplaced)
    lines = [Text(f"  {count:,}: {WHY[reason]}") for reason, count in counts.most_common()]
    table = Table("client", "why", title="Given nobody", show_lines=True)
    for each in found.unplaced[:MOST_LINES]:
        table.add_row(each.client_id, Text(why(each, says)))
    rest = len(found.unplaced) - MOST_LINES
    return Group(*lines, table, *([Text(f"and {rest:,} more: see the file")] if rest > 0 else []))


def _more(found: Allocation) -> Table:
    table = Table("with", "more placed", "points for others", "who", "moved",
                  title="What one more place would be worth")  # fmt: skip
    for each in found.marginal_places:
        table.add_row(
            each.clinician_id,
            str(each.placed),
            f"{each.points:+.2f}",
            ", ".join(each.newly) or "nobody new",
            str(each.moved),
        )
    return table
