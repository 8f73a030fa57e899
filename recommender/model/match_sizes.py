"""Which declared matches matter, by size, in words; from the report and definition of a model.

A match is shown where the interval of the practice's own ratings leaves 0 out. What the literature
or other practices say is beside it and shows nothing about this practice.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil, log10
from typing import Any

from recommender.model.evaluation_report import Estimate, EvaluationReport, MatchEstimate
from recommender.practice.definition import Practice
from recommender.practice.matches import Match

SHOWN, NOT_SHOWN = "shown", "not shown yet"
AGAINST = "shown, against what was expected"
NO_RATING = "expected; no rating of your own yet"
NO_SIZES = "This model holds no sizes of its matches: it was trained before they were measured."
NO_MATCHES = "The practice definition declares no match."
HOW_TO_READ = (
    "Change in predicted alliance from where the words are not true at all to where they are fully "
    "(or by one unit, such as a kilometre), in standard deviations of alliance (SD) and in points, "
    "with 95 % intervals. The size is what the model uses: own ratings and what was expected "
    "before. The figure of own ratings leaves out what was expected, and is drawn towards 0; a "
    "match is not shown yet where the interval of own ratings, not that of the size, covers 0. "
    "Associations in earlier ratings, not causes."
)


@dataclass(frozen=True, slots=True)
class MatchSize:
    """A match as it is shown; estimates are in points, `sd` of them is one standard deviation.

    `expected`, `own` and `size` are those of `MatchEstimate`, above 0 where predicted alliance
    rises towards the side of the match on which `phrase` is true; `source` is where what was
    expected comes from.
    """

    name: str
    phrase: str
    expected: Estimate
    own: Estimate
    size: Estimate
    sd: float
    clients: int | None
    source: str
    status: str

    @property
    def is_shown(self) -> bool:
        """Whether the interval of own ratings excludes 0."""
        return self.status in (SHOWN, AGAINST)

    def in_sd(self, estimate: Estimate) -> Estimate:
        """An estimate in standard deviations of alliance."""
        ends = (estimate.value, estimate.low, estimate.high)
        value, low, high = (None if end is None else end / self.sd for end in ends)
        return Estimate(value=value, low=low, high=high)

    def to_dict(self) -> dict[str, Any]:
        """As plain JSON values, each estimate in points and in standard deviations."""
        facts: dict[str, Any] = {"match": self.name, "phrase": self.phrase, "status": self.status}
        for name, each in (("size", self.size), ("own", self.own), ("expected", self.expected)):
            facts[name] = {"points": each.model_dump(), "sd": self.in_sd(each).model_dump()}
        return facts | {"clients": self.clients, "source": self.source}


def match_sizes(
    report: EvaluationReport, practice: Practice, contributors: Sequence[str] = ()
) -> tuple[MatchSize, ...]:
    """The matches of a model, the largest size first; empty where its report holds none.

    `contributors` are the practices whose contributions the model started from.
    """
    if report.matches is None:
        return ()
    found = [
        _size(each, practice.matches[each.match], report.matches.alliance_sd, contributors)
        for each in report.matches.by_match
    ]
    return tuple(sorted(found, key=lambda each: -abs(each.size.value or 0.0)))


def without_sizes(report: EvaluationReport) -> str:
    """Why there is no size to show."""
    return NO_SIZES if report.matches is None else NO_MATCHES


def estimate_text(estimate: Estimate) -> str:
    """A value with its interval, signed; with more digits where all of them are small.

    Examples
    --------
    >>> estimate_text(Estimate(value=0.2, low=-0.104, high=0.5))
    '+0.20 (-0.10 to +0.50)'
    >>> estimate_text(Estimate(value=-0.006, low=-0.0134, high=0.001))
    '-0.006 (-0.013 to +0.001)'
    """
    if estimate.value is None or estimate.low is None or estimate.high is None:
        return "-"
    digits = digits_of(estimate)
    value, low, high = (
        f"{end:+z.{digits}f}" for end in (estimate.value, estimate.low, estimate.high)
    )
    return f"{value} ({low} to {high})"


def digits_of(estimate: Estimate) -> int:
    """Decimals that show an estimate: 2, and more for a match in units such as kilometres."""
    largest = max(abs(end or 0.0) for end in (estimate.value, estimate.low, estimate.high))
    return 2 if largest >= 0.1 or largest == 0 else 2 + min(ceil(-log10(largest)) - 1, 3)


def _size(
    estimate: MatchEstimate, match: Match, sd: float, contributors: Sequence[str]
) -> MatchSize:
    expected, own, size = (
        _towards(match.phrase_side, each)
        for each in (estimate.expected, estimate.own, estimate.size)
    )
    return MatchSize(
        name=match.name,
        phrase=match.phrase,
        expected=expected,
        own=own,
        size=size,
        sd=sd,
        clients=estimate.clients,
        source=_source(match.source or "", contributors),
        status=_status(own, expected),
    )


def _source(declared: str, contributors: Sequence[str]) -> str:
    """Where the expected size comes from; a pool moves each size, of matches it lacks as well.

    >>> _source("Smith 2019", ["River", "Hill"])
    'other practices (River, Hill); Smith 2019'
    """
    pool = f"other practices ({', '.join(contributors)})" if contributors else ""
    return "; ".join(filter(None, (pool, declared)))


def _towards(side: float, estimate: Estimate) -> Estimate:
    """An estimate of a slope as one of moving to the side of the match where its phrase is true."""
    if estimate.value is None or estimate.low is None or estimate.high is None:
        return estimate
    low, high = sorted((side * estimate.low, side * estimate.high))
    return Estimate(value=side * estimate.value, low=low, high=high)


def _status(own: Estimate, expected: Estimate) -> str:
    if own.value is None or own.low is None or own.high is None:
        return NO_RATING
    if own.low <= 0 <= own.high:
        return NOT_SHOWN
    return AGAINST if own.value * (expected.value or 0.0) < 0 else SHOWN
