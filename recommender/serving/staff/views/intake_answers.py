"""Converts the form of a new request to the body of a request, and a stored request to the form."""

import math
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from recommender.journal.recommendations import ShownRecommendation
from recommender.practice.conditions import holds
from recommender.practice.day_parts import ticked_parts, windows_of
from recommender.practice.definition import Practice
from recommender.practice.fields import Field
from recommender.practice.matching_page import USUAL_DAY_PARTS, DayPart
from recommender.serving.http.submitted_form import FormData
from recommender.serving.schemas.json_types import JSON_TYPES
from recommender.serving.staff import wording
from recommender.serving.staff.views.typed_times import read_times
from recommender.values.ids import NONE_NAMED, canonical_id

ANSWER, MODE, CONSENT = "answer.", "mode.", "agreed."
"""Prefixes of the names of answers, of modes of constraints and of consents."""
NONE = NONE_NAMED
"""Ticked where a client was asked and named nothing; no level of a definition is called so."""
SCOPES = ("train", "research")
TIMES = ".times"
"""Ending of the name of the line of times beside the ticks."""


def request_values(practice: Practice, sent: FormData) -> dict[str, Any]:
    """The body of a request as a matching tool would send it.

    Answers to questions that do not apply are left out; see `inapplicable`. What cannot be read is
    passed on as text, to be refused with its field named.
    """
    answers = typed_answers(practice, sent)
    for name in inapplicable(practice, answers):
        del answers[name]
    body: dict[str, Any] = {"answers": answers}
    body |= _present((name, sent.text(name) or None) for name in ("client_id", "asked_on"))
    if top_k := sent.text("top_k"):
        body["top_k"] = int(top_k) if top_k.isdecimal() else top_k
    body["modes"] = {
        name: mode
        for name, mode in modes_sent(practice, sent).items()
        if mode != practice.constraints[name].mode
    }
    consent = _present((name, _flag(sent.text(f"{CONSENT}{name}"))) for name in SCOPES)
    if consent:
        body["consent"] = {"version": practice.version, **consent}
    return body


def modes_sent(practice: Practice, sent: FormData) -> dict[str, str]:
    """The modes chosen on a form, by constraint; one choice may be for several constraints.

    >>> from recommender.practice.definition import shipped_practice
    >>> modes_sent(shipped_practice(), FormData({"mode.fee,gap": ["soft"]}))
    {'fee': 'soft', 'gap': 'soft'}
    """
    chosen = {
        name: sent.text(field)
        for field in sent.fields
        if field.startswith(MODE)
        for name in field.removeprefix(MODE).split(",")
    }
    return {name: chosen[name] for name in practice.constraints if chosen.get(name)}


def typed_answers(practice: Practice, sent: FormData) -> dict[str, Any]:
    """Every answer as JSON, whether its question applies or not; what cannot be read as text."""
    fields = practice.fields("client", "score", "filter")
    return _present((name, _answer(practice, field, sent)) for name, field in fields.items())


def inapplicable(practice: Practice, answers: Mapping[str, Any]) -> tuple[str, ...]:
    """Answered questions that do not apply beside the other answers that do.

    >>> from recommender.practice.definition import shipped_practice
    >>> inapplicable(shipped_practice(), {"funding": "private", "referral_held": True})
    ('referral_held',)
    """
    applying = dict(answers)
    while True:
        left_out = [
            name
            for name in applying
            if (condition := practice.client[name].asked_when) is not None
            and not holds(condition, applying)
        ]
        if not left_out:
            return tuple(name for name in answers if name not in applying)
        # A question whose condition is itself left out does not apply either.
        for name in left_out:
            del applying[name]


def applying(sent: FormData, left_out: Iterable[str]) -> FormData:
    """The form without the answers to some questions."""
    names = {f"{ANSWER}{name}" for name in left_out}
    return FormData({name: each for name, each in sent.fields.items() if name not in names})


def prefilled(practice: Practice, shown: ShownRecommendation) -> FormData:
    """The form with every answer of a stored request; the day and consents are left blank."""
    fields: dict[str, list[str]] = {"client_id": [shown.client_id or ""]}
    fields |= {f"{MODE}{name}": [mode] for name, mode in shown.modes.items()}
    for name, field in practice.client.items():
        if name in shown.answers:
            answer = JSON_TYPES[field.kind].json_of(shown.answers[name])
            fields |= _typed(practice, field, answer)
    return FormData(fields)


@dataclass(frozen=True, slots=True)
class QuestionLink:
    """A question of the form: the id of its control, and what it asks in few words."""

    id: str
    text: str


def link_to(field: Field) -> QuestionLink:
    """The link to a question of the form."""
    ending = TIMES if field.kind == "weekly_hours" else ""
    text = f"whether the client {field.phrase}" if field.kind == "flag" else field.phrase
    return QuestionLink(f"{ANSWER}{field.name}{ending}", text)


