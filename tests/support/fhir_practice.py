"""An invented practice in FHIR R4 with AU Base profiles, as its server would export it."""

from collections.abc import Mapping
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

from recommender.importing.fhir.mapping import AHPRA, FhirMapping
from recommender.importing.fhir.mapping_reader import read_mapping, shipped_mapping
from recommender.importing.fhir.resources import Document
from recommender.importing.fhir.tables import ImportSettings, import_documents
from recommender.importing.import_report import ImportLog, ImportReport
from recommender.importing.output_tables import OutputTable
from recommender.importing.pseudonyms import Pseudonyms
from recommender.practice.definition import Practice, shipped_practice

Json = dict[str, Any]

NOW = datetime(2026, 11, 20, 1, tzinfo=UTC)
"""When the practice is imported: Friday noon in Sydney."""
SNOMED = "http://snomed.info/sct"
SRS = "https://practice.example/fhir/Questionnaire/srs"
WAI = "https://practice.example/fhir/Questionnaire/wai-sr"
OTHER_INTAKE = "https://practice.example/fhir/Questionnaire/intake"
FORMS = f"""
[ratings."{SRS}"]
instrument = "srs_v3"
metric = "sum"
score = "total"

[ratings."{WAI}"]
instrument = "wai_sr"
metric = "items"
items = [{", ".join(f'"wai-{number}"' for number in range(1, 13))}]
values = {{ "seldom" = 1, "always" = 5 }}

[intake."{OTHER_INTAKE}"]
age_years = {{ link = "1" }}
main_concern = {{ link = "2", codes = {{ "anx" = "anxiety" }} }}
blocked_clinicians = {{ link = "3" }}
"""
"""What the practice adds to the shipped mapping."""


@cache
def the_practice() -> Practice:
    return shipped_practice()


@cache
def a_mapping(added: str = FORMS) -> FhirMapping:
    """The shipped mapping with something added."""
    return read_mapping(shipped_mapping() + added, the_practice())


def a_resource(kind: str, name: str, /, **elements: Any) -> Json:
    return {"resourceType": kind, "id": name, **elements}


def to(kind: str, name: str) -> Json:
    return {"reference": f"{kind}/{name}"}


def a_concept(code: str, system: str = SNOMED) -> Json:
    return {"coding": [{"system": system, "code": code}]}


def a_registration(number: str, **elements: Any) -> Json:
    return {"system": AHPRA, "value": number, **elements}


def a_practitioner(name: str = "wattle", /, **elements: Any) -> Json:
    return a_resource(
        "Practitioner",
        name,
        **{
            "identifier": [a_registration("PSY0001234567")],
            "name": [{"family": name.capitalize(), "given": ["Alex"], "prefix": ["Dr"]}],
            **elements,
        },
    )


def a_role(practitioner: str = "wattle", **elements: Any) -> Json:
    name = elements.pop("id", f"role-{practitioner}")
    return a_resource(
        "PractitionerRole", name, practitioner=to("Practitioner", practitioner), **elements
    )


def a_place(name: str, latitude: float, longitude: float, **elements: Any) -> Json:
    position = {"latitude": latitude, "longitude": longitude}
    return a_resource("Location", name, status="active", position=position, **elements)


def a_time(days: str, start: str, end: str) -> Json:
    return {
        "daysOfWeek": days.split(),
        "availableStartTime": f"{start}:00",
        "availableEndTime": f"{end}:00",
    }


def a_patient(name: str = "1042", /, **elements: Any) -> Json:
    """A patient with personal data that nothing may write or print."""
    return a_resource(
        "Patient",
        name,
        **{
            "name": [{"family": "Quandong", "given": ["Jo"]}],
            "birthDate": "1991-03-05",
            "address": [{"line": ["7 Hidden Lane"], "postalCode": "2042"}],
            "telecom": [{"system": "phone", "value": "0491570156"}],
            **elements,
        },
    )


def an_encounter(name: str, day: str, **elements: Any) -> Json:
    return a_resource(
        "Encounter",
        name,
        **{
            "status": "finished",
            "class": {"code": "AMB"},
            "subject": to("Patient", "1042"),
            "participant": [{"individual": to("Practitioner", "wattle")}],
            "period": {"start": f"{day}T10:00:00+11:00"},
            **elements,
        },
    )


