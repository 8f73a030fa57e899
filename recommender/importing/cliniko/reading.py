"""Reads lists of Cliniko into the state: what changed since the last pass, or all of it.

Small lists are read whole every time, so that a deleted record is missed at once. Appointments and
unavailable blocks are read by `updated_at`; records that were archived or cancelled are asked for
(`archived_at:*`, *Filtering results* of Cliniko's documentation). With that filter no record leaves
a list while it is paged through, so that none is passed over.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from recommender.errors import RecommenderError
from recommender.importing.cliniko.client import PAGE_SIZE, ClinikoClient
from recommender.importing.cliniko.records import records_in
from recommender.importing.cliniko.state_file import SyncState

OVERLAP = timedelta(minutes=5)
"""Before the start of the last pass, from which changes are read again: records whose transaction
had not ended when they were read."""
LONGEST_PASS = timedelta(hours=6)
"""An interrupted pass that began longer ago is begun anew."""
READINGS = 4
"""Times that a list is begun while it loses records."""
PASS, PASS_BEGAN, PASS_IS_FULL = "pass", "pass_began", "pass_is_full"
LAST_BEGAN, LAST_FULL = "last_began", "last_full"

ReadRecord = Callable[[Any], tuple[str, Mapping[str, Any] | None]]
"""The id of a record and what is stored of it; None for one that no longer counts."""


@dataclass(frozen=True, slots=True)
class SourceList:
    """A list of Cliniko.

    Attributes
    ----------
    name
        Its name in the state.
    path
        Its address below the base.
    key
        The member of an answer that holds its records.
    read
        Reads one record.
    filters, full_filters
        Filters that are always sent, and those that are sent where all of the list is read.
    incremental
        Whether only changes are read, except in a full pass.
    may_lack
        Whether the list may not exist (404), and is empty then.
    """

    name: str
    path: str
    key: str
    read: ReadRecord
    filters: tuple[str, ...] = ()
    full_filters: tuple[str, ...] = ()
    incremental: bool = False
    may_lack: bool = False


@dataclass(slots=True)
class ReadCounts:
    """Pages and records that a run read, and whether it continued an interrupted one."""

    pages: int = 0
    records: int = 0
    resumed: bool = False
    full: bool = False


@dataclass(frozen=True, slots=True)
class PassNumber:
    """The pass under way: its number, when it began, since when changes are read (None: all)."""

    number: int
    began: datetime
    since: datetime | None


def begin_pass(
    state: SyncState, now: datetime, counts: ReadCounts, *, full: bool, full_pass: timedelta
) -> PassNumber:
    """The pass to continue, or a new one.

    Parameters
    ----------
    now
        The time by Cliniko's clock, before anything is read.
    full
        Whether all records are to be read.
    full_pass
        Age of the last full pass from which the next is due.
    """
    number, began = int(state.fact(PASS) or 0), _moment(state, PASS_BEGAN)
    is_full = state.fact(PASS_IS_FULL) == "yes"
    counts.resumed = began is not None and now - began < LONGEST_PASS and (is_full or not full)
    if began is None or not counts.resumed:
        last_full = _moment(state, LAST_FULL)
        is_full = full or last_full is None or now - last_full >= full_pass
        number, began = number + 1, now
        with state.writing():
            state.clear_places()
            state.set_fact(PASS, str(number))
            state.set_fact(PASS_BEGAN, began.isoformat())
            state.set_fact(PASS_IS_FULL, "yes" if is_full else "no")
    counts.full = is_full
    last = _moment(state, LAST_BEGAN)
    return PassNumber(number, began, None if is_full or last is None else last - OVERLAP)


def end_pass(state: SyncState, under_way: PassNumber) -> None:
    """Records that everything of a pass was read."""
    with state.writing():
        state.set_fact(LAST_BEGAN, under_way.began.isoformat())
        if under_way.since is None:
            state.set_fact(LAST_FULL, under_way.began.isoformat())
        state.set_fact(PASS_BEGAN, None)
        state.clear_places()


def read_lists(
    client: ClinikoClient,
    state: SyncState,
    under_way: PassNumber,
    lists: Iterable[SourceList],
    counts: ReadCounts,
) -> None:
    """Reads lists from where the pass stopped; each page is stored before the next is asked for."""
    for each in lists:
        for _ in range(READINGS):
            if _read_list(client, state, under_way, each, counts):
                break
            with state.writing():
                state.clear_place(each.name)
        else:
            problem = f"has {each.key} that change faster than they are read"
            raise RecommenderError(
                "Cliniko", problem, "run the same command again, when less is on"
            )


def _read_list(
    client: ClinikoClient,
    state: SyncState,
    under_way: PassNumber,
    source: SourceList,
    counts: ReadCounts,
) -> bool:
    """Reads the rest of a list; false where it lost records meanwhile.

    A record that leaves a list moves later ones to earlier pages, where one may be passed over.
    """
    since = under_way.since if source.incremental else None
    place = state.place(source.name)
    if place is not None and place.finished:
        return True
    address: str | None = client.first_page(source.path) if place is None else place.next
    while address is not None:
        parameters = _parameters(source, since) if place is None else ()
        page = client.page(address, parameters, may_lack=source.may_lack)
        if place is not None and _is_shorter(page.total, place.total):
            return False
        records = records_in(page.content, source.key) if page.content else []
        found = [source.read(record) for record in records]
        counting = [(name, body) for name, body in found if body is not None]
        with state.writing():
            state.put(source.name, counting, under_way.number)
            state.remove(source.name, (name for name, body in found if body is None))
            if page.next is None and since is None:
                state.remove_unseen(source.name, under_way.number)
            state.set_place(source.name, page.next, page.total)
        counts.pages += 1
        counts.records += len(found)
        address, place = page.next, state.place(source.name)
    return True


def _parameters(source: SourceList, since: datetime | None) -> list[tuple[str, str]]:
    changed = source.full_filters if since is None else (f"updated_at:>={utc_text(since)}",)
    filters = [("q[]", text) for text in (*source.filters, *changed)]
    return [*filters, ("per_page", str(PAGE_SIZE))]


def _is_shorter(total: int | None, before: int | None) -> bool:
    return total is not None and before is not None and total < before


def _moment(state: SyncState, name: str) -> datetime | None:
    text = state.fact(name)
    return None if text is None else datetime.fromisoformat(text)


def utc_text(moment: datetime) -> str:
    """A time in UTC as filters take it."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
