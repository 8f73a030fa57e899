"""Worlds in which matching gains nothing: a gain must not be claimed there."""

from collections.abc import Sequence

from experiments.null_world.cover import TARGET, intervals, is_chance
from experiments.trust.line import Line
from experiments.trust.subject import Subject
from recommender.model.evaluation_report import DYAD
from recommender.practice.definition import shipped_practice


def measure(count: int, _: Subject) -> Sequence[Line]:
    """In how many of so many null worlds the interval of the dyad partial covers 0."""
    told = [ends[DYAD] for _, ends in intervals(shipped_practice(), range(count))]
    covered = sum(low <= 0 <= high for _, low, high in told)
    return (
        Line(
            "a gain claimed where there is none",
            f"{count} simulated practices in which clinicians and matches do not differ",
            f"{covered} of {count} intervals of the {DYAD} cover 0",
            f"{TARGET:.0%}, or so many that fewer would be chance in 1 run of 100",
            is_chance(covered, count),
        ),
    )
