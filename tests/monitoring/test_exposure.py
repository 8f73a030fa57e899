from recommender.journal.rated_pairings import Exposure
from recommender.monitoring.exposure import clinician_exposures
from tests.support.builders import a_practice, a_roster


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
