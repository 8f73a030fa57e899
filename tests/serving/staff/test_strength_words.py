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
from recommender.serving.staff.views.shortlist import ONLY_ONE, tie_groups
from tests.support.strategies import cases

DESCENDING = [
    "Clearly above the average clinician who fits",
    "Somewhat above the average clinician who fits",
    "About the average clinician who fits",
    "Somewhat below the average clinician who fits",
    "Clearly below the average clinician who fits",
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
    groups = tie_groups(answer_of(points, ranking.ties, top_k))
    words = [card.strength for group in groups for card in group.cards]
    if len(pairing) == 1:
        assert words == [ONLY_ONE]
        return
    places = [DESCENDING.index(each) for each in words]
    assert places == sorted(places)
    assert all(len({card.strength for card in group.cards}) == 1 for group in groups)
