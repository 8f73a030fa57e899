"""A client's answer on which something depends: a constraint, or whether a question is asked."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import BeforeValidator
from pydantic_core import PydanticCustomError

from recommender.values.toml_settings import Number, Text, Texts, toml_table


def _levels_of(has: object) -> object:
    # A flag is met by being true, so naming it and writing `has = true` mean the same.
    if isinstance(has, bool):
        return () if has else ("false",)
    return (has,) if isinstance(has, str) else has


def _one_test(condition: object) -> object:
    if isinstance(condition, Mapping) and {"has", "below"} <= set(condition):
        raise PydanticCustomError("condition", "has a level and a number")
    return condition


@toml_table
@dataclass(frozen=True, slots=True)
class Condition:
    """A client's answer that decides whether a constraint applies, or a question is asked.

    Attributes
    ----------
    client
        A category, an ordinal, tags, a flag or a number of the client.
    has
        Levels of which it must equal or contain one; none for a number, and for a flag, which must
        be true.
    below
        The number it must be below.
    """

    client: Text
    has: Annotated[Texts, BeforeValidator(_levels_of)] = ()
    below: Number | None = None


OneTest = Annotated[Condition | None, BeforeValidator(_one_test)]
"""A condition as a setting: a level or a number, not both."""


def holds(condition: Condition, answers: Mapping[str, Any]) -> bool:
    """Whether answers in JSON meet a condition; a question without an answer meets none.

    >>> holds(Condition("funding", ("medicare", "dva")), {"funding": "medicare"})
    True
    """
    answer = answers.get(condition.client)
    if answer is None:
        return False
    if condition.below is not None:
        return isinstance(answer, int | float) and answer < condition.below
    if isinstance(answer, bool):
        return answer is (condition.has != ("false",))
    given = answer if isinstance(answer, list) else [answer]
    return any(each in condition.has for each in given)
