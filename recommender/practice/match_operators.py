"""The operators a match may name: how a client and a clinician are compared, over whole arrays.

Each comparison receives one array a field and side, rows first, and returns (n,); the client's
arrays may have one row for all n clinicians. A missing answer on either side gives NaN.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recommender.practice.fields import Field

Array = NDArray[np.float64]
Side = Sequence[Array]

EARTH_KM = 6371.0088
"""Mean Earth radius (IUGG)."""
MINUTES_A_DAY = 1440
EVERY = 5
"""Place of the weeks between two openings in an encoded window of an availability."""
MIN_VARIANCE = 1e-12
"""A profile on 0 to 1 with a smaller variance is flat; what varies in it is rounding."""


def aligned(source: Field, values: Array, target: Field, indifferent: tuple[str, ...]) -> Array:
    """The client's levels in the order of the clinician's, so that equal names have equal codes.

    An indifferent level states no wish: a category becomes missing, a tag is not counted.
    """
    places = _places_of(source.levels, target.levels, indifferent)
    if source.kind == "tags":
        shared = np.flatnonzero(~np.isnan(places))
        wished = np.zeros((len(values), len(target.levels)))
        wished[:, places[shared].astype(int)] = values[:, shared]
        wished[np.isnan(values).any(axis=1)] = np.nan
        return wished
    return by_level(places, values)


@lru_cache(maxsize=4096)
def _places_of(
    levels: tuple[str, ...], among: tuple[str, ...], indifferent: tuple[str, ...]
) -> Array:
    """The place of each level among others, (levels,); NaN where it is none or indifferent."""
    places = {level: float(place) for place, level in enumerate(among)}
    found = [np.nan if level in indifferent else places.get(level, np.nan) for level in levels]
    return np.array(found)


def by_level(values: Sequence[float] | Array, codes: Array) -> Array:
    """The value of each code (n,), an index of a level; NaN where the code is missing."""
    lookup = np.append(values, np.nan)
    return np.asarray(lookup[np.where(np.isnan(codes), len(values), codes).astype(int)])


def overlap(client: Side, clinician: Side) -> Array:
    """Share of the client's tags that the clinician has, 0 to 1.

    Missing where the client named none.
    """
    named = client[0].sum(axis=1)
    shared = np.einsum("nl,nl->n", *np.broadcast_arrays(client[0], clinician[0]))
    return np.asarray(shared / np.where(named > 0, named, np.nan))


def contains(client: Side, clinician: Side) -> Array:
    """1 if the client's level is among the clinician's tags, else 0."""
    level, tags = client[0], clinician[0]
    known = ~np.isnan(level)
    picked = tags[np.arange(len(tags)), np.where(known, level, 0).astype(int)]
    return np.where(known, picked, np.nan)


def equal(client: Side, clinician: Side) -> Array:
    """1 if both have the same level, else 0."""
    same = (client[0] == clinician[0]).astype(float)
    return np.where(np.isnan(client[0]) | np.isnan(clinician[0]), np.nan, same)


def wish(client: Side, clinician: Side) -> Array:
    """1 if the clinician's level is among those the client wished for, else 0.

    Missing where the client wished for none.
    """
    wished, level = client[0], clinician[0]
    known = ~np.isnan(level)
    wished = np.broadcast_to(wished, (len(level), wished.shape[1]))
    met = wished[np.arange(len(level)), np.where(known, level, 0).astype(int)]
    stated = np.nansum(wished, axis=1) > 0
    return np.asarray(np.where(known & stated, met, np.nan))


def difference(client: Side, clinician: Side) -> Array:
    """Client minus clinician, each on 0 to 1 of its bounds."""
    return np.asarray(client[0] - clinician[0])


def distance(client: Side, clinician: Side) -> Array:
    """Absolute difference of both, each on 0 to 1 of its bounds."""
    return np.abs(client[0] - clinician[0])


def product(client: Side, clinician: Side) -> Array:
    """Product of both, each on -1 to 1 of its bounds: 1 if both are at the same end."""
    return np.asarray((2 * client[0] - 1) * (2 * clinician[0] - 1))


def stress(client: Side, clinician: Side) -> Array:
    """Distance times how far the wish is from the middle, so that a strong wish counts more."""
    return np.abs(2 * client[0] - 1) * np.abs(client[0] - clinician[0])


def excess(client: Side, clinician: Side) -> Array:
    """Amount by which the clinician's value exceeds the client's, in the unit of both."""
    return np.maximum(clinician[0] - client[0], 0.0)


def haversine_km(one: Array, other: Array) -> Array:
    """Great-circle distance in km between latitude-longitude pairs on the last axis.

    The haversine formula (Sinnott 1984), on a sphere of the mean Earth radius.
    """
    (lat1, lon1), (lat2, lon2) = (np.moveaxis(np.radians(side), -1, 0) for side in (one, other))
    chord = np.sin((lat2 - lat1) / 2) ** 2
    chord = chord + np.cos(lat1) * np.cos(lat2) * np.sin((lon2 - lon1) / 2) ** 2
    return np.asarray(2 * EARTH_KM * np.arcsin(np.sqrt(np.clip(chord, 0.0, 1.0))))


def nearest_km(client: Array, clinician: Array) -> Array:
    """Smallest distance in km over all places (n, k, 2) of both sides; NaN where one has none."""
    apart = haversine_km(client[:, :, None, :], clinician[:, None, :, :])
    nearest = np.where(np.isnan(apart), np.inf, apart).min(axis=(1, 2))
    return np.where(np.isinf(nearest), np.nan, nearest)


def kilometres(client: Side, clinician: Side) -> Array:
    """Shortest great-circle distance between the places of both, in km."""
    return nearest_km(client[0], clinician[0])


def hours_shared(client: Side, clinician: Side) -> Array:
    """Hours a week that suit both, those of alternate weeks on average.

    Rooms and ways of meeting do not count here; a time open in two rooms counts once.
    """
    (start, end), (opens, closes) = (_minutes_of_week(side[0]) for side in (client, clinician))
    minutes = np.zeros(np.broadcast_shapes(start.shape[:1], opens.shape[:1]))
    weeks = clinician[0][..., EVERY] if clinician[0].shape[-1] > EVERY else np.ones(opens.shape)
    for window in range(opens.shape[1]):
        first = np.maximum(start, opens[:, window, None])
        last = np.minimum(end, closes[:, window, None])
        shared = np.maximum(last - first, 0.0).sum(axis=1)
        minutes += shared / np.where(weeks[:, window] > 1, weeks[:, window], 1.0)
    unknown = np.isinf(start).all(axis=1) | np.isinf(opens).all(axis=1)
    return np.where(unknown, np.nan, minutes / 60)


def _minutes_of_week(windows: Array) -> tuple[Array, Array]:
    """Start and end of windows (n, k, 3 or more) in minutes of the week, without overlaps.

    A missing window overlaps nothing. Windows are sorted, and none passes midnight. Of two that
    overlap, the later one begins where the earlier ends.
    """
    day = windows[..., 0] * MINUTES_A_DAY
    start, end = day + windows[..., 1], day + windows[..., 2]
    missing = np.isnan(start)
    start, end = np.where(missing, np.inf, start), np.where(missing, -np.inf, end)
    if windows.shape[-1] > EVERY:
        earlier = np.maximum.accumulate(end, axis=1)[:, :-1]
        start[:, 1:] = np.maximum(start[:, 1:], earlier)
    return start, end


def _pairs(client: Side, clinician: Side) -> tuple[Array, Array]:
    one, other = np.stack(client, axis=1), np.stack(clinician, axis=1)
    one, other = np.broadcast_arrays(one, other)
    return one, other


def known_mean(values: Array, axis: int = 1) -> Array:
    """The mean over one axis of the values that are known; NaN where none is."""
    known = ~np.isnan(values)
    count = known.sum(axis=axis)
    total = np.where(known, values, 0.0).sum(axis=axis)
    return np.asarray(total / np.where(count > 0, count, np.nan))


def profile_distance(client: Side, clinician: Side) -> Array:
    """Root mean squared distance over two lists of fields, each on 0 to 1."""
    one, other = _pairs(client, clinician)
    return np.sqrt(known_mean((one - other) ** 2))


def profile_product(client: Side, clinician: Side) -> Array:
    """Mean product over two lists of fields, each on -1 to 1."""
    one, other = _pairs(client, clinician)
    return known_mean((2 * one - 1) * (2 * other - 1))


def profile_correlation(client: Side, clinician: Side) -> Array:
    """Correlation over two lists of fields, each on 0 to 1.

    Missing where either list does not vary.
    """
    one, other = _pairs(client, clinician)
    unknown = np.isnan(one) | np.isnan(other)
    one, other = (np.where(unknown, np.nan, side) for side in (one, other))
    one, other = (side - known_mean(side)[:, None] for side in (one, other))
    deviations = np.sqrt(known_mean(one**2) * known_mean(other**2))
    return known_mean(one * other) / np.where(deviations > MIN_VARIANCE, deviations, np.nan)


Kinds = frozenset[str]
LEVELLED = frozenset({"category", "ordinal"})
NUMBERS = frozenset({"number", "scale", "ordinal", "flag", "money"})
AMOUNTS = frozenset({"money", "number"})
TAGS, CATEGORY = frozenset({"tags"}), frozenset({"category"})
PLACE, HOURS = frozenset({"place"}), frozenset({"weekly_hours"})
OPEN_HOURS = frozenset({"weekly_hours", "availability"})
SHARE = (0.0, 1.0)


def summary_of(function: Callable[..., Any]) -> str:
    """The first line of a docstring as part of a sentence.

    >>> summary_of(overlap)
    "share of the client's tags that the clinician has, 0 to 1"
    """
    summary = (function.__doc__ or "").partition("\n")[0].removesuffix(".")
    return summary[:1].lower() + summary[1:]


@dataclass(frozen=True, slots=True)
class Operator:
    """One comparison.

    Attributes
    ----------
    client, clinician
        Kinds accepted on each side.
    compute
        `(client, clinician) -> (n,)`; the first line of its docstring is the `meaning`.
    several
        Whether it compares two lists of fields of equal length.
    named
        Whether both sides have levels, which are compared by name.
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
    compute: Callable[[Sequence[Array], Sequence[Array]], Array]
    several: bool = False
    named: bool = False
    ranged: bool = False
    alike: bool = False
    phrase_side: float = 1.0
    bounds: tuple[float, float] = (-np.inf, np.inf)

    @property
    def meaning(self) -> str:
        """What it computes, as explained to authors of a definition."""
        return summary_of(self.compute)


