"""Asking from a page: the form of a new request, and a request with one thing changed.

Imported by `staff.router`.
"""

import json
from collections.abc import Mapping
from typing import Any

from fastapi import APIRouter, Request
from pydantic import TypeAdapter, ValidationError
from starlette.responses import Response

from recommender.errors import IntakeError
from recommender.journal.recommendations import ShownRecommendation
from recommender.practice.definition import Practice
from recommender.serving.api.recommendations import RecommendationId
from recommender.serving.dependencies import current_snapshot
from recommender.serving.http.problems import (
    GONE,
    NOT_FOUND,
    FieldError,
    ProblemError,
    problem_for,
    problem_from_validation,
)
from recommender.serving.http.strict_json import parse_json
from recommender.serving.schemas.intake import ParsedRequest
from recommender.serving.schemas.json_types import JSON_TYPES
from recommender.serving.services.stored_recommendation import current_body
from recommender.serving.snapshot.snapshot import ServingSnapshot
from recommender.serving.staff import wording
from recommender.serving.staff.form_data import FormData, read_form
from recommender.serving.staff.page import HOME, NEW, moved, page
from recommender.serving.staff.request_source import again, ask, find_shown
from recommender.serving.staff.views.form_prefill import refilled
from recommender.serving.staff.views.intake_form import body_of, sections
from recommender.values.kinds import RawValue

REQUESTS = f"{HOME}/requests"
REQUEST = f"{REQUESTS}/{{recommendation_id}}"

router = APIRouter(include_in_schema=False)


@router.get(NEW)
async def get_new_request(request: Request) -> Response:
    """An empty form."""
    return _form(request, FormData({}))


@router.post(REQUESTS)
async def post_request(request: Request) -> Response:
    """Shows what is recommended; with a fault the form comes back as it was filled in."""
    sent = await read_form(request)
    try:
        asked = _read(current_snapshot(request.app), sent)
        return moved(f"{REQUESTS}/{await ask(request, asked)}")
    except (ProblemError, IntakeError) as error:
        told = problem_for(error)
        if not told.errors:
            raise
        return _form(request, sent, told.errors, told.kind.status)


@router.get(f"{REQUEST}/again")
async def get_request_again(request: Request, recommendation_id: RecommendationId) -> Response:
    """The form with the answers of a request, to change some of them; the request stays."""
    practice = current_snapshot(request.app).practice
    shown = await find_shown(request, recommendation_id)
    if shown.practice_digest != practice.digest:
        raise ProblemError(GONE)
    return _form(request, refilled(practice, shown))


@router.post(f"{REQUEST}/changes")
async def post_change(request: Request, recommendation_id: RecommendationId) -> Response:
    """A new request with what an offer changes; the first one stays as it is."""
    state, sent = current_snapshot(request.app), await read_form(request)
    shown = await find_shown(request, recommendation_id)
    if shown.practice_digest != state.practice.digest:
        raise ProblemError(GONE)
    offers = json.loads(current_body(shown.response))["relaxations"]
    number = sent.text("offer")
    if not number.isdecimal() or int(number) >= len(offers):
        raise ProblemError(NOT_FOUND)
    answers = _changed(state.practice, shown, offers[int(number)])
    made = await ask(request, again(shown, answers))
    return moved(f"{REQUESTS}/{made}?before={recommendation_id}")


def _read(state: ServingSnapshot, sent: FormData) -> ParsedRequest:
    body = body_of(state.practice, sent)
    try:
        return state.form.read(parse_json(body))
    except ValidationError as error:
        raise problem_from_validation(error) from None


def _form(
    request: Request, sent: FormData, faults: tuple[FieldError, ...] = (), status: int = 200
) -> Response:
    state = current_snapshot(request.app)
    made = sections(state.practice, sent, faults, top_k=state.form.example["top_k"])
    wrong = [each for section in made for entry in section.entries for each in entry.wrong]
    return page(
        request,
        "new_request.html",
        wording.NEW_REQUEST,
        status=status,
        sections=made,
        wrong=wrong,
        unplaced=bool(faults) and not wrong,
        practice=state.practice.title,
    )


def _changed(
    practice: Practice, shown: ShownRecommendation, offer: Mapping[str, Any]
) -> Mapping[str, RawValue]:
    """The answers with those an offer changes; refused where it only proposes to ask."""
    if not offer["answers"]:
        raise ProblemError(NOT_FOUND)
    answers = dict(shown.answers)
    for change in offer["answers"]:
        field = practice.client[change["field"]]
        if change["answer"] is None:
            answers.pop(field.name, None)
            continue
        question = JSON_TYPES[field.kind]
        read = TypeAdapter(question.type_of(field)).validate_json(json.dumps(change["answer"]))
        answers[field.name] = question.cell_of(read)
    return answers
