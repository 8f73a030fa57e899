"""One synchronisation: reads what changed, then computes roster facts and pairings."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from zoneinfo import ZoneInfo

from recommender.errors import Fault, RecommenderError
from recommender.importing.cliniko.client import ClinikoClient
from recommender.importing.cliniko.directory import ClinikoDirectory, read_directory_of
from recommender.importing.cliniko.mapping_sections import ClinikoMapping
from recommender.importing.cliniko.next_times import (
    bookable_sessions,
    next_days,
    read_free_times,
    read_next_times,
    weeks_free,
)
from recommender.importing.cliniko.reading import (
    LAST_BEGAN,
    LAST_FULL,
    PASS_BEGAN,
    PassNumber,
    ReadCounts,
    begin_pass,
    end_pass,
    read_lists,
)
from recommender.importing.cliniko.roster_facts import (
    ClinikoFacts,
    RosterFacts,
    TimeFacts,
    business_zones,
)
from recommender.importing.cliniko.sessions import SessionRecords, session_records
from recommender.importing.cliniko.sources import APPOINTMENTS, directory_lists, lists_for
from recommender.importing.cliniko.state_file import SyncState
from recommender.importing.pseudonyms import Pseudonyms
from recommender.practice.definition import Practice

SCOPE, ADDRESS, KEY_CHECK = "scope", "address", "pseudonym_check"


@dataclass(frozen=True, slots=True)
class Synchronised:
    """What a synchronisation found.

    Attributes
    ----------
    facts
        By clinician id.
    sessions
        Pairings and caseload; None where appointments are not read.
    counts
        Pages and records that this run read.
    warnings
        What is probably not meant, and what Cliniko could not say.
    """

    facts: Mapping[str, ClinikoFacts]
    sessions: SessionRecords | None
    counts: ReadCounts
    warnings: tuple[Fault, ...]


@dataclass(frozen=True, slots=True)
class SyncTask:
    """What a synchronisation is for: mapping, definition, pseudonyms, and whether pairings."""

    mapping: ClinikoMapping
    practice: Practice
    pseudonyms: Pseudonyms
    pairings: bool

    @property
    def reads_sessions(self) -> bool:
        """Whether appointments are read."""
        return self.pairings or self.mapping.facts.caseload is not None


def synchronise(
    client: ClinikoClient, state: SyncState, task: SyncTask, *, address: str, full: bool
) -> Synchronised:
    """Reads what changed since the last synchronisation, or all, and computes what follows.

    Parameters
    ----------
    address
        Of the account; a state belongs to one.
    full
        Whether everything is read again.

    Raises
    ------
    RecommenderError
        When Cliniko does not answer properly, or the state belongs to another account or key. What
        was read until then is in the state.
    """
    _check_state(state, task, address)
    counts = ReadCounts()
    # The clock of the first answer: what changes from then on is read by the next pass.
    client.get(client.first_page("/businesses"), (("per_page", "1"),))
    now = client.server_time
    full = _rescope(state, task) or full
    age = timedelta(days=task.mapping.settings.full_pass_days)
    under_way = begin_pass(state, now, counts, full=full, full_pass=age)
    began = under_way.began
    lists = lists_for(task.mapping, task.pseudonyms, began, sessions=task.reads_sessions)
    read_lists(client, state, under_way, lists, counts)
    directory = read_directory_of(state)
    _check_directory(state, task.mapping, directory)
    times = _read_times(client, state, under_way, task, directory, counts)
    end_pass(state, under_way)
    zone = ZoneInfo(task.practice.timezone)
    sessions = None
    if task.reads_sessions:
        sessions = session_records(state, task.mapping, task.pseudonyms, began, zone)
        times = TimeFacts(times.next_days, times.weeks_free, sessions.caseload)
    roster = RosterFacts(task.mapping, task.practice, directory, began)
    facts = roster.collect(times)
    return Synchronised(
        facts, sessions, counts, roster.warnings + _session_warnings(task, sessions)
    )


def read_directory(client: ClinikoClient, state: SyncState) -> ClinikoDirectory:
    """Who and what Cliniko lists, for a first mapping."""
    counts = ReadCounts()
    client.get(client.first_page("/businesses"), (("per_page", "1"),))
    now = client.server_time
    under_way = begin_pass(state, now, counts, full=True, full_pass=timedelta(0))
    read_lists(client, state, under_way, directory_lists(), counts)
    return read_directory_of(state)


def _read_times(
    client: ClinikoClient,
    state: SyncState,
    under_way: PassNumber,
    task: SyncTask,
    directory: ClinikoDirectory,
    counts: ReadCounts,
) -> TimeFacts:
    zones = business_zones(task.mapping, task.practice, directory)
    sessions = [e for e in bookable_sessions(task.mapping, directory) if e.business in zones]
    today = under_way.began.astimezone(ZoneInfo(task.practice.timezone)).date()
    facts = task.mapping.facts
    if facts.next_available:
        read_next_times(client, state, under_way, sessions, counts)
    if facts.weeks_free:
        read_free_times(client, state, under_way, sessions, counts, today)
    return TimeFacts(
        next_days(state, sessions, zones) if facts.next_available else {},
        weeks_free(state, sessions, zones, today) if facts.weeks_free else {},
        None,
    )


def _check_directory(
    state: SyncState, mapping: ClinikoMapping, directory: ClinikoDirectory
) -> None:
    """Refuses an account that shows none of the mapped practitioners: all would become inactive."""
    if not set(mapping.practitioners) & {*directory.active, *directory.inactive}:
        with state.writing():
            # The next run reads the lists again: the key may be that of another user then.
            state.set_fact(PASS_BEGAN, None)
        problem = "lists none of the mapped practitioners"
        remedy = "correct [practitioners], or use the key of a user who may see everybody"
        raise RecommenderError("Cliniko", problem, remedy)


def _check_state(state: SyncState, task: SyncTask, address: str) -> None:
    check = task.pseudonyms.of("pairing", "the check of a state file")
    for name, value, problem, remedy in (
        (
            ADDRESS,
            address,
            "belongs to another account",
            "name another file with --state for each account",
        ),
        (
            KEY_CHECK,
            check,
            "has pseudonyms of another key",
            "restore the key file; with a new key name another --state: all pseudonyms change",
        ),
    ):
        before = state.fact(name)
        if before is None:
            with state.writing():
                state.set_fact(name, value)
        elif before != value:
            raise RecommenderError("the state file", problem, remedy)


def _rescope(state: SyncState, task: SyncTask) -> bool:
    """Whether the mapping asks for records that earlier passes did not read.

    Then everything is read again, since changes alone would not bring them.
    """
    settings, facts = task.mapping.settings, task.mapping.facts
    scope = json.dumps(
        {
            "practitioners": sorted(task.mapping.practitioners.items()),
            "first_day": str(settings.first_day),
            "absences": facts.absences is not None,
            "sessions": task.reads_sessions,
        }
    )
    if state.fact(SCOPE) == scope:
        return False
    with state.writing():
        for name in (PASS_BEGAN, LAST_BEGAN, LAST_FULL):
            state.set_fact(name, None)
        state.remove_lists([APPOINTMENTS])
        state.set_fact(SCOPE, scope)
    return True


def _session_warnings(task: SyncTask, sessions: SessionRecords | None) -> tuple[Fault, ...]:
    if sessions is None:
        return ()
    warnings = []
    if sessions.unmarked and task.mapping.settings.attended == "arrived":
        problem = f"{sessions.unmarked:,} past ones are marked neither as arrived nor as missed"
        remedy = 'they count as no session; write attended = "not_missed" if nobody marks arrivals'
        warnings.append(Fault("appointments", problem, remedy))
    for each, count in sessions.other_types.items():
        where = f"appointment_types {each}".strip()
        problem = f"is not in the mapping; {count:,} past appointments are left out"
        remedy = f'add [appointment_types."{each}"], with session = false where they are none'
        warnings.append(Fault(where, problem, remedy))
    return tuple(warnings)
