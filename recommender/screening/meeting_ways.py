"""Ways of meeting that client and clinicians share, and verdicts on open hours by each of them.

In-person hours count in the rooms within the client's reach only. Where no room is in reach, they
count in every room, so that the distance alone is the reason.
"""

from collections.abc import Callable, Hashable, Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from math import isnan
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recommender.practice.columns import Columns, answered_in
from recommender.practice.definition import Practice
from recommender.practice.fields import Field
from recommender.practice.rules.catalogue import ON_HOURS
from recommender.practice.rules.clock_changes import MovedTime, moved_times
from recommender.practice.rules.constraint import (
    Constraint,
    applicability,
    client_fields,
    everyone_passes,
    is_settled,
    judge,
    judge_rooms,
    judge_ways,
    rule_input_of,
)
from recommender.practice.rules.functions import room_km
from recommender.practice.rules.minimal_changes import open_km
from recommender.practice.rules.rule_input import (
    MeetingWay,
    RequestContext,
    RuleInput,
    bitsets_in,
)
from recommender.practice.rules.time_rules import hours_key, openings_in
from recommender.screening.layout import Layout, way_bits

Array = NDArray[np.float64]
Flags = NDArray[np.bool_]

AS_SUCH = ""
"""The way of meeting of a practice that has none."""


MAX_WANTED = 64
"""Sets of ways of meeting that clients accept for which the shared ways are stored."""


@dataclass(frozen=True, eq=False)
class HoursVerdict:
    """The verdict of a constraint on open hours on n clinicians.

    Attributes
    ----------
    inputs
        What the rule reads; None where the client's answers alone decide that every clinician
        passes in every way.
    verdicts
        Each verdict, (n,), 1 pass, 0 fail, NaN unknown, with its ways of meeting. Ways without
        hours of their own and with the same rooms have one.
    """

    constraint: Constraint
    columns: Columns
    inputs: RuleInput | None
    verdicts: tuple[tuple[Array, tuple[str, ...]], ...]

    @cached_property
    def by_way(self) -> Mapping[str, Array]:
        """The verdict in each way of meeting, (n,)."""
        return {way: verdict for verdict, ways in self.verdicts for way in ways}

    @cached_property
    def together(self) -> Array:
        """The verdict of all ways of meeting together, (n,).

        Passes where a shared way passes, else unknown where one is. Any hours count where none is
        shared.
        """
        inputs = self.inputs
        if inputs is None:
            return everyone_passes(self.columns)
        some, passed, unknown = np.zeros((3, inputs.roster.size), dtype=np.bool_)
        for verdict, ways in self.verdicts:
            here = np.logical_or.reduce([inputs.context.ways[way].shared for way in ways])
            some |= here
            passed |= here & (verdict == 1)
            unknown |= here & np.isnan(verdict)
        together = np.where(passed, 1.0, np.where(unknown, np.nan, 0.0))
        if some.all():
            return together
        anywhere = judge(self.constraint, inputs.intake, inputs.roster, inputs.context)
        return np.where(some, together, anywhere)

    def times_moved(self, verdict: Array, way: str | None = None) -> dict[int, MovedTime]:
        """`times_moved` by the verdict in one way of meeting, or in all together."""
        return (
            {} if self.inputs is None else times_moved(self.constraint, self.inputs, verdict, way)
        )


@dataclass(frozen=True, slots=True, eq=False)
class SharedWays:
    """The ways of meeting that a client accepts and that n clinicians may offer.

    Attributes
    ----------
    bits : (n,)
        The ways shared with each clinician, as `layout.way_bits` of the client's field.
    by_way
        The ways that the client accepts.
    """

    bits: NDArray[Any]
    by_way: Mapping[str, MeetingWay]


