"""What sets one clinician of a shortlist apart from the others shown: true statements, no causes.

A statement that compares is made only where the fact is known of everybody it compares, so that
what is not recorded of one clinician never counts for another.
"""

from collections.abc import Callable, Iterator, Sequence
from datetime import date
from functools import partial
from math import isnan
from typing import NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from recommender.practice.definition import Practice
from recommender.practice.fields import Field
from recommender.recommendation.card_parts import (
    CardFields,
    Cost,
    Difference,
    Fact,
    Meeting,
    NextTime,
)
from recommender.recommendation.clinician_facts import ClinicianFacts
from recommender.recommendation.fact_text import cents_text, with_unit

MAX_DIFFERENCES = 4
MAX_LEVELS = 2
ONLY = "The only one of those shown who"
MOST = "the most of those shown"

Ordered = TypeVar("Ordered", int, float, date)


class Candidate(NamedTuple):
    """A difference that is true of the clinician at one place of the shortlist.

    `fact` is the clinician's field; `is_asked` if it names what the client asked for. The text is
    written for those that are shown.
    """

    place: int
    fact: str
    text: Callable[[], str]
    is_asked: bool = False


class Shown(NamedTuple):
    """Parts of the cards of a shortlist, in its order.

    `rows` are those of the clinicians, `ways` those of meeting as bits of the client's levels, and
    `asked` the levels asked for as bits.
    """

    rows: NDArray[np.intp]
    ways: Sequence[int]
    asked: int
    meetings: Sequence[tuple[Meeting, ...]]
    costs: Sequence[Cost | None]
    times: Sequence[tuple[NextTime, ...]]
    asked_and_offered: Sequence[tuple[Fact, ...]]


def differences(facts: ClinicianFacts, shown: Shown) -> list[tuple[Difference, ...]]:
    """The differences of each card, at most four; first those that clients may read.

    What was asked for comes first, then gap, time, distance, and facts in the order of the
    definition.
    """
    found: list[list[Difference]] = [[] for _ in shown.rows]
    if len(found) < 2:
        return [() for _ in found]
    candidates = [*_compared(facts.practice, facts.fields, shown), *_of_fields(facts, shown)]
    staff_only = facts.fields.staff_only
    candidates.sort(key=lambda each: (each.fact in staff_only, not each.is_asked))
    for place, fact, text, _ in candidates:
        if len(found[place]) < MAX_DIFFERENCES:
            found[place].append(Difference(fact, text()))
    return [tuple(each) for each in found]


def _compared(practice: Practice, fields: CardFields, shown: Shown) -> Iterator[Candidate]:
    """The lowest gap, or else the lowest fee; the soonest time; the nearest rooms."""
    cost = fields.of_part.get("cost")
    if cost is not None:
        gaps = [None if each is None else each.gap_cents for each in shown.costs]
        fees = [None if each is None else each.fee_cents for each in shown.costs]
        word, cents = ("gap", gaps) if None not in gaps else ("fee", fees)
        for place, least, dearer in _least(cents):
            yield Candidate(place, cost, partial(_cheaper, practice, word, least, dearer))
    times = fields.of_part.get("next_times")
    if times is not None:
        # A day counts, a quarter of an hour does not: the roster has no bookings.
        for place, *_ in _least(_first_days(shown.times)):
            yield Candidate(place, times, partial(_sooner, shown.times[place][0].starts_at))
    places = fields.of_part.get("places")
    if places is not None:
        near = [
            (place, [each.km for each in meetings if each.place or each.km is not None])
            for place, meetings in enumerate(shown.meetings)
        ]
        with_rooms = [(place, km) for place, km in near if km]
        known = [min((k for k in km if k is not None), default=None) for _, km in with_rooms]
        for place, km, following in _least(known):
            yield Candidate(with_rooms[place][0], places, partial(_nearer, following - km))


def _cheaper(practice: Practice, word: str, least: int, dearer: int) -> str:
    if word == "gap" and not least:
        return f"{ONLY} leaves no gap"
    less = cents_text(practice, dearer - least)
    return f"The lowest {word} of those shown: {less} less than the next"


def _sooner(day: date) -> str:
    return f"The soonest time of those shown: {day:%A} {day.day} {day:%B}"


def _nearer(km: float) -> str:
    closer = f"{km:.1f}".removesuffix(".0")
    return f"The nearest rooms of those shown: {closer} km closer than the next"


def _of_fields(facts: ClinicianFacts, shown: Shown) -> list[Candidate]:
    """Levels and flags that one clinician alone has, and the largest number."""
    asked = frozenset([fact.field for each in shown.asked_and_offered for fact in each])
    found: list[Candidate] = []
    for place, alone in enumerate(_levels_alone(facts, shown, facts.compared_with(asked))):
        for name, bits in alone.items():
            wished = bits & shown.asked
            labels = facts.labels_of(wished) + facts.labels_of(bits ^ wished)
            text = partial(_only, facts, name, labels[:MAX_LEVELS])
            found.append(Candidate(place, name, text, wished > 0))
    names, values = facts.numbers
    for name, own in zip(names, values[shown.rows].T.tolist(), strict=True):
        is_asked = name in facts.fields.if_asked
        if is_asked and name not in asked:
            continue
        field, most = facts.practice.clinician[name], max(own)
        if field.kind == "flag":
            if sum(own) == 1:
                found.append(Candidate(own.index(1), name, partial(_only, facts, name), is_asked))
        elif own.count(most) == 1 and not any(map(isnan, own)):
            found.append(Candidate(own.index(most), name, partial(_largest, field, most)))
    found.sort(key=lambda each: facts.order[each.fact])
    return found


def _only(facts: ClinicianFacts, name: str, labels: tuple[str, ...] = ()) -> str:
    return f"{ONLY} {facts.spoken_of(name, labels)}"


def _largest(field: Field, number: float) -> str:
    return f"{field.heading}: {with_unit(field, number)}, {MOST}"


def _levels_alone(facts: ClinicianFacts, shown: Shown, compared: int) -> list[dict[str, int]]:
    """The levels that each clinician alone has, as bits by field.

    A field of which any clinician's levels are not known is left out. Of ways of meeting, those
    count in which the client can meet the clinician.
    """
    table, rows = facts.levels, shown.rows.tolist()
    held = [
        table.held[row] & facts.held_with(ways) for row, ways in zip(rows, shown.ways, strict=True)
    ]
    once = several = unknown = 0
    for own, row in zip(held, rows, strict=True):
        several |= once & own
        once |= own
        unknown |= table.unknown[row]
    counts = compared & once & ~(several | unknown)
    fields = [(name, bits) for name, bits in table.of_field.items() if bits & counts]
    return [
        {name: alone for name, bits in fields if (alone := bits & counts & own)} for own in held
    ]


def _first_days(times: Sequence[Sequence[NextTime]]) -> list[date | None]:
    """The day of each first time, all on one clock: a day of another zone may begin earlier."""
    firsts = [each[0].starts_at if each else None for each in times]
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
