"""A client's answer on which something depends: a constraint, or whether a question is asked."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated

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
