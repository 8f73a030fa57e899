"""The tables of pairings and of ratings: meetings, and responses to alliance forms."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta

import numpy as np

from recommender.alliance.instruments import Instrument
from recommender.alliance.scores import is_response
from recommender.importing.fhir.concepts import tokens_of_concept
from recommender.importing.fhir.imported_rows import ImportedRows
from recommender.importing.fhir.mapping import FhirMapping, RatingForm
from recommender.importing.fhir.meetings import HeldMeeting, HeldMeetings
from recommender.importing.fhir.questionnaire_answers import Body, answers_by_link, plain_answer
from recommender.importing.fhir.resources import Resource, Resources
from recommender.importing.fhir.responses import KIND, Response
from recommender.importing.import_report import ImportLog
from recommender.importing.pseudonyms import Pseudonyms
from recommender.practice.definition import Practice
from recommender.tables.pairings import RATERS
from recommender.values.kinds import RawValue

PAIRING_HEADER = ("pairing_id", "client_id", "clinician_id", "started_on", "sessions")
RATING_HEADER = ("pairing_id", "session", "rated_on", "instrument", "rater", "metric", "score")
ORDINAL_VALUE = "http://hl7.org/fhir/StructureDefinition/ordinalValue"
RATER_KINDS: Mapping[str, str] = {
    "Patient": "client",
    "Practitioner": "clinician",
    "PractitionerRole": "clinician",
}


@dataclass(frozen=True, slots=True)
class PeopleIds:
    """Pseudonyms by key of the patient and of the practitioner."""

    clients: Mapping[str, str]
    clinicians: Mapping[str, str]


def import_pairings(
    meetings: HeldMeetings, people: PeopleIds, pseudonyms: Pseudonyms, log: ImportLog
) -> tuple[ImportedRows, dict[tuple[str, str], str]]:
    """A pairing for each client and clinician who met, with its first day and its sessions.

    Also the pairing's pseudonym by the keys of both. Pairings of clients who were left out are
    left out.
    """
    rows: list[dict[str, RawValue]] = []
    origins = []
    ids: dict[tuple[str, str], str] = {}
    for pair, held in meetings.pairs.items():
        client, clinician = people.clients.get(pair[0]), people.clinicians.get(pair[1])
        if client is None or clinician is None:
            continue
        ids[pair] = pseudonyms.of("pairing", f"{client}/{clinician}")
        cells = (ids[pair], client, clinician, held[0].day.isoformat(), len(held))
        rows.append(dict(zip(PAIRING_HEADER, cells, strict=True)))
        origins.append((held[0].kind, held[0].number))
    found = ImportedRows(PAIRING_HEADER, rows, origins)
    found.log_columns("pairings", {}, log)
    return found, ids


def import_ratings(
    responses: Iterable[Response],
    resources: Resources,
    meetings: HeldMeetings,
    pairings: Mapping[tuple[str, str], str],
    mapping: FhirMapping,
    practice: Practice,
    log: ImportLog,
) -> ImportedRows:
    """Ratings in the order of their days; of several of one session the last one counts."""
    found: dict[tuple[RawValue, ...], tuple[Response, list[RawValue]]] = {}
    for response in sorted(responses, key=lambda each: (each.authored, each.number)):
        form = mapping.ratings[response.questionnaire]
        row = _rating(response, form, resources, meetings, pairings, mapping, practice)
        if isinstance(row, str):
            log.leave_out_rows(KIND, row, [response.number])
            continue
        key = (row[0], row[1], row[3], row[4])
        if key in found:
            reason = "is an earlier rating of the same session"
            log.leave_out_rows(KIND, reason, [found[key][0].number])
        found[key] = response, row
    items = max((len(row) for _, row in found.values()), default=0) - len(RATING_HEADER)
    header = (*RATING_HEADER, *(f"item_{number}" for number in range(1, items + 1)))
    rows = [dict(zip(header, row, strict=False)) for _, row in found.values()]
    imported = ImportedRows(header, rows, [(KIND, each.number) for each, _ in found.values()])
    imported.log_columns("ratings", {}, log)
    return imported


def _rating(
    response: Response,
    form: RatingForm,
    resources: Resources,
    meetings: HeldMeetings,
    pairings: Mapping[tuple[str, str], str],
    mapping: FhirMapping,
    practice: Practice,
) -> list[RawValue] | str:
    """A row of the ratings table, or why there is none."""
    meeting = _meeting_of(response, resources, meetings, mapping)
    if isinstance(meeting, str):
        return meeting
    pairing = pairings.get(meeting.pair)
    if pairing is None:
        return "is of a client who was left out"
    rater = form.rater or _rater_of(response.resource, resources)
    if rater not in RATERS:
        return "does not say who rates"
    answers = answers_by_link(response.resource.body)
    session = meetings.number_of(meeting)
    if form.session:
        stated = _number(answers.get(form.session, []), {})
        if stated is None or stated < 1 or not stated.is_integer():
            return "has no number of the session"
        session = int(stated)
    scores = _scores(form, answers, practice.instruments[form.instrument])
    if isinstance(scores, str):
        return scores
    days = response.authored.isoformat()
    return [pairing, session, days, form.instrument, rater, form.metric, *scores]


def _meeting_of(
    response: Response, resources: Resources, meetings: HeldMeetings, mapping: FhirMapping
) -> HeldMeeting | str:
    """The meeting that a form is about: that of its encounter, or else the client's last one."""
    body, client = response.resource.body, response.client.key
    if body.get("encounter"):
        encounter = resources.follow(body["encounter"], response.resource, "Encounter")
        meeting = None if encounter is None else meetings.of_encounter(encounter.key)
        if meeting is None:
            return "is of an encounter that is no meeting with a clinician of the roster"
        if meeting.client != client:
            return "is of an encounter of another client"
    else:
        within = timedelta(days=mapping.pairing.rated_within_days)
        meeting = meetings.before(client, response.authored, within)
        if meeting is None:
            return "names no encounter, and no single meeting lies shortly before it"
    return meeting if meeting.day <= response.authored else "was answered before its meeting"


