"""Distances of many people at once are those of each person alone."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from recommender.practice.columns import Columns
from recommender.practice.rules.rule_input import places_within, room_km_in

LATITUDES, LONGITUDES = st.floats(-90, 90), st.floats(-180, 180)
PLACES = st.one_of(
    st.just((np.nan, np.nan)),
    st.tuples(LATITUDES, LONGITUDES),
    st.sampled_from([(-33.87, 151.21), (-33.8701, 151.2101), (33.87, -28.79)]),
)


@given(
    rooms=st.lists(st.tuples(PLACES, PLACES), min_size=1, max_size=6),
    homes=st.lists(st.tuples(PLACES, PLACES), min_size=1, max_size=3),
    km=st.one_of(st.sampled_from([0.0, 5.0, 20_100.0, 1e6]), st.floats(0, 30_000)),
    detour=st.sampled_from([1.0, 1.3]),
)
def test_places_within_a_distance_are_those_whose_distance_is_not_above_it(
    rooms: list[tuple[tuple[float, float], ...]],
    homes: list[tuple[tuple[float, float], ...]],
    km: float,
    detour: float,
) -> None:
    roster, own = Columns(len(rooms), {"rooms": np.array(rooms)}), np.array(homes)
    # A limit that is the distance itself to the last digit counts as well.
    apart = room_km_in(roster, "rooms", own[0]) * detour
    limits = [np.full(len(own), limit) for limit in (km, *apart[~np.isnan(apart)].tolist())]

    for most in limits:
        found = places_within(roster, "rooms", own, most, detour)
        alone = [
            room_km_in(roster, "rooms", home) * detour <= limit
            for home, limit in zip(own, most, strict=True)
        ]
        assert found.tolist() == np.array(alone).transpose(2, 0, 1).tolist()


def test_a_place_is_not_within_less_than_its_distance() -> None:
    roster = Columns(1, {"rooms": np.array([[(-33.87, 151.21)]])})
    home = np.array([[(-33.8, 151.2)]])
    (km,) = room_km_in(roster, "rooms", home[0]).ravel()

    assert places_within(roster, "rooms", home, np.array([km]), 1.0).all()
    assert not places_within(roster, "rooms", home, np.nextafter([km], 0.0), 1.0).any()
    assert km == pytest.approx(7.84, abs=0.01)
