"""Explains ranks: contributions compared with the average eligible clinician, or with another.

In a difference between two clinicians, what depends on the client alone cancels. The words are the
phrases of the practice definition, and never claim a cause.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from recommender.features.feature import Array, Feature
from recommender.model.alliance_model import AverageContributions, Contributions
from recommender.practice.definition import Practice

MIN_POINTS = 0.02
"""Contributions below this get no words: a fiftieth of a point on a scale of 1 to 5."""
MAX_PHRASES = 3
ROUNDING = 1e-9
"""Differences between two values of a match up to this are rounding."""


@dataclass(frozen=True, slots=True)
class Contribution:
    """One signed part of a difference between clinicians, in points of the reference scale.

    `phrase` is true of the clinician, whatever the sign of the points.
    """

    name: str
    phrase: str
    points: float


@dataclass(frozen=True, slots=True)
class GroupContribution:
    """The contributions of one explanation group and their sum in points.

    `parts` are the contributions that are not zero, strongest first; empty without `in_detail`.
    """

    group: str
    phrase: str
    points: float
    parts: tuple[Contribution, ...]


@dataclass(frozen=True, slots=True)
class Explanation:
    """Why a clinician is ranked above or below the average eligible clinician, or another.

    Attributes
    ----------
    difference
        Difference in predicted alliance, in points; the sum over `groups`.
    groups
        Contributions by explanation group, in the order of the definition.
    in_favour, against
        Phrases of the strongest contributions of either sign, strongest first.
    asked_and_offered
        What the client asks for and the clinician offers: safe to show to the client.
    """

    difference: float
    groups: tuple[GroupContribution, ...]
    in_favour: tuple[str, ...]
    against: tuple[str, ...]
    asked_and_offered: tuple[str, ...]


def explain(
    practice: Practice,
    own: Contributions,
    average: AverageContributions,
    *,
    in_detail: bool = True,
) -> tuple[Explanation, ...]:
    """An explanation of each row against the average eligible clinician.

    Parameters
    ----------
    own
        Contributions of the clinicians to explain, one row each.
    average
        The average of every eligible clinician.
    in_detail
        Whether groups have their parts, which no shortlist shows.
    """
    usual, matches = np.full(len(own.features), np.nan), own.matches
    usual[matches] = average.matches
    points = own.values - average.values
    group_points = _group_points(practice, own, points)
    offered = asked_and_offered(practice, own.raw[:, matches])
    return tuple(
        Explanation(
            float(sum(sums)),
            _groups(practice, own.features, sums, parts, raw, usual, in_detail=in_detail),
            _phrases(practice, own.features, parts, raw, usual, sign=1.0),
            _phrases(practice, own.features, parts, raw, usual, sign=-1.0),
            wishes,
        )
        for sums, parts, raw, wishes in zip(group_points, points, own.raw, offered, strict=True)
    )


def contrast(practice: Practice, own: Contributions, one: int, other: int) -> Explanation:
    """Why the clinician of one row is ranked above or below that of another row.

    `in_favour` has phrases for the one, `against` phrases for the other; exchanging the two changes
    every sign.
    """
    points, features = own.values[one] - own.values[other], own.features
    raw, usual = own.raw[one], own.raw[other]
    (sums,) = _group_points(practice, own, points[None])
    (wishes,) = asked_and_offered(practice, raw[None, own.matches])
    return Explanation(
        float(sum(sums)),
        _groups(practice, features, sums, points, raw, usual, in_detail=True),
        _phrases(practice, features, points, raw, usual, sign=1.0),
        _phrases(practice, features, -points, usual, raw, sign=1.0),
        wishes,
    )


def behind(practice: Practice, own: Contributions, one: int, other: int) -> tuple[str, ...]:
    """In what the clinician of one row is behind that of another, the strongest first.

    The words compare: they are true of the one beside the other, and each of these matches lowers
    the prediction of the one. Attributes and records are not said, because one clinician alone has
    them or both may.
    """
    points = own.values[one] - own.values[other]
    words = (
        own.features[column].otherwise
        for column in np.argsort(points, kind="stable").tolist()
        if points[column] <= -MIN_POINTS
        and _side(practice, own.features[column], own.raw[one, column], own.raw[other, column])
        == -1
        and own.features[column].name.startswith("match.")
    )
    return tuple(dict.fromkeys(words))[:MAX_PHRASES]


def _group_points(practice: Practice, own: Contributions, points: Array) -> list[list[float]]:
    """The sum of each row's points by explanation group, in the order of the definition."""
    places = {group: place for place, group in enumerate(practice.groups)}
    of_group = np.array([places[feature.group] for feature in own.features])
    return [np.bincount(of_group, row, minlength=len(places)).tolist() for row in points]


