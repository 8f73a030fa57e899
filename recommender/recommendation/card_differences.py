"""What sets one clinician of a shortlist apart from the others shown: true statements, no causes.

A statement that compares is made only where the fact is known of everybody it compares, so that
what is not recorded of one clinician never counts for another.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from math import isnan
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from recommender.practice.definition import Practice
from recommender.practice.fields import listed
from recommender.recommendation.card_parts import CardContent, CardFields, Difference
from recommender.recommendation.clinician_facts import ClinicianFacts
from recommender.recommendation.fact_text import cents_text, with_unit

MAX_DIFFERENCES = 4
MAX_LEVELS = 2
ONLY = "The only one of those shown who"
MOST = "the most of those shown"

Ordered = TypeVar("Ordered", int, float, date)


@dataclass(frozen=True, slots=True)
class Candidate:
    """A difference that is true of the clinician at one place of the shortlist.

    `is_asked` if it names what the client asked for.
    """

    place: int
    difference: Difference
    is_asked: bool = False


@dataclass(frozen=True, slots=True)
class Shown:
    """The cards of a shortlist, the rows of their clinicians, and the levels asked for by field."""

    cards: Sequence[CardContent]
    rows: NDArray[np.intp]
    asked: Mapping[str, frozenset[str]]


def differences(facts: ClinicianFacts, shown: Shown) -> list[tuple[Difference, ...]]:
    """The differences of each card, at most four; first those that clients may read.

    What was asked for comes first, then gap, time, distance, and facts in the order of the
    definition.
    """
    found: list[list[Difference]] = [[] for _ in shown.cards]
    if len(shown.cards) < 2:
        return [() for _ in shown.cards]
    candidates = [*_compared(facts.practice, facts.fields, shown), *_of_fields(facts, shown)]
    staff_only = facts.fields.staff_only
    candidates.sort(key=lambda each: (each.difference.fact in staff_only, not each.is_asked))
    for each in candidates:
        if len(found[each.place]) < MAX_DIFFERENCES:
            found[each.place].append(each.difference)
    return [tuple(each) for each in found]


def _compared(practice: Practice, fields: CardFields, shown: Shown) -> Iterator[Candidate]:
    """The lowest gap, or else the lowest fee; the soonest time; the nearest rooms."""
    cost = fields.of_part.get("cost")
    if cost is not None:
        gaps = [None if c.cost is None else c.cost.gap_cents for c in shown.cards]
        fees = [None if c.cost is None else c.cost.fee_cents for c in shown.cards]
        word, cents = ("gap", gaps) if None not in gaps else ("fee", fees)
        for place, least, dearer in _least(cents):
            less = cents_text(practice, dearer - least)
            text = f"The lowest {word} of those shown: {less} less than the next"
            if word == "gap" and not least:
                text = f"{ONLY} leaves no gap"
            yield Candidate(place, Difference(cost, text))
    times = fields.of_part.get("next_times")
    if times is not None:
        # A day counts, a quarter of an hour does not: the roster has no bookings.
        for place, *_ in _least(_first_days(shown.cards)):
            day = shown.cards[place].next_times[0].starts_at
            text = f"The soonest time of those shown: {day:%A} {day.day} {day:%B}"
            yield Candidate(place, Difference(times, text))
    places = fields.of_part.get("places")
    if places is not None:
        near = [
            (place, [each.km for each in card.meeting if each.place or each.km is not None])
            for place, card in enumerate(shown.cards)
        ]
        with_rooms = [(place, km) for place, km in near if km]
        known = [min((k for k in km if k is not None), default=None) for _, km in with_rooms]
        if len(with_rooms) > 1:
            for place, km, following in _least(known):
                closer = f"{following - km:.1f}".removesuffix(".0")
                text = f"The nearest rooms of those shown: {closer} km closer than the next"
                yield Candidate(with_rooms[place][0], Difference(places, text))


def _of_fields(facts: ClinicianFacts, shown: Shown) -> Iterator[Candidate]:
    """Levels and flags that one clinician alone has, and the largest number."""
    practice, fields, columns = facts.practice, facts.fields, facts.columns
    profession = fields.of_part.get("profession")
    asked = {fact.field for card in shown.cards for fact in card.asked_and_offered}
    compared = {*fields.facts, *(name for name in fields.if_asked if name in asked)}
    alone = _levels_alone(facts, shown, compared.union(fields.of_part.values()))
    for name in facts.shown_in_order:
        field = practice.clinician[name]
        if name in alone:
            words = _is_a if name == profession else field.spoken_of
            wished = shown.asked.get(name, frozenset())
            for place, levels in sorted(alone[name].items()):
                levels.sort(key=lambda level: level not in wished)
                text = f"{ONLY} {words([field.label_of(each) for each in levels[:MAX_LEVELS]])}"
                yield Candidate(place, Difference(name, text), is_asked=levels[0] in wished)
        elif name not in compared:
            continue
        elif field.kind == "flag":
            flags = columns[name][shown.rows].tolist()
            if sum(flags) == 1:
                text = f"{ONLY} {field.spoken_of(())}"
                yield Candidate(
                    flags.index(1), Difference(name, text), is_asked=name in fields.if_asked
                )
        elif field.kind in ("number", "scale"):
            numbers = [None if isnan(n) else -n for n in columns[name][shown.rows].tolist()]
            for place, most, _ in _least(numbers):
                text = f"{field.heading}: {with_unit(field, -most)}, {MOST}"
                yield Candidate(place, Difference(name, text))


def _is_a(labels: Sequence[str]) -> str:
    return f"is a {listed([each.lower() for each in labels])}"


def _levels_alone(
    facts: ClinicianFacts, shown: Shown, names: Collection[str]
) -> dict[str, dict[int, list[str]]]:
    """By field and place, the levels that one clinician alone has, in declared order.

    A field of which any clinician's levels are not known is left out. Of ways of meeting, those
    count in which the client can meet the clinician.
    """
    table, ways = facts.levels, facts.practice.ways
    held, unknown = table.held[shown.rows], table.unknown[shown.rows].any(axis=0)
    if ways is not None and ways.clinician in table.columns:
        first, after = table.columns[ways.clinician]
        met = [{each.way for each in card.meeting} for card in shown.cards]
        levels = [level for _, level in table.levels[first:after]]
        held[:, first:after] &= [[level in own for level in levels] for own in met]
    columns = np.flatnonzero(np.count_nonzero(held, axis=0) == 1)
    is_unknown = zip(table.columns, np.asarray(unknown).tolist(), strict=True)
    known = {name for name, is_open in is_unknown if name in names and not is_open}
    alone: dict[str, dict[int, list[str]]] = {}
    places = held[:, columns].argmax(axis=0).tolist()
    for column, place in zip(columns.tolist(), places, strict=True):
        name, level = table.levels[column]
        if name in known:
            alone.setdefault(name, {}).setdefault(place, []).append(level)
    return alone


def _first_days(cards: Sequence[CardContent]) -> list[date | None]:
    """The day of each first time, all on one clock: a day of another zone may begin earlier."""
    firsts = [card.next_times[0].starts_at if card.next_times else None for card in cards]
    zone = next((at.tzinfo for at in firsts if at is not None), None)
    return [None if at is None else at.astimezone(zone).date() for at in firsts]


def _least(values: Sequence[Ordered | None]) -> Iterator[tuple[int, Ordered, Ordered]]:
    """The place of the least of several values, it and the next; none if equal or not all known."""
    known = [value for value in values if value is not None]
    if len(known) > 1 and len(known) == len(values) and known.count(min(known)) == 1:
        least, following, *_ = sorted(known)
        yield known.index(least), least, following
