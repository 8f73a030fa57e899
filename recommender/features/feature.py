"""One column a model sees, declared once: its name, what it means aloud, its group.

The families beside this module make features from the practice definition; none is typed by hand.
"""

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
    """A column of a feature row.

    Attributes
    ----------
    name
        Unique, e.g. `clinician.modalities=cbt` or `match.language_needed_met`.
    phrase, otherwise
        What it is, as staff would say it where it speaks for a clinician and where against one;
        an attribute is the same in both.
    group
        Explanation group of the definition.
    """

    name: str
    phrase: str
    otherwise: str
    group: str


def features_of(fields: Iterable[Field]) -> tuple[Feature, ...]:
    """The features of scored fields: one for each number, one for each level of the others."""
    return tuple(feature for field in fields for feature in _of_field(field))


def rows_of(fields: Iterable[Field], columns: Columns) -> Array:
    """The rows of `features_of(fields)`, (n, features); missing answers stay NaN."""
    parts = [_values(field, columns[field.name]) for field in fields]
    return np.concatenate(parts, axis=1) if parts else np.empty((columns.size, 0))


def _of_field(field: Field) -> list[Feature]:
    if field.behaviour.numeric:
        return [_attribute(field.label, field.phrase, field)]
    return [
        _attribute(f"{field.label}={level}", f"{field.phrase}: {level.replace('_', ' ')}", field)
        for level in field.levels
    ]


def _attribute(name: str, phrase: str, field: Field) -> Feature:
    return Feature(name, phrase, phrase, field.group or "")


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
