"""Everything the page of one request shows, from what was stored with it."""

from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any
from zoneinfo import ZoneInfo

from recommender.errors import NotFoundError
from recommender.journal.recommendations import ShownRecommendation
from recommender.practice.definition import Practice
from recommender.practice.fields import Field
from recommender.recommendation.fact_text import CURRENCY_SIGNS
from recommender.recommendation.recommend import CONSTRAINTS_ONLY
from recommender.serving.api.explanations import ExplanationCase, explanation_case
from recommender.serving.http.problems import ProblemError
from recommender.serving.snapshot.snapshot import ServingSnapshot
from recommender.serving.staff import wording
from recommender.serving.staff.views.charts import contribution_chart, longest_line, range_chart
from recommender.serving.staff.views.explanation import ExplanationView
from recommender.serving.staff.views.open_times import next_times
from recommender.serving.staff.views.shortlist import (
    exclusion_lines,
    questions_to_ask,
    relaxation_lines,
    tie_groups,
)
from recommender.serving.stored_recommendation import read_response

MAX_EXPLAINED = 5
"""Clinicians of a shortlist explained on its page; any other can be asked about."""
MAX_WITH_TIMES = 10
"""Clinicians of a shortlist whose next times are all shown; of the others only the first."""
FITS_BUT_LATER = (
    "Fits every requirement and is free later than those shown, or as soon with a later id."
)
NOT_EXPLAINED = "The reasons can no longer be shown: see “Why these”."


@dataclass(frozen=True, slots=True)
class PageQuestions:
    """Ids of a clinician to explain, of two to compare, and of the request this one changes."""

    why_not: str = ""
    one: str = ""
    other: str = ""
    before: str = ""


