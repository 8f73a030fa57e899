"""Reads the forms and labels of a definition, and checks that people can answer what they ask."""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from recommender.errors import Fault
from recommender.practice.fields import Field
from recommender.practice.forms import AUDIENCES, Audience, FormLayout, FormSection
from recommender.practice.rules.constraint import Constraint
from recommender.practice.rules.declaration import condition_faults
from recommender.values.near_names import with_near_name
from recommender.values.toml_settings import FilledText, name_faults, read_settings, toml_table

Fields = Mapping[str, Field]
_LANGUAGE = re.compile(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*")
OTHER_QUESTIONS = "Requirements and wishes"
"""Heading of the questions without a group, where a practice declares no form for staff."""


@toml_table
@dataclass(frozen=True, slots=True)
class _FormHeading:
    title: FilledText


def language_faults(language: object) -> list[Fault]:
    """A fault where a text is not a language tag such as en-AU (BCP 47)."""
    if not isinstance(language, str) or _LANGUAGE.fullmatch(language):
        return []
    remedy = "write a language tag such as en-AU, as in BCP 47"
    return [Fault("practice.language", "is not a language tag", remedy)]


def with_labels(known: Fields, shared: Mapping[str, Any]) -> dict[str, Field]:
    """Fields with the labels of `[labels]` for the levels for which they have none of their own."""
    return {name: replace(field, labels=_labels_of(field, shared)) for name, field in known.items()}


def _labels_of(field: Field, shared: Mapping[str, Any]) -> dict[str, str]:
    known = {**shared, **field.labels}
    return {level: known[level] for level in field.levels if level in known}


def label_faults(client: Fields, clinician: Fields, shared: Mapping[str, Any]) -> list[Fault]:
    """Faults of labels: blank, for a level nobody has, or the same for two levels of a field.

    The fields are those before `with_labels`.
    """
    each_field = (*client.values(), *clinician.values())
    levels = {level for field in each_field for level in field.levels}
    faults: list[Fault] = []
    for level, label in shared.items():
        if not isinstance(label, str) or not label.strip():
            remedy = "write what people read for the level, in quotes"
            faults.append(Fault(f"labels.{level}", "is not text", remedy))
        if level not in levels:
            remedy = with_near_name(level, levels, "fix its spelling, or remove it")
            faults.append(Fault(f"labels.{level}", "is not a level of any field", remedy))
    if faults:
        return faults
    for field in each_field:
        where = f"{field.label}.labels"
        unknown = [level for level in field.labels if level not in field.levels]
        if unknown:
            problem = f"has no level called {', '.join(unknown)}"
            remedy = f"choose from {', '.join(field.levels)}" if field.levels else "remove it"
            faults.append(Fault(where, problem, remedy))
        labels = _labels_of(field, shared)
        twice = Counter(labels.get(level, level) for level in field.levels)
        same = [label for label, times in twice.items() if times > 1]
        if same:
            remedy = "give each level a label of its own"
            faults.append(Fault(where, f"name two levels alike: {', '.join(same)}", remedy))
    return faults


def asked_when_faults(client: Fields) -> list[Fault]:
    """Faults of conditions of questions: unknown field or level, or one that depends on itself."""
    faults: list[Fault] = []
    for field in client.values():
        where = f"{field.label}.asked_when"
        faults += condition_faults(where, field.asked_when, client)
        if field.name in _conditions_above(field, client):
            remedy = "ask one of the questions whatever the other answer is"
            faults.append(Fault(where, "depends on its own answer", remedy))
    return faults


def _conditions_above(field: Field, client: Fields) -> list[str]:
    """Names of the fields that decide whether a field is asked, nearest first."""
    names: list[str] = []
    while field.asked_when is not None:
        name = field.asked_when.client
        if name in names or name not in client:
            break
        names.append(name)
        field = client[name]
    return names


def default_forms(client: Fields, groups: Mapping[str, str]) -> dict[Audience, FormLayout]:
    """The form for staff where a practice declares none: all questions, by explanation group.

    Nothing is asked of clients before the practice has written questions to them.
    """
    asked = [field for field in client.values() if field.use != "audit"]
    sections = [
        FormSection(group, title, first=_names(f for f in asked if f.group == group))
        for group, title in groups.items()
    ]
    rest = _names(field for field in asked if field.group not in groups)
    sections.append(FormSection("requirements", OTHER_QUESTIONS, first=rest))
    filled = tuple(section for section in sections if section.first)
    return {"staff": FormLayout("New request", filled)}


def _names(asked: Iterable[Field]) -> tuple[str, ...]:
    return tuple(field.name for field in asked)


def read_forms(
    tables: Mapping[str, Any],
    client: Fields,
    constraints: Iterable[Constraint],
    groups: Mapping[str, str],
) -> tuple[dict[Audience, FormLayout], list[Fault]]:
    """The section `forms`: the layout for each audience, and every fault in it."""
    remedy = f"use one of {', '.join(AUDIENCES)}"
    faults = [
        Fault(f"forms.{name}", "is not a form", remedy) for name in tables if name not in AUDIENCES
    ]
    forms = default_forms(client, groups)
    constraints = tuple(constraints)
    for audience in AUDIENCES:
        if audience in tables:
            layout, wrong = _read_layout(f"forms.{audience}", tables[audience])
            faults += wrong
            if layout is not None:
                faults += _wrong_layout(audience, layout, client)
                if audience == "staff":
                    faults += _never_asked(layout, constraints, client)
                forms[audience] = layout
    return forms, faults


def _read_layout(where: str, declared: object) -> tuple[FormLayout | None, list[Fault]]:
    """A form from its table; None if it cannot be read."""
    if not isinstance(declared, Mapping):
        return None, [Fault(where, "is not a table", f"write it as [{where}]")]
    rest = {key: value for key, value in declared.items() if key != "sections"}
    heading, _, faults = read_settings(_FormHeading, where, "a form", rest)
    tables = declared.get("sections")
    if not isinstance(tables, list) or not tables or not all(map(_is_table, tables)):
        remedy = f"write each section as [[{where}.sections]]"
        return None, [*faults, Fault(f"{where}.sections", "is not a list of tables", remedy)]
    sections = []
    for number, table in enumerate(tables, 1):
        place = f"{where}.sections.{table.get('id', number)}"
        section, _, wrong = read_settings(FormSection, place, "a section", table)
        faults += wrong
        if section is not None:
            faults += name_faults(f"{place}.id", section.id)
            if not section.first and not section.later:
                remedy = "name fields of the client in first or later"
                faults.append(Fault(place, "asks nothing", remedy))
            sections.append(section)
    twice = [name for name, times in Counter(each.id for each in sections).items() if times > 1]
    remedy = "give each section an id of its own"
    faults += [Fault(f"{where}.sections.{name}", "is there twice", remedy) for name in twice]
    return None if faults or heading is None else FormLayout(heading.title, tuple(sections)), faults


def _is_table(value: object) -> bool:
    return isinstance(value, Mapping)


def _wrong_layout(audience: Audience, layout: FormLayout, client: Fields) -> Iterator[Fault]:
    """Faults of the fields a form names."""
    where = f"forms.{audience}"
    remedies = {
        "is not a field of the client": "declare it or fix the name",
        "is for audit": "remove it: audit fields serve fairness reports only",
        "is asked twice": "ask it once",
        "has no question_to_client": "write the question in the client's words",
    }
    times = Counter(layout)
    for section in layout.sections:
        for name in dict.fromkeys((*section.first, *section.later)):
            field = client.get(name)
            problems = {
                "is not a field of the client": field is None,
                "is for audit": field is not None and field.use == "audit",
                "is asked twice": times[name] > 1,
                "has no question_to_client": audience == "client"
                and field is not None
                and field.question_to_client is None,
            }
            for problem, is_wrong in problems.items():
                if is_wrong:
                    place = f"{where}.sections.{section.id}"
                    remedy = remedies[problem]
                    remedy = with_near_name(name, client, remedy) if field is None else remedy
                    yield Fault(place, f"{name} {problem}", remedy)
    yield from _asked_too_early(where, layout, client)
    asked_at_once = set(layout.first)
    for field in client.values():
        if field.required and field.name not in asked_at_once:
            problem = f"does not ask {field.name} at once, which every request must have"
            yield Fault(where, problem, "name it in first of a section")


def _asked_too_early(where: str, layout: FormLayout, client: Fields) -> Iterator[Fault]:
    """Questions that come before the answer on which they depend, whichever way a form is shown.

    A form may show a section with all its questions, or the first questions of all sections and
    then the later ones; in both orders the answer must come first.
    """
    whole, in_two = list(layout), [*layout.first, *layout.later]
    for name in dict.fromkeys(whole):
        field = client.get(name)
        if field is None or field.asked_when is None or field.asked_when.client not in client:
            continue
        other = field.asked_when.client
        if other not in whole:
            problem = f"asks {name}, which depends on {other}, and does not ask that"
            yield Fault(where, problem, f"ask {other} before it, or leave it out")
        elif any(order.index(other) >= order.index(name) for order in (whole, in_two)):
            problem = f"asks {name} before {other}, on which it depends"
            yield Fault(where, problem, f"ask {other} before it, as early in first or later")


def _never_asked(
    layout: FormLayout, constraints: Iterable[Constraint], client: Fields
) -> Iterator[Fault]:
    """Answers without which nobody can be offered, for which staff would never be asked."""
    asked = set(layout)
    for each in constraints:
        for name in each.client if each.excludes_on_silence else ():
            if name in client and name not in asked:
                problem = f"does not ask {name}, without which {each.name} excludes everybody"
                yield Fault("forms.staff", problem, "ask it in one of its sections")
