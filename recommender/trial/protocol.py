"""What a trial registers before its first client, and what is known of its clients since."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from recommender.errors import ConflictError

PRIMARY = (
    "Mean early alliance of all randomised clients with a rating, model order less usual order, "
    "by intention to treat, among the clinicians of the trial; least squares with the client part "
    "predicted before randomisation; variance HC2 by client with Satterthwaite's degrees of "
    "freedom."
)
SECONDARY = (
    "The same with an error that also covers other clinicians, CR2 by clinician; with clients who "
    "left before rating at the 15th percentile of the residuals; the effect among clients who "
    "begin with the model's first, by two-stage least squares."
)


@dataclass(frozen=True, slots=True)
class TrialProtocol:
    """What is registered: it cannot be changed afterwards, and `digest` shows that it was not.

    Attributes
    ----------
    practice
        Id of the practice definition, by whose instruments ratings are read.
    effect
        The effect planned for, in standard deviations.
    rated, randomised
        Clients to be rated, and expected to be randomised until then.
    looks
        Shares of `rated` at which is looked, ascending to 1.
    alpha
        Two-sided error of all looks together.
    chance
        Of the model's order.
    primary, secondary
        The analyses, in words.
    """

    practice: str
    effect: float
    rated: int
    randomised: int
    looks: tuple[float, ...]
    alpha: float
    chance: float
    primary: str = PRIMARY
    secondary: str = SECONDARY

    def to_json(self) -> str:
        """The protocol as one line of JSON with sorted keys."""
        return json.dumps(asdict(self), sort_keys=True)

    @classmethod
    def from_json(cls, text: str) -> Self:
        """The protocol that `to_json` wrote."""
        values: dict[str, Any] = json.loads(text)
        return cls(**values | {"looks": tuple(values["looks"])})

    @property
    def digest(self) -> str:
        """SHA-256 of `to_json`."""
        return hashlib.sha256(self.to_json().encode()).hexdigest()

    def refuse_other_analysis(self) -> None:
        """Raises `ConflictError` where another analysis is registered than this version computes.

        A trial that is analysed in another way than it registered proves nothing.
        """
        if self.primary != PRIMARY:
            problem = "registers another analysis than this version computes"
            remedy = "look and report with the version that started the trial"
            raise ConflictError("protocol", problem, remedy)

    def due_at(self, share: float) -> int:
        """Rated clients from which the look at this share of them is due."""
        return int(np.ceil(share * self.rated))

    def next_due(self, rated_before: Sequence[int]) -> int:
        """Rated clients from which the next look is due, given how many were at earlier looks."""
        last = max(rated_before, default=0)
        return next((n for n in map(self.due_at, self.looks) if n > last), self.rated)


@dataclass(frozen=True, slots=True, eq=False)
class TrialClients:
    """The n clients of a trial, each by the arm drawn for their first request.

    Attributes
    ----------
    arm : (n,)
        1 for the model's order, 0 for the usual one.
    rating : (n,)
        Early alliance on the displayed scale; NaN without one.
    client_part : (n,)
        What the model predicted before randomisation for an average clinician; NaN where unknown.
    clinician : (n,) int
        Number of the clinician each began with; -1 for nobody yet.
    left : (n,) bool
        Began, ended before rating.
    followed : (n,) bool
        Began with the first of the model's order, in whichever arm.
    """

    arm: NDArray[np.float64]
    rating: NDArray[np.float64]
    client_part: NDArray[np.float64]
    clinician: NDArray[np.intp]
    left: NDArray[np.bool_]
    followed: NDArray[np.bool_]

    @property
    def rated(self) -> NDArray[np.bool_]:
        """Whether each has a rating, (n,)."""
        return ~np.isnan(self.rating)

    def progress(self) -> Mapping[str, int]:
        """How many clients are how far, over both arms together: no result."""
        return {
            "randomised": len(self.arm),
            "began": int(np.count_nonzero(self.clinician >= 0)),
            "rated": int(np.count_nonzero(self.rated)),
            "left_before_rating": int(np.count_nonzero(self.left)),
        }
