"""A stored request beside the present roster, and which rules speak against a clinician."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import cast

import numpy as np

from recommender.journal.recommendations import ShownRecommendation
from recommender.practice.columns import Columns
from recommender.practice.definition import Practice
from recommender.recommendation.recommend import read_intake
from recommender.recommendation.rule_figures import reason_text
from recommender.screening.codes import FAILED
from recommender.screening.layout import Modes
from recommender.screening.screen import screen
from recommender.screening.screening import Screening
from recommender.serving.schemas.responses import StatedReason, stated_reason
from recommender.serving.snapshot.snapshot import ServingSnapshot
from recommender.serving.stored_recommendation import read_response
from recommender.tables.roster import Roster, snapshot

NEVER_OVERRIDDEN = ("safety", "legal", "registration", "consent", "conflict")
"""Families of rules against which nobody is chosen. Who pays, a wish or a time may be overridden
for a reason; a client who is not safe with somebody, or avoids them, is not asked to agree."""


@dataclass(frozen=True, slots=True, eq=False)
class PresentClinicians:
    """The client of a request, one row, and those of some clinicians who are on the roster."""

    client: Columns
    roster: Roster
    screening: Screening


def present_clinicians(
    shown: ShownRecommendation, practice: Practice, roster: Roster, ids: tuple[str, ...]
) -> PresentClinicians | None:
    """Some clinicians screened for a stored request, by the present roster.

    None where none of them is on it, or the practice definition has changed since the request.
    """
    places = {each: place for place, each in enumerate(roster.ids)}
    known = [each for each in dict.fromkeys(ids) if each in places]
    if shown.practice_digest != practice.digest or not known:
        return None
    rows = np.array([places[each] for each in known], dtype=np.intp)
    names = [roster.name_of(places[each]) for each in known]
    part = snapshot(known, names, roster.columns.take(rows), roster.taken_at)
    client = read_intake(practice, shown.answers).client
    modes = cast("Modes", shown.modes)
    screening = screen(practice, client, shown.client_id, part, shown.asked_on, modes)
    return PresentClinicians(client, part, screening)


@dataclass(frozen=True, slots=True)
class RulesAgainst:
    """Rules of a request that a clinician does not meet.

    `never` are hard ones of a family in `NEVER_OVERRIDDEN`, `hard` the other hard ones, and `soft`
    those soft ones that are known not to be met.
    """

    never: tuple[StatedReason, ...]
    hard: tuple[StatedReason, ...]
    soft: tuple[StatedReason, ...]

    @classmethod
    def of(cls, hard: Iterable[StatedReason], soft: Iterable[StatedReason] = ()) -> "RulesAgainst":
        """Rules by whether they may be overridden."""
        hard = tuple(hard)
        never = tuple(each for each in hard if each.family in NEVER_OVERRIDDEN)
        return cls(never, tuple(each for each in hard if each not in never), tuple(soft))


def rules_against(
    shown: ShownRecommendation, state: ServingSnapshot, clinician_id: str
) -> RulesAgainst:
    """The rules of a request that speak against one clinician now, with figures.

    Where the definition has changed since the request or the clinician left the roster, those that
    excluded them then.
    """
    found = present_clinicians(shown, state.practice, state.encoding.roster, (clinician_id,))
    if found is None:
        excluded = read_response(shown.response).excluded
        return RulesAgainst.of(
            reason
            for each in excluded
            if each.clinician_id == clinician_id
            for reason in each.reasons
        )
    screening = found.screening
    codes = zip(screening.constraints, screening.cautioning[:, 0].tolist(), strict=True)
    failed = {constraint.name for constraint, code in codes if code == FAILED}
    hard = [each for one in screening.exclusions for each in one.reasons]
    soft = [each for one in screening.cautions for each in one.reasons if each.constraint in failed]
    return RulesAgainst.of(
        *(with_figures(stated_reason(tuple(some)), found, state.practice) for some in (hard, soft))
    )


def with_figures(
    reasons: Iterable[StatedReason], found: PresentClinicians, practice: Practice
) -> tuple[StatedReason, ...]:
    """Reasons against the one clinician, with figures where their rule has any.

    An unknown has none; a reason in other words than declared has its own figures already.
    """
    return tuple(each.model_copy(update={"text": _text(each, found, practice)}) for each in reasons)


def _text(reason: StatedReason, found: PresentClinicians, practice: Practice) -> str:
    constraint = practice.constraints[reason.constraint]
    if reason.unknown or reason.text != constraint.say:
        return reason.text
    context, columns = found.screening.context, found.roster.columns
    return reason_text(practice, constraint, found.client, columns, context, 0)
