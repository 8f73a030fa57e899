"""What the client alone says: the scored fields of the intake.

Client features can move a prediction up or down but, alone, never an order.
"""

from recommender.features.feature import Array, Feature, features_of, rows_of
from recommender.practice.columns import Columns
from recommender.practice.definition import Practice


def client_features(practice: Practice) -> tuple[Feature, ...]:
    """The client features of a practice, in the order of its definition."""
    return features_of(practice.fields("client", "score").values())


def client_rows(practice: Practice, client: Columns) -> Array:
    """Rows of `client_features`, (clients, features)."""
    return rows_of(practice.fields("client", "score").values(), client)
