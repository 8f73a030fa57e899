"""Why this clinician: contributions against the average eligible one or another, in words.

A contrast, so whatever belongs to the client alone cancels. Words are the definition's phrases
and never causal. Imported by `recommend`.
"""

from dataclasses import dataclass
from math import fsum

import numpy as np
from numpy.typing import NDArray

from recommender.features.feature import Array, Feature
from recommender.features.pipeline import Pairs
from recommender.model.alliance_model import AllianceModel, Contributions, RosterEncoding
from recommender.practice.columns import Columns
from recommender.practice.definition import Practice
from recommender.practice.match_operators import known_mean

MIN_POINTS = 0.02
"""Points below which a part is not worth a sentence: a fiftieth of a point on a 1 to 5 scale."""
WISH_OPERATORS = frozenset({"overlap", "contains", "equal", "wish"})
"""Operators that compare what a client asked for with what a clinician offers."""
ROUNDING = 1e-9
"""Difference between two values of a match that is rounding and no difference."""


@dataclass(frozen=True, slots=True)
class Contribution:
    """One signed part of the difference to the average eligible clinician or another, in points."""

    name: str
    phrase: str
    points: float


@dataclass(frozen=True, slots=True)
class GroupContribution:
    """The parts of one explanation group and their sum."""

    group: str
    phrase: str
    points: float
    parts: tuple[Contribution, ...]


@dataclass(frozen=True, slots=True)
class Explanation:
    """Why one clinician stands where they stand.

    Attributes
    ----------
    difference
        Predicted alliance less that of the average eligible clinician, or of the other; the sum
        over `groups`.
    groups
        In the order of the definition.
    in_favour, against
        Phrases of the strongest parts on either side, strongest first.
    asked_and_offered
        What the client asked for and the clinician offers: safe to show the client.
    """

    difference: float
    groups: tuple[GroupContribution, ...]
    in_favour: tuple[str, ...]
    against: tuple[str, ...]
    asked_and_offered: tuple[str, ...]


def explain(
    practice: Practice, eligible: Contributions, shown: NDArray[np.intp]
) -> tuple[Explanation, ...]:
    """An explanation for each shown clinician, against the average eligible one.

    Parameters
    ----------
    eligible
        Contributions of every eligible clinician, one a row.
    shown
        Which of these rows are shown.
    """
    if not len(shown):
        return ()
    average, usual = eligible.values.mean(axis=0), known_mean(eligible.raw, axis=0)
    return tuple(
        _against_average(practice, eligible, eligible.values[row] - average, row, usual)
        for row in shown.tolist()
    )


def compare(
    model: AllianceModel, client: Columns, encoding: RosterEncoding, one: int, other: int
) -> Explanation:
    """Why one clinician of the roster rather than another; turned round, every sign turns.

    `in_favour` says what speaks for the one, `against` what speaks for the other.
    """
    own = model.contributions(client, encoding, _pairs(np.array([one, other], dtype=np.intp)))
    return contrast(model.practice, own, 0, 1)


def contrast(practice: Practice, own: Contributions, one: int, other: int) -> Explanation:
    """The same of two rows of contributions."""
    points = own.values[one] - own.values[other]
    in_favour, of_other = (
        _phrases(practice, own.features, part, own.raw[row], own.raw[against], sign=1.0)
        for row, against, part in ((one, other, points), (other, one, -points))
    )
    return _explanation(practice, own, points, one, in_favour, of_other)


def _pairs(places: NDArray[np.intp]) -> Pairs:
    return Pairs(np.zeros(len(places), dtype=np.intp), places)


def _against_average(
    practice: Practice, own: Contributions, points: Array, row: int, usual: Array
) -> Explanation:
    in_favour, against = (
        _phrases(practice, own.features, points, own.raw[row], usual, sign=sign)
        for sign in (1.0, -1.0)
    )
    return _explanation(practice, own, points, row, in_favour, against)


def _explanation(
    practice: Practice,
    own: Contributions,
    points: Array,
    row: int,
    in_favour: tuple[str, ...],
    against: tuple[str, ...],
) -> Explanation:
    parts = [
        (feature, Contribution(feature.name, _phrase(feature, value), value))
        for feature, value in zip(own.features, points.tolist(), strict=True)
    ]
    groups = tuple(_group(group, phrase, parts) for group, phrase in practice.groups.items())
    return Explanation(
        difference=float(points.sum()),
        groups=groups,
        in_favour=in_favour,
        against=against,
        asked_and_offered=_asked_and_offered(practice, own, row),
    )


def _phrase(feature: Feature, points: float) -> str:
    return feature.otherwise if points < 0 else feature.phrase


def _group(group: str, phrase: str, parts: list[tuple[Feature, Contribution]]) -> GroupContribution:
    own = [part for feature, part in parts if feature.group == group and part.points != 0.0]
    own.sort(key=lambda part: (-abs(part.points), part.name))
    return GroupContribution(group, phrase, fsum(part.points for part in own), tuple(own))


def _phrases(
    practice: Practice,
    features: tuple[Feature, ...],
    points: Array,
    raw: Array,
    usual: Array,
    *,
    sign: float,
    max_phrases: int = 3,
) -> tuple[str, ...]:
    """What is said of a clinician for the strongest parts of one sign, each phrase once.

    `raw` are the clinician's values, `usual` those they are held against.
    """
    phrases: list[str] = []
    for column in sorted(range(len(features)), key=lambda c: (-sign * points[c], features[c].name)):
        feature = features[column]
        if sign * points[column] < MIN_POINTS or len(phrases) == max_phrases:
            break
        words = _phrase(feature, points[column])
        if words not in phrases and _holds(practice, feature, sign, raw[column], usual[column]):
            phrases.append(words)
    return tuple(phrases)


def _holds(practice: Practice, feature: Feature, sign: float, value: float, usual: float) -> bool:
    """Whether the words for a part of this sign are true of the clinician.

    A part may have another sign than its words lead one to think: trees interact, and a learned
    effect may go against the evidence. Only clinician, match and record columns are said: a client
    column differs between clinicians only through interactions, an attribute the clinician lacks
    is no reason, and of a clinician without reports nothing was reported.
    """
    if feature.name.startswith("client.") or np.isnan(value):
        return False
    if "=" in feature.name:
        return bool(value > 0)
    if feature.name.startswith("history.record"):
        return bool(sign * value > 0)
    more = sign * _direction(practice, feature) * (value - usual)
    # Nobody else's value known: there is nothing to be more or less than.
    return bool(more > ROUNDING or _direction(practice, feature) == 0)


def _direction(practice: Practice, feature: Feature) -> float:
    """Where a match's words point: 1 to more of it, -1 to less, 0 where they take no side."""
    match = practice.matches.get(feature.name.removeprefix("match."))
    if match is None or feature.name != match.label:
        return 0.0
    if match.direction is None:
        return 1.0 if match.operator in WISH_OPERATORS else 0.0
    return 1.0 if match.direction == "up" else -1.0


def _asked_and_offered(practice: Practice, own: Contributions, row: int) -> tuple[str, ...]:
    values = {f.name: v for f, v in zip(own.features, own.raw[row], strict=True)}
    return tuple(
        match.phrase
        for match in practice.matches.values()
        if match.operator in WISH_OPERATORS and values[match.label] >= 0.5
    )
