"""Converts the form of a new request to the body of a request, and a stored request to the form."""

import math
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from recommender.journal.recommendations import ShownRecommendation
from recommender.practice.definition import Practice
from recommender.practice.fields import Field
from recommender.serving.http.submitted_form import FormData
from recommender.serving.schemas.json_types import JSON_TYPES
from recommender.values.ids import NONE_NAMED, canonical_id
from recommender.values.kinds import DAYS

TypedWindow = tuple[str, str]
HOUR, DAY = 60, 1440
_TIME = r"(?:(\d{1,2})(?:[:.](\d{2}))?\s*(am|pm)?|(noon|midnight))"
_WINDOW = re.compile(rf"{_TIME}\s*(?:-|–|to|until)\s*{_TIME}")  # noqa: RUF001
_BETWEEN = re.compile(r"[,;&+]|\band\b")
_ALL_DAY = frozenset({"all day", "any time", "anytime", "any"})
NOT_TIMES = "is not a range of times: write 8-10 or 5-8 pm, with commas between several"
BACKWARDS = (
    "ends before it begins: write 8-17, or 8 am-5 pm; past midnight, write 22-24 on this day and "
    "0-2 on the next"
)

ClockParts = tuple[str | Any, ...]
"""Hour, minute, am or pm, and noon or midnight; each is None where it is not written."""


def read_hours(text: str) -> tuple[TypedWindow, ...]:
    """Begin and end of every window; a `ValueError` says what does not fit, never the text.

    Examples
    --------
    >>> read_hours("9 to noon, 5-8 pm")
    (('09:00', '12:00'), ('17:00', '20:00'))
    """
    typed = " ".join(text.lower().replace(".m.", "m").split())
    if typed in _ALL_DAY:
        return (("00:00", "24:00"),)
    parts = [part.strip() for part in _BETWEEN.split(typed)]
    return tuple(_window(part) for part in parts if part)


def _window(part: str) -> TypedWindow:
    match = _WINDOW.fullmatch(part)
    if match is None:
        raise ValueError(NOT_TIMES)
    first: ClockParts = match.group(1, 2, 3, 4)
    last: ClockParts = match.group(5, 6, 7, 8)
    end = _minute(last) or DAY
    begin = _minute(first)
    if last[2] and not first[2] and not first[3]:
        # In "5-8 pm" both are in the afternoon; in "10-2 pm" the first is not.
        same_half = _minute((*first[:2], last[2], None))
        begin = same_half if same_half < end else begin
    if begin >= end:
        raise ValueError(BACKWARDS)
    return _written(begin), _written(end)


def _minute(clock: ClockParts) -> int:
    """Minute of the day; midnight is 0 at either end of the day."""
    hour, minute, half, named = clock
    if named:
        return 0 if named == "midnight" else DAY // 2
    hours, minutes = int(hour or 0), int(minute or 0)
    if minutes >= HOUR or hours > (12 if half else 24) or (half and not hours):
        raise ValueError(NOT_TIMES)
    if half:
        hours = hours % 12 + (12 if half == "pm" else 0)
    if HOUR * hours + minutes > DAY:
        raise ValueError(NOT_TIMES)
    return (HOUR * hours + minutes) % DAY


def _written(minute: int) -> str:
    return f"{minute // HOUR:02}:{minute % HOUR:02}"


ANSWER, MODE, CONSENT = "answer.", "mode.", "agreed."
"""Prefixes of the names of answers, of modes of constraints and of consents."""
NONE = NONE_NAMED
"""Ticked where a client was asked and named nothing; no level of a definition is called so."""
SCOPES = ("train", "research")


def request_values(practice: Practice, sent: FormData) -> dict[str, Any]:
    """The body of a request as a matching tool would send it.

    What cannot be read is passed on as text, to be refused with its field named.
    """
    fields = practice.fields("client", "score", "filter")
    body: dict[str, Any] = {
        "answers": _present((name, _answer(field, sent)) for name, field in fields.items())
    }
    body |= _present((name, sent.text(name) or None) for name in ("client_id", "asked_on"))
    if top_k := sent.text("top_k"):
        body["top_k"] = int(top_k) if top_k.isdecimal() else top_k
    modes = {name: sent.text(f"{MODE}{name}") for name in practice.constraints}
    body["modes"] = {
        name: mode
        for name, mode in modes.items()
        if mode not in ("", practice.constraints[name].mode)
    }
    consent = _present((name, _flag(sent.text(f"{CONSENT}{name}"))) for name in SCOPES)
    if consent:
        body["consent"] = {"version": practice.version, **consent}
    return body


