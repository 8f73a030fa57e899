"""Writes a history as Cliniko, Halaxy and Zanda export it, as far as that is documented.

Names of columns that no system documents are those of `recommender/importing/shipped`. The own
spreadsheets of the practice (ratings, intake, clinicians_extra) are written beside.
"""

import csv
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date, datetime, time
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from experiments.practice_exports.history import Client, History
from experiments.practice_exports.workbook import write_workbook

GENDERS: Mapping[str | None, str] = {
    "woman": "Female",
    "man": "Male",
    "non_binary": "Non-binary",
    "another": "Self-described",
    None: "",
}
ITEMS = 12
NOT_ASKED = ("age_years", "home", "gender", "timezone", "start_on")
"""Fields that a practice system has, or that are not asked at intake."""


def write_cliniko(history: History, folder: Path, _: np.random.Generator) -> None:
    """CSV files with days first, hours from 1 to 12, and ratings one a row."""
    day = f"{history.exported_on:%Y%m%d}"
    patients = [
        {
            "Patient ID": each.number,
            "Title": "",
            "First name": each.first_name,
            "Last name": each.last_name,
            "Date of birth": _slashes(each.born),
            "Gender identity": GENDERS[each.gender],
            "Email": _email(each),
            "Phone numbers": f"0491 570 {each.number % 1000:03d}",
            "Address line 1": f"{each.number % 97 + 1} Example Street",
            "Post code": "2042",
            "Referral Source": "GP" if each.number % 3 else "Website",
            "Concession type": "Health care card" if each.number % 5 == 0 else "",
            "Notes": "Prefers a text message" if each.number % 4 == 0 else "",
            "Created at": _clock(each.joined, 9),
        }
        for each in history.clients
    ]
    patients.append(patients[5])
    _csv(folder / f"Patients-Cliniko-{day}.csv", patients, "utf-8-sig")
    names = _names(history)
    appointments = [
        {
            "Appointment ID": each.number,
            "Starts at": _clock(each.day, each.hour),
            "Ends at": _clock(each.day, each.hour, 50),
            "Patient ID": each.client,
            "Patient name": names[each.client],
            "Practitioner": each.clinician,
            "Appointment type": "Standard consultation",
            "Cancelled at": _clock(each.day, 7) if each.state == "cancelled" else "",
            "Cancellation reason": "Unwell" if each.state == "cancelled" else "",
            "Did not arrive": "Yes" if each.state == "missed" else "No",
            "Notes": "",
        }
        for each in history.appointments
    ]
    _csv(folder / f"Appointments-Cliniko-{day}.csv", appointments, "utf-8-sig")
    ratings = [
        {
            "Patient ID": each.client,
            "Practitioner": each.clinician,
            "Session": each.session,
            "Date": _slashes(each.day),
            "Questionnaire": "WAI-SR",
            "Score": each.score,
        }
        for each in history.questionnaires
    ]
    ratings += [
        ratings[0],
        ratings[1] | {"Session": 9, "Score": 75},
        ratings[2] | {"Patient ID": 1},
    ]
    _csv(folder / "ratings.csv", ratings)
    _csv(folder / "intake.csv", _intake(history, "Patient ID"))
    _csv(folder / "clinicians_extra.csv", _clinicians(history))


def write_halaxy(history: History, folder: Path, _: np.random.Generator) -> None:
    """Workbooks with real dates, a status for each appointment, and ratings in columns."""
    patients = [
        {
            "Patient ID": each.number,
            "First Name": each.first_name,
            "Last Name": each.last_name,
            "Date of Birth": each.born,
            "Gender": GENDERS[each.gender],
            "Mobile": f"0491 570 {each.number % 1000:03d}",
            "Email": _email(each),
            "Postcode": "2042",
            "Medicare Number": "",
            "Patient Status": "Current",
            "Review Note": "",
        }
        for each in history.clients
    ]
    _workbook(folder / "Patients.xlsx", patients)
    words = {
        "attended": "Attended",
        "cancelled": "Cancelled",
        "missed": "Did Not Attend",
        "booked": "Booked",
    }
    names = _names(history)
    appointments = [
        {
            "Appointment ID": each.number,
            "Appointment Date": each.day,
            "Start Time": f"{each.hour:02d}:00",
            "Patient ID": each.client,
            "Patient": names[each.client],
            "Practitioner": f"Dr {each.clinician}",
            "Status": words[each.state],
            "Fee": "$220.00",
            "Cancellation Reason": "",
        }
        for each in history.appointments
    ]
    _workbook(folder / "Appointments.xlsx", appointments)
    sessions = sorted({each.session for each in history.questionnaires})
    wide: dict[tuple[int, str], dict[str, Any]] = {}
    for each in history.questionnaires:
        row = wide.setdefault(
            (each.client, each.clinician),
            {"Patient ID": each.client, "Practitioner": _family_first(each.clinician)}
            | {f"WAI-SR session {session}": None for session in sessions},
        )
        row[f"WAI-SR session {each.session}"] = each.score
    _workbook(folder / "ratings.xlsx", list(wide.values()))
    _csv(folder / "intake.csv", _intake(history, "Patient ID"))
    _csv(folder / "clinicians_extra.csv", _clinicians(history))


