"""The last look: every answer with its question, for a client to check and change."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from recommender.practice.definition import Practice
from recommender.practice.fields import Field
from recommender.serving.match.journey import Journey
from recommender.serving.match.questions import answer_text


@dataclass(frozen=True, slots=True)
class ReviewedAnswer:
    """A question, or a word or two for it, and what the client answered.

    The question is "" on a step of one question, whose title says what it is about.
    """

    question: str
    text: str


@dataclass(frozen=True, slots=True)
class ReviewedStep:
    """What was answered on one step."""

    step_id: str
    title: str
    answers: tuple[ReviewedAnswer, ...]


def review_of(journey: Journey, called: Mapping[str, str]) -> tuple[ReviewedStep, ...]:
    """The steps with questions, in order; `called` are names of clinicians by id."""
    answers, excluding = journey.progress.answers, _excluding(journey.practice)

    def text_of(field: Field, answer: Any) -> str:
        text = answer_text(field, answer, journey.page, called)
        return f"Not {text}" if field.name in excluding and answer else text

    return tuple(
        ReviewedStep(
            step.id,
            step.title,
            tuple(
                ReviewedAnswer(
                    field.short_to_client or field.question_for("client")
                    if len(step.fields) > 1
                    else "",
                    text_of(field, answers[field.name]),
                )
                for field in step.fields
                if field.name in answers
            ),
        )
        for step in journey.steps
        if step.fields
    )


def _excluding(practice: Practice) -> frozenset[str]:
    """The questions whose answers name what a client does not want."""
    return frozenset(
        name
        for each in practice.constraints.values()
        if each.rule == "not_listed" or (each.rule == "has_none" and each.family == "wish")
        for name in each.client
    )
