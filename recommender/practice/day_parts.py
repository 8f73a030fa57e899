"""Converts ticked parts of days into windows of weekly hours, and windows into ticks."""

from collections.abc import Iterable, Mapping, Sequence

from recommender.practice.matching_page import DayPart
from recommender.values.kinds import DAYS


def windows_of(parts: Sequence[DayPart], ticked: Iterable[str]) -> list[dict[str, str]]:
    """Ticked parts of days as windows; parts that meet are one.

    >>> from recommender.practice.matching_page import USUAL_DAY_PARTS
    >>> windows_of(USUAL_DAY_PARTS, ["mon-0", "mon-1", "tue-2"])[0]
    {'day': 'mon', 'start': '08:00', 'end': '17:00'}
    """
    chosen = set(ticked)
    windows: list[dict[str, str]] = []
    in_order = sorted(enumerate(parts), key=lambda each: each[1].start)
    for day in DAYS:
        for number, part in in_order:
            if f"{day}-{number}" not in chosen:
                continue
            last = windows[-1] if windows else None
            if last is not None and last["day"] == day and last["end"] == part.start:
                last["end"] = part.end
            else:
                windows.append({"day": day, "start": part.start, "end": part.end})
    return windows


def ticked_parts(
    parts: Sequence[DayPart], windows: Iterable[Mapping[str, str]]
) -> set[tuple[str, int]]:
    """Day and number of the parts that windows cover."""
    return {
        (window["day"], number)
        for window in windows
        for number, part in enumerate(parts)
        if window["start"] <= part.start and part.end <= window["end"]
    }
