"""The routes of the matching page: one address, whose form carries everything a client answered."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import Response

from recommender.errors import FeedbackError, IntakeError, NotFoundError
from recommender.journal.validation import canonical_json
from recommender.journal.wishes import spoken
from recommender.practice.matching_page import MINOR_TITLE
from recommender.serving.authorization import auth_backend, check_same_site, check_this_machine
from recommender.serving.dependencies import app_state, run_in_pool
from recommender.serving.http.problems import NOT_FOUND, ProblemError, problem_for
from recommender.serving.http.submitted_form import FormData, parse_form
from recommender.serving.idempotency import has_store
from recommender.serving.match.answers import (
    object_in,
)
from recommender.serving.match.form_token import SHORTEST
from recommender.serving.match.journey import AGE, AGREE, CHECK, SAFETY, Journey, Step
from recommender.serving.match.nobody_fits import nobody_fits
from recommender.serving.match.outcome import outcome_of
from recommender.serving.match.page import MATCH, refusal, render
from recommender.serving.match.questions import question_of
from recommender.serving.match.results import list_for, parsed_request, wish_for
from recommender.serving.match.review import review_of
from recommender.serving.match.state import matching_state
from recommender.serving.match.visit import Visit, accepted_answers, visit_of, with_step
from recommender.serving.schemas.questions import offered_people
from recommender.serving.snapshot.snapshot import ServingSnapshot

NEXT, BACK, MORE, SHOW, EDIT, CHANGE, ASK, HELP = (
    *("next", "back", "more", "show", "edit", "change", "ask", "help"),
)
"""What a button does, in the first word of its value."""
HASTY = (
    f"That was very quick. Please wait {SHORTEST.seconds} seconds, then press the button again. "
    "Your answers are not lost."
)
TRAP = "website"
"""A field that people neither see nor hear of; programs that fill in forms write into it."""

router = APIRouter(include_in_schema=False)


@router.get(MATCH)
async def get_first_page(request: Request) -> Response:
    """The first page, which says what is used and asks for consent."""
    _admit(request)
    try:
        matching_state(request.app).limits.count_page(request)
    except ProblemError as error:
        return refusal(request, error)
    return _step_page(visit_of(request, FormData({})), AGREE)


@router.get(f"{MATCH}/leave")
async def get_leave(request: Request) -> Response:
    """A page without any answer, which has the browser forget those before."""
    _admit(request)
    return render(request, "left.html", "Your answers are cleared", clear=True)


@router.post(MATCH)
async def post_page(request: Request) -> Response:
    """The page that follows a form, or the same with what has to be corrected."""
    _admit(request)
    sent = await parse_form(request)
    try:
        check_same_site(request.headers)
        matching_state(request.app).limits.count_page(request)
        if sent.text(TRAP):
            return render(request, "trapped.html", "Please ring us", status=400)
        return await _answer(visit_of(request, sent))
    except ProblemError as error:
        return refusal(request, error, sent)


def _admit(request: Request) -> None:
    """Refuses everybody where the page is off, and other machines on a server without a store."""
    matching_state(request.app)
    if auth_backend(request).credentials is None:
        check_this_machine(request)


async def _answer(visit: Visit) -> Response:
    """Reads the step that was sent, and shows the page its button leads to."""
    sent, journey = visit.sent, visit.journey
    step = journey.step(sent.text("step"))
    action, _, argument = sent.text("go").partition(":")
    if visit.notice:
        return _step_page(visit, journey.reachable(step).id)
    if step.id == SAFETY and action != BACK:
        return _after_safety(visit)
    if action == EDIT:
        return _step_page(visit, journey.reachable(journey.step(argument)).id)
    visit, faults, typed = with_step(visit, step)
    journey = visit.journey
    if step.id == AGE and journey.is_minor() and not faults:
        return render(visit.request, "minor.html", MINOR_TITLE, **_state(visit, AGE))
    if action == BACK:
        return _step_page(visit, journey.before(step).id)
    if faults:
        return _step_page(visit, step.id, faults, typed)
    if action in (SHOW, CHANGE, ASK, HELP):
        return await _result(visit, action, argument)
    if action == MORE:
        visit = replace(visit, progress=replace(visit.progress, more=True))
        journey = visit.journey
        return _step_page(visit, journey.after(_last_question(journey, step)).id)
    return _step_page(visit, journey.after(journey.step(step.id)).id)


def _last_question(journey: Journey, step: Step) -> Step:
    """The last of the first questions: those asked for now come after it."""
    firsts = [each for each in journey.steps if each.id.partition(".")[2].startswith("first")]
    return firsts[-1] if firsts else step


def _after_safety(visit: Visit) -> Response:
    """A person for anybody who may be at risk, else the next step; no answer is passed on."""
    answers = [visit.sent.text(f"safety.{number}") for number in range(len(visit.page.safety))]
    if any(answer in ("yes", "unsure") for answer in answers):
        return render(visit.request, "at_risk.html", "Please talk to someone now")
    if not all(answer == "no" for answer in answers):
        missing = {
            f"safety.{number}": "Please choose one. Your answer is not stored."
            for number, answer in enumerate(answers)
            if answer != "no"
        }
        return _step_page(visit, SAFETY, missing)
    visit = replace(visit, progress=replace(visit.progress, safe=True))
    journey = visit.journey
    return _step_page(visit, journey.after(journey.step(SAFETY)).id)


async def _result(visit: Visit, action: str, argument: str) -> Response:
    """The list, or what follows a wish; the step that is still open where one is."""
    request, now = visit.request, datetime.now(UTC)
    if action == CHANGE:
        answers = {**visit.progress.answers, **object_in(argument)}
        answers = {name: each for name, each in answers.items() if each is not None}
        visit = visit.with_answers(answers)
        visit = visit.with_answers(accepted_answers(visit))
    opened = visit.journey.first_open()
    if opened.id != CHECK or visit.progress.agreed is None or visit.token is None:
        return _step_page(visit, opened.id)
    if visit.token.is_hasty(now):
        return _step_page(replace(visit, notice=HASTY), CHECK)
    matching_state(request.app).limits.count_result(request)
    if action in (ASK, HELP):
        return await _wished(visit, argument if action == ASK else None)
    try:
        parsed = parsed_request(
            visit.snapshot, visit.page, visit.progress.answers, agreed=visit.progress.agreed
        )
        response = await list_for(request, parsed, visit.token)
    except IntakeError as error:
        faults = {each.pointer: each.message for each in problem_for(error).errors}
        return _step_page(visit, CHECK, faults)
    outcome = outcome_of(response, visit.snapshot.practice)
    empty = None
    if not outcome.cards:
        explained = partial(
            nobody_fits,
            response,
            visit.snapshot,
            visit.page,
            visit.progress.answers,
            agreed=visit.progress.agreed,
        )
        empty = await run_in_pool(request.app, explained)
    return render(
        request,
        "result.html",
        outcome.title,
        photos=tuple(card.photo for card in outcome.cards if card.photo),
        outcome=outcome,
        nobody=empty,
        stored=has_store(request),
        **_state(visit, CHECK),
    )


async def _wished(visit: Visit, clinician_id: str | None) -> Response:
    """What happens next, with the code to read out; without a store, whom to ring."""
    request, names = visit.request, visit.snapshot.encoding.roster.called
    name = "" if clinician_id is None else names.get(clinician_id, "")
    reference = ""
    if has_store(request):
        recommendation_id = visit.sent.text("recommendation_id")
        try:
            wish = await wish_for(request, recommendation_id, clinician_id)
        except (NotFoundError, FeedbackError) as error:
            raise ProblemError(NOT_FOUND) from error
        reference = spoken(wish.reference)
    return render(
        request,
        "wished.html",
        "What happens next",
        name=name,
        reference=reference,
        from_list=visit.sent.text("listed") == "yes",
        **_state(visit, CHECK),
    )


def _state(visit: Visit, step_id: str) -> dict[str, Any]:
    """What every form carries."""
    progress = visit.progress
    return {
        "token": visit.token_text,
        "trap": TRAP,
        "step_id": step_id,
        "agreed": {True: "yes", False: "no", None: ""}[progress.agreed],
        "safe": progress.safe,
        "more": progress.more,
        "answers": canonical_json(progress.answers),
    }


def _step_page(
    visit: Visit,
    step_id: str,
    faults: Mapping[str, str] | None = None,
    typed: Mapping[str, str] | None = None,
) -> Response:
    """One step with its controls; with faults they are listed first."""
    faults, typed, journey = faults or {}, typed or {}, visit.journey
    step = journey.step(step_id)
    templates = {AGREE: "agree.html", SAFETY: "safety.html", CHECK: "check.html"}
    people = _people_for(visit.snapshot, step)
    called = visit.snapshot.encoding.roster.called
    questions = tuple(
        question_of(
            field,
            visit.progress.answers,
            visit.page,
            people,
            needed=journey.needed(field.name),
            fault=faults.get(field.name, ""),
            typed=typed.get(field.name),
        )
        for field in step.fields
    )
    months = app_state(visit.request.app).settings.payload_months
    return render(
        visit.request,
        templates.get(step.id, "questions.html"),
        step.title,
        status=422 if faults else 200,
        step=step,
        number=journey.place(step) + 1,
        total=len(journey.steps),
        questions=questions,
        faults=faults,
        notice=visit.notice,
        months=months if has_store(visit.request) else None,
        review=review_of(journey, called) if step.id == CHECK else (),
        later=journey.later,
        **_state(visit, step.id),
    )


def _people_for(snapshot: ServingSnapshot, step: Step) -> Mapping[str, str]:
    """The clinicians whom the questions of a step let a client choose from; names by id."""
    if not any(field.kind == "ids" for field in step.fields):
        return {}
    return offered_people(snapshot.practice, snapshot.encoding.roster)
