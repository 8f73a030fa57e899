"""Which matches matter is said in words that own ratings alone decide."""

from dataclasses import replace

import pytest

from recommender.model.evaluation_report import (
    Estimate,
    EvaluationReport,
    MatchEstimate,
    MatchEstimates,
)
from recommender.model.match_sizes import (
    AGAINST,
    NO_RATING,
    NO_SIZES,
    NOT_SHOWN,
    SHOWN,
    match_sizes,
    without_sizes,
)
from recommender.practice.definition import Practice
from tests.support.builders import a_practice

EXPECTED = Estimate(value=0.2, low=0.05, high=0.35)


def sizes_of(practice: Practice, *own: Estimate) -> EvaluationReport:
    by_match = [
        MatchEstimate(
            match=name, expected=EXPECTED, own=each, size=each if each.value else EXPECTED
        )
        for name, each in zip(practice.matches, own, strict=False)
    ]
    return EvaluationReport(matches=MatchEstimates(alliance_sd=0.5, by_match=tuple(by_match)))


@pytest.mark.parametrize(
    ("own", "status"),
    [
        (Estimate(value=0.2, low=0.1, high=0.3), SHOWN),
        (Estimate(value=0.1, low=-0.1, high=0.3), NOT_SHOWN),
        (Estimate(value=-0.2, low=-0.3, high=-0.1), AGAINST),
        (Estimate(), NO_RATING),
    ],
)
def test_a_match_is_shown_by_own_ratings_alone(own: Estimate, status: str) -> None:
    practice = a_practice()
    (found,) = match_sizes(sizes_of(practice, own), practice)
    assert found.status == status


def test_the_source_of_what_was_expected_names_the_practices_it_started_from() -> None:
    practice = a_practice()
    sizes = sizes_of(practice, Estimate())
    (alone,), (pooled,) = match_sizes(sizes, practice), match_sizes(sizes, practice, ["River"])
    assert pooled.source == f"other practices (River); {alone.source}"


def test_the_largest_size_comes_first_whatever_its_sign() -> None:
    practice = a_practice()
    small, large = Estimate(value=0.1, low=0.0, high=0.2), Estimate(value=-0.4, low=-0.5, high=-0.3)
    found = match_sizes(sizes_of(practice, small, large), practice)
    assert [abs(each.size.value or 0) for each in found] == [0.4, 0.1]


def test_above_zero_speaks_for_the_words_of_the_match() -> None:
    practice = a_practice()
    name, match = next(iter(practice.matches.items()))
    practice = replace(practice, matches={name: replace(match, direction="down")})
    (found,) = match_sizes(sizes_of(practice, Estimate(value=-0.2, low=-0.3, high=-0.1)), practice)
    assert (found.size.value, found.size.low, found.size.high) == (0.2, 0.1, 0.3)


def test_sizes_are_in_points_and_in_standard_deviations() -> None:
    practice = a_practice()
    own = Estimate(value=0.2, low=0.1, high=0.3)
    (found,) = match_sizes(sizes_of(practice, own), practice)
    facts = found.to_dict()["own"]
    assert facts["points"]["value"] == 0.2
    assert facts["sd"]["value"] == pytest.approx(0.4)


def test_a_model_trained_before_sizes_were_measured_says_so() -> None:
    report = EvaluationReport.from_json('{"mode": "model", "rated": 620}')
    assert match_sizes(report, a_practice()) == ()
    assert without_sizes(report) == NO_SIZES
