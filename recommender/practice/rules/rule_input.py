"""The input of a rule, and the three-valued logic of verdicts: 1 pass, 0 fail, NaN unknown.

A roster's columns are computed once in the form rules read fastest: tags are packed into bits, so
that a rule about them is one operation a clinician; places are points on the unit sphere; lists of
ids are indexed.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from dataclasses import field as attribute
from datetime import date
from functools import reduce
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recommender.practice.columns import Columns
from recommender.practice.comparisons import EARTH_KM
from recommender.practice.fields import Field
from recommender.practice.funding import FundingRows
from recommender.practice.rules.first_session import FirstSession, earliest_day, first_sessions
from recommender.values.bounded_store import store_bounded

Array = NDArray[np.float64]
Flags = NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False)
class MeetingWay:
    """One way of meeting for one client.

    Attributes
    ----------
    shared : (n,)
        Whether the client accepts it and each clinician may offer it.
    reach
        By the clinician's field of rooms, whether open hours in a room count, (n, rooms + 2), by
        the number of the room; 0 stands for every room, the last for one that is not the
        clinician's. Every room of a field that is not there counts.
    """

    shared: Flags
    reach: Mapping[str, Flags] = attribute(default_factory=dict)


@dataclass(frozen=True, slots=True)
class RequestContext:
    """What a request gives to every rule: its day, its people, and what the practice declares.

    `day` is in the practice's `timezone`, which also is that of people without an own zone.
    `client_id` is None if the practice has none yet; `clinician_ids` are in the order of the
    roster's rows. `ways` are the ways of meeting, where open hours depend on them or on rooms; ""
    stands for meeting as such where the practice has no ways.
    """

    day: date
    client_id: str | None
    clinician_ids: tuple[str, ...]
    timezone: str
    funding: FundingRows
    client: Mapping[str, Field]
    clinician: Mapping[str, Field]
    first_session: FirstSession = attribute(default_factory=FirstSession)
    ways: Mapping[str, MeetingWay] = attribute(default_factory=dict)


@dataclass(frozen=True, slots=True)
class RuleInput:
    """The input of one rule for one client and one roster.

    Attributes
    ----------
    client, clinician
        One encoded array a field: one row for the client, n for the clinicians. If a rule compares
        levels, the client's are already in the clinician's order.
    client_fields, clinician_fields
        Their declarations; a constant of the definition takes the place of the client's.
    intake, roster
        All answers of the client, and of the clinicians.
    session
        Minutes of one session; NaN if the client should have stated it and did not.
    unasked
        Whether a client who did not answer passes (`pass`) or is unknown (`unknown`).
    about
        Ways of meeting the constraint is about; empty for all.
    open_rooms
        The rooms in which there is a time for the client, (n, rooms); None where that is not known.
    """

    client: tuple[NDArray[Any], ...]
    clinician: tuple[NDArray[Any], ...]
    client_fields: tuple[Field, ...]
    clinician_fields: tuple[Field, ...]
    intake: Columns
    roster: Columns
    session: float
    settings: Mapping[str, Any]
    unasked: str
    context: RequestContext
    about: tuple[str, ...] = ()
    open_rooms: Flags | None = None

    @property
    def earliest(self) -> float:
        """The day asked or the client's wished day, the later one, in days from 1970-01-01."""
        return earliest_day(self.context.first_session, self.intake, self.context.day)

    @property
    def first_sessions(self) -> Array:
        """The first possible session with each clinician, (n,), in days from 1970-01-01."""
        return first_sessions(self.context.first_session, self.roster, self.earliest)

    def of_client(self, setting: str) -> NDArray[Any] | None:
        """The client's answer to the field a setting names; None where it names none."""
        name = self.settings.get(setting)
        return None if name is None else self.intake[name]

    def of_clinicians(self, setting: str) -> NDArray[Any] | None:
        """The clinicians' values of the field a setting names; None where it names none."""
        name = self.settings.get(setting)
        return None if name is None else self.roster[name]


def both(one: Array, other: Array) -> Array:
    """Passes where both pass, fails where either fails, else unknown (Kleene's strong logic)."""
    return np.where((one == 0) | (other == 0), 0.0, one * other)


