"""What the journal has to learn from: pairings with consent, an intake and a course, and ratings.

Pairings without consent, erased, not begun or no longer valid are left out and counted.
"""

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import Connection, select

from recommender.journal.consents import TRAIN, current_consents
from recommender.journal.pairings import PairingOutcome, outcomes_of
from recommender.journal.privacy_requests import erased_before
from recommender.journal.ratings import Rating, current_ratings
from recommender.journal.roster_versions import Cells, last_known
from recommender.journal.subjects import Subject
from recommender.practice.columns import read_cell
from recommender.practice.definition import Practice
from recommender.practice.fields import Field
from recommender.store.schema import (
    pairings,
    payloads,
    recommendations,
    shown,
    subjects,
)
from recommender.values.kinds import RawValue

NO_CONSENT = "pairings of clients who did not agree to be learned from"
ERASED = "pairings of clients who were erased before"
WITHDRAWN = "pairings that were recorded by mistake and withdrawn"
NOT_BEGUN = "pairings that were never attended, booked or dated"
NO_INTAKE = "pairings whose client's answers are not kept"
NO_CLINICIAN = "pairings with a clinician who was never on the roster"
MISFIT = "pairings with answers that no longer fit the practice definition"
REPEATED = "pairings with the client, clinician and start of an earlier one"
BACKWARDS = "pairings that ended before they began"
NOT_LEARNED = "ratings of pairings left out, or of none that is known"
TOO_EARLY = "ratings dated before their pairing began"


@dataclass(frozen=True, slots=True)
class TrainingPairing:
    """A pairing for training.

    `propensity` is the probability of the clinician's rank in the recommendation; None where the
    order was not randomised, or they were not shown.
    """

    pairing_id: str
    client_id: str
    clinician_id: str
    course: PairingOutcome
    propensity: float | None = None

    @property
    def started_on(self) -> date:
        """The day it began; without one it would not be here."""
        if self.course.started_on is None:
            raise ValueError("a pairing without a start")
        return self.course.started_on


@dataclass(frozen=True, slots=True)
class TrainingMaterial:
    """What can be learned from, and how many rows cannot and why.

    Clients have the answers given before their first pairing; the clinicians are everyone ever on
    the roster whose newest row fits the definition.
    """

    clients: Mapping[str, Mapping[str, RawValue]]
    clinicians: Mapping[str, Cells]
    pairings: tuple[TrainingPairing, ...]
    ratings: tuple[Rating, ...]
    left_out: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class _Intake:
    """Answers, and the day they were given."""

    asked_on: date
    answers: Mapping[str, RawValue]


def training_material(connection: Connection, practice: Practice) -> TrainingMaterial:
    """Everything in the journal that may and can be learned from."""
    left_out: Counter[str] = Counter()
    clinicians = {
        name: row for name, row in last_known(connection).items() if _fits(practice.clinician, row)
    }
    met, clients = [], {}
    intakes = _Intakes(connection, practice)
    for each in _candidates(connection, clinicians, left_out):
        if each.client_id not in clients:
            answers, problem = intakes.before(each)
            if problem:
                left_out[problem] += 1
                continue
            clients[each.client_id] = answers
        met.append(each)
    ratings = tuple(_ratings(connection, met, left_out))
    return TrainingMaterial(
        clients, clinicians, tuple(met), ratings, dict(sorted(left_out.items()))
    )


def _candidates(
    connection: Connection, clinicians: Mapping[str, Cells], left_out: "Counter[str]"
) -> Iterator[TrainingPairing]:
    """Pairings that may be learned from, those that began first before later ones."""
    consents, was_erased = current_consents(connection), erased_before(connection)
    courses, chances = outcomes_of(connection), _chances(connection)
    candidates: list[TrainingPairing] = []
    rows = connection.execute(select(pairings, subjects.c.client_id).join(subjects))
    for row in rows:
        course = courses.get(row.pairing_id, PairingOutcome(None, None, None))
        if not consents.get((row.subject_id, TRAIN), False):
            left_out[NO_CONSENT] += 1
        elif was_erased(row.client_id):
            left_out[ERASED] += 1
        elif problem := _course_problem(course):
            left_out[problem] += 1
        elif row.clinician_id not in clinicians:
            left_out[NO_CLINICIAN] += 1
        else:
            chance = chances.get((row.recommendation_id, row.clinician_id))
            candidates.append(
                TrainingPairing(row.pairing_id, row.client_id, row.clinician_id, course, chance)
            )
    candidates.sort(key=lambda each: (each.started_on, each.pairing_id))
    return _once_each(candidates, left_out)


