"""The JSON Schema of the answers of one form: what a form renderer shows and checks.

Whatever it accepts, `POST /v1/recommendations` accepts as `answers`. It is the stricter of the two
where a form is easier to fill in so: whole amounts of money, times on the half hour, postcodes; and
a form to clients requires what nobody can be shown without.
"""

from collections import defaultdict
from collections.abc import Container, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from recommender.practice.conditions import Condition, holds
from recommender.practice.definition import Practice
from recommender.practice.fields import Field
from recommender.practice.forms import Audience
from recommender.practice.matching_page import MatchingPage
from recommender.practice.needed_answers import NeededAnswer, needed_of_clients
from recommender.serving.schemas.json_types import MAX_IDS, MAX_WINDOWS
from recommender.values.ids import ID_PATTERN
from recommender.values.kinds import DAY_NAMES, MAX_NUMBER

DIALECT = "https://json-schema.org/draft/2020-12/schema"
TIMES = tuple(f"{half // 2:02}:{'30' if half % 2 else '00'}" for half in range(49))
"""Times of the day on the half hour, from 00:00 to 24:00."""
PLACE_HELP = "Choose the nearest in the list, or leave this blank: no distance is worked out then."
"""What a form says of places where the practice knows a closed list of postcodes."""
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
    asked: dict[_Circumstances, list[str]] = defaultdict(list)
    for field in fields:
        asked[_Circumstances.of(field.asked_when)].append(field.name)
    required = _required(practice, questions, audience)
    always, *others = dict.fromkeys([_Circumstances(), *asked, *required])
    schema: Schema = {
        "$schema": DIALECT,
        "title": practice.forms[audience].title,
        "type": "object",
        "properties": {name: questions[name] for name in asked[always]},
        "required": required.get(always, []),
    }
    rules = [
        {
            "if": each.schema(practice.client),
            "then": {"properties": {name: questions[name] for name in asked.get(each, ())}}
            | ({"required": required[each]} if each in required else {}),
        }
        for each in others
    ]
    # What does not apply is no answer: whichever of the rules applies has named the others.
    return schema | ({"allOf": rules} if rules else {}) | {"unevaluatedProperties": False}


@dataclass(frozen=True, slots=True)
class _Circumstances:
    """Answers on which something depends: all of the first conditions, none of the others."""

    all_of: tuple[Condition, ...] = ()
    none_of: tuple[Condition, ...] = ()

    @classmethod
    def of(cls, condition: Condition | None) -> "_Circumstances":
        return cls() if condition is None else cls((condition,))

    def schema(self, client: Mapping[str, Field]) -> Schema:
        parts = [_condition_schema(each, client[each.client]) for each in self.all_of]
        parts += [{"not": _condition_schema(each, client[each.client])} for each in self.none_of]
        return parts[0] if len(parts) == 1 else {"allOf": parts}


def _required(
    practice: Practice, asked: Mapping[str, Any], audience: Audience
) -> dict[_Circumstances, list[str]]:
    """The questions of a form that must be answered, by when they must.

    Staff may leave open what is needed: they see who is left out for it, and ask then.
    """
    page = practice.matching_page
    declared: Mapping[str, Any] = page.answers if page is not None else {}
    if audience == "staff":
        needs = [NeededAnswer(name) for name, field in practice.client.items() if field.required]
    else:
        needs = [*needed_of_clients(practice)]
    names: dict[_Circumstances, dict[str, None]] = defaultdict(dict)
    for each in needs:
        if each.field in asked:
            when = _when_required(each, practice.client[each.field], asked, declared)
            if when is not None:
                names[when][each.field] = None
    return {when: list(fields) for when, fields in names.items()}


def _when_required(
    needed: NeededAnswer, field: Field, asked: Container[str], declared: Mapping[str, Any]
) -> _Circumstances | None:
    """When a form requires an answer: where it asks for it and it is needed; None for never.

    What the form does not ask has the answer that the practice declares, or none.
    """
    all_of = [each for each in (field.asked_when, needed.when) if each is not None]
    none_of = [each for each in (needed.unless,) if each is not None]
    if not all(each.client in asked or holds(each, declared) for each in all_of):
        return None
    if any(each.client not in asked and holds(each, declared) for each in none_of):
        return None
    return _Circumstances(
        tuple(dict.fromkeys(each for each in all_of if each.client in asked)),
        tuple(each for each in none_of if each.client in asked),
    )


def question_schema(
    practice: Practice, field: Field, audience: Audience, clinicians: People
) -> Schema:
    """The schema of one answer, with the question as title and the help as description."""
    texts = [field.help_for(audience)]
    if field.kind == "money":
        texts.append(f"In {practice.currency}.")
    elif field.unit and not texts[0]:
        texts.append(f"In {field.unit}.")
    elif field.kind == "place" and field.postcodes:
        texts.append(PLACE_HELP)
    description = " ".join(filter(None, texts))
    heading = {"title": field.question_for(audience)}
    return (
        heading
        | ({"description": description} if description else {})
        | _kind(practice, field, clinicians)
    )


def _kind(practice: Practice, field: Field, clinicians: People) -> Schema:
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
            return _list(_place(practice, field), PLACES_ASKED) | {"contains": {}}
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


def _place(practice: Practice, field: Field) -> Schema:
    """One of the practice's postcodes with its suburbs where it declares any, else coordinates."""
    if field.postcodes:
        choices = _choices(_postcode_titles(practice.matching_page, field.postcodes))
        return _object({"postcode": {"type": "string", "title": "Postcode", **choices}})
    return _object(
        {
            "latitude": {"type": "number", "title": "Latitude", "minimum": -90, "maximum": 90},
            "longitude": {"type": "number", "title": "Longitude", "minimum": -180, "maximum": 180},
        }
    )


def _postcode_titles(page: MatchingPage | None, postcodes: Iterable[str]) -> dict[str, str]:
    """What people read for a postcode, such as `2042 Newtown`."""
    suburbs: dict[str, list[str]] = defaultdict(list)
    for name, code in sorted(page.suburbs.items() if page is not None else ()):
        suburbs[code].append(name)
    return {code: f"{code} {', '.join(suburbs[code])}".strip() for code in sorted(postcodes)}


def _time_window() -> Schema:
    """A time range within one day; the choice of its end depends on its start."""
    days = {"type": "string", "title": "Day", **_choices(DAY_NAMES)}
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
        answer = {"const": condition.has != ("false",)}
    elif field.kind == "tags":
        answer = {"type": "array", "contains": {"enum": list(condition.has)}}
    else:
        answer = {"enum": list(condition.has)}
    return {"properties": {condition.client: answer}, "required": [condition.client]}
