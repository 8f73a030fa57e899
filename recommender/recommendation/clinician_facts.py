"""What cards read of one roster and definition alone: computed once, and not for each request."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from recommender.practice.columns import Columns, answered_in
from recommender.practice.definition import Practice
from recommender.practice.fields import listed
from recommender.practice.rules.constraint import NEVER_RELAXED, Constraint
from recommender.recommendation.card_fields import card_fields, cost_rule
from recommender.recommendation.card_parts import CardFields, Fact, Meeting
from recommender.recommendation.fact_text import levels_text, values_text
from recommender.recommendation.held_levels import HeldLevels, places_of
from recommender.recommendation.wishes import wishes_of
from recommender.values.bounded_store import store_bounded
from recommender.values.kinds import Point

BY_RULE = frozenset({"if_asked", "at_least", "at_most", "gap_at_most", "within_km", "shares_hours"})
"""Rules about flags, amounts, distance and hours of which a card says that they are met."""
MAX_PLACES = 3
"""Places listed of a way of meeting while the client's place is not known."""
MAX_STORED = 20_000
"""Entries of each kind that are stored with a roster, about 200 bytes each."""
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


@dataclass(frozen=True, slots=True)
class FixedFacts:
    """The parts of one clinician's card that no client changes."""

    profession: str | None
    photo: str | None
    facts: tuple[Fact, ...]


