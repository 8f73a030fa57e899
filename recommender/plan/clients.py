"""What clients decide of their scores alone, equal for every clinician."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from recommender.features.feature import Array

Places = NDArray[np.intp]


@dataclass(frozen=True, slots=True, eq=False)
class ClientTerms:
    """What C clients decide of their scores alone.

    Attributes
    ----------
    rows : (C, columns)
        Their columns of the model.
    level : (C,) or (C, k) int
        The level that records distinguish, or several of tags; -1 for none.
    expected : (C,)
        The client part, in points.
    scaled : by block (C, p)
        Their columns that are multiplied with those of the clinician, on one scale.
    slopes : (C, clinician columns)
        Points for one unit of each clinician's column, on the scale of products.
    """

    rows: Array
    level: NDArray[np.int64]
    expected: Array
    scaled: Mapping[str, Array]
    slopes: Array

    @property
    def is_one(self) -> bool:
        """Whether this is one client alone, who is in every pair."""
        return len(self.level) == 1

    def take(self, rows: Places) -> "ClientTerms":
        """Some of the clients, in the order given; one may be taken more than once."""
        return ClientTerms(
            self.rows[rows],
            self.level[rows],
            self.expected[rows],
            {block: scaled[rows] for block, scaled in self.scaled.items()},
            self.slopes[rows],
        )

    def followed_by(self, other: "ClientTerms") -> "ClientTerms":
        """These clients and then others."""
        return ClientTerms(
            np.concatenate([self.rows, other.rows]),
            np.concatenate([self.level, other.level]),
            np.concatenate([self.expected, other.expected]),
            {
                block: np.concatenate([scaled, other.scaled[block]])
                for block, scaled in self.scaled.items()
            },
            np.concatenate([self.slopes, other.slopes]),
        )
