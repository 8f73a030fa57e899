"""The form of a new request, and requests made from a page or changed there."""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from functools import partial
from typing import cast

from fastapi import APIRouter, Request
from pydantic import TypeAdapter, ValidationError
from starlette.responses import Response

from recommender.errors import IntakeError, NotFoundError
from recommender.journal.drafts import drop_sent_draft
from recommender.journal.idempotency import StoredReply
from recommender.journal.recommendations import ShownRecommendation
from recommender.practice.definition import Practice
from recommender.recommendation.recommend import DEFAULT_TOP_K
from recommender.screening.layout import Modes
from recommender.serving.api.recommendations import RecommendationId, recorded_for
from recommender.serving.authorization import caller
from recommender.serving.dependencies import app_state, current_snapshot, run_in_pool
from recommender.serving.http.problems import (
    GONE,
    NOT_FOUND,
    FieldError,
    ProblemError,
    problem_for,
)
from recommender.serving.http.request_context import request_info
from recommender.serving.http.submitted_form import FormData
from recommender.serving.idempotency import has_store, write_once
from recommender.serving.recommendation_service import (
    ServedRecommendation,
    recommend_parsed,
    refused_request,
    today,
)
from recommender.serving.schemas.intake import ParsedRequest
from recommender.serving.schemas.json_types import JSON_TYPES
from recommender.serving.schemas.responses import SuggestedRelaxation
from recommender.serving.staff.form_data import read_form
from recommender.serving.staff.form_draft import (
    FormDraft,
    changed_request,
    draft_key,
    form_opened,
    restored,
    save_before_sending,
    sent_draft,
)
from recommender.serving.staff.page import HOME, NEW, page, redirect
from recommender.serving.staff.views.fit_count import fit_count
from recommender.serving.staff.views.intake_answers import (
    ANSWER,
    applying,
    inapplicable,
    prefilled,
    request_values,
    typed_answers,
)
from recommender.serving.staff.views.intake_form import intake_form
from recommender.serving.stored_recommendation import (
    read_response,
    shown_of,
    to_journal_row,
)
from recommender.store.database import Connection
from recommender.values.kinds import RawValue

REQUESTS = f"{HOME}/requests"
REQUEST = f"{REQUESTS}/{{recommendation_id}}"
COUNT = f"{REQUESTS}/count"
CHANGE = "Change answers"
YES, NO = "yes", "no"

router = APIRouter(include_in_schema=False)


@router.get(NEW)
async def get_new_request_page(request: Request) -> Response:
    """An empty form, or the caller's draft."""
    return form_page(request, *await restored(request, "", FormData({})))


@router.post(REQUESTS)
async def post_request(request: Request) -> Response:
    """Makes a request; with a fault the form comes back as it was filled in.

    It also comes back where a question is answered that does not apply, which only happens without
    script: the answer is cleared and the page says so. The form is saved as a draft first, which is
    deleted with the request made.
    """
    sent, snapshot = await read_form(request), current_snapshot(request.app)
    practice, draft = snapshot.practice, sent_draft(request, sent)
    await save_before_sending(request, sent)
    if left_out := inapplicable(practice, typed_answers(practice, sent)):
        cleared = applying(sent, left_out)
        return form_page(request, cleared, draft, status=422, cleared=left_out)
    try:
        try:
            parsed = snapshot.form.read(request_values(practice, sent))
        except ValidationError as error:
            raise refused_request(snapshot, error, snapshot.form.model) from None
        replaces = await _existing(request, changed_request(sent))
        new = await recommend_and_store(request, parsed, replaces, sent)
        return redirect(f"{REQUESTS}/{new}")
    except (ProblemError, IntakeError) as error:
        problem = problem_for(error)
        if not problem.errors:
            raise
        return form_page(request, sent, draft, problem.errors, problem.kind.status)


@router.post(COUNT)
async def post_count(request: Request) -> Response:
    """How many clinicians fit what is filled in so far; nothing is stored."""
    sent, snapshot = await read_form(request), current_snapshot(request.app)
    count = await run_in_pool(
        request.app, partial(fit_count, snapshot, sent, today(snapshot.practice))
    )
    return page(request, "fit_count.html", "New request", count=count)


@router.get(f"{REQUEST}/again")
async def get_request_again(request: Request, recommendation_id: RecommendationId) -> Response:
    """The form with the answers of a request, or with the caller's draft of changing them.

    The request made from it replaces this one, which stays as an earlier version.
    """
    practice = current_snapshot(request.app).practice
    shown = await find_shown(request, recommendation_id)
    if shown.practice_digest != practice.digest:
        raise ProblemError(GONE)
    begun = await restored(request, recommendation_id, prefilled(practice, shown))
    return form_page(request, *begun, changing=True)


