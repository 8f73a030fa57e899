"""Whether what was shown holds: early ratings beside the range and the estimate of their match.

Imported by `staff.checking` and `staff.following`.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Self

import numpy as np
import pandas as pd

from recommender.alliance.label import labels
from recommender.journal.rated_pairings import RatedMatch, RatedPairing
from recommender.model.alliance_model import AllianceModel
from recommender.serving.services.stored_recommendation import current_body
from recommender.serving.staff import wording

LAST, FEWEST = 200, 50
"""Rated matches that are looked at, and how many it takes to say anything."""
Rated = RatedMatch | RatedPairing


@dataclass(frozen=True, slots=True)
class RatedPrediction:
    """The early rating of a match in points, and the range and the estimate it was shown with.

    `answers` is the intake as used.
    """

    points: float
    lower: float
    upper: float
    predicted: float
    started_on: date
    answers: Mapping[str, Any] = field(default_factory=dict, repr=False)

    @property
    def inside(self) -> bool:
        """Whether the rating fell in the range."""
        return self.lower <= self.points <= self.upper


@dataclass(frozen=True, slots=True)
class CoverageCheck:
    """How many rated matches had a range, and how many ratings fell inside."""

    rated: int
    inside: int

    @classmethod
    def of(cls, found: Sequence[RatedPrediction]) -> Self:
        """The check of these matches."""
        return cls(len(found), sum(each.inside for each in found))

    def said(self, level: float) -> str:
        """The check in words; too few are said to be too few."""
        if self.rated < FEWEST:
            return wording.too_few(self.rated, FEWEST)
        return wording.checked(self.inside, self.rated, level)


def rated_predictions(
    matches: Sequence[RatedMatch], model: AllianceModel
) -> tuple[RatedPrediction, ...]:
    """Ratings as training reads them, each beside what its match was shown with; order as given."""
    told = {each.pairing_id: shown for each in matches if (shown := _shown(each)) is not None}
    known = {each.pairing_id: each for each in matches if each.pairing_id in told}
    points = points_of(tuple(known.values()), model)
    return tuple(
        _held(match, told[name], points[name]) for name, match in known.items() if name in points
    )


def points_of(rated: Sequence[Rated], model: AllianceModel) -> dict[str, float]:
    """The early rating of each pairing in points, by its id; those without one are left out."""
    if not rated:
        return {}
    found = labels(
        _ratings(rated),
        _pairings(rated),
        model.practice.alliance,
        model.practice.instruments,
        model.linker,
    )
    said = model.linker.to_displayed(found["alliance"].to_numpy()).tolist()
    return dict(zip(map(str, found.index), said, strict=True))


def _held(match: RatedMatch, shown: Mapping[str, Any], points: float) -> RatedPrediction:
    ends = shown["range"]
    return RatedPrediction(
        points,
        ends["lower"],
        ends["upper"],
        shown["predicted_alliance"],
        match.started_on,
        match.answers,
    )


def _shown(match: RatedMatch) -> Mapping[str, Any] | None:
    """What was shown of whom the match began with; None where no range was shown of them."""
    for each in json.loads(current_body(match.response))["shortlist"]:
        if each["clinician_id"] == match.clinician_id:
            shown: Mapping[str, Any] = each
            return shown if shown["range"] is not None else None
    return None


def _pairings(matches: Sequence[Rated]) -> pd.DataFrame:
    started = np.array([each.started_on for each in matches], dtype="datetime64[s]")
    return pd.DataFrame(
        {"pairing_id": [each.pairing_id for each in matches], "started_on": started}
    )


def _ratings(matches: Sequence[Rated]) -> pd.DataFrame:
    rows = [
        {
            "pairing_id": rating.pairing_id,
            "session": rating.session,
            "rated_on": np.datetime64(rating.rated_on, "s"),
            "known_on": np.datetime64(rating.known_on or rating.rated_on, "s"),
            "instrument": rating.instrument,
            "rater": rating.rater,
            "metric": rating.metric,
            "score": np.nan if rating.score is None else rating.score,
            **{f"item_{number}": answer for number, answer in enumerate(rating.items, 1)},
        }
        for match in matches
        for rating in match.ratings
    ]
    return pd.DataFrame(rows)
