"""Answers of a request in words, and what questions without an answer mean."""

from collections.abc import Collection, Mapping
from typing import Any

from recommender.journal.recommendations import ShownRecommendation
from recommender.practice.definition import Practice
from recommender.practice.fields import Field
from recommender.recommendation.fact_text import CURRENCY_SIGNS
from recommender.serving.staff import wording


def used_answers(
    shown: ShownRecommendation, practice: Practice, names: Mapping[str, str]
) -> tuple[tuple[str, str], ...]:
    """Questions of a request with the answers given, see `answers_in_words`."""
    return answers_in_words(practice, shown.answers, shown.declared, names)


def answers_in_words(
    practice: Practice,
    answers: Mapping[str, Any],
    declared: Collection[str],
    names: Mapping[str, str],
) -> tuple[tuple[str, str], ...]:
    """Questions with the answers given; clinicians by name, as far as they are on the roster.

    `declared` are questions that the practice answered for the client.
    """

    def text_of(field: Field, answer: Any) -> str:
        if field.kind != "ids":
            return _answer_text(practice, field, answer)
        people = (wording.person(each, names.get(each, each)) for each in answer)
        return ", ".join(people) or wording.NONE_OF_THESE

    def source_of(name: str) -> str:
        """Who answered, where it was not the client."""
        return " (declared by the practice)" if name in declared else ""

    return tuple(
        (field.phrase, text_of(field, answers[name]) + source_of(name))
        for name, field in practice.client.items()
        if name in answers
    )


def unanswered_questions(
    shown: ShownRecommendation, practice: Practice
) -> tuple[tuple[str, str], ...]:
    """Questions without an answer, with what that means."""
    questions = practice.fields("client", "score", "filter")
    return tuple((f.phrase, f.missing) for n, f in questions.items() if n not in shown.answers)


def _answer_text(practice: Practice, field: Field, answer: Any) -> str:
    if isinstance(answer, bool):
        return wording.YES if answer else wording.NO
    if field.kind == "weekly_hours":
        return wording.week(answer)
    if isinstance(answer, list | tuple):
        return ", ".join(field.label_of(str(each)) for each in answer) or wording.NONE_OF_THESE
    if field.kind == "money":
        return f"{CURRENCY_SIGNS.get(practice.currency, practice.currency)}{float(answer):.2f}"
    if isinstance(answer, int | float):
        return f"{wording.figure(answer)} {field.unit or ''}".strip()
    return field.label_of(str(answer)) if field.levels else str(answer)