@router.post(f"{REQUEST}/changes")
async def post_change(request: Request, recommendation_id: RecommendationId) -> Response:
    """Makes a request with another answer that the page offered; it replaces that request.

    The answer is what a relaxation changes, one that the practice declares as open to anybody, or
    the yes or no to a question that was left open.
    """
    practice, sent = current_snapshot(request.app).practice, await read_form(request)
    shown = await find_shown(request, recommendation_id)
    if shown.practice_digest != practice.digest:
        raise ProblemError(GONE)
    repeated = ParsedRequest(
        client_id=shown.client_id,
        answers=_offered_answers(practice, shown, sent),
        modes=cast("Modes", shown.modes),
        top_k=max(len(shown.shortlist), DEFAULT_TOP_K),
        asked_on=shown.asked_on,
    )
    changed = await recommend_and_store(request, repeated, recommendation_id)
    return redirect(f"{REQUESTS}/{changed}")


def form_address(changes: str) -> str:
    """Where the form of a new request is, or the form that changes a request."""
    return f"{REQUESTS}/{changes}/again" if changes else NEW


def form_page(
    request: Request,
    sent: FormData,
    draft: FormDraft | None,
    errors: tuple[FieldError, ...] = (),
    status: int = 200,
    cleared: tuple[str, ...] = (),
    version: str = "",
    *,
    changing: bool = False,
) -> Response:
    """The form as it was filled in.

    `cleared` are questions whose answers did not apply; `version` is the draft of another form
    that this one may overwrite; `changing` says that the answers are those of an earlier request.
    """
    state = current_snapshot(request.app)
    roster, top_k = state.encoding.roster, state.form.example["top_k"]
    form = intake_form(state.practice, roster, sent, errors, top_k=top_k)
    wrong = [each for entry in form.entries for each in entry.wrong]
    return page(
        request,
        "new_request.html",
        CHANGE if changing or (draft and draft.changes) else state.practice.forms["staff"].title,
        status=status,
        form=form,
        wrong=wrong,
        cleared=[each for each in form.entries if each.name.removeprefix(ANSWER) in cleared],
        nobody=[each for each in form.entries if each.unknown],
        other_faults=bool(errors) and not wrong,
        hints=sent.text("hints"),
        draft=draft,
        version=version,
        about=sent.text("client_id"),
    )


def _offered_answers(
    practice: Practice, shown: ShownRecommendation, sent: FormData
) -> Mapping[str, RawValue]:
    """Answers with the change that a form names by its number, or by a question and its answer."""
    if name := sent.text("field"):
        field, level = practice.client.get(name), sent.text("level")
        if field is not None and field.kind == "flag" and name not in shown.answers:
            if level not in (YES, NO):
                raise ProblemError(NOT_FOUND)
            return {**shown.answers, name: JSON_TYPES[field.kind].cell_of(level == YES)}
        if field is None or level not in field.may_try:
            raise ProblemError(NOT_FOUND)
        return {**shown.answers, name: level}
    relaxations, number = read_response(shown.response).relaxations, sent.text("offer")
    if not number.isdecimal() or int(number) >= len(relaxations):
        raise ProblemError(NOT_FOUND)
    return _relaxed_answers(practice, shown, relaxations[int(number)])


def _relaxed_answers(
    practice: Practice, shown: ShownRecommendation, relaxation: SuggestedRelaxation
) -> Mapping[str, RawValue]:
    """Answers with those a relaxation changes; refused where it only proposes to ask."""
    if not relaxation.answers:
        raise ProblemError(NOT_FOUND)
    answers = dict(shown.answers)
    for change in relaxation.answers:
        field = practice.client[change.field]
        if change.answer is None:
            answers.pop(field.name, None)
            continue
        json_type = JSON_TYPES[field.kind]
        answer = TypeAdapter(json_type.type_of(field)).validate_python(change.answer)
        answers[field.name] = json_type.cell_of(answer)
    return answers


async def find_shown(request: Request, recommendation_id: str) -> ShownRecommendation:
    """A recommendation as it was shown, if the caller may see it."""
    if not has_store(request):
        return app_state(request.app).recent.find(recommendation_id)
    return (await recorded_for(request, recommendation_id)).shown


async def _existing(request: Request, recommendation_id: str) -> str | None:
    """The id of a request to be replaced; None where there is none or it was deleted meanwhile."""
    if recommendation_id:
        with suppress(NotFoundError):
            return (await find_shown(request, recommendation_id)).recommendation_id
    return None


async def recommend_and_store(
    request: Request,
    parsed: ParsedRequest,
    replaces: str | None = None,
    sent: FormData | None = None,
) -> str:
    """Recommends as the endpoint does, stores what is shown, and gives its id.

    Replaces an earlier request, and deletes the draft of the form that was sent.
    """
    state = current_snapshot(request.app)
    info = request_info(request.scope)
    info.model = state.digest
    asked = replace(parsed, replaces=replaces)
    context = app_state(request.app)
    served: ServedRecommendation = await run_in_pool(
        request.app,
        partial(
            recommend_parsed, state, asked, context.draws, context.second, with_relaxations=True
        ),
    )
    info.mode = served.recommendation.mode
    if not has_store(request):
        app_state(request.app).recent.add(replace(shown_of(served, state), replaces=replaces))
        return served.recommendation_id
    row = to_journal_row(served, state, actor=caller(request).actor, replaces=replaces)

    def record(connection: Connection) -> StoredReply:
        if sent is not None:
            drop_sent_draft(connection, draft_key(request, sent), form_opened(sent))
        return row(connection)

    await write_once(request, None, record)
    return served.recommendation_id