def shared_ways(practice: Practice, client: Columns, columns: Columns) -> SharedWays:
    """The ways of meeting of one client and each clinician.

    A client who names none accepts any, and a clinician whose modes are unknown may offer any.
    """
    assert practice.ways is not None
    levels = practice.client[practice.ways.client].levels
    named = practice.clinician[practice.ways.clinician]

    def by_answer() -> Callable[[bytes], SharedWays]:
        offered = _may_offer(columns, named)

        def found(answer: bytes) -> SharedWays:
            wanted = np.frombuffer(answer) > 0
            accepted = wanted.nonzero()[0].tolist() if wanted.any() else range(len(levels))
            by_way = {levels[place]: MeetingWay(offered[levels[place]]) for place in accepted}
            bits = np.zeros(columns.size, dtype=np.min_scalar_type(way_bits(levels, levels)))
            for way, each in by_way.items():
                bits[each.shared] |= way_bits(levels, (way,))
            return SharedWays(bits, by_way)

        return lru_cache(MAX_WANTED)(found)

    by_bytes = columns.view(("shared ways", named.name, levels), by_answer)
    return by_bytes(client[practice.ways.client][0].tobytes())


def _may_offer(columns: Columns, ways: Field) -> dict[str, Flags]:
    """By level of the ways of meeting: whether each clinician has it or is not known, (n,)."""
    offered = bitsets_in(columns, ways.name)
    flags = {level: offered.may_have(place) for place, level in enumerate(ways.levels)}
    for each in flags.values():
        each.setflags(write=False)
    return flags


def with_ways(
    layout: Layout,
    client: Columns,
    columns: Columns,
    context: RequestContext,
    shared: SharedWays | None,
) -> RequestContext:
    """The context with the ways of meeting, where the open hours of the roster depend on them.

    `shared` are the `shared_ways`; None where the practice has none.
    """
    if not layout.rooms:
        return context
    if shared is None:
        ways = {AS_SUCH: MeetingWay(np.ones(columns.size, dtype=np.bool_))}
    else:
        ways = dict(shared.by_way)
    for distance in layout.distances:
        if layout.modes[distance.name] != "hard" or distance.clinician[0] not in layout.rooms:
            continue
        reach = rooms_in_reach(distance, client, columns, context)
        for way in distance.ways or ways:
            if reach is not None and way in ways:
                ways[way] = _within(ways[way], distance.clinician[0], reach)
    return replace(context, ways=ways)


def fields_of_ways(practice: Practice) -> frozenset[str]:
    """The client's fields on whose answers the ways of meeting and their rooms in reach depend."""
    fields = set() if practice.ways is None else {practice.ways.client}
    for each in practice.constraints.values():
        if each.rule == "within_km":
            fields |= client_fields(each, practice.first_session)
    return frozenset(fields)


def _within(way: MeetingWay, rooms: str, reach: Flags) -> MeetingWay:
    both = reach & way.reach[rooms] if rooms in way.reach else reach
    # Where no single room is near enough by every rule, these rules are the reason.
    both[~np.logical_or.reduce(both[:, 1:], axis=1)] = True
    return MeetingWay(way.shared, {**way.reach, rooms: both})


def rooms_in_reach(
    constraint: Constraint, client: Columns, columns: Columns, context: RequestContext
) -> Flags | None:
    """Whether open hours count by the number of their room, (n, rooms + 2); None for all rooms.

    0 stands for every room, the last for a room that is not the clinician's.
    """
    place, most = constraint.client
    answered = answered_in(client)
    if place not in answered or most not in answered:
        return None
    if applicability(constraint, client, context) != 1:
        return None
    km = room_km(rule_input_of(constraint, client, columns, context))
    reach = np.zeros((columns.size, km.shape[1] + 2), dtype=np.bool_)
    np.less_equal(km, client[most], out=reach[:, 1:-1])
    np.logical_or.reduce(reach, axis=1, out=reach[:, 0])
    reach[~reach[:, 0]] = True
    instead = constraint.instead
    if instead is not None and client[instead.client][0] == 1:
        reach[columns[instead.clinician] == 1] = True
    return reach


