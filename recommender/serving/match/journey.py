"""The order of the pages: consent, safety, age, questions in small steps, and a last look.

What is asked depends on the answers so far, so the order is worked out anew on each page.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from recommender.practice.conditions import holds
from recommender.practice.definition import Practice
from recommender.practice.fields import Field
from recommender.practice.matching_page import MatchingPage
from recommender.practice.needed_answers import needed_of_clients
from recommender.serving.match.answers import Answers

AGREE, SAFETY, AGE, CHECK = "agree", "safety", "age", "check"
ROOM, SHORT_LIST = 6, 7
"""The room of one step, in the sizes of its questions, and how many choices are shown at once;
longer lists are opened by those who want them."""


@dataclass(frozen=True, slots=True)
class Step:
    """One page of the way; `fields` are the questions on it."""

    id: str
    title: str
    help: str = ""
    fields: tuple[Field, ...] = ()


@dataclass(frozen=True, slots=True)
class Progress:
    """What a client has stated before the questions.

    `agreed` is None before consent was asked; `safe` says that every question on safety was
    answered with no; `more` that the client wants to answer further questions.
    """

    agreed: bool | None
    safe: bool
    more: bool
    answers: Answers


class Journey:
    """The pages for one client, by what they have answered so far."""

    def __init__(self, practice: Practice, page: MatchingPage, progress: Progress) -> None:
        self.practice, self.page, self.progress = practice, page, progress
        given = {**progress.answers, **page.answers}
        self._needed = {each.field for each in needed_of_clients(practice) if each.applies(given)}
        self.steps = tuple(self._steps())

    def step(self, step_id: str) -> Step:
        """The step of an id; the first that is not done where there is none of that id."""
        return next((each for each in self.steps if each.id == step_id), self.first_open())

    def place(self, step: Step) -> int:
        """The number of a step, from 0."""
        return self.steps.index(step)

    def after(self, step: Step) -> Step:
        """The next step, or an earlier one that is not done."""
        following = self.steps[min(self.place(step) + 1, len(self.steps) - 1)]
        return self.reachable(following)

    def before(self, step: Step) -> Step:
        """The step before."""
        return self.steps[max(self.place(step) - 1, 0)]

    def reachable(self, step: Step) -> Step:
        """A step, or the first before it that is not done."""
        opened = self.first_open()
        return step if self.place(step) <= self.place(opened) else opened

    def first_open(self) -> Step:
        """The first step that is not done; the last look where all are."""
        return next((each for each in self.steps if not self._is_done(each)), self.steps[-1])

    def is_minor(self) -> bool:
        """Whether the age is below the practice's minimum."""
        age = self.progress.answers.get(self.page.age)
        return isinstance(age, int | float) and age < self.page.minimum_age

    def needed(self, name: str) -> bool:
        """Whether nobody can be shown without an answer to a question."""
        return name in self._needed

    def _is_done(self, step: Step) -> bool:
        if step.id == AGREE:
            return self.progress.agreed is not None
        if step.id == SAFETY:
            return self.progress.safe
        if step.id == CHECK:
            return False
        answers = self.progress.answers
        if step.id == AGE and self.is_minor():
            return False
        return all(field.name in answers for field in step.fields if self.needed(field.name))

    def _steps(self) -> Iterator[Step]:
        client = self.practice.client
        yield Step(AGREE, "Before you begin")
        yield Step(SAFETY, "Are you safe?")
        yield Step(AGE, "Your age", fields=(client[self.page.age],))
        asked = (*self._questions(later=False), *self._questions(later=True))
        for number, step in enumerate(asked):
            before = sum(each.title == step.title for each in asked[:number])
            yield replace(step, title=f"{step.title}, part {before + 1}") if before else step
        yield Step(CHECK, "Check your answers")

    def _questions(self, *, later: bool) -> Iterator[Step]:
        layout = self.practice.forms.get("client")
        for section in layout.sections if layout is not None else ():
            names = section.later if later else section.first
            part = "more" if later else "first"
            # Steps are those of a client who is asked everything, so that an answer moves no other
            # question to another step.
            for number, step in enumerate(in_steps(self.asked(names))):
                fields = tuple(each for each in step if self._is_on_page(each, later=later))
                if fields:
                    step_id = f"{section.id}.{part}.{number}"
                    yield Step(step_id, section.title, section.help, fields)

    def asked(self, names: Sequence[str]) -> tuple[Field, ...]:
        """The fields of some names that the page asks: not those it has asked or answers itself."""
        own = {self.page.age, self.practice.consent, *self.page.answers}
        return tuple(self.practice.client[name] for name in names if name not in own)

    def _is_on_page(self, field: Field, *, later: bool) -> bool:
        """Whether it is asked now: further questions if more is wanted, or where it is needed."""
        wanted = not later or self.progress.more or self.needed(field.name)
        return wanted and self._is_asked(field)

    def _is_asked(self, field: Field) -> bool:
        condition = field.asked_when
        return condition is None or holds(condition, self.progress.answers)

    @property
    def later(self) -> int:
        """Number of further questions that can be asked for."""
        layout = self.practice.forms.get("client")
        names = () if layout is None or self.progress.more else layout.later
        asked = filter(self._is_asked, self.asked(names))
        return sum(1 for each in asked if not self.needed(each.name))


def in_steps(fields: Sequence[Field]) -> Iterator[tuple[Field, ...]]:
    """Fields in steps; one that depends on an answer of the same step begins the next."""
    step: list[Field] = []
    for field in fields:
        depends = field.asked_when is not None and field.asked_when.client in {
            each.name for each in step
        }
        if step and (depends or sum(map(size_of, (*step, field))) > ROOM):
            yield tuple(step)
            step = []
        step.append(field)
    if step:
        yield tuple(step)


def size_of(field: Field) -> int:
    """The room a question takes on a telephone, in parts of a step: a line to fill in is one."""
    if field.kind == "weekly_hours":
        return ROOM
    is_listed = field.kind in ("tags", "category", "ordinal") and len(field.levels) <= SHORT_LIST
    return 2 if is_listed else 1
