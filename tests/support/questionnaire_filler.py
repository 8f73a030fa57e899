"""Fills in a FHIR Questionnaire as a program does that knows nothing of the practice definition."""

from collections.abc import Iterator, Mapping
from typing import Any

Json = Mapping[str, Any]

OPERATORS = {"=": lambda given, wanted: given == wanted, "<": lambda given, wanted: given < wanted}


def filled_in(questionnaire: Json, answers: Mapping[str, Any], **elements: Any) -> dict[str, Any]:
    """A response with these answers by link id; questions that are not enabled are left out."""
    items = [_section(each, questionnaire, answers) for each in questionnaire["item"]]
    return {
        "resourceType": "QuestionnaireResponse",
        "questionnaire": f"{questionnaire['url']}|{questionnaire['version']}",
        "status": "completed",
        **elements,
        "item": [each for each in items if each["item"]],
    }


def questions_of(questionnaire: Json) -> Iterator[Json]:
    for section in questionnaire["item"]:
        for item in section["item"]:
            if item["type"] != "display":
                yield item


def is_enabled(item: Json, questionnaire: Json, answers: Mapping[str, Any]) -> bool:
    """Whether any condition of an item is met, by questions that are enabled themselves."""
    conditions = item.get("enableWhen", [])
    return not conditions or any(_is_met(each, questionnaire, answers) for each in conditions)


def _is_met(condition: Json, questionnaire: Json, answers: Mapping[str, Any]) -> bool:
    named = {each["linkId"]: each for each in questions_of(questionnaire)}
    other = named[condition["question"]]
    given = answers.get(other["linkId"])
    if given is None or not is_enabled(other, questionnaire, answers):
        return False
    wanted = next(value for name, value in condition.items() if name.startswith("answer"))
    wanted = wanted["code"] if isinstance(wanted, Mapping) else wanted
    several = given if isinstance(given, list) else [given]
    return any(OPERATORS[condition["operator"]](each, wanted) for each in several)


def _section(section: Json, questionnaire: Json, answers: Mapping[str, Any]) -> dict[str, Any]:
    items = [
        {"linkId": item["linkId"], "answer": _answers(item, answers[item["linkId"]])}
        for item in section["item"]
        if answers.get(item["linkId"]) is not None and is_enabled(item, questionnaire, answers)
    ]
    return {"linkId": section["linkId"], "item": items}


def _answers(item: Json, given: Any) -> list[dict[str, Any]]:
    values = given if isinstance(given, list) else [given]
    values = values or ["none"]
    assert item["repeats"] or len(values) == 1
    if item["type"] == "choice":
        codings = {each["valueCoding"]["code"]: each for each in item["answerOption"]}
        return [dict(codings[value]) for value in values]
    element = {
        "decimal": "valueDecimal",
        "boolean": "valueBoolean",
        "date": "valueDate",
        "string": "valueString",
    }[item["type"]]
    return [{element: value} for value in values]
