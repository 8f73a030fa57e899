"""Random answers as `recommender.practice.columns` encodes them, missing as NaN."""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from recommender.errors import RecommenderError
from recommender.practice.fields import Field

Array = NDArray[np.float64]
Table = dict[str, Array]
"""Field name to array, rows first, as `recommender.practice.columns` encodes them."""

Random = np.random.Generator


def pick(rng: Random, field: Field, odds: Mapping[str, float], size: int) -> Array:
    """One level a row, as its index; levels are drawn in proportion to their odds, (size,)."""
    weights = _in_order(field, odds)
    chosen = rng.choice(len(weights), size=size, p=weights / weights.sum())
    return chosen.astype(np.float64)


def tick(rng: Random, field: Field, odds: Mapping[str, float], size: int) -> Array:
    """Tags that are each named with their own probability, (size, levels) of 0 and 1."""
    chance = _in_order(field, odds)
    return (rng.random((size, len(chance))) < chance).astype(np.float64)


def tick_named(rng: Random, field: Field, odds: Mapping[str, float], size: int) -> Array:
    """The same for the levels that have odds; no other is drawn, and nobody names it.

    A level the definition gains leaves every later draw of the stream where it was.
    """
    chance = _in_order(field, odds)
    columns = [place for place, level in enumerate(field.levels) if level in odds]
    tags = np.zeros((size, len(chance)))
    tags[:, columns] = rng.random((size, len(columns))) < chance[columns]
    return tags


def tick_some(rng: Random, field: Field, odds: Mapping[str, float], share: float, n: int) -> Array:
    """One tag for a share of rows, drawn in proportion to the odds; the other rows are missing."""
    tags = one_hot(pick(rng, field, odds, n), len(field.levels))
    tags[rng.random(n) >= share] = np.nan
    return tags


def one_hot(index: Array, width: int) -> Array:
    """A level's index as tags, (n, width); missing stays missing."""
    tags = np.eye(width)[np.nan_to_num(index).astype(np.intp)]
    tags[np.isnan(index)] = np.nan
    return tags


def flip(rng: Random, chance: float | Array, size: int) -> Array:
    """A flag that is true with the given probability, (size,)."""
    return (rng.random(size) < chance).astype(np.float64)


def points(rng: Random, field: Field, centre: Array) -> Array:
    """Whole points around a centre, rounded and held within the field's bounds."""
    low, high = _bound(field.min, -np.inf), _bound(field.max, np.inf)
    return np.clip(np.rint(centre + rng.uniform(-0.5, 0.5, centre.shape)), low, high)


def cut(values: Array, edges: Sequence[float]) -> Array:
    """Which of the ordered levels a value falls in, counted from 0."""
    return np.searchsorted(np.asarray(edges), values).astype(np.float64)


def blank(rng: Random, table: Table, rates: Mapping[str, float]) -> None:
    """Empties cells of the named fields at the given rates, in place."""
    for name, rate in rates.items():
        rows = rng.random(len(table[name])) < rate
        table[name][rows] = np.nan


def take(table: Table, rows: NDArray[np.intp] | slice) -> Table:
    """The given rows of every field."""
    return {name: values[rows] for name, values in table.items()}


def stack(tables: Sequence[Table]) -> Table:
    """Several tables one below the other."""
    return {name: np.concatenate([table[name] for table in tables]) for name in tables[0]}


def _bound(bound: float | None, otherwise: float) -> float:
    return otherwise if bound is None else bound


def _in_order(field: Field, odds: Mapping[str, float]) -> Array:
    # A level the definition gained is simply never drawn; one it lost must be noticed.
    lost = sorted(set(odds) - set(field.levels))
    if lost:
        problem = f"does not declare the levels {', '.join(lost)}"
        raise RecommenderError(field.label, problem, "use the shipped psychology definition")
    return np.array([odds.get(level, 0.0) for level in field.levels])
