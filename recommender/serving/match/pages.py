"""The routes of the matching page: one address, whose form carries everything a client answered."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from itertools import groupby
from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import Response

from recommender.errors import FeedbackError, IntakeError, NotFoundError
from recommender.journal.validation import canonical_json
from recommender.journal.wishes import spoken
from recommender.practice.matching_page import MINOR_TITLE, MatchingPage
from recommender.serving.authorization import auth_backend, check_same_site, check_this_machine
from recommender.serving.dependencies import app_state, current_snapshot, run_in_pool
from recommender.serving.http.problems import NOT_FOUND, ProblemError, problem_for
from recommender.serving.http.submitted_form import FormData, parse_form
from recommender.serving.idempotency import has_store
from recommender.serving.match.answers import (
    NAME,
    Answers,
    UnreadableError,
    earlier_answers,
    how_to_answer,
    object_in,
    read_answer,
)
from recommender.serving.match.form_token import SHORTEST, FormToken
from recommender.serving.match.journey import AGE, AGREE, CHECK, SAFETY, Journey, Progress, Step
from recommender.serving.match.outcome import Offer, other_choice, outcome_of
from recommender.serving.match.page import MATCH, matching_page_of, refusal, render
from recommender.serving.match.questions import answer_text, question_of
from recommender.serving.match.results import list_for, parsed_request, wish_for
from recommender.serving.match.state import matching_state
from recommender.serving.recommendation_service import recommend_parsed
from recommender.serving.schemas.questions import offered_people
from recommender.serving.schemas.responses import RecommendationResponse
from recommender.serving.snapshot.snapshot import ServingSnapshot

NEXT, BACK, MORE, SHOW, EDIT, CHANGE, ASK, HELP = (
    *("next", "back", "more", "show", "edit", "change", "ask", "help"),
)
"""What a button does, in the first word of its value."""
TRAP = "website"
"""A field that people neither see nor hear of; programs that fill in forms write into it."""
NEEDED = "Please answer this. Without it we cannot show you anyone."
HASTY = (
    f"That was very quick. Please wait {SHORTEST.seconds} seconds, then press the button again. "
    "Your answers are not lost."
)
EXPIRED = "This page was open for a long time, so we made it fresh. Your answers are still here."

router = APIRouter(include_in_schema=False)


@dataclass(frozen=True, slots=True)
class Visit:
    """One form that a client sent, with what it says so far."""

    request: Request
    snapshot: ServingSnapshot
    page: MatchingPage
    sent: FormData
    progress: Progress
    token: FormToken | None
    token_text: str
    notice: str = ""

    @property
    def journey(self) -> Journey:
        """The pages for this client."""
        return Journey(self.snapshot.practice, self.page, self.progress)


@router.get(MATCH)
async def get_first_page(request: Request) -> Response:
    """The first page, which says what is used and asks for consent."""
    _admit(request)
    try:
        matching_state(request.app).limits.count_page(request)
    except ProblemError as error:
        return refusal(request, error)
    return _step_page(_visit(request, FormData({})), AGREE)


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
        return await _answer(_visit(request, sent))
    except ProblemError as error:
        return refusal(request, error, sent)


def _admit(request: Request) -> None:
    """Refuses everybody where the page is off, and other machines on a server without a store."""
    matching_state(request.app)
    if auth_backend(request).credentials is None:
        check_this_machine(request)


def _visit(request: Request, sent: FormData) -> Visit:
    snapshot = current_snapshot(request.app)
    page, now, signer = (
        matching_page_of(request),
        datetime.now(UTC),
        matching_state(request.app).signer,
    )
    text = sent.text("token")
    token = signer.read(text)
    notice = ""
    if token is None or not token.is_current(now):
        notice = EXPIRED if text else ""
        text, token = signer.issue(now), None
    agreed = {"yes": True, "no": False}.get(sent.text("agreed"))
    # An answer about safety is read from the page that asks it alone, and is in no form after it.
    progress = Progress(
        agreed, sent.text("safe") == "yes", sent.text("more") == "yes", earlier_answers(sent)
    )
    visit = Visit(request, snapshot, page, sent, progress, token, text, notice)
    return replace(visit, progress=replace(progress, answers=_accepted(visit)))


def _accepted(visit: Visit) -> Answers:
    """The answers of the pages before that are still accepted; the others are asked again."""
    practice, answers = visit.snapshot.practice, visit.progress.answers
    own = {*visit.page.answers, practice.consent}
    fields = practice.fields("client", "score", "filter")
    known = {name: each for name, each in answers.items() if name in fields and name not in own}
    refused = _refused(visit, known)
    return {name: each for name, each in known.items() if name not in refused}


def _refused(visit: Visit, answers: Answers) -> Mapping[str, str]:
    """The fields whose answers are not accepted, each with what a client reads of it."""
    practice = visit.snapshot.practice
    try:
        parsed_request(visit.snapshot, visit.page, answers, agreed=False)
    except ProblemError as error:
        names = [each.pointer.split("/")[2:3] for each in error.errors]
        return {
            name: how_to_answer(practice.client[name])
            for each in names
            for name in each
            if name in answers and name in practice.client
        }
    return {}


async def _answer(visit: Visit) -> Response:
    """Reads the step that was sent, and shows the page its button leads to."""
    sent, journey = visit.sent, visit.journey
    step = journey.step(sent.text("step"))
    action, _, argument = sent.text("go").partition(":")
    if visit.notice:
        return _step_page(visit, journey.reachable(step).id)
    if step.id == SAFETY and action != BACK:
        return _after_safety(visit)
    visit, faults, typed = _with_step(visit, step)
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
        return _step_page(visit, visit.journey.after(_last_question(visit.journey, step)).id)
    if action == EDIT:
        return _step_page(visit, visit.journey.reachable(visit.journey.step(argument)).id)
    return _step_page(visit, visit.journey.after(visit.journey.step(step.id)).id)


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
    return _step_page(visit, visit.journey.after(visit.journey.step(SAFETY)).id)


def _with_step(visit: Visit, step: Step) -> tuple[Visit, dict[str, str], dict[str, str]]:
    """The visit with the answers of the step that was sent; its faults, and texts not read."""
    if step.id == AGREE:
        if visit.progress.agreed is None:
            return visit, {"agreed": "Please choose one of these."}, {}
        return visit, {}, {}
    answers, faults, typed = dict(visit.progress.answers), dict[str, str](), dict[str, str]()
    for field in step.fields:
        answers.pop(field.name, None)
        try:
            answer = read_answer(field, visit.sent, visit.page)
        except UnreadableError as error:
            faults[field.name] = str(error)
            typed[field.name] = visit.sent.text(f"{NAME}{field.name}")
            continue
        if answer is not None:
            answers[field.name] = answer
    for name, message in _refused(visit, answers).items():
        faults[name] = message
        typed[name] = visit.sent.text(f"{NAME}{name}")
        answers.pop(name)
    visit = replace(visit, progress=replace(visit.progress, answers=answers))
    for field in step.fields:
        if field.name not in answers and visit.journey.needed(field.name):
            faults.setdefault(field.name, NEEDED)
    return visit, faults, typed


async def _result(visit: Visit, action: str, argument: str) -> Response:
    """The list, or what follows a wish; the step that is still open where one is."""
    request, now = visit.request, datetime.now(UTC)
    if action == CHANGE:
        answers = {**visit.progress.answers, **object_in(argument)}
        answers = {name: each for name, each in answers.items() if each is not None}
        visit = replace(visit, progress=replace(visit.progress, answers=answers))
        visit = replace(visit, progress=replace(visit.progress, answers=_accepted(visit)))
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
    outcome = outcome_of(response, visit.snapshot.practice, visit.progress.answers)
    if not outcome.cards and not outcome.offers:
        offers = await run_in_pool(request.app, partial(_other_choices, visit, response))
        outcome = replace(outcome, offers=offers)
    return render(
        request,
        "result.html",
        outcome.title,
        photos=tuple(card.photo for card in outcome.cards if card.photo),
        outcome=outcome,
        stored=has_store(request),
        **_state(visit, CHECK),
    )


def _other_choices(visit: Visit, response: RecommendationResponse) -> tuple[Offer, ...]:
    """Other answers to the questions on which the excluding constraints depend, which admit people.

    No constraint is relaxed: each is a new request with one answer changed.
    """
    practice, answers = visit.snapshot.practice, visit.progress.answers
    rules = (practice.constraints.get(each.constraint) for each in response.exclusion_counts)
    names = {each.when.client for each in rules if each is not None and each.when is not None}
    offers = []
    for name in sorted(names & answers.keys()):
        field = practice.client[name]
        for level in field.levels if field.kind == "category" else ():
            if level == answers[name]:
                continue
            try:
                changed = {**answers, name: level}
                agreed = bool(visit.progress.agreed)
                parsed = parsed_request(visit.snapshot, visit.page, changed, agreed=agreed)
                number = recommend_parsed(visit.snapshot, parsed).response.eligible
            except (ProblemError, IntakeError):
                continue
            if number:
                offers.append(other_choice(field, level, number))
    return tuple(offers)


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
        review=_review(visit) if step.id == CHECK else (),
        later=journey.later,
        **_state(visit, step.id),
    )


def _people_for(snapshot: ServingSnapshot, step: Step) -> Mapping[str, str]:
    """The clinicians whom the questions of a step let a client choose from; names by id."""
    if not any(field.kind == "ids" for field in step.fields):
        return {}
    return offered_people(snapshot.practice, snapshot.encoding.roster)


@dataclass(frozen=True, slots=True)
class ReviewedAnswer:
    """A question in the words the client read, and what they answered."""

    question: str
    text: str


@dataclass(frozen=True, slots=True)
class ReviewedStep:
    """What was answered on the steps of one title, to be changed from the first of them."""

    step_id: str
    title: str
    answers: tuple[ReviewedAnswer, ...]


def _review(visit: Visit) -> tuple[ReviewedStep, ...]:
    answers, practice = visit.progress.answers, visit.snapshot.practice
    names = visit.snapshot.encoding.roster.called
    rules = practice.constraints.values()
    excluding = {
        name
        for each in rules
        if each.rule == "not_listed" or (each.rule == "has_none" and each.family == "wish")
        for name in each.client
    }
    asked = [step for step in visit.journey.steps if step.fields]
    return tuple(
        ReviewedStep(
            steps[0].id,
            title,
            tuple(
                ReviewedAnswer(
                    field.question_for("client"), f"Not {text}" if field.name in excluding else text
                )
                for step in steps
                for field in step.fields
                if field.name in answers
                for text in [answer_text(field, answers[field.name], visit.page, names)]
            ),
        )
        for title, same in groupby(asked, key=lambda step: step.title)
        for steps in [tuple(same)]
    )
