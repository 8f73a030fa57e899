"""What sets one clinician of a shortlist apart from the others shown: true statements, no causes.

A statement that compares is made only where the fact is known of everybody it compares, so that
what is not recorded of one clinician never counts for another.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from math import isnan
from typing import NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from recommender.practice.definition import Practice
from recommender.recommendation.card_parts import CardContent, CardFields, Difference
from recommender.recommendation.clinician_facts import ClinicianFacts
from recommender.recommendation.fact_text import cents_text, with_unit
from recommender.recommendation.held_levels import places_of

MAX_DIFFERENCES = 4
MAX_LEVELS = 2
ONLY = "The only one of those shown who"
MOST = "the most of those shown"

Ordered = TypeVar("Ordered", int, float, date)


class Candidate(NamedTuple):
    """A difference that is true of the clinician at one place of the shortlist.

    `is_asked` if it names what the client asked for.
    """

    place: int
    difference: Difference
    is_asked: bool = False


@dataclass(frozen=True, slots=True)
class Shown:
    """The cards of a shortlist, the rows of their clinicians, and the levels asked for as bits."""

    cards: Sequence[CardContent]
    rows: NDArray[np.intp]
    asked: int


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


def _of_fields(facts: ClinicianFacts, shown: Shown) -> list[Candidate]:
    """Levels and flags that one clinician alone has, and the largest number."""
    practice, fields = facts.practice, facts.fields
    asked = frozenset([fact.field for card in shown.cards for fact in card.asked_and_offered])
    found: list[tuple[str, Candidate]] = []
    for name, by_place in _levels_alone(facts, shown, facts.compared_with(asked)).items():
        field = practice.clinician[name]
        for place, levels in sorted(by_place.items()):
            levels.sort(key=lambda level: not shown.asked & level[0])
            labels = tuple([field.label_of(each) for _, each in levels[:MAX_LEVELS]])
            difference = Difference(name, f"{ONLY} {facts.spoken_of(name, labels)}")
            found.append((name, Candidate(place, difference, bool(shown.asked & levels[0][0]))))
    names, values = facts.numbers
    for name, own in zip(names, values[shown.rows].T.tolist(), strict=True):
        is_asked = name in fields.if_asked
        if name not in fields.facts and not (is_asked and name in asked):
            continue
        field = practice.clinician[name]
        if field.kind == "flag":
            if sum(own) == 1:
                difference = Difference(name, f"{ONLY} {facts.spoken_of(name, ())}")
                found.append((name, Candidate(own.index(1), difference, is_asked)))
        else:
            numbers = [None if isnan(n) else -n for n in own]
            for place, most, _ in _least(numbers):
                text = f"{field.heading}: {with_unit(field, -most)}, {MOST}"
                found.append((name, Candidate(place, Difference(name, text))))
    found.sort(key=lambda each: facts.order[each[0]])
    return [candidate for _, candidate in found]


def _levels_alone(
    facts: ClinicianFacts, shown: Shown, compared: int
) -> dict[str, dict[int, list[tuple[int, str]]]]:
    """By field and place, the levels that one clinician alone has, with their bits, in their order.

    A field of which any clinician's levels are not known is left out. Of ways of meeting, those
    count in which the client can meet the clinician.
    """
    table, ways, rows = facts.levels, facts.practice.ways, shown.rows.tolist()
    held = [table.held[row] for row in rows]
    if ways is not None and ways.clinician in table.of_field:
        others = ~table.of_field[ways.clinician]
        met = [{each.way for each in card.meeting if each.way} for card in shown.cards]
        held = [
            own & (others | table.bits_of(ways.clinician, some))
            for own, some in zip(held, met, strict=True)
        ]
    once = several = unknown = 0
    for own, row in zip(held, rows, strict=True):
        several |= once & own
        once |= own
        unknown |= table.unknown[row]
    counts = compared & ~(several | unknown)
    alone: dict[str, dict[int, list[tuple[int, str]]]] = {}
    for card, own in enumerate(held):
        for place in places_of(own & counts):
            name, level, _ = table.levels[place]
            alone.setdefault(name, {}).setdefault(card, []).append((1 << place, level))
    return alone


def _first_days(cards: Sequence[CardContent]) -> list[date | None]:
    """The day of each first time, all on one clock: a day of another zone may begin earlier."""
    firsts = [card.next_times[0].starts_at if card.next_times else None for card in cards]
    zone = next((at.tzinfo for at in firsts if at is not None), None)
    return [
        None if at is None else (at if at.tzinfo is zone else at.astimezone(zone)).date()
        for at in firsts
    ]


def _least(values: Sequence[Ordered | None]) -> Iterator[tuple[int, Ordered, Ordered]]:
    """The place of the least of several values, it and the next; none if equal or not all known."""
    known = [value for value in values if value is not None]
    if len(known) > 1 and len(known) == len(values) and known.count(min(known)) == 1:
        least, following, *_ = sorted(known)
        yield known.index(least), least, following
