"""Pairings and caseload from appointments: who met whom from when, how often; pseudonyms only."""

from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from recommender.importing.cliniko.mapping_sections import ARRIVED, ClinikoMapping
from recommender.importing.cliniko.sources import APPOINTMENTS
from recommender.importing.cliniko.state_file import SyncState
from recommender.importing.pseudonyms import Pseudonyms

PAIRING_HEADER = ("pairing_id", "client_id", "clinician_id", "started_on", "sessions")


@dataclass(frozen=True, slots=True)
class SessionRecords:
    """What appointments say.

    Attributes
    ----------
    pairings
        Rows under `PAIRING_HEADER`, ordered by id.
    caseload
        Clients of each clinician who were seen lately or have an appointment soon.
    appointments, sessions
        How many appointments count at all, and how many of them are sessions.
    unmarked
        Past appointments that are neither marked as arrived nor as missed.
    other_types
        Past appointments of types that the mapping does not have, by type.
    """

    pairings: tuple[tuple[str, ...], ...]
    caseload: Mapping[str, int]
    appointments: int
    sessions: int
    unmarked: int
    other_types: Mapping[str, int]


@dataclass(slots=True)
class _Tally:
    """First day and number of sessions by clinician and client, and clients by clinician."""

    days: dict[tuple[str, str], list[date]] = field(default_factory=lambda: defaultdict(list))
    present: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    unmarked: int = 0
    other_types: Counter[str] = field(default_factory=Counter)


def session_records(
    state: SyncState,
    mapping: ClinikoMapping,
    pseudonyms: Pseudonyms,
    now: datetime,
    zone: ZoneInfo,
) -> SessionRecords:
    """Pairings and caseload as of `now`; days are those of the practice's `zone`."""
    tally = _Tally()
    margin = timedelta(days=mapping.settings.caseload_days)
    appointments = state.records(APPOINTMENTS)
    for _, body in appointments:
        clinician = mapping.practitioners.get(body["practitioner"])
        start = datetime.fromisoformat(body["starts_at"])
        if clinician is None:
            continue
        kind = mapping.appointment_types.get(body["appointment_type"] or "")
        if kind is None or not kind.session:
            if kind is None and start <= now:
                tally.other_types[body["appointment_type"] or ""] += 1
            continue
        if start > now:
            tally.present[clinician] |= {body["client"]} if start <= now + margin else set()
            continue
        marked = bool(body["patient_arrived"]) or bool(body["did_not_arrive"])
        tally.unmarked += not marked
        if _attended(body, mapping.settings.attended):
            tally.days[clinician, body["client"]].append(start.astimezone(zone).date())
            tally.present[clinician] |= {body["client"]} if start >= now - margin else set()
    return SessionRecords(
        pairings=_rows(tally.days, pseudonyms),
        caseload={each: len(tally.present[each]) for each in mapping.practitioners.values()},
        appointments=len(appointments),
        sessions=sum(map(len, tally.days.values())),
        unmarked=tally.unmarked,
        other_types=dict(sorted(tally.other_types.items())),
    )


def _attended(body: Mapping[str, object], attended: str) -> bool:
    if body["did_not_arrive"]:
        return False
    return bool(body["patient_arrived"]) or attended != ARRIVED


def _rows(
    days: Mapping[tuple[str, str], list[date]], pseudonyms: Pseudonyms
) -> tuple[tuple[str, ...], ...]:
    rows = [
        (
            pseudonyms.of("pairing", f"{client}/{clinician}"),
            client,
            clinician,
            min(some).isoformat(),
            str(len(some)),
        )
        for (clinician, client), some in days.items()
    ]
    return tuple(sorted(rows))
