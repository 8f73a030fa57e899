"""Matches of clients with many clinicians, whose side is compiled and stacked by operator."""

from collections.abc import Sequence, Set
from dataclasses import dataclass
from itertools import groupby
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from recommender.features.feature import Array
from recommender.features.pipeline import matched_fields
from recommender.model.trees.tables import in_chunks
from recommender.plan.answers import Answers, Reading, reading_of_part, readings_of_levels
from recommender.practice.columns import Columns
from recommender.practice.comparisons import (
    Prepared,
    hours_shared,
    kilometres,
    km_apart,
    minutes_of_week,
    on_sphere,
    profile,
)
from recommender.practice.definition import Practice
from recommender.practice.match_operators import COUNTED, Operator, places_among
from recommender.practice.matches import Match
from recommender.practice.sums import known_mean

Places = NDArray[np.intp]
Flags = NDArray[np.bool_]
Words = NDArray[np.uint64]
BLOCK_ROWS = 16_384
"""Pairs that are matched at once: the arrays of one family, some megabytes, stay in the caches."""
Numbered = tuple[int, Match]
"""A match and its place among those of the practice."""
OwnRows = Places | slice
"""The client's row of each pair; all rows where one client is in every pair."""
Rows = Places | slice
"""The clinician's row of each pair."""
MOST_TAKEN = 0.5
"""Share of the clinicians up to which those of one client are taken from the compiled arrays; of
more, every clinician is matched, without a copy."""


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

    def of(self, answers: Answers, client: OwnRows, rows: Rows) -> Array:
        """The matches of pairs of a client's and a clinician's row, (matches, rows)."""


@dataclass(frozen=True, slots=True, eq=False)
class CompiledMatches:
    """The matches of a practice, with the clinicians of a roster and a panel compiled.

    Attributes
    ----------
    count
        How many there are.
    families
        Those that are computed together.
    roster
        How many clinicians are on the roster.
    panel
        The rows of the panel, which follow those of the roster.
    """

    count: int
    families: tuple[Family, ...]
    roster: int
    panel: Places

    def of(
        self,
        answers: Answers,
        client: Places,
        clinician: Places,
        fields: Set[str] | None = None,
    ) -> tuple[Places | slice, Array, Array]:
        """The matches of n pairs of a client and a clinician of the roster.

        A value depends neither on the other pairs nor on their number.

        Parameters
        ----------
        answers
            Those of C clients.
        client, clinician : (n,) int
            Rows of the clients and places on the roster.
        fields
            Only matches that are computed with those of these fields; all where left out.

        Returns
        -------
        (k,) int or slice
            Which of the matches are computed.
        (k, n)
            Their values; NaN is unknown.
        (k, C)
            Their means over the panel; NaN where none is known.
        """
        families: Sequence[tuple[Family, Places | slice]]
        families = [(each, each.places) for each in self.families]
        which: Places | slice = slice(None)
        count = self.count
        if fields is not None:
            read = [each for each in self.families if each.fields & fields]
            which = np.concatenate([_NONE, *(each.places for each in read)])
            count = len(which)
            ends = np.cumsum([0, *(len(each.places) for each in read)]).tolist()
            families = [*zip(read, map(slice, ends, ends[1:]), strict=False)]
        size, panel = len(clinician), len(self.panel)
        everyone = answers.size == 1 and size > MOST_TAKEN * self.roster
        rows, total = self.panel, self.roster + panel
        if not everyone:
            rows = np.concatenate([clinician, *[self.panel] * answers.size])
            total = len(rows)
        own: OwnRows = slice(None)
        if answers.size > 1:
            own = np.concatenate([client, np.repeat(np.arange(answers.size), panel)])
        values = np.empty((count, total))
        for some in in_chunks(total, BLOCK_ROWS):
            theirs = some if everyone else rows[some]
            ours = own if isinstance(own, slice) else own[some]
            block = values[:, some]
            for family, places in families:
                block[places] = family.of(answers, ours, theirs)
        usual = values[:, total - panel * answers.size :]
        usual = usual.reshape(len(values), answers.size, panel).transpose(2, 0, 1)
        matched = values.take(clinician, axis=1) if everyone else values[:, :size]
        return which, matched, known_mean(usual, axis=0)


_NONE = np.empty(0, dtype=np.intp)


