"""The appointments and questionnaires of a simulated practice, before any system writes them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Any, Literal

import numpy as np
import pandas as pd

from experiments.simulated_practice.draws import Random
from experiments.simulated_practice.names import PLANTS
from experiments.simulated_practice.settings import Settings, scenario
from experiments.simulated_practice.tables import (
    client_ids,
    clients_table,
    clinicians_table,
    pairings_table,
    ratings_table,
)
from experiments.simulated_practice.world import simulate
from recommender.practice.definition import shipped_practice

State = Literal["attended", "cancelled", "missed", "booked"]
FIRST_NAMES = (
    "Alex Ashley Bailey Blair Cameron Casey Charlie Dakota Drew Eden Emerson Finley Frankie Harley "
    "Hayden Jamie Jordan Jules Kai Kim Lee Logan Marley Morgan Noel Parker Quinn Reese Riley Robin "
    "Rowan Sam Sasha Shannon Sidney Skyler Taylor Terry Toby Val"
)
CANCELLED, MISSED, STAYING = 0.06, 0.04, 0.35
"""Cancelled and missed appointments for one attended, and pairings with one still to come."""
NEVER_CAME = 9
"""Clients on the books without any appointment."""
PEOPLE, DAYS = 31, 32
"""Streams of random numbers."""


@dataclass(frozen=True, slots=True)
class Client:
    """A client as a practice system has them."""

    number: int
    first_name: str
    last_name: str
    born: date | None
    gender: str | None
    joined: date


@dataclass(frozen=True, slots=True)
class Appointment:
    """An appointment of a client with a clinician."""

    number: int
    client: int
    clinician: str
    day: date
    hour: int
    state: State


@dataclass(frozen=True, slots=True)
class Questionnaire:
    """A sum score after one attended session."""

    client: int
    clinician: str
    session: int
    day: date
    instrument: str
    score: int


@dataclass(frozen=True, slots=True)
class History:
    """All that a practice has in its systems on one day.

    `intake` has one row for each client, by number; `clinicians` one for each clinician, by name.
    Both have the columns of the definition.
    """

    exported_on: date
    clients: Sequence[Client]
    appointments: Sequence[Appointment]
    questionnaires: Sequence[Questionnaire]
    intake: pd.DataFrame
    clinicians: pd.DataFrame


def history(seed: int, exported_on: date, clinicians: int = 18, ratings: int = 600) -> History:
    """The history of a simulated practice up to a day; the same arguments give the same history."""
    usual = Settings()
    settings = scenario(
        "default",
        seed=seed,
        clinicians=clinicians,
        ratings=ratings,
        test_clients=1,
        instruments=(("wai_sr", 1.0),),
        first_day=exported_on - (usual.exported_on - usual.first_day),
    )
    world = simulate(settings, shipped_practice())
    ids = client_ids(1, len(world.history.clients["age_years"]))
    numbers = {name: 240_001 + 7 * place for place, name in enumerate(ids)}
    intake = clients_table(world, world.history.clients, ids, 10)
    staff = clinicians_table(world, ids)
    names = dict(zip(staff["clinician_id"], staff["name"], strict=True))
    # In a history without pseudonyms nobody is named by one.
    intake = intake.drop(columns=["blocked_clinicians", "refused_clinicians", "clinicians_wished"])
    intake = intake.assign(client_id=[numbers[name] for name in ids])
    staff = staff.drop(columns=["clinician_id", "blocked_clients"])
    pairings, forms = pairings_table(world, ids), ratings_table(world)
    forms = forms[forms["rater"] == "client"]
    rng = np.random.default_rng([seed, DAYS])
    appointments, attended = _appointments(pairings, forms, numbers, names, exported_on, rng)
    first = {each.client: each.day for each in reversed(appointments)}
    people = _clients(intake, first, exported_on, np.random.default_rng([seed, PEOPLE]))
    return History(
        exported_on,
        people,
        appointments,
        _questionnaires(pairings, forms, numbers, names, attended),
        intake,
        staff,
    )


def _appointments(
    pairings: pd.DataFrame,
    forms: pd.DataFrame,
    numbers: Mapping[str, int],
    names: Mapping[str, str],
    exported_on: date,
    rng: Random,
) -> tuple[list[Appointment], dict[str, list[date]]]:
    """All appointments by day, and the days of the attended ones by pairing."""
    rated: dict[str, dict[int, date]] = {}
    for row in _rows(forms):
        day = date.fromisoformat(row["rated_on"])
        rated.setdefault(row["pairing_id"], {})[int(row["session"])] = day
    found: list[tuple[date, int, str, State]] = []
    attended: dict[str, list[date]] = {}
    for row in _rows(pairings):
        client, clinician = numbers[row["client_id"]], names[row["clinician_id"]]
        start, sessions = date.fromisoformat(row["started_on"]), max(int(row["sessions"]), 1)
        days = _days(start, sessions, rated.get(row["pairing_id"], {}), exported_on)
        attended[row["pairing_id"]] = days
        found += [(day, client, clinician, "attended") for day in days]
        for day in days[1:]:
            draw = rng.random()
            if draw < CANCELLED + MISSED:
                state: State = "cancelled" if draw < CANCELLED else "missed"
                found.append((day - timedelta(days=3), client, clinician, state))
        if pd.isna(row["ended_on"]) and rng.random() < STAYING:
            ahead = exported_on + timedelta(days=int(rng.integers(1, 28)))
            found.append((ahead, client, clinician, "booked"))
    found.sort(key=lambda each: each[:3])
    hours = rng.integers(8, 19, len(found)).tolist()
    return [
        Appointment(700_001 + place, client, clinician, day, hour, state)
        for place, ((day, client, clinician, state), hour) in enumerate(
            zip(found, hours, strict=True)
        )
    ], attended


def _days(start: date, sessions: int, rated: Mapping[int, date], last: date) -> list[date]:
    """The days of attended sessions: weekly, but for those whose questionnaire has a day."""
    days = [start]
    for session in range(2, sessions + 1):
        day = rated.get(session, days[-1] + timedelta(days=7))
        days.append(min(max(day, days[-1]), last))
    return days


def _clients(
    intake: pd.DataFrame, first: Mapping[int, date], exported_on: date, rng: Random
) -> list[Client]:
    given, family = FIRST_NAMES.split(), PLANTS.split()
    people = []
    for row in _rows(intake):
        day = first[row["client_id"]]
        birthday = day - timedelta(days=round(365.25 * float(row["age_years"])) + 180)
        people.append(
            Client(
                int(row["client_id"]),
                given[int(rng.integers(len(given)))],
                family[int(rng.integers(len(family)))],
                birthday,
                None if pd.isna(row["gender"]) else str(row["gender"]),
                day - timedelta(days=int(rng.integers(2, 30))),
            )
        )
    # One whose birthday nobody wrote down: an import leaves out a client without an age.
    people[3] = replace(people[3], born=None)
    highest = max(each.number for each in people)
    for extra in range(1, NEVER_CAME + 1):
        joined = exported_on - timedelta(days=int(rng.integers(1, 400)))
        names = given[extra % len(given)], family[-extra]
        people.append(Client(highest + extra, *names, date(1980 + extra, extra, 11), None, joined))
    return people


def _rows(table: pd.DataFrame) -> list[dict[str, Any]]:
    return [{str(name): cell for name, cell in row.items()} for row in table.to_dict("records")]


def _questionnaires(
    pairings: pd.DataFrame,
    forms: pd.DataFrame,
    numbers: Mapping[str, int],
    names: Mapping[str, str],
    attended: Mapping[str, Sequence[date]],
) -> list[Questionnaire]:
    whom = {
        row["pairing_id"]: (numbers[row["client_id"]], names[row["clinician_id"]])
        for row in _rows(pairings)
    }
    return [
        Questionnaire(
            *whom[row["pairing_id"]],
            int(row["session"]),
            attended[row["pairing_id"]][int(row["session"]) - 1],
            str(row["instrument"]),
            int(row["score"]),
        )
        for row in _rows(forms)
        if int(row["session"]) <= len(attended[row["pairing_id"]])
    ]
