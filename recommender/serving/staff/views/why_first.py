"""Why the first clinician of a list is first: one sentence about the first and the second.

It names only what the order came from: a criterion that decided between the two, and matches in
which the second is behind and which lower their prediction.
"""

import numpy as np

from recommender.journal.recommendations import ShownRecommendation
from recommender.model.alliance_model import EVIDENCE_PRIOR, POOLED_PRIOR
from recommender.recommendation.fact_text import date_of
from recommender.recommendation.ranking import EVEN_LEAD, TieBreak
from recommender.recommendation.recommend import CONSTRAINTS_ONLY
from recommender.recommendation.trial_orders import TRIAL
from recommender.serving.api.explanations import ExplanationCase
from recommender.serving.present_clinicians import present_clinicians
from recommender.serving.schemas.recommendation_warning import ORDER_WITHDRAWN
from recommender.serving.schemas.responses import (
    TIE_BREAK_TEXTS,
    RecommendationResponse,
    ShownClinician,
)
from recommender.serving.snapshot.snapshot import ServingSnapshot
from recommender.serving.staff import wording

REASONS = 2
"""Matches named in which somebody is behind."""
DECIDED: dict[TieBreak, str] = {
    "reservations": "who has more cautions",
    "last_places": "whose last places are for clients whose needs few meet",
    "lot": "and the order was drawn by lot",
    "alliance": "and a slightly higher predicted alliance decides",
    "id": "and nothing but their ids decides",
}
"""What ranks the second of two that are about even behind the first."""
SOURCES = {
    EVIDENCE_PRIOR: "by published research, ",
    POOLED_PRIOR: "by published research and ratings of other practices, ",
}
"""What an order came from where it was not ratings of this practice."""


def why_first(
    shown: ShownRecommendation,
    response: RecommendationResponse,
    case: ExplanationCase | None,
    state: ServingSnapshot,
) -> str:
    """The sentence, without the name of the first, which the page writes before it.

    Empty where nobody is shown.
    """
    if not response.shortlist:
        return ""
    if response.eligible == 1:
        return "nobody else fits."
    first, *others = response.shortlist
    if response.mode == TRIAL:
        return f"the first of {response.eligible} who fit, in an order that is under study."
    by_rules = response.mode == CONSTRAINTS_ONLY
    if not others:
        by = "next free day" if by_rules else "prediction"
        return f"the first of {response.eligible} who fit, by {by}; only one was asked for."
    if by_rules:
        why = "without consent to a personalised order"
        if any(each.code == ORDER_WITHDRAWN for each in response.warning_details):
            why = "with predicted order withdrawn after a trial"
        return f"{why}, {_by_day(shown, response, state)}."
    source = SOURCES.get(response.mode, "")
    return f"{source}{beside(first, others[0], _behind(case, first, others[0]))}."


def beside(first: ShownClinician, second: ShownClinician, behind: str) -> str:
    """How the first compares with the second, and what decided their order.

    `behind` is a clause that follows the name of the second: in what their prediction is lower.
    """
    lead, name = first.ahead_of_next, second.name
    tied = first.tie == second.tie
    decided = _decided_by(second) if tied else None
    if tied and decided is None:
        return f"too close to {name} to call"
    if decided == "alliance" and lead is not None and lead >= EVEN_LEAD:
        return f"a little ahead of {name}{behind}; too close to call"
    if decided is not None:
        return f"about even with {name}, {DECIDED[decided]}"
    how = f"predicted above {name}" if lead is None else wording.ahead(lead, name)
    return f"{wording.small(how)}{behind}"


def _decided_by(second: ShownClinician) -> TieBreak | None:
    """What ranked the second behind the first; None where it is not stored."""
    stored = second.tie_text or ""
    return next((each for each, text in TIE_BREAK_TEXTS.items() if stored.endswith(text)), None)


def _behind(case: ExplanationCase | None, first: ShownClinician, second: ShownClinician) -> str:
    """In what the second is behind, as a clause that follows their name; may be empty."""
    if case is None or case.contributions is None:
        return ""
    words = case.behind(second.clinician_id, first.clinician_id)[:REASONS]
    return f", who {wording.listed(words)}" if words else " in all points together"


def _by_day(
    shown: ShownRecommendation, response: RecommendationResponse, state: ServingSnapshot
) -> str:
    """The next free days of the first two, while the roster is the one they were listed by."""
    practice, roster = state.practice, state.encoding.roster
    first, second, *_ = response.shortlist
    ids = first.clinician_id, second.clinician_id
    found = present_clinicians(shown, practice, roster, ids)
    day_field = practice.first_session.clinician
    if found is None or day_field is None or response.roster_version != roster.version:
        return "by next free day"
    known = ~np.isnan(found.roster.columns[day_field])
    own, other = (
        wording.day(date_of(day)) if is_known else ""
        for day, is_known in zip(found.screening.first_sessions.tolist(), known, strict=True)
    )
    if own != other:
        return f"by next free day: {own}, {second.name} {other or 'not recorded'}"
    if not own:
        return "by id, as no next free day is recorded"
    return f"by next free day, {own} like {second.name}, then by id"
