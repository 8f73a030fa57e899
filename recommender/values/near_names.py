"""Names that a definition or an option gives and nothing has: which declared name may be meant."""

import re
from collections.abc import Iterable
from difflib import get_close_matches

from recommender.errors import Fault
from recommender.values.ids import with_question

SIMILAR = 0.7
"""Least similarity (difflib) of a name to one that it may be a misspelling of."""


def near_name(written: object, known: Iterable[str]) -> list[str]:
    """The known name most like what was written, if any is like it and it is not that name.

    >>> near_name("Main-Concerns", ["concerns", "main_concern"]), near_name("fee", ["concerns"])
    (['main_concern'], [])
    """
    if not isinstance(written, str):
        return []
    spelled = {_spelling(name): name for name in known}
    near = get_close_matches(_spelling(written), spelled, n=1, cutoff=SIMILAR)
    return [spelled[each] for each in near if spelled[each] != written]


def with_near_name(written: object, known: Iterable[str], remedy: str) -> str:
    """A remedy behind the question whether another name is meant.

    >>> with_near_name("concern", ["concerns"], "declare it")
    'did you mean concerns? Otherwise declare it'
    """
    return with_question(near_name(written, known), remedy)


def undeclared_field(where: str, name: object, known: Iterable[str]) -> Fault:
    """The fault of a setting that names a field nobody declared."""
    remedy = with_near_name(name, known, "declare it or fix the name")
    return Fault(where, f"{name} is not a declared field", remedy)


def _spelling(name: str) -> str:
    return re.sub(r"[\s-]+", "_", name.strip()).casefold()
