"""The operators a match may name: how a client and a clinician are compared, over whole arrays.

Each side is prepared alone, from one array a field, rows first; a comparison of two prepared sides
returns (n,). The client's side may have one row for all n clinicians. A missing answer on either
side gives NaN.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np

from recommender.practice.fields import Field
from recommender.practice.sums import Array, known_mean

Side = Sequence[Array]
Prepared = tuple[Array, ...]
"""One side as an operator compares it, rows first."""

EARTH_KM = 6371.0088
"""Mean Earth radius (IUGG)."""
MINUTES_A_DAY = 1440
CHUNK_ROWS = 4096
"""Pairs whose openings and free windows are compared at once, which bounds memory."""
EVERY = 5
"""Place of the weeks between two openings in an encoded window of an availability."""
MIN_VARIANCE = 1e-12
"""A profile on 0 to 1 with a smaller variance is flat; what varies in it is rounding."""


def aligned(source: Field, values: Array, target: Field, indifferent: tuple[str, ...]) -> Array:
    """The client's levels in the order of the clinician's, so that equal names have equal codes.

    An indifferent level states no wish: a category becomes missing, a tag is not counted.
    """
    places = places_among(source.levels, target.levels, indifferent)
    if source.kind == "tags":
        shared = np.flatnonzero(~np.isnan(places))
        wished = np.zeros((len(values), len(target.levels)))
        wished[:, places[shared].astype(int)] = values[:, shared]
        wished[np.isnan(values).any(axis=1)] = np.nan
        return wished
    return by_level(places, values)


@lru_cache(maxsize=4096)
def places_among(
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


def overlap(client: Prepared, clinician: Prepared) -> Array:
    """Share of the client's tags that the clinician has, 0 to 1.

    Missing where the client named none.
    """
    named = client[0].sum(axis=1)
    shared = np.einsum("nl,nl->n", *np.broadcast_arrays(client[0], clinician[0]))
    return np.asarray(shared / np.where(named > 0, named, np.nan))


def contains(client: Prepared, clinician: Prepared) -> Array:
    """1 if the client's level is among the clinician's tags, else 0."""
    level, tags = client[0], clinician[0]
    known = ~np.isnan(level)
    picked = tags[np.arange(len(tags)), np.where(known, level, 0).astype(int)]
    return np.where(known, picked, np.nan)


def equal(client: Prepared, clinician: Prepared) -> Array:
    """1 if both have the same level, else 0."""
    same = (client[0] == clinician[0]).astype(float)
    return np.where(np.isnan(client[0]) | np.isnan(clinician[0]), np.nan, same)


def wish(client: Prepared, clinician: Prepared) -> Array:
    """1 if the clinician's level is among those the client wished for, else 0.

    Missing where the client wished for none.
    """
    wished, level = client[0], clinician[0]
    known = ~np.isnan(level)
    wished = np.broadcast_to(wished, (len(level), wished.shape[1]))
    met = wished[np.arange(len(level)), np.where(known, level, 0).astype(int)]
    stated = np.nansum(wished, axis=1) > 0
    return np.asarray(np.where(known & stated, met, np.nan))


def difference(client: Prepared, clinician: Prepared) -> Array:
    """Client minus clinician, each on 0 to 1 of its bounds."""
    return np.asarray(client[0] - clinician[0])


def distance(client: Prepared, clinician: Prepared) -> Array:
    """Absolute difference of both, each on 0 to 1 of its bounds."""
    return np.abs(client[0] - clinician[0])


def product(client: Prepared, clinician: Prepared) -> Array:
    """Product of both, each on -1 to 1 of its bounds: 1 if both are at the same end."""
    return np.asarray((2 * client[0] - 1) * (2 * clinician[0] - 1))


def stress(client: Prepared, clinician: Prepared) -> Array:
    """Distance times how far the wish is from the middle, so that a strong wish counts more."""
    return np.abs(2 * client[0] - 1) * np.abs(client[0] - clinician[0])


def excess(client: Prepared, clinician: Prepared) -> Array:
    """Amount by which the clinician's value exceeds the client's, in the unit of both."""
    return np.maximum(clinician[0] - client[0], 0.0)


def haversine_km(one: Array, other: Array) -> Array:
    """Great-circle distance in km between latitude-longitude pairs on the last axis."""
    return _km_apart(_on_sphere([one]), _on_sphere([other]))


def _on_sphere(side: Side) -> Prepared:
    """Latitude and longitude in radians, and the cosine of the latitude."""
    latitude, longitude = np.moveaxis(np.radians(side[0]), -1, 0)
    return latitude, longitude, np.asarray(np.cos(latitude))


def _km_apart(one: Prepared, other: Prepared) -> Array:
    """The haversine formula (Sinnott 1984), on a sphere of the mean Earth radius."""
    (lat1, lon1, cos1), (lat2, lon2, cos2) = one, other
    chord = np.sin((lat2 - lat1) / 2) ** 2
    chord = chord + cos1 * cos2 * np.sin((lon2 - lon1) / 2) ** 2
    return np.asarray(2 * EARTH_KM * np.arcsin(np.sqrt(np.minimum(chord, 1.0))))


def nearest_km(client: Array, clinician: Array) -> Array:
    """Smallest distance in km over all places (n, k, 2) of both sides; NaN where one has none."""
    return kilometres(_on_sphere([client]), _on_sphere([clinician]))


def kilometres(client: Prepared, clinician: Prepared) -> Array:
    """Shortest great-circle distance between the places of both, in km."""
    ours = tuple(part[:, :, None] for part in client)
    apart = _km_apart(ours, tuple(part[:, None, :] for part in clinician))
    # The smallest that is known, and NaN where none is.
    return np.asarray(np.fmin.reduce(apart, axis=(1, 2)))


def hours_shared(client: Prepared, clinician: Prepared) -> Array:
    """Hours a week that suit both, those of alternate weeks on average.

    Rooms and ways of meeting do not count here; a time open in two rooms counts once.
    """
    (start, end, _, silent), (opens, closes, weeks, unknown) = client, clinician
    minutes = np.zeros(np.broadcast_shapes(silent.shape, unknown.shape))
    # The client's windows first: sums over the first axis are several times faster.
    start, end = start.T[:, :, None], end.T[:, :, None]
    for at in range(0, len(minutes), CHUNK_ROWS):
        some = slice(at, at + CHUNK_ROWS)
        own = some if len(silent) > 1 else slice(None)
        first = np.maximum(start[:, own], opens[some])
        last = np.minimum(end[:, own], closes[some])
        shared = np.maximum(last - first, 0.0).sum(axis=0)
        minutes[some] = (shared / weeks[some]).sum(axis=1)
    return np.where((silent > 0) | (unknown > 0), np.nan, minutes / 60)


def _minutes_of_week(side: Side) -> Prepared:
    """Start and end of windows (n, k, 3 or more) in minutes of the week, without overlaps.

    Then the weeks from one opening of a window to the next, and 1 where no window is known. A
    missing window overlaps nothing. Windows are sorted, and none passes midnight. Of two that
    overlap, the later one begins where the earlier ends.
    """
    windows = side[0]
    day = windows[..., 0] * MINUTES_A_DAY
    start, end = day + windows[..., 1], day + windows[..., 2]
    missing = np.isnan(start)
    start, end = np.where(missing, np.inf, start), np.where(missing, -np.inf, end)
    weeks = np.ones(start.shape)
    if windows.shape[-1] > EVERY:
        earlier = np.maximum.accumulate(end, axis=1)[:, :-1]
        start[:, 1:] = np.maximum(start[:, 1:], earlier)
        weeks = np.asarray(np.fmax(windows[..., EVERY], 1.0))
    return start, end, weeks, np.asarray(missing.all(axis=1), dtype=np.float64)


def _profile(side: Side) -> Prepared:
    """Several fields side by side, (n, fields)."""
    return (np.stack(side, axis=1),)


def profile_distance(client: Prepared, clinician: Prepared) -> Array:
    """Root mean squared distance over two lists of fields, each on 0 to 1."""
    return np.sqrt(known_mean((client[0] - clinician[0]) ** 2))


def profile_product(client: Prepared, clinician: Prepared) -> Array:
    """Mean product over two lists of fields, each on -1 to 1."""
    return known_mean((2 * client[0] - 1) * (2 * clinician[0] - 1))


def profile_correlation(client: Prepared, clinician: Prepared) -> Array:
    """Correlation over two lists of fields, each on 0 to 1.

    Missing where either list does not vary.
    """
    one, other = np.broadcast_arrays(client[0], clinician[0])
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
        return (self.ranged or self.alike) and not self.several

    def compute(self, client: Side, clinician: Side) -> Array:
        """The comparison of each row, (n,), from one array a field and side."""
        return self.compare(self.prepare(client), self.prepare(clinician))


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
        Operator("kilometres", PLACE, PLACE, kilometres, _on_sphere, phrase_side=-1.0),
        Operator("hours_shared", HOURS, OPEN_HOURS, hours_shared, _minutes_of_week, bounds=SHARE),
        Operator(
            "profile_distance",
            NUMBERS,
            NUMBERS,
            profile_distance,
            _profile,
            several=True,
            ranged=True,
            phrase_side=-1.0,
        ),
        Operator(
            "profile_product",
            NUMBERS,
            NUMBERS,
            profile_product,
            _profile,
            several=True,
            ranged=True,
        ),
        Operator(
            "profile_correlation",
            NUMBERS,
            NUMBERS,
            profile_correlation,
            _profile,
            several=True,
            ranged=True,
        ),
    )
}
"""Every operator a match may name."""
