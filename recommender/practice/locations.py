"""The section `places`: where rooms lie, in words that people read in place of coordinates."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any

import numpy as np
from pydantic import BeforeValidator
from pydantic_core import PydanticCustomError

from recommender.errors import Fault
from recommender.practice.comparisons import haversine_km
from recommender.values.parsers import Point, is_on_globe
from recommender.values.toml_settings import (
    FilledText,
    Number,
    Text,
    name_faults,
    read_settings,
    toml_table,
)

NEAR_KM = 0.3
"""A room this close to a declared place lies at it: two readings of one address differ by less
than a block of houses, about 0.2 km in an Australian inner suburb."""


def _pair(point: object) -> object:
    if isinstance(point, list) and len(point) == 2:
        return tuple(point)
    raise PydanticCustomError("point", "is not a point")


@toml_table
@dataclass(frozen=True, slots=True)
class NamedPlace:
    """A place that rooms lie at.

    Attributes
    ----------
    title, address
        Its name, and where it is; blank without an address.
    point
        Latitude and longitude in degrees: those declared, or those of the postcode.
    postcode
        A postcode of the practice; a room written as this postcode lies at the place.
    """

    title: FilledText
    address: Text = ""
    point: Annotated[tuple[Number, Number] | None, BeforeValidator(_pair)] = None
    postcode: Text | None = None


@dataclass(frozen=True, slots=True)
class Locations:
    """The declared places and postcodes, from which a room has its name.

    Attributes
    ----------
    places
        The declared places, by name.
    postcodes
        Latitude and longitude by postcode.
    """

    places: Mapping[str, NamedPlace] = field(default_factory=dict)
    postcodes: Mapping[str, Point] = field(default_factory=dict)

    def place_at(self, room: Point) -> NamedPlace | None:
        """The place a room lies at; None where it lies at none, or at one of several.

        A room that was written as a postcode lies at the only place of that postcode. Every other
        room lies at the nearest place within `NEAR_KM`.

        >>> newtown = NamedPlace("Newtown", "12 King St", (-33.898, 151.179))
        >>> declared = Locations({"newtown": newtown}, {})
        >>> declared.place_at((-33.8995, 151.179)) == newtown, declared.place_at((-33.9, 151.2))
        (True, None)
        """
        places = list(self.places.values())
        code = self.postcode_at(room)
        named = [each for each in places if code is not None and each.postcode == code]
        if named or not places:
            return named[0] if len(named) == 1 else None
        points = np.array([each.point for each in places], dtype=np.float64)
        km = haversine_km(points, np.array(room))
        return places[int(km.argmin())] if km.min() <= NEAR_KM else None

    def postcode_at(self, room: Point) -> str | None:
        """The postcode that a room was written as; None where it was written as a point."""
        return next((code for code, point in self.postcodes.items() if point == room), None)


def read_locations(
    tables: Mapping[str, Mapping[str, Any]], postcodes: Mapping[str, Point]
) -> tuple[Locations, list[Fault]]:
    """The declared places, and everything that is wrong about them."""
    places: dict[str, NamedPlace] = {}
    faults: list[Fault] = []
    for name, table in tables.items():
        where = f"places.{name}"
        location, sound, wrong = read_settings(NamedPlace, where, "a place", table)
        wrong += name_faults(where, name) + _wrong_point(where, table, sound, postcodes)
        faults += wrong
        if location is not None and not wrong:
            point = location.point or postcodes[str(location.postcode)]
            places[name] = NamedPlace(location.title, location.address, point, location.postcode)
    return Locations(places, postcodes), faults + _alike(places)


def _wrong_point(
    where: str,
    declared: Mapping[str, Any],
    sound: Mapping[str, Any],
    postcodes: Mapping[str, Point],
) -> list[Fault]:
    if not {"point", "postcode"} & set(declared):
        remedy = "give a point like [-33.88, 151.22], or one of [postcodes]"
        return [Fault(f"{where}.point", "is not given", remedy)]
    faults = []
    if "point" in sound and not is_on_globe(*sound["point"]):
        remedy = "write [-33.88, 151.22], south and west below 0"
        faults.append(Fault(f"{where}.point", "lies outside the globe", remedy))
    if "postcode" in sound and sound["postcode"] not in postcodes:
        remedy = "declare it under [postcodes], or give a point"
        faults.append(Fault(f"{where}.postcode", "is not a declared postcode", remedy))
    return faults


def _alike(places: Mapping[str, NamedPlace]) -> list[Fault]:
    """Faults of places that people, or rooms, could not tell apart."""
    faults = []
    titles: set[str] = set()
    points: set[Point] = set()
    for name, place in places.items():
        if place.title in titles:
            remedy = "give each place a title of its own"
            faults.append(Fault(f"places.{name}.title", "is that of another place", remedy))
        if place.point in points:
            remedy = "declare the place once, or correct the point"
            faults.append(Fault(f"places.{name}.point", "is that of another place", remedy))
        titles.add(place.title)
        points |= {place.point} if place.point is not None else set()
    return faults
