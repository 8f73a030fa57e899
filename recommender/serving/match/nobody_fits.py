"""Where nobody fits: which answers left everybody out, and other answers that admit somebody.

No rule is relaxed. Each way on is a new request with a changed answer, which the client sends.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from recommender.errors import IntakeError
from recommender.practice.definition import Practice
from recommender.practice.matching_page import MatchingPage
from recommender.practice.other_answers import other_answers, questions_read
from recommender.serving.http.problems import ProblemError
from recommender.serving.match.answers import Answers
from recommender.serving.match.outcome import Offer, offer_of, other_choice
from recommender.serving.match.questions import answer_text
from recommender.serving.match.results import parsed_request
from recommender.serving.recommendation_service import recommend_parsed
from recommender.serving.schemas.responses import RecommendationResponse
from recommender.serving.snapshot.snapshot import ServingSnapshot

MOST_TOGETHER = 3
"""Answers that are named where no single one left everybody out."""
WHY, TOGETHER = "Why nobody fits", "These answers together leave nobody"
NOT_YOUR_ANSWERS = (
    "This is not because of your answers: at the moment nobody here could see you. "
    "Ring us, and we will tell you what we can do."
)
Rules = frozenset[str]


@dataclass(frozen=True, slots=True)
class EmptyListReason:
    """An answer that left people out: the question, the answer, and what the practice says of it.

    All but `text` are "" where no answer is the reason.
    """

    text: str
    question: str = ""
    answer: str = ""


@dataclass(frozen=True, slots=True)
class NobodyFits:
    """Why a list is empty, and other choices that would fill it."""

    title: str
    reasons: tuple[EmptyListReason, ...]
    choices: tuple[Offer, ...]


def nobody_fits(
    response: RecommendationResponse,
    snapshot: ServingSnapshot,
    page: MatchingPage,
    answers: Answers,
    *,
    agreed: bool,
) -> NobodyFits:
    """What a client reads of an empty list.

    `response` has to have everybody who is excluded. Other choices are tried only where no small
    change of the answers would do.
    """
    practice = snapshot.practice
    ruled_out = _ruled_out(response, practice, answers)
    title, names = _leaving_nobody(ruled_out, practice, answers)
    reasons = tuple(_reason(name, snapshot, page, answers) for name in names)
    choices: Iterator[Offer] = iter(())
    if not any(each.answers for each in response.relaxations):
        choices = _other_choices(
            snapshot, page, answers, frozenset().union(*ruled_out), agreed=agreed
        )
    return NobodyFits(title, reasons or (EmptyListReason(NOT_YOUR_ANSWERS),), tuple(choices))


def _about(practice: Practice, constraint: str, answers: Answers) -> str | None:
    """The first answer of the client that a rule depends on; None for a rule without one."""
    return next((name for name in questions_read(practice, constraint) if name in answers), None)


def _ruled_out(
    response: RecommendationResponse, practice: Practice, answers: Answers
) -> Sequence[Rules]:
    """The rules that excluded each clinician whom nothing but the client's answers excluded."""
    everybody = (frozenset(each.constraint for each in one.reasons) for one in response.excluded)
    return [rules for rules in everybody if all(_about(practice, each, answers) for each in rules)]


def _leaving_nobody(
    ruled_out: Sequence[Rules], practice: Practice, answers: Answers
) -> tuple[str, Sequence[str]]:
    """The questions whose answers left everybody out, each alone or several together."""
    counts = Counter(
        name
        for rules in ruled_out
        for name in {_about(practice, each, answers) for each in rules}
        if name is not None
    )
    ordered = [name for name, _ in sorted(counts.items(), key=lambda each: (-each[1], each[0]))]
    alone = [name for name in ordered if counts[name] == len(ruled_out)]
    return (WHY, alone) if alone or not ordered else (TOGETHER, ordered[:MOST_TOGETHER])


def _reason(
    name: str, snapshot: ServingSnapshot, page: MatchingPage, answers: Answers
) -> EmptyListReason:
    field = snapshot.practice.client[name]
    answer = answer_text(field, answers[name], page, snapshot.encoding.roster.called)
    return EmptyListReason(field.when_nobody_fits, field.question_for("client"), answer)


def _other_choices(
    snapshot: ServingSnapshot,
    page: MatchingPage,
    answers: Answers,
    constraints: Rules,
    *,
    agreed: bool,
) -> Iterator[Offer]:
    """Choices that the practice declares as open to anybody, and that admit somebody."""
    for field, level in other_answers(snapshot.practice, constraints, answers):
        changed = {**answers, field.name: level}
        try:
            parsed = parsed_request(snapshot, page, changed, agreed=agreed)
            response = recommend_parsed(snapshot, parsed, with_relaxations=True).response
        except (ProblemError, IntakeError):
            continue
        offer = other_choice(field, level, response.eligible)
        further = [each for each in response.relaxations if each.answers]
        if response.eligible:
            yield offer
        elif further:
            yield offer.and_then(offer_of(further[0]))
