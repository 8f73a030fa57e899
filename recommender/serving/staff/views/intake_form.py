"""The form of a new request in the order of a call: first questions, then the rest in sections."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from recommender.practice.definition import Practice
from recommender.practice.needed_answers import needed_answers
from recommender.serving.http.problems import FieldError
from recommender.serving.http.submitted_form import FormData
from recommender.serving.staff import wording
from recommender.serving.staff.views.form_entries import (
    YES_OR_NO,
    Choice,
    EntryBuilder,
    FormEntry,
    people_of,
)
from recommender.serving.staff.views.intake_answers import ANSWER, CONSENT, MODE
from recommender.serving.staff.views.unmet_answers import (
    OUTCOMES,
    UnmetAnswers,
    modes_of,
    unmet_answers,
)
from recommender.tables.roster import Roster

CONSENTS: Mapping[str, str] = {
    "train": "Agrees that the recommender may learn from their ratings",
    "research": "Agrees to take part in research",
}


@dataclass(frozen=True, slots=True)
class EntrySection:
    """Questions that belong together."""

    id: str
    title: str
    entries: tuple[FormEntry, ...]
    help: str = ""

    @property
    def is_open(self) -> bool:
        """Whether a folded section is open: something in it is answered or has to be corrected."""
        return any(each.wrong or each.unknown or each.answered for each in self.entries)


@dataclass(frozen=True, slots=True)
class IntakeForm:
    """The questions asked at once, and those that are folded, by section.

    `people` are id and name of those whom a line may name.
    """

    first: tuple[EntrySection, ...]
    more: tuple[EntrySection, ...]
    people: tuple[Choice, ...] = ()

    @property
    def entries(self) -> tuple[FormEntry, ...]:
        """All questions in the order of the page."""
        return tuple(each for part in (*self.first, *self.more) for each in part.entries)


def intake_form(
    practice: Practice,
    roster: Roster,
    sent: FormData,
    errors: Sequence[FieldError] = (),
    *,
    top_k: int,
) -> IntakeForm:
    """The form by the sections that the practice declares for staff.

    Clinicians are chosen from the roster. `sent` was filled in before; `top_k` clinicians are shown
    unless another number is given.
    """
    faults: dict[str, str] = {}
    for error in errors:
        top, *rest = [*error.pointer.split("/")[1:], ""]
        name = f"{ANSWER}{rest[0]}" if top == "answers" else top
        faults.setdefault(name, error.message)
    decisive = frozenset(each.field for each in needed_answers(practice))
    unmet, client = unmet_answers(practice, sent), practice.client
    build = EntryBuilder(practice, roster, sent, faults, decisive, unmet)
    sections = practice.forms["staff"].sections
    first = [
        EntrySection(
            each.id,
            each.title,
            tuple(build.entry(client[name], first=True) for name in each.first),
            each.help,
        )
        for each in sections
        if each.first
    ]
    client_code = _client_code(sent, faults)
    if first:
        first[-1] = replace(first[-1], entries=(*first[-1].entries, client_code))
    else:
        first.append(EntrySection("client_code", wording.CLIENT_CODE, (client_code,)))
    more = [
        EntrySection(
            each.id,
            each.title,
            tuple(build.entry(client[name], first=False) for name in each.later),
            each.help,
        )
        for each in sections
        if each.later
    ]
    more += [
        EntrySection("consents", "Other consents", _consents(sent)),
        EntrySection("request", "About this request", _about_request(sent, faults, top_k)),
        EntrySection("rules", "Rules for this request", _rules(unmet)),
    ]
    form = IntakeForm(tuple(first), tuple(each for each in more if each.entries))
    has_lines = any(each.is_named for each in form.entries)
    return replace(form, people=people_of(roster)) if has_lines else form


def _consents(sent: FormData) -> tuple[FormEntry, ...]:
    return tuple(
        FormEntry(
            name,
            label,
            "radios",
            ("If left blank: the client was not asked.",),
            YES_OR_NO,
            (sent.text(name),),
            answered=bool(sent.text(name)),
        )
        for name, label in ((f"{CONSENT}{scope}", label) for scope, label in CONSENTS.items())
    )


def _rules(unmet: UnmetAnswers) -> tuple[FormEntry, ...]:
    """The constraints whose mode can be set for one request, but not beside a question."""
    return tuple(
        FormEntry(
            f"{MODE}{each.name}",
            f"A clinician who {each.say}",
            "select",
            choices=tuple((mode, wording.sentence(OUTCOMES[mode])) for mode in modes_of(each)),
            given=(given,),
            answered=given != each.mode,
            blank="",
        )
        for each in unmet.apart
        for given in [unmet.chosen.get(each.name, each.mode)]
    )


def _client_code(sent: FormData, faults: Mapping[str, str]) -> FormEntry:
    use_of_code = (
        "The client's code at the practice, so that do-not-match lists apply. Never an address or "
        "contact details either."
    )
    given = sent.text("client_id")
    return FormEntry(
        "client_id",
        wording.CLIENT_CODE,
        "text",
        (use_of_code,),
        given=(given,),
        fault=faults.get("client_id", ""),
        answered=bool(given),
        brief="Never a name",
    )


def _about_request(sent: FormData, faults: Mapping[str, str], top_k: int) -> tuple[FormEntry, ...]:
    entries = (
        FormEntry("asked_on", "Date of request", "date", ("If left blank: today.",)),
        FormEntry("top_k", "How many clinicians to show", "number", ("From 1 to 50.",)),
    )
    usual = {"top_k": str(top_k)}
    return tuple(
        replace(
            each,
            given=(sent.text(each.name) or usual.get(each.name, ""),),
            fault=faults.get(each.name, ""),
            answered=sent.text(each.name) not in ("", usual.get(each.name, "")),
        )
        for each in entries
    )
