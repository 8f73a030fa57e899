"""Answers of a client in a QuestionnaireResponse to a form of the practice."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from recommender.importing.fhir.questionnaire import REPEATING, level_system
from recommender.practice.columns import read_cell
from recommender.practice.fields import Field
from recommender.values.kinds import NONE_NAMED, RawValue

Body = Mapping[str, Any]

ANSWER_ELEMENTS = (
    "valueBoolean",
    "valueDecimal",
    "valueInteger",
    "valueDate",
    "valueDateTime",
    "valueString",
    "valueCoding",
    "valueQuantity",
)
"""Elements of an answer that are read; times, attachments and references are not."""


@dataclass(frozen=True, slots=True)
class UnreadAnswer:
    """An answer that was left out: the field or link id, and why; never the answer."""

    column: str
    reason: str


@dataclass(frozen=True, slots=True)
class LinkedField:
    """A field of the practice that an item of a questionnaire answers.

    `codes` are the field's levels by code of the questionnaire; empty where codes are levels.
    `system` is the code system of the codes; None for any.
    """

    field: Field
    codes: Mapping[str, str]
    system: str | None = None


def own_links(fields: Mapping[str, Field], url: str) -> dict[str, LinkedField]:
    """The items of our own Questionnaire at an address, by link id."""
    return {name: LinkedField(field, {}, level_system(url, name)) for name, field in fields.items()}


def answers_in(
    response: Body, links: Mapping[str, LinkedField]
) -> tuple[dict[str, RawValue], list[UnreadAnswer]]:
    """Answers by field, as cells of a table, and what was left out.

    A question that is not in the response has no answer. A cell is a list where a field takes
    several values; an empty list says that there are none.
    """
    cells: dict[str, RawValue] = {}
    unread: list[UnreadAnswer] = []
    for link_id, values in answers_by_link(response).items():
        link = links.get(link_id)
        if link is None:
            unread.append(UnreadAnswer("item", "answers a question that the mapping does not name"))
            continue
        cell, problem = _cell_of(link, values)
        if problem is None and cell is not None:
            _, error = read_cell(link.field, cell)
            problem = None if error is None else error.problem
        if problem is not None:
            unread.append(UnreadAnswer(link.field.name, problem))
        elif cell is not None:
            cells[link.field.name] = cell
    return cells, unread


def answers_by_link(response: Body) -> dict[str, list[Body]]:
    """The answers of each item that has some, groups and nested questions included."""
    found: dict[str, list[Body]] = {}
    for item in _items_below(response):
        answers = item.get("answer") or []
        if answers:
            found.setdefault(str(item["linkId"]), []).extend(answers)
    return found


def _items_below(parent: Body) -> Iterator[Body]:
    for item in parent.get("item") or []:
        yield item
        yield from _items_below(item)
        for answer in item.get("answer") or []:
            yield from _items_below(answer)


def plain_answer(answer: Body) -> RawValue:
    """The value of an answer as a plain value, a coding as its code; None for other types."""
    element = next((name for name in ANSWER_ELEMENTS if name in answer), "")
    value: Any = answer.get(element)
    if element == "valueCoding":
        return value.get("code")
    if element == "valueQuantity":
        return value.get("value")
    if element == "valueDateTime":
        return str(value).partition("T")[0]
    return value


def _cell_of(link: LinkedField, answers: Sequence[Body]) -> tuple[RawValue, str | None]:
    """The cell that some answers make, or the problem with them."""
    values = []
    for answer in answers:
        value = plain_answer(answer)
        if value is None:
            return None, "has an answer of a type that is not read"
        coding = answer.get("valueCoding")
        if link.field.behaviour.has_levels and coding is not None:
            other = coding.get("system") not in (None, link.system)
            if link.system is not None and other:
                return None, "has a code of another code system"
            value = link.codes.get(value, value) if link.codes else value
        elif link.codes:
            value = link.codes.get(str(value), value)
        values.append(value)
    if link.field.kind in REPEATING:
        named = list(dict.fromkeys(values))
        if NONE_NAMED in named and len(named) > 1:
            return None, "names something and that there is nothing"
        return [] if named == [NONE_NAMED] else named, None
    if len(values) > 1:
        return None, "has several answers"
    return values[0], None
