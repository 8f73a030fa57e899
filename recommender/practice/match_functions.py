"""How a client and a clinician are compared, over whole arrays at once.

Each comparison takes one array a field and side, rows first, and gives (n,); the client's arrays
may have one row for all n clinicians. Missing on either side gives NaN. Imported by `operators`.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from recommender.practice.fields import Field

Array = NDArray[np.float64]
Side = Sequence[Array]

EARTH_KM = 6371.0088
"""Mean Earth radius (IUGG)."""
MINUTES_A_DAY = 1440
NO_SPREAD = 1e-12
"""Variance below which a profile on 0..1 is level, and what varies in it is rounding."""


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


def overlap(client: Side, clinician: Side) -> Array:
    """Share of the client's tags that the clinician has; missing where the client named none."""
    asked = client[0].sum(axis=1)
    met = np.einsum("nl,nl->n", *np.broadcast_arrays(client[0], clinician[0]))
    return np.asarray(met / np.where(asked > 0, asked, np.nan))


def contains(client: Side, clinician: Side) -> Array:
    """1 where the client's level is among the clinician's tags."""
    level, tags = client[0], clinician[0]
    known = ~np.isnan(level)
    picked = tags[np.arange(len(tags)), np.where(known, level, 0).astype(int)]
    return np.where(known, picked, np.nan)


def equal(client: Side, clinician: Side) -> Array:
    """1 where both have the same level."""
    same = (client[0] == clinician[0]).astype(float)
    return np.where(np.isnan(client[0]) | np.isnan(clinician[0]), np.nan, same)


def wish(client: Side, clinician: Side) -> Array:
    """1 where the clinician's level is among those wished; missing where none was."""
    wished, level = client[0], clinician[0]
    known = ~np.isnan(level)
    wished = np.broadcast_to(wished, (len(level), wished.shape[1]))
    met = wished[np.arange(len(level)), np.where(known, level, 0).astype(int)]
    stated = np.nansum(wished, axis=1) > 0
    return np.asarray(np.where(known & stated, met, np.nan))


def difference(client: Side, clinician: Side) -> Array:
    """Client less clinician."""
    return np.asarray(client[0] - clinician[0])


def distance(client: Side, clinician: Side) -> Array:
    """How far apart both are."""
    return np.abs(client[0] - clinician[0])


def product(client: Side, clinician: Side) -> Array:
    """Product of both, each centred to -1..1."""
    return np.asarray((2 * client[0] - 1) * (2 * clinician[0] - 1))


def stress(client: Side, clinician: Side) -> Array:
    """Distance times how far the wish is from the middle: a strong wish missed weighs more."""
    return np.abs(2 * client[0] - 1) * np.abs(client[0] - clinician[0])


def excess(client: Side, clinician: Side) -> Array:
    """By how much the clinician's value is above the client's; 0 where it is not."""
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


def shared_minutes(client: Array, clinician: Array) -> Array:
    """Minutes in common of each pair of weekly windows, (n, client windows x clinician windows)."""
    one, other = client[:, :, None, :], clinician[:, None, :, :]
    start = np.maximum(one[..., 1], other[..., 1])
    end = np.minimum(one[..., 2], other[..., 2])
    shared = np.where(one[..., 0] == other[..., 0], np.maximum(end - start, 0.0), 0.0)
    return np.nan_to_num(shared, nan=0.0).reshape(len(shared), shared.shape[1] * shared.shape[2])


def kilometres(client: Side, clinician: Side) -> Array:
    """Kilometres between the nearest places of both."""
    return nearest_km(client[0], clinician[0])


def hours_shared(client: Side, clinician: Side) -> Array:
    """Hours a week in common."""
    (start, end), (opens, closes) = (_minutes_of_week(side[0]) for side in (client, clinician))
    minutes = np.zeros(np.broadcast_shapes(start.shape[:1], opens.shape[:1]))
    for window in range(opens.shape[1]):
        first = np.maximum(start, opens[:, window, None])
        last = np.minimum(end, closes[:, window, None])
        minutes += np.maximum(last - first, 0.0).sum(axis=1)
    unknown = np.isinf(start).all(axis=1) | np.isinf(opens).all(axis=1)
    return np.where(unknown, np.nan, minutes / 60)


def _minutes_of_week(windows: Array) -> tuple[Array, Array]:
    """Start and end of windows (n, k, 3) since Monday began; a missing one lasts less than nothing.

    No window passes midnight, so that those of different days never overlap.
    """
    day = windows[..., 0] * MINUTES_A_DAY
    start, end = day + windows[..., 1], day + windows[..., 2]
    missing = np.isnan(start)
    return np.where(missing, np.inf, start), np.where(missing, -np.inf, end)


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
    """Root mean squared distance over the fields both answered."""
    one, other = _pairs(client, clinician)
    return np.sqrt(known_mean((one - other) ** 2))


def profile_product(client: Side, clinician: Side) -> Array:
    """Mean product over the fields both answered, each centred to -1..1."""
    one, other = _pairs(client, clinician)
    return known_mean((2 * one - 1) * (2 * other - 1))


def profile_correlation(client: Side, clinician: Side) -> Array:
    """Correlation over the fields both answered; missing where either does not vary."""
    one, other = _pairs(client, clinician)
    unknown = np.isnan(one) | np.isnan(other)
    one, other = (np.where(unknown, np.nan, side) for side in (one, other))
    one, other = (side - known_mean(side)[:, None] for side in (one, other))
    interval = np.sqrt(known_mean(one**2) * known_mean(other**2))
    return known_mean(one * other) / np.where(interval > NO_SPREAD, interval, np.nan)