class ClinicianFacts:
    """The facts about clinicians that no client changes, each computed when it is first asked for.

    Attributes
    ----------
    fields
        What the definition shows on cards.
    shown, shown_in_order
        The clinician's fields that cards may show in any part, and in declared order.
    headings
        What a card writes before a fact, by the field.
    levels, order
        The levels of the fields that cards may show, and the places of these fields.
    numbers
        The fields with numbers or flags in which clinicians are compared, those included that are
        shown only where they are asked for, and their values, (n, fields).
    offered_ways
        The ways of meeting that each clinician offers, as bits of the client's levels.
    met_rules
        The constraints of which a card says that they are met.
    cost_rule
        The constraint by which a session's cost is computed; None where cards do not show it.
    """

    def __init__(self, practice: Practice, columns: Columns) -> None:
        self.practice, self.columns = practice, columns
        self.fields = card_fields(practice)
        of_part = self.fields.of_part
        self.shown = frozenset({*self.fields.facts, *self.fields.if_asked, *of_part.values()})
        self.shown_in_order = tuple(name for name in practice.clinician if name in self.shown)
        self.headings = {name: practice.clinician[name].heading for name in self.shown_in_order}
        self.met_rules = tuple(
            rule
            for rule in practice.constraints.values()
            if rule.rule in BY_RULE
            and rule.clinician[0] in self.shown
            and rule.family not in NEVER_RELAXED
            and (rule.client or _asks_for_no_gap(rule))
        )
        self.cost_rule = cost_rule(practice) if "cost" in of_part else None
        self.levels = HeldLevels.of(practice.clinician, columns, self.shown)
        self.order = {name: place for place, name in enumerate(self.shown_in_order)}
        self.numbers = _numbers(practice, columns, self.fields)
        self.offered_ways = _offered_ways(practice, columns)
        self._bits_of_wishes = _bits_of_wishes(practice, self.levels)
        self._fixed: dict[int, FixedFacts] = {}
        self._rooms: dict[tuple[str, int], tuple[RoomNames, ...]] = {}
        self._spoken: dict[tuple[str, tuple[str, ...]], str] = {}
        self._met: dict[tuple[str | None, str, int, tuple[int, ...]], tuple[Meeting, ...]] = {}
        self._asked: dict[tuple[int, bytes], int] = {}
        self._offered: dict[int, tuple[Fact, ...]] = {}
        self._held_with: dict[int, int] = {}
        self._labels: dict[int, tuple[str, ...]] = {}
        self._compared: dict[frozenset[str], int] = {}

    def prepare(self, rows: Iterable[int]) -> None:
        """Computes what of some clinicians no client changes."""
        rooms = self.fields.of_part.get("places")
        for row in rows:
            self.of(row)
            if rooms is not None:
                self.room_names(rooms, row)

    def of(self, row: int) -> FixedFacts:
        """The parts of the card of one row's clinician that no client changes."""
        if row not in self._fixed:
            self._fixed[row] = FixedFacts(
                self._profession(row), self._photo(row), tuple(self._facts(row))
            )
        return self._fixed[row]

    def asked_of(self, client: Columns) -> int:
        """The levels that a client asks for, of `levels`."""
        answered, asked = answered_in(client), 0
        for number, (name, bits) in enumerate(self._bits_of_wishes):
            if name in answered:
                answer = client[name]
                key = number, answer.tobytes()
                own = self._asked.get(key)
                if own is None:
                    named = answer[0].nonzero()[0] if answer.ndim == 2 else answer.astype(int)
                    # A wish asks for a level once.
                    own = sum({bits[place] for place in named.tolist()})
                    store_bounded(self._asked, key, own, MAX_STORED)
                asked |= own
        return asked

    def offered(self, bits: int) -> tuple[Fact, ...]:
        """Some levels of `levels` as facts, one for each field."""
        facts = self._offered.get(bits)
        if facts is None:
            labels: dict[str, list[str]] = {}
            for place in places_of(bits):
                name, _, label = self.levels.levels[place]
                labels.setdefault(name, []).append(label)
            facts = tuple(Fact(n, self.headings[n], tuple(own)) for n, own in labels.items())
            store_bounded(self._offered, bits, facts, MAX_STORED)
        return facts

    def compared_with(self, asked: frozenset[str]) -> int:
        """The levels of `levels` in which clinicians are compared, with fields asked for."""
        if asked not in self._compared:
            fields = self.fields
            names = {*fields.facts, *asked.intersection(fields.if_asked), *fields.of_part.values()}
            of_field = self.levels.of_field
            bits = sum(own for name, own in of_field.items() if name in names)
            store_bounded(self._compared, asked, bits, MAX_STORED)
        return self._compared[asked]

    def labels_of(self, bits: int) -> tuple[str, ...]:
        """The labels of some levels of `levels`, in their order."""
        labels = self._labels.get(bits)
        if labels is None:
            labels = tuple([self.levels.levels[place][2] for place in places_of(bits)])
            store_bounded(self._labels, bits, labels, MAX_STORED)
        return labels

    def held_with(self, ways: int) -> int:
        """All levels of `levels` but those of other ways of meeting than some, bits as offered."""
        held = self._held_with.get(ways)
        if held is None:
            held = -1
            if self.practice.ways is not None:
                name = self.practice.ways.clinician
                levels = self.practice.client[self.practice.ways.client].levels
                some = [levels[place] for place in places_of(ways)]
                held = ~self.levels.of_field.get(name, 0) | self.levels.bits_of(name, some)
            store_bounded(self._held_with, ways, held, MAX_STORED)
        return held

    def spoken_of(self, name: str, labels: tuple[str, ...]) -> str:
        """What is said of a clinician with at most two labels of a field, after the name."""
        if (name, labels) not in self._spoken:
            is_title = name == self.fields.of_part.get("profession")
            words = _is_a if is_title else self.practice.clinician[name].spoken_of
            self._spoken[name, labels] = words(labels)
        return self._spoken[name, labels]

    def room_names(self, name: str, row: int) -> tuple[RoomNames, ...]:
        """The names of one clinician's rooms in their order, by the field that lists them."""
        if (name, row) not in self._rooms:
            points = self.columns[name][row]
            known = points[~np.isnan(points[:, 0])].tolist()
            named = tuple(place_names(self.practice, (north, east)) for north, east in known)
            self._rooms[name, row] = named
        return self._rooms[name, row]

    def way_label(self, way: str | None) -> str | None:
        """How people read a way of meeting; None for meeting as such."""
        ways = self.practice.ways
        if way is None or ways is None:
            return None
        return self.practice.clinician[ways.clinician].label_of(way)

    def anywhere(self, way: str | None) -> tuple[Meeting, ...]:
        """A way of meeting without a place."""
        return self.rooms_of("", 0, way, ())

    def rooms_of(
        self, name: str, row: int, way: str | None, rooms: tuple[int, ...]
    ) -> tuple[Meeting, ...]:
        """A way of meeting in some of one clinician's rooms, those that have a name, at most three.

        `name` is the field that lists them; without any with a name, the way alone.
        """
        key = way, name, row, rooms
        met = self._met.get(key)
        if met is None:
            label, names = self.way_label(way), self.room_names(name, row) if rooms else ()
            named = dict.fromkeys(names[room] for room in rooms)
            meetings = [Meeting(way, label, *each) for each in named if each[0] is not None]
            met = tuple(meetings[:MAX_PLACES]) or (Meeting(way, label),)
            store_bounded(self._met, key, met, MAX_STORED)
        return met

    def _profession(self, row: int) -> str | None:
        name = self.fields.of_part.get("profession")
        if name is None:
            return None
        return next(iter(levels_text(self.practice.clinician[name], self.columns[name][row])), None)

    def _photo(self, row: int) -> str | None:
        name = self.fields.of_part.get("photo")
        photo = None if name is None else self.columns[name][row]
        return None if photo is None else str(photo)

    def _facts(self, row: int) -> list[Fact]:
        declared = ((name, self.practice.clinician[name]) for name in self.fields.facts)
        return [
            Fact(name, field.heading, values)
            for name, field in declared
            if (values := values_text(self.practice, field, self.columns[name][row]))
        ]


