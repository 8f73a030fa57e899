"""What sets one clinician of a shortlist apart from the others shown: true statements, no causes.

A statement that compares is made only where the fact is known of everybody it compares, so that
what is not recorded of one clinician never counts for another.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from math import isnan
from typing import TypeVar

from recommender.practice.definition import Practice
from recommender.practice.fields import Field, listed
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
    rows: Sequence[int]
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
    ways = None if practice.ways is None else fields.of_part.get("meeting")
    profession = fields.of_part.get("profession")
    asked = {fact.field for card in shown.cards for fact in card.asked_and_offered}
    compared = {ways, profession, *fields.facts, *(n for n in fields.if_asked if n in asked)}
    for name, field in practice.clinician.items():
        if name not in compared:
            continue
        if field.behaviour.has_levels:
            held: list[Sequence[str] | None] = [facts.levels(name, row) for row in shown.rows]
            if name == ways:
                held = list(map(_ways_met, shown.cards, held))
            words = _is_a if name == profession else field.spoken_of
            yield from _only(field, held, shown.asked.get(name, frozenset()), words)
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


def _only(
    field: Field,
    held: Sequence[Sequence[str] | None],
    asked: frozenset[str],
    words: Callable[[Sequence[str]], str],
) -> Iterator[Candidate]:
    """Levels that one clinician alone has, those asked for first; none if any has unknown ones.

    `words` says of a clinician that they have levels of these labels.
    """
    known = [levels for levels in held if levels is not None]
    if len(known) < len(held):
        return
    holders = Counter(level for levels in known for level in levels)
    for place, own in enumerate(known):
        alone = [level for level in own if holders[level] == 1]
        alone.sort(key=lambda level: level not in asked)
        if alone:
            text = f"{ONLY} {words([field.label_of(level) for level in alone[:MAX_LEVELS]])}"
            yield Candidate(place, Difference(field.name, text), is_asked=alone[0] in asked)


def _ways_met(card: CardContent, offered: Sequence[str] | None) -> Sequence[str] | None:
    """The ways offered in which the client can meet the clinician of a card, in their order."""
    if offered is None:
        return None
    met = {each.way for each in card.meeting}
    return [way for way in offered if way in met]


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
