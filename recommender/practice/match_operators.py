"""The small closed family of comparisons between a client and a clinician, as a table.

An operator is data: its name, the kinds it compares and the comparison that does it. A practice
declares matches by naming one. Imported by `matches`, `constraint` and `verdicts`.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from recommender.practice import match_functions
from recommender.practice.match_functions import (
    EARTH_KM,
    Array,
    aligned,
    haversine_km,
    nearest_km,
    shared_minutes,
)

__all__ = [
    "EARTH_KM",
    "OPERATORS",
    "Array",
    "Operator",
    "aligned",
    "haversine_km",
    "nearest_km",
    "shared_minutes",
]

Kinds = frozenset[str]
LEVELLED = frozenset({"category", "ordinal"})
NUMBERS = frozenset({"number", "scale", "ordinal", "flag", "money"})
AMOUNTS = frozenset({"money", "number"})
TAGS, CATEGORY = frozenset({"tags"}), frozenset({"category"})
PLACE, HOURS = frozenset({"place"}), frozenset({"weekly_hours"})


@dataclass(frozen=True, slots=True)
class Operator:
    """One comparison.

    Attributes
    ----------
    name, meaning
        As declared, and as explained to whoever writes a definition.
    client, clinician
        Kinds accepted on each side.
    compute
        `(client, clinician) -> (n,)`. Each argument holds one array a field, rows first; the
        client's may have one row for all. Missing on either side gives NaN.
    several
        Whether it compares two lists of fields of equal length.
    named
        Whether both sides hold levels that must be compared by name.
    ranged
        Whether values are first put on 0..1 by their declared bounds.
    alike
        Whether both sides must be of one kind and unit.
    """

    name: str
    meaning: str
    client: Kinds
    clinician: Kinds
    compute: Callable[[Sequence[Array], Sequence[Array]], Array]
    several: bool = False
    named: bool = False
    ranged: bool = False
    alike: bool = False


_BY_NAME = (
    Operator(
        "overlap",
        "share of the client's tags that the clinician has, 0 to 1",
        TAGS,
        TAGS,
        match_functions.overlap,
        named=True,
    ),
    Operator(
        "contains",
        "1 when the client's level is among the clinician's tags, else 0",
        CATEGORY,
        TAGS,
        match_functions.contains,
        named=True,
    ),
    Operator(
        "equal",
        "1 when both have the same level, else 0",
        LEVELLED,
        LEVELLED,
        match_functions.equal,
        named=True,
    ),
    Operator(
        "wish",
        "1 when the clinician's level is among those the client wished for, else 0",
        TAGS,
        CATEGORY,
        match_functions.wish,
        named=True,
    ),
)

_BY_SIZE = (
    Operator(
        "difference",
        "client minus clinician, each on 0 to 1 of its bounds",
        NUMBERS,
        NUMBERS,
        match_functions.difference,
        ranged=True,
    ),
    Operator(
        "distance",
        "how far apart both are, each on 0 to 1 of its bounds",
        NUMBERS,
        NUMBERS,
        match_functions.distance,
        ranged=True,
    ),
    Operator(
        "product",
        "product of both, each on -1 to 1 of its bounds: 1 when both lean strongly alike",
        NUMBERS,
        NUMBERS,
        match_functions.product,
        ranged=True,
    ),
    Operator(
        "stress",
        "distance times how far the client's wish is from the middle",
        NUMBERS,
        NUMBERS,
        match_functions.stress,
        ranged=True,
    ),
    Operator(
        "excess",
        "by how much the clinician's value exceeds the client's, in the unit of both",
        AMOUNTS,
        AMOUNTS,
        match_functions.excess,
        alike=True,
    ),
)

_BY_PLACE_AND_TIME = (
    Operator(
        "kilometres",
        "shortest great-circle distance between the places of both, in km",
        PLACE,
        PLACE,
        match_functions.kilometres,
    ),
    Operator(
        "hours_shared",
        "hours a week that suit both",
        HOURS,
        HOURS,
        match_functions.hours_shared,
    ),
)

_BY_PROFILE = (
    Operator(
        "profile_distance",
        "root mean squared distance over two lists of fields, each on 0 to 1",
        NUMBERS,
        NUMBERS,
        match_functions.profile_distance,
        several=True,
        ranged=True,
    ),
    Operator(
        "profile_product",
        "mean product over two lists of fields, each on -1 to 1",
        NUMBERS,
        NUMBERS,
        match_functions.profile_product,
        several=True,
        ranged=True,
    ),
    Operator(
        "profile_correlation",
        "correlation over two lists of fields, each on 0 to 1",
        NUMBERS,
        NUMBERS,
        match_functions.profile_correlation,
        several=True,
        ranged=True,
    ),
)

OPERATORS: Mapping[str, Operator] = {
    operator.name: operator
    for operator in (*_BY_NAME, *_BY_SIZE, *_BY_PLACE_AND_TIME, *_BY_PROFILE)
}
"""Every operator a match may name."""