def compile_matches(
    practice: Practice, clinicians: Columns, panel: Columns, readings: list[Reading]
) -> CompiledMatches:
    """The matches of a practice with the clinicians of a roster and of a panel.

    What they read of an answer is added to `readings`.
    """
    _, theirs = matched_fields(practice)
    both = Columns.concatenate([clinicians.only(theirs), panel.only(theirs)])
    named: list[Numbered] = []
    numbers: list[Numbered] = []
    families: list[Family] = []
    for place, match in enumerate(practice.matches.values()):
        operator = match.comparison
        if operator.name in COUNTED:
            named.append((place, match))
        elif match.parts or operator.elementwise:
            numbers.append((place, match))
        elif operator.several and operator.prepare is profile:
            families.append(_profile(place, match, both, readings))
        elif operator.compare is kilometres:
            families.append(_trip(place, match, both))
        elif operator.compare is hours_shared:
            families.append(_hours(place, match, both))
        else:
            families.append(_single(place, match, both))
    numbers.sort(key=lambda each: (each[1].operator, bool(each[1].parts)))
    for operator, some in groupby(numbers, key=lambda each: each[1].comparison):
        families.append(_elementwise(operator, list(some), both, readings))
    if named:
        families.append(_named(named, both, readings))
    panel_rows = np.arange(clinicians.size, both.size)
    return CompiledMatches(len(practice.matches), tuple(families), clinicians.size, panel_rows)


@dataclass(frozen=True, slots=True, eq=False)
class _Single:
    """One match, with the clinicians' side prepared by its operator."""

    match: Match
    places: Places
    fields: frozenset[str]
    clinicians: Prepared

    def of(self, answers: Answers, client: OwnRows, rows: Rows) -> Array:
        operator = self.match.comparison
        ours = operator.prepare(self.match.compared(self.match.client, answers.columns))
        theirs = tuple(part[rows] for part in self.clinicians)
        return operator.compare(tuple(part[client] for part in ours), theirs)[None]


def _single(place: int, match: Match, clinicians: Columns) -> _Single:
    prepared = match.comparison.prepare(match.compared(match.clinician, clinicians))
    return _Single(match, np.array([place]), _read_by([(place, match)]), prepared)


@dataclass(frozen=True, slots=True, eq=False)
class _Trip:
    """The shortest distance of two places, of which many clinicians have the same.

    Attributes
    ----------
    field
        The client's field.
    different
        The different places of all clinicians, prepared; the last is not known.
    at : (places of a clinician, N)
        Which of them each clinician has.
    """

    places: Places
    fields: frozenset[str]
    field: str
    different: Prepared
    at: Places

    def of(self, answers: Answers, client: OwnRows, rows: Rows) -> Array:
        ours = on_sphere([answers.columns[self.field]])
        at = _columns(self.at, rows)
        if isinstance(client, slice):
            apart = km_apart(tuple(part[:, :, None] for part in ours), self.different)
            # The smallest that is known, and NaN where none is.
            km = np.fmin.reduce(apart[0], axis=0).take(at)
        else:
            # Most clinicians have fewer places than the one who has most.
            known = np.flatnonzero(at < len(self.different[0]) - 1)
            whose, which = client.take(known % len(client)), at.take(known)
            theirs = tuple(part.take(which) for part in self.different)
            apart = km_apart(tuple(part.T.take(whose, axis=1) for part in ours), theirs)
            km = np.full(at.shape, np.nan)
            km.put(known, np.fmin.reduce(apart, axis=0))
        return np.asarray(np.fmin.reduce(km, axis=0)[None])


def _trip(place: int, match: Match, clinicians: Columns) -> _Trip:
    some = [(place, match)]
    (located,) = match.compared(match.clinician, clinicians)
    every = located.reshape(-1, 2)
    is_unknown = np.isnan(every).any(axis=1)
    different, at = np.unique(every[~is_unknown], axis=0, return_inverse=True)
    which = np.full(len(every), len(different))
    which[~is_unknown] = at.ravel()
    different = np.concatenate([different, np.full((1, 2), np.nan)])
    return _Trip(
        _places(some),
        _read_by(some),
        match.client[0].name,
        on_sphere([different]),
        np.ascontiguousarray(which.reshape(located.shape[:2]).T),
    )