def _once_each(
    candidates: Sequence[TrainingPairing], left_out: "Counter[str]"
) -> Iterator[TrainingPairing]:
    seen = set()
    for each in candidates:
        key = (each.client_id, each.clinician_id, each.started_on)
        if key in seen:
            left_out[REPEATED] += 1
        else:
            seen.add(key)
            yield each


def _course_problem(course: PairingOutcome) -> str | None:
    if course.withdrawn:
        return WITHDRAWN
    if course.started_on is None:
        return NOT_BEGUN
    if course.ended_on is not None and course.ended_on < course.started_on:
        return BACKWARDS
    return None


def _chances(connection: Connection) -> dict[tuple[str, str], float]:
    """Probability of the rank shown, by recommendation and clinician."""
    statement = select(shown.c.recommendation_id, shown.c.clinician_id, shown.c.propensity)
    rows = connection.execute(statement.where(shown.c.propensity.is_not(None)))
    return {(row.recommendation_id, row.clinician_id): row.propensity for row in rows}


class _Intakes:
    """The stored answers of clients, by pseudonym and by the pairing they led to."""

    def __init__(self, connection: Connection, practice: Practice) -> None:
        self._fields = practice.client
        statement = select(pairings.c.pairing_id, pairings.c.recommendation_id)
        rows = connection.execute(statement.where(pairings.c.recommendation_id.is_not(None)))
        self._of_pairing = {row.pairing_id: row.recommendation_id for row in rows}
        self._by_recommendation: dict[str, _Intake] = {}
        self._of_client: dict[str, list[_Intake]] = {}
        for name, client_id, intake in _intakes(connection):
            self._by_recommendation[name] = intake
            if client_id is not None:
                self._of_client.setdefault(client_id, []).append(intake)

    def before(self, met: TrainingPairing) -> tuple[Mapping[str, RawValue], str | None]:
        """The answers behind this pairing, and why they are not valid for training, if so."""
        intake = self._by_recommendation.get(self._of_pairing.get(met.pairing_id, ""))
        earlier = [
            each
            for each in self._of_client.get(met.client_id, ())
            if each.asked_on <= met.started_on
        ]
        intake = intake or max(earlier, key=lambda each: each.asked_on, default=None)
        if intake is None:
            return {}, NO_INTAKE
        return intake.answers, None if _fits(self._fields, intake.answers) else MISFIT


def _intakes(connection: Connection) -> Iterator[tuple[str, str | None, _Intake]]:
    statement = (
        select(
            recommendations.c.recommendation_id,
            recommendations.c.asked_on,
            subjects,
            payloads.c.request_sealed,
        )
        .join(subjects, subjects.c.subject_id == recommendations.c.subject_id)
        .join(payloads, payloads.c.recommendation_id == recommendations.c.recommendation_id)
        .order_by(recommendations.c.recorded_at, recommendations.c.recommendation_id)
    )
    for row in connection.execute(statement):
        subject = Subject(row.subject_id, bytes(row.key))
        encrypted = bytes(row.request_sealed)
        request: Any = json.loads(subject.decrypt(f"request/{row.recommendation_id}", encrypted))
        yield row.recommendation_id, row.client_id, _Intake(row.asked_on, request["answers"])


def _ratings(
    connection: Connection, met: Sequence[TrainingPairing], left_out: "Counter[str]"
) -> Iterator[Rating]:
    began = {each.pairing_id: each.started_on for each in met}
    for rating in current_ratings(connection):
        if rating.pairing_id not in began:
            left_out[NOT_LEARNED] += 1
        elif rating.rated_on < began[rating.pairing_id]:
            left_out[TOO_EARLY] += 1
        else:
            yield rating


def _fits(fields: Mapping[str, Field], cells: Mapping[str, RawValue]) -> bool:
    """Whether every declared field can still be read; cells of fields since removed are passed by.

    Fields for audit are not asked with a request, so that they are not missed here.
    """
    return all(
        read_cell(field, cells.get(name))[1] is None
        for name, field in fields.items()
        if field.use != "audit"
    )
