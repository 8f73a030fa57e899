from math import inf, sqrt

import pytest

from recommender.journal.rated_pairings import Exposure
from recommender.monitoring.clinician_records import (
    MIN_RATINGS,
    QUANTILE_90,
    clinician_exposures,
    clinician_records,
)
from tests.support.builders import a_practice, a_roster


def test_records_agree_with_variances_calculated_by_hand() -> None:
    # Within: (2 + 2) / (4 - 2) = 2. Between: ((2 * 9 + 2 * 9) / 1 - 2) / 2 = 17.
    found = clinician_records({"a": [1.0, 3.0], "b": [7.0, 9.0]})
    assert found is not None
    assert found.mean == pytest.approx(5.0)
    assert found.prior_ratings == pytest.approx(2 / 17)
    one, other = found.records
    trust = 2 / (2 + 2 / 17)
    assert (one.clinician_id, one.ratings, one.mean) == ("a", 2, 2.0)
    assert one.shrunk == pytest.approx(5 + trust * (2 - 5))
    assert other.shrunk == pytest.approx(5 + trust * (8 - 5))
    assert one.upper - one.shrunk == pytest.approx(QUANTILE_90 * sqrt(1 / (2 / 2 + 1 / 17)))


def test_a_clinician_with_few_ratings_is_shrunk_further() -> None:
    found = clinician_records(
        {"a": [5.0] * 20 + [4.0] * 20, "b": [5.0, 4.0], "c": [2.0] * 20 + [3.0] * 20}
    )
    assert found is not None
    drawn = {each.clinician_id: abs(each.mean - each.shrunk) for each in found.records}
    assert drawn["b"] > drawn["a"]
    assert [each.clinician_id for each in found.records] == ["a", "c", "b"]
    assert not found.records[-1].enough
    assert found.records[0].ratings > MIN_RATINGS


def test_clinicians_who_differ_by_no_more_than_chance_are_shown_alike() -> None:
    found = clinician_records({"a": [1.0, 5.0], "b": [2.0, 4.0]})
    assert found is not None
    assert found.prior_ratings == inf
    assert {(each.shrunk, each.lower, each.upper) for each in found.records} == {(3.0, 3.0, 3.0)}


@pytest.mark.parametrize("points", [{}, {"a": [1.0, 2.0]}, {"a": [1.0], "b": [2.0]}])
def test_where_nothing_says_how_far_clinicians_differ_there_are_no_records(
    points: dict[str, list[float]],
) -> None:
    assert clinician_records(points) is None


def test_clinicians_are_listed_most_shown_first_and_those_who_left_too() -> None:
    counted = {"k03": Exposure(10, 4, 2, 1), "gone": Exposure(5, 0, 0, 0)}
    first, second, *others = clinician_exposures(counted, a_roster(), a_practice().places)
    assert (first.name, first.counts.first, first.open_places) == ("Clinician D", 4, 3)
    assert (second.name, second.on_roster, second.open_places) == ("gone", False, None)
    assert len(others) == len(a_roster()) - 1
    assert {each.counts.shown for each in others} == {0}


def test_without_a_field_of_places_none_are_known() -> None:
    rows = clinician_exposures({}, a_roster(), None)
    assert {row.open_places for row in rows} == {None}