def _groups(
    practice: Practice,
    features: tuple[Feature, ...],
    sums: Sequence[float],
    points: Array,
    raw: Array,
    usual: Array,
    *,
    in_detail: bool,
) -> tuple[GroupContribution, ...]:
    return tuple(
        GroupContribution(
            group,
            phrase,
            total,
            _parts(practice, features, group, points, raw, usual) if in_detail else (),
        )
        for (group, phrase), total in zip(practice.groups.items(), sums, strict=True)
    )


def _parts(
    practice: Practice,
    features: tuple[Feature, ...],
    group: str,
    points: Array,
    raw: Array,
    usual: Array,
) -> tuple[Contribution, ...]:
    own = (
        Contribution(
            features[column].name,
            _fact(practice, features[column], float(raw[column]), float(usual[column])),
            float(points[column]),
        )
        for column in np.flatnonzero(points).tolist()
        if features[column].group == group
    )
    return tuple(sorted(own, key=lambda part: (-abs(part.points), part.name)))


def _fact(practice: Practice, feature: Feature, value: float, usual: float) -> str:
    """Words for one line of a table of contributions, beside its signed figure.

    They describe the clinician, not the sign: a contribution may have another sign than the value
    suggests.
    """
    is_record = feature.name.startswith("history.record")
    if np.isnan(value) or (is_record and value == 0):
        return f"not known: {feature.phrase}"
    if "=" in feature.name:
        return feature.phrase if value > 0 else f"not: {feature.phrase}"
    side = _side(practice, feature, value, usual)
    if side is None:
        return feature.phrase
    if side == 0:
        return f"level with the others: {feature.phrase}"
    return feature.phrase if side > 0 else feature.otherwise


def _phrases(
    practice: Practice,
    features: tuple[Feature, ...],
    points: Array,
    raw: Array,
    usual: Array,
    *,
    sign: float,
) -> tuple[str, ...]:
    """Words for the strongest contributions of one sign, each phrase once.

    `raw` are the feature values of the clinician, `usual` those they are compared with.
    """
    phrases: list[str] = []
    strengths = sign * points
    noticed = np.flatnonzero(strengths >= MIN_POINTS)
    found = zip(
        (-strengths[noticed]).tolist(),
        [features[column].name for column in noticed.tolist()],
        noticed.tolist(),
        raw[noticed].tolist(),
        usual[noticed].tolist(),
        strict=True,
    )
    for _, _, column, value, compared in sorted(found):
        feature = features[column]
        if len(phrases) == MAX_PHRASES:
            break
        words = feature.phrase if sign > 0 else feature.otherwise
        if words not in phrases and _holds(practice, feature, sign, value, compared):
            phrases.append(words)
    return tuple(phrases)


def _holds(practice: Practice, feature: Feature, sign: float, value: float, usual: float) -> bool:
    """Whether the words for a contribution of this sign are true of the clinician.

    A contribution may have another sign than its words suggest: trees interact, and a learned
    effect may contradict the evidence. Client columns get no words, because they differ between
    clinicians through interactions only; neither does an attribute that the clinician lacks, nor
    the record of a clinician without reports.
    """
    if value != value or feature.name.startswith("client."):
        return False
    if "=" in feature.name:
        return bool(value > 0)
    side = _side(practice, feature, value, usual)
    return side is None or side == sign


def _side(practice: Practice, feature: Feature, value: float, usual: float) -> float | None:
    """Which words of a feature are true of a value: 1 for `phrase`, -1 for `otherwise`, 0 for none.

    None for an attribute, whose words are true of any value.
    """
    if feature.name.startswith("history.record"):
        return _sign(value)
    match = practice.matches.get(feature.name.removeprefix("match."))
    if match is None or feature.name != match.label:
        return None
    apart = value - usual
    # Also 0 where `usual` is NaN: no other clinician's value is known.
    return match.phrase_side * _sign(apart) if abs(apart) > ROUNDING else 0.0


def _sign(value: float) -> float:
    return 1.0 if value > 0 else -1.0 if value < 0 else 0.0


def asked_and_offered(practice: Practice, matches: Array) -> list[tuple[str, ...]]:
    """The phrases of the wishes that each clinician meets, from their (m, matches), not centred."""
    wishes, is_met = practice.wishes, (matches >= 0.5).tolist()
    return [tuple([phrase for place, phrase in wishes if row[place]]) for row in is_met]