def either(one: Array, other: Array) -> Array:
    """Passes where either passes, fails where both fail, else unknown (Kleene's strong logic)."""
    return np.where((one == 1) | (other == 1), 1.0, one + other)


def settled(passes: Flags, *needed: Array) -> Array:
    """The verdict as numbers, NaN where anything needed is NaN."""
    unknown = reduce(np.logical_or, [np.isnan(part) for part in needed])
    return np.where(unknown, np.nan, passes.astype(float))


def no_more_than(low: Array, high: Array) -> Array:
    """Whether `low` is at most `high`; unknown where either is."""
    return settled(low <= high, low, high)


Words = NDArray[np.uint64]

WORD = 64


@dataclass(frozen=True, slots=True, eq=False)
class Bitsets:
    """Tags of n people.

    Attributes
    ----------
    words : (levels / 64, n)
        Level `l` is bit `l % 64` of word `l // 64`; no bit is set where the tags are missing.
    known : (n,)
        Whether the tags are known; an empty list is known.
    complete
        Whether the tags of everyone are known.
    """

    words: Words
    known: Flags
    complete: bool

    def has(self, level: int) -> Flags:
        """Whether each is known to have a level, (n,)."""
        word, bit = divmod(level, WORD)
        return np.asarray((self.words[word] >> np.uint64(bit)) & np.uint64(1) != 0)

    def may_have(self, level: int) -> Flags:
        """Whether each has a level or unknown tags, (n,)."""
        return self.has(level) if self.complete else self.has(level) | ~self.known

    def settled(self, passes: Flags) -> Array:
        """The verdict as numbers, NaN where the tags are unknown."""
        if self.complete:
            return passes.astype(np.float64)
        return np.where(self.known, passes, np.nan)


def bitsets_in(columns: Columns, name: str) -> Bitsets:
    """The packed tags of a column."""

    def packed() -> Bitsets:
        tags = columns[name]
        known = np.asarray(~np.isnan(tags[:, 0]))
        return Bitsets(_packed(tags > 0), known, bool(known.all()))

    return columns.view(("bits", name), packed)


def words_of(tags: NDArray[np.bool_]) -> Words:
    """One person's tags as words, (levels / 64,)."""
    return _packed(tags[None, :])[:, 0]


