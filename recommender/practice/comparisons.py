"""Comparisons of a client and a clinician over whole arrays, and how each side is prepared.

Each side is prepared alone, from one array a field, rows first; a comparison of two prepared sides
returns (n,). The client's side may have one row for all n clinicians. A missing answer on either
side gives NaN.
"""

from collections.abc import Sequence

import numpy as np

from recommender.practice.sums import Array, known_mean

Side = Sequence[Array]
Prepared = tuple[Array, ...]
"""One side as it is compared, rows first."""

EARTH_KM = 6371.0088
"""Mean Earth radius (IUGG)."""
MINUTES_A_DAY = 1440
CHUNK_ROWS = 256
"""Pairs whose openings and free windows are compared at once: their arrays stay in a processor's
cache."""
EVERY = 5
"""Place of the weeks between two openings in an encoded window of an availability."""
MIN_VARIANCE = 1e-12
"""A profile on 0 to 1 with a smaller variance is flat; what varies in it is rounding."""


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


def equal_weighted(client: Prepared, clinician: Prepared) -> Array:
    """1 if both have the same level, times how much it matters to the client on 0 to 1; else 0.

    The weight is the client's second field, as ipsative preference scales are scored: a match on
    what does not matter is worth nothing (Edwards 1993, Personnel Psychology 46:641, on weighted
    congruence).
    """
    return np.asarray(equal(client, clinician) * client[1])


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


def both_parts(client: Prepared, clinician: Prepared) -> Array:
    """Product of what either side says is multiplied."""
    return np.asarray(client[0] * clinician[0])


def stress(client: Prepared, clinician: Prepared) -> Array:
    """Distance times how far the wish is from the middle, so that a strong wish counts more."""
    return np.abs(2 * client[0] - 1) * np.abs(client[0] - clinician[0])


def excess(client: Prepared, clinician: Prepared) -> Array:
    """Amount by which the clinician's value exceeds the client's, in the unit of both."""
    return np.maximum(clinician[0] - client[0], 0.0)


def haversine_km(one: Array, other: Array) -> Array:
    """Great-circle distance in km between latitude-longitude pairs on the last axis."""
    return km_apart(on_sphere([one]), on_sphere([other]))


def on_sphere(side: Side) -> Prepared:
    """Latitude and longitude in radians, and the cosine of the latitude."""
    angles = np.radians(side[0])
    latitude, longitude = angles[..., 0], angles[..., 1]
    return latitude, longitude, np.asarray(np.cos(latitude))


def km_apart(one: Prepared, other: Prepared) -> Array:
    """The haversine formula (Sinnott 1984), on a sphere of the mean Earth radius."""
    (lat1, lon1, cos1), (lat2, lon2, cos2) = one, other
    chord = np.sin((lat2 - lat1) / 2) ** 2
    chord = chord + cos1 * cos2 * np.sin((lon2 - lon1) / 2) ** 2
    return np.asarray(2 * EARTH_KM * np.arcsin(np.sqrt(np.minimum(chord, 1.0))))


def kilometres(client: Prepared, clinician: Prepared) -> Array:
    """Shortest great-circle distance between the places of both, in km."""
    ours = tuple(part[:, :, None] for part in client)
    apart = km_apart(ours, tuple(part[:, None, :] for part in clinician))
    # The smallest that is known, and NaN where none is.
    return np.asarray(np.fmin.reduce(apart, axis=(1, 2)))


def hours_shared(client: Prepared, clinician: Prepared) -> Array:
    """Hours a week that suit both, those of alternate weeks on average.

    Rooms and ways of meeting do not count here; a time open in two rooms counts once.
    """
    (start, end, _, silent), (opens, closes, weeks, unknown) = client, clinician
    minutes = np.zeros(np.broadcast_shapes(silent.shape, unknown.shape))
    # The client's windows first: sums over the first axis are several times faster.
    start, end = (np.ascontiguousarray(part.T)[:, :, None] for part in (start, end))
    for at in range(0, len(minutes), CHUNK_ROWS):
        some = slice(at, at + CHUNK_ROWS)
        own = some if len(silent) > 1 else slice(None)
        first = np.maximum(start[:, own], opens[some])
        last = np.minimum(end[:, own], closes[some])
        last -= first
        shared = np.maximum(last, 0.0, out=last).sum(axis=0)
        minutes[some] = (shared / weeks[some]).sum(axis=1)
    return np.where((silent > 0) | (unknown > 0), np.nan, minutes / 60)


def minutes_of_week(side: Side) -> Prepared:
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


def profile(side: Side) -> Prepared:
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
