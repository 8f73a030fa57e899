"""The questions of a practice as a form: JSON Schema, UI schema and sections."""

from collections.abc import Container, Iterable, Mapping
from typing import Annotated, Any

from pydantic import ConfigDict
from pydantic import Field as Setting

from recommender.practice.definition import Practice
from recommender.practice.fields import Field
from recommender.practice.forms import Audience, FormLayout
from recommender.practice.matching_page import MINOR_TITLE, MatchingPage
from recommender.practice.needed_answers import needed_answers, needed_of_clients
from recommender.serving.schemas.answer_schema import People, answers_schema
from recommender.serving.schemas.responses import ResponseModel
from recommender.tables.roster import Roster

WIDGETS: Mapping[str, Mapping[str, Any]] = {
    "ordinal": {"ui:widget": "select"},
    "category": {"ui:widget": "select"},
    "flag": {"ui:widget": "select"},
    "tags": {"ui:widget": "checkboxes"},
    "ids": {"ui:widget": "checkboxes"},
    "date": {"ui:widget": "date"},
    "place": {"items": {"ui:label": False}},
    "weekly_hours": {"items": {"ui:label": False}},
}
"""Widgets of react-jsonschema-form by kind of field, where the usual one is not meant.

A select can be emptied again, which buttons cannot.
"""


class DefinitionInUse(ResponseModel):
    """The practice definition that a form is made from."""

    id: str
    version: str
    digest: Annotated[
        str,
        Setting(description="As `practice_digest` of recommendations; texts may be newer."),
    ]


class QuestionSection(ResponseModel):
    """Questions that belong together, by the names of their fields."""

    id: str
    title: str
    help: str
    first: Annotated[tuple[str, ...], Setting(description="Asked at once, in this order.")]
    later: Annotated[
        tuple[str, ...],
        Setting(
            description="Asked if more is wanted; with `later=false`, those of them without which "
            "nobody can be shown."
        ),
    ]


class SafetyQuestionText(ResponseModel):
    """A question on safety, answered with no, yes or not sure."""

    question: str
    help: str


class EmergencyContact(ResponseModel):
    """Somebody to ring at once."""

    label: str
    telephone: str
    note: str


class SafetyFirst(ResponseModel):
    """What a form asks before anything else, so that somebody at risk meets a person.

    A client who answers anything but no to one of the questions reads `at_risk` with the numbers,
    and sees no list.
    """

    questions: tuple[SafetyQuestionText, ...]
    at_risk: str
    telephone: Annotated[str, Setting(description="Of the practice; blank if it declares none.")]
    emergency: tuple[EmergencyContact, ...]
    answers: Annotated[
        dict[str, Any],
        Setting(
            description="What the practice answers for a client who answered no to each question, "
            "such as a level of care: add it to the answers of the form, and only then.",
            examples=[{"risk_level": "level_3"}],
        ),
    ]


class MinimumAge(ResponseModel):
    """Below which age a form shows `text` with the telephone number, and sends no request.

    The server does not refuse such a request: staff ask for minors too.
    """

    field: Annotated[
        str, Setting(description="The question about the age.", examples=["age_years"])
    ]
    years: Annotated[float, Setting(description="The lowest age that may see a list.")]
    title: Annotated[str, Setting(description="The heading of the text.")]
    text: str
    telephone: Annotated[str, Setting(description="Of the practice; blank if it declares none.")]


class Questions(ResponseModel):
    """The form of one audience.

    `schema` is about `answers` of `POST /v1/recommendations`; `ui_schema` is for
    react-jsonschema-form; `sections` has the same order for programs that show the form themselves.
    """

    model_config = ConfigDict(
        **ResponseModel.model_config, validate_by_name=True, serialize_by_alias=True
    )

    definition: DefinitionInUse
    language: Annotated[str, Setting(description="Of every text, as a BCP 47 tag.")]
    audience: Audience
    title: str
    answers: Annotated[
        dict[str, Any],
        Setting(
            alias="schema",
            description="JSON Schema (2020-12) of the answers: questions as titles, labelled "
            "choices, and conditions that hide what does not apply. An object that it accepts is "
            "a sound `answers` of `POST /v1/recommendations`. A form to clients requires every "
            "answer without which nobody can be shown, where it is asked.",
            examples=[{"type": "object", "properties": {"age_years": {"type": "number"}}}],
        ),
    ]
    ui_schema: Annotated[
        dict[str, Any],
        Setting(
            description="Order and widgets for react-jsonschema-form; `ui:options` of a question "
            "has its `section`, its `stage` (`first` or `later`) and `needed`: whether nobody can "
            "be shown while it is open, where it applies. Staff may leave such a question open.",
            examples=[{"ui:order": ["age_years", "*"]}],
        ),
    ]
    sections: tuple[QuestionSection, ...]
    safety: Annotated[
        SafetyFirst | None,
        Setting(description="Of the form to clients, where the practice declares it; else null."),
    ]
    minimum_age: Annotated[
        MinimumAge | None,
        Setting(description="Of the form to clients, where the practice declares it; else null."),
    ]


