"""Open hours of the clinicians of a roster, by way of meeting and by the rooms that count.

They depend on a client by these ways and rooms alone, so that requests share them.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from recommender.practice.columns import Columns
from recommender.practice.fields import Field
from recommender.practice.row_checks import WAYS, rooms_of
from recommender.recommendation.open_intervals import LAID_OUT, WeeklyHours
from recommender.values.bounded_store import store_bounded
from recommender.values.kinds import EPOCH

MAX_HOURS = 20_000
"""Hours of equal terms, sets of those of a way, and by way, that are stored with a roster, about
300 bytes each."""

MAX_OPENED = 2_000
"""Clinicians whose windows are stored as they are read, about 1.5 kB each."""

Hours = tuple[WeeklyHours, ...]
"""Open hours of one clinician, by room and weeks."""
HoursByWay = tuple[tuple[tuple[str, ...], Hours], ...]
Reach = NDArray[np.bool_] | bool
"""Whether hours count by clinician and number of the room, as in `MeetingWay`; True where they
count in every room, and False where no distance matters."""


class ClinicianHours:
    """The open hours of each clinician of a roster; a row is a place in the columns.

    Parameters
    ----------
    field
        The field of open hours.
    absences
        The field of absences, if there is one.
    """

    def __init__(self, columns: Columns, field: Field, absences: str | None) -> None:
        self.field, self._columns, self._absences = field, columns, absences
        self._stored: dict[Any, Hours] = {}
        self._opened: dict[int, _Opened] = {}
        self._weekly: dict[Any, WeeklyHours] = {}
        self._stored_by_way: dict[Any, HoursByWay] = {}

    @cached_property
    def recorded(self) -> Sequence[bool]:
        """Whether the hours of each clinician are recorded."""
        # Missing is NaN throughout the row.
        recorded: list[bool] = (~np.isnan(self._columns[self.field.name][:, 0, 0])).tolist()
        return recorded

    def by_way(
        self, row: int, zone: str, ways: tuple[str, ...], reach: Sequence[Reach]
    ) -> HoursByWay:
        """Ways of meeting with the same open hours, and these hours; none that are not recorded.

        Parameters
        ----------
        zone
            The zone of the hours.
        ways
            The ways of meeting that count; none for meeting as such.
        reach
            The rooms that count in each of them, or for meeting as such.
        """
        key = row, zone, ways, *[e if isinstance(e, bool) else e[row].tobytes() for e in reach]
        found = self._stored_by_way.get(key)
        if found is None:
            same: dict[Hours, list[str]] = {}
            if self.recorded[row]:
                for way, rooms in zip(ways or (None,), reach, strict=True):
                    same.setdefault(self.of(row, zone, way, rooms), []).append(way or "")
            recorded = ((those, hours) for hours, those in same.items() if hours)
            found = tuple((tuple(filter(None, those)), hours) for those, hours in recorded)
            store_bounded(self._stored_by_way, key, found, MAX_HOURS)
        return found

    def of(self, row: int, zone: str, way: str | None, reach: Reach) -> Hours:
        """One clinician's open hours in a way of meeting, in rooms within reach, by terms."""
        way = way if self._names_ways[row] else None
        near = self._near(row, reach)
        key = row, zone, way, near
        hours = self._stored.get(key)
        if hours is None:
            hours = tuple(self._of_way(row, zone, way, near))
            store_bounded(self._stored, key, hours, MAX_HOURS)
        return hours

    def prepare(self, zones: Sequence[str], origin: datetime) -> None:
        """Computes the hours of each clinician for clients to whom no room is too far.

        Parameters
        ----------
        zones
            The zone of each clinician's hours.
        origin
            The midnight UTC of the day for which they are laid out.
        """
        levels = self.field.levels
        for row, zone in enumerate(zones):
            if self.recorded[row]:
                for way in levels if self._names_ways[row] else (None,):
                    for reach in (False, True):
                        for hours in self.of(row, zone, way, reach):
                            hours.spans(origin, LAID_OUT[0])

    def _of_way(
        self, row: int, zone: str, way: str | None, near: tuple[bool, ...]
    ) -> Iterator[WeeklyHours]:
        field = self.field
        opened = self._opened_in(row)
        counts = dict(enumerate(near, start=1))
        by_terms: dict[tuple[int, int, int], list[tuple[int, int, int]]] = {}
        for weekday, start, end, room, ways, every, anchor in opened.windows:
            if _is_for(field, ways, way) and counts.get(room, True):
                terms = room, max(every, 1), anchor + EPOCH if every > 1 else 0
                by_terms.setdefault(terms, []).append((weekday, start, end))
        for (room, every, anchor), own in by_terms.items():
            only = near.index(True) + 1 if room == 0 and near.count(True) == 1 else 0
            number = room if room in counts else only
            key = row, zone, tuple(own), every, anchor
            weekly = self._weekly.get(key)
            if weekly is None:
                weekly = WeeklyHours(zone, tuple(own), every, anchor, opened.away)
                store_bounded(self._weekly, key, weekly, MAX_HOURS)
            yield weekly.in_room(number)

    def _opened_in(self, row: int) -> "_Opened":
        opened = self._opened.get(row)
        if opened is None:
            away = absences_of(self._columns, self._absences, row)
            opened = _Opened(tuple(self._windows(row)), away)
            store_bounded(self._opened, row, opened, MAX_OPENED)
        return opened

    def _windows(self, row: int) -> Iterator[tuple[int, ...]]:
        windows = self._columns[self.field.name][row].tolist()
        if self.field.kind != "availability":
            windows = [(*window, 0, 0, 0, 0) for window in windows]
        rooms = [0] * len(windows) if self._rooms is None else self._rooms[row].tolist()
        for (weekday, start, end, _, *terms), room in zip(windows, rooms, strict=True):
            parts = weekday, start, end, room, *terms
            total = sum(parts)
            if total == total:
                yield tuple(map(int, parts))

    @cached_property
    def _rooms(self) -> NDArray[np.int16] | None:
        """The number of the room of each window, (n, windows); None without rooms."""
        if self.field.rooms is None:
            return None
        windows, places = self._columns[self.field.name], self._columns[self.field.rooms]
        return rooms_of(windows, places, self.field).astype(np.int16)

    @cached_property
    def _names_ways(self) -> Sequence[bool]:
        """Whether any hours of each clinician are for some ways of meeting only."""
        if self.field.kind != "availability":
            return [False] * self._columns.size
        windows = self._columns[self.field.name]
        names: list[bool] = np.asarray((windows[..., WAYS] > 0).any(axis=1)).tolist()
        return names

    def _near(self, row: int, reach: Reach) -> tuple[bool, ...]:
        """Whether hours count in each room of one clinician; empty where no distance matters."""
        if reach is False or self.field.rooms is None:
            return ()
        count = self._number_of_rooms[row]
        return (True,) * count if reach is True else tuple(reach[row, 1 : 1 + count].tolist())

    @cached_property
    def _number_of_rooms(self) -> Sequence[int]:
        places = self._columns[str(self.field.rooms)]
        numbers: list[int] = (~np.isnan(places[:, :, 0])).sum(axis=1).tolist()
        return numbers


class _Opened(NamedTuple):
    """When one clinician is there.

    `windows` are as encoded, see `recommender.values.kinds`, but with the number of the room;
    `away` are the `absences_of`.
    """

    windows: tuple[tuple[int, ...], ...]
    away: tuple[tuple[int, int], ...]


def hours_in(columns: Columns, field: Field, absences: str | None) -> ClinicianHours:
    """The open hours of a roster's clinicians, stored with its columns."""
    key = "clinician hours", field.name, field.rooms, absences
    return columns.view(key, lambda: ClinicianHours(columns, field, absences))


def absences_of(columns: Columns, name: str | None, row: int) -> tuple[tuple[int, int], ...]:
    """First days of one clinician's absences and the days after the last, as ordinals.

    `name` is the field that lists them, if there is one.
    """
    if name is None:
        return ()
    days = columns[name][row].tolist()
    return tuple(
        [(int(first) + EPOCH, int(after) + EPOCH) for first, after in days if first == first]
    )


def _is_for(field: Field, ways: int, way: str | None) -> bool:
    """Whether hours for some ways of meeting, as in `values.kinds`, are for one of them."""
    if not ways or way is None or way not in field.levels:
        return True
    return bool(ways >> field.levels.index(way) & 1)
