"""Checks that what a notebook gives to a public function is of the right kind."""

from datetime import date, datetime
from numbers import Integral
from pathlib import Path
from typing import Any

import pandas as pd

from recommender.errors import RecommenderError
from recommender.practice.definition import Practice

TABLE_REMEDY = "give a DataFrame, such as pd.read_csv gives"
PATHS = (str, Path)
_DAY_REMEDY = "give a date, such as datetime.date(2026, 11, 23) or '2026-11-23'"


def expect(name: str, given: Any, kinds: type | tuple[type, ...], remedy: str) -> None:
    """Refuses an argument of another type; the type is named and the content is not.

    Raises
    ------
    RecommenderError
        When it is of none of these types.

    Examples
    --------
    >>> try:
    ...     expect("source", 3, str, "give a folder")
    ... except RecommenderError as error:
    ...     print(error)
    source: is of type int; give a folder
    """
    if not isinstance(given, kinds):
        problem = "is None" if given is None else f"is of type {type(given).__name__}"
        raise RecommenderError(name, problem, remedy)


def table(name: str, given: Any) -> None:
    """Refuses an argument that is not a DataFrame.

    Raises
    ------
    RecommenderError
    """
    expect(name, given, pd.DataFrame, TABLE_REMEDY)


def practice(given: Any) -> None:
    """Refuses what is neither a definition nor where to find one.

    Raises
    ------
    RecommenderError
    """
    remedy = "give a definition of recommender.load_practice, a name such as 'psychology' or a path"
    expect("practice", given, (Practice, *PATHS), remedy)


def whole_number(name: str, given: Any) -> None:
    """Refuses what is not a whole number.

    Raises
    ------
    RecommenderError
    """
    remedy = "give a whole number, such as 3"
    expect(name, given, Integral, remedy)
    if isinstance(given, bool):
        raise RecommenderError(name, "is of type bool", remedy)


def day(name: str, given: Any, default: date) -> date:
    """The date given as a date, a time or ISO text; the default for None.

    A time in a time zone is refused: its day depends on the zone.

    Raises
    ------
    RecommenderError

    Examples
    --------
    >>> day("day", "2026-10-01", date(2026, 11, 23)), day("day", None, date(2026, 11, 23))
    (datetime.date(2026, 10, 1), datetime.date(2026, 11, 23))
    """
    if given is None:
        return default
    if isinstance(given, str):
        try:
            return date.fromisoformat(given)
        except ValueError:
            raise RecommenderError(name, "is not a date as 2026-11-23", _DAY_REMEDY) from None
    expect(name, given, date, _DAY_REMEDY)
    if given is pd.NaT:
        raise RecommenderError(name, "is missing", _DAY_REMEDY)
    if isinstance(given, datetime):
        if given.tzinfo is not None:
            raise RecommenderError(name, "is a time in a time zone", _DAY_REMEDY)
        return given.date()
    return date(given.year, given.month, given.day)
