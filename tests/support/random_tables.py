"""Random readable cells for any practice definition, some of them empty."""

from collections.abc import Iterable
from typing import Any

import numpy as np

from recommender.practice.columns import Columns, read_rows
from recommender.practice.definition import Practice
from recommender.practice.fields import Field, Side
from recommender.registry.mlflow_model import invented_cell

DAYS = ("mon", "tue", "wed", "thu")


def invented_people(
    practice: Practice, side: Side, people: int, seed: int, *, empty: float = 0.15
) -> Columns:
    """Rows of random answers to every field that is not for audit."""
    fields = practice.fields(side, "score", "filter")
    return read_rows(fields, invented_rows(fields.values(), people, seed, empty=empty))


def invented_rows(
    fields: Iterable[Field], people: int, seed: int, *, empty: float = 0.15
) -> list[dict[str, Any]]:
    """One mapping of cells a person."""
    rng, fields = np.random.default_rng(seed), list(fields)
    return [{field.name: _cell(field, rng, empty) for field in fields} for _ in range(people)]


def _cell(field: Field, rng: np.random.Generator, empty: float) -> Any:
    if rng.random() < empty and not field.required:
        return None
    if field.kind == "tags":
        chosen = [level for level in field.levels if rng.random() < 0.4]
        return ";".join(chosen) or "none"
    if field.kind in ("category", "ordinal"):
        return str(rng.choice(field.levels))
    if field.kind == "flag":
        return bool(rng.random() < 0.5)
    if field.kind == "place":
        return f"{-33 - rng.random():.4f},{151 + rng.random():.4f}"
    if field.kind in ("weekly_hours", "availability"):
        return f"{rng.choice(DAYS)} 09:00-{rng.integers(10, 18)}:30"
    if field.behaviour.numeric and field.kind != "date":
        low = 0.0 if field.min is None else field.min
        high = low + 100 if field.max is None else field.max
        return str(int(rng.integers(int(np.ceil(low)), int(high) + 1)))
    return invented_cell(field)
