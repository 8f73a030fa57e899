"""Everything the page of one request shows, from what was stored with it."""

from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property, partial
from typing import Any
from zoneinfo import ZoneInfo

from recommender.errors import NotFoundError
from recommender.journal.recommendations import ShownRecommendation
from recommender.recommendation.recommend import CONSTRAINTS_ONLY
from recommender.recommendation.trial_orders import TRIAL
from recommender.serving.api.explanations import ExplanationCase, explanation_case
from recommender.serving.http.problems import ProblemError
from recommender.serving.schemas.recommendation_warning import ORDER_WITHDRAWN
from recommender.serving.snapshot.snapshot import ServingSnapshot
from recommender.serving.staff import wording
from recommender.serving.staff.views.answers_used import unanswered_questions, used_answers
from recommender.serving.staff.views.charts import contribution_bar, longest_line
from recommender.serving.staff.views.comparison import MOST_COMPARED, Comparison, fact_rows
from recommender.serving.staff.views.current_cards import current_cards
from recommender.serving.staff.views.exclusion_figures import reasons_with_figures
from recommender.serving.staff.views.explanation import ExplanationView
from recommender.serving.staff.views.nobody_fits import (
    OtherAnswer,
    answers_to_try,
    rules_of_everybody,
)
from recommender.serving.staff.views.open_more import nothing_to_change, relaxation_lines
from recommender.serving.staff.views.questions_to_ask import questions_to_ask
from recommender.serving.staff.views.shortlist import (
    IN_FULL,
    exclusion_lines,
    prediction_rows,
    shortlist_of,
)
from recommender.serving.staff.views.why_first import why_first
from recommender.serving.staff.views.why_not import WhyNot, fits_sentence
from recommender.serving.stored_recommendation import read_response

MAX_EXPLAINED = 5
"""Clinicians of a shortlist explained on its page; any other can be asked about."""
FITS_BUT_LATER = (
    "Fits every requirement and is free later than those shown, or as soon with a later id."
)
OF_ORDER = ("evidence_prior", "pooled_prior", "no_consent", ORDER_WITHDRAWN)
"""Codes of warnings about what the order came from."""
NOT_EXPLAINED = "The reasons can no longer be shown: the definition or the model has changed."