def prefilled(practice: Practice, shown: ShownRecommendation) -> FormData:
    """The form with every answer of a stored request; the day and consents are left blank."""
    fields: dict[str, list[str]] = {"client_id": [shown.client_id or ""]}
    fields |= {f"{MODE}{name}": [mode] for name, mode in shown.modes.items()}
    for name, field in practice.client.items():
        if name in shown.answers:
            fields |= _typed(field, JSON_TYPES[field.kind].json_of(shown.answers[name]))
    return FormData(fields)


def _present(values: Iterable[tuple[str, Any]]) -> dict[str, Any]:
    return {name: value for name, value in values if value is not None}


def _answer(field: Field, sent: FormData) -> Any:
    """An answer as JSON, None where it was left blank."""
    name = f"{ANSWER}{field.name}"
    if field.kind == "tags":
        ticked = sent.texts(name)
        return [each for each in ticked if each != NONE] if ticked else None
    if field.kind == "weekly_hours":
        windows = [
            {"day": day, "start": start, "end": end}
            for day in DAYS
            for start, end in _windows(sent.text(f"{name}.{day}"))
        ]
        return windows or None
    if field.kind == "ids":
        named = read_ids(sent.texts(name))
        return [each for each in named if each != NONE] if named else None
    text = sent.text(name)
    return _READERS.get(field.kind, str)(text) if text and not field.is_code(text) else None


def read_ids(texts: Iterable[str]) -> list[str]:
    """The ids typed or ticked, each once; `none` for an answer that names nobody.

    Space separates ids that have digits; a name, which has space within, stays whole.

    >>> read_ids(["k01, k07 k08", "k01", "F. Hakea"])
    ['k01', 'k07', 'k08', 'F. Hakea']
    """
    typed = (canonical_id(part) for text in texts for part in re.split(r"[,;\n]", text))
    named = (part for each in typed for part in _ids_apart(each))
    return list(dict.fromkeys(NONE if part.lower() == NONE else part for part in named if part))


def _ids_apart(text: str) -> list[str]:
    parts = text.split()
    apart = all(any(sign.isdigit() for sign in part) or part.lower() == NONE for part in parts)
    return parts if apart else [text]


def _windows(hours: str) -> tuple[TypedWindow, ...]:
    try:
        return read_hours(hours)
    except ValueError:
        return ((hours, ""),)


def _number(text: str) -> float | str:
    try:
        number = float(text)
    except ValueError:
        return text
    return number if math.isfinite(number) else text


def _flag(text: str) -> Any:
    return {"yes": True, "no": False, "": None}.get(text, text)


def _places(text: str) -> list[dict[str, Any]]:
    """Places separated by semicolons: a postcode, or latitude and longitude."""
    places: list[dict[str, Any]] = []
    for part in filter(None, map(str.strip, text.split(";"))):
        latitude, comma, longitude = part.partition(",")
        point = {"latitude": _number(latitude), "longitude": _number(longitude)}
        places.append(point if comma else {"postcode": part})
    return places


_READERS: Mapping[str, Callable[[str], Any]] = {
    **dict.fromkeys(("number", "scale", "money"), _number),
    "flag": _flag,
    "place": _places,
}
"""How a typed answer is read, by kind; other kinds are text."""


def _typed(field: Field, answer: Any) -> dict[str, list[str]]:
    """One answer as it would be typed."""
    name = f"{ANSWER}{field.name}"
    if field.kind == "weekly_hours":
        days: dict[str, list[str]] = {}
        for each in answer:
            days.setdefault(each["day"], []).append(f"{each['start']}-{each['end']}")
        return {f"{name}.{day}": [", ".join(hours)] for day, hours in days.items()}
    if field.kind in ("tags", "ids"):
        return {name: [str(each) for each in answer] or [NONE]}
    return {name: [_WRITERS.get(field.kind, str)(answer)]}


def _places_text(answer: list[Mapping[str, Any]]) -> str:
    return "; ".join(
        each["postcode"] if "postcode" in each else f"{each['latitude']}, {each['longitude']}"
        for each in answer
    )


_WRITERS: Mapping[str, Callable[[Any], str]] = {
    **dict.fromkeys(("number", "scale", "money"), "{:.10g}".format),
    "flag": lambda answer: "yes" if answer else "no",
    "place": _places_text,
}
"""How an answer is typed, by kind; other kinds are text."""
