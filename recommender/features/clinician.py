"""What is known of a clinician alone: the scored fields of the roster."""

from recommender.features.feature import Array, Feature, features_of, rows_of
from recommender.practice.columns import Columns
from recommender.practice.definition import Practice


def clinician_features(practice: Practice) -> tuple[Feature, ...]:
    """The clinician features of a practice, in the order of its definition."""
    return features_of(practice.fields("clinician", "score").values())


def clinician_rows(practice: Practice, clinician: Columns) -> Array:
    """Rows of `clinician_features`, (clinicians, features)."""
    return rows_of(practice.fields("clinician", "score").values(), clinician)
