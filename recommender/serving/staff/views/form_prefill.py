"""A kept request as the form it could have been asked with. Imported by `staff.asking`."""

from collections.abc import Callable, Mapping
from typing import Any

from recommender.journal.recommendations import ShownRecommendation
from recommender.practice.definition import Practice
from recommender.practice.fields import Field
from recommender.serving.schemas.json_types import JSON_TYPES
from recommender.serving.staff.form_data import FormData
from recommender.serving.staff.views.intake_form import ANSWER, MODE, NONE


def refilled(practice: Practice, shown: ShownRecommendation) -> FormData:
    """The form with every answer of a request; the day is left open, and so is what was agreed."""
    fields: dict[str, list[str]] = {"client_id": [shown.client_id or ""]}
    fields |= {f"{MODE}{name}": [mode] for name, mode in shown.modes.items()}
    for name, field in practice.client.items():
        if name in shown.answers:
            fields |= _typed(field, JSON_TYPES[field.kind].json_of(shown.answers[name]))
    return FormData(fields)


def _typed(field: Field, answer: Any) -> dict[str, list[str]]:
    """One answer as it would be typed."""
    name = f"{ANSWER}{field.name}"
    if field.kind == "weekly_hours":
        return _hours(name, answer)
    if field.kind == "tags":
        return {name: [str(each) for each in answer] or [NONE]}
    return {name: [_TYPED.get(field.kind, str)(answer)]}


def _hours(name: str, windows: list[Mapping[str, str]]) -> dict[str, list[str]]:
    days: dict[str, list[str]] = {}
    for each in windows:
        days.setdefault(each["day"], []).append(f"{each['start']}-{each['end']}")
    return {f"{name}.{day}": [", ".join(hours)] for day, hours in days.items()}


def _places(answer: list[Mapping[str, Any]]) -> str:
    told = (
        each["postcode"] if "postcode" in each else f"{each['latitude']}, {each['longitude']}"
        for each in answer
    )
    return "; ".join(told)


def _figure(answer: float) -> str:
    return f"{answer:.10g}"


_TYPED: Mapping[str, Callable[[Any], str]] = {
    "number": _figure,
    "scale": _figure,
    "money": _figure,
    "flag": lambda answer: "yes" if answer else "no",
    "place": _places,
    "ids": ", ".join,
}
