"""The form of a new request, built from the practice definition."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from recommender.practice.definition import Practice
from recommender.practice.fields import Field
from recommender.serving.http.problems import FieldError
from recommender.serving.http.submitted_form import FormData
from recommender.serving.staff import wording
from recommender.serving.staff.views.intake_answers import (
    ANSWER,
    CONSENT,
    MODE,
    NONE,
    read_hours,
    read_ids,
)
from recommender.tables.roster import Roster
from recommender.values.ids import did_you_mean
from recommender.values.kinds import DAY_NAMES

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
"""The control of each kind of answer."""
HOW_TO_WRITE: Mapping[str, str] = {
    "place": "Latitude and longitude, such as -33.87, 151.21; a semicolon between several places.",
    "postcode": "A postcode, or latitude and longitude; a semicolon between several places.",
    "ids": "Ids, with commas between them; none if nobody.",
    "weekly_hours": (
        "Write times such as 8-10, 9 to noon, 5-8 pm or all day, with commas between them. Leave "
        "a day blank if it does not suit."
    ),
}
CONSENTS: Mapping[str, str] = {
    "train": "Agrees that the recommender may learn from their ratings",
    "research": "Agrees to take part in research",
}
MODES: Mapping[str, str] = {
    "hard": "Leaves clinicians out",
    "soft": "Shows a caution only",
    "off": "Is ignored",
}
FEW_PEOPLE = 12
"""Clinicians up to which all are shown at once."""
YES_OR_NO = (("yes", wording.YES), ("no", wording.NO))

Choice = tuple[str, str]


@dataclass(frozen=True, slots=True)
class FormEntry:
    """One question as the page asks it.

    `helps` says why it is asked, how to write it, and what leaving it blank means; `choices` are
    value and label; `given` was filled in before; `days` has an entry a day for weekly hours;
    `unknown` are value and label of people given who are not on the roster.
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
    unknown: tuple[Choice, ...] = ()

    @property
    def is_long(self) -> bool:
        """Whether the people to choose from are shown on demand, with a filter."""
        return self.control == "people" and len(self.choices) > FEW_PEOPLE

    @property
    def wrong(self) -> tuple["FormEntry", ...]:
        """The entry and those of its days that have a fault."""
        return tuple(each for each in (self, *self.days) if each.fault)


@dataclass(frozen=True, slots=True)
class EntrySection:
    """Questions that belong together."""

    title: str
    entries: tuple[FormEntry, ...]


def form_sections(
    practice: Practice,
    roster: Roster,
    sent: FormData,
    errors: Sequence[FieldError] = (),
    *,
    top_k: int,
) -> tuple[EntrySection, ...]:
    """All questions: scored ones by group, then requirements, consents and rules.

    Clinicians are chosen from the roster. `sent` was filled in before; `top_k` clinicians are shown
    unless another number is given.
    """
    faults: dict[str, str] = {}
    for error in errors:
        first, *rest = [*error.pointer.split("/")[1:], ""]
        name = f"{ANSWER}{rest[0]}" if first == "answers" and rest else first
        faults.setdefault(name, error.message)
    scored, wished = (practice.fields("client", use) for use in ("score", "filter"))
    sections = [
        EntrySection(
            phrase, tuple(_entry(f, sent, faults) for f in scored.values() if f.group == group)
        )
        for group, phrase in practice.groups.items()
    ]
    entries = tuple(
        _people(_entry(field, sent, faults), roster)
        if field.kind == "ids" and field.people_named == "clinicians"
        else _entry(field, sent, faults)
        for field in wished.values()
    )
    not_asked = ("If left blank: the client was not asked.",)
    consents = tuple(
        FormEntry(name, label, "select", not_asked, YES_OR_NO, (sent.text(name),))
        for name, label in ((f"{CONSENT}{scope}", label) for scope, label in CONSENTS.items())
    )
    sections += [
        EntrySection("Requirements and wishes", entries),
        EntrySection("Other consents", consents),
        EntrySection("About this request", _about_request(sent, faults, top_k)),
        EntrySection("Rules for this request", _rules(practice, sent)),
    ]
    return tuple(section for section in sections if section.entries)


