"""Tables of a definition with defaults, so that a test writes only what matters to it."""

from collections.abc import Mapping
from typing import Any

from recommender.errors import Fault
from recommender.practice.fields import Field, Side, read_field
from recommender.values.kinds import KINDS

NEEDED: Mapping[str, Any] = {"unit": "points", "min": 0, "max": 10, "levels": ["a", "b", "c"]}


def field_table(kind: str = "number", **changes: Any) -> dict[str, Any]:
    """A field's table; a change to None leaves the setting out."""
    told = {"kind": kind, "phrase": "p", "purpose": "p", "missing": "m", "use": "filter"}
    needs = {key: NEEDED[key] for key in KINDS[kind].needs} if kind in KINDS else {}
    table = {**told, **needs, **changes}
    return {key: value for key, value in table.items() if value is not None}


def a_field(name: str = "x", kind: str = "number", side: Side = "client", **changes: Any) -> Field:
    field, faults = read_field(side, name, field_table(kind, **changes))
    assert not faults, faults
    return field


def places_of(faults: list[Fault]) -> dict[str, str]:
    """Each fault's place and problem; every fault has a remedy."""
    assert all(fault.remedy for fault in faults)
    return {fault.where: fault.problem for fault in faults}


LITTLE: Mapping[str, object] = {
    "age_years": 34,
    "service": "individual",
    "risk_level": "level_2",
    "funding": "private",
}
"""A client without whom nobody could be screened at all, and who wishes nothing."""