def hours_verdict(
    constraint: Constraint, client: Columns, columns: Columns, context: RequestContext
) -> HoursVerdict:
    """The verdict of a rule on open hours that depend on the way of meeting or on rooms."""
    ways = ways_of(constraint, context)
    if is_settled(constraint, client, columns, context):
        settled = ((everyone_passes(columns), ways),) if ways else ()
        return HoursVerdict(constraint, columns, None, settled)
    inputs = rule_input_of(constraint, client, columns, context)
    field = inputs.clinician_fields[0]
    openings = openings_in(columns, field)
    alike: dict[Hashable, tuple[str, ...]] = {}
    for way in ways:
        key = hours_key(field, openings, context, way)
        alike[key] = (*alike.get(key, ()), way)
    together = tuple(alike.values())
    judged = judge_ways(constraint, inputs, [some[0] for some in together]) if together else ()
    verdicts = tuple(zip(judged, together, strict=True))
    return HoursVerdict(constraint, columns, inputs, verdicts)


def open_rooms(
    hours: HoursVerdict, distances: Iterable[Constraint], context: RequestContext
) -> Flags | None:
    """The rooms in which a rule on hours is met, (n, rooms), however far they are.

    It is enough that it is met in one of the ways of meeting that a distance is about. None where
    no distance is about its rooms.
    """
    constraint, columns = hours.constraint, hours.columns
    field = context.clinician[constraint.clinician[0]]
    about = [each for each in distances if each.clinician == (field.rooms,)]
    ways = [
        way
        for way in ways_of(constraint, context)
        if any(not each.ways or way in each.ways for each in about)
    ]
    if not ways:
        return None
    rooms = str(field.rooms)
    known: Flags = columns.view(("known rooms", rooms), lambda: ~np.isnan(columns[rooms][:, :, 0]))
    if hours.inputs is None:
        people = np.logical_or.reduce([context.ways[way].shared for way in ways])
        return np.asarray(known & people[:, None])
    alike: dict[Hashable, list[str]] = {}
    for way in ways:
        # Reach does not matter here.
        alike.setdefault(way if has_ways(columns, field) else None, []).append(way)
    met = np.zeros_like(known)
    for some in alike.values():
        people = np.logical_or.reduce([context.ways[way].shared for way in some])
        verdict = judge_rooms(constraint, hours.inputs, some[0])
        met |= (people & ~is_barred(constraint, verdict)).T.reshape(columns.size, -1)
    return met & known


def has_ways(columns: Columns, field: Field) -> bool:
    """Whether any open hours of a column are for some ways of meeting only."""
    terms = openings_in(columns, field).terms
    return terms is not None and terms.by_way


def is_barred(constraint: Constraint, verdict: Array) -> Flags:
    """Whether a hard constraint excludes by a verdict, (n,)."""
    return np.asarray((verdict == 0) | (np.isnan(verdict) & (constraint.unknown == "fail")))


def is_one_barred(constraint: Constraint, verdict: float) -> bool:
    """`is_barred` of one clinician, for the few who are shown."""
    return verdict == 0 or (isnan(verdict) and constraint.unknown == "fail")


def ways_of(constraint: Constraint, context: RequestContext) -> tuple[str, ...]:
    """The ways of meeting of a context that a constraint is about."""
    ways = context.ways
    return tuple([way for way in constraint.ways or ways if way in ways])


def times_moved(
    constraint: Constraint, inputs: RuleInput, verdict: Array, way: str | None = None
) -> dict[int, MovedTime]:
    """Times in common that a change of clocks ends or moves, by row; see `moved_times`."""
    if constraint.rule not in ON_HOURS or "client_zone" not in constraint.settings:
        return {}
    wish, client = constraint.client[0], inputs.intake
    stated = client[wish][0] == 1 if client[wish].ndim == 1 else wish in answered_in(client)
    if not stated or applicability(constraint, client, inputs.context) != 1:
        return {}
    return moved_times(inputs, verdict, way)


def far_km(
    distance: Constraint,
    there: Flags,
    client: Columns,
    columns: Columns,
    context: RequestContext,
) -> Array | None:
    """Kilometres to the nearest of some rooms, where none of them is within reach, (n,).

    NaN elsewhere; None where the distance does not matter.
    """
    reach = rooms_in_reach(distance, client, columns, context)
    if reach is None:
        return None
    inputs = rule_input_of(distance, client, columns, context)
    near = (there & reach[:, 1:-1]).any(axis=1)
    return np.where(near, np.nan, open_km(replace(inputs, open_rooms=there)))