def a_response(questionnaire: str, answers: Mapping[str, Json], /, **elements: Any) -> Json:
    """A response with one answer for each link id; ids are drawn from the day and the form."""
    items = [{"linkId": link, "answer": [answer]} for link, answer in answers.items()]
    return a_resource(
        "QuestionnaireResponse",
        elements.pop("id", "r1"),
        **{
            "questionnaire": questionnaire,
            "status": "completed",
            "subject": to("Patient", "1042"),
            "source": to("Patient", "1042"),
            "authored": "2026-10-08T18:00:00+11:00",
            "item": items,
            **elements,
        },
    )


def an_intake(**elements: Any) -> Json:
    answers: dict[str, Json] = {
        "1": {"valueInteger": 35},
        "2": {"valueCoding": {"system": "https://practice.example/concerns", "code": "anx"}},
    }
    settings = {"id": "intake", "authored": "2026-09-20", **elements}
    return a_response(OTHER_INTAKE, elements.pop("answers", answers), **settings)


def a_rating(total: float = 36.5, **elements: Any) -> Json:
    return a_response(SRS, {"total": {"valueDecimal": total}}, **{"id": "rating", **elements})


def whole_practice() -> list[Json]:
    """Two clinicians in two places, a doctor who refers, two clients, sessions and forms."""
    return [
        a_practitioner(gender="female", communication=[a_concept("en-AU", "urn:ietf:bcp:47")]),
        a_practitioner(
            "banksia",
            identifier=[],
            qualification=[
                {
                    "identifier": [a_registration("PSY0007654321")],
                    "code": {"text": "Registration"},
                    "period": {"start": "2015", "end": "2027-11"},
                }
            ],
        ),
        a_practitioner("referrer", identifier=[a_registration("MED0000932945")]),
        a_place("city", -33.87, 151.21),
        a_place("inner-west", -33.9, 151.18),
        a_role(
            location=[to("Location", "city")],
            specialty=[a_concept("1255918004")],
            availableTime=[a_time("mon tue", "09:00", "17:00")],
            notAvailable=[
                {
                    "description": "Leave",
                    "during": {"start": "2026-12-20", "end": "2027-01-10"},
                }
            ],
        ),
        a_role(
            "banksia",
            location=[to("Location", "city"), to("Location", "inner-west")],
            availableTime=[a_time("wed", "12:00", "20:00")],
        ),
        a_resource("Schedule", "s1", actor=[to("PractitionerRole", "role-wattle")], active=True),
        a_slot("past", "2026-11-19T09:00:00+11:00"),
        a_slot("taken", "2026-11-23T09:00:00+11:00", status="busy"),
        a_slot("free", "2026-11-24T08:30:00+11:00"),
        a_patient(),
        a_patient("1043", birthDate="2009-01-02"),
        an_intake(),
        an_encounter("e1", "2026-10-01"),
        an_encounter("e2", "2026-10-08"),
        an_encounter("e3", "2026-10-15", subject=to("Patient", "1043")),
        a_rating(encounter=to("Encounter", "e2")),
    ]


def a_slot(name: str, start: str, **elements: Any) -> Json:
    settings = {"schedule": to("Schedule", "s1"), "status": "free", "start": start, "end": start}
    return a_resource("Slot", name, **{**settings, **elements})


def a_bundle(resources: list[Json], **elements: Any) -> Json:
    entries = [{"resource": each} for each in resources]
    return {"resourceType": "Bundle", "type": "collection", "entry": entries, **elements}


def imported(
    resources: list[Json], mapping: FhirMapping | None = None
) -> tuple[dict[str, OutputTable], ImportReport]:
    """The tables of some resources, and the report."""
    log = ImportLog("FHIR")
    pseudonyms = Pseudonyms(bytes(32))
    settings = ImportSettings(mapping or a_mapping(), the_practice(), pseudonyms, NOW)
    tables = import_documents([Document("bundle", a_bundle(resources))], settings, log)
    return tables, log.report()


def rows_of(table: OutputTable) -> list[dict[str, Any]]:
    """The filled cells of each row by column."""
    rows = [dict(zip(table.header, row, strict=True)) for row in table.rows]
    return [{name: cell for name, cell in row.items() if cell is not None} for row in rows]


def reasons_in(report: ImportReport) -> dict[tuple[str, str | None], list[str]]:
    """Why something was left out, by kind of resource and column."""
    found: dict[tuple[str, str | None], list[str]] = {}
    for each in report.left_out:
        found.setdefault((each.source, each.column), []).append(each.reason)
    return found


def text_of(folder: Path) -> str:
    """What all files of a folder hold."""
    return "\n".join(each.read_text(encoding="utf-8") for each in sorted(folder.iterdir()))
