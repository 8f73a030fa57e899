"""Constraints by way of meeting for many clients at once: `way_codes` in bits of clinicians."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from recommender.practice.rules.packed_flags import Bits
from recommender.screening.layout import AboutWays


@dataclass(frozen=True, slots=True, eq=False)
class WayFlags:
    """What one constraint does in ways of meeting with one verdict.

    Attributes
    ----------
    ways
        Places of the ways among all.
    flags : (2, ..., n / 8)
        Whom it excludes, and where it is a reservation.
    """

    ways: list[int]
    flags: Bits


def lift_about_ways(
    about: AboutWays, shared: Bits, by_ways: Mapping[int, Sequence[WayFlags]], own: Bits
) -> None:
    """`way_codes.lift_about_ways` in bits, in place.

    Parameters
    ----------
    about
        The constraints that are about some ways of meeting only.
    shared : (ways, ..., n / 8)
        Whom each client shares each way of meeting with.
    by_ways
        What constraints do whose verdict depends on the way of meeting, by their place.
    own : (2, about, ..., n / 8)
        Whom each of the constraints excludes, and where it is a reservation.
    """
    ways_of = [_places_of(ways) for ways in about.ways.ravel().tolist()]
    others = [_places_of(ways) for ways in about.others.ravel().tolist()]
    open_ways = shared.copy()
    for ways, excluding in zip(ways_of, own[0], strict=True):
        open_ways[ways] &= ~excluding
    for found in by_ways.values():
        for each in found:
            open_ways[each.ways] &= ~each.flags[0]
    for number, place in enumerate(about.places.tolist()):
        if place in by_ways:
            own[:, number] = _over_ways(by_ways[place], shared, open_ways)
    has_open = _any(open_ways)
    for number, ways in enumerate(ways_of):
        is_shared = _any(shared[ways])
        own[0, number] &= is_shared & ~has_open
        own[1, number] &= is_shared & ~_any(open_ways[others[number]])


def _over_ways(by_way: Sequence[WayFlags], shared: Bits, open_ways: Bits) -> Bits:
    """What one constraint does over several ways of meeting, (2, ..., n / 8).

    It excludes where it does so in any shared way. It is a reservation where it is one in every
    open way, or in every shared way where none is open.
    """
    none_open = ~_any(open_ways[[way for each in by_way for way in each.ways]])
    excluding, mentions, spared = np.zeros((3, *shared.shape[1:]), dtype=np.uint8)
    for each in by_way:
        is_shared = _any(shared[each.ways])
        counts = _any(open_ways[each.ways]) | (is_shared & none_open)
        excluding |= each.flags[0] & is_shared
        mentions |= each.flags[1] & counts
        spared |= ~each.flags[1] & counts
    return np.stack([excluding, mentions & ~spared])


def _any(bits: Bits) -> Bits:
    return np.asarray(np.bitwise_or.reduce(bits, axis=0))


def _places_of(ways: int) -> list[int]:
    """The places of some ways of meeting; see `layout.way_bits`."""
    return [place for place in range(ways.bit_length()) if ways >> place & 1]