def questions_of(
    practice: Practice, roster: Roster, audience: Audience, *, later: bool = True
) -> Questions:
    """The form of an audience for which the practice has one.

    Parameters
    ----------
    roster
        Of whom the questions about clinicians let a client choose.
    later
        Whether questions are included that are asked only if more is wanted. Those without which
        nobody can be shown always are.
    """
    layout = practice.forms[audience]
    page = practice.matching_page if audience == "client" else None
    needs = needed_of_clients(practice) if audience == "client" else needed_answers(practice)
    needed = {each.field for each in needs}
    people = roster.called if audience == "staff" else offered_people(practice, roster)
    by_name = dict(sorted(people.items(), key=lambda each: (each[1].casefold(), each[0])))
    sections = [
        QuestionSection(
            id=each.id,
            title=each.title,
            help=each.help,
            first=each.first,
            later=each.later if later else tuple(name for name in each.later if name in needed),
        )
        for each in layout.sections
    ]
    names = [name for each in sections for name in (*each.first, *each.later)]
    return Questions(
        definition=DefinitionInUse(
            id=practice.id, version=practice.version, digest=practice.digest
        ),
        language=practice.language,
        audience=audience,
        title=layout.title,
        answers=answers_schema(practice, names, audience, by_name),
        ui_schema=_ui_schema(layout, names, practice.client, needed),
        sections=tuple(each for each in sections if each.first or each.later),
        safety=None if page is None else _safety_first(page),
        minimum_age=None if page is None else _minimum_age(page),
    )


def _safety_first(page: MatchingPage) -> SafetyFirst:
    return SafetyFirst(
        questions=tuple(map(SafetyQuestionText.model_validate, page.safety)),
        at_risk=page.at_risk,
        telephone=page.telephone,
        emergency=tuple(map(EmergencyContact.model_validate, page.emergency)),
        answers=dict(page.answers),
    )


def _minimum_age(page: MatchingPage) -> MinimumAge:
    return MinimumAge(
        field=page.age,
        years=page.minimum_age,
        title=MINOR_TITLE,
        text=page.for_minors,
        telephone=page.telephone,
    )


def offered_people(practice: Practice, roster: Roster) -> People:
    """Names by id of the clinicians whom clients may read of: those that can be offered at all.

    Left out are clinicians whom a hard constraint on one of their own flags excludes whatever a
    client answers: who has not agreed to be matched, or does not work here.
    """
    flags = [
        each.clinician[0]
        for each in practice.constraints.values()
        if each.rule == "is_true"
        and each.mode == "hard"
        and (each.when, each.unless, each.instead) == (None, None, None)
    ]
    return {
        clinician_id: name
        for place, (clinician_id, name) in enumerate(roster.called.items())
        if all(roster.columns[flag][place] == 1 for flag in flags)
    }


def _ui_schema(
    layout: FormLayout, names: Iterable[str], client: Mapping[str, Field], needed: Container[str]
) -> dict[str, Any]:
    stages = dict.fromkeys(layout.first, "first")
    sections = {
        name: section.id for section in layout.sections for name in (*section.first, *section.later)
    }
    questions = {
        name: {
            **WIDGETS.get(client[name].kind, {}),
            "ui:options": {
                "section": sections[name],
                "stage": stages.get(name, "later"),
                "needed": name in needed,
            },
        }
        for name in names
    }
    # A renderer may add what is not a question of this form.
    return {"ui:order": [*questions, "*"], **questions}
