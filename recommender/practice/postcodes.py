"""The postcodes a practice declares, each with the point that stands for everyone who lives there.

A centroid is near enough for a trip and says less of a client than an address. Imported by
`declarations` and `practice`.
"""

from collections.abc import Mapping
from typing import Any

from recommender.errors import Fault
from recommender.practice.schema import NUMBER
from recommender.values.parsers import Point, is_on_globe, is_postcode

Postcodes = Mapping[str, Point]
"""Latitude and longitude in degrees, by postcode."""


def read_postcodes(table: Mapping[str, Any]) -> tuple[dict[str, Point], list[Fault]]:
    """The postcodes of a definition, with everything that is wrong about them."""
    points: dict[str, Point] = {}
    faults: list[Fault] = []
    for code, declared in table.items():
        wrong = _wrong_code(code) + _wrong_point(code, declared)
        faults += wrong
        if not wrong:
            points[code] = float(declared[0]), float(declared[1])
    return points, faults


def _wrong_code(code: str) -> list[Fault]:
    if is_postcode(code):
        return []
    remedy = "use at most 10 capital letters and digits, at least one a digit"
    return [Fault(f"postcodes.{code}", "is not a postcode", remedy)]


def _wrong_point(code: str, declared: object) -> list[Fault]:
    where, remedy = f"postcodes.{code}", "write [-33.88, 151.22], south and west below 0"
    if not isinstance(declared, list) or len(declared) != 2 or not all(map(NUMBER.holds, declared)):
        return [Fault(where, "is not a latitude and a longitude", remedy)]
    return [] if is_on_globe(*declared) else [Fault(where, "lies outside the globe", remedy)]
