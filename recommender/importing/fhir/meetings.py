"""Meetings of a client and a clinician, from encounters and appointments, and their pairings."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from recommender.importing.fhir.availability import practitioner_of
from recommender.importing.fhir.resources import Body, Resource, Resources
from recommender.importing.fhir.times import instant_of, whole_day
from recommender.importing.import_report import ImportLog

PERSON_KINDS = ("Practitioner", "PractitionerRole")
ENCOUNTERS_HELD = frozenset({"arrived", "triaged", "in-progress", "onleave", "finished"})
APPOINTMENTS_HELD = frozenset({"arrived", "checked-in", "fulfilled"})
"""Statuses of FHIR that say that the client was there."""


@dataclass(frozen=True, slots=True, order=True)
class HeldMeeting:
    """One session that took place, by keys of the patient and the practitioner.

    `kind` and `number` are those of the resource it was read from.
    """

    starts: datetime
    day: date
    client: str
    clinician: str
    kind: str
    number: int
    encounter: str = ""

    @property
    def pair(self) -> tuple[str, str]:
        """The client and the clinician."""
        return self.client, self.clinician


class HeldMeetings:
    """All meetings in order, and the meeting that a form is about."""

    def __init__(self, meetings: Iterable[HeldMeeting]) -> None:
        self._of_pair: dict[tuple[str, str], list[HeldMeeting]] = {}
        self._of_client: dict[str, list[HeldMeeting]] = {}
        self._of_encounter: dict[str, HeldMeeting] = {}
        for each in sorted(meetings):
            self._of_pair.setdefault(each.pair, []).append(each)
            self._of_client.setdefault(each.client, []).append(each)
            if each.encounter:
                self._of_encounter[each.encounter] = each

    @property
    def pairs(self) -> Mapping[tuple[str, str], Sequence[HeldMeeting]]:
        """The meetings of each client with each clinician, the first one first."""
        return self._of_pair

    def number_of(self, meeting: HeldMeeting) -> int:
        """Which session of its pairing a meeting is, from 1."""
        return self._of_pair[meeting.pair].index(meeting) + 1

    def of_encounter(self, key: str) -> HeldMeeting | None:
        """The meeting of an encounter."""
        return self._of_encounter.get(key)

    def first_of(self, client: str) -> HeldMeeting | None:
        """A client's first meeting with anybody of the roster."""
        return next(iter(self._of_client.get(client, ())), None)

    def before(self, client: str, day: date, within: timedelta) -> HeldMeeting | None:
        """A client's last meeting on or before a day, if it lies within some days before.

        None where the client met several clinicians on that last day.
        """
        earlier = [each for each in self._of_client.get(client, ()) if each.day <= day]
        last = [each for each in earlier if each.day == earlier[-1].day]
        if not last or day - last[-1].day > within or len({each.clinician for each in last}) > 1:
            return None
        return last[-1]


def read_meetings(
    resources: Resources, clinicians: Mapping[str, str], zone: ZoneInfo, log: ImportLog
) -> HeldMeetings:
    """The meetings with clinicians of the roster.

    An appointment counts where no encounter of the same people is on its day.

    Parameters
    ----------
    clinicians
        Those of the roster, by key of the practitioner.
    """
    encounters = _read_kind(resources, "Encounter", clinicians, zone, log)
    days = {(each.pair, each.day) for each in encounters.values()}
    appointments = _read_kind(resources, "Appointment", clinicians, zone, log)
    again = {number for number, each in appointments.items() if (each.pair, each.day) in days}
    reason = "is the appointment of an encounter that was read"
    log.leave_out_rows("Appointment", reason, again)
    rest = [each for number, each in appointments.items() if number not in again]
    return HeldMeetings([*encounters.values(), *rest])


def _read_kind(
    resources: Resources,
    kind: str,
    clinicians: Mapping[str, str],
    zone: ZoneInfo,
    log: ImportLog,
) -> dict[int, HeldMeeting]:
    found: dict[int, HeldMeeting] = {}
    for each in resources.of(kind):
        meeting = _meeting(each, resources, clinicians, zone)
        if isinstance(meeting, str):
            log.leave_out_rows(kind, meeting, [each.number])
        else:
            found[each.number] = meeting
    return found


def _meeting(
    resource: Resource, resources: Resources, clinicians: Mapping[str, str], zone: ZoneInfo
) -> HeldMeeting | str:
    """The meeting of an encounter or an appointment, or why there is none."""
    body, is_encounter = resource.body, resource.kind == "Encounter"
    held = ENCOUNTERS_HELD if is_encounter else APPOINTMENTS_HELD
    if body.get("status") not in held:
        return "did not take place, or is not known to have"
    begins = (body.get("period") or {}).get("start") if is_encounter else body.get("start")
    day = whole_day(begins, zone)
    if day is None:
        return "has no day"
    clients = _clients_of(resource, resources)
    met = _clinicians_of(resource, resources, clinicians)
    if len(clients) != 1:
        return "is of several clients" if clients else "names no patient that was read"
    if len(met) != 1:
        return "is of several clinicians" if met else "is with nobody of the roster"
    starts = instant_of(begins) or datetime.combine(day, time.min, zone)
    key = resource.key if is_encounter else ""
    return HeldMeeting(starts, day, clients[0], met[0], resource.kind, resource.number, key)


def _participants(body: Body) -> Iterable[Body]:
    """References to who takes part; a participant who declined does not."""
    for each in body.get("participant") or []:
        reference = each.get("individual") or each.get("actor")
        if reference and each.get("status") != "declined":
            yield reference


def _clients_of(resource: Resource, resources: Resources) -> list[str]:
    subject = resource.body.get("subject")
    references = [*([subject] if subject else []), *_participants(resource.body)]
    people = [resources.follow(each, resource, "Patient") for each in references]
    return list(dict.fromkeys(each.key for each in people if each is not None))


def _clinicians_of(
    resource: Resource, resources: Resources, clinicians: Mapping[str, str]
) -> list[str]:
    named = [
        resources.follow(each, resource, *PERSON_KINDS) for each in _participants(resource.body)
    ]
    people = [practitioner_of(resources, each) for each in named]
    keys = dict.fromkeys(each.key for each in people if each is not None)
    return [key for key in keys if key in clinicians]
