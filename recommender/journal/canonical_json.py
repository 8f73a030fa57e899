"""Canonical JSON: equal values give equal texts, which can be hashed and compared."""

import hashlib
import json
from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import Any


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
