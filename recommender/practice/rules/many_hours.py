"""Hours of many clients beside those of a roster at once."""

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from recommender.practice.rules.rule_input import Flags
from recommender.practice.week_calendar import (
    DAY,
    DAYS,
    ClockGroup,
    SteadyClocks,
    Windows,
    in_other_week,
)

Places = NDArray[np.intp]


def windows_that_fit(
    clocks: ClockGroup, wished: Sequence[Windows], minutes: Sequence[float]
) -> Flags:
    """Whether a session fits into what each client's windows share, (clients, windows, people).

    The minutes of each client's session are above 0.
    """
    if isinstance(clocks, SteadyClocks):
        return _on_steady_clocks(clocks, wished, minutes)
    shared = zip(map(clocks.minutes, wished), minutes, strict=True)
    return np.array([longest >= session for longest, session in shared])


def _on_steady_clocks(
    clocks: SteadyClocks, wished: Sequence[Windows], minutes: Sequence[float]
) -> Flags:
    """`windows_that_fit` by the spans of all clients at once."""
    opens, closes, days = clocks.openings.opens, clocks.openings.closes, clocks.openings.days
    fitting = np.zeros((len(wished), *opens.shape), dtype=np.bool_)
    by_client = [in_other_week(windows, clocks.ahead) for windows in wished]
    client = np.repeat(np.arange(len(wished)), [len(spans) for spans in by_client])
    # Whole minutes of a week, which int16 holds: a session is as long as its minutes begun.
    enough = np.minimum(np.ceil(np.array(minutes)), np.iinfo(np.int16).max).astype(np.int16)
    begin, end = np.concatenate([np.empty((0, 2)), *by_client]).astype(np.int16).T
    for first, last, rows in _by_days(client, begin // DAY, -(-end // DAY) - 1):
        places, who = slice(days[first].start, days[last].stop), client[rows]
        shared = np.minimum(closes[places], end[rows][:, None, None])
        shared -= np.maximum(opens[places], begin[rows][:, None, None])
        fitting[who, places] |= shared >= enough[who][:, None, None]
    return fitting


def _by_days(
    client: Places, first: NDArray[np.int16], last: NDArray[np.int16]
) -> Iterator[tuple[int, int, Places]]:
    """Spans of time by their first and last day of the week; no client has two of one entry."""
    days = first.astype(np.intp) * DAYS + last
    order = np.lexsort((client, days))
    days, client = days[order], client[order]
    # The number of each among the client's spans on these days.
    place = np.arange(len(order))
    is_next = (days[1:] == days[:-1]) & (client[1:] == client[:-1])
    number = place - np.maximum.accumulate(np.where(np.append(False, is_next), 0, place))
    entry = days * len(order) + number
    for each in np.unique(entry):
        rows = order[entry == each]
        yield int(first[rows[0]]), int(last[rows[0]]), rows
