"""The form of a new request, built from the practice definition, and what it sends.

It sends the very JSON a matching tool would, so that both go one way. Imported by `staff.asking`.
"""

import json
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from recommender.practice.definition import Practice
from recommender.practice.fields import Field
from recommender.recommendation.relaxation_offers import DAY_NAMES
from recommender.serving.http.problems import FieldError
from recommender.serving.staff import wording
from recommender.serving.staff.form_data import FormData
from recommender.serving.staff.views.typed_hours import read_hours
from recommender.values.kinds import DAYS

NONE = "none"
"""Ticked where a client was asked and named nothing; no level of a definition is called so."""
ANSWER, MODE, AGREED = "answer.", "mode.", "agreed."
CONTROLS: Mapping[str, str] = {
    "number": "number",
    "scale": "number",
    "money": "number",
    "ordinal": "select",
    "category": "select",
    "flag": "select",
    "tags": "ticks",
    "place": "text",
    "ids": "text",
    "date": "date",
    "weekly_hours": "hours",
}
"""What each kind of answer is filled in with."""

Choice = tuple[str, str]


@dataclass(frozen=True, slots=True)
class FormEntry:
    """One question as the page asks it.

    Attributes
    ----------
    name, label
        Of the field that is sent, and what stands before it.
    control
        One of `CONTROLS`.
    helps
        What is asked for and why, and what leaving it open means.
    choices
        Value and label of everything that can be chosen.
    given
        What was filled in before, where the page comes back with a fault.
    fault
        What does not fit.
    days
        Of a week's hours, an entry a day.
    """

    name: str
    label: str
    control: str
    helps: tuple[str, ...] = ()
    choices: tuple[Choice, ...] = ()
    given: tuple[str, ...] = ()
    fault: str = ""
    required: bool = False
    low: float | None = None
    high: float | None = None
    step: str = "any"
    days: tuple["FormEntry", ...] = ()

    @property
    def wrong(self) -> tuple["FormEntry", ...]:
        """The entry itself and those days of it that have a fault."""
        return tuple(each for each in (self, *self.days) if each.fault)


@dataclass(frozen=True, slots=True)
class FormSection:
    """Questions that belong together."""

    title: str
    entries: tuple[FormEntry, ...]


def sections(
    practice: Practice, sent: FormData, faults: Sequence[FieldError] = (), *, top_k: int
) -> tuple[FormSection, ...]:
    """Every question: the scored ones by group, then requirements, then how rules count."""
    told = _faults(faults)
    scored, wished = (practice.fields("client", use) for use in ("score", "filter"))
    made = [
        FormSection(
            phrase,
            tuple(_entry(f, sent, told) for f in scored.values() if f.group == group),
        )
        for group, phrase in practice.groups.items()
    ]
    rules = tuple(
        FormEntry(
            f"{MODE}{each.name}",
            wording.rule_label(each.say),
            "select",
            choices=tuple(
                (mode, wording.MODES[mode]) for mode in dict.fromkeys((each.mode, *each.may_be))
            ),
            given=(sent.text(f"{MODE}{each.name}") or each.mode,),
        )
        for each in practice.constraints.values()
        if each.may_be
    )
    made += [
        FormSection(wording.REQUIREMENTS, tuple(_entry(f, sent, told) for f in wished.values())),
        FormSection(wording.AGREEMENT, _agreement(sent)),
        FormSection(wording.ABOUT_REQUEST, _about(sent, told, top_k)),
        FormSection(wording.RULES, rules),
    ]
    return tuple(section for section in made if section.entries)


def body_of(practice: Practice, sent: FormData) -> bytes:
    """The request as a matching tool would send it."""
    fields = practice.fields("client", "score", "filter")
    read = {name: _answer(field, sent) for name, field in fields.items()}
    body: dict[str, Any] = {"answers": _said(read)}
    body |= _said({name: sent.text(name) or None for name in ("client_id", "asked_on")})
    if top_k := sent.text("top_k"):
        body["top_k"] = int(top_k) if top_k.isdecimal() else top_k
    chosen = {each.name: sent.text(f"{MODE}{each.name}") for each in practice.constraints.values()}
    body["modes"] = {
        name: mode
        for name, mode in chosen.items()
        if mode and mode != practice.constraints[name].mode
    }
    agreed = _said({name: _flag(sent.text(f"{AGREED}{name}")) for name in ("train", "research")})
    if agreed:
        body["consent"] = {"version": practice.version, **agreed}
    return json.dumps(body, allow_nan=False).encode()


def _said(answers: Mapping[str, Any]) -> dict[str, Any]:
    return {name: answer for name, answer in answers.items() if answer is not None}


def _faults(slips: Sequence[FieldError]) -> dict[str, str]:
    """What is wrong with each field of the form, by the name it is sent under."""
    told: dict[str, str] = {}
    for slip in slips:
        first, *rest = [*slip.pointer.split("/")[1:], ""]
        name = f"{ANSWER}{rest[0]}" if first == "answers" and rest else first
        told.setdefault(name, slip.message)
    return told