@dataclass(frozen=True, slots=True, eq=False)
class _Hours:
    """The hours a week that suit both, by how many minutes suit the client before each time.

    Attributes
    ----------
    match
        The match.
    times
        The different times, in minutes of the week, at which an opening of anybody begins or ends.
    at : (2 * openings, N)
        Which of them each opening ends at, and then which each begins at.
    weeks : (openings, N)
        Weeks from one opening to the next; None where every window opens every week.
    unknown : (N,)
        Whether no opening of a clinician is known.
    """

    match: Match
    places: Places
    fields: frozenset[str]
    times: Array
    at: Places
    weeks: Array | None
    unknown: Flags

    def of(self, answers: Answers, client: OwnRows, rows: Rows) -> Array:
        start, end, _, silent = minutes_of_week(
            self.match.compared(self.match.client, answers.columns)
        )
        # Whole minutes, which are added exactly in any order.
        length = np.maximum(end - start, 0.0)
        passed = np.maximum(self.times - start[:, :, None], 0.0)
        passed = np.add.reduce(np.minimum(passed, length[:, :, None]), axis=1)
        until = _looked_up(passed, client, _columns(self.at, rows))
        openings = len(until) // 2
        if self.weeks is None:
            minutes = np.add.reduce(until[:openings]) - np.add.reduce(until[openings:])
        else:
            shared = (until[:openings] - until[openings:]) / _columns(self.weeks, rows)
            # Along contiguous rows, as `hours_shared` adds them.
            minutes = np.ascontiguousarray(shared.T).sum(axis=1)
        is_unknown = (silent > 0)[client] | self.unknown[rows]
        return np.where(is_unknown, np.nan, minutes / 60)[None]


def _hours(place: int, match: Match, clinicians: Columns) -> _Hours:
    some = [(place, match)]
    opens, closes, weeks, unknown = minutes_of_week(match.compared(match.clinician, clinicians))
    # An opening that is missing, or within an earlier one, ends where it begins.
    is_empty = opens >= closes
    times, at = np.unique(np.where(is_empty, 0.0, [closes, opens]).T, return_inverse=True)
    at = at.reshape(*opens.shape[::-1], 2).transpose(2, 0, 1)
    return _Hours(
        match,
        _places(some),
        _read_by(some),
        times,
        np.ascontiguousarray(at.reshape(2 * opens.shape[1], len(opens))),
        np.ascontiguousarray(weeks.T) if (weeks != 1).any() else None,
        unknown > 0,
    )


def _columns(values: NDArray[Any], rows: Rows) -> NDArray[Any]:
    """Some columns of (..., N) values, without a copy where they follow one another."""
    return values[..., rows] if isinstance(rows, slice) else values.take(rows, axis=-1)


def _of_clients(values: NDArray[Any], client: OwnRows) -> NDArray[Any]:
    """The values (k, C) of each pair's client, (k, pairs); (k, 1) where it is one."""
    return values if isinstance(client, slice) else values.take(client, axis=1)


def _looked_up(values: Array, client: OwnRows, at: Places) -> Array:
    """The value (C, v) of each pair's client at some places (k, pairs) of these values."""
    if not isinstance(client, slice):
        at = at + client * values.shape[1]
    return np.asarray(values.take(at))


@dataclass(frozen=True, slots=True, eq=False)
class _Elementwise:
    """k matches of one operator that compares one number with another.

    `asked` are the readings of the client's numbers, `clinicians` (k, N) the numbers of the
    clinicians.
    """

    operator: Operator
    places: Places
    fields: frozenset[str]
    asked: slice
    clinicians: Array

    def of(self, answers: Answers, client: OwnRows, rows: Rows) -> Array:
        ours = _of_clients(answers.numbers[:, self.asked].T, client)
        return self.operator.compare((ours,), (_columns(self.clinicians, rows),))


def _elementwise(
    operator: Operator, some: Sequence[Numbered], clinicians: Columns, readings: list[Reading]
) -> _Elementwise:
    asked = [
        reading_of_part(match.parts[0]) if match.parts else _scaled(match)[0] for _, match in some
    ]
    numbers = [match.compared(match.clinician, clinicians)[0] for _, match in some]
    return _Elementwise(
        operator, _places(some), _read_by(some), _added(readings, asked), np.array(numbers)
    )


