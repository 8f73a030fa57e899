"""One question of the form as the page asks it: its control, its words, what was filled in."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from difflib import get_close_matches

from recommender.practice.conditions import Condition
from recommender.practice.definition import Practice
from recommender.practice.fields import Field
from recommender.serving.http.submitted_form import FormData
from recommender.serving.staff import wording
from recommender.serving.staff.views.intake_answers import (
    ANSWER,
    NONE,
    TIMES,
    day_parts_of,
    read_ids,
    read_places,
    suburbs_of,
)
from recommender.serving.staff.views.typed_times import EXAMPLES, FEW_EXAMPLES, read_times
from recommender.serving.staff.views.unmet_answers import UnmetAnswer, UnmetAnswers
from recommender.tables.references import REFUSAL_RULE, fields_of_rule
from recommender.tables.roster import Roster
from recommender.values.ids import did_you_mean
from recommender.values.kinds import DAY_NAMES

CONTROLS: Mapping[str, str] = {
    "number": "number",
    "scale": "number",
    "money": "number",
    "ordinal": "select",
    "category": "select",
    "flag": "radios",
    "tags": "ticks",
    "place": "text",
    "ids": "text",
    "date": "date",
    "weekly_hours": "times",
}
"""The control of each kind of answer."""
HOW_TO_WRITE: Mapping[str, str] = {
    "place": "Latitude and longitude, such as -33.87, 151.21; a semicolon between several places.",
    "postcode": "A suburb or a postcode; a semicolon between several places.",
}
FEW_PEOPLE = 12
"""Clinicians up to which all are shown at once; of more, one list serves all questions."""
SHORT_LIST = 7
"""Choices up to which a first question shows them at once."""
LONG_LABEL = 40
"""Letters from which what a label has in brackets is shown below the menu, for the chosen level."""
YES_OR_NO = (("yes", wording.YES), ("no", wording.NO))

Choice = tuple[str, str]


@dataclass(frozen=True, slots=True)
class TickedDay:
    """A day of the week with a tick for each of its parts: value and what it says aloud."""

    label: str
    parts: tuple[Choice, ...]


@dataclass(frozen=True, slots=True)
class AskedWhen:
    """The answer without which a question does not apply, for the page and in words."""

    text: str
    name: str
    has: str
    below: float | None


@dataclass(frozen=True, slots=True)
class FormEntry:
    """One question as the page asks it.

    `brief` is always shown; `helps` says why it is asked, how to write it, and what leaving it
    blank means, for a first question on demand; `choices` are value and label, and `explained` says
    more about each; `unmet` is what happens to clinicians who do not meet the answer; `given` was
    filled in before, `answered` says whether that is anything; `line` is the line of text beside
    ticks of times, and `read_as` how that line is read; `unknown` are value and label of people
    given who are not on the roster; `is_needed` says that nobody is shown without an answer;
    `is_named` that people are named in a line, and `choices` are those who were.
    """

    name: str
    label: str
    control: str
    helps: tuple[str, ...] = ()
    choices: tuple[Choice, ...] = ()
    given: tuple[str, ...] = ()
    fault: str = ""
    is_needed: bool = False
    brief: str = ""
    explained: tuple[Choice, ...] = ()
    unmet: UnmetAnswer | None = None
    blank: str = wording.NOT_ANSWERED
    answered: bool = False
    unit: str = ""
    is_money: bool = False
    is_listed: bool = False
    days: tuple[TickedDay, ...] = ()
    day_parts: tuple[str, ...] = ()
    line: "FormEntry | None" = None
    read_as: str = ""
    suggested: tuple[Choice, ...] = ()
    unknown: tuple[Choice, ...] = ()
    when: AskedWhen | None = None
    is_named: bool = False

    @property
    def is_folded(self) -> bool:
        """Whether the choices are shown on demand."""
        return self.control == "ticks" and self.is_listed and len(self.choices) > SHORT_LIST + 1

    @property
    def wrong(self) -> tuple["FormEntry", ...]:
        """The entry or the line within it, whichever has a fault."""
        within = () if self.line is None else (self.line,)
        return tuple(each for each in (self, *within) if each.fault)


@dataclass(frozen=True, slots=True)
class EntryBuilder:
    """Builds the entries of one form.

    `faults` are texts by the name of the entry; `decisive` are the fields without whose answer
    nobody can be shown.
    """

    practice: Practice
    roster: Roster
    sent: FormData
    faults: Mapping[str, str]
    decisive: frozenset[str]
    unmet: UnmetAnswers

    def entry(self, field: Field, *, first: bool) -> FormEntry:
        """The entry of a question; `first` if it is asked at once."""
        name = f"{ANSWER}{field.name}"
        given, is_needed = self._given(field), field.required or field.name in self.decisive
        unmet = None if is_needed else self.unmet.of(field)
        choices, explained = _choices(field)
        entry = FormEntry(
            name,
            field.question_for("staff"),
            CONTROLS[field.kind],
            helps=_helps(field, first=first),
            choices=choices,
            explained=explained,
            given=given,
            fault=self.faults.get(name, ""),
            is_needed=is_needed,
            unmet=unmet,
            answered=any(given) or (unmet is not None and unmet.is_changed),
            unit=field.unit or "",
            is_money=field.kind == "money",
            is_listed=first,
            when=_asked_when(field.asked_when, self.practice),
        )
        if field.kind == "weekly_hours":
            return self._times(entry)
        if field.kind == "place" and field.postcodes:
            return self._place(entry, field)
        is_person = field.kind == "ids" and field.people_named == "clinicians"
        return self._people(entry, field) if is_person else entry

    def _given(self, field: Field) -> tuple[str, ...]:
        """What was filled in before: one text, or everything ticked."""
        texts = self.sent.texts(f"{ANSWER}{field.name}")
        if field.kind == "ids":
            return (", ".join(read_ids(texts)),)
        if field.kind in ("tags", "weekly_hours"):
            return tuple(texts)
        return (self.sent.text(f"{ANSWER}{field.name}"),)

    def _times(self, entry: FormEntry) -> FormEntry:
        """Ticks for the parts of days, and a line to write in."""
        parts, name = day_parts_of(self.practice), f"{entry.name}{TIMES}"
        typed, read_as, fault = self.sent.text(name), "", ""
        try:
            read_as = wording.week(read_times(typed, parts, entry.given)) if typed else ""
        except ValueError as error:
            fault = str(error)
        days = tuple(
            TickedDay(
                label,
                tuple((f"{day}-{n}", f"{label} {part.label}") for n, part in enumerate(parts)),
            )
            for day, label in DAY_NAMES.items()
        )
        line = FormEntry(
            name,
            "Times in words",
            "text",
            given=(typed,),
            fault=fault,
            brief=f"e.g. {FEW_EXAMPLES}",
        )
        return replace(
            entry,
            helps=(*entry.helps, f"Times in words: {EXAMPLES}."),
            days=days,
            day_parts=tuple(part.label for part in parts),
            line=line,
            read_as=read_as,
            fault="" if fault else entry.fault,
            answered=entry.answered or bool(typed),
        )

    def _place(self, entry: FormEntry, field: Field) -> FormEntry:
        """A place with the suburbs and postcodes that are known."""
        suburbs = suburbs_of(self.practice)
        unnamed = sorted(set(field.postcodes) - set(suburbs.values()))
        suggested = (*suburbs.items(), *((code, "") for code in unnamed))
        return replace(entry, suggested=suggested, fault=self._place_fault(entry, field))

    def _place_fault(self, entry: FormEntry, field: Field) -> str:
        """What is wrong with a place, once a form is refused: not only for its place."""
        places = read_places(entry.given[0], suburbs_of(self.practice))
        unknown = any(each.get("postcode", "") not in ("", *field.postcodes) for each in places)
        if not self.faults or not unknown:
            return entry.fault
        suburbs = {name.casefold(): name for name in suburbs_of(self.practice)}
        near = get_close_matches(entry.given[0].casefold(), suburbs, n=2)
        meant = did_you_mean(suburbs[each] for each in near) if near else ""
        asked = f"; {meant}" if meant else ""
        return f"is not a suburb or postcode that this practice has listed{asked}"

    def _people(self, entry: FormEntry, field: Field) -> FormEntry:
        """An entry for ids as a choice among the clinicians of the roster, by name."""
        called = self.roster.called
        given = read_ids(entry.given)
        lost = [each for each in given if each not in called and each != NONE]
        near = self.roster.near_misses(lost)
        excludes = field.name in fields_of_rule(REFUSAL_RULE, self.practice, "client")
        unknown = []
        for each in lost:
            meant = near.get(each, ())
            missed = [one for one in meant if excludes and one not in given]
            follows = f"{_not_excluded(missed, called)}{_perhaps(meant, called)}"
            unknown.append((each, f"{each}: nobody on the roster{follows}"))
        is_named = len(called) > FEW_PEOPLE
        shown = [each for each in given if each in called] if is_named else called
        choices = tuple(
            (each, wording.person(each, called[each]))
            for each in sorted(shown, key=_by_name(called))
        )
        return replace(
            entry,
            control="people",
            choices=choices,
            given=tuple(given),
            unknown=tuple(unknown),
            is_named=is_named,
        )


def people_of(roster: Roster) -> tuple[Choice, ...]:
    """Id and name of each clinician a line may name, by name."""
    called = roster.called
    return tuple((each, called[each]) for each in sorted(called, key=_by_name(called)))


def _by_name(called: Mapping[str, str]) -> Callable[[str], tuple[str, str]]:
    return lambda each: (called[each].casefold(), each)


def _choices(field: Field) -> tuple[tuple[Choice, ...], tuple[Choice, ...]]:
    """Value and label of each choice, and label and explanation of each where labels are long."""
    if field.kind == "flag":
        return YES_OR_NO, ()
    labels = {level: field.label_of(level) for level in field.levels}
    choices = tuple(labels.items())
    if field.kind == "tags":
        return (*choices, (NONE, "None")), ()
    parts = [label.partition(" (") for label in labels.values()]
    short = [label for label, *_ in parts]
    longest = max(map(len, labels.values()), default=0)
    if longest <= LONG_LABEL or len(labels) > SHORT_LIST or len(set(short)) < len(short):
        return choices, ()
    more = [wording.sentence(each.removesuffix(")")) for *_, each in parts]
    return tuple(zip(labels, short, strict=True)), tuple(zip(short, more, strict=True))


def _helps(field: Field, *, first: bool) -> tuple[str, ...]:
    """Why it is asked; for a question asked later also the bounds, and what a blank means."""
    why = field.help_for("staff")
    how = HOW_TO_WRITE.get("postcode" if field.postcodes else field.kind, "")
    if first:
        return tuple(filter(None, (why or how,)))
    purpose = f"{wording.sentence(field.purpose.rstrip('.'))}."
    limits = "" if why or field.kind == "money" else wording.bounds(field.min, field.max)
    blank = "" if field.required else f"If left blank: {field.missing.rstrip('.')}."
    return tuple(filter(None, (why or purpose, how or limits, blank)))


def _asked_when(condition: Condition | None, practice: Practice) -> AskedWhen | None:
    """When a question applies."""
    if condition is None:
        return None
    field = practice.client[condition.client]
    name = f"{ANSWER}{field.name}"
    if condition.below is not None:
        return AskedWhen(
            f"Only if {field.phrase} is below {condition.below:g}", name, "", condition.below
        )
    if field.kind == "flag":
        value = "no" if condition.has == ("false",) else "yes"
        return AskedWhen(f"Only with {value} to: {field.question_for('staff')}", name, value, None)
    labels = [field.label_of(level) for level in condition.has]
    only = " or ".join(filter(None, (", ".join(labels[:-1]), labels[-1])))
    return AskedWhen(f"Only for {only}", name, " ".join(condition.has), None)


def _not_excluded(missed: Sequence[str], called: Mapping[str, str]) -> str:
    """What follows of a refusal that nearly names somebody."""
    if not missed:
        return ""
    shown = " and ".join(wording.person(each, called[each]) for each in missed)
    return f", so that {shown} {'is' if len(missed) == 1 else 'are'} not excluded by it"


def _perhaps(suggestions: Sequence[str], called: Mapping[str, str]) -> str:
    question = did_you_mean(wording.person(each, called[each]) for each in suggestions)
    return f"; {question}" if question else ""
