"""One request as staff read it, from what was shown and kept. Imported by `staff.telling`."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any
from zoneinfo import ZoneInfo

from recommender.errors import NotFoundError
from recommender.journal.recommendations import ShownRecommendation
from recommender.recommendation.recommend import CONSTRAINTS_ONLY
from recommender.serving.api.explanations import ExplanationCase, explanation_case
from recommender.serving.http.problems import ProblemError
from recommender.serving.services.stored_recommendation import current_body
from recommender.serving.snapshot.snapshot import ServingSnapshot
from recommender.serving.staff import wording
from recommender.serving.staff.views.answers import answers_used, open_questions
from recommender.serving.staff.views.contribution_chart import contribution_chart, reach_of
from recommender.serving.staff.views.exclusions import exclusion_lines, relaxation_lines, to_ask
from recommender.serving.staff.views.explanation import ExplanationView
from recommender.serving.staff.views.next_times import next_free
from recommender.serving.staff.views.shortlist import ROW, WIDTH, marks_of, ties_of

EXPLAINED = 5
"""Clinicians of a shortlist explained on its page; any other is one question away."""
IN_FULL = 10
"""Clinicians of a shortlist whose next times are all told; of those below, the first."""


@dataclass(frozen=True, slots=True)
class PageQuestions:
    """Whom a reader asks about, each empty where they do not.

    `why_not` is one clinician; `one` and `other` are to be compared. `before` is the request this
    one changes something of.
    """

    why_not: str = ""
    one: str = ""
    other: str = ""
    before: str = ""


@dataclass(frozen=True, slots=True)
class WhyNot:
    """Why one clinician is not the first: what excluded them, or what sets them apart."""

    name: str
    said: str
    reasons: tuple[str, ...] = ()
    why: ExplanationView | None = None


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two clinicians side by side, seen from either."""

    one: str
    other: str
    there: ExplanationView
    back: ExplanationView


class RequestView:
    """What the page of one request needs."""

    def __init__(self, shown: ShownRecommendation, state: ServingSnapshot) -> None:
        self.shown, self.state = shown, state
        self.response: Mapping[str, Any] = json.loads(current_body(shown.response))
        self.case = _case(shown, state)
        self.names = self._names()

    def render(self, asked: PageQuestions, now: datetime) -> dict[str, Any]:
        """Everything the template shows."""
        whys, why_not = self._whys(), self._why_not(asked.why_not) if asked.why_not else None
        comparison = self._comparison(asked.one, asked.other)
        practice, response = self.state.practice, self.response
        ids = {each["clinician_id"] for each in response["excluded"]}
        eligible = {each: name for each, name in self.names.items() if each not in ids}
        left_open = open_questions(practice, self.shown.answers)
        return {
            "bars": partial(contribution_chart, reach=reach_of(_all(whys, why_not, comparison))),
            "id": self.shown.recommendation_id,
            "names": self.names,
            "in_full": IN_FULL,
            "free": next_free(self.shown, practice, self.state.encoding.roster, now),
            "shown": tuple((each["clinician_id"], each["name"]) for each in response["shortlist"]),
            "mode": wording.REQUEST_MODES.get(self.shown.mode, self.shown.mode),
            "predicted": self.shown.mode != CONSTRAINTS_ONLY,
            "made": wording.made(response["model"]),
            "known": self._known(now),
            "asked_on": wording.day(self.shown.asked_on),
            "used": answers_used(practice, self.shown.answers),
            "open": left_open,
            "to_ask": to_ask(response, practice, self.shown.answers),
            "current": self.shown.practice_digest == practice.digest,
            "unanswered": wording.unanswered(len(left_open), len(self.state.form.fields)),
            "ties": ties_of(response),
            "marks": marks_of(response),
            "picture": (WIDTH, ROW * len(response["shortlist"])),
            "scale": wording.scale(response["scale"]),
            "order": wording.plain_order(response["order"]),
            "counts": wording.counts(response["eligible"], len(response["excluded"])),
            "whys": whys,
            "explained": self.case is not None,
            "excluded": sorted(
                ((each, self.names[each]) for each in ids), key=lambda each: each[1]
            ),
            "eligible": sorted(eligible.items(), key=lambda each: each[1]),
            "asked": asked,
            "why_not": why_not,
            "comparison": comparison,
            "compared": bool(asked.one and asked.other),
            "removals": exclusion_lines(response, self.names),
            "openings": relaxation_lines(response),
            "warnings": wording.told_of(response["warnings"]),
            "notice": response["notice"],
        }

    def _names(self) -> dict[str, str]:
        """What everybody is called who was on the roster, by id."""
        roster = self.state.encoding.roster
        called = roster.called
        explained = self.case.contributions if self.case else None
        same = self.response["roster_version"] == roster.version
        ids = [each["clinician_id"] for each in self.response["excluded"]]
        ids += explained.ids if explained else roster.ids if same else ()
        names = {each: called.get(each, each) for each in ids}
        return names | {each["clinician_id"]: each["name"] for each in self.response["shortlist"]}

    def _known(self, now: datetime) -> str:
        at = datetime.fromisoformat(self.response["availability_as_of"])
        return wording.known(at.astimezone(ZoneInfo(self.state.practice.timezone)), now - at)

    def _whys(self) -> tuple[tuple[str, ExplanationView], ...]:
        """Why each of the first stands where they stand."""
        if self.case is None:
            return ()
        found = [
            (self.names[each], ExplanationView.of(self.case.explain(each, None)))
            for each in self.case.shown[:EXPLAINED]
        ]
        return tuple((name, why) for name, why in found if why is not None)

    def _why_not(self, clinician_id: str) -> WhyNot:
        name = self.names.get(clinician_id)
        if name is None:
            raise NotFoundError("clinician_id", "is not on the roster", "name another clinician")
        if self.case is None:
            return WhyNot(name, wording.NOT_EXPLAINED)
        try:
            told = self.case.explain(clinician_id, self._rival(clinician_id))
        except NotFoundError:
            return WhyNot(name, wording.FITS_BUT_LATER)
        reasons = tuple(wording.excluding(reason.text, reason.unknown) for reason in told.reasons)
        if told.status == "excluded":
            return WhyNot(name, wording.left_out(name), reasons)
        why = ExplanationView.of(told)
        if why is None:
            return WhyNot(name, wording.FITS_BUT_LATER)
        rival = self.names.get(told.compared_with or "", "")
        return WhyNot(name, wording.contrasted(name, rival), (), why)

    def _rival(self, clinician_id: str) -> str | None:
        """Whoever stands first, or second where the first is asked about."""
        shown = [] if self.case is None or not self.case.contributions else self.case.shown
        return next((each for each in shown if each != clinician_id), None)

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


def _all(
    whys: tuple[tuple[str, ExplanationView], ...],
    why_not: WhyNot | None,
    comparison: Comparison | None,
) -> tuple[ExplanationView, ...]:
    """Every explanation on the page."""
    found = [why for _, why in whys]
    found += [why_not.why] if why_not and why_not.why else []
    found += [comparison.there, comparison.back] if comparison else []
    return tuple(found)


def _case(shown: ShownRecommendation, state: ServingSnapshot) -> ExplanationCase | None:
    """What explains it; None where the model's words are no longer known."""
    try:
        return explanation_case(shown, state)
    except ProblemError:
        return None
