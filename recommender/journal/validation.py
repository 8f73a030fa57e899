"""Validation of ids, codes and days before they are stored, and canonical JSON of what is stored.

Faults never repeat a value.
"""

import hashlib
import json
import re
from collections.abc import Iterable, Mapping
from datetime import date
from decimal import Decimal
from typing import Any

from recommender.errors import Fault, FeedbackError
from recommender.tables.cells import ID_REMEDY, read_id

_CODE = re.compile(r"[a-z][a-z0-9_]{0,63}")
_CODE_REMEDY = "give a code of small letters, digits and underscores; free text is not kept"


def id_faults(**ids: str | None) -> list[Fault]:
    """Faults of ids that are not None and no pseudonyms."""
    read = ((name, read_id(value)[1]) for name, value in ids.items() if value is not None)
    return [Fault(name, problem, ID_REMEDY) for name, problem in read if problem]


def code_faults(**codes: str | None) -> list[Fault]:
    """Faults of reasons that are not None and no codes: text could name a person."""
    wrong = [name for name, code in codes.items() if code is not None and not _CODE.fullmatch(code)]
    return [Fault(name, "is not a code", _CODE_REMEDY) for name in wrong]


def choice_faults(name: str, value: str, choices: Iterable[str]) -> list[Fault]:
    """A fault when a value is not one of the choices."""
    choices = tuple(choices)
    if value in choices:
        return []
    return [Fault(name, "is not known", f"choose from {', '.join(choices)}")]


def day_faults(name: str, day: date, latest: date) -> list[Fault]:
    """A fault when a day is after the latest allowed."""
    return [Fault(name, "lies in the future", "check the date")] if day > latest else []


def refuse(faults: Iterable[Fault]) -> None:
    """Raises when there is any fault.

    Raises
    ------
    FeedbackError
        With all of them.
    """
    ordered = sorted(set(faults))
    if ordered:
        raise FeedbackError(ordered)


def canonical_json(value: Any) -> str:
    """JSON with sorted names and no blanks; dates as ISO 8601, exact amounts as text.

    >>> canonical_json({"b": 1, "a": [date(2026, 11, 23), Decimal("220.50")]})
    '{"a":["2026-11-23","220.50"],"b":1}'
    """
    return json.dumps(
        value,
        default=_plain,
        sort_keys=True,
        separators=(",", ":"),
        ensure_ascii=False,
        allow_nan=False,
    )


def digest(text: str | bytes) -> str:
    """SHA-256 in hexadecimal."""
    return hashlib.sha256(text if isinstance(text, bytes) else text.encode()).hexdigest()


def _plain(value: Any) -> Any:
    if isinstance(value, date | Decimal):
        return str(value)
    if isinstance(value, Mapping):
        return dict(value)
    raise TypeError(f"{type(value).__name__} has no canonical text")
