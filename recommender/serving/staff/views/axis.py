"""From a value to its place in a picture. Imported by the pictures of `staff`."""

import math
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Axis:
    """Values from `low` to `high` lie between `start` and `end`, in units of the picture.

    Examples
    --------
    >>> Axis(1, 5, 0, 200).at(2)
    50.0
    """

    low: float
    high: float
    start: float
    end: float

    def at(self, value: float) -> float:
        """The place of a value, to a tenth."""
        share = (value - self.low) / (self.high - self.low)
        return round(self.start + share * (self.end - self.start), 1)


def around(low: float, high: float, step: float) -> tuple[float, float]:
    """Whole steps that hold both ends, and at least one step apart.

    Examples
    --------
    >>> around(3.1, 4.2, 0.5)
    (3.0, 4.5)
    """
    first, last = math.floor(low / step), math.ceil(high / step)
    return first * step, max(last, first + 1) * step
