"""Matches of clients with many clinicians, whose side is compiled and stacked by operator."""

from collections.abc import Set
from dataclasses import dataclass
from itertools import groupby
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from recommender.features.feature import Array
from recommender.features.pipeline import matched_fields
from recommender.practice.columns import Columns
from recommender.practice.comparisons import Prepared
from recommender.practice.definition import Practice
from recommender.practice.fields import Field
from recommender.practice.match_operators import (
    COUNTED,
    OPERATORS,
    Operator,
    places_among,
)
from recommender.practice.matches import Match
from recommender.practice.sums import known_mean

Places = NDArray[np.intp]
Flags = NDArray[np.bool_]
OwnRows = Places | slice
"""The client's row of each pair; all rows where one client is in every pair."""


class Family(Protocol):
    """Some matches that are computed together.

    `places` are theirs among all matches, `fields` the client's fields they read.
    """

    @property
    def places(self) -> Places:
        """Where the matches are among those of the practice."""

    @property
    def fields(self) -> frozenset[str]:
        """The client's fields that the matches read."""

    def of(self, clients: Columns, client: OwnRows, rows: Places) -> Array:
        """The matches of pairs of a client's and a clinician's row, (matches, rows)."""


@dataclass(frozen=True, slots=True, eq=False)
class CompiledMatches:
    """The matches of a practice, with the clinicians of a roster and a panel compiled.

    `panel` are the rows of the panel, which follow those of the roster.
    """

    count: int
    families: tuple[Family, ...]
    panel: Places

    def of(
        self,
        clients: Columns,
        client: Places,
        clinician: Places,
        fields: Set[str] | None = None,
    ) -> tuple[Places, Array, Array]:
        """The matches of n pairs of a client and a clinician of the roster.

        A value depends neither on the other pairs nor on their number.

        Parameters
        ----------
        clients
            One row for each of C clients.
        client, clinician : (n,) int
            Rows of the clients and places on the roster.
        fields
            Only matches that are computed with those of these fields; all where left out.

        Returns
        -------
        (k,) int
            Which of the matches are computed.
        (k, n)
            Their values; NaN is unknown.
        (k, C)
            Their means over the panel; NaN where none is known.
        """
        families = (each for each in self.families if fields is None or each.fields & fields)
        rows = np.concatenate([clinician, np.tile(self.panel, clients.size)])
        own: OwnRows = slice(None)
        if clients.size > 1:
            own = np.concatenate([client, np.repeat(np.arange(clients.size), len(self.panel))])
        parts = [(each.places, each.of(clients, own, rows)) for each in families]
        places = np.concatenate([np.empty(0, dtype=np.intp), *(place for place, _ in parts)])
        values = np.concatenate([np.empty((0, len(rows))), *(each for _, each in parts)])
        usual = values[:, len(client) :].reshape(len(places), clients.size, len(self.panel))
        return places, values[:, : len(client)], known_mean(np.moveaxis(usual, 2, 0), axis=0)


def compile_matches(practice: Practice, clinicians: Columns, panel: Columns) -> CompiledMatches:
    """The matches of a practice with the clinicians of a roster and of a panel."""
    _, theirs = matched_fields(practice)
    both = Columns.concatenate([clinicians.only(theirs), panel.only(theirs)])
    matches = list(enumerate(practice.matches.values()))
    families: list[Family] = []
    named = [each for each in matches if _is_counted(each[1].comparison)]
    if named:
        families.append(_named(named, both))
    elementwise = [each for each in matches if each[1].comparison.elementwise]
    elementwise.sort(key=lambda each: each[1].operator)
    for name, some in groupby(elementwise, key=lambda each: each[1].operator):
        families.append(_elementwise(OPERATORS[name], list(some), both))
    for place, match in matches:
        operator = match.comparison
        if not (_is_counted(operator) or operator.elementwise):
            prepared = operator.prepare(match.compared(match.clinician, both))
            families.append(_Single(operator, match, np.array([place]), prepared))
    return CompiledMatches(len(matches), tuple(families), np.arange(clinicians.size, both.size))


def _is_counted(operator: Operator) -> bool:
    """Whether it counts the levels that both sides have."""
    return operator.name in COUNTED


@dataclass(frozen=True, slots=True, eq=False)
class _Single:
    """One match, with the clinicians' side prepared by its operator."""

    operator: Operator
    match: Match
    places: Places
    clinicians: Prepared

    @property
    def fields(self) -> frozenset[str]:
        return frozenset(field.name for field in self.match.client)

    def of(self, clients: Columns, client: OwnRows, rows: Places) -> Array:
        ours = self.operator.prepare(self.match.compared(self.match.client, clients))
        theirs = tuple(part[rows] for part in self.clinicians)
        return self.operator.compare(tuple(part[client] for part in ours), theirs)[None]


