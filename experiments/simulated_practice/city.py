"""Places and times of the invented practice: suburbs of Sydney, parts of a week."""

import numpy as np
from numpy.typing import NDArray

from experiments.simulated_practice.draws import Array, Random

SUBURBS: Array = np.array(
    [
        (-33.884, 151.207),  # Surry Hills
        (-33.898, 151.179),  # Newtown
        (-33.815, 151.003),  # Parramatta
        (-33.797, 151.184),  # Chatswood
        (-33.891, 151.250),  # Bondi Junction
        (-33.965, 151.103),  # Hurstville
        (-33.919, 151.035),  # Bankstown
        (-33.921, 150.923),  # Liverpool
        (-33.768, 150.906),  # Blacktown
        (-33.751, 150.694),  # Penrith
        (-33.796, 151.285),  # Manly
        (-34.035, 151.057),  # Sutherland
        (-33.703, 151.099),  # Hornsby
        (-33.877, 151.104),  # Burwood
        (-34.065, 150.814),  # Campbelltown
        (-33.839, 151.208),  # North Sydney
    ]
)
"""Latitude and longitude of suburb centres, (suburbs, 2)."""

DETOUR = 1.3
"""Road over straight line."""

EARTH_KM = 6371.0

_DAYS = ("mon", "tue", "wed", "thu", "fri")
_PARTS = (
    (9 * 60, 12 * 60 + 30, False),
    (13 * 60, 17 * 60, False),
    (17 * 60, 20 * 60, True),
)
WINDOWS: tuple[tuple[int, int, int, bool], ...] = (
    *((day, *part) for day in range(len(_DAYS)) for part in _PARTS),
    (5, 9 * 60, 13 * 60, True),
)
"""Day (0 = Monday), start and end minute, and whether it is out of office hours."""

AFTER_HOURS: NDArray[np.bool_] = np.array([window[3] for window in WINDOWS])


def near_suburbs(rng: Random, suburbs: NDArray[np.intp], interval: float) -> Array:
    """A point near each suburb's centre, rounded to about 100 m, (n, 1, 2)."""
    points = SUBURBS[suburbs] + rng.normal(0.0, interval, (len(suburbs), 2))
    return np.round(points, 3)[:, None, :]


def road_km(homes: Array, rooms: Array) -> Array:
    """Kilometres by road from each home to the nearest room, (homes, clinicians).

    Great circle (haversine) times `DETOUR`; a missing place gives NaN.
    """
    start = np.radians(homes[:, :1, :])
    nearest = np.full((len(homes), len(rooms)), np.inf)
    for place in range(rooms.shape[1]):
        end = np.radians(rooms[None, :, place, :])
        half = np.sin((end - start) / 2) ** 2
        curve = half[..., 0] + np.cos(start[..., 0]) * np.cos(end[..., 0]) * half[..., 1]
        km = 2 * EARTH_KM * np.arcsin(np.sqrt(curve)) * DETOUR
        nearest = np.fmin(nearest, km)
    nearest[np.isinf(nearest)] = np.nan
    return nearest


def weekly_windows(rng: Random, day: float | Array, after: Array, size: int) -> Array:
    """Which of `WINDOWS` are open, (size, windows) of 0 and 1, each row with at least one.

    Parameters
    ----------
    day
        Probability of each window in office hours.
    after
        Probability of each window out of office hours, (size,).
    """
    chance = np.where(AFTER_HOURS, after[:, None], np.asarray(day))
    open_ = rng.random((size, len(WINDOWS))) < chance
    none = ~open_.any(axis=1)
    open_[none, rng.integers(len(WINDOWS), size=size)[none]] = True
    return open_.astype(np.float64)


def window_text(window: tuple[int, int, int, bool]) -> str:
    """A window as it stands in a table: `mon 09:00-12:30`."""
    day, start, end, _ = window
    names = (*_DAYS, "sat", "sun")
    return f"{names[day]} {start // 60:02d}:{start % 60:02d}-{end // 60:02d}:{end % 60:02d}"
