"""The section `places`: which name a room has."""

from typing import Any

import pytest

from recommender.practice.locations import Locations, NamedPlace, read_locations
from tests.support.definitions import places_of

POSTCODES = {"2042": (-33.898, 151.179), "2010": (-33.884, 151.207)}


def reading(**table: Any) -> dict[str, str]:
    return places_of(read_locations({"a": table}, POSTCODES)[1])


def declared(**tables: Any) -> Locations:
    locations, faults = read_locations(tables, POSTCODES)
    assert not faults, faults
    return locations


@pytest.mark.parametrize(
    ("table", "expected"),
    [
        ({"title": "A"}, {"places.a.point": "is not given"}),
        ({"postcode": "2042"}, {"places.a.title": "is not given"}),
        ({"title": " ", "postcode": "2042"}, {"places.a.title": "is blank"}),
        ({"title": "A", "point": [1]}, {"places.a.point": "is not a latitude and a longitude"}),
        (
            {"title": "A", "point": [True, 2]},
            {"places.a.point": "is not a latitude and a longitude"},
        ),
        (
            {"title": "A", "point": [float("nan"), 2]},
            {"places.a.point": "is not a latitude and a longitude"},
        ),
        ({"title": "A", "point": [-91, 2]}, {"places.a.point": "lies outside the globe"}),
        ({"title": "A", "postcode": "9"}, {"places.a.postcode": "is not a declared postcode"}),
        ({"title": "A", "postcode": 2042}, {"places.a.postcode": "is not text"}),
        (
            {"title": "A", "point": [1, 2], "phone": "x"},
            {"places.a.phone": "is not a setting of a place"},
        ),
    ],
)
def test_a_wrong_place_is_a_fault_with_a_remedy(
    table: dict[str, Any], expected: dict[str, str]
) -> None:
    assert reading(**table) == expected


def test_two_places_are_told_apart_by_title_and_point() -> None:
    same = {"title": "A", "point": [1, 2]}
    _, faults = read_locations({"a": same, "b": same}, POSTCODES)
    assert places_of(faults) == {
        "places.b.title": "is that of another place",
        "places.b.point": "is that of another place",
    }


def test_a_room_has_the_name_of_the_nearest_place_within_300_metres() -> None:
    # A degree of latitude is 111.195 km: 0.0026 degrees are 0.289 km, 0.0028 are 0.311 km.
    locations = declared(
        a={"title": "A", "point": [-33.0, 151.0]}, b={"title": "B", "point": [-33.004, 151.0]}
    )
    found = [locations.place_at((latitude, 151.0)) for latitude in (-33.0019, -33.0021, -32.9974)]
    assert [None if each is None else each.title for each in found] == ["A", "B", "A"]
    assert locations.place_at((-32.9972, 151.0)) is None


def test_a_room_written_as_a_postcode_lies_at_the_only_place_of_that_postcode() -> None:
    far = {"title": "King Street", "point": [-33.90, 151.18], "postcode": "2042"}
    newtown = POSTCODES["2042"]
    assert declared(a=far).place_at(newtown) == NamedPlace(
        "King Street", "", (-33.90, 151.18), "2042"
    )
    other = {"title": "Enmore Road", "point": [-33.901, 151.172], "postcode": "2042"}
    both = declared(a=far, b=other)
    assert both.place_at(newtown) is None
    assert both.postcode_at(newtown) == "2042"
    assert both.postcode_at((-33.8981, 151.179)) is None


def test_a_place_without_a_point_lies_at_its_postcode() -> None:
    place = declared(a={"title": "A", "postcode": "2010"}).places["a"]
    assert place.point == POSTCODES["2010"]
