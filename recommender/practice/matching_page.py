"""The section `matching_page`: what the page for clients says, and whom it sends to a person.

The texts are the practice's: it answers for what they promise and for where they send people.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from dataclasses import field as attribute
from itertools import pairwise
from typing import Annotated, Any

from pydantic import BeforeValidator
from pydantic import Field as Setting
from pydantic_core import PydanticCustomError

from recommender.errors import Fault
from recommender.practice.fields import Field
from recommender.values.near_names import undeclared_field
from recommender.values.parsers import Point
from recommender.values.toml_settings import FilledText, Number, Text, read_settings, toml_table

Fields = Mapping[str, Field]
WHERE = "matching_page"
MAX_SAFETY_QUESTIONS = 5
MINOR_TITLE = "Let us help you by phone"
"""The heading of what a client below the minimum age reads."""
DECLARABLE: Mapping[str, Any] = {
    **dict.fromkeys(("number", "scale", "money"), (int, float)),
    **dict.fromkeys(("ordinal", "category"), str),
    "flag": bool,
    "tags": list,
}
"""Kinds of questions that a practice may answer for its clients, and how TOML writes an answer."""
_CLOCK = re.compile(r"([01][0-9]|2[0-3]):[0-5][0-9]|24:00")
_TELEPHONE = re.compile(r"\+?[0-9][0-9 ()-]*")


def _telephone(value: object) -> object:
    if isinstance(value, str) and value.strip() and not _TELEPHONE.fullmatch(value.strip()):
        raise PydanticCustomError("telephone", "is not a telephone number")
    return value.strip() if isinstance(value, str) else value


def _secure_address(value: object) -> object:
    if isinstance(value, str) and value and not re.fullmatch(r"https://[^\s/]+(/\S*)?", value):
        raise PydanticCustomError("address", "is not an https address")
    return value


def _clock(value: object) -> object:
    if isinstance(value, str) and not _CLOCK.fullmatch(value):
        raise PydanticCustomError("clock", "is not a time")
    return value


Telephone = Annotated[Text, BeforeValidator(_telephone)]
Clock = Annotated[Text, BeforeValidator(_clock)]


@toml_table
@dataclass(frozen=True, slots=True)
class SafetyQuestion:
    """A question whose yes, or "not sure", leads to a person and never to a list."""

    question: FilledText
    help: Text = ""


@toml_table
@dataclass(frozen=True, slots=True)
class EmergencyNumber:
    """Somebody to ring at once: who, the number, and a sentence on when."""

    label: FilledText
    telephone: Annotated[FilledText, BeforeValidator(_telephone)]
    note: Text = ""


@toml_table
@dataclass(frozen=True, slots=True)
class DayPart:
    """A part of a day that a client can tick in place of writing times."""

    label: FilledText
    start: Clock
    end: Clock


USUAL_DAY_PARTS = (
    DayPart("Morning", "08:00", "12:00"),
    DayPart("Afternoon", "12:00", "17:00"),
    DayPart("Evening", "17:00", "20:00"),
)


@toml_table
@dataclass(frozen=True, slots=True)
class MatchingPage:
    """The section `matching_page`.

    Attributes
    ----------
    practice_name, telephone, contact_url, opening_hours
        How clients know and reach the practice. The page is not served while `telephone` is blank.
    used, by_whom, how_long, if_declined
        What clients read before they agree: which answers are used for what, who sees them, for how
        long they are stored, and that declining costs nothing.
    safety, at_risk, emergency
        Questions on safety, what somebody who may be at risk reads, and whom they can ring.
    age, minimum_age, for_minors
        The client's field with the age in years; below the minimum the client reads `for_minors`
        with the practice's number, and sees no list.
    ask, what_next
        The words of the button by which a client asks for a clinician, and what happens after
        that.
    day_parts
        The hours that a tick for a part of a day means, in the practice's time zone.
    suburbs
        Postcodes by the name of a suburb, so that clients can write either.
    answers
        Answers that the practice declares for every client of the page who answered no to each
        question on safety, such as a level of care; staff see them marked as the practice's.
    """

    practice_name: FilledText
    used: FilledText
    by_whom: FilledText
    how_long: FilledText
    if_declined: FilledText
    safety: Annotated[
        tuple[SafetyQuestion, ...], Setting(min_length=1, max_length=MAX_SAFETY_QUESTIONS)
    ]
    at_risk: FilledText
    emergency: Annotated[tuple[EmergencyNumber, ...], Setting(min_length=1)]
    age: FilledText
    minimum_age: Number
    for_minors: FilledText
    what_next: FilledText
    ask: FilledText = "Ask for this clinician"
    telephone: Telephone = ""
    contact_url: Annotated[Text, BeforeValidator(_secure_address)] = ""
    opening_hours: Text = ""
    day_parts: tuple[DayPart, ...] = USUAL_DAY_PARTS
    suburbs: Mapping[str, FilledText] = attribute(default_factory=dict)
    answers: Mapping[str, Any] = attribute(default_factory=dict)


def read_matching_page(
    table: Mapping[str, Any],
    client: Fields,
    postcodes: Mapping[str, Point],
    consent: object,
) -> tuple[MatchingPage | None, list[Fault]]:
    """The section `matching_page`; None without one, or with faults."""
    if not table:
        return None, []
    page, sound, faults = read_settings(MatchingPage, WHERE, "the matching page", table)
    age = client.get(str(sound.get("age")))
    if "age" in sound and age is None:
        faults.append(undeclared_field(f"{WHERE}.age", sound["age"], client))
    elif age is not None and (age.kind != "number" or age.use == "audit"):
        remedy = "name a number of the client that is not for audit"
        faults.append(Fault(f"{WHERE}.age", "is not a number of the client", remedy))
    if consent is None:
        remedy = "name the client flag by which a personalised order is agreed to"
        faults.append(Fault("practice.consent", "is not given for the matching page", remedy))
    parts = page.day_parts if page is not None else ()
    for number, part in enumerate(parts):
        if not part.start < part.end:
            remedy = "put the earlier time in start; split a part that passes midnight"
            faults.append(Fault(f"{WHERE}.day_parts.{number}", "does not run forward", remedy))
    if any(one.end > other.start for one, other in pairwise(sorted(parts, key=_start))):
        remedy = "let each begin when the one before has ended, or later"
        faults.append(Fault(f"{WHERE}.day_parts", "has parts that overlap", remedy))
    suburbs = page.suburbs if page is not None else {}
    remedy = "name a postcode of [postcodes]"
    faults += [
        Fault(f"{WHERE}.suburbs.{name}", "is not a declared postcode", remedy)
        for name, code in suburbs.items()
        if code not in postcodes
    ]
    answers = page.answers if page is not None else {}
    taken = {sound.get("age"), consent}
    faults += [
        fault
        for name, value in answers.items()
        for fault in _answer_faults(name, value, client, taken)
    ]
    return (None if faults else page), faults


def unready(page: MatchingPage | None, has_form: bool) -> list[Fault]:
    """What a definition lacks before its matching page may be served."""
    if page is None:
        remedy = "declare the page's texts there (docs/matching-page.md), or switch the page off"
        return [Fault(WHERE, "is not declared, and the page is switched on", remedy)]
    faults = []
    if not page.telephone:
        remedy = "write the number that a client at risk, or under age, rings; or switch it off"
        faults.append(Fault(f"{WHERE}.telephone", "is blank, and the page is switched on", remedy))
    if not has_form:
        remedy = "declare what clients are asked under [forms.client], or switch the page off"
        faults.append(Fault("forms.client", "is not declared, and the page is switched on", remedy))
    return faults


def _start(part: DayPart) -> str:
    return part.start


def _answer_faults(name: str, value: object, client: Fields, taken: set[Any]) -> list[Fault]:
    where, field = f"{WHERE}.answers.{name}", client.get(name)
    if field is None or field.use == "audit":
        remedy = "name a field of the client that is not for audit"
        return [Fault(where, "is not a question to the client", remedy)]
    if name in taken:
        remedy = "remove it: the client answers this"
        return [Fault(where, "is asked on the page", remedy)]
    if field.kind not in DECLARABLE:
        remedy = f"declare answers of kind {', '.join(DECLARABLE)} alone"
        return [Fault(where, f"is of kind {field.kind}", remedy)]
    try:
        if isinstance(value, DECLARABLE[field.kind]) and not field.is_missing(value):
            field.behaviour.parse(field, value)
            return []
    except ValueError:
        pass
    remedy = "write an answer that this field accepts"
    return [Fault(where, "is not an answer to this field", remedy)]
