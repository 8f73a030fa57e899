"""Other answers that a practice declares as open to anybody, for where nobody fits."""

from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from typing import Any

from recommender.practice.definition import Practice
from recommender.practice.fields import Field

MOST_TRIED = 3
"""Other answers that are tried for one page: the whole roster is screened for each."""


def questions_read(practice: Practice, constraint: str) -> tuple[str, ...]:
    """The questions that a rule depends on; its condition comes after what it compares."""
    rule = practice.constraints.get(constraint)
    if rule is None:
        return ()
    return (*rule.client, *([rule.when.client] if rule.when is not None else []))


def other_answers(
    practice: Practice, constraints: Iterable[str], answers: Mapping[str, Any]
) -> Iterator[tuple[Field, str]]:
    """Questions that these rules depend on, each with a level that anybody may answer instead.

    The first `MOST_TRIED`, in the order of the practice definition.
    """
    return islice(_all_other_answers(practice, constraints, answers), MOST_TRIED)


def _all_other_answers(
    practice: Practice, constraints: Iterable[str], answers: Mapping[str, Any]
) -> Iterator[tuple[Field, str]]:
    names = {name for each in constraints for name in questions_read(practice, each)}
    for field in practice.client.values():
        if field.name in names:
            for level in field.may_try:
                if level != answers.get(field.name):
                    yield field, level
