"""Reads the controls of a page as answers in the JSON of the API, and the answers of pages before.

Everything comes from the form, and is validated at every step: nothing about a client is stored
between two pages.
"""

import json
import re
from collections.abc import Mapping
from difflib import get_close_matches
from typing import Any

from recommender.practice.day_parts import windows_of
from recommender.practice.fields import Field
from recommender.practice.matching_page import MatchingPage
from recommender.serving.http.submitted_form import FormData

Answers = Mapping[str, Any]
NAME = "answer."
"""Prefix of the names of answers in a form."""
_NUMBER = re.compile(r"\$?\s*(-?[0-9]+(?:\.[0-9]+)?)\s*[A-Za-z$]*")
_THOUSANDS = re.compile(r"(?<=[0-9]),(?=[0-9]{3})")
_PLACES = re.compile(r"[;,]")


class UnreadableError(ValueError):
    """An answer that cannot be read; the text says in plain words how to write it."""


def read_answer(field: Field, sent: FormData, page: MatchingPage) -> Any:
    """One answer as JSON; None where it was left blank.

    Raises
    ------
    UnreadableError
        When a text is no number, day or place.
    """
    name = f"{NAME}{field.name}"
    if field.kind in ("tags", "ids"):
        return list(dict.fromkeys(sent.texts(name))) or None
    if field.kind == "weekly_hours":
        return windows_of(page.day_parts, sent.texts(name)) or None
    text = sent.text(name)
    if not text:
        return None
    if field.kind == "flag":
        return {"yes": True, "no": False}.get(text)
    if field.kind in ("number", "scale", "money"):
        return _number(field, text)
    return _places(field, text, page) if field.kind == "place" else text


def earlier_answers(sent: FormData) -> dict[str, Any]:
    """The answers of the pages before, from their hidden field; nothing where it is not sound."""
    return object_in(sent.text("answers"))


def object_in(text: str) -> dict[str, Any]:
    """The JSON object that a control holds; an empty one where the text is none.

    >>> object_in('{"max_gap": 150}'), object_in("[1"), object_in("")
    ({'max_gap': 150}, {}, {})
    """
    try:
        content = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    return content if isinstance(content, dict) else {}


def how_to_answer(field: Field) -> str:
    """What a client reads of an answer that is not accepted."""
    if field.kind not in ("number", "scale", "money"):
        return {
            "date": "Write a day, such as 1 December 2026.",
            "place": "Write a suburb or a postcode that we know, or leave this blank.",
            "tags": "Choose from the list.",
            "ids": "Choose from the list.",
        }.get(field.kind, "Choose one of these.")
    low, high = (_plain(bound) for bound in (field.min, field.max))
    sign = "$" if field.kind == "money" else ""
    if low and high:
        return f"Write a number from {sign}{low} to {sign}{high}, such as {sign}{_example(field)}."
    return f"Write a number, such as {sign}{_example(field)}."


def _number(field: Field, text: str) -> float:
    match = _NUMBER.fullmatch(_THOUSANDS.sub("", text))
    if match is None:
        raise UnreadableError(how_to_answer(field))
    return float(match[1])


def _places(field: Field, text: str, page: MatchingPage) -> list[dict[str, str]]:
    """Postcodes from names of suburbs or postcodes."""
    by_name = {name.casefold(): code for name, code in page.suburbs.items()}
    named = {name.casefold(): name for name in page.suburbs}
    places = []
    for part in filter(None, map(str.strip, _PLACES.split(text))):
        plain = " ".join(part.casefold().split())
        code = by_name.get(plain, part.upper())
        if code not in field.postcodes:
            near = [named[each] for each in get_close_matches(plain, named, n=2)]
            hint = f"Did you mean {' or '.join(near)}? " if near else ""
            message = "We do not know this suburb or postcode. "
            raise UnreadableError(
                f"{message}{hint}Write one nearby, or leave this blank and we will not "
                "work out the distance."
            )
        places.append({"postcode": code})
    return places


def _plain(bound: float | None) -> str:
    return "" if bound is None else f"{bound:.10g}"


def _example(field: Field) -> str:
    low = 0.0 if field.min is None else field.min
    high = low + 200 if field.max is None else field.max
    return f"{round((low + high) / 2):d}"
