"""Where nobody fits: what left everybody out, and which other answers would help."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import islice

from recommender.errors import IntakeError
from recommender.journal.recommendations import ShownRecommendation
from recommender.practice.other_answers import other_answers
from recommender.serving.recommendation_service import recommend_parsed
from recommender.serving.schemas.intake import ParsedRequest
from recommender.serving.schemas.responses import RecommendationResponse
from recommender.serving.snapshot.snapshot import ServingSnapshot
from recommender.serving.staff import wording
from recommender.serving.staff.views.intake_answers import QuestionLink, link_to

MOST_TRIED = 3
"""Other answers that are computed for one page, each a whole request."""


@dataclass(frozen=True, slots=True)
class OtherAnswer:
    """A question, another answer to it in words, and how many would fit with it."""

    question: QuestionLink
    answer: str
    admits: str


def rules_of_everybody(response: RecommendationResponse) -> tuple[str, ...]:
    """The rules that left out every clinician, in words, each once."""
    rules = [{each.constraint for each in one.reasons} for one in response.excluded]
    everybody = frozenset.intersection(*map(frozenset, rules)) if rules else frozenset()
    texts = {
        each.constraint: wording.exclusion(each)
        for one in response.excluded
        for each in one.reasons
        if each.constraint in everybody
    }
    return tuple(texts.values())


def answers_to_try(
    shown: ShownRecommendation, response: RecommendationResponse, state: ServingSnapshot
) -> Iterator[OtherAnswer]:
    """Answers that the practice declares as open to anybody, with which somebody would fit."""
    request = ParsedRequest(
        client_id=shown.client_id,
        answers=shown.answers,
        modes=shown.modes,  # type: ignore[arg-type]
        top_k=1,
        asked_on=shown.asked_on,
    )
    rules = {each.constraint for one in response.excluded for each in one.reasons}
    tried = other_answers(state.practice, sorted(rules), shown.answers)
    for field, level in islice(tried, MOST_TRIED):
        changed = replace(request, answers={**shown.answers, field.name: level})
        try:
            eligible = recommend_parsed(state, changed).response.eligible
        except IntakeError:
            continue
        if eligible:
            admits = wording.counted(eligible, "clinician fits", "clinicians fit")
            yield OtherAnswer(link_to(field), field.label_of(level), admits)
