"""Which rules left clinicians out, what to ask first, and changes that would add clinicians."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from recommender.practice.definition import Practice
from recommender.serving.schemas.responses import RecommendationResponse
from recommender.serving.staff import wording


@dataclass(frozen=True, slots=True)
class ExclusionLine:
    """A constraint, whom it left out, and how many no other constraint left out."""

    text: str
    removed: int
    only: int
    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class RelaxationLine:
    """A change that would add clinicians.

    `number` is its place in the response, None where staff can only ask the client.
    """

    text: str
    admits: str
    gain: str
    number: int | None


def exclusion_lines(
    response: RecommendationResponse, names: Mapping[str, str]
) -> tuple[ExclusionLine, ...]:
    """Every constraint that left anybody out, the one that left out most first."""
    whom: dict[str, list[str]] = {}
    texts: dict[str, str] = {}
    for each in response.excluded:
        for reason in each.reasons:
            whom.setdefault(reason.constraint, []).append(each.clinician_id)
            texts[reason.constraint] = reason.text
    lines = [line for line in response.exclusion_counts if line.removed]
    return tuple(
        ExclusionLine(
            wording.sentence(texts.get(line.constraint, line.constraint)),
            line.removed,
            line.removed_only_by_it,
            tuple(names.get(each, each) for each in whom.get(line.constraint, ())),
        )
        for line in sorted(lines, key=lambda line: (-line.removed, line.constraint))
    )


def questions_to_ask(
    response: RecommendationResponse, practice: Practice, answers: Mapping[str, Any]
) -> tuple[str, ...]:
    """Unanswered questions that left clinicians out, the one that left out most first."""
    unanswered: Counter[tuple[str, ...]] = Counter()
    for each in response.excluded:
        reasons = [reason.constraint for reason in each.reasons if reason.unknown]
        unanswered.update({_unanswered(practice, reason, answers) for reason in reasons})
    return tuple(
        f"{wording.sentence(wording.listed(phrases))}: "
        f"{wording.counted(number, 'clinician', 'clinicians')}"
        for phrases, number in unanswered.most_common()
        if phrases
    )


def relaxation_lines(response: RecommendationResponse) -> tuple[RelaxationLine, ...]:
    """The relaxations of a response in words."""
    return tuple(
        RelaxationLine(
            wording.sentence(each.text),
            wording.counted(each.admits, "more clinician", "more clinicians"),
            wording.gain(each) if each.answers else "",
            number if each.answers else None,
        )
        for number, each in enumerate(response.relaxations)
    )


def _unanswered(practice: Practice, constraint: str, answers: Mapping[str, Any]) -> tuple[str, ...]:
    """Phrases of unanswered questions without which a constraint cannot be judged."""
    rule = practice.constraints.get(constraint)
    names = rule.client if rule and rule.unasked == "unknown" else ()
    return tuple(practice.client[name].phrase for name in names if name not in answers)
