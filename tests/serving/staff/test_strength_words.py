"""The words for how strong a clinician is never contradict the order they are shown in."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from recommender.features.feature import Array
from recommender.recommendation.ranking import Places, ranking_of
from recommender.serving.schemas.responses import (
    AllianceScale,
    GroupPoints,
    RecommendationResponse,
    ShownClinician,
)
from recommender.serving.staff import wording
from recommender.serving.staff.views.shortlist import strengths_of
from tests.support.strategies import cases

DESCENDING = [
    "Clearly above average",
    "Somewhat above average",
    "About average",
    "Somewhat below average",
    "Clearly below average",
]


def answer_of(points: Array, ties: Places, top_k: int) -> RecommendationResponse:
    """A response with clinicians of these points above the average, in this order."""
    shown = tuple(
        ShownClinician(
            rank=rank,
            clinician_id=f"k{rank}",
            name=f"Clinician {rank}",
            predicted_alliance=4.0,
            range=None,
            reasons=(),
            groups=(GroupPoints(group="style", phrase="Style", points=lead),),
            reservations=(),
            tie=tie,
            tie_text=None,
        )
        for rank, (lead, tie) in enumerate(zip(points, ties, strict=True), 1)
    )
    scale = AllianceScale(instrument="wai_sr", metric="mean", low=1.0, high=5.0)
    return RecommendationResponse.model_construct(
        shortlist=shown[:top_k], scale=scale, eligible=len(shown)
    )


@given(cases(), st.integers(1, 12))
def test_words_fall_with_the_ranks_and_are_the_same_for_all_of_a_tie(
    case: tuple[Array, Array, Places], top_k: int
) -> None:
    pairing, leads, reservations = case
    ranking = ranking_of(np.arange(len(pairing)), pairing, leads, reservations)
    points = (pairing - pairing.mean())[ranking.places]
    response = answer_of(points, ranking.ties, top_k)
    words = strengths_of(response)
    if len(pairing) <= 2:
        assert not any(words)
        return
    places = [DESCENDING.index(each) for each in words]
    assert places == sorted(places)
    ties = {each.tie for each in response.shortlist}
    by_tie = {(each.tie, word) for each, word in zip(response.shortlist, words, strict=True)}
    assert len(by_tie) == len(ties)


def test_the_words_for_a_lead_grow_with_its_probability() -> None:
    words = [wording.ahead(each / 100, "K. Fig") for each in (41, 60, 80, 95)]
    assert words == [
        "About even with K. Fig",
        "A little ahead of K. Fig",
        "Clearly ahead of K. Fig",
        "Almost certainly ahead of K. Fig",
    ]


def test_ties_are_named_once_for_the_whole_list() -> None:
    assert wording.ties([(1, 5)], everybody=True).startswith("All 5 are too close to call")
    assert wording.ties([(1, 2)], everybody=True).startswith("The two are too close to call")
    two = wording.ties([(1, 3), (4, 5)], everybody=False)
    assert two.startswith("1 to 3 are too close to call, and so are 4 and 5.")
