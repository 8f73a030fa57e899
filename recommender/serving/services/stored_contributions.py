"""What explanations are made of, kept as it was when the recommendation was shown.

Neither a new model nor a changed roster can then explain what nobody saw. Imported by
`serving.recording` and `serving.explanations`.
"""

import json
from dataclasses import dataclass

import numpy as np

from recommender.features.feature import Array, Feature
from recommender.model.alliance_model import Contributions
from recommender.practice.definition import Practice
from recommender.recommendation.explanation import Explanation, contrast, explain


@dataclass(frozen=True, slots=True, eq=False)
class StoredContributions:
    """Contributions of everybody who was eligible.

    Attributes
    ----------
    names
        Of the features.
    ids
        Whose contributions, one a row.
    values, raw, start
        As in `Contributions`.
    """

    names: tuple[str, ...]
    ids: tuple[str, ...]
    values: Array
    raw: Array
    start: Array

    def to_bytes(self) -> bytes:
        """JSON; a value that is not known is null."""
        raw = [[None if value != value else value for value in row] for row in self.raw.tolist()]
        told = {
            "features": self.names,
            "clinicians": self.ids,
            "start": self.start.tolist(),
            "points": self.values.tolist(),
            "values": raw,
        }
        return json.dumps(told, separators=(",", ":"), allow_nan=False).encode()

    @classmethod
    def from_bytes(cls, kept: bytes) -> "StoredContributions":
        """What `to_bytes` wrote."""
        told = json.loads(kept)
        shape = len(told["clinicians"]), len(told["features"])
        return cls(
            names=tuple(told["features"]),
            ids=tuple(told["clinicians"]),
            values=np.array(told["points"], dtype=np.float64).reshape(shape),
            raw=np.array(told["values"], dtype=np.float64).reshape(shape),
            start=np.array(told["start"], dtype=np.float64),
        )

    def against_average(
        self, practice: Practice, features: tuple[Feature, ...], clinician_id: str
    ) -> Explanation:
        """Why one of them, held against the average of all."""
        (told,) = explain(practice, self._own(features), np.array([self.ids.index(clinician_id)]))
        return told

    def against(
        self, practice: Practice, features: tuple[Feature, ...], clinician_id: str, other: str
    ) -> Explanation:
        """Why one of them rather than another; turned round, every sign turns."""
        own = self._own(features)
        return contrast(practice, own, self.ids.index(clinician_id), self.ids.index(other))

    def _own(self, features: tuple[Feature, ...]) -> Contributions:
        return Contributions(features, self.values, self.start, self.raw)


def stored_contributions(own: Contributions, ids: tuple[str, ...]) -> StoredContributions:
    """What is kept of the contributions of clinicians."""
    names = tuple(feature.name for feature in own.features)
    return StoredContributions(names, ids, own.values, own.raw, own.start)
