"""The next open intervals of people who meet, from their weekly hours."""

from recommender.recommendation.open_intervals import (
    LookAhead,
    OpenInterval,
    SharedHours,
    WeeklyHours,
    next_openings,
)


def next_open_intervals(
    weeks: tuple[WeeklyHours, ...], ahead: LookAhead, minutes: float
) -> tuple[OpenInterval, ...]:
    """The first intervals that suit all; the first of the weeks is the clinician's."""
    theirs, *others = weeks
    found = next_openings((theirs,), SharedHours(tuple(others)), ahead, minutes)
    return tuple(OpenInterval.between(ahead.origin, *each) for each in found)
