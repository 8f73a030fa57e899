"""One form that a client sent: what it says so far, and the answers of its step."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from fastapi import Request

from recommender.practice.matching_page import MatchingPage
from recommender.serving.dependencies import current_snapshot
from recommender.serving.http.problems import ProblemError
from recommender.serving.http.submitted_form import FormData
from recommender.serving.match.answers import (
    NAME,
    Answers,
    UnreadableError,
    earlier_answers,
    how_to_answer,
    read_answer,
)
from recommender.serving.match.form_token import FormToken
from recommender.serving.match.journey import AGREE, Journey, Progress, Step
from recommender.serving.match.page import matching_page_of
from recommender.serving.match.results import parsed_request
from recommender.serving.match.state import matching_state
from recommender.serving.snapshot.snapshot import ServingSnapshot

NEEDED = "Please answer this. Without it we cannot show you anyone."
EXPIRED = "This page was open for a long time, so we made it fresh. Your answers are still here."


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

    def with_answers(self, answers: Answers) -> "Visit":
        """The same visit with other answers."""
        return replace(self, progress=replace(self.progress, answers=answers))


def visit_of(request: Request, sent: FormData) -> Visit:
    """The visit that a form continues; a token that is too old is renewed."""
    snapshot, page = current_snapshot(request.app), matching_page_of(request)
    now, signer = datetime.now(UTC), matching_state(request.app).signer
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
    return visit.with_answers(accepted_answers(visit))


def accepted_answers(visit: Visit) -> Answers:
    """The answers of the pages before that are still accepted; the others are asked again."""
    practice, answers = visit.snapshot.practice, visit.progress.answers
    own = {*visit.page.answers, practice.consent}
    fields = practice.fields("client", "score", "filter")
    known = {name: each for name, each in answers.items() if name in fields and name not in own}
    refused = refused_answers(visit, known)
    return {name: each for name, each in known.items() if name not in refused}


def refused_answers(visit: Visit, answers: Answers) -> Mapping[str, str]:
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


def with_step(visit: Visit, step: Step) -> tuple[Visit, dict[str, str], dict[str, str]]:
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
    for name, message in refused_answers(visit, answers).items():
        faults[name] = message
        typed[name] = visit.sent.text(f"{NAME}{name}")
        answers.pop(name)
    visit = visit.with_answers(answers)
    journey = visit.journey
    for field in step.fields:
        if field.name not in answers and journey.needed(field.name):
            faults.setdefault(field.name, NEEDED)
    return visit, faults, typed