@dataclass(frozen=True, slots=True, eq=False)
class _Profile:
    """A match of two lists of numbers.

    `asked` are the readings of the client's, `clinicians` (numbers, N) those of the clinicians.
    """

    operator: Operator
    places: Places
    fields: frozenset[str]
    asked: slice
    clinicians: Array

    def of(self, answers: Answers, client: OwnRows, rows: Rows) -> Array:
        ours = _of_clients(answers.numbers[:, self.asked].T, client)
        theirs = _columns(self.clinicians, rows)
        return self.operator.compare((ours.T,), (theirs.T,))[None]


def _profile(place: int, match: Match, clinicians: Columns, readings: list[Reading]) -> _Profile:
    some = [(place, match)]
    numbers = np.array(match.compared(match.clinician, clinicians))
    asked = _added(readings, _scaled(match))
    return _Profile(match.comparison, _places(some), _read_by(some), asked, numbers)


@dataclass(frozen=True, slots=True, eq=False)
class _Named:
    """k matches of levels compared by name, each a count of the client's levels that are shared.

    Attributes
    ----------
    asked
        The readings of the levels of the client's fields, match by match.
    counted : (levels,)
        1 for each of these levels that the clinician's field has and that states a wish.
    bits : (levels,)
        The bit of each level among those of the words, which no two matches share.
    held : (words, N)
        The levels that a clinician has.
    first_levels, first_words : (k,)
        The first level and the first word of each match.
    shares : (k,)
        Whether the match is the share of the levels named, and not whether any is shared.
    unknown : (k, N)
        Whether the clinician's field is not known.
    """

    places: Places
    fields: frozenset[str]
    asked: slice
    counted: Array
    bits: Places
    held: Words
    first_levels: Places
    first_words: Places
    shares: Flags
    unknown: Flags

    def of(self, answers: Answers, client: OwnRows, rows: Rows) -> Array:
        named = answers.numbers[:, self.asked] * self.counted
        counts = np.add.reduceat(named, self.first_levels, axis=1)
        wished = np.where(counts > 0, np.where(self.shares, counts, 1.0), np.nan)
        asked = _words(named > 0, self.bits, len(self.held))
        shared = np.bitwise_count(_columns(self.held, rows) & _of_clients(asked, client))
        if len(shared) > len(self.shares):
            shared = np.add.reduceat(shared, self.first_words, axis=0, dtype=np.uint16)
        values = shared / _of_clients(wished.T, client)
        np.copyto(values, np.nan, where=_columns(self.unknown, rows))
        return np.asarray(values)


def _named(some: Sequence[Numbered], clinicians: Columns, readings: list[Reading]) -> _Named:
    held, counted = zip(*(_levels_held(match, clinicians) for _, match in some), strict=True)
    sizes = np.array([len(each) for each in counted])
    words = -(-sizes // WORD)
    first_levels, first_words = np.cumsum(sizes) - sizes, np.cumsum(words) - words
    bits = np.arange(sizes.sum()) + np.repeat(WORD * first_words - first_levels, sizes)
    asked = [each for _, match in some for each in readings_of_levels(match.client[0])]
    return _Named(
        places=_places(some),
        fields=_read_by(some),
        asked=_added(readings, asked),
        counted=np.concatenate(counted),
        bits=bits,
        held=_words(np.concatenate(held, axis=1) > 0, bits, int(words.sum())),
        first_levels=first_levels,
        first_words=first_words,
        shares=np.array([match.operator == "overlap" for _, match in some]),
        unknown=np.stack([np.isnan(each).any(axis=1) for each in held]),
    )


WORD = 64


def _words(flags: Flags, bits: Places, count: int) -> Words:
    """Flags (n, flags) of n people as these bits of words, (count, n)."""
    placed = np.zeros((len(flags), count * WORD), dtype=np.bool_)
    placed[:, bits] = flags
    return np.ascontiguousarray(np.packbits(placed, axis=1, bitorder="little").view(np.uint64).T)


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


def _scaled(match: Match) -> list[Reading]:
    """The client's numbers as the operator of a match reads them."""
    scales = ((field, match.scale_of(field)) for field in match.client)
    return [Reading(field, low=low, span=span) for field, (low, span) in scales]


def _added(readings: list[Reading], some: Sequence[Reading]) -> slice:
    """Adds some readings, and says where they are."""
    readings += some
    return slice(len(readings) - len(some), len(readings))


def _places(some: Sequence[Numbered]) -> Places:
    return np.array([place for place, _ in some])


def _read_by(some: Sequence[Numbered]) -> frozenset[str]:
    """The client's fields that some matches read."""
    return frozenset(field.name for _, match in some for field in match.client)
