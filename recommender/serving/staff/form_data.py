"""Reading and validation of a form of a staff page, and what the page says of faults."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from fastapi import Request
from pydantic import BaseModel, ValidationError

from recommender.errors import ConflictError, FeedbackError, StaleError
from recommender.journal.contradictions import Contradiction
from recommender.serving.authorization import auth_backend, check_same_site
from recommender.serving.http.problems import (
    CONFLICT,
    INVALID_FEEDBACK,
    ProblemError,
    problem_for,
    problem_from_validation,
)
from recommender.serving.http.submitted_form import FormData, parse_form
from recommender.serving.staff import wording
from recommender.serving.staff.follow_up_words import contradiction

DECIDED_MEANWHILE = "Someone else decided first. Read what they entered below, then decide again."
CONFIRMED = "confirmed"
"""The name under which a form sends the codes of what was ticked as right."""

Body = TypeVar("Body", bound=BaseModel)


@dataclass(frozen=True, slots=True)
class FormFault:
    """What is wrong with one field of a form, by its name; without a name, with the whole form.

    `confirm` is a code where it may be right all the same and can be ticked as such, with the words
    of `tick`.
    """

    name: str
    text: str
    confirm: str = ""
    tick: str = "This is right"


class FormRefusedError(Exception):
    """A form that a page refuses by rules of its own, with every reason."""

    def __init__(self, faults: Iterable[FormFault], status: int) -> None:
        self.faults = tuple(faults)
        super().__init__(self.faults)
        self.status = status


REFUSED = (FeedbackError, ConflictError, ProblemError, FormRefusedError)
"""Errors about what was sent, which are shown beside the form as it was filled in."""


@dataclass(frozen=True, slots=True)
class TypedForm:
    """What one form of a page sent that could not be stored, and why; nothing where none was sent.

    `form` is the name of the form on its page.
    """

    form: str = ""
    sent: FormData = field(default_factory=lambda: FormData({}))
    faults: tuple[FormFault, ...] = ()
    status: int = 200

    def text(self, form: str, name: str, otherwise: Any = "") -> Any:
        """What a field was filled in with; `otherwise` where another form was sent or none."""
        return self.sent.text(name) if self.form == form else otherwise

    def of(self, form: str, name: str) -> tuple[FormFault, ...]:
        """What is wrong with a field of a form."""
        return tuple(each for each in self.faults if self.form == form and each.name == name)

    def is_first(self, form: str, name: str) -> bool:
        """Whether a field of a form is the first with a fault."""
        return self.form == form and bool(self.faults) and self.faults[0].name == name


async def read_form(request: Request) -> FormData:
    """The form a page sent; refused from another site on a server without sessions."""
    if auth_backend(request).credentials is None:
        check_same_site(request.headers)
    return await parse_form(request)


def validated_form(model: type[Body], values: Mapping[str, Any]) -> Body:
    """A form as a request body without blanks; a `ProblemError` has everything that is wrong."""
    try:
        return model.model_validate({k: v for k, v in values.items() if v not in ("", None)})
    except ValidationError as error:
        raise problem_from_validation(error, model, INVALID_FEEDBACK) from None


def refuse_blank(sent: FormData, required: Mapping[str, str]) -> None:
    """Refuses a form with blank fields; `required` has what to say of each, by name.

    Raises
    ------
    FormRefusedError
        When any is blank.
    """
    refuse_faults(FormFault(name, text) for name, text in required.items() if not sent.text(name))


def refuse_unconfirmed(sent: FormData, faults: Iterable[FormFault]) -> None:
    """Refuses a form with faults, unless all that can be ticked as right were.

    Raises
    ------
    FormRefusedError
        With those that were not confirmed.
    """
    confirmed = sent.texts(CONFIRMED)
    refuse_faults(each for each in faults if not each.confirm or each.confirm not in confirmed)


def contradiction_faults(
    found: Iterable[Contradiction], names: Mapping[str, str] | None = None
) -> tuple[FormFault, ...]:
    """What contradicts earlier records, to be ticked where it is right.

    `names` has the name of a field in the form where it is not that of the record.
    """
    return tuple(
        FormFault((names or {}).get(each.field, each.field), contradiction(each), each.code)
        for each in found
    )


def refuse_faults(faults: Iterable[FormFault]) -> None:
    """Refuses a form with any fault.

    Raises
    ------
    FormRefusedError
        With all of them.
    """
    found = tuple(faults)
    if found:
        raise FormRefusedError(found, INVALID_FEEDBACK.status)


def in_use(text: str) -> FormRefusedError:
    """The refusal of a whole form because of what is recorded already."""
    return FormRefusedError((FormFault("", text),), CONFLICT.status)


def refused_form(
    form: str, sent: FormData, error: Exception, names: Mapping[str, str] | None = None
) -> TypedForm:
    """A form as it was filled in, what is wrong with it, and the status of the response.

    `names` has the name of a field in the form where it is not that of the record.
    """
    if isinstance(error, FormRefusedError):
        return TypedForm(form, sent, error.faults, error.status)
    problem = problem_for(error)
    status = problem.kind.status
    if isinstance(error, StaleError):
        return TypedForm(form, sent, (FormFault("", DECIDED_MEANWHILE),), status)
    if isinstance(error, ConflictError):
        found = [(error.field, error.problem)]
    else:
        found = [(each.pointer.strip("/"), each.message) for each in problem.errors]
    faults = tuple(_fault(sent, name, message, names or {}) for name, message in found)
    return TypedForm(form, sent, faults or (FormFault("", problem.kind.detail),), status)


def _fault(sent: FormData, pointer: str, message: str, names: Mapping[str, str]) -> FormFault:
    """A fault of a field that the form has, or else of the whole form."""
    name, _, place = pointer.partition("/")
    if name == "items" and place.isdecimal():
        name = f"item_{int(place) + 1}"
    field_name = names.get(name, name)
    return FormFault(field_name if field_name in sent.fields else "", wording.fault(name, message))


def number(text: str) -> int | float | str:
    """The number a text stands for; any other text is passed on, to be refused by name."""
    try:
        return int(text) if text.isdecimal() else float(text)
    except ValueError:
        return text
