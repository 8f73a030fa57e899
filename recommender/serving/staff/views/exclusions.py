"""Who was left out by what, and what would open more. Imported by `staff.sheet`."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from recommender.practice.definition import Practice
from recommender.serving.staff import wording

Told = Mapping[str, Any]
Names = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class ExclusionLine:
    """One constraint, whom it left out, and how many nothing else left out."""

    say: str
    removed: int
    only: int
    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class RelaxationLine:
    """One offer; `number` asks for it, None where staff can only ask the client."""

    say: str
    opens: str
    gives: str
    number: int | None


def exclusion_lines(response: Told, names: Names) -> tuple[ExclusionLine, ...]:
    """Every constraint that left anybody out, the one that left out most first."""
    whom: dict[str, list[str]] = {}
    said: dict[str, str] = {}
    for each in response["excluded"]:
        for reason in each["reasons"]:
            whom.setdefault(reason["constraint"], []).append(each["clinician_id"])
            said[reason["constraint"]] = reason["text"]
    lines = [line for line in response["exclusion_counts"] if line["removed"]]
    return tuple(
        ExclusionLine(
            wording.sentence(said.get(line["constraint"], line["constraint"])),
            line["removed"],
            line["removed_only_by_it"],
            tuple(names.get(who, who) for who in whom.get(line["constraint"], ())),
        )
        for line in sorted(lines, key=lambda line: (-line["removed"], line["constraint"]))
    )


def to_ask(response: Told, practice: Practice, answers: Told) -> tuple[str, ...]:
    """Questions whose silence alone left somebody out, whoever most were left out by first."""
    silent: Counter[tuple[str, ...]] = Counter()
    for each in response["excluded"]:
        reasons = [reason for reason in each["reasons"] if reason["unknown"]]
        silent.update({_unanswered(practice, reason["constraint"], answers) for reason in reasons})
    return tuple(
        wording.to_ask(phrases, number) for phrases, number in silent.most_common() if phrases
    )


def _unanswered(practice: Practice, constraint: str, answers: Told) -> tuple[str, ...]:
    """Phrases of questions left open to which a rule does not take silence for an answer."""
    rule = practice.constraints.get(constraint)
    names = rule.client if rule and rule.unasked == "unknown" else ()
    return tuple(practice.client[name].phrase for name in names if name not in answers)


def relaxation_lines(response: Told) -> tuple[RelaxationLine, ...]:
    """What would open more, as it is offered."""
    return tuple(
        RelaxationLine(
            wording.sentence(each["text"]),
            wording.opens(each["admits"]),
            wording.gives(each) if each["answers"] else "",
            number if each["answers"] else None,
        )
        for number, each in enumerate(response["relaxations"])
    )