def day_parts_of(practice: Practice) -> tuple[DayPart, ...]:
    """The parts of a day that can be ticked."""
    page = practice.matching_page
    return USUAL_DAY_PARTS if page is None else page.day_parts


def suburbs_of(practice: Practice) -> Mapping[str, str]:
    """Postcodes by the name of a suburb, as far as the practice names them."""
    page = practice.matching_page
    return {} if page is None else page.suburbs


def _present(values: Iterable[tuple[str, Any]]) -> dict[str, Any]:
    return {name: value for name, value in values if value is not None}


def _answer(practice: Practice, field: Field, sent: FormData) -> Any:
    """An answer as JSON, None where it was left blank."""
    name = f"{ANSWER}{field.name}"
    if field.kind == "tags":
        ticked = sent.texts(name)
        return [each for each in ticked if each != NONE] if ticked else None
    if field.kind == "weekly_hours":
        return _windows(practice, name, sent)
    if field.kind == "ids":
        named = read_ids(sent.texts(name))
        return [each for each in named if each != NONE] if named else None
    text = sent.text(name)
    if not text or field.is_code(text):
        return None
    if field.kind == "place":
        return read_places(text, suburbs_of(practice))
    return _READERS.get(field.kind, str)(text)


def _windows(practice: Practice, name: str, sent: FormData) -> Any:
    """Ticked and typed times together; the text where it cannot be read."""
    typed = sent.text(f"{name}{TIMES}")
    try:
        times = read_times(typed, day_parts_of(practice), sent.texts(name))
    except ValueError:
        return typed
    windows = [
        dict(zip(("day", "start", "end"), re.split("[ -]", each), strict=True)) for each in times
    ]
    return windows or None


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


_NUMBER = re.compile(r"\$?\s*(-?[0-9]+(?:\.[0-9]+)?)\s*[A-Za-z$]*")
_THOUSANDS = re.compile(r"(?<=[0-9]),(?=[0-9]{3})")


def _number(text: str) -> float | str:
    """A number with or without its unit; the text where it is none.

    >>> _number("$1,200"), _number("12 km"), _number("twelve")
    (1200.0, 12.0, 'twelve')
    """
    match = _NUMBER.fullmatch(_THOUSANDS.sub("", text))
    number = float(match[1]) if match else math.inf
    return number if math.isfinite(number) else text


def _flag(text: str) -> Any:
    return {"yes": True, "no": False, "": None}.get(text, text)


_NAME_AND_CODE = re.compile(r"(.*\S)[\s,]+([0-9]{4})")


def read_places(text: str, suburbs: Mapping[str, str]) -> list[dict[str, Any]]:
    """Places separated by semicolons: a suburb, a postcode or both, or latitude and longitude.

    >>> read_places("newtown; Manly 2095; -33.9, 151.2", {"Newtown": "2042", "Manly": "2095"})[:2]
    [{'postcode': '2042'}, {'postcode': '2095'}]
    """
    by_name = {name.casefold(): code for name, code in suburbs.items()}
    places: list[dict[str, Any]] = []
    for part in filter(None, map(str.strip, text.split(";"))):
        plain = " ".join(part.casefold().split())
        both = _NAME_AND_CODE.fullmatch(plain)
        if both is not None and by_name.get(both[1].rstrip(",")) == both[2]:
            plain = both[2]
        latitude, comma, longitude = part.partition(",")
        if comma and plain == " ".join(part.casefold().split()):
            places.append({"latitude": _number(latitude), "longitude": _number(longitude)})
        else:
            places.append({"postcode": by_name.get(plain, plain.upper())})
    return places


_READERS: Mapping[str, Callable[[str], Any]] = {
    **dict.fromkeys(("number", "scale", "money"), _number),
    "flag": _flag,
}
"""How a typed answer is read, by kind; other kinds are text."""


def _typed(practice: Practice, field: Field, answer: Any) -> dict[str, list[str]]:
    """One answer as it would be typed."""
    name = f"{ANSWER}{field.name}"
    if field.kind == "weekly_hours":
        return _typed_times(name, day_parts_of(practice), answer)
    if field.kind in ("tags", "ids"):
        return {name: [str(each) for each in answer] or [NONE]}
    return {name: [_WRITERS.get(field.kind, str)(answer)]}


def _typed_times(
    name: str, parts: tuple[DayPart, ...], windows: list[dict[str, str]]
) -> dict[str, list[str]]:
    """Times as ticks where ticks say the same, else as a line of text."""
    ticks = [f"{day}-{number}" for day, number in sorted(ticked_parts(parts, windows))]
    if windows_of(parts, ticks) == windows:
        return {name: ticks}
    return {f"{name}{TIMES}": [wording.week_of(windows)]}


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
