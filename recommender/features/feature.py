"""Feature columns of a practice, and the variance of values within and between groups."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from recommender.practice.columns import Columns
from recommender.practice.definition import Practice
from recommender.practice.fields import Field

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Feature:
    """A column of the feature matrix, made from the practice definition.

    Attributes
    ----------
    name
        Unique name, e.g. `clinician.modalities=cbt` or `match.language_needed_met`.
    phrase, otherwise
        Words for a positive and for a negative contribution, never the same.
    group
        Explanation group of the definition.
    """

    name: str
    phrase: str
    otherwise: str
    group: str


def features_of(fields: Iterable[Field]) -> tuple[Feature, ...]:
    """The features of some fields: one for each number, one for each level of the others."""
    return tuple(feature for field in fields for feature in _of_field(field))


def rows_of(fields: Iterable[Field], columns: Columns) -> Array:
    """Values of `features_of(fields)`, (n, features); a missing answer is NaN."""
    parts = [_values(field, columns[field.name]) for field in fields]
    return np.concatenate(parts, axis=1) if parts else np.empty((columns.size, 0))


def _of_field(field: Field) -> list[Feature]:
    if field.behaviour.numeric:
        named = {field.label: field.phrase}
    else:
        named = {
            f"{field.label}={level}": f"{field.phrase}: {level.replace('_', ' ')}"
            for level in field.levels
        }
    return [Feature(name, *both_ways(phrase), field.group or "") for name, phrase in named.items()]


def both_ways(fact: str) -> tuple[str, str]:
    """Words for and against a clinician where all that is known is a fact about them.

    The fact is the same both ways; what differs is that pairings like theirs were rated lower.
    """
    return fact, f"{fact}, which went with lower ratings"


def _values(field: Field, values: Array) -> Array:
    if field.kind == "category":
        chosen: Array = np.equal.outer(values, np.arange(len(field.levels))).astype(np.float64)
        chosen[np.isnan(values)] = np.nan
        return chosen
    return values if values.ndim == 2 else values[:, None]


def client_features(practice: Practice) -> tuple[Feature, ...]:
    """The client features of a practice, in the order of its definition."""
    return features_of(practice.fields("client", "score").values())


def client_rows(practice: Practice, client: Columns) -> Array:
    """Rows of `client_features`, (clients, features)."""
    return rows_of(practice.fields("client", "score").values(), client)


def clinician_features(practice: Practice) -> tuple[Feature, ...]:
    """The clinician features of a practice, in the order of its definition."""
    return features_of(practice.fields("clinician", "score").values())


def clinician_rows(practice: Practice, clinician: Columns) -> Array:
    """Rows of `clinician_features`, (clinicians, features)."""
    return rows_of(practice.fields("clinician", "score").values(), clinician)


@dataclass(frozen=True, slots=True)
class VarianceComponents:
    """Variance of values within a group and of the true means between groups, in points squared."""

    within: float
    between: float


def variance_components(
    group: NDArray[np.integer], values: Array, weight: Array | None = None
) -> VarianceComponents | None:
    """Variances of an unbalanced one-way layout, estimated by analysis of variance.

    Searle, Casella and McCulloch (1992), Variance Components, section 3.6. With n values in k
    groups of weight w_i, W = sum(w_i) and the mean squares MSW and MSB::

        within = MSW
        between = max(0, MSB - MSW) / n0,  n0 = (W - sum(w_i^2) / W) / (k - 1)

    Parameters
    ----------
    group : (n,) int
        Group of each value, from 0; a number that no value has is no group.
    values : (n,)
        The values, such as ratings in points.
    weight : (n,), optional
        Precision of each value relative to the others; 1 where it is left out.

    Returns
    -------
    VarianceComponents or None
        None with fewer than two groups, or where no group has two values.

    Examples
    --------
    >>> variance_components(np.array([0, 0, 1, 1]), np.array([1.0, 2.0, 4.0, 5.0]))
    VarianceComponents(within=0.5, between=4.25)
    """
    weight = np.ones(len(values)) if weight is None else weight
    total = np.bincount(group, weight)
    seen = np.bincount(group) > 0
    n, groups = len(values), int(seen.sum())
    if groups < 2 or n == groups:
        return None
    mean = np.zeros(len(total))
    np.divide(np.bincount(group, weight * values), total, out=mean, where=seen)
    within = float(weight @ (values - mean[group]) ** 2) / (n - groups)
    among = float(total @ (mean - np.average(values, weights=weight)) ** 2) / (groups - 1)
    size = float(total.sum() - total @ total / total.sum()) / (groups - 1)
    return VarianceComponents(within, max(among - within, 0.0) / size)
