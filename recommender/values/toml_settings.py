"""Reads one table of a definition into a dataclass, and names every setting that is wrong.

The annotations of the dataclass are the schema, checked by pydantic: strict, without conversions
other than a list to a tuple, and no unknown setting. `MESSAGES` says in words what is wrong.
"""

import re
from collections.abc import Collection, Mapping
from dataclasses import fields
from functools import cache
from typing import Annotated, Any, TypeVar, get_type_hints

from pydantic import (
    BeforeValidator,
    ConfigDict,
    Strict,
    StringConstraints,
    TypeAdapter,
    ValidationError,
    with_config,
)
from pydantic import Field as Setting
from pydantic_core import PydanticCustomError

from recommender.errors import Fault
from recommender.values.near_names import with_near_name
from recommender.values.parsers import MAX_NUMBER

T = TypeVar("T")
Message = tuple[str, str]

UNKNOWN = "unexpected_keyword_argument"
BLANK = "string_pattern_mismatch"
LISTED = "list_for_text"
"""A list in the place of one text, which pydantic reports like any other value."""


def toml_table(schema: type[T]) -> type[T]:
    """Decorates a dataclass that `read_settings` reads, so that unknown settings are refused."""
    return with_config(ConfigDict(extra="forbid"))(schema)


Text = Annotated[str, Strict()]
FilledText = Annotated[str, Strict(), StringConstraints(pattern=r"\S")]
Flag = Annotated[bool, Strict()]
Whole = Annotated[int, Strict()]
Number = Annotated[float, Strict(), Setting(ge=-MAX_NUMBER, le=MAX_NUMBER, allow_inf_nan=False)]
Texts = tuple[Text, ...]
Codes = tuple[Text | Whole | Number, ...]
"""Numbers and texts that stand for a missing answer."""


FieldNames = Annotated[
    tuple[Text, ...],
    BeforeValidator(lambda names: (names,) if isinstance(names, str) else names),
]
"""One name of a field, or a list of them."""


def one_of(choices: Collection[str]) -> BeforeValidator:
    """A validator that accepts one of several texts."""

    def chosen(value: object) -> object:
        if isinstance(value, str) and value in choices:
            return value
        raise PydanticCustomError("choice", "{choices}", {"choices": ", ".join(choices)})

    return BeforeValidator(chosen)


_TEXTS = ("is not a list of texts", 'write ["a", "b"]')
_CODES = ("is not a list of numbers and texts", 'write [99, "NA"]')
_NUMBER = ("is not a number", "write a number without quotes")
_WHOLE = ("is not a whole number", "write a whole number without quotes")
_FIELDS = ("names no field", 'write "field" or ["one", "other"]')
_LABELS = ("is not a table of texts", 'write { level = "what people read" }')
_WINDOW = ("is no range of sessions", "write the first and the last, like [2, 5]")
_CONDITION = (
    "is not a condition",
    'write { client = "field", has = "level" } or { client = "field", below = 18 }; has may be a '
    "list of levels, of which one must be the answer",
)

