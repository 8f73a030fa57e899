"""Whatever was learned, two clinicians compared are opposite to the last digit."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from recommender.serving.api.explanations import ExplanationCase
from recommender.serving.schemas.responses import RecommendationResponse, ShownClinician
from recommender.serving.staff.views.explanation import ExplanationView
from recommender.serving.stored_recommendation import StoredContributions
from tests.support.builders import a_model, a_practice

IDS = ("k01", "k02", "k03")
FEATURES = a_model().pipeline.features
POINTS = st.floats(-3, 3, allow_nan=False) | st.sampled_from([0.0, 0.005, -0.005, 0.015, 1e-7])


def a_case(values: NDArray[np.float64]) -> ExplanationCase:
    names = tuple(feature.name for feature in FEATURES)
    explained = StoredContributions(names, IDS, values, np.zeros_like(values), np.zeros(len(IDS)))
    shortlist = tuple(
        ShownClinician.model_construct(clinician_id=each, rank=rank, predicted_alliance=4.0)
        for rank, each in enumerate(IDS, 1)
    )
    response = RecommendationResponse.model_construct(shortlist=shortlist, excluded=())
    return ExplanationCase(a_practice(), FEATURES, response, explained)


def figures(case: ExplanationCase, one: str, other: str) -> list[int]:
    why = ExplanationView.of(case.explain(one, other))
    assert why is not None
    lines = [group.line.hundredths for group in why.groups]
    assert sum(lines) == why.total.hundredths
    for group in why.groups:
        rest = group.rest.hundredths if group.rest else 0
        assert sum(part.hundredths for part in group.parts) + rest == group.line.hundredths
    return [*lines, why.total.hundredths]


@given(
    st.lists(POINTS, min_size=len(IDS) * len(FEATURES), max_size=len(IDS) * len(FEATURES)).map(
        lambda points: np.array(points).reshape(len(IDS), len(FEATURES))
    )
)
def test_the_reverse_comparison_has_the_opposite_figures(values: NDArray[np.float64]) -> None:
    case = a_case(values)
    for one, other in (("k01", "k02"), ("k02", "k03"), ("k03", "k01")):
        there, back = figures(case, one, other), figures(case, other, one)
        assert there == [-each for each in back]
