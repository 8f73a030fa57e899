from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from experiments.simulated_practice.city import SUBURBS
from recommender.practice.definition import shipped_practice
from recommender.practice.sections import read_postcodes
from tests.support.definitions import places_of


def test_postcodes_are_read_as_points() -> None:
    points, faults = read_postcodes({"2010": [-33.884, 151.207], "0800": [-12, 131]})
    assert points == {"2010": (-33.884, 151.207), "0800": (-12.0, 131.0)}
    assert all(type(degrees) is float for point in points.values() for degrees in point)
    assert faults == []


@pytest.mark.parametrize("code", ["2010", "SW1A 1AA", "K1A 0B1", "10115", "100-0001"])
def test_codes_of_other_countries_are_postcodes_too(code: str) -> None:
    assert read_postcodes({code: [0, 0]}) == ({code: (0.0, 0.0)}, [])


@pytest.mark.parametrize(
    "code", ["", " 2010", "20;10", "20,10", "-33.88", "none", "home", "sw1a 1aa", "12345678901"]
)
def test_what_cannot_be_a_postcode_is_a_fault(code: str) -> None:
    points, faults = read_postcodes({code: [0, 0]})
    assert points == {}
    assert places_of(faults) == {f"postcodes.{code}": "is not a postcode"}


@pytest.mark.parametrize(
    "point", [5, "0,0", [0], [0, 0, 0], [0, "0"], [True, 0], [float("nan"), 0], {"latitude": 0}]
)
def test_what_is_no_point_is_a_fault(point: Any) -> None:
    _, faults = read_postcodes({"2010": point})
    assert places_of(faults) == {"postcodes.2010": "is not a latitude and a longitude"}


@pytest.mark.parametrize("point", [[-90.1, 0], [90.1, 0], [0, 180.1], [0, -180.1], [151.2, -33.9]])
def test_a_point_outside_the_globe_is_a_fault(point: list[float]) -> None:
    _, faults = read_postcodes({"2010": point})
    assert places_of(faults) == {"postcodes.2010": "lies outside the globe"}


def test_every_fault_is_reported_and_sound_postcodes_are_read() -> None:
    points, faults = read_postcodes({"here": [99, 0], "2010": [0, 0], "2011": "x"})
    assert list(points) == ["2010"]
    assert [fault.where for fault in faults] == [
        "postcodes.here",
        "postcodes.here",
        "postcodes.2011",
    ]


@given(latitude=st.floats(-90, 90), longitude=st.floats(-180, 180))
def test_a_point_of_the_globe_is_read_as_it_is_written(latitude: float, longitude: float) -> None:
    points, _ = read_postcodes({"2010": [latitude, longitude]})
    assert points == {"2010": (latitude, longitude)}


def test_the_postcodes_that_ship_are_those_of_the_simulated_city() -> None:
    shipped = shipped_practice().client["home"].postcodes
    assert sorted(shipped.values()) == sorted(map(tuple, SUBURBS.tolist()))
    assert all(len(code) == 4 and code.startswith("2") for code in shipped)
