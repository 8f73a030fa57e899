"""Hours of many clients beside those of a roster at once."""

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from recommender.practice.rules.packed_flags import Bits, Flags, packed
from recommender.practice.week_calendar import (
    DAY,
    DAYS,
    ClockGroup,
    Rows,
    SteadyClocks,
    Windows,
    in_other_week,
)

Places = NDArray[np.intp]
LONGEST = np.iinfo(np.int16).max
"""Minutes of a session from which on it fits into no week."""


def windows_that_fit(
    clocks: ClockGroup, wished: Sequence[Windows], minutes: Sequence[float], size: int
) -> Bits:
    """Whether a session fits into what each client's windows share, (clients, windows, size / 8).

    Of `size` people; those whom the clocks are not of have no window that fits. The minutes of each
    client's session are above 0.
    """
    if isinstance(clocks, SteadyClocks):
        return _on_steady_clocks(clocks, wished, minutes, size)
    shared = zip(map(clocks.minutes, wished), minutes, strict=True)
    return _of_everyone(clocks.rows, np.array([each >= session for each, session in shared]), size)


def _on_steady_clocks(
    clocks: SteadyClocks, wished: Sequence[Windows], minutes: Sequence[float], size: int
) -> Bits:
    """`windows_that_fit` by the spans of all clients at once, each different one compared once."""
    opens, closes, days = clocks.openings.opens, clocks.openings.closes, clocks.openings.days
    fitting = np.zeros((len(wished), len(opens), -(-size // 8)), dtype=np.uint8)
    by_client = [in_other_week(windows, clocks.ahead) for windows in wished]
    client = np.repeat(np.arange(len(wished)), [len(spans) for spans in by_client])
    # Whole minutes of a week, which int16 holds: a session is as long as its minutes begun.
    enough = np.minimum(np.ceil(np.array(minutes)), LONGEST).astype(np.int16)[client]
    begin, end = np.concatenate([np.empty((0, 2)), *by_client]).astype(np.int16).T
    number = (begin.astype(np.intp) * LONGEST + end) * LONGEST + enough
    for first, last, rows in _by_days(client, begin // DAY, -(-end // DAY) - 1):
        places = slice(days[first].start, days[last].stop)
        _, firsts, which = np.unique(number[rows], return_index=True, return_inverse=True)
        one = rows[firsts]
        shared = np.minimum(closes[places], end[one][:, None, None])
        shared -= np.maximum(opens[places], begin[one][:, None, None])
        own = _of_everyone(clocks.rows, shared >= enough[one][:, None, None], size)
        fitting[client[rows], places] |= own[which]
    return fitting


def _of_everyone(rows: Rows, flags: Flags, size: int) -> Bits:
    """Flags (..., people) of some rows as bits of all, (..., size / 8)."""
    if isinstance(rows, slice):
        return packed(flags)
    every = np.zeros((*flags.shape[:-1], size), dtype=np.bool_)
    every[..., rows] = flags
    return packed(every)


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
