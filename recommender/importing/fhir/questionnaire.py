"""A form of a practice definition as a FHIR R4 Questionnaire.

Link ids are the names of the fields, codes are their levels. `questionnaire_answers` reads a
QuestionnaireResponse to it.
"""

from collections.abc import Mapping
from typing import Any

from recommender.errors import RecommenderError
from recommender.practice.conditions import Condition
from recommender.practice.definition import Practice
from recommender.practice.fields import Field
from recommender.practice.forms import Audience, FormSection
from recommender.values.kinds import DAYS, NONE_NAMED

Json = dict[str, Any]

NONE_LABEL = "None of these"
"""What people read for the option that no tag applies, which differs from no answer."""
MAX_TEXT = 2000
"""Longest text answer in characters: 40 weekly times, or 30 ids, with room to spare."""
_STRUCTURE = "http://hl7.org/fhir/StructureDefinition"
UNIT_EXTENSION = f"{_STRUCTURE}/questionnaire-unit"
MIN_EXTENSION, MAX_EXTENSION = f"{_STRUCTURE}/minValue", f"{_STRUCTURE}/maxValue"
ENTRY_FORMAT_EXTENSION = f"{_STRUCTURE}/entryFormat"
CONTROL_EXTENSION = f"{_STRUCTURE}/questionnaire-itemControl"
CONTROL_SYSTEM = "http://hl7.org/fhir/questionnaire-item-control"

ITEM_TYPES: Mapping[str, str] = {
    "number": "decimal",
    "scale": "decimal",
    "money": "decimal",
    "ordinal": "choice",
    "category": "choice",
    "tags": "choice",
    "flag": "boolean",
    "date": "date",
    "place": "string",
    "weekly_hours": "string",
    "ids": "string",
}
"""Type of a FHIR item by kind of field; clients are asked for no other kind."""
REPEATING = frozenset({"tags", "place", "weekly_hours", "ids"})
"""Kinds of field with several values: one answer for each."""


def form_questionnaire(
    practice: Practice, audience: Audience = "client", url: str | None = None
) -> Json:
    """The form for an audience as a Questionnaire of FHIR R4.

    Parameters
    ----------
    url
        Its canonical address, which responses name; that of `canonical_url` by default.

    Raises
    ------
    RecommenderError
        Where the practice declares no form for the audience.
    """
    form = practice.forms.get(audience)
    if form is None:
        remedy = f"declare it under [forms.{audience}], or name the other one with --form"
        raise RecommenderError(f"forms.{audience}", "is not declared", remedy)
    address = url or canonical_url(practice, audience)
    return {
        "resourceType": "Questionnaire",
        "language": practice.language,
        "url": address,
        "version": practice.version,
        "name": _computer_name(practice.id, audience),
        "title": form.title,
        "status": "active",
        "subjectType": ["Patient"],
        "publisher": practice.title,
        "item": [_section_item(each, practice, audience, address) for each in form.sections],
    }


def canonical_url(practice: Practice, audience: Audience) -> str:
    """The address of a form where none is named: unique to the definition's id, and no web page.

    A practice that publishes its form names an address of its own.
    """
    return f"urn:recommender:practice:{practice.id}:form:{audience}"


def level_system(url: str, field: str) -> str:
    """The code system of a field's levels in the Questionnaire of an address.

    >>> level_system("https://practice.example/Questionnaire/intake", "funding")
    'https://practice.example/Questionnaire/intake/levels/funding'
    """
    separator = ":" if url.startswith("urn:") else "/"
    return separator.join([url, "levels", field])


def _computer_name(practice_id: str, audience: Audience) -> str:
    """A name as FHIR wants it (invariant que-0): a capital letter, then letters and digits.

    >>> _computer_name("psychology", "client")
    'PsychologyClientForm'
    """
    return "".join(part.capitalize() for part in (*practice_id.split("_"), audience, "form"))


def _section_item(section: FormSection, practice: Practice, audience: Audience, url: str) -> Json:
    questions = [
        _question_item(practice.client[name], practice, audience, url)
        for name in (*section.first, *section.later)
    ]
    notes = [_help_item(f"section.{section.id}.help", section.help)] if section.help else []
    return {
        "linkId": f"section.{section.id}",
        "text": section.title,
        "type": "group",
        "item": [*notes, *questions],
    }


def _question_item(field: Field, practice: Practice, audience: Audience, url: str) -> Json:
    item: Json = {
        "linkId": field.name,
        "text": field.question_for(audience),
        "type": ITEM_TYPES[field.kind],
        "required": field.required,
        "repeats": field.kind in REPEATING,
    }
    extensions = _extensions_of(field, practice)
    if extensions:
        item["extension"] = extensions
    if item["type"] == "string":
        item["maxLength"] = MAX_TEXT
    if field.behaviour.has_levels:
        item["answerOption"] = _answer_options(field, url)
    if field.asked_when is not None:
        item["enableWhen"] = _enable_when(field.asked_when, practice, url)
        item["enableBehavior"] = "any"
    beside = field.help_for(audience)
    if beside:
        item["item"] = [_help_item(f"{field.name}.help", beside)]
    return item


def _answer_options(field: Field, url: str) -> list[Json]:
    codings = {level: field.label_of(level) for level in field.levels}
    if field.kind == "tags":
        codings[NONE_NAMED] = NONE_LABEL
    system = level_system(url, field.name)
    return [
        {"valueCoding": {"system": system, "code": code, "display": display}}
        for code, display in codings.items()
    ]


def _enable_when(condition: Condition, practice: Practice, url: str) -> list[Json]:
    """The condition as alternatives of which any is enough."""
    asked = condition.client
    if condition.below is not None:
        return [{"question": asked, "operator": "<", "answerDecimal": condition.below}]
    if practice.client[asked].kind == "flag":
        # A definition refuses conditions on a flag that is false.
        return [{"question": asked, "operator": "=", "answerBoolean": True}]
    system = level_system(url, asked)
    return [
        {"question": asked, "operator": "=", "answerCoding": {"system": system, "code": level}}
        for level in condition.has
    ]


def _extensions_of(field: Field, practice: Practice) -> list[Json]:
    """Unit, bounds and form of an answer, which R4 has as extensions."""
    found: list[Json] = []
    unit = practice.currency if field.kind == "money" else field.unit
    if unit is not None:
        found.append({"url": UNIT_EXTENSION, "valueCoding": {"display": unit}})
    if field.behaviour.has_bounds:
        for url, bound in ((MIN_EXTENSION, field.min), (MAX_EXTENSION, field.max)):
            if bound is not None:
                found.append({"url": url, "valueDecimal": bound})
    form = _ENTRY_FORMS.get(field.kind)
    if form is not None:
        found.append({"url": ENTRY_FORMAT_EXTENSION, "valueString": form})
    return found


_ENTRY_FORMS = {
    "place": "a postcode, or latitude and longitude such as -33.87,151.21",
    "weekly_hours": f"a day ({', '.join(DAYS)}) and times, such as mon 09:00-12:30",
    "ids": "the practice's pseudonym of a clinician",
}
"""How the text of an answer is written; each text is one of several."""


def _help_item(link_id: str, text: str) -> Json:
    control = {"coding": [{"system": CONTROL_SYSTEM, "code": "help"}]}
    return {
        "linkId": link_id,
        "extension": [{"url": CONTROL_EXTENSION, "valueCodeableConcept": control}],
        "text": text,
        "type": "display",
    }
