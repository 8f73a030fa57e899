"""Feature columns: name, phrases and group, and the client and clinician columns of a practice."""

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
        Words for a positive and for a negative contribution; equal for an attribute.
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
    return [Feature(name, phrase, phrase, field.group or "") for name, phrase in named.items()]


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