@dataclass(frozen=True, slots=True)
class WhyNot:
    """Why one clinician is not first: what excluded them, or how they differ from the first."""

    name: str
    text: str
    reasons: tuple[str, ...] = ()
    explanation: ExplanationView | None = None


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two clinicians compared, from the side of each."""

    one: str
    other: str
    one_to_other: ExplanationView
    other_to_one: ExplanationView


class RequestView:
    """Values for the template of a request."""

    def __init__(self, shown: ShownRecommendation, state: ServingSnapshot) -> None:
        self.shown, self.state = shown, state
        self.response = read_response(shown.response)
        self.case: ExplanationCase | None = None
        with suppress(ProblemError):  # The definition or the model's features have changed.
            self.case = explanation_case(shown, state)
        self.names = self._names()

    def values(self, asked: PageQuestions, now: datetime) -> dict[str, Any]:
        """All values, by the names the template uses."""
        practice, response, answers = self.state.practice, self.response, self.shown.answers
        predicted = self.shown.mode != CONSTRAINTS_ONLY
        explanations = self._explanations()
        why_not = self._why_not(asked.why_not) if asked.why_not else None
        comparison = self._comparison(asked.one, asked.other)
        views = [view for _, view in explanations]
        views += [why_not.explanation] if why_not and why_not.explanation else []
        views += [comparison.one_to_other, comparison.other_to_one] if comparison else []
        at = response.availability_as_of
        questions = practice.fields("client", "score", "filter")
        used = [
            (field.phrase, self._answer_text(field, answers[name]) + self._source(name))
            for name, field in practice.client.items()
            if name in answers
        ]
        excluded = {each.clinician_id for each in response.excluded}
        by_name = sorted(self.names.items(), key=lambda each: each[1])
        return {
            "bars": partial(contribution_chart, reach=longest_line(views)),
            "id": self.shown.recommendation_id,
            "client_id": self.shown.client_id,
            "names": self.names,
            "max_with_times": MAX_WITH_TIMES,
            "free": next_times(self.shown, practice, self.state.encoding.roster, now),
            "shown": tuple((each.clinician_id, each.name) for each in response.shortlist),
            "mode": wording.REQUEST_MODES.get(self.shown.mode, self.shown.mode),
            "predicted": predicted,
            "model": wording.model(response.model),
            "known": wording.known(at.astimezone(ZoneInfo(practice.timezone)), now - at),
            "asked_on": wording.day(self.shown.asked_on),
            "used": used,
            "unanswered": [(f.phrase, f.missing) for n, f in questions.items() if n not in answers],
            "questions": len(self.state.form.fields),
            "to_ask": questions_to_ask(response, practice, answers),
            "current": self.shown.practice_digest == practice.digest,
            "ties": tie_groups(response),
            "ranges": range_chart(response),
            "scale": wording.scale_points(response.scale),
            "order": response.order.replace("`", ""),
            "counts": wording.counts(response.eligible, len(response.excluded)),
            "explanations": explanations,
            "explained": self.case is not None,
            "excluded": [each for each in by_name if each[0] in excluded],
            "eligible": [each for each in by_name if each[0] not in excluded],
            "asked": asked,
            "why_not": why_not,
            "comparison": comparison,
            "compared": bool(asked.one and asked.other),
            "exclusions": exclusion_lines(response, self.names),
            "relaxations": relaxation_lines(response),
            "no_change": wording.no_change(response.eligible, predicted=predicted),
            "only_one": response.eligible == 1,
            # A warning with backquotes names fields of the response, which a page does not show.
            "warnings": [each for each in response.warnings if "`" not in each],
            "listed_as": sorted(
                {each for one in response.reference_warnings for each in one.listed_as}
            ),
            "notice": response.notice,
        }

    def _answer_text(self, field: Field, answer: Any) -> str:
        """An answer in words; clinicians by name, as far as they are on the roster."""
        if field.kind != "ids":
            return _answer_text(self.state.practice, field, answer)
        people = (wording.person(each, self.names.get(each, each)) for each in answer)
        return ", ".join(people) or wording.NONE_OF_THESE

    def _source(self, name: str) -> str:
        """Who answered, where it was not the client."""
        return " (declared by the practice)" if name in self.shown.declared else ""

    def _names(self) -> dict[str, str]:
        """Names of everybody who was on the roster, by id."""
        roster, response = self.state.encoding.roster, self.response
        ids = [each.clinician_id for each in response.excluded]
        if self.case is not None and self.case.contributions is not None:
            ids += self.case.contributions.ids
        elif response.roster_version == roster.version:
            ids += roster.ids
        names = {each: roster.called.get(each, each) for each in ids}
        return names | {each.clinician_id: each.name for each in response.shortlist}

    def _explanations(self) -> tuple[tuple[str, ExplanationView], ...]:
        """Explanations of the first clinicians, by name."""
        if self.case is None:
            return ()
        views = (
            (self.names[each], ExplanationView.of(self.case.explain(each, None)))
            for each in self.case.shown[:MAX_EXPLAINED]
        )
        return tuple((name, view) for name, view in views if view is not None)

    def _why_not(self, clinician_id: str) -> WhyNot:
        name = self.names.get(clinician_id)
        if name is None:
            raise NotFoundError("clinician_id", "is not on the roster", "name another clinician")
        if self.case is None:
            return WhyNot(name, NOT_EXPLAINED)
        try:
            ranked = self.case.shown if self.case.contributions is not None else ()
            first_other = next((each for each in ranked if each != clinician_id), None)
            why = self.case.explain(clinician_id, first_other)
        except NotFoundError:
            return WhyNot(name, FITS_BUT_LATER)
        if why.status == "excluded":
            reasons = tuple(wording.exclusion(reason) for reason in why.reasons)
            return WhyNot(name, f"{name} was left out by these rules:", reasons)
        view = ExplanationView.of(why)
        if view is None:
            return WhyNot(name, FITS_BUT_LATER)
        if why.compared_with is None:
            return WhyNot(name, f"{name} is the only clinician who fits.")
        rival = self.names.get(why.compared_with, why.compared_with)
        text = f"{name} fits. Compared with {rival}, group by group:"
        return WhyNot(name, text, explanation=view)

    def _comparison(self, one: str, other: str) -> Comparison | None:
        known = self.case.contributions.ids if self.case and self.case.contributions else ()
        if self.case is None or one not in known or other not in known:
            return None
        there, back = (
            ExplanationView.of(self.case.explain(*pair)) for pair in ((one, other), (other, one))
        )
        if there is None or back is None:
            return None
        return Comparison(self.names.get(one, one), self.names.get(other, other), there, back)


def _answer_text(practice: Practice, field: Field, answer: Any) -> str:
    if isinstance(answer, bool):
        return wording.YES if answer else wording.NO
    if field.kind == "weekly_hours":
        return wording.week(answer)
    if isinstance(answer, list | tuple):
        return ", ".join(field.label_of(str(each)) for each in answer) or wording.NONE_OF_THESE
    if field.kind == "money":
        return f"{CURRENCY_SIGNS.get(practice.currency, practice.currency)}{float(answer):.2f}"
    if isinstance(answer, int | float):
        return f"{wording.figure(answer)} {field.unit or ''}".strip()
    return field.label_of(str(answer)) if field.levels else str(answer)
