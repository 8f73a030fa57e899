"""The next open intervals of people who meet, from their weekly hours."""

from recommender.recommendation.open_intervals import (
    LookAhead,
    OpenInterval,
    SharedHours,
    WeeklyHours,
    next_spans,
)


def next_open_intervals(
    weeks: tuple[WeeklyHours, ...], ahead: LookAhead, minutes: float
) -> tuple[OpenInterval, ...]:
    """The first intervals that suit all; the first of the weeks is the clinician's."""
    theirs, *others = weeks
    spans = next_spans(theirs, SharedHours(tuple(others)), ahead, minutes)
    return tuple(OpenInterval.between(ahead.origin, *span, theirs.room) for span in spans)