def write_zanda(history: History, folder: Path, rng: np.random.Generator) -> None:
    """CSV files with ISO times, a status for each appointment, and ratings item by item."""
    clients = [
        {
            "ClientID": each.number,
            "FirstName": each.first_name,
            "LastName": each.last_name,
            "DateOfBirth": each.born or "",
            "Gender": GENDERS[each.gender] or "Unspecified",
            "Email": _email(each),
            "MobilePhone": f"0491570{each.number % 1000:03d}",
            "Postcode": "2042",
            "ClientNotes": "",
            "CreatedOn": each.joined,
        }
        for each in history.clients
    ]
    _csv(folder / "Clients.csv", clients)
    words = {
        "attended": "Completed",
        "cancelled": "Cancelled",
        "missed": "Did Not Attend",
        "booked": "Confirmed",
    }
    appointments = [
        {
            "AppointmentID": each.number,
            "ClientID": each.client,
            "StartTime": datetime.combine(each.day, time(each.hour)).isoformat(),
            "Duration": 50,
            "Practitioner": _family_first(each.clinician),
            "Location": "Rooms",
            "Service": "Individual session",
            "Status": words[each.state],
            "AppointmentComments": "",
        }
        for each in history.appointments
    ]
    _csv(folder / "Client Appointments.csv", appointments)
    ratings = [
        {
            "ClientID": each.client,
            "Practitioner": each.clinician,
            "Date": _slashes(each.day),
            **{f"Q{n}": answer for n, answer in enumerate(_answers(each.score, rng), start=1)},
        }
        for each in history.questionnaires
    ]
    _csv(folder / "ratings.csv", ratings)
    _csv(folder / "intake.csv", _intake(history, "ClientID"))
    _csv(folder / "clinicians_extra.csv", _clinicians(history))


SYSTEMS: Mapping[str, Callable[[History, Path, np.random.Generator], None]] = {
    "cliniko": write_cliniko,
    "halaxy": write_halaxy,
    "zanda": write_zanda,
}


def _intake(history: History, key: str) -> list[dict[str, Any]]:
    """What clients answered, in columns named like the fields; those without an answer are left."""
    asked = history.intake.drop(columns=[*NOT_ASKED, "client_id"]).dropna(axis=1, how="all")
    rows = _filled(asked)
    numbers = history.intake["client_id"].tolist()
    return [{key: number, **row} for number, row in zip(numbers, rows, strict=True)]


def _clinicians(history: History) -> list[dict[str, Any]]:
    staff = history.clinicians.dropna(axis=1, how="all")
    return _filled(staff)


def _filled(table: pd.DataFrame) -> list[dict[str, Any]]:
    """The rows of a table, with empty text for missing cells."""
    rows = table.astype(object).where(table.notna(), "").to_dict("records")
    return [{str(name): cell for name, cell in row.items()} for row in rows]


def _answers(score: int, rng: np.random.Generator) -> list[int]:
    """Answers of 1 to 5 that add up to a sum score."""
    answers = np.full(ITEMS, score // ITEMS)
    answers[: score % ITEMS] += 1
    return [int(each) for each in rng.permutation(answers)]


def _names(history: History) -> dict[int, str]:
    return {each.number: f"{each.first_name} {each.last_name}" for each in history.clients}


def _email(client: Client) -> str:
    return f"{client.first_name}.{client.number}@mail.example".lower()


def _family_first(name: str) -> str:
    initial, _, family = name.partition(" ")
    return f"{family}, {initial}"


def _slashes(day: date | None) -> str:
    return "" if day is None else f"{day:%d/%m/%Y}"


def _clock(day: date, hour: int, minute: int = 0) -> str:
    half = "am" if hour < 12 else "pm"
    return f"{day:%d/%m/%Y} {(hour - 1) % 12 + 1}:{minute:02d} {half}"


def _csv(path: Path, rows: Sequence[Mapping[str, Any]], encoding: str = "utf-8") -> None:
    with path.open("w", encoding=encoding, newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]), lineterminator="\r\n")
        writer.writeheader()
        writer.writerows(rows)


def _workbook(path: Path, rows: Iterable[Mapping[str, Any]]) -> None:
    listed = list(rows)
    write_workbook(path, [list(listed[0]), *(list(row.values()) for row in listed)])
