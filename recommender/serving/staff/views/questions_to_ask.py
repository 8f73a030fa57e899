"""Questions that were not answered and left clinicians out, with links to the form."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from recommender.practice.definition import Practice
from recommender.practice.rules.constraint import Constraint
from recommender.serving.schemas.responses import RecommendationResponse
from recommender.serving.staff import wording
from recommender.serving.staff.views.intake_answers import QuestionLink, link_to


@dataclass(frozen=True, slots=True)
class QuestionToAsk:
    """An unanswered question, and how many clinicians it left out.

    `flag` is its name where yes or no answers it, else empty.
    """

    link: QuestionLink
    left_out: str
    flag: str


def questions_to_ask(
    response: RecommendationResponse, practice: Practice, answers: Mapping[str, Any]
) -> tuple[QuestionToAsk, ...]:
    """Unanswered questions that left clinicians out, the one that left out most first."""
    unanswered: Counter[str] = Counter()
    for each in response.excluded:
        rules = [practice.constraints.get(r.constraint) for r in each.reasons if r.unknown]
        asked = [_decided_by(rule, answers) for rule in rules if rule and rule.unasked == "unknown"]
        unanswered.update({name for names in asked for name in names if name not in answers})
    return tuple(
        QuestionToAsk(
            link_to(practice.client[name]),
            wording.counted(number, "clinician", "clinicians"),
            name if practice.client[name].kind == "flag" else "",
        )
        for name, number in unanswered.most_common()
    )


def _decided_by(rule: Constraint, answers: Mapping[str, Any]) -> tuple[str, ...]:
    """The questions that decide on a rule: first the one that decides whether it applies."""
    if rule.when is not None and rule.when.client not in answers:
        return (rule.when.client,)
    return rule.client
