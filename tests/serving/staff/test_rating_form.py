"""What the page of a pairing says of a rating that may be on another metric."""

from datetime import date

import pytest

from recommender.journal.ratings import Rating
from recommender.practice.definition import read_practice
from recommender.serving.staff.views.rating_form import metric_doubt
from tests.support.builders import DEFINITION

PRACTICE = read_practice(
    DEFINITION.read_text(encoding="utf-8").replace('["wai_sr"]', '["wai_sr", "srs_v3"]', 1)
)


def rated(instrument: str, metric: str, score: float, rater: str = "client") -> Rating:
    return Rating("p1", 3, instrument, metric, score, date(2026, 11, 20), rater=rater)


def test_a_client_who_gave_9_5_of_10_is_not_called_unhappy_before_the_entry_is_checked() -> None:
    assert metric_doubt([rated("srs_v3", "sum", 9.5)], PRACTICE) == (
        "The score of session 3 was entered as “Sum of the items” and also fits “Mean of the "
        "items” (0 to 10): first check which of them it is."
    )


@pytest.mark.parametrize(
    "rating",
    [
        rated("srs_v3", "sum", 36),
        rated("srs_v3", "mean", 9.5),
        rated("wai_sr", "sum", 12),
        rated("srs_v3", "sum", 9.5, rater="clinician"),
    ],
)
def test_a_score_that_fits_one_metric_is_not_doubted(rating: Rating) -> None:
    assert metric_doubt([rating], PRACTICE) == ""