def _packed(tags: NDArray[np.bool_]) -> Words:
    packed = np.packbits(tags, axis=1, bitorder="little")
    count = -(-tags.shape[1] // WORD)
    padded = np.zeros((len(tags), count * WORD // 8), dtype=np.uint8)
    padded[:, : packed.shape[1]] = packed
    # The first level is the lowest bit of the first byte, on any machine.
    return np.ascontiguousarray(padded.view("<u8").astype(np.uint64, copy=False).T)


@dataclass(frozen=True, slots=True)
class IdIndex:
    """The rows of a column of lists that name each id, and the rows that name any."""

    of: Mapping[str, list[int]]
    rows: list[int]


def id_index_in(columns: Columns, name: str) -> IdIndex:
    """The index of a column of ids."""
    return columns.view(("ids", name), lambda: _index_of(columns[name]))


def _index_of(lists: Iterable[tuple[str, ...] | None]) -> IdIndex:
    of: dict[str, list[int]] = {}
    rows = []
    for row, named in enumerate(lists):
        rows += [row] if named else []
        for each in named or ():
            of.setdefault(each, []).append(row)
    return IdIndex(of, rows)


def rows_of(columns: Columns, ids: tuple[str, ...], named: Iterable[str]) -> list[int]:
    """Rows of some ids among those of the columns' rows."""
    places = columns.view("places", lambda: _index_of((each,) for each in ids))
    return [row for each in named for row in places.of.get(each, ())]


def nearest_km_in(columns: Columns, name: str, places: Array) -> Array:
    """Great-circle km from one person's places (k, 2) to the nearest of each one's, (n,)."""
    return _distances_in(columns, name, places)[0]


def room_km_in(columns: Columns, name: str, places: Array) -> Array:
    """Great-circle km from the nearest of one person's places (k, 2) to each place, (n, places).

    The angle is computed from the chord between points of the unit sphere, which is exact at short
    distances.
    """
    return _distances_in(columns, name, places)[1]


def room_km_at(columns: Columns, name: str, places: Array, rows: NDArray[np.intp]) -> Array:
    """`room_km_in` for a few rows, (k, places): nothing is stored, and nobody else is computed."""
    home = places[~np.isnan(places[:, 0])]
    stored = _stored_distances(columns, name).get(home.tobytes())
    if stored is not None:
        return stored[1][rows]
    return _km(_apart(_points_in(columns, name)[:, :, rows], _on_sphere(home))).T


MAX_HOMES = 16
"""Clients whose distances are stored with a roster: one request reads them several times."""


def _distances_in(columns: Columns, name: str, places: Array) -> tuple[Array, Array]:
    """Great-circle km to the nearest place of each one, (n,), and to each place, (n, places)."""
    home, stored = places[~np.isnan(places[:, 0])], _stored_distances(columns, name)
    key = home.tobytes()
    found = stored.get(key)
    if found is None:
        km = _km(_apart(_points_in(columns, name), _on_sphere(home)))
        nearest = np.fmin.reduce(km, axis=0, initial=np.nan)
        found = store_bounded(stored, key, (nearest, np.ascontiguousarray(km.T)), MAX_HOMES)
    return found


def _stored_distances(columns: Columns, name: str) -> dict[bytes, tuple[Array, Array]]:
    """`_distances_in` of the clients asked about last, by their places."""
    return columns.view(("distances", name), dict)


ROUNDING = 1e-12
"""More than what rounding does to the cosine of an angle between places."""


def places_within(columns: Columns, name: str, homes: Array, most: Array, detour: float) -> Flags:
    """Whether each place is within some kilometres of the nearest of C people's, (places, C, n).

    `detour` times `room_km_in` is at most `most`, (C,), with the digits of that; `homes` (C, k, 2).
    Unknown places are not.
    """
    points, own = _points_in(columns, name), _on_sphere(homes)
    cosine = np.full((len(points), len(homes), columns.size), -np.inf)
    for home in np.moveaxis(own, 1, 0):
        np.fmax(cosine, home @ points, out=cosine)
    limit = np.cos(np.clip(most / (EARTH_KM * detour), 0.0, np.pi))[:, None]
    within = cosine >= limit + ROUNDING
    place, person, row = ((cosine >= limit - ROUNDING) & ~within).nonzero()
    if len(place):
        parts = (points[place, :, row][:, None] - own[person]) ** 2
        apart = parts[..., 0] + parts[..., 1]
        apart += parts[..., 2]
        km = _km(np.fmin.reduce(apart, axis=1)) * detour
        within[place, person, row] = km <= most[person]
    return np.asarray(within)


def _points_in(columns: Columns, name: str) -> Array:
    return columns.view(("points", name), lambda: _points_of(columns[name]))


def _apart(points: Array, homes: Array) -> Array:
    """Square of the chord from points (places, 3, n) to the nearest of others (k, 3), (places, n).

    They are points of the unit sphere; NaN where either is unknown.
    """
    nearest = np.full((len(points), points.shape[2]), np.nan)
    for home in homes:
        parts = (points - home[:, None]) ** 2
        apart = parts[:, 0] + parts[:, 1]
        apart += parts[:, 2]
        np.fmin(nearest, apart, out=nearest)
    return nearest


def _km(apart: Array) -> Array:
    return np.asarray(2 * EARTH_KM * np.arcsin(np.minimum(np.sqrt(apart) / 2, 1.0)))


def _points_of(places: Array) -> Array:
    """Places of n people on the unit sphere, (largest number of places, 3, n)."""
    return np.ascontiguousarray(np.moveaxis(_on_sphere(places), 0, -1))


def _on_sphere(places: Array) -> Array:
    """Latitudes and longitudes, (..., 2), as points of the unit sphere, (..., 3)."""
    angles = np.radians(places)
    latitude, longitude = angles[..., 0], angles[..., 1]
    across = np.cos(latitude)
    points = np.empty((*latitude.shape, 3))
    points[..., 0] = across * np.cos(longitude)
    points[..., 1] = across * np.sin(longitude)
    points[..., 2] = np.sin(latitude)
    return points