MESSAGES: Mapping[tuple[str, str, str], Message] = {
    ("", "", "missing"): ("is not given", "{noun} must have it"),
    ("", "", UNKNOWN): ("is not a setting of {noun}", "remove it, or use one of: {settings}"),
    ("", "", BLANK): ("is blank", "write it"),
    ("", "", "string_type"): ("is not text", 'write it in quotes, as "text"'),
    ("", "", LISTED): ("is a list", 'write one text in quotes, as "text"'),
    ("", "", "bool_type"): ("is neither true nor false", "write true or false"),
    ("", "", "int_type"): _WHOLE,
    ("", "", "float_type"): _NUMBER,
    ("", "", "finite_number"): _NUMBER,
    ("", "", "greater_than_equal"): _NUMBER,
    ("", "", "less_than_equal"): _NUMBER,
    ("", "", "date_type"): ("is not a date", "write a date without quotes, such as 2026-07-01"),
    ("", "", "tuple_type"): _TEXTS,
    ("", "", "choice"): ("is not a known {setting}", "use one of {choices}"),
    ("history", "", BLANK): ("is blank", "write it, or leave it out"),
    ("ranking", "keep_last_places", ""): (
        "is not a number of places",
        "write a whole number, 0 or more",
    ),
    ("client", "missing_codes", ""): _CODES,
    ("clinician", "missing_codes", ""): _CODES,
    ("alliance", "missing_codes", ""): _CODES,
    ("client", "labels", ""): _LABELS,
    ("clinician", "labels", ""): _LABELS,
    ("client", "asked_when", ""): _CONDITION,
    ("client", "question", BLANK): ("is blank", "write it, or leave it out"),
    ("client", "question_to_client", BLANK): ("is blank", "write it, or leave it out"),
    ("alliance", "early_sessions", ""): _WINDOW,
    ("alliance", "fallback_sessions", ""): _WINDOW,
    ("alliance", "within_days", ""): ("is not a number of days", "write a whole number, 1 or more"),
    ("alliance", "interval", ""): (
        "is not the level of an interval",
        "write a number from 0.5 to below 1, such as 0.9",
    ),
    ("instruments", "subscales", ""): (
        "is not a table of lists of item numbers",
        "write { name = [1, 2] }",
    ),
    ("instruments", "reverse", ""): ("is not a list of item numbers", "write [1, 2]"),
    ("instruments", "cut_offs", ""): ("is not a table of numbers", "write { name = 36 }"),
    ("matching_page", "telephone", "telephone"): (
        "is not a telephone number",
        "write digits, spaces and brackets, such as 02 5550 0100",
    ),
    ("matching_page", "contact_url", "address"): (
        "is not a secure address",
        "write an address that begins with https://, or leave it out",
    ),
    ("matching_page", "safety", ""): (
        "is not a list of one to five questions",
        "write each as [[matching_page.safety]] with `question` and, if needed, `help`",
    ),
    ("matching_page", "emergency", ""): (
        "is not a list of numbers to ring",
        "write each as [[matching_page.emergency]] with `label`, `telephone` and perhaps `note`",
    ),
    ("matching_page", "day_parts", ""): (
        "is not a list of parts of a day",
        'write each as [[matching_page.day_parts]] with `label`, `start = "08:00"` and `end`',
    ),
    ("matching_page", "suburbs", ""): (
        "is not a table of postcodes",
        'write names and postcodes, such as "Newtown" = "2042"',
    ),
    ("matching_page", "answers", ""): (
        "is not a table of answers",
        'write fields and answers, such as risk_level = "level_2"',
    ),
    ("matches", "client", ""): _FIELDS,
    ("matches", "clinician", ""): _FIELDS,
    ("matches", "phrase", "missing"): ("is not given", "write how staff say this match"),
    ("matches", "otherwise", "missing"): (
        "is not given",
        "write how staff say it of a clinician of whom the phrase is not true",
    ),
    ("matches", "group", "missing"): ("is not given", "name one of [groups]"),
    ("constraints", "client", ""): _FIELDS,
    ("constraints", "clinician", ""): _FIELDS,
    ("constraints", "say", "missing"): ("is not given", "write what staff say after the name"),
    ("constraints", "value", ""): ("is not a constant", "write a number, a text or a flag"),
    ("constraints", "relaxable", ""): (
        "is not known",
        'write true, false, or "ask" where staff may only ask',
    ),
    ("constraints", "may_be", ""): ("is not a list of modes", "use hard, soft, off"),
    ("constraints", "when", ""): _CONDITION,
    ("constraints", "unless", ""): _CONDITION,
    ("constraints", "instead", ""): (
        "does not name a flag of each side",
        'write { client = "flag", clinician = "flag" }',
    ),
    ("clinician", "shown_to", ""): (
        "is not known",
        'write "client", "staff" or "nobody"',
    ),
    ("places", "point", ""): (
        "is not a latitude and a longitude",
        "write [-33.88, 151.22], south and west below 0",
    ),
    ("places", "postcode", ""): ("is not text", 'write it in quotes, as "2042"'),
    ("funding", "modes", ""): (
        "is not a list of ways of meeting",
        'write ["video", "phone"], or leave it out for any',
    ),
    ("funding", "cap_per", ""): ("is not known", "use one of {choices}"),
    ("funding", "minutes", "greater_than_equal"): (
        "is below 1",
        "give the shortest session paid for",
    ),
    ("funding", "cap", "greater_than_equal"): (
        "is below 1",
        "give a number of sessions, or no cap",
    ),
    ("funding", "fee_cents", "greater_than_equal"): ("is below 0", "give an amount in cents"),
    ("funding", "rebate_cents", "greater_than_equal"): ("is below 0", "give an amount in cents"),
    ("funding", "source", BLANK): ("is blank", "name the document and the day it was read"),
}
"""Problem and remedy by section, setting and pydantic's type of error; "" stands for any.

The most exact entry is used. `{noun}`, `{setting}`, `{settings}` and `{choices}` are filled in.
"""

