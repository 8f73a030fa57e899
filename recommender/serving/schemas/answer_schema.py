"""The JSON Schema of the answers of one form: what a form renderer shows and checks.

Whatever it accepts, `POST /v1/recommendations` accepts as `answers`. It is the stricter of the two
where a form is easier to fill in so: whole amounts of money, times on the half hour, postcodes.
"""

from collections.abc import Iterable, Mapping
from itertools import groupby
from typing import Any

from recommender.practice.conditions import Condition
from recommender.practice.definition import Practice
from recommender.practice.fields import Field
from recommender.practice.forms import Audience
from recommender.serving.schemas.json_types import MAX_IDS, MAX_WINDOWS
from recommender.values.ids import ID_PATTERN
from recommender.values.kinds import DAYS, MAX_NUMBER

DIALECT = "https://json-schema.org/draft/2020-12/schema"
DAY_TITLES = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
TIMES = tuple(f"{half // 2:02}:{'30' if half % 2 else '00'}" for half in range(49))
"""Times of the day on the half hour, from 00:00 to 24:00."""
PLACES_ASKED = 1
"""Places a form asks for; a request may have more."""

Schema = dict[str, Any]
People = Mapping[str, str]


def answers_schema(
    practice: Practice, names: Iterable[str], audience: Audience, clinicians: People
) -> Schema:
    """The schema of the answers to some questions, by field name.

    Parameters
    ----------
    names
        Fields of the client, in the order asked.
    clinicians
        Names of the clinicians who may be named in an answer, by id.
    """
    fields = [practice.client[name] for name in names]
    questions = {
        field.name: question_schema(practice, field, audience, clinicians) for field in fields
    }
    always = [field for field in fields if field.asked_when is None]
    schema: Schema = {
        "$schema": DIALECT,
        "title": practice.forms[audience].title,
        "type": "object",
        "properties": {field.name: questions[field.name] for field in always},
        "required": [field.name for field in always if field.required],
    }
    depending = [(field.asked_when, field.name) for field in fields if field.asked_when is not None]
    rules = [
        {
            "if": _condition_schema(condition, practice.client[condition.client]),
            "then": {"properties": {name: questions[name] for _, name in group}},
        }
        for condition, group in groupby(sorted(depending, key=_by_condition), key=lambda e: e[0])
    ]
    # What does not apply is no answer: whichever of the rules applies has named the others.
    return schema | ({"allOf": rules} if rules else {}) | {"unevaluatedProperties": False}


def _by_condition(each: tuple[Condition, str]) -> tuple[str, tuple[str, ...], float]:
    condition, _ = each
    return condition.client, condition.has, condition.below or 0.0


def question_schema(
    practice: Practice, field: Field, audience: Audience, clinicians: People
) -> Schema:
    """The schema of one answer, with the question as title and the help as description."""
    texts = [field.help_for(audience)]
    if field.kind == "money":
        texts.append(f"In {practice.currency}.")
    elif field.unit and not texts[0]:
        texts.append(f"In {field.unit}.")
    description = " ".join(filter(None, texts))
    heading = {"title": field.question_for(audience)}
    return (
        heading | ({"description": description} if description else {}) | _kind(field, clinicians)
    )


def _kind(field: Field, clinicians: People) -> Schema:
    match field.kind:
        case "number" | "scale":
            return _number(field)
        case "money":
            # A fraction such as 0.01 is not a binary number: validators refuse sound multiples.
            return {**_number(field), "multipleOf": 1}
        case "ordinal" | "category":
            return {"type": "string", **_choices(_levels(field))}
        case "tags":
            return _several({"type": "string", **_choices(_levels(field))}, len(field.levels))
        case "flag":
            return {"type": "boolean", **_choices({True: "Yes", False: "No"})}
        case "date":
            return {"type": "string", "format": "date", "pattern": "^[0-9]{4}-[0-9]{2}-[0-9]{2}$"}
        case "place":
            return _list(_place(field), PLACES_ASKED) | {"contains": {}}
        case "weekly_hours":
            return _list(_time_window(), MAX_WINDOWS)
        case "ids" if field.people_named == "clinicians" and clinicians:
            return _several(
                {"type": "string", **_choices(clinicians)}, min(MAX_IDS, len(clinicians))
            )
        case "ids":
            return _several({"type": "string", "pattern": ID_PATTERN}, MAX_IDS)
    raise ValueError(f"no form asks for answers of kind {field.kind}")


def _levels(field: Field) -> dict[str, str]:
    return {level: field.label_of(level) for level in field.levels}


def _choices(titles: Mapping[Any, str]) -> Schema:
    """Labelled choices: each an enumeration of one value.

    With `const`, react-jsonschema-form answers every question with the first choice before anybody
    has answered, and agrees to what nobody agreed to.
    """
    return {"oneOf": [{"enum": [value], "title": title} for value, title in titles.items()]}


def _number(field: Field) -> Schema:
    low = -MAX_NUMBER if field.min is None else field.min
    high = MAX_NUMBER if field.max is None else field.max
    return {"type": "number", "minimum": low, "maximum": high}


def _list(member: Schema, longest: int) -> Schema:
    return {"type": "array", "items": member, "maxItems": longest}


def _several(member: Schema, longest: int) -> Schema:
    return {**_list(member, longest), "uniqueItems": True}


def _place(field: Field) -> Schema:
    """A postcode where the practice declares any, else coordinates."""
    if field.postcodes:
        postcode = {"type": "string", "title": "Postcode", "enum": sorted(field.postcodes)}
        return _object({"postcode": postcode})
    return _object(
        {
            "latitude": {"type": "number", "title": "Latitude", "minimum": -90, "maximum": 90},
            "longitude": {"type": "number", "title": "Longitude", "minimum": -180, "maximum": 180},
        }
    )


def _time_window() -> Schema:
    """A time range within one day; the choice of its end depends on its start."""
    days = {"type": "string", "title": "Day", **_choices(dict(zip(DAYS, DAY_TITLES, strict=True)))}
    start = {"type": "string", "title": "From", "enum": list(TIMES[:-1])}
    end = {"type": "string", "title": "Until", "enum": list(TIMES[1:])}
    later = [
        {
            "if": {"properties": {"start": {"const": time}}, "required": ["start"]},
            "then": {"properties": {"end": {"enum": list(TIMES[place + 1 :])}}},
        }
        for place, time in enumerate(TIMES[1:-1], 1)
    ]
    return _object({"day": days, "start": start, "end": end}) | {"allOf": later}


def _object(members: Schema) -> Schema:
    return {
        "type": "object",
        "properties": members,
        "required": list(members),
        "additionalProperties": False,
    }


def _condition_schema(condition: Condition, field: Field) -> Schema:
    """The schema that an object of answers meets if it meets a condition."""
    if condition.below is not None:
        answer: Schema = {"type": "number", "exclusiveMaximum": condition.below}
    elif field.kind == "flag":
        answer = {"const": True}
    elif field.kind == "tags":
        answer = {"type": "array", "contains": {"enum": list(condition.has)}}
    else:
        answer = {"enum": list(condition.has)}
    return {"properties": {condition.client: answer}, "required": [condition.client]}
