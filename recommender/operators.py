"""The small closed family of comparisons between a client and a clinician.

An operator is data: its name, the kinds it compares and the function that does it over arrays.
A practice declares matches by naming one. Imported by `practice` and `features.pairing`.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from recommender.fields import Field

Array = NDArray[np.float64]
EARTH_KM = 6371.0088
"""Mean Earth radius (IUGG)."""

LEVELLED = frozenset({"category", "ordinal"})
NUMBERS = frozenset({"number", "scale", "ordinal", "flag", "money"})


@dataclass(frozen=True, slots=True)
class Operator:
    """One comparison.

    Attributes
    ----------
    name, meaning
        As declared, and as explained to whoever writes a definition.
    client, clinician
        Kinds accepted on each side.
    several
        Whether it compares two lists of fields of equal length.
    named
        Whether both sides hold levels that must be compared by name.
    ranged
        Whether values are first put on 0..1 by their declared bounds.
    compute
        `(client, clinician) -> (n,)`. Each argument holds one array a field, rows first; the
        client's may have one row for all. Missing on either side gives NaN.
    """

    name: str
    meaning: str
    client: frozenset[str]
    clinician: frozenset[str]
    several: bool
    named: bool
    ranged: bool
    compute: Callable[[Sequence[Array], Sequence[Array]], Array]


def aligned(source: Field, values: Array, target: Field, indifferent: tuple[str, ...]) -> Array:
    """The client's levels in the order of the clinician's, so that names meet names.

    An indifferent level states no wish: a category becomes missing, a tag is not counted.
    """
    places = {level: place for place, level in enumerate(target.levels)}
    if source.kind == "tags":
        wished = np.zeros((len(values), len(target.levels)))
        for place, level in enumerate(source.levels):
            if level in places and level not in indifferent:
                wished[:, places[level]] = values[:, place]
        wished[np.isnan(values).any(axis=1)] = np.nan
        return wished
    order = [places.get(level, np.nan) for level in source.levels]
    order = [np.nan if lv in indifferent else o for lv, o in zip(source.levels, order, strict=True)]
    lookup = np.array([*order, np.nan])
    return np.asarray(lookup[np.where(np.isnan(values), len(order), values).astype(int)])


def _overlap(client: Sequence[Array], clinician: Sequence[Array]) -> Array:
    asked = client[0].sum(axis=1)
    met = np.einsum("nl,nl->n", *np.broadcast_arrays(client[0], clinician[0]))
    return np.asarray(met / np.where(asked > 0, asked, np.nan))


def _contains(client: Sequence[Array], clinician: Sequence[Array]) -> Array:
    level, tags = client[0], clinician[0]
    known = ~np.isnan(level)
    size = max(len(level), len(tags))
    tags = np.broadcast_to(tags, (size, tags.shape[1]))
    picked = tags[np.arange(size), np.where(known, level, 0).astype(int)]
    return np.where(known, picked, np.nan)


def _equal(client: Sequence[Array], clinician: Sequence[Array]) -> Array:
    same = (client[0] == clinician[0]).astype(float)
    return np.where(np.isnan(client[0]) | np.isnan(clinician[0]), np.nan, same)


def _wish(client: Sequence[Array], clinician: Sequence[Array]) -> Array:
    wished, level = client[0], clinician[0]
    known = ~np.isnan(level)
    wished = np.broadcast_to(wished, (len(level), wished.shape[1]))
    met = wished[np.arange(len(level)), np.where(known, level, 0).astype(int)]
    stated = np.nansum(wished, axis=1) > 0
    return np.asarray(np.where(known & stated, met, np.nan))


def _difference(client: Sequence[Array], clinician: Sequence[Array]) -> Array:
    return np.asarray(client[0] - clinician[0])


def _distance(client: Sequence[Array], clinician: Sequence[Array]) -> Array:
    return np.abs(client[0] - clinician[0])


def _product(client: Sequence[Array], clinician: Sequence[Array]) -> Array:
    return np.asarray((2 * client[0] - 1) * (2 * clinician[0] - 1))


def _stress(client: Sequence[Array], clinician: Sequence[Array]) -> Array:
    return np.abs(2 * client[0] - 1) * np.abs(client[0] - clinician[0])


def _excess(client: Sequence[Array], clinician: Sequence[Array]) -> Array:
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
    apart = apart.reshape(len(apart), -1)
    nearest = np.where(np.isnan(apart), np.inf, apart).min(axis=1)
    return np.where(np.isinf(nearest), np.nan, nearest)


def shared_minutes(client: Array, clinician: Array) -> Array:
    """Minutes in common of each pair of weekly windows, (n, client windows x clinician windows)."""
    one, other = client[:, :, None, :], clinician[:, None, :, :]
    start = np.maximum(one[..., 1], other[..., 1])
    end = np.minimum(one[..., 2], other[..., 2])
    shared = np.where(one[..., 0] == other[..., 0], np.maximum(end - start, 0.0), 0.0)
    return np.nan_to_num(shared, nan=0.0).reshape(len(shared), -1)


def _kilometres(client: Sequence[Array], clinician: Sequence[Array]) -> Array:
    return nearest_km(client[0], clinician[0])


def _hours_shared(client: Sequence[Array], clinician: Sequence[Array]) -> Array:
    hours = shared_minutes(client[0], clinician[0]).sum(axis=1) / 60
    unknown = np.isnan(client[0]).all(axis=(1, 2)) | np.isnan(clinician[0]).all(axis=(1, 2))
    return np.where(unknown, np.nan, hours)


def _pairs(client: Sequence[Array], clinician: Sequence[Array]) -> tuple[Array, Array]:
    one, other = np.stack(client, axis=1), np.stack(clinician, axis=1)
    one, other = np.broadcast_arrays(one, other)
    return one, other


def _known_mean(values: Array) -> Array:
    known = ~np.isnan(values)
    count = known.sum(axis=1)
    return np.asarray(np.where(known, values, 0.0).sum(axis=1) / np.where(count > 0, count, np.nan))


def _profile_distance(client: Sequence[Array], clinician: Sequence[Array]) -> Array:
    one, other = _pairs(client, clinician)
    return np.sqrt(_known_mean((one - other) ** 2))


def _profile_product(client: Sequence[Array], clinician: Sequence[Array]) -> Array:
    one, other = _pairs(client, clinician)
    return _known_mean((2 * one - 1) * (2 * other - 1))


def _profile_correlation(client: Sequence[Array], clinician: Sequence[Array]) -> Array:
    one, other = _pairs(client, clinician)
    unknown = np.isnan(one) | np.isnan(other)
    one, other = (np.where(unknown, np.nan, side) for side in (one, other))
    one, other = (side - _known_mean(side)[:, None] for side in (one, other))
    spread = np.sqrt(_known_mean(one**2) * _known_mean(other**2))
    return _known_mean(one * other) / np.where(spread > 0, spread, np.nan)


def _operator(
    name: str,
    meaning: str,
    client: frozenset[str] | str,
    clinician: frozenset[str] | str,
    compute: Callable[[Sequence[Array], Sequence[Array]], Array],
    *,
    several: bool = False,
    named: bool = False,
    ranged: bool = False,
) -> Operator:
    client, clinician = (
        frozenset({side}) if isinstance(side, str) else side for side in (client, clinician)
    )
    return Operator(name, meaning, client, clinician, several, named, ranged, compute)


OPERATORS: Mapping[str, Operator] = {
    operator.name: operator
    for operator in (
        _operator(
            "overlap",
            "share of the client's tags that the clinician has, 0 to 1",
            "tags",
            "tags",
            _overlap,
            named=True,
        ),
        _operator(
            "contains",
            "1 when the client's level is among the clinician's tags, else 0",
            "category",
            "tags",
            _contains,
            named=True,
        ),
        _operator(
            "equal",
            "1 when both have the same level, else 0",
            LEVELLED,
            LEVELLED,
            _equal,
            named=True,
        ),
        _operator(
            "wish",
            "1 when the clinician's level is among those the client wished for, else 0",
            "tags",
            "category",
            _wish,
            named=True,
        ),
        _operator(
            "difference",
            "client minus clinician, each on 0 to 1 of its bounds",
            NUMBERS,
            NUMBERS,
            _difference,
            ranged=True,
        ),
        _operator(
            "distance",
            "how far apart both are, each on 0 to 1 of its bounds",
            NUMBERS,
            NUMBERS,
            _distance,
            ranged=True,
        ),
        _operator(
            "product",
            "product of both, each on -1 to 1 of its bounds: 1 when both lean strongly alike",
            NUMBERS,
            NUMBERS,
            _product,
            ranged=True,
        ),
        _operator(
            "stress",
            "distance times how far the client's wish is from the middle",
            NUMBERS,
            NUMBERS,
            _stress,
            ranged=True,
        ),
        _operator(
            "excess",
            "by how much the clinician's value exceeds the client's, in the field's own unit",
            frozenset({"money", "number"}),
            frozenset({"money", "number"}),
            _excess,
        ),
        _operator(
            "kilometres",
            "shortest great-circle distance between the places of both, in km",
            "place",
            "place",
            _kilometres,
        ),
        _operator(
            "hours_shared",
            "hours a week that suit both",
            "weekly_hours",
            "weekly_hours",
            _hours_shared,
        ),
        _operator(
            "profile_distance",
            "root mean squared distance over two lists of fields, each on 0 to 1",
            NUMBERS,
            NUMBERS,
            _profile_distance,
            several=True,
            ranged=True,
        ),
        _operator(
            "profile_product",
            "mean product over two lists of fields, each on -1 to 1",
            NUMBERS,
            NUMBERS,
            _profile_product,
            several=True,
            ranged=True,
        ),
        _operator(
            "profile_correlation",
            "correlation over two lists of fields, each on 0 to 1",
            NUMBERS,
            NUMBERS,
            _profile_correlation,
            several=True,
            ranged=True,
        ),
    )
}
"""Every operator a match may name."""