def _rater_of(resource: Resource, resources: Resources) -> str:
    """Who answered: the source, or else the author; "" where it is nobody who rates."""
    for element in ("source", "author"):
        reference = resource.body.get(element)
        if reference:
            person = resources.follow(reference, resource, *RATER_KINDS)
            return RATER_KINDS[person.kind] if person is not None else ""
    return ""


def _scores(
    form: RatingForm, answers: Mapping[str, list[Body]], instrument: Instrument
) -> list[RawValue] | str:
    """The total, or no total and the items; or why there are none."""
    if form.score:
        total = _number(answers.get(form.score, []), form.values)
        low, high = instrument.bounds(form.metric)
        if total is None:
            return "has no total"
        if not low <= total <= high:
            return "has a total outside the instrument's range"
        return [_plain(total)]
    items = [_number(answers.get(link, []), form.values) for link in form.items]
    given = np.array([value for value in items if value is not None], dtype=np.float64)
    if not len(given):
        return "has no item that is a number"
    if not is_response(instrument, given).all():
        return "has an item outside the instrument's range"
    return [None, *(None if value is None else _plain(value) for value in items)]


def _plain(value: float) -> float | int:
    """A whole number without a point, as tables write it."""
    return int(value) if value.is_integer() else value


def _number(answers: list[Body], values: Mapping[str, float]) -> float | None:
    """The number of a single answer: itself, the mapping's of its code, or FHIR's ordinal value."""
    if len(answers) != 1:
        return None
    answer = answers[0]
    coding = answer.get("valueCoding")
    if coding is None:
        value = plain_answer(answer)
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        return float(value) if is_number else None
    mapped = [values[token] for token in tokens_of_concept(coding) if token in values]
    ordinal = [
        each.get("valueDecimal")
        for each in coding.get("extension") or []
        if each.get("url") == ORDINAL_VALUE
    ]
    numbers = [each for each in (*mapped, *ordinal) if isinstance(each, int | float)]
    return float(numbers[0]) if numbers else None
