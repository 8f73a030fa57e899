"""Where nobody fits: what left everybody out, and which other answers would help."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import cast

from recommender.errors import IntakeError
from recommender.journal.recommendations import ShownRecommendation
from recommender.practice.other_answers import other_answers
from recommender.recommendation.recommend import read_intake
from recommender.screening.cache import screening_cache_for
from recommender.screening.layout import Modes
from recommender.serving.schemas.responses import RecommendationResponse
from recommender.serving.snapshot.snapshot import ServingSnapshot
from recommender.serving.staff import wording
from recommender.serving.staff.views.intake_answers import QuestionLink, link_to


@dataclass(frozen=True, slots=True)
class OtherAnswer:
    """A question, another answer to it, its words, and how many would fit with it."""

    field: str
    level: str
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
    practice, modes = state.practice, cast("Modes", shown.modes)
    rules = {each.constraint for one in response.excluded for each in one.reasons}
    for field, level in other_answers(practice, sorted(rules), shown.answers):
        answers = {**shown.answers, field.name: level}
        try:
            intake = read_intake(practice, answers, shown.client_id, modes)
        except IntakeError:
            continue
        cache = screening_cache_for(practice, state.encoding.roster, shown.asked_on)
        screening = cache.screen(intake.client, intake.client_id, intake.modes)
        eligible = int(screening.eligible.sum())
        if eligible:
            admits = wording.counted(eligible, "clinician fits", "clinicians fit")
            yield OtherAnswer(field.name, level, link_to(field), field.label_of(level), admits)
