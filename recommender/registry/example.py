"""Invented answers that fit a practice definition, for anything that must show a row of a table.

Made from levels and bounds alone, so no person's answer can be in them. Imported by the registry.
"""

from recommender.practice.definition import Practice
from recommender.practice.fields import Field


def table_fields(practice: Practice) -> tuple[Field, ...]:
    """Fields a table of pairings may hold for the model; those kept for audits never are."""
    asked = practice.fields("client", "score", "filter").values()
    return (*asked, *practice.clinician.values())


def invented_row(practice: Practice) -> dict[str, str]:
    """One pairing: a readable cell for every field, by its label, and a `clinician_id`."""
    row = {field.label: invented_cell(field) for field in table_fields(practice)}
    return row | {"clinician_id": "clinician"}


def invented_cell(field: Field) -> str:
    """The first level of a field, or the middle of its bounds, or what its kind shows as example.

    >>> invented_cell(Field("age", "client", "number", "", "", "", "score", min=0, max=120))
    '60'
    """
    if field.levels:
        return field.levels[0]
    bounds = [bound for bound in (field.min, field.max) if bound is not None]
    return f"{sum(bounds) / len(bounds):.12g}" if bounds else field.behaviour.example
