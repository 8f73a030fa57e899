"""Codes of constraints by way of meeting: those about one way do not bar another.

A client who wants to meet in person or by video is not barred from a clinician by the distance, as
long as no constraint excludes meeting this clinician by video.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from operator import or_
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recommender.practice.rules.clock_changes import MovedTime
from recommender.practice.rules.constraint import Mode
from recommender.screening.codes import MET, MOVES, Codes, VerdictCodes, codes_of, with_moves
from recommender.screening.layout import AboutWays, Layout, way_bits
from recommender.screening.meeting_ways import Flags, HoursVerdict


@dataclass(frozen=True, slots=True, eq=False)
class WayCodes:
    """The codes of one constraint in ways of meeting with one verdict; None where all are `MET`.

    `ways` are those of `layout.way_bits`.
    """

    ways: Any
    codes: VerdictCodes | None


def codes_by_way(
    layout: Layout, hours: HoursVerdict, mode: Mode
) -> tuple[tuple[WayCodes, ...], dict[int, MovedTime]]:
    """The codes of a constraint on hours by way of meeting, and the times that move, by row."""
    moved: dict[int, MovedTime] = {}
    found = []
    for verdict, ways in hours.verdicts:
        codes = codes_of(hours.constraint, mode, verdict)
        # Ways with one verdict have the same hours.
        rows = hours.times_moved(verdict, ways[0])
        codes = with_moves(codes, rows, hours.columns.size)
        moved |= rows
        found.append(WayCodes(way_bits(layout.ways, ways), codes))
    return tuple(found), moved


def lift_by_other_modes(
    layout: Layout,
    shared: NDArray[Any],
    by_ways: Mapping[int, Sequence[WayCodes]],
    codes: Codes,
) -> None:
    """Lifts, in place, constraints on modes of meeting that the two need not use.

    Parameters
    ----------
    layout
        The k constraints.
    shared : (n,)
        The ways of meeting that the client shares with each clinician, as `layout.way_bits`.
    by_ways
        The codes of constraints whose verdict depends on the way of meeting, by their place.
    codes : (2, k, n)
        The codes of all others.
    """
    places = layout.about_ways.places
    own = codes.take(places, axis=1)
    if by_ways or own.any():
        lift_about_ways(layout.about_ways, shared, by_ways, own)
        codes[:, places] = own


def lift_about_ways(
    about: AboutWays,
    shared: NDArray[Any],
    by_ways: Mapping[int, Sequence[WayCodes]],
    own: Codes,
) -> None:
    """`lift_by_other_modes` on the constraints that are about some ways only, (2, about, n)."""
    open_ways = shared & ~np.bitwise_or.reduce((own[0] != MET).view(np.uint8) * about.ways)
    for ways in by_ways.values():
        for each in ways:
            if each.codes is not None:
                open_ways = without_ways(open_ways, each.ways, each.codes.excluding != MET)
    for place, ways in by_ways.items():
        own[:, about.places == place] = _over_ways(ways, shared, open_ways).both[:, None]
    is_shared = shared & about.ways != 0
    # True is 1: codes are multiplied with flags as they are stored.
    own[0] *= (is_shared & (open_ways == 0)).view(np.int8)
    own[1] *= (is_shared & (open_ways & about.others == 0)).view(np.int8)


def without_ways(ways: NDArray[Any], some: Any, is_barred: Flags) -> NDArray[Any]:
    """Ways of meeting, (n,), without some of them where these are barred."""
    return np.where(is_barred, ways & ~some, ways)


def _over_ways(
    by_way: Sequence[WayCodes], shared: NDArray[Any], open_ways: NDArray[Any]
) -> VerdictCodes:
    """The codes of one constraint over several ways of meeting.

    It excludes where it does so in any shared way. It is a reservation where it is one in every
    open way, or in every shared way where none is open.
    """
    every = reduce(or_, [each.ways for each in by_way])
    counting = np.where(open_ways & every != 0, open_ways, shared)
    spared = np.zeros(len(shared), dtype=np.bool_)
    barred, mentions = [], []
    for own in by_way:
        counts = counting & own.ways != 0
        if own.codes is None:
            spared |= counts
            continue
        spared |= counts & (own.codes.cautioning == MET)
        barred.append(own.codes.excluding * (shared & own.ways != 0))
        mentions.append(own.codes.cautioning * counts)
    return VerdictCodes(np.stack([_worst(barred), _worst(mentions) * ~spared]))


def _worst(codes: Sequence[Codes]) -> Codes:
    """Of several codes by clinician the worst: failed, then unknown, then met until a change."""
    if len(codes) == 1:
        return codes[0]
    worst = np.zeros_like(codes[0])
    for each in codes:
        np.maximum(worst, -each & MOVES, out=worst)
    return -worst & MOVES