ABOUT_PRESENCE = ("missing", UNKNOWN, BLANK)
"""Errors that are not about what the setting holds."""


def read_settings(
    schema: type[T],
    where: str,
    noun: str,
    declared: Mapping[str, Any],
    given: Mapping[str, Any] | None = None,
) -> tuple[T | None, dict[str, Any], list[Fault]]:
    """A table of a definition as an instance of a dataclass.

    Parameters
    ----------
    schema
        A dataclass whose annotations say what each setting may hold.
    where, noun
        Path of the table in the file, and what the table declares, for the faults.
    given
        Attributes that come from elsewhere and must not be in the table, such as its name.

    Returns
    -------
    The instance, or None if anything is wrong; the settings that are sound by themselves, as
    declared, for checks across settings; and every fault.
    """
    given = given or {}
    table: Any = schema
    settings = [name for name in _settings_of(table) if name not in given]
    # `given` is merged in below, so pydantic cannot see that a table has one of its keys.
    errors: dict[str, Any] = {
        key: {"type": UNKNOWN, "loc": (key,)} for key in sorted(set(declared) & set(given))
    }
    instance = None
    try:
        instance = _adapter_of(table).validate_python({**declared, **given})
    except ValidationError as error:
        for each in error.errors(include_url=False, include_input=False):
            errors.setdefault(str(each["loc"][0]), each)
    sound = {key: value for key, value in declared.items() if key not in errors}
    faults = [
        _fault(where, noun, settings, error, declared.get(name)) for name, error in errors.items()
    ]
    return (None if faults else instance), sound, faults


@cache
def _adapter_of(schema: Any) -> TypeAdapter[Any]:
    return TypeAdapter(schema)


@cache
def _settings_of(schema: Any) -> tuple[str, ...]:
    """Names of the settings as a definition writes them."""
    hints = get_type_hints(schema, include_extras=True)
    names = []
    for each in fields(schema):
        parts = getattr(hints[each.name], "__metadata__", ())
        names.append(next((a for part in parts if (a := getattr(part, "alias", None))), each.name))
    return tuple(names)


def _fault(
    where: str, noun: str, settings: list[str], error: Mapping[str, Any], value: object
) -> Fault:
    section, setting, kind = where.partition(".")[0], str(error["loc"][0]), error["type"]
    if kind == "string_type" and isinstance(value, list):
        kind = LISTED
    if len(error["loc"]) > 1:
        # A part of a list or of a table is wrong: say what the whole setting must be.
        keys = [(section, setting, ""), ("", "", "tuple_type")]
    elif kind in ABOUT_PRESENCE:
        keys = [(section, setting, kind), (section, "", kind), ("", "", kind)]
    else:
        keys = [(section, setting, kind), (section, setting, ""), ("", "", kind)]
    problem, remedy = next(MESSAGES[key] for key in keys if key in MESSAGES)
    choices = error.get("ctx", {}).get("choices", "")
    words = {
        "{noun}": noun,
        "{setting}": setting,
        "{settings}": ", ".join(settings),
        "{choices}": choices,
    }
    for word, text in words.items():
        problem, remedy = problem.replace(word, text), remedy.replace(word, text)
    if kind == UNKNOWN:
        remedy = with_near_name(setting, settings, remedy)
    elif choices:
        remedy = with_near_name(value, choices.split(", "), remedy)
    return Fault(f"{where}.{setting}", problem, remedy)


_NAME = re.compile(r"[a-z][a-z0-9_]*")


def name_faults(where: str, name: str) -> list[Fault]:
    """A fault where a name cannot be a column, a feature and a field of a request."""
    if _NAME.fullmatch(name):
        return []
    remedy = "start with a letter; use lower-case letters, digits and underscores"
    return [Fault(where, "is not a plain name", remedy)]
