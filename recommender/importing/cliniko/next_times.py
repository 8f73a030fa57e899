"""The next free times for first sessions, as Cliniko's online bookings offer them.

Source: Cliniko API documentation, *Available Times*: they respect the settings of online bookings,
and nothing is offered of what is not shown there.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from recommender.importing.cliniko.client import ClinikoClient
from recommender.importing.cliniko.directory import ClinikoDirectory
from recommender.importing.cliniko.mapping_sections import ClinikoMapping
from recommender.importing.cliniko.reading import PassNumber, ReadCounts
from recommender.importing.cliniko.records import ClinikoFreeTime, read_record, records_in
from recommender.importing.cliniko.state_file import SyncState

NEXT_TIMES, FREE_TIMES = "next_available_time", "available_times"
WEEKS = 6
"""Weeks in which free times of a first session are compared."""
WINDOW_DAYS = 7
"""Longest time frame of one request."""


@dataclass(frozen=True, slots=True, order=True)
class BookableSession:
    """A first session that can be booked online: who, where and as which type."""

    practitioner: str
    business: str
    appointment_type: str

    @property
    def key(self) -> str:
        """Its name in the state."""
        return f"{self.practitioner}/{self.business}/{self.appointment_type}"

    @property
    def path(self) -> str:
        """Its address below the base."""
        return (
            f"/businesses/{self.business}/practitioners/{self.practitioner}"
            f"/appointment_types/{self.appointment_type}"
        )


def bookable_sessions(
    mapping: ClinikoMapping, directory: ClinikoDirectory
) -> tuple[BookableSession, ...]:
    """First sessions of mapped practitioners that online bookings show, in order."""
    return tuple(
        BookableSession(each, business, kind)
        for each in sorted(mapping.practitioners)
        if each in directory.active and directory.active[each].show_in_online_bookings
        for business in directory.works_at(each)
        if business in mapping.businesses
        and business in directory.businesses
        and directory.businesses[business].show_in_online_bookings
        for kind in mapping.first_types
        if kind in directory.types
        and directory.types[kind].show_in_online_bookings
        and each in directory.offers.get(kind, ())
    )


def read_next_times(
    client: ClinikoClient,
    state: SyncState,
    under_way: PassNumber,
    sessions: Iterable[BookableSession],
    counts: ReadCounts,
) -> None:
    """Stores the next free time of each session, or that there is none."""
    for each in sessions:
        if state.has(NEXT_TIMES, each.key, under_way.number):
            continue
        address = client.first_page(f"{each.path}/next_available_time")
        # A record is found, or not, where no time is free.
        answer = client.get(address, may_lack=True)
        body: Mapping[str, Any] = {"start": None}
        if answer is not None and answer.get("appointment_start") is not None:
            body = {"start": _start_of(answer)}
        with state.writing():
            state.put(NEXT_TIMES, [(each.key, body)], under_way.number)
        counts.pages += 1
    with state.writing():
        state.remove_unseen(NEXT_TIMES, under_way.number)


def read_free_times(
    client: ClinikoClient,
    state: SyncState,
    under_way: PassNumber,
    sessions: Iterable[BookableSession],
    counts: ReadCounts,
    today: date,
) -> None:
    """Stores the free times of each session in `WEEKS` weeks from tomorrow.

    Cliniko refuses days before today in the account's zone, which may be ahead of the practice's.
    """
    for each in sessions:
        if state.has(FREE_TIMES, each.key, under_way.number):
            continue
        starts: list[str] = []
        for week in range(WEEKS):
            first = today + timedelta(days=1 + WINDOW_DAYS * week)
            last = first + timedelta(days=WINDOW_DAYS - 1)
            frame = (("from", str(first)), ("to", str(last)))
            for page in client.pages(f"{each.path}/available_times", frame):
                starts += map(_start_of, records_in(page.content, FREE_TIMES))
                counts.pages += 1
        with state.writing():
            state.put(FREE_TIMES, [(each.key, {"starts": starts})], under_way.number)
    with state.writing():
        state.remove_unseen(FREE_TIMES, under_way.number)


def _start_of(record: Any) -> str:
    return read_record(ClinikoFreeTime, record, FREE_TIMES).appointment_start.isoformat()


def next_days(
    state: SyncState, sessions: Iterable[BookableSession], zones: Mapping[str, ZoneInfo]
) -> dict[str, date | None]:
    """The day of the next free time of each practitioner who can be booked; None where none is.

    `zones` are the zones of the businesses: a day begins by their clock.
    """
    stored = dict(state.records(NEXT_TIMES))
    days: dict[str, date | None] = {}
    for each in sessions:
        body = stored.get(each.key)
        if body is None:
            continue
        start = body["start"]
        day = None if start is None else _local(start, zones[each.business]).date()
        before = days.get(each.practitioner)
        known = [one for one in (day, before) if one is not None]
        days[each.practitioner] = min(known) if known else None
    return days


def weeks_free(
    state: SyncState,
    sessions: Iterable[BookableSession],
    zones: Mapping[str, ZoneInfo],
    today: date,
) -> dict[str, int]:
    """In how many of the next weeks the same time of the week is free, for each practitioner.

    Of several times the one that is free in most weeks counts.
    """
    stored = dict(state.records(FREE_TIMES))
    weeks: dict[str, dict[tuple[int, str], set[int]]] = defaultdict(lambda: defaultdict(set))
    for each in sessions:
        if each.key not in stored:
            continue
        of_person = weeks[each.practitioner]
        for start in stored[each.key]["starts"]:
            moment = _local(start, zones[each.business])
            week = ((moment.date() - today).days - 1) // WINDOW_DAYS
            of_person[moment.weekday(), f"{moment:%H:%M}"].add(week)
    return {each: max(map(len, times.values()), default=0) for each, times in weeks.items()}


def _local(moment: str, zone: ZoneInfo) -> datetime:
    return datetime.fromisoformat(moment).astimezone(zone)
