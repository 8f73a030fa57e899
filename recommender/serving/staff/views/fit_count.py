"""How many clinicians fit the answers filled in so far, while a form is not finished."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from functools import lru_cache
from typing import Any

from pydantic import TypeAdapter, ValidationError

from recommender.practice.columns import Columns, read_cell
from recommender.practice.conditions import holds
from recommender.practice.definition import Practice
from recommender.practice.fields import Field, small_label
from recommender.practice.needed_answers import needed_answers
from recommender.screening.cache import screening_cache_for
from recommender.screening.layout import Modes
from recommender.serving.http.submitted_form import FormData
from recommender.serving.schemas.json_types import JSON_TYPES, JsonDate
from recommender.serving.snapshot.snapshot import ServingSnapshot
from recommender.serving.staff import wording
from recommender.serving.staff.views.intake_answers import (
    ANSWER,
    QuestionLink,
    link_to,
    request_values,
)
from recommender.values.ids import is_id


@dataclass(frozen=True, slots=True)
class FitCount:
    """How many of the roster fit so far.

    `unasked` are questions that decide whether anybody can be shown and are not answered: the
    rules that need them are not counted. `unread` are answers that cannot be read and are not
    counted either. `times` is how each line of times is read, by name of the control.
    """

    eligible: int
    clinicians: int
    unasked: tuple[QuestionLink, ...]
    unread: tuple[QuestionLink, ...]
    times: Mapping[str, str]


def fit_count(snapshot: ServingSnapshot, sent: FormData, day: date) -> FitCount:
    """Screens the roster for the answers so far, as a request would; nothing is stored.

    `day` is the day of the request unless the form names one.
    """
    practice, roster = snapshot.practice, snapshot.encoding.roster
    body = request_values(practice, sent)
    answers = body["answers"]
    client, unread = _readable(practice, answers)
    known = {name: each for name, each in answers.items() if name not in unread}
    client_id = body.get("client_id")
    cache = screening_cache_for(practice, roster, _day(body.get("asked_on"), day))
    screening = cache.screen(
        client,
        client_id if client_id and is_id(client_id) else None,
        {**_modes(practice, body["modes"]), **_undecided(practice, known)},
    )
    unasked = dict.fromkeys(
        each.field
        for each in needed_answers(practice)
        if each.field not in answers and each.applies(known)
    )
    return FitCount(
        eligible=int(screening.eligible.sum()),
        clinicians=len(roster),
        unasked=tuple(_short_link(practice.client[name]) for name in unasked),
        unread=tuple(link_to(practice.client[name]) for name in unread),
        times={
            f"{ANSWER}{name}": wording.week_of(known.get(name, []))
            for name, field in practice.client.items()
            if field.kind == "weekly_hours"
        },
    )


def _short_link(field: Field) -> QuestionLink:
    """The link to a question, by its own words."""
    return replace(link_to(field), text=small_label(field.question_for("staff")))


def _readable(practice: Practice, answers: Mapping[str, Any]) -> tuple[Columns, list[str]]:
    """The answers that can be read as one encoded row, and names of the others."""
    fields, parsed, unread = practice.asked.fields, dict[str, Any](), []
    for name, answer in answers.items():
        field = fields[name]
        try:
            cell = JSON_TYPES[field.kind].cell_of(_type_of(field).validate_python(answer))
        except ValidationError:
            unread.append(name)
            continue
        parsed[name], error = read_cell(field, cell)
        if error is not None:
            unread.append(name)
    return practice.asked.encoded(parsed), unread


@lru_cache(maxsize=1000)
def _type_of(field: Field) -> TypeAdapter[Any]:
    return TypeAdapter(JSON_TYPES[field.kind].type_of(field))


def _day(typed: str | None, day: date) -> date:
    try:
        asked_on: date = TypeAdapter(JsonDate).validate_python(typed)
    except ValidationError:
        return day
    return asked_on


def _modes(practice: Practice, chosen: Mapping[str, Any]) -> Modes:
    """The modes chosen for this request, as far as the practice allows them."""
    allowed = {name: each.may_be for name, each in practice.constraints.items()}
    return {name: mode for name, mode in chosen.items() if mode in allowed[name]}


def _undecided(practice: Practice, answers: Mapping[str, Any]) -> Modes:
    """Constraints that would exclude everybody only because a question is not answered yet."""
    return {
        name: "off"
        for name, each in practice.constraints.items()
        if each.excludes_on_silence
        and not (each.unless is not None and holds(each.unless, answers))
        and (
            (each.when is not None and each.when.client not in answers)
            or any(client not in answers for client in each.client)
        )
    }
