"""Clients by what they answered: the groups no model may see and every report must.

Imported by `evaluate`.
"""

from collections.abc import Iterator

from recommender.practice.columns import Columns
from recommender.practice.definition import Practice
from recommender.practice.fields import Field
from recommender.training.held_out import Mask

LISTED = ("category", "ordinal", "tags", "flag")
"""Kinds whose answers are groups as they are."""


def groups_of(practice: Practice, clients: Columns) -> dict[str, Mask]:
    """Rows of each level of every audited answer, by a name such as `client.gender=woman`.

    Where a practice declares no audit field, of every answer with levels. A client who did not
    answer is in no group of the field; one who named several is in each.
    """
    audited = practice.fields("client", "audit") or practice.client
    return {
        f"client.{name}={level}": rows
        for name, field in audited.items()
        if field.kind in LISTED
        for level, rows in _levels(field, clients)
    }


def _levels(field: Field, clients: Columns) -> Iterator[tuple[str, Mask]]:
    told = clients[field.name]
    if field.kind == "flag":
        yield "no", told == 0
        yield "yes", told == 1
        return
    for place, level in enumerate(field.levels):
        yield level, (told[:, place] == 1) if field.kind == "tags" else told == place
