"""One line of the table, and the part that gives it.

A part is a function of how often it tries and of what it tries it on, so that the tests run the
same part for seconds.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from experiments.trust.subject import Subject


@dataclass(frozen=True, slots=True)
class Line:
    """One thing measured.

    Attributes
    ----------
    name, how
        What was measured, and by what.
    figure, target
        What was found, and what was to be found.
    passed
        Whether the one is as good as the other.
    """

    name: str
    how: str
    figure: str
    target: str
    passed: bool


@dataclass(frozen=True, slots=True)
class Part:
    """One part.

    Attributes
    ----------
    measure
        Gives its lines, trying so often.
    count
        How often `make trust` tries.
    """

    measure: Callable[[int, Subject], Sequence[Line]]
    count: int
