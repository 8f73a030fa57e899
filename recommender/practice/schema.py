"""What a setting of a practice definition may look like, and the fault of one that does not.

Whatever reads a table of the definition takes its settings from here, and so need not doubt their
types. Imported by `fields`, `matches` and `sections`.
"""

import math
import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any

from recommender.errors import Fault
from recommender.values.parsers import LARGEST

UNKNOWN_REMEDY = "remove it or mend its spelling"

_NAME = re.compile(r"[a-z][a-z0-9_]*")


@dataclass(frozen=True, slots=True)
class SettingSchema:
    """One form a setting may have, with what is said of a setting that has another.

    Attributes
    ----------
    problem, remedy
        As a fault says them.
    holds
        Whether a value has the form.
    """

    problem: str
    remedy: str
    holds: Callable[[Any], bool]


def one_of(noun: str, choices: Collection[str]) -> SettingSchema:
    """A text that is one of some."""

    def holds(value: object) -> bool:
        return isinstance(value, str) and value in choices

    return SettingSchema(f"is not a known {noun}", f"use one of {', '.join(choices)}", holds)


def read_settings(
    where: str, noun: str, declared: Mapping[str, Any], shapes: Mapping[str, SettingSchema]
) -> tuple[dict[str, Any], list[Fault]]:
    """The settings that have their shape, and a fault for every other and every unknown one.

    Parameters
    ----------
    where, noun
        Where the table stands, and what it declares, for the faults.
    """
    faults = [
        Fault(f"{where}.{key}", f"is not a setting of {noun}", UNKNOWN_REMEDY)
        for key in sorted(set(declared) - set(shapes))
    ]
    told = {}
    for key, shape in shapes.items():
        if key in declared and shape.holds(declared[key]):
            told[key] = declared[key]
        elif key in declared:
            faults.append(Fault(f"{where}.{key}", shape.problem, shape.remedy))
    return told, faults


def is_present(declared: Mapping[str, Any], key: str) -> bool:
    """Whether a setting is there and not blank."""
    value = declared.get(key)
    return bool(value.strip()) if isinstance(value, str) else value not in (None, [])


def name_fault(where: str, name: str) -> list[Fault]:
    """A fault where a name cannot be a column, a feature and a field of a request."""
    if _NAME.fullmatch(name):
        return []
    remedy = "start with a letter; use lower-case letters, digits and underscores"
    return [Fault(where, "is not a plain name", remedy)]


def _is_text(value: object) -> bool:
    return isinstance(value, str)


def _is_flag(value: object) -> bool:
    return isinstance(value, bool)


def _is_number(value: object) -> bool:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    return abs(value) <= LARGEST and not math.isnan(value)


def _is_texts(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(part, str) for part in value)


TEXT = SettingSchema("is not text", 'write it in quotes, as "text"', _is_text)
FLAG = SettingSchema("is neither true nor false", "write true or false", _is_flag)
NUMBER = SettingSchema("is not a number", "write a number without quotes", _is_number)
TEXTS = SettingSchema("is not a list of texts", 'write ["a", "b"]', _is_texts)
NAMES = SettingSchema(
    "names no field",
    'write "field" or ["one", "other"]',
    lambda value: _is_text(value) or _is_texts(value),
)
