"""No relaxation brings anybody further than the bound that decides whom to look at."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from recommender.features.pipeline import Pairs
from recommender.plan.compiling import plan_for
from recommender.practice.columns import Columns
from recommender.recommendation.ranking import CLEAR_LEAD
from recommender.recommendation.recommend import read_intake
from recommender.recommendation.relaxation_bounds import may_lead, most_after_relaxation
from recommender.recommendation.stated_scores import score_stated
from recommender.screening.changes import ScreenedRequest
from recommender.screening.relaxation import changed, relaxations
from recommender.screening.screen import request_context_of, screen
from tests.support.builders import DAY, THERAPIES
from tests.support.relaxable_practice import HOME, a_large_roster, everything


def a_request(**answers: object) -> ScreenedRequest:
    practice, roster = everything().practice, a_large_roster()
    given = {"concern": "anxiety", "directive": 4, "agrees": True, "home": HOME, **answers}
    intake = read_intake(practice, given)
    screening = screen(practice, intake.client, None, roster, DAY)
    context = request_context_of(practice, None, roster.ids, DAY)
    return ScreenedRequest(practice, intake.client, context, roster.columns, screening)


@pytest.mark.parametrize("weight", [0.0, 0.5])
@given(
    fee=st.sampled_from([100, 160, 220, 300]),
    km=st.sampled_from([1, 5, 15, 40]),
    day=st.sampled_from(["mon 09:00-12:00", "thu 17:00-20:00", "sat 09:00-11:00"]),
    wanted=st.lists(st.sampled_from(THERAPIES), min_size=1, unique=True),
)
def test_whoever_a_relaxation_admits_is_no_further_ahead_than_the_bound_says(
    weight: float, fee: int, km: int, day: str, wanted: list[str]
) -> None:
    model = replace(everything(), tree_weight=weight)
    encoding = model.encode_roster(a_large_roster())
    request = a_request(max_fee=fee, max_km=km, free=day, wanted=wanted)
    stated = score_stated(request, plan_for(model, encoding))
    most, _ = most_after_relaxation(request, stated)
    excluded = slice(stated.eligible, None)
    bound = dict(
        zip(
            stated.pairs.clinician[excluded].tolist(),
            stated.pairs.scores.pairing[excluded] + most,
            strict=True,
        )
    )

    for each in relaxations(request):
        pairs = Pairs(np.zeros(len(each.admits), dtype=np.intp), each.admits)
        after = model.score(changed(request, each.changes), encoding, pairs).pairing
        for place, pairing in zip(each.admits.tolist(), after.tolist(), strict=True):
            assert pairing <= bound[place] + 1e-9


@given(
    fee=st.sampled_from([100, 160, 220, 300]),
    day=st.sampled_from(["mon 09:00-12:00", "thu 17:00-20:00", "sat 09:00-11:00"]),
    wanted=st.lists(st.sampled_from(THERAPIES), min_size=1, unique=True),
)
def test_a_clinician_who_would_be_ahead_or_clearly_ahead_is_found(
    fee: int, day: str, wanted: list[str]
) -> None:
    model = everything()
    encoding = model.encode_roster(a_large_roster())
    request = a_request(max_fee=fee, free=day, wanted=wanted)
    stated = score_stated(request, plan_for(model, encoding))
    assume(stated.first is not None)
    leaders = may_lead(request, stated)
    first = stated.pairs.clinician[stated.first]

    for each in relaxations(request):
        clients = Columns.concatenate([changed(request, each.changes), request.client])
        one = np.arange(len(each.admits))
        pairs = Pairs(np.append(0 * one, 1), np.append(each.admits, first))
        prepared = model.prepare(clients, encoding, pairs)
        ahead = model.ahead(prepared, one, np.full(len(one), len(one)))
        assert set(each.admits[ahead >= CLEAR_LEAD]) <= set(leaders.clear)
        if len(leaders.clear):
            assert set(each.admits[ahead > 0.5]) <= set(leaders.ahead)