@dataclass(frozen=True, slots=True)
class PageQuestions:
    """Ids of a clinician to explain, and of those to compare."""

    why_not: str = ""
    compare: tuple[str, ...] = ()


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
        roster = self.state.encoding.roster
        ids = tuple(each.clinician_id for each in response.shortlist)
        current = current_cards(self.shown, practice, roster, ids, now)
        explanations = self._explanations()
        why_not = self._why_not(asked.why_not, now) if asked.why_not else None
        comparison = self._comparison(asked.compare, now)
        tables = [each for each in (comparison, why_not and why_not.comparison) if each]
        views = [view for table in tables for _, view in table.reasons]
        at = response.availability_as_of
        return {
            "bar": partial(contribution_bar, reach=longest_line(views)),
            "id": self.shown.recommendation_id,
            "client_id": self.shown.client_id,
            "mode": wording.REQUEST_MODES.get(self.shown.mode, self.shown.mode),
            "predicted": self.shown.mode not in (CONSTRAINTS_ONLY, TRIAL),
            "model": wording.model(response.model, self.zone),
            "known": wording.known(at, now, self.zone),
            "asked_on": wording.day(self.shown.asked_on),
            "zone": self.zone,
            "zone_line": wording.zone_line(practice.timezone),
            "used": used_answers(self.shown, practice, self.names),
            "unanswered": unanswered_questions(self.shown, practice),
            "to_ask": questions_to_ask(response, practice, answers),
            "current": self.shown.practice_digest == practice.digest,
            "shortlist": shortlist_of(response, practice, current),
            "in_full": IN_FULL,
            "predictions": prediction_rows(response),
            "scale": wording.scale_points(response.scale),
            "order": response.order.replace("`", ""),
            "counts": wording.counts(response.eligible, len(response.excluded)),
            "explanations": explanations,
            "explained": self.case is not None,
            "asked": asked,
            "also": [each for each in self.fitting if each[0] not in ids],
            "why_not": why_not,
            "comparison": comparison,
            "exclusions": exclusion_lines(response, self.names),
            "relaxations": relaxation_lines(response),
            "nothing_to_change": nothing_to_change(response),
            "why_first": why_first(self.shown, response, self.case, self.state),
            "nobody": not response.eligible,
            "left_everybody_out": () if response.eligible else rules_of_everybody(response),
            "to_try": self._to_try(),
            "warnings": self._warnings(),
            "listed_as": sorted(
                {each for one in response.reference_warnings for each in one.listed_as}
            ),
            "notice": response.notice,
        }

    @property
    def zone(self) -> ZoneInfo:
        """The practice's clock, which all times of the page are on."""
        return ZoneInfo(self.state.practice.timezone)

    @cached_property
    def excluded(self) -> frozenset[str]:
        """Ids of the clinicians that a rule left out."""
        return frozenset(each.clinician_id for each in self.response.excluded)

    @cached_property
    def fitting(self) -> tuple[tuple[str, str], ...]:
        """Id and name of everybody who fits, by name."""
        fitting = (each for each in self.names.items() if each[0] not in self.excluded)
        return tuple(sorted(fitting, key=lambda each: each[1]))

    def _warnings(self) -> list[str]:
        """Warnings in words, without what the reason of the first says.

        One with backquotes names fields of the response, which a page does not show.
        """
        response = self.response
        order = {each.message for each in response.warning_details if each.code in OF_ORDER}
        in_reason = order if response.shortlist else set()
        return [each for each in response.warnings if "`" not in each and each not in in_reason]

    def _to_try(self) -> tuple[OtherAnswer, ...]:
        """Other answers to try where nobody fits and no smaller change helps."""
        response, practice = self.response, self.state.practice
        as_now = self.shown.practice_digest == practice.digest
        if response.eligible or response.relaxations or not as_now:
            return ()
        return tuple(answers_to_try(self.shown, response, self.state))

    def _names(self) -> dict[str, str]:
        """Names of everybody who was on the roster, by id."""
        roster, response = self.state.encoding.roster, self.response
        ids = [each.clinician_id for each in response.excluded]
        if self.case is not None and self.case.contributions is not None:
            ids += self.case.contributions.ids
        elif response.roster_version == roster.version:
            ids += roster.ids
        called = roster.called
        names = {each: called.get(each, each) for each in ids}
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

    def _why_not(self, clinician_id: str, now: datetime) -> WhyNot:
        name = self.names.get(clinician_id)
        if name is None:
            raise NotFoundError("clinician_id", "is not on the roster", "name another clinician")
        if self.case is None:
            return WhyNot(name, NOT_EXPLAINED)
        for each in self.response.excluded:
            if each.clinician_id == clinician_id:
                reasons = reasons_with_figures(each, self.shown, self.state)
                return WhyNot(name, f"{name} was left out by these rules:", reasons)
        if self.case.contributions is None:
            return WhyNot(name, FITS_BUT_LATER)
        first = next((each for each in self.case.shown if each != clinician_id), None)
        if first is None:
            return WhyNot(name, f"{name} is the only clinician who fits.")
        text = fits_sentence(self.case, self.names, clinician_id, first)
        return WhyNot(name, text, comparison=self._comparison((clinician_id, first), now))

    def _comparison(self, ids: tuple[str, ...], now: datetime) -> Comparison | None:
        """Clinicians who fit side by side; None where fewer than two can be compared."""
        fitting = (each for each in dict.fromkeys(ids) if each not in self.excluded)
        ids = tuple(fitting)[:MOST_COMPARED]
        if len(ids) < 2 or self.case is None:
            return None
        roster = self.state.encoding.roster
        current = current_cards(self.shown, self.state.practice, roster, ids, now)
        stored = {each.clinician_id: each.card for each in self.response.shortlist}
        cards = {
            each: card.model_copy(update={"next_times": now_at.next_times})
            for each, now_at in current.items()
            if (card := stored.get(each) or now_at) is not None
        }
        if len(cards) < 2:
            return None
        people = tuple((each, self.names.get(each, each)) for each in cards)
        first, *others = cards
        known = () if self.case.contributions is None else self.case.contributions.ids
        pairs = [each for each in others if first in known and each in known]
        views = ((each, ExplanationView.of(self.case.explain(first, each))) for each in pairs)
        return Comparison(
            people,
            fact_rows(tuple(cards.values()), self.state.practice),
            tuple((self.names.get(each, each), view) for each, view in views if view is not None),
        )
