"""The constraints of a practice in the modes of a request, sorted by what their verdicts depend on.

A practice and a roster decide this, so that the modes that are declared are sorted once.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recommender.practice.columns import Columns
from recommender.practice.definition import Practice
from recommender.practice.rules.catalogue import FIRST_SESSION, ON_HOURS, RULES
from recommender.practice.rules.constraint import Constraint, Mode, client_fields
from recommender.practice.rules.time_rules import openings_in
from recommender.values.bounded_store import store_bounded

Modes = Mapping[str, Mode]
DECLARED_MODES: Modes = MappingProxyType({})
"""Every constraint in the mode that the definition declares."""
MAX_LAYOUTS = 64
"""Combinations of modes for which the layout is stored with a roster."""


@dataclass(frozen=True, slots=True, eq=False)
class AboutWays:
    """The constraints that are about some ways of meeting only.

    Attributes
    ----------
    places : (constraints,)
        Their places in the layout.
    ways, others : (constraints, 1)
        The ways of meeting of each, and all others, as bits; see `way_bits`.
    """

    places: NDArray[np.intp]
    ways: NDArray[Any]
    others: NDArray[Any]


@dataclass(frozen=True, slots=True, eq=False)
class Layout:
    """The constraints that are judged, in the order of the definition, and of what kind they are.

    Attributes
    ----------
    practice
        The definition.
    modes
        The mode of each of its constraints, also of those that are off.
    constraints
        Those that are judged.
    places
        Their places, by name.
    direct
        Those whose verdict does not depend on the way of meeting.
    by_way
        The others: on open hours, where these depend on the way of meeting or on rooms.
    moving
        Those of `direct` on open hours, whose times in common a change of clocks may move.
    about_ways
        Those that are about some ways of meeting only.
    ways
        The levels of the client's field of ways of meeting; empty where there is none.
    distances
        Those on distance.
    soft_distances
        Those of `distances` that exclude nobody.
    dated
        Whether each is judged for the day of the first possible session, by place.
    may_be_far
        Whether the reason of each may name the distance of a room with a time, by place.
    rooms
        The clinician's fields of rooms, None for none, of the open hours of `by_way`.
    reads
        The client's fields whose answers can change the verdict, by constraint.
    """

    practice: Practice
    modes: Modes
    constraints: tuple[Constraint, ...]
    places: Mapping[str, int]
    direct: tuple[Constraint, ...]
    by_way: tuple[Constraint, ...]
    moving: tuple[Constraint, ...]
    about_ways: AboutWays
    ways: tuple[str, ...]
    distances: tuple[Constraint, ...]
    soft_distances: tuple[Constraint, ...]
    dated: NDArray[np.bool_]
    may_be_far: NDArray[np.bool_]
    rooms: frozenset[str | None]
    reads: Mapping[str, frozenset[str]]


def layout_for(practice: Practice, columns: Columns, modes: Modes = DECLARED_MODES) -> Layout:
    """The layout of a practice with a roster; the roster holds those asked for last.

    `modes` are those of constraints in another mode than declared.
    """
    layouts: dict[tuple[tuple[str, Mode], ...], Layout] = columns.view("layouts", dict)
    key = tuple(sorted(modes.items()))
    layout = layouts.get(key)
    if layout is None or layout.practice is not practice:
        layout = store_bounded(layouts, key, _layout_of(practice, columns, modes), MAX_LAYOUTS)
    return layout


def _layout_of(practice: Practice, columns: Columns, modes: Modes) -> Layout:
    every = {name: modes.get(name, each.mode) for name, each in practice.constraints.items()}
    some = tuple(each for name, each in practice.constraints.items() if every[name] != "off")
    levels = () if practice.ways is None else practice.client[practice.ways.client].levels
    on_hours = [each for each in some if each.rule in ON_HOURS]
    by_way = {e.name: e for e in on_hours if _has_terms(practice, columns, e.clinician[0])}
    return Layout(
        practice,
        every,
        some,
        {each.name: place for place, each in enumerate(some)},
        tuple(each for each in some if each.name not in by_way),
        tuple(by_way.values()),
        tuple(each for each in on_hours if each.name not in by_way),
        _about_ways(some, levels),
        levels,
        tuple(each for each in some if each.rule == "within_km"),
        tuple(e for e in some if e.rule == "within_km" and every[e.name] == "soft"),
        np.array([RULES[each.rule].day == FIRST_SESSION for each in some], dtype=np.bool_),
        np.array([e.rule == "within_km" or e.name in by_way for e in some], dtype=np.bool_),
        frozenset(
            practice.clinician[each.clinician[0]].rooms
            for each in practice.constraints.values()
            if each.rule in ON_HOURS and _has_terms(practice, columns, each.clinician[0])
        ),
        {each.name: client_fields(each, practice.first_session) for each in some},
    )


@lru_cache(maxsize=4096)
def way_bits(levels: tuple[str, ...], ways: tuple[str, ...]) -> Any:
    """Some ways of meeting as a number with one bit a level, of the smallest type for them all."""
    kind = np.min_scalar_type(2 ** len(levels) - 1)
    return kind.type(sum(2**place for place, way in enumerate(levels) if way in ways))


def _about_ways(constraints: tuple[Constraint, ...], levels: tuple[str, ...]) -> AboutWays:
    places = [place for place, each in enumerate(constraints) if each.ways]
    about = [constraints[place].ways for place in places]
    others = [tuple(way for way in levels if way not in ways) for ways in about]
    kind = np.min_scalar_type(way_bits(levels, levels))
    return AboutWays(
        np.array(places, dtype=np.intp),
        np.array([way_bits(levels, ways) for ways in about], dtype=kind).reshape(-1, 1),
        np.array([way_bits(levels, ways) for ways in others], dtype=kind).reshape(-1, 1),
    )


def _has_terms(practice: Practice, columns: Columns, name: str) -> bool:
    field = practice.clinician[name]
    return field.kind == "availability" and openings_in(columns, field).terms is not None
