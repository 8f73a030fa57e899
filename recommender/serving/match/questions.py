"""A question of the definition as the page shows it: its control, its words, its answer."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from recommender.practice.day_parts import ticked_parts
from recommender.practice.fields import Field
from recommender.practice.matching_page import DayPart, MatchingPage
from recommender.serving.match.answers import NAME, Answers
from recommender.serving.match.journey import SHORT_LIST
from recommender.values.kinds import DAY_NAMES

MANY_NAMES = 12
"""Clinicians from which on a filter is offered, where script runs."""
CONTROLS: Mapping[str, str] = {
    **dict.fromkeys(("number", "scale", "money"), "number"),
    **dict.fromkeys(("ordinal", "category", "flag"), "choice"),
    "tags": "ticks",
    "ids": "ticks",
    "place": "place",
    "date": "date",
    "weekly_hours": "times",
}
"""The control of each kind of question."""
YES_OR_NO = (("yes", "Yes"), ("no", "No"))


@dataclass(frozen=True, slots=True)
class Choice:
    """One thing that can be chosen."""

    value: str
    label: str
    chosen: bool


@dataclass(frozen=True, slots=True)
class Day:
    """A day of the week with its parts to tick."""

    name: str
    parts: tuple[Choice, ...]


@dataclass(frozen=True, slots=True)
class Question:
    """One question on a page.

    `needed` says that nobody can be shown without an answer; `why` is why it is asked.
    """

    name: str
    text: str
    help: str
    why: str
    control: str
    needed: bool
    choices: tuple[Choice, ...] = ()
    days: tuple[Day, ...] = ()
    parts: tuple[DayPart, ...] = ()
    value: str = ""
    unit: str = ""
    is_money: bool = False
    of_people: bool = False
    fault: str = ""

    @property
    def id(self) -> str:
        """Id of its first control, to which a list of faults leads."""
        return f"q-{self.name}"

    @property
    def field_name(self) -> str:
        """The name under which the form sends it."""
        return f"{NAME}{self.name}"

    @property
    def is_folded(self) -> bool:
        """Whether the choices are opened on demand: people's names, and long lists."""
        return self.of_people or len(self.choices) > SHORT_LIST

    @property
    def is_open(self) -> bool:
        """Whether they are open: something is chosen, or has to be corrected."""
        return bool(self.fault) or any(each.chosen for each in self.choices)

    @property
    def has_filter(self) -> bool:
        """Whether names can be filtered."""
        return self.of_people and len(self.choices) > MANY_NAMES


def question_of(
    field: Field,
    answers: Answers,
    page: MatchingPage,
    people: Mapping[str, str],
    *,
    needed: bool,
    fault: str = "",
    typed: str | None = None,
) -> Question:
    """A field as a question to a client.

    `people` are the clinicians to choose from, names by id; `typed` is a text that could not be
    read.
    """
    answer = answers.get(field.name)
    return Question(
        name=field.name,
        text=field.question_for("client"),
        help=field.help_for("client"),
        why=field.purpose,
        control=_control(field),
        needed=needed,
        choices=_choices(field, answer, people, needed=needed),
        days=_days(page.day_parts, answer) if field.kind == "weekly_hours" else (),
        parts=page.day_parts,
        value=typed if typed is not None else _typed(field, answer, page),
        unit=field.unit or "",
        is_money=field.kind == "money",
        of_people=field.kind == "ids",
        fault=fault,
    )


def _control(field: Field) -> str:
    """A choice among many is a list that opens."""
    control = CONTROLS[field.kind]
    return "select" if control == "choice" and len(field.levels) > SHORT_LIST else control


def answer_text(field: Field, answer: Any, page: MatchingPage, called: Mapping[str, str]) -> str:
    """An answer in words, for a person to check; `called` are names of clinicians by id."""
    if field.kind == "flag":
        return "Yes" if answer else "No"
    if field.kind in ("ordinal", "category"):
        return field.label_of(answer)
    if field.kind == "tags":
        return ", ".join(map(field.label_of, answer)) or "None of these"
    if field.kind == "ids":
        return ", ".join(called.get(each, each) for each in answer)
    if field.kind == "weekly_hours":
        return "; ".join(_times_text(page.day_parts, answer)) or "Any time"
    text = _typed(field, answer, page)
    return f"${text}" if field.kind == "money" else f"{text} {field.unit or ''}".strip()


def _choices(
    field: Field, answer: Any, people: Mapping[str, str], *, needed: bool
) -> tuple[Choice, ...]:
    if field.kind == "flag":
        given = {True: "yes", False: "no"}.get(answer, "")
        listed: Iterable[tuple[str, str]] = YES_OR_NO
    elif field.kind in ("ordinal", "category"):
        given, listed = answer or "", ((each, field.label_of(each)) for each in field.levels)
    elif field.kind == "tags":
        return _ticks(((each, field.label_of(each)) for each in field.levels), answer or ())
    elif field.kind == "ids":
        by_name = sorted(people.items(), key=lambda each: (each[1].casefold(), each[0]))
        return _ticks(by_name, answer or ())
    else:
        return ()
    choices = _ticks(listed, [given])
    return choices if needed else (*choices, Choice("", "No answer", not given))


def _ticks(listed: Iterable[tuple[str, str]], given: Sequence[str]) -> tuple[Choice, ...]:
    return tuple(Choice(value, label, value in given) for value, label in listed)


def _days(parts: Sequence[DayPart], answer: Any) -> tuple[Day, ...]:
    ticked = ticked_parts(parts, answer or ())
    return tuple(
        Day(
            name,
            tuple(
                Choice(f"{day}-{number}", part.label, (day, number) in ticked)
                for number, part in enumerate(parts)
            ),
        )
        for day, name in DAY_NAMES.items()
    )


def _times_text(parts: Sequence[DayPart], answer: Any) -> Iterable[str]:
    ticked = ticked_parts(parts, answer)
    for day, name in DAY_NAMES.items():
        labels = [part.label for number, part in enumerate(parts) if (day, number) in ticked]
        if len(labels) == len(parts):
            yield f"{name}, all day"
        elif labels:
            yield f"{name} {' and '.join(labels).lower()}"


def _typed(field: Field, answer: Any, page: MatchingPage) -> str:
    """An answer as it would be typed."""
    if answer is None or field.kind in ("flag", "ordinal", "category", "tags", "ids"):
        return ""
    if field.kind == "place":
        names = {code: name for name, code in page.suburbs.items()}
        codes = [each.get("postcode", "") for each in answer]
        return ", ".join(names.get(code, code) for code in codes)
    return str(answer) if field.kind == "date" else f"{answer:.10g}" if answer != [] else ""