@dataclass(frozen=True, slots=True, eq=False)
class _Elementwise:
    """k matches of one operator that compares one number with another.

    `low` and `span` (k, 1) are the scales of the client's numbers, `clinicians` (k, N) the scaled
    numbers of the clinicians.
    """

    operator: Operator
    places: Places
    names: tuple[str, ...]
    low: Array
    span: Array
    clinicians: Array

    @property
    def fields(self) -> frozenset[str]:
        return frozenset(self.names)

    def of(self, clients: Columns, client: OwnRows, rows: Places) -> Array:
        numbers = np.array([clients[name] for name in self.names])
        ours = ((numbers - self.low) / self.span)[:, client]
        return self.operator.compare((ours,), (self.clinicians.take(rows, axis=1),))


def _elementwise(
    operator: Operator, some: list[tuple[int, Match]], clinicians: Columns
) -> _Elementwise:
    scales = np.array([match.scale_of(match.client[0]) for _, match in some])
    numbers = [match.compared(match.clinician, clinicians)[0] for _, match in some]
    return _Elementwise(
        operator,
        np.array([place for place, _ in some]),
        tuple(match.client[0].name for _, match in some),
        scales[:, :1],
        scales[:, 1:],
        np.array(numbers, dtype=np.float64),
    )


@dataclass(frozen=True, slots=True, eq=False)
class _Named:
    """k matches of levels compared by name, each a count of the client's levels that are shared.

    Attributes
    ----------
    client
        The client's field of each match.
    counted : (levels,)
        1 for each level of the matches' fields, match by match, that the clinician's field has and
        that states a wish.
    held : (N, levels) float32
        1 where a clinician has the level.
    starts : (k,)
        The first level of each match.
    of_match : (levels, k) float32
        1 for the levels of each match.
    shares : (k,)
        Whether the match is the share of the levels named, and not whether any is shared.
    unknown : (k, N)
        Whether the clinician's field is not known.
    """

    places: Places
    client: tuple[Field, ...]
    counted: Array
    held: NDArray[np.float32]
    starts: Places
    of_match: NDArray[np.float32]
    shares: Flags
    unknown: Flags

    @property
    def fields(self) -> frozenset[str]:
        return frozenset(field.name for field in self.client)

    def of(self, clients: Columns, client: OwnRows, rows: Places) -> Array:
        named = np.concatenate([_levels_named(field, clients) for field in self.client], axis=1)
        named *= self.counted
        counts = np.add.reduceat(named, self.starts, axis=1)
        # Counts of 0s and 1s are exact in any order: here a matrix product has the same digits for
        # every number of rows.
        known = np.where(np.isnan(named), 0.0, named).astype(np.float32)
        shared = (self.held[rows] * known[client]) @ self.of_match
        wished = np.where(counts > 0, np.where(self.shares, counts, 1.0), np.nan)
        values = shared.T / wished.T[:, client]
        values[self.unknown[:, rows]] = np.nan
        return np.asarray(values)


def _named(some: list[tuple[int, Match]], clinicians: Columns) -> _Named:
    held, counted = zip(*(_levels_held(match, clinicians) for _, match in some), strict=True)
    sizes = [len(each) for each in counted]
    return _Named(
        places=np.array([place for place, _ in some]),
        client=tuple(match.client[0] for _, match in some),
        counted=np.concatenate(counted),
        held=np.nan_to_num(np.concatenate(held, axis=1)).astype(np.float32),
        starts=np.cumsum([0, *sizes[:-1]]),
        of_match=np.repeat(np.eye(len(some), dtype=np.float32), sizes, axis=0),
        shares=np.array([match.operator == "overlap" for _, match in some]),
        unknown=np.stack([np.isnan(each).any(axis=1) for each in held]),
    )


def _levels_held(match: Match, clinicians: Columns) -> tuple[Array, Array]:
    """1 where a clinician has a level of the client's field, (N, levels), and which levels count.

    NaN throughout the row of a clinician whose field is not known.
    """
    ours, theirs = match.client[0], match.clinician[0]
    places = places_among(ours.levels, theirs.levels, match.indifferent)
    values = clinicians[theirs.name]
    if values.ndim == 1:
        values = np.where(
            np.isnan(values)[:, None], np.nan, values[:, None] == np.arange(len(theirs.levels))
        )
    counted = ~np.isnan(places)
    held = values[:, np.where(places >= 0, places, 0).astype(int)]
    # Nobody has a level that the clinician's field lacks.
    held = np.where(np.isnan(held) | (places >= 0), held, 0.0)
    return held, counted.astype(np.float64)


def _levels_named(field: Field, clients: Columns) -> Array:
    """1 for each level that each of C clients named, (C, levels); NaN where not answered."""
    values = clients[field.name]
    if values.ndim == 1:
        is_named = values[:, None] == np.arange(len(field.levels))
        values = np.where(np.isnan(values)[:, None], np.nan, is_named)
    return np.asarray(values)
