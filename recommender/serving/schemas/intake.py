"""Request models of clients' answers, built from the questions of a practice definition."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import date
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, create_model
from pydantic import Field as Setting

from recommender.practice.definition import Practice
from recommender.practice.fields import Field
from recommender.practice.rules.constraint import Constraint
from recommender.recommendation.shortlists import MAX_TOP_K
from recommender.screening.layout import Modes
from recommender.serving.schemas.allocation_request import (
    ParsedWaitingList,
    build_allocation_request,
    parse_waiting_list,
)
from recommender.serving.schemas.json_types import (
    EXAMPLE_CLINICIANS,
    JSON_TYPES,
    STRICT,
    JsonDate,
    check_unique,
)
from recommender.values.ids import ID_PATTERN
from recommender.values.kinds import RawValue

MAX_NAMED_CLINICIANS = 500
"""Largest number of clinicians in one prediction request."""
# Attributes of request models have a prefix: a practice may name a field `json` or `copy`, which
# pydantic uses itself. JSON has the plain field name.
ATTRIBUTE_PREFIX = "answer_"
MODES_DESCRIPTION = (
    "Modes of single constraints for this request: `hard` excludes clinicians, `soft` only adds a "
    "reservation, `off` ignores the constraint."
)


class ConsentStatement(BaseModel):
    """Further consents of the client, and the version of the wording they were shown."""

    model_config = STRICT

    version: Annotated[str, Setting(pattern=ID_PATTERN, examples=["2026-1"])]
    train: Annotated[
        bool | None,
        Setting(description="Use of the client's data for training. Omitted or null: not asked."),
    ] = None
    research: Annotated[
        bool | None,
        Setting(description="Use of the client's data for research. Omitted or null: not asked."),
    ] = None


@dataclass(frozen=True, slots=True)
class ParsedRequest:
    """One request in the form of `recommender.recommendation.recommend`.

    `asked_on` is None for today. `clinician_ids` are those of a prediction request. `declared` are
    the fields that the practice answered, not the client. `replaces` is the request that this one
    replaces, None for a request of its own.
    """

    client_id: str | None
    answers: Mapping[str, RawValue]
    modes: Modes
    top_k: int
    asked_on: date | None
    consent: ConsentStatement | None = None
    clinician_ids: tuple[str, ...] = ()
    declared: tuple[str, ...] = ()
    replaces: str | None = None

    def declaring(self, fields: tuple[str, ...]) -> "ParsedRequest":
        """The same request, in which the practice answered these fields."""
        return replace(self, declared=fields)


@dataclass(frozen=True, slots=True, eq=False)
class RequestSchema:
    """The request models of one practice definition.

    Attributes
    ----------
    title, version
        Of the practice definition.
    fields
        The questions, by field name.
    cells_of
        By attribute of the model of answers, the field and what makes an answer a raw cell.
    model, pairings, lists
        Models of recommendation, prediction and allocation requests.
    example
        A recommendation request of an invented client.
    complete
        The same with an answer to every question; the answers need not agree.
    """

    title: str
    version: str
    fields: Mapping[str, Field]
    cells_of: Mapping[str, tuple[str, Callable[[Any], RawValue]]]
    model: type[BaseModel]
    pairings: type[BaseModel]
    lists: type[BaseModel]
    example: Mapping[str, Any]
    complete: Mapping[str, Any]

    def read(self, body: Any) -> ParsedRequest:
        """A recommendation request from parsed JSON.

        Raises
        ------
        pydantic.ValidationError
            With all errors of the request.
        """
        request: Any = self.model.model_validate(body)
        return ParsedRequest(
            request.client_id,
            self._cells(request.answers),
            self._modes(request.modes),
            request.top_k,
            request.asked_on,
            consent=request.consent,
            replaces=request.replaces,
        )

    def read_pairings(self, body: Any) -> ParsedRequest:
        """A prediction request from parsed JSON; raises as `read`."""
        request: Any = self.pairings.model_validate(body)
        return ParsedRequest(
            request.client_id,
            self._cells(request.answers),
            self._modes(request.modes),
            MAX_TOP_K,
            request.asked_on,
            clinician_ids=tuple(request.clinician_ids),
        )

    def read_list(self, body: Any) -> ParsedWaitingList:
        """An allocation request from parsed JSON; raises as `read`."""
        request: Any = self.lists.model_validate(body)
        return parse_waiting_list(
            request, tuple(self._cells(each.answers) for each in request.clients)
        )

    def _cells(self, answers: BaseModel) -> Mapping[str, RawValue]:
        cells = {}
        for attribute, answer in answers.__dict__.items():
            if answer is not None:
                name, cell_of = self.cells_of[attribute]
                cells[name] = cell_of(answer)
        return cells

    def _modes(self, modes: BaseModel) -> Modes:
        # Names of attributes have a prefix.
        begin = len(ATTRIBUTE_PREFIX)
        chosen = modes.__dict__.items()
        return {attribute[begin:]: mode for attribute, mode in chosen if mode is not None}


def build_request_schema(practice: Practice, top_k: int) -> RequestSchema:
    """The request models of a practice; audit fields are never accepted.

    Parameters
    ----------
    practice
        The practice definition.
    top_k
        Default length of a shortlist.
    """
    fields = practice.fields("client", "score", "filter")
    questions: dict[str, Any] = {ATTRIBUTE_PREFIX + name: declared(f) for name, f in fields.items()}
    answers = create_model(
        "Answers",
        __config__=STRICT,
        __doc__=f"Answers to the questions of {practice.title}, definition {practice.version}.",
        **questions,
    )
    adjustable = [c for c in practice.constraints.values() if c.may_be]
    chosen: dict[str, Any] = {ATTRIBUTE_PREFIX + c.name: _mode_of(c) for c in adjustable}
    modes = create_model("Modes", __config__=STRICT, __doc__=MODES_DESCRIPTION, **chosen)
    answered = example_answers(practice)
    example: dict[str, Any] = {"client_id": "c0001", "answers": answered, "top_k": top_k}
    every = {name: JSON_TYPES[field.kind].example_of(field) for name, field in fields.items()}
    complete = {**example, "answers": every, "asked_on": "2026-11-23"}
    named: dict[str, Any] = {
        "client_id": "c0001",
        "answers": answered,
        "clinician_ids": list(EXAMPLE_CLINICIANS),
    }
    needs = any(field.required for field in fields.values())
    common: dict[str, Any] = {
        "client_id": (Annotated[str, Setting(pattern=ID_PATTERN)] | None, _client_id()),
        "answers": (answers, ... if needs else Setting(default_factory=answers)),
        "modes": (modes, Setting(default_factory=modes)),
        "asked_on": (JsonDate | None, _asked_on()),
    }
    model = create_model(
        "RecommendationRequest",
        __config__=ConfigDict(**STRICT, json_schema_extra={"examples": [example]}),
        __doc__="The answers of one client who needs a clinician.",
        **common,
        top_k=(Annotated[int, Setting(ge=1, le=MAX_TOP_K)], _top_k(top_k)),
        consent=(ConsentStatement | None, None),
        replaces=(Annotated[str, Setting(pattern=ID_PATTERN)] | None, _replaces()),
    )
    pairings = create_model(
        "PredictionRequest",
        __config__=ConfigDict(**STRICT, json_schema_extra={"examples": [named]}),
        __doc__="The answers of one client, and the clinicians to predict for.",
        **common,
        clinician_ids=(_clinician_ids(), ...),
    )
    cells_of = {ATTRIBUTE_PREFIX + n: (n, JSON_TYPES[f.kind].cell_of) for n, f in fields.items()}
    lists = build_allocation_request(common["answers"], answered, common["asked_on"])
    heading = practice.title, practice.version
    return RequestSchema(*heading, fields, cells_of, model, pairings, lists, example, complete)


def example_answers(practice: Practice) -> dict[str, Any]:
    """Answers of an invented client: those of the definition or, without any, derived ones.

    Derived are answers to required questions, to those on which no hard constraint depends, and to
    those that a hard constraint excludes everybody without. A constraint that everybody passes
    while its question is open stays open.
    """
    fields = practice.fields("client", "score", "filter")
    if practice.example:
        return {
            name: JSON_TYPES[fields[name].kind].json_of(cell)
            for name, cell in practice.example.items()
        }
    hard = [each for each in practice.constraints.values() if each.mode == "hard"]
    named = {name for each in hard for name in each.client}
    needed = {name for each in hard if each.excludes_on_silence for name in each.client}
    return {
        name: JSON_TYPES[field.kind].example_of(field)
        for name, field in fields.items()
        if field.required or name in needed or name not in named
    }


def declared(field: Field) -> tuple[Any, Any]:
    """The type and default of a declared field in a request model."""
    question = JSON_TYPES[field.kind]
    of = _or_code(field, question.type_of(field))
    codes = ", ".join(map(str, field.missing_codes))
    parts = [field.phrase, field.purpose, f"In {field.unit}" if field.unit else ""]
    parts.append(f"No answer may also be written as {codes}" if codes else "")
    settings: dict[str, Any] = {
        "alias": field.name,
        "title": field.phrase,
        "description": _sentences(*parts, f"Omitted or null: {field.missing}"),
        "examples": [question.example_of(field)],
    }
    if field.required:
        return of, Setting(**settings)
    return of | None, Setting(default=None, **settings)


def _or_code(field: Field, of: Any) -> Any:
    """The type of an answer, in whose place a declared missing code is read as null."""
    if not field.missing_codes:
        return of
    literal: Any = Literal
    return Annotated[
        of | None,
        BeforeValidator(
            lambda answer: None if field.is_code(answer) else answer,
            json_schema_input_type=of | literal[field.missing_codes],
        ),
    ]


def _mode_of(constraint: Constraint) -> tuple[Any, Any]:
    literal: Any = Literal
    allowed = tuple(dict.fromkeys((constraint.mode, *constraint.may_be)))
    text = f"Applies if the clinician {constraint.say}. Omitted or null: {constraint.mode}."
    settings: dict[str, Any] = {"alias": constraint.name, "description": text, "examples": allowed}
    return literal[allowed] | None, Setting(default=None, **settings)


def _sentences(*texts: str) -> str:
    return " ".join(f"{text[0].upper()}{text[1:].rstrip('.')}." for text in texts if text)


def _clinician_ids() -> Any:
    return Annotated[
        list[Annotated[str, Setting(pattern=ID_PATTERN)]],
        Setting(
            min_length=1, max_length=MAX_NAMED_CLINICIANS, json_schema_extra={"uniqueItems": True}
        ),
        AfterValidator(check_unique),
    ]


def _client_id() -> Any:
    return Setting(
        default=None,
        description="The client's pseudonym at the practice, needed for do-not-match lists. "
        "Never a name, an address or a telephone number.",
    )


def _top_k(default: int) -> Any:
    return Setting(default=default, description="Maximum number of clinicians to show.")


def _replaces() -> Any:
    return Setting(
        default=None,
        description="The `recommendation_id` of an earlier request of the same client that this "
        "one replaces, for example with changed answers. The earlier one stays recorded; staff go "
        "on with this one. Refused once the earlier one was decided on, started or closed.",
    )


def _asked_on() -> Any:
    return Setting(
        default=None,
        description="The day of the request, on the practice's calendar. Omitted: today.",
    )
