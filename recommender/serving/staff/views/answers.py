"""What was used of a client's answers, in words; an open answer is said to be open.

Imported by `staff.sheet`.
"""

from collections.abc import Mapping
from typing import Any

from recommender.practice.definition import Practice
from recommender.practice.fields import Field
from recommender.recommendation.relaxation_offers import CURRENCY_SIGNS
from recommender.serving.staff import wording

Told = tuple[str, str]


def answers_used(practice: Practice, answers: Mapping[str, Any]) -> tuple[Told, ...]:
    """Phrase and answer of every question that was answered."""
    return tuple(
        (field.phrase, _said(practice, field, answers[name]))
        for name, field in practice.client.items()
        if name in answers
    )


def open_questions(practice: Practice, answers: Mapping[str, Any]) -> tuple[Told, ...]:
    """Phrase, and what leaving it open means, of every question that was not."""
    asked = practice.fields("client", "score", "filter")
    return tuple((f.phrase, f.missing) for name, f in asked.items() if name not in answers)


def _said(practice: Practice, field: Field, answer: Any) -> str:
    if isinstance(answer, bool):
        return wording.YES if answer else wording.NO
    if field.kind == "weekly_hours":
        return wording.week(answer)
    if isinstance(answer, list | tuple):
        return ", ".join(wording.plain(str(each)) for each in answer) or wording.NONE_OF_THESE
    if field.kind == "money":
        return f"{CURRENCY_SIGNS.get(practice.currency, practice.currency)}{float(answer):.2f}"
    if isinstance(answer, int | float):
        return f"{wording.figure(answer)} {field.unit or ''}".strip()
    return wording.plain(str(answer)) if field.levels else str(answer)
