"""Comparisons of levels that a client asks for with levels that clinicians offer."""

from dataclasses import dataclass

from recommender.practice.definition import Practice
from recommender.practice.matches import WISH_OPERATORS
from recommender.practice.rules.constraint import NEVER_RELAXED

BY_LEVEL = frozenset({"has_all", "has_any", "member", "one_of", "equal"})
"""Rules that compare levels which a client asks for with those a clinician has."""


@dataclass(frozen=True, slots=True)
class Wish:
    """A client's field that asks for levels of a clinician's field; `indifferent` ask for none."""

    client: str
    clinician: str
    indifferent: frozenset[str] = frozenset()


def wishes_of(practice: Practice) -> tuple[Wish, ...]:
    """Every comparison of levels asked for with levels offered that the practice declares.

    Constraints of protected families are no wishes.
    """
    matches = (
        Wish(match.client[0].name, match.clinician[0].name, frozenset(match.indifferent))
        for match in practice.matches.values()
        if match.operator in WISH_OPERATORS
    )
    rules = (
        Wish(rule.client[0], rule.clinician[0], frozenset(rule.settings.get("indifferent", ())))
        for rule in practice.constraints.values()
        if rule.rule in BY_LEVEL and rule.client and rule.family not in NEVER_RELAXED
    )
    return tuple(dict.fromkeys((*matches, *rules)))
