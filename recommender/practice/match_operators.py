"""The operators a match may name, and the levels of both sides aligned by name."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recommender.errors import RecommenderError
from recommender.practice.comparisons import (
    Prepared,
    Side,
    both_parts,
    contains,
    difference,
    distance,
    equal,
    equal_weighted,
    excess,
    hours_shared,
    kilometres,
    minutes_of_week,
    on_sphere,
    overlap,
    product,
    profile,
    profile_correlation,
    profile_distance,
    profile_product,
    stress,
    wish,
)
from recommender.practice.fields import Field
from recommender.practice.sums import Array


def aligned(source: Field, values: Array, target: Field, indifferent: tuple[str, ...]) -> Array:
    """The client's levels in the order of the clinician's, so that equal names have equal codes.

    An indifferent level states no wish: a category becomes missing, a tag is not counted. A level
    that the clinician's field lacks equals none of theirs: a category becomes -1, and tags have a
    last column for all such.
    """
    if source.kind == "tags":
        shared, there, apart = _shared_levels(source.levels, target.levels, indifferent)
        wished = np.zeros((len(values), len(target.levels) + (len(apart) > 0)))
        wished[:, there] = values[:, shared]
        if len(apart):
            wished[:, -1] = values[:, apart].any(axis=1)
        wished[np.isnan(values).any(axis=1)] = np.nan
        return wished
    return by_level(places_among(source.levels, target.levels, indifferent), values)


@lru_cache(maxsize=4096)
def places_among(
    levels: tuple[str, ...], among: tuple[str, ...], indifferent: tuple[str, ...]
) -> Array:
    """The place of each level among others, (levels,): -1 where it is none, NaN if indifferent."""
    places = {level: float(place) for place, level in enumerate(among)}
    found = [np.nan if level in indifferent else places.get(level, -1.0) for level in levels]
    return np.array(found, dtype=np.float64)


@lru_cache(maxsize=4096)
def _shared_levels(
    levels: tuple[str, ...], among: tuple[str, ...], indifferent: tuple[str, ...]
) -> tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.intp]]:
    """The levels that are among others as well, their places there, and those that are not."""
    places = places_among(levels, among, indifferent)
    shared = np.flatnonzero(places >= 0)
    return shared, places[shared].astype(np.intp), np.flatnonzero(places < 0)


def by_level(values: Sequence[float] | Array, codes: Array) -> Array:
    """The value of each code (n,), an index of a level; NaN where the code is missing."""
    lookup = np.append(values, np.nan)
    return np.asarray(lookup[np.where(np.isnan(codes), len(values), codes).astype(int)])


Kinds = frozenset[str]
LEVELLED = frozenset({"category", "ordinal"})
NUMBERS = frozenset({"number", "scale", "ordinal", "flag", "money"})
AMOUNTS = frozenset({"money", "number"})
TAGS, CATEGORY = frozenset({"tags"}), frozenset({"category"})
PLACE, HOURS = frozenset({"place"}), frozenset({"weekly_hours"})
OPEN_HOURS = frozenset({"weekly_hours", "availability"})
SHARE = (0.0, 1.0)
WEEK = (0.0, 168.0)
"""Hours in a week."""


def summary_of(function: Callable[..., Any]) -> str:
    """The first line of a docstring as part of a sentence.

    >>> summary_of(overlap)
    "share of the client's tags that the clinician has, 0 to 1"
    """
    summary = (function.__doc__ or "").partition("\n")[0].removesuffix(".")
    return summary[:1].lower() + summary[1:]


@dataclass(frozen=True, slots=True)
class Operator:
    """One comparison of a client's and a clinician's fields, which a match names.

    Attributes
    ----------
    client, clinician
        Kinds accepted on each side.
    compare
        `(client, clinician) -> (n,)` of two prepared sides; the first line of its docstring is the
        `meaning`.
    prepare
        What of one side does not depend on the other, (n, ...) each; the arrays as they are where
        left out.
    several
        Whether it compares two lists of fields of equal length.
    named
        Whether both sides have levels, which are compared by name.
    weight
        Kinds of a second field of the client, which says how much the first matters; none if empty.
    apart
        Whether the client's field may have levels that the clinician's lacks.
    ranged
        Whether values are first scaled to 0 to 1 by their declared bounds.
    alike
        Whether both sides must be of one kind and unit.
    phrase_side
        Which values the phrase of a match without a direction describes: 1 for those above the
        usual, as for shares and products, -1 for those below it, as for distances.
    bounds
        The least and the largest value it can compute.
    """

    name: str
    client: Kinds
    clinician: Kinds
    compare: Callable[[Prepared, Prepared], Array]
    prepare: Callable[[Side], Prepared] = tuple
    several: bool = False
    named: bool = False
    weight: Kinds = frozenset()
    apart: bool = False
    ranged: bool = False
    alike: bool = False
    phrase_side: float = 1.0
    bounds: tuple[float, float] = (-np.inf, np.inf)

    @property
    def meaning(self) -> str:
        """What it computes, as explained to authors of a definition."""
        return summary_of(self.compare)

    @property
    def elementwise(self) -> bool:
        """Whether it compares one number with another, so that several can be stacked."""
        simple = self.prepare is tuple and not self.several
        return (self.ranged or self.alike) and simple

    def compute(self, client: Side, clinician: Side) -> Array:
        """The comparison of each row, (n,), from one array a field and side."""
        return self.compare(self.prepare(client), self.prepare(clinician))


_OPERATORS: dict[str, Operator] = {
    operator.name: operator
    for operator in (
        Operator("overlap", TAGS, TAGS, overlap, named=True, bounds=SHARE),
        Operator("contains", CATEGORY, TAGS, contains, named=True, bounds=SHARE),
        Operator("equal", LEVELLED, LEVELLED, equal, named=True, apart=True, bounds=SHARE),
        Operator(
            "equal_weighted",
            LEVELLED,
            LEVELLED,
            equal_weighted,
            named=True,
            weight=NUMBERS,
            apart=True,
            bounds=SHARE,
        ),
        Operator("wish", TAGS, CATEGORY, wish, named=True, apart=True, bounds=SHARE),
        Operator("difference", NUMBERS, NUMBERS, difference, ranged=True),
        Operator("distance", NUMBERS, NUMBERS, distance, ranged=True, phrase_side=-1.0),
        Operator("product", NUMBERS, NUMBERS, product, ranged=True),
        Operator("stress", NUMBERS, NUMBERS, stress, ranged=True, phrase_side=-1.0),
        Operator("excess", AMOUNTS, AMOUNTS, excess, alike=True, phrase_side=-1.0),
        Operator("kilometres", PLACE, PLACE, kilometres, on_sphere, phrase_side=-1.0),
        Operator("hours_shared", HOURS, OPEN_HOURS, hours_shared, minutes_of_week, bounds=WEEK),
        Operator(
            "profile_distance",
            NUMBERS,
            NUMBERS,
            profile_distance,
            profile,
            several=True,
            ranged=True,
            phrase_side=-1.0,
        ),
        Operator(
            "profile_product",
            NUMBERS,
            NUMBERS,
            profile_product,
            profile,
            several=True,
            ranged=True,
        ),
        Operator(
            "profile_correlation",
            NUMBERS,
            NUMBERS,
            profile_correlation,
            profile,
            several=True,
            ranged=True,
        ),
    )
}
OPERATORS: Mapping[str, Operator] = MappingProxyType(_OPERATORS)
"""Every operator a match may name; `recommender.practice.own_operators` adds to those that ship."""
SHIPPED_OPERATORS = frozenset(_OPERATORS)
COUNTED = frozenset({"overlap", "contains", "equal", "wish"})
"""Operators that count the levels that both sides have, so that several can be counted at once."""
ANY = frozenset[str]().union(NUMBERS, TAGS, CATEGORY)
PRODUCT = Operator("product", ANY, ANY, both_parts, bounds=(-1.0, 1.0))
"""How a declared product compares what its sides say is multiplied; no match names it."""


def operators_for(side: str, kind: str) -> list[str]:
    """Names of the operators that compare a field of a kind, of `client` or `clinician`.

    >>> operators_for("clinician", "place")
    ['kilometres']
    """
    return [name for name, each in OPERATORS.items() if kind in getattr(each, side)]


def add_own_operator(operator: Operator) -> None:
    """Adds an operator, or replaces one of its name; those that ship cannot be replaced."""
    if operator.name in SHIPPED_OPERATORS:
        raise RecommenderError(f"operator {operator.name}", "ships", "choose another name")
    _OPERATORS[operator.name] = operator