def _entry(field: Field, sent: FormData, faults: Mapping[str, str]) -> FormEntry:
    name, control = f"{ANSWER}{field.name}", CONTROLS[field.kind]
    written = wording.WRITTEN.get("postcode" if field.postcodes else field.kind)
    written = written or wording.bounds(field.min, field.max)
    given = tuple(sent.texts(name)) if control == "ticks" else (sent.text(name),)
    left_open = "" if field.required else wording.left_open(field.missing)
    days = _days(name, sent) if control == "hours" else ()
    return FormEntry(
        name,
        wording.sentence(f"{field.phrase} ({field.unit})" if field.unit else field.phrase),
        control,
        helps=tuple(filter(None, (field.purpose, written, left_open))),
        choices=_choices(field),
        given=given,
        fault="" if any(day.fault for day in days) else faults.get(name, ""),
        required=field.required,
        low=field.min,
        high=field.max,
        step="0.01" if field.kind == "money" else "any",
        days=days,
    )


def _choices(field: Field) -> tuple[Choice, ...]:
    if field.kind == "flag":
        return (("yes", wording.YES), ("no", wording.NO))
    levels = tuple((level, wording.plain(level)) for level in field.levels)
    return (*levels, (NONE, wording.NONE_OF_THESE)) if field.kind == "tags" else levels


def _days(name: str, sent: FormData) -> tuple[FormEntry, ...]:
    return tuple(
        FormEntry(f"{name}.{day}", said, "text", given=(text,), fault=_fault_of(text))
        for day, said in zip(DAYS, DAY_NAMES, strict=True)
        for text in [sent.text(f"{name}.{day}")]
    )


def _fault_of(hours: str) -> str:
    try:
        read_hours(hours)
    except ValueError as error:
        return str(error)
    return ""


def _agreement(sent: FormData) -> tuple[FormEntry, ...]:
    choices = (("yes", wording.YES), ("no", wording.NO))
    return tuple(
        FormEntry(f"{AGREED}{name}", label, "select", (wording.NOT_ASKED_HELP,), choices, (given,))
        for name, label in wording.AGREED.items()
        for given in [sent.text(f"{AGREED}{name}")]
    )


def _about(sent: FormData, faults: Mapping[str, str], top_k: int) -> tuple[FormEntry, ...]:
    shown = sent.text("top_k") or str(top_k)
    return (
        FormEntry(
            "client_id",
            wording.PSEUDONYM,
            "text",
            (wording.PSEUDONYM_HELP,),
            given=(sent.text("client_id"),),
            fault=faults.get("client_id", ""),
        ),
        FormEntry(
            "asked_on",
            wording.ASKED_ON,
            "date",
            (wording.ASKED_ON_HELP,),
            given=(sent.text("asked_on"),),
            fault=faults.get("asked_on", ""),
        ),
        FormEntry(
            "top_k",
            wording.HOW_MANY,
            "number",
            given=(shown,),
            fault=faults.get("top_k", ""),
            low=1,
            high=50,
            step="1",
        ),
    )


def _answer(field: Field, sent: FormData) -> Any:
    """An answer as JSON, None where it was left open; what cannot be read goes on as it is."""
    name = f"{ANSWER}{field.name}"
    if field.kind == "tags":
        ticked = sent.texts(name)
        return [each for each in ticked if each != NONE] if ticked else None
    if field.kind == "weekly_hours":
        return _hours(name, sent)
    text = sent.text(name)
    return _READ[field.kind](text) if text else None


def _hours(name: str, sent: FormData) -> list[dict[str, str]] | None:
    told = [
        {"day": day, "start": start, "end": end}
        for day in DAYS
        for start, end in _read_or_not(sent.text(f"{name}.{day}"))
    ]
    return told or None


def _read_or_not(hours: str) -> tuple[tuple[str, str], ...]:
    """Hours as they are sent; what cannot be read goes on as it is, and is refused."""
    return ((hours, ""),) if _fault_of(hours) else read_hours(hours)


def _number(text: str) -> float | str:
    try:
        number = float(text)
    except ValueError:
        return text
    return number if math.isfinite(number) else text


def _flag(text: str) -> Any:
    return {"yes": True, "no": False, "": None}.get(text, text)


def _places(text: str) -> list[dict[str, Any]]:
    """One place or several with ";" between: a postcode, or latitude and longitude."""
    places: list[dict[str, Any]] = []
    for part in filter(None, map(str.strip, text.split(";"))):
        latitude, comma, longitude = part.partition(",")
        point = {"latitude": _number(latitude), "longitude": _number(longitude)}
        places.append(point if comma else {"postcode": part})
    return places


def _ids(text: str) -> list[str]:
    return [part for part in text.replace(";", ",").replace(",", " ").split() if part]


def _text(text: str) -> str:
    return text


_READ: Mapping[str, Callable[[str], Any]] = {
    "number": _number,
    "scale": _number,
    "money": _number,
    "ordinal": _text,
    "category": _text,
    "flag": _flag,
    "place": _places,
    "ids": _ids,
    "date": _text,
}