def _entry(field: Field, sent: FormData, faults: Mapping[str, str]) -> FormEntry:
    name, control = f"{ANSWER}{field.name}", CONTROLS[field.kind]
    question = field.question_for("staff")
    how = HOW_TO_WRITE.get("postcode" if field.postcodes else field.kind)
    blank = "" if field.required else f"If left blank: {field.missing.rstrip('.')}."
    why = field.help_for("staff") or f"{wording.sentence(field.purpose.rstrip('.'))}."
    choices = tuple((level, field.label_of(level)) for level in field.levels)
    if field.kind == "flag":
        choices = YES_OR_NO
    elif field.kind == "tags":
        choices += ((NONE, wording.NONE_OF_THESE),)
    days: tuple[FormEntry, ...] = ()
    if control == "hours":
        days = tuple(
            FormEntry(f"{name}.{day}", label, "text", given=(text,), fault=_fault_of_hours(text))
            for day, label in DAY_NAMES.items()
            for text in [sent.text(f"{name}.{day}")]
        )
    return FormEntry(
        name,
        f"{question} ({field.unit})" if field.unit else question,
        control,
        helps=tuple(filter(None, (why, how or wording.bounds(field.min, field.max), blank))),
        choices=choices,
        given=_given(field, sent),
        fault="" if any(day.fault for day in days) else faults.get(name, ""),
        required=field.required,
        low=field.min,
        high=field.max,
        step="0.01" if field.kind == "money" else "any",
        days=days,
    )


def _given(field: Field, sent: FormData) -> tuple[str, ...]:
    """What was filled in before: one text, or everything ticked."""
    name = f"{ANSWER}{field.name}"
    if field.kind == "ids":
        return (", ".join(read_ids(sent.texts(name))),)
    return tuple(sent.texts(name)) if CONTROLS[field.kind] == "ticks" else (sent.text(name),)


def _people(entry: FormEntry, roster: Roster) -> FormEntry:
    """An entry for ids as a choice among the clinicians of the roster, by name."""
    called = roster.called
    given = read_ids(entry.given)
    lost = [each for each in given if each not in called and each != NONE]
    near = roster.near_misses(lost)
    unknown = tuple(
        (each, f"{each}: nobody on the roster{_perhaps(near.get(each, ()), called)}")
        for each in lost
    )
    by_name = sorted(called.items(), key=lambda each: (each[1].casefold(), each[0]))
    choices = tuple((each, wording.person(each, name)) for each, name in by_name)
    helps = tuple(each for each in entry.helps if each != HOW_TO_WRITE["ids"])
    return replace(
        entry, control="people", helps=helps, choices=choices, given=tuple(given), unknown=unknown
    )


def _perhaps(suggestions: Sequence[str], called: Mapping[str, str]) -> str:
    question = did_you_mean(wording.person(each, called[each]) for each in suggestions)
    return f"; {question}" if question else ""


def _fault_of_hours(hours: str) -> str:
    try:
        read_hours(hours)
    except ValueError as error:
        return str(error)
    return ""


def _rules(practice: Practice, sent: FormData) -> tuple[FormEntry, ...]:
    """Constraints whose mode can be set for one request."""
    return tuple(
        FormEntry(
            f"{MODE}{each.name}",
            f"A clinician who {each.say}",
            "select",
            choices=tuple((mode, MODES[mode]) for mode in dict.fromkeys((each.mode, *each.may_be))),
            given=(sent.text(f"{MODE}{each.name}") or each.mode,),
        )
        for each in practice.constraints.values()
        if each.may_be
    )


def _about_request(sent: FormData, faults: Mapping[str, str], top_k: int) -> tuple[FormEntry, ...]:
    use_of_code = (
        "The client's code at the practice, so that do-not-match lists apply. Never a name, an "
        "address or contact details."
    )
    entries = (
        FormEntry("client_id", wording.CLIENT_CODE, "text", (use_of_code,)),
        FormEntry("asked_on", "Date of request", "date", ("If left blank: today.",)),
        FormEntry("top_k", "How many clinicians to show", "number", low=1, high=50, step="1"),
    )
    blank = {"top_k": str(top_k)}
    return tuple(
        replace(
            each,
            given=(sent.text(each.name) or blank.get(each.name, ""),),
            fault=faults.get(each.name, ""),
        )
        for each in entries
    )
