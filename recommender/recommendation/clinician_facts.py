"""What cards read of one roster and definition alone: computed once, and not for each request."""

from collections.abc import Callable, Hashable
from typing import Any, TypeVar, cast

import numpy as np

from recommender.practice.columns import Columns
from recommender.practice.definition import Practice
from recommender.recommendation.card_fields import card_fields, cost_rule
from recommender.recommendation.card_parts import Fact
from recommender.recommendation.fact_text import levels_in, levels_text, values_text
from recommender.recommendation.wishes import wishes_of
from recommender.values.kinds import Point

T = TypeVar("T")
RoomNames = tuple[str | None, str | None]
"""The name and the address of a room; None where it has none."""


def facts_for(practice: Practice, columns: Columns) -> "ClinicianFacts":
    """The facts about a roster; it holds those of the definition used last."""
    latest: dict[str, ClinicianFacts] = columns.view("cards", dict)
    facts = latest.get("latest")
    # Cards may be declared otherwise without a new model, whose digest names the definition.
    if facts is None or facts.practice is not practice:
        facts = latest["latest"] = ClinicianFacts(practice, columns)
    return facts


class ClinicianFacts:
    """The facts about clinicians that no client changes, each computed when it is first asked for.

    Attributes
    ----------
    fields, wishes
        What the definition shows on cards, and the comparisons of levels that it declares.
    computed_with
        The clinician's fields from which ways of meeting, distances and costs are computed.
    """

    def __init__(self, practice: Practice, columns: Columns) -> None:
        self.practice, self.columns = practice, columns
        self.fields, self.wishes = card_fields(practice), wishes_of(practice)
        self.computed_with = _fields_computed_with(practice)
        self._known: dict[Hashable, Any] = {}

    def of(self, row: int) -> tuple[Fact, ...]:
        """The facts that are always shown of the clinician of one row."""
        return self._once(("facts", row), lambda: self._facts(row))

    def profession(self, row: int) -> str | None:
        """The profession in words, if cards show it and it is known."""
        name = self.fields.of_part.get("profession")
        if name is None:
            return None
        field, encoded = self.practice.clinician[name], self.columns[name]
        return self._once(
            ("profession", row), lambda: next(iter(levels_text(field, encoded[row])), None)
        )

    def photo(self, row: int) -> str | None:
        """The address of a photo, if cards show it and there is one."""
        name = self.fields.of_part.get("photo")
        photo = None if name is None else self.columns[name][row]
        return None if photo is None else str(photo)

    def levels(self, name: str, row: int) -> tuple[str, ...] | None:
        """The levels that one clinician has of a field, in declared order; None if not known."""
        return self._once(("levels", name, row), lambda: self._levels(name, row))

    def room_names(self, name: str, row: int) -> tuple[RoomNames, ...]:
        """The names of one clinician's rooms in their order, by the field that lists them."""
        return self._once(("rooms", name, row), lambda: self._room_names(name, row))

    def _once(self, key: Hashable, compute: Callable[[], T]) -> T:
        if key not in self._known:
            self._known[key] = compute()
        return cast("T", self._known[key])

    def _facts(self, row: int) -> tuple[Fact, ...]:
        declared = ((name, self.practice.clinician[name]) for name in self.fields.facts)
        return tuple(
            Fact(name, field.heading, values)
            for name, field in declared
            if (values := values_text(self.practice, field, self.columns[name][row]))
        )

    def _levels(self, name: str, row: int) -> tuple[str, ...] | None:
        encoded = self.columns[name][row]
        if np.isnan(encoded).any():
            return None
        return levels_in(self.practice.clinician[name], encoded)

    def _room_names(self, name: str, row: int) -> tuple[RoomNames, ...]:
        points = self.columns[name][row]
        known = points[~np.isnan(points[:, 0])].tolist()
        return tuple(place_names(self.practice, (north, east)) for north, east in known)


def _fields_computed_with(practice: Practice) -> frozenset[str]:
    first, cost = practice.first_session, cost_rule(practice)
    rules = [each for each in practice.constraints.values() if each.rule == "within_km"]
    rules += [] if cost is None else [cost]
    named = {name for rule in rules for name in (*rule.clinician, *rule.settings.values())}
    named |= {first.clinician, first.absences, practice.ways and practice.ways.clinician}
    return frozenset(name for name in practice.clinician if name in named)


def place_names(practice: Practice, point: Point) -> RoomNames:
    """The name and the address of a room: of its declared place, or else its postcode."""
    place = practice.locations.place_at(point)
    if place is None:
        return practice.locations.postcode_at(point), None
    return place.title, place.address or None
