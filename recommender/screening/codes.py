"""What constraints do to n clinicians, as codes: whom they exclude, and where they are in doubt."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from recommender.practice.columns import Columns
from recommender.practice.rules.constraint import Constraint, Mode, client_fields
from recommender.practice.rules.first_session import FirstSession
from recommender.screening.layout import Layout
from recommender.screening.meeting_ways import Array, Flags, shared_modes

Codes = NDArray[np.int8]

MET, FAILED, UNKNOWN, MOVES = 0, 1, 2, 3
"""Codes of a constraint: met, known not to be met, unknown, and met until a change of clocks."""


@dataclass(frozen=True, slots=True, eq=False)
class VerdictCodes:
    """The codes of one constraint, (n,) each: where it excludes, and where it is a reservation."""

    excluding: Codes
    cautioning: Codes


@dataclass(frozen=True, slots=True, eq=False)
class JudgedConstraint:
    """The verdict of one constraint on n clinicians, and what it does in one mode.

    Attributes
    ----------
    verdict : (n,)
        1 pass, 0 fail, NaN unknown.
    mode
        The mode that the codes are for.
    codes
        None where all are `MET`.
    reads
        The client's fields whose answers can change the verdict.
    """

    verdict: Array
    mode: Mode
    codes: VerdictCodes | None
    reads: frozenset[str]


@dataclass(frozen=True, slots=True, eq=False)
class JudgedGroup:
    """Some judged constraints of a layout, and the codes of those that somebody does not meet.

    `places` (m,) are the places of the latter in the layout, whose codes are (m, n).
    """

    layout: Layout
    judged: Mapping[str, JudgedConstraint]
    places: NDArray[np.intp]
    excluding: Codes
    cautioning: Codes


def group_of(layout: Layout, judged: Mapping[str, JudgedConstraint], size: int) -> JudgedGroup:
    """Some constraints, judged on n clinicians in any mode, in the modes of a layout."""
    own = {
        name: _in_mode(layout, name, each) for name, each in judged.items() if name in layout.places
    }
    coded = [
        (layout.places[name], each.codes) for name, each in own.items() if each.codes is not None
    ]
    return JudgedGroup(
        layout,
        own,
        np.array([place for place, _ in coded], dtype=np.intp),
        np.array([codes.excluding for _, codes in coded], dtype=np.int8).reshape(len(coded), size),
        np.array([codes.cautioning for _, codes in coded], dtype=np.int8).reshape(len(coded), size),
    )


def _in_mode(layout: Layout, name: str, judged: JudgedConstraint) -> JudgedConstraint:
    mode = layout.modes[name]
    if judged.mode == mode:
        return judged
    codes = codes_of(layout.constraints[layout.places[name]], mode, judged.verdict)
    return JudgedConstraint(judged.verdict, mode, codes, judged.reads)


def judged_constraint(
    constraint: Constraint, mode: Mode, verdict: Array, first_session: FirstSession
) -> JudgedConstraint:
    """A verdict with what it does in a mode."""
    reads = client_fields(constraint, first_session)
    return JudgedConstraint(verdict, mode, codes_of(constraint, mode, verdict), reads)


def codes_of(constraint: Constraint, mode: Mode, verdict: Array) -> VerdictCodes | None:
    """The codes of a verdict in a mode; None where all are `MET`."""
    # Most constraints are met by every clinician, or the client has no wish about them.
    if mode == "off" or not verdict.size or verdict.min() == 1:
        return None
    excluding, cautioning = np.zeros((2, len(verdict)), dtype=np.int8)
    failed = excluding if mode == "hard" else cautioning
    np.multiply(verdict == 0, np.int8(FAILED), out=failed)
    if constraint.unknown != "met":
        unknown = excluding if mode == "hard" and constraint.unknown == "fail" else cautioning
        unknown += np.multiply(np.isnan(verdict), np.int8(UNKNOWN))
    return VerdictCodes(excluding, cautioning)


def with_moves(codes: VerdictCodes | None, rows: Iterable[int], size: int) -> VerdictCodes | None:
    """The codes where clinicians in some rows pass until a change of clocks."""
    places = list(rows)
    if not places:
        return codes
    excluding = np.zeros(size, dtype=np.int8) if codes is None else codes.excluding
    cautioning = np.zeros(size, dtype=np.int8) if codes is None else codes.cautioning.copy()
    cautioning[places] = MOVES
    return VerdictCodes(excluding, cautioning)


def lift_by_other_modes(
    layout: Layout,
    client: Columns,
    columns: Columns,
    by_ways: Mapping[int, Mapping[str, VerdictCodes | None]],
    excluding: Codes,
    cautioning: Codes,
) -> None:
    """Lifts, in place, constraints on modes of meeting that the two need not use.

    A client who wants to meet in person or by video is not kept from a clinician by the distance,
    as long as no constraint excludes meeting this clinician by video. `by_ways` has the codes of
    constraints on open hours by way of meeting, by their place.
    """
    practice, constraints = layout.practice, layout.constraints
    some = [
        place
        for place in layout.about_ways
        if (
            any(by_ways[place].values())
            if place in by_ways
            else excluding[place].any() or cautioning[place].any()
        )
    ]
    if practice.ways is None or not some:
        return
    shared = shared_modes(practice, client, columns)
    open_ways = dict(shared)
    for place in some:
        for way in constraints[place].ways:
            if way not in open_ways:
                continue
            if place not in by_ways:
                open_ways[way] = open_ways[way] & (excluding[place] == MET)
            elif (codes := by_ways[place][way]) is not None:
                open_ways[way] = open_ways[way] & (codes.excluding == MET)
    for place in some:
        if place in by_ways:
            over = _over_ways(by_ways[place], shared, open_ways, columns.size)
            excluding[place], cautioning[place] = over.excluding, over.cautioning
    meets = _any_of(open_ways.values(), columns.size)
    for about in {constraints[place].ways for place in some}:
        concerned = _any_of([shared[way] for way in about if way in shared], columns.size)
        otherwise = [offers for way, offers in open_ways.items() if way not in about]
        remaining = (concerned & ~meets).view(np.int8)
        mentioned = (concerned & ~_any_of(otherwise, columns.size)).view(np.int8)
        for place in some:
            if constraints[place].ways == about:
                excluding[place] *= remaining
                cautioning[place] *= mentioned


def _over_ways(
    by_way: Mapping[str, VerdictCodes | None],
    shared: Mapping[str, Flags],
    open_ways: Mapping[str, Flags],
    size: int,
) -> VerdictCodes:
    """The codes of one constraint over several ways of meeting.

    It excludes where it does so in any shared way. It is a reservation where it is one in every
    open way, or in every shared way where none is open.
    """
    some_open = _any_of([open_ways[way] for way in by_way], size)
    spared = np.zeros(size, dtype=np.bool_)
    barred, mentions = [], []
    # Ways with one verdict have the same codes.
    for codes in {id(each): each for each in by_way.values()}.values():
        ways = [way for way, each in by_way.items() if each is codes]
        offers = _any_of([shared[way] for way in ways], size)
        counts = np.where(some_open, _any_of([open_ways[way] for way in ways], size), offers)
        if codes is None:
            spared |= counts
            continue
        spared |= counts & (codes.cautioning == MET)
        barred.append(codes.excluding * offers)
        mentions.append(codes.cautioning * counts)
    return VerdictCodes(_worst(barred, size), _worst(mentions, size) * ~spared)


def _worst(codes: Sequence[Codes], size: int) -> Codes:
    """Of several codes by clinician the worst: failed, then unknown, then met until a change."""
    worst = np.zeros(size, dtype=np.int8)
    for each in codes:
        np.maximum(worst, -each & MOVES, out=worst)
    return -worst & MOVES


def _any_of(flags: Iterable[Flags], size: int) -> Flags:
    result = np.zeros(size, dtype=np.bool_)
    for each in flags:
        result |= each
    return result