OPERATORS: Mapping[str, Operator] = {
    operator.name: operator
    for operator in (
        Operator("overlap", TAGS, TAGS, overlap, named=True, bounds=SHARE),
        Operator("contains", CATEGORY, TAGS, contains, named=True, bounds=SHARE),
        Operator("equal", LEVELLED, LEVELLED, equal, named=True, bounds=SHARE),
        Operator("wish", TAGS, CATEGORY, wish, named=True, bounds=SHARE),
        Operator("difference", NUMBERS, NUMBERS, difference, ranged=True),
        Operator("distance", NUMBERS, NUMBERS, distance, ranged=True, phrase_side=-1.0),
        Operator("product", NUMBERS, NUMBERS, product, ranged=True),
        Operator("stress", NUMBERS, NUMBERS, stress, ranged=True, phrase_side=-1.0),
        Operator("excess", AMOUNTS, AMOUNTS, excess, alike=True, phrase_side=-1.0),
        Operator("kilometres", PLACE, PLACE, kilometres, phrase_side=-1.0),
        Operator("hours_shared", HOURS, OPEN_HOURS, hours_shared, bounds=SHARE),
        Operator(
            "profile_distance",
            NUMBERS,
            NUMBERS,
            profile_distance,
            several=True,
            ranged=True,
            phrase_side=-1.0,
        ),
        Operator("profile_product", NUMBERS, NUMBERS, profile_product, several=True, ranged=True),
        Operator(
            "profile_correlation", NUMBERS, NUMBERS, profile_correlation, several=True, ranged=True
        ),
    )
}
"""Every operator a match may name."""
