"""Who was left out by what, and what would open more. Imported by `staff.sheet`."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from recommender.serving.staff import words

Told = Mapping[str, Any]
Names = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Removal:
    """One constraint, whom it left out, and how many nothing else left out."""

    say: str
    removed: int
    only: int
    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Opening:
    """One offer; `number` asks for it, None where staff can only ask the client."""

    say: str
    opens: str
    gives: str
    number: int | None


def removals(response: Told, names: Names) -> tuple[Removal, ...]:
    """Every constraint that left anybody out, the one that left out most first."""
    whom: dict[str, list[str]] = {}
    said: dict[str, str] = {}
    for each in response["excluded"]:
        for reason in each["reasons"]:
            whom.setdefault(reason["constraint"], []).append(each["clinician_id"])
            said[reason["constraint"]] = reason["say"]
    lines = [line for line in response["ledger"] if line["removed"]]
    return tuple(
        Removal(
            words.sentence(said.get(line["constraint"], line["constraint"])),
            line["removed"],
            line["removed_only_by_it"],
            tuple(names.get(who, who) for who in whom.get(line["constraint"], ())),
        )
        for line in sorted(lines, key=lambda line: (-line["removed"], line["constraint"]))
    )


def openings(response: Told) -> tuple[Opening, ...]:
    """What would open more, as it is offered."""
    return tuple(
        Opening(
            words.sentence(each["say"]),
            words.opens(each["opens"]),
            words.gives(each) if each["answers"] else "",
            number if each["answers"] else None,
        )
        for number, each in enumerate(response["relaxations"])
    )
