"""The sample practice: its definition, made from the shipped one, and its clinicians today."""

import csv
import json
import re
import tomllib
from collections.abc import Mapping
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from recommender.practice.definition import Practice, read_practice, shipped_text
from recommender.practice.fields import Field

CLINICIANS = Path(__file__).with_name("clinicians.toml")
NAME = "Quillwattle Psychology"
CHANGES: Mapping[str, Mapping[str, str]] = {
    "practice": {"id": "sample", "title": f"{NAME} (sample practice)"},
    # A number that the regulator set aside for fiction: nobody can be rung by mistake.
    "matching_page": {
        "practice_name": NAME,
        "telephone": "02 5550 0100",
        "contact_url": "https://quillwattle.example/contact",
    },
}
"""Values of the shipped definition that the sample practice has otherwise, by table and key."""


def definition(today: date) -> str:
    """The text of the sample practice's definition."""
    text = _with_rates(shipped_text("psychology"), today)
    for table, values in CHANGES.items():
        for key, value in values.items():
            text = _with_value(text, table, key, value)
    return text + _places()


def write_definition(path: Path, today: date) -> None:
    """Writes the definition."""
    path.write_text(definition(today), "utf-8")


def write_clinicians(path: Path, today: date) -> None:
    """Writes the table of the clinicians, with dates counted from today."""
    practice = read_practice(definition(today))
    names = ["clinician_id", "name", *practice.clinician]
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, names, lineterminator="\n")
        writer.writeheader()
        writer.writerows(clinicians(practice, today))


def clinicians(practice: Practice, today: date) -> list[dict[str, str]]:
    """A row of cells for each clinician."""
    given = tomllib.loads(CLINICIANS.read_text("utf-8"))
    places = {name: place["point"] for name, place in given["places"].items()}
    rows = []
    for own in given["clinicians"]:
        answers = given["usual"] | own
        row = {"clinician_id": answers.pop("clinician_id"), "name": answers.pop("name")}
        for name, value in answers.items():
            row[name] = _cell(practice.clinician[name], value, places, today)
        rows.append(row)
    return rows


def _cell(field: Field, value: Any, places: Mapping[str, Any], today: date) -> str:
    """A value of `clinicians.toml` as a cell of the table."""
    if field.kind == "date":
        return (today + timedelta(days=value)).isoformat()
    if field.kind == "place":
        return ";".join("{},{}".format(*places[name]) for name in value)
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list):
        return ";".join(value) or "none"
    return str(value)


def _places() -> str:
    """The places that rooms lie at, as sections of the definition."""
    places = tomllib.loads(CLINICIANS.read_text("utf-8"))["places"]
    sections = (
        "\n".join((f"\n[places.{name}]", *(f"{key} = {json.dumps(place[key])}" for key in place)))
        for name, place in places.items()
    )
    return "\n".join(sections) + "\n"


def _with_value(text: str, table: str, key: str, value: str) -> str:
    """The text with one value of one table replaced."""
    line = re.compile(rf'(^\[{re.escape(table)}\]\n(?:(?!\[).*\n)*?{key} = )"[^"]*"', re.MULTILINE)
    changed, found = line.subn(lambda match: f'{match[1]}"{value}"', text)
    if found != 1:
        raise LookupError(f"the shipped definition has no [{table}] {key}")
    return changed


def _with_rates(text: str, today: date) -> str:
    """The text with its newest rates prolonged once they have ended: some rate must be in force."""
    newest = max(re.findall(r"^until = (\S+)$", text, re.MULTILINE))
    if date.fromisoformat(newest).year > today.year:
        return text
    return text.replace(f"until = {newest}\n", f"until = {today.year + 2}-06-30\n")