def _numbers(
    practice: Practice, columns: Columns, fields: CardFields
) -> tuple[tuple[str, ...], NDArray[np.float64]]:
    compared = {*fields.facts, *fields.if_asked}
    kinds = ((name, field.kind) for name, field in practice.clinician.items() if name in compared)
    names = tuple(name for name, kind in kinds if kind in ("flag", "number", "scale"))
    values = [columns[name] for name in names]
    return names, np.stack(values, axis=1) if names else np.empty((columns.size, 0))


def _offered_ways(practice: Practice, columns: Columns) -> Sequence[int]:
    ways = practice.ways
    if ways is None:
        return [0] * columns.size
    levels, theirs = practice.client[ways.client].levels, practice.clinician[ways.clinician].levels
    offers = columns[ways.clinician][:, [theirs.index(level) for level in levels]] == 1
    bits: list[int] = (offers @ (1 << np.arange(len(levels)))).tolist()
    return bits


def _bits_of_wishes(practice: Practice, held: HeldLevels) -> Sequence[tuple[str, tuple[int, ...]]]:
    """The client's field of each wish about levels that are held, and the bit of each level."""
    return [
        (
            wish.client,
            tuple(
                0 if level in wish.indifferent else held.bit_of.get((wish.clinician, level), 0)
                for level in practice.client[wish.client].levels
            ),
        )
        for wish in wishes_of(practice)
        if wish.clinician in held.of_field
    ]


def _asks_for_no_gap(rule: Constraint) -> bool:
    """Whether a flag of the client's asks that nothing is left to pay."""
    return rule.rule == "gap_at_most" and rule.when is not None and rule.value == 0


def _is_a(labels: Sequence[str]) -> str:
    return f"is a {listed([each.lower() for each in labels])}"


def place_names(practice: Practice, point: Point) -> RoomNames:
    """The name and the address of a room: of its declared place, or else its postcode."""
    place = practice.locations.place_at(point)
    if place is None:
        return practice.locations.postcode_at(point), None
    return place.title, place.address or None
