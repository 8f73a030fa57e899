"""Early ratings of matches beside what was predicted: coverage, calibration and error over time."""

import dataclasses
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import pairwise
from statistics import fmean
from typing import Any, Self

import numpy as np
import pandas as pd

from recommender.alliance.label import labels
from recommender.alliance.linking import InstrumentLinker
from recommender.journal.rated_pairings import RatedMatch, RatedPairing
from recommender.model.alliance_model import AllianceModel
from recommender.practice.definition import Practice
from recommender.practice.fields import Field

MAX_MATCHES = 200
"""Latest rated matches that are checked."""
MIN_MATCHES, MIN_IN_GROUP = 50, 20
"""Rated matches below which coverage, overall or of a group, is not reported."""

Level = bool | str


@dataclass(frozen=True, slots=True)
class ShownPrediction:
    """What was predicted for one clinician of a shortlist, in points of the displayed scale."""

    predicted: float
    lower: float
    upper: float


@dataclass(frozen=True, slots=True)
class RatedPrediction:
    """A match's early rating, its prediction in points, and the client's answers as used."""

    rated: float
    lower: float
    upper: float
    predicted: float
    started_on: date
    answers: Mapping[str, Any] = dataclasses.field(default_factory=dict, repr=False)

    @property
    def inside(self) -> bool:
        """Whether the rating fell in the range."""
        return self.lower <= self.rated <= self.upper


@dataclass(frozen=True, slots=True)
class Coverage:
    """Number of rated matches, and of those whose rating fell in the range shown."""

    rated: int
    inside: int

    @classmethod
    def of(cls, matches: Sequence[RatedPrediction]) -> Self:
        """The coverage over some matches."""
        return cls(len(matches), sum(each.inside for each in matches))


@dataclass(frozen=True, slots=True)
class GroupCoverage:
    """The coverage over matches whose clients gave the same answer to a question."""

    field: Field
    level: Level
    coverage: Coverage

    @property
    def enough(self) -> bool:
        """Whether there are enough matches to report."""
        return self.coverage.rated >= MIN_IN_GROUP


def rated_predictions(
    matches: Sequence[RatedMatch],
    shown: Callable[[RatedMatch], ShownPrediction | None],
    model: AllianceModel,
) -> tuple[RatedPrediction, ...]:
    """Matches that have an early rating and were shown with a range, in the order given.

    `shown` reads what was predicted for a match; None where no range was shown.
    """
    predictions = {each.pairing_id: ends for each in matches if (ends := shown(each)) is not None}
    known = {each.pairing_id: each for each in matches if each.pairing_id in predictions}
    points = early_points(tuple(known.values()), model)
    return tuple(
        RatedPrediction(
            points[name],
            predictions[name].lower,
            predictions[name].upper,
            predictions[name].predicted,
            match.started_on,
            match.answers,
        )
        for name, match in known.items()
        if name in points
    )


def early_points(
    pairings: Sequence[RatedMatch | RatedPairing], model: AllianceModel
) -> dict[str, float]:
    """The early rating of each pairing in points of a model's scale; see `points_on_scale`."""
    return points_on_scale(pairings, model.practice, model.linker)


def points_on_scale(
    pairings: Sequence[RatedMatch | RatedPairing], practice: Practice, linker: InstrumentLinker
) -> dict[str, float]:
    """The early rating of each pairing in points, by id; pairings without one are left out."""
    if not pairings:
        return {}
    started = np.array([each.started_on for each in pairings], dtype="datetime64[s]")
    ids = [each.pairing_id for each in pairings]
    alliance = labels(
        _rating_table(pairings),
        pd.DataFrame({"pairing_id": ids, "started_on": started}),
        practice.alliance,
        practice.instruments,
        linker,
    )["alliance"]
    points = linker.to_displayed(alliance.to_numpy()).tolist()
    return dict(zip(map(str, alliance.index), points, strict=True))


def coverage_by_group(
    matches: Sequence[RatedPrediction], practice: Practice
) -> tuple[GroupCoverage, ...]:
    """Coverage for each answer, by audit fields where any is known, else by all other fields.

    A client without an answer to a question is in none of its groups, one with several answers in
    each. Audit answers normally never come with a request.
    """
    audited = _grouped(matches, practice.fields("client", "audit"))
    asked = practice.fields("client", "score", "filter")
    # Nothing is predicted without this consent, so it separates no clients.
    fields = {name: field for name, field in asked.items() if name != practice.consent}
    return audited or _grouped(matches, fields)


def _grouped(
    matches: Sequence[RatedPrediction], fields: Mapping[str, Field]
) -> tuple[GroupCoverage, ...]:
    groups: dict[tuple[str, Level], list[RatedPrediction]] = {}
    for each in matches:
        for name, field in fields.items():
            for level in _levels(field, each.answers.get(name)):
                groups.setdefault((name, level), []).append(each)
    return tuple(
        GroupCoverage(fields[name], level, Coverage.of(some))
        for (name, level), some in groups.items()
    )


def _levels(field: Field, answer: Any) -> Iterator[Level]:
    if isinstance(answer, bool):
        yield answer
        return
    for each in answer if isinstance(answer, list | tuple) else (answer,):
        if each in field.levels:
            yield str(each)


def _rating_table(pairings: Sequence[RatedMatch | RatedPairing]) -> pd.DataFrame:
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
        for pairing in pairings
        for rating in pairing.ratings
    ]
    return pd.DataFrame(rows)


MIN_IN_BIN, MAX_BINS = 10, 5
"""Matches a bin needs at least, and how many bins there are at most."""
WINDOW = 25
"""Rated matches over which one error is averaged; fewer would show mostly chance."""


@dataclass(frozen=True, slots=True)
class CalibrationBin:
    """Matches with similar predictions: their range, and mean prediction and rating, in points."""

    lowest: float
    highest: float
    count: int
    predicted: float
    rated: float


@dataclass(frozen=True, slots=True)
class ErrorWindow:
    """Consecutive matches, numbered from 1, and their mean absolute error in points."""

    first: int
    last: int
    since: date
    until: date
    error: float


def calibration_bins(matches: Sequence[RatedPrediction]) -> tuple[CalibrationBin, ...]:
    """Bins of nearly equal size, lowest prediction first; none where two cannot be filled."""
    bins = min(len(matches) // MIN_IN_BIN, MAX_BINS)
    if bins < 2:
        return ()
    ordered = sorted(matches, key=lambda each: each.predicted)
    ends = [len(matches) * number // bins for number in range(bins + 1)]
    return tuple(calibration_bin(ordered[start:end]) for start, end in pairwise(ends))


def calibration_bin(matches: Sequence[RatedPrediction]) -> CalibrationBin:
    """Some matches as one bin."""
    predicted = [each.predicted for each in matches]
    rated = fmean(each.rated for each in matches)
    return CalibrationBin(min(predicted), max(predicted), len(matches), fmean(predicted), rated)


def error_windows(matches: Sequence[RatedPrediction]) -> tuple[ErrorWindow, ...]:
    """Full windows in the order matches started; matches that do not fill one are left out."""
    ordered = sorted(matches, key=lambda each: each.started_on)
    starts = range(0, len(ordered) - WINDOW + 1, WINDOW)
    windows = []
    for start in starts:
        some = ordered[start : start + WINDOW]
        error = fmean(abs(each.rated - each.predicted) for each in some)
        since, until = some[0].started_on, some[-1].started_on
        windows.append(ErrorWindow(start + 1, start + WINDOW, since, until, error))
    return tuple(windows)
