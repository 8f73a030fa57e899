"""Why this clinician: contributions against the average eligible one or another, in words.

A contrast, so whatever belongs to the client alone cancels. Words are the definition's phrases
and never causal. Imported by `recommend`.
"""

from dataclasses import dataclass
from math import fsum

import numpy as np
from numpy.typing import NDArray

from recommender.columns import Columns
from recommender.features.feature import Array, Feature
from recommender.features.pipeline import Pairs
from recommender.model import AllianceModel, Contributions, Standing
from recommender.practice import Practice

NOTABLE = 0.02
"""Points below which a part is not worth a sentence: a fiftieth of a point on a 1 to 5 scale."""
ASKED = frozenset({"overlap", "contains", "equal", "wish"})
"""Operators that compare what a client asked for with what a clinician offers."""


@dataclass(frozen=True, slots=True)
class Part:
    """One signed part of the difference to the average eligible clinician or another, in points."""

    name: str
    phrase: str
    points: float


@dataclass(frozen=True, slots=True)
class GroupPart:
    """The parts of one explanation group and their sum."""

    group: str
    phrase: str
    points: float
    parts: tuple[Part, ...]


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
    groups: tuple[GroupPart, ...]
    in_favour: tuple[str, ...]
    against: tuple[str, ...]
    asked_and_offered: tuple[str, ...]


def explain(
    model: AllianceModel,
    client: Columns,
    standing: Standing,
    shown: NDArray[np.intp],
    eligible: NDArray[np.intp],
) -> tuple[Explanation, ...]:
    """An explanation for each shown clinician.

    Parameters
    ----------
    shown, eligible
        Places in the roster; the average is taken over all eligible ones.
    """
    if not len(shown):
        return ()
    # Contributions are the dearest step of a request: once for everyone, the shown among them.
    everyone = np.union1d(eligible, shown).astype(np.intp)
    own = model.contributions(client, standing, _pairs(everyone))
    average = own.values[np.isin(everyone, eligible)].mean(axis=0)
    return tuple(
        _explanation(model.practice, own, own.values[row] - average, row, row)
        for row in np.searchsorted(everyone, shown)
    )


def compare(
    model: AllianceModel, client: Columns, standing: Standing, one: int, other: int
) -> Explanation:
    """Why one clinician of the roster rather than another; turned round, every sign turns.

    `in_favour` says what speaks for the one, `against` what speaks for the other.
    """
    own = model.contributions(client, standing, _pairs(np.array([one, other], dtype=np.intp)))
    return _explanation(model.practice, own, own.values[0] - own.values[1], 0, 1)


def _pairs(places: NDArray[np.intp]) -> Pairs:
    return Pairs(np.zeros(len(places), dtype=np.intp), places)


def _explanation(
    practice: Practice, own: Contributions, points: Array, row: int, against: int
) -> Explanation:
    """Points in groups and words; whose values speak against is another row's in a comparison."""
    parts = [
        (feature, Part(feature.name, feature.phrase, value))
        for feature, value in zip(own.features, points.tolist(), strict=True)
    ]
    groups = tuple(_group(group, phrase, parts) for group, phrase in practice.groups.items())
    return Explanation(
        difference=float(points.sum()),
        groups=groups,
        in_favour=_strongest(parts, own.raw[row], sign=1.0),
        against=_strongest(parts, own.raw[against], sign=-1.0),
        asked_and_offered=_asked_and_offered(practice, own, row),
    )


def _group(group: str, phrase: str, parts: list[tuple[Feature, Part]]) -> GroupPart:
    own = [part for feature, part in parts if feature.group == group and part.points != 0.0]
    own.sort(key=lambda part: (-abs(part.points), part.name))
    return GroupPart(group, phrase, fsum(part.points for part in own), tuple(own))


def _strongest(
    parts: list[tuple[Feature, Part]], raw: Array, *, sign: float, most: int = 3
) -> tuple[str, ...]:
    """Phrases of the strongest parts of one sign, each phrase once.

    Only clinician, match and record columns are said: a client column differs between clinicians
    only through the trees' interactions, and an attribute the clinician lacks is no reason.
    """
    told: list[str] = []
    ranked = sorted(
        zip(parts, raw, strict=True),
        key=lambda entry: (-sign * entry[0][1].points, entry[0][0].name),
    )
    for (feature, part), value in ranked:
        if sign * part.points < NOTABLE or len(told) == most:
            break
        lacks = "=" in feature.name and not value > 0
        silent = feature.name.startswith("client.") or lacks or np.isnan(value)
        if not silent and feature.phrase not in told:
            told.append(feature.phrase)
    return tuple(told)


def _asked_and_offered(practice: Practice, own: Contributions, row: int) -> tuple[str, ...]:
    values = {f.name: v for f, v in zip(own.features, own.raw[row], strict=True)}
    return tuple(
        match.phrase
        for match in practice.matches.values()
        if match.operator in ASKED and values[match.label] >= 0.5
    )
