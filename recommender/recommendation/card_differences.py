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
from recommender.recommendation.card_parts import CardContent, CardFields, Difference
from recommender.recommendation.clinician_facts import ClinicianFacts
from recommender.recommendation.fact_text import cents_text, with_unit
from recommender.recommendation.held_levels import places_of

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
    practice, fields = facts.practice, facts.fields
    asked = {fact.field for card in shown.cards for fact in card.asked_and_offered}
    compared = {*fields.facts, *(name for name in fields.if_asked if name in asked)}
    alone = _levels_alone(facts, shown, compared.union(fields.of_part.values()))
    names, values = facts.numbers
    of_cards = dict(zip(names, values[shown.rows].T.tolist(), strict=True))
    for name in facts.shown_in_order:
        field = practice.clinician[name]
        if name in alone:
            wished = shown.asked.get(name, frozenset())
            for place, levels in sorted(alone[name].items()):
                levels.sort(key=lambda level: level not in wished)
                labels = tuple(field.label_of(each) for each in levels[:MAX_LEVELS])
                text = f"{ONLY} {facts.spoken_of(name, labels)}"
                yield Candidate(place, Difference(name, text), is_asked=levels[0] in wished)
        elif name not in compared or name not in of_cards:
            continue
        elif field.kind == "flag":
            flags = of_cards[name]
            if sum(flags) == 1:
                text = f"{ONLY} {facts.spoken_of(name, ())}"
                yield Candidate(
                    flags.index(1), Difference(name, text), is_asked=name in fields.if_asked
                )
        else:
            numbers = [None if isnan(n) else -n for n in of_cards[name]]
            for place, most, _ in _least(numbers):
                text = f"{field.heading}: {with_unit(field, -most)}, {MOST}"
                yield Candidate(place, Difference(name, text))


def _levels_alone(
    facts: ClinicianFacts, shown: Shown, names: Collection[str]
) -> dict[str, dict[int, list[str]]]:
    """By field and place, the levels that one clinician alone has, in declared order.

    A field of which any clinician's levels are not known is left out. Of ways of meeting, those
    count in which the client can meet the clinician.
    """
    table, ways = facts.levels, facts.practice.ways
    held = [table.held[row] for row in shown.rows.tolist()]
    if ways is not None and ways.clinician in table.of_field:
        others = ~table.of_field[ways.clinician]
        met = [{each.way for each in card.meeting if each.way} for card in shown.cards]
        held = [
            own & (others | table.bits_of(ways.clinician, some))
            for own, some in zip(held, met, strict=True)
        ]
    once = several = unknown = 0
    for own, row in zip(held, shown.rows.tolist(), strict=True):
        several |= once & own
        once |= own
        unknown |= table.unknown[row]
    left_out = sum(bits for name, bits in table.of_field.items() if name not in names)
    alone: dict[str, dict[int, list[str]]] = {}
    for card, own in enumerate(held):
        for place in places_of(own & ~(several | unknown | left_out)):
            name, level, _ = table.levels[place]
            alone.setdefault(name, {}).setdefault(card, []).append(level)
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
