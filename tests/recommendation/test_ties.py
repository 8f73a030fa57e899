"""Ties across the whole request: who cannot be told apart, and in what order they stand."""

from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from recommender.model.alliance_model import AllianceModel
from recommender.model.evidence_prior import evidence_model
from recommender.recommendation.ranking import CLEAR_LEAD, EVEN_LEAD
from recommender.recommendation.recommend import Recommendation, recommend
from recommender.recommendation.shortlists import MAX_TOP_K, ShortlistEntry
from recommender.tables.roster import Roster, snapshot
from tests.support.builders import DAY, TAKEN_AT, a_model, a_practice, a_roster, an_intake, as_sure

SLOWLY = settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.too_slow])
# Some clinicians share no hour with this client, which is a reservation and excludes nobody.
FREE = "tue 09:00-12:00"


def asked(model: AllianceModel, roster: Roster | None = None, **answers: Any) -> Recommendation:
    """As many as can be shown, to a client with these answers."""
    encoding = model.encode_roster(roster or a_roster())
    return recommend(an_intake(**answers), encoding, model, day=DAY, top_k=MAX_TOP_K)


def a_first_day() -> AllianceModel:
    roster = a_roster()
    return evidence_model(
        a_practice(), roster.columns, roster.ids, data_digest="none", created_at=""
    )


def keeps_the_rule(before: ShortlistEntry, after: ShortlistEntry) -> bool:
    """Whether two who stand one after the other do so for what is said."""
    held = len(after.reservations) - len(before.reservations)
    assert before.ahead is not None
    assert before.predicted is not None
    assert after.predicted is not None
    if after.tie_broken_by == "reservations":
        return held > 0 and 1 - EVEN_LEAD < before.ahead < EVEN_LEAD
    if after.tie_broken_by == "id":
        return held == 0 and before.ahead == 0.5
    return before.predicted >= after.predicted


@SLOWLY
@given(
    directive=st.integers(-10, 10),
    wanted=st.lists(st.sampled_from(["act", "cbt", "emdr"]), unique=True),
    free=st.sampled_from([FREE, "mon 09:00-12:00", "sun 06:00-07:00"]),
)
def test_the_order_shown_follows_the_rule_and_its_ties_are_numbered_from_one(
    directive: int, wanted: list[str], free: str
) -> None:
    shortlist = asked(a_model(), directive=directive, wanted=wanted, free=free).shortlist
    ties = [shown.tie for shown in shortlist]

    assert sorted(set(ties)) == list(range(1, len(set(ties)) + 1))  # type: ignore[type-var]
    for shown, following in pairwise(shortlist):
        assert keeps_the_rule(shown, following)
        assert shown.ahead is not None
        assert shown.tie != following.tie or shown.ahead < CLEAR_LEAD
        assert (following.tie_broken_by is None) == (shown.tie != following.tie)
    assert shortlist[-1].ahead is None
    assert shortlist[0].tie_broken_by is None


def test_a_model_without_doubt_ties_nobody_and_lets_no_reservation_move_anybody() -> None:
    shortlist = asked(as_sure(0.0), free=FREE).shortlist
    predicted = [shown.predicted for shown in shortlist]
    held = [len(shown.reservations) for shown in shortlist]

    assert [shown.tie for shown in shortlist] == list(range(1, len(shortlist) + 1))
    assert [shown.ahead for shown in shortlist] == [1.0] * (len(shortlist) - 1) + [None]
    assert predicted == sorted(predicted, reverse=True)  # type: ignore[type-var]
    assert held != sorted(held)


def test_a_model_that_knows_next_to_nothing_ties_everybody_and_reservations_order_them() -> None:
    shortlist = asked(as_sure(1e4), free=FREE).shortlist
    predicted = [shown.predicted for shown in shortlist]
    held = [len(shown.reservations) for shown in shortlist]

    assert {shown.tie for shown in shortlist} == {1}
    assert held == sorted(held)
    assert len(set(held)) > 1
    assert predicted != sorted(predicted, reverse=True)  # type: ignore[type-var]
    assert [shown.tie_broken_by for shown in shortlist].count("reservations") == 1


def test_two_clinicians_alike_tie_at_one_half_and_stand_by_id() -> None:
    twins = a_roster().columns.take(np.repeat(3, 2))
    roster = snapshot(("twin1", "twin2"), (None, None), twins, TAKEN_AT)
    one, other = asked(a_model(), roster).shortlist

    assert (one.clinician_id, other.clinician_id) == ("twin1", "twin2")
    assert (one.tie, other.tie) == (1, 1)
    assert one.ahead == 0.5
    assert (one.tie_broken_by, other.tie_broken_by) == (None, "id")


def test_declared_sizes_alone_tie_more_than_ratings_do() -> None:
    learned, declared = asked(a_model()).shortlist, asked(a_first_day()).shortlist

    assert len({shown.tie for shown in declared}) < len({shown.tie for shown in learned})
    assert [shown.tie for shown in declared[:3]] == [1, 1, 1]


def test_how_sure_a_lead_is_does_not_depend_on_who_else_is_there() -> None:
    for one, other in pairwise(asked(a_model()).shortlist):
        roster = a_roster()
        rows = np.array([roster.ids.index(each.clinician_id) for each in (one, other)])
        pair = snapshot(
            [one.clinician_id, other.clinician_id],
            (None, None),
            roster.columns.take(rows),
            TAKEN_AT,
        )
        leads = {shown.clinician_id: shown.ahead for shown in asked(a_model(), pair).shortlist}
        lead = leads[one.clinician_id]
        assert lead is not None
        assert lead == pytest.approx(one.ahead, abs=1e-5)


def test_where_nothing_is_predicted_nobody_ties() -> None:
    shortlist = asked(a_model(), agrees=False).shortlist

    assert shortlist
    assert {(shown.tie, shown.ahead, shown.tie_broken_by) for shown in shortlist} == {(None,) * 3}
