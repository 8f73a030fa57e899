"""What a client asked for and a clinician offers, with exactly the levels that both name."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from recommender.practice.columns import Columns
from recommender.practice.definition import Practice
from recommender.practice.rules.constraint import NEVER_RELAXED, Constraint, applicability
from recommender.recommendation.card_parts import CardFields, Cost, Fact, Meeting
from recommender.recommendation.explanation import WISH_OPERATORS
from recommender.recommendation.fact_text import (
    YES,
    cents_text,
    clock_text,
    levels_in,
    values_text,
    with_unit,
)
from recommender.recommendation.openings import MAX_TIMES, OpenInterval
from recommender.screening.screen import Screening

BY_LEVEL = frozenset({"has_all", "has_any", "member", "one_of", "equal"})
"""Rules that compare levels which a client asks for with those a clinician has."""
GAP, DISTANCE = "Gap", "Distance"


@dataclass(frozen=True, slots=True)
class Wish:
    """A client's field that asks for levels of a clinician's field; `indifferent` ask for none."""

    client: str
    clinician: str
    indifferent: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Offered:
    """What one clinician offers this client, computed for the other parts of the card.

    `times` are the next times on the clock they are shown on, as begin and end, none where the
    client named no hours.
    """

    row: int
    meeting: tuple[Meeting, ...]
    cost: Cost | None
    times: tuple[tuple[OpenInterval, str], ...]


def wishes_of(practice: Practice) -> tuple[Wish, ...]:
    """Every comparison of levels asked for with levels offered that the practice declares.

    Constraints of protected families are no wishes.
    """
    matches = (
        Wish(match.client[0].name, match.clinician[0].name, frozenset(match.indifferent))
        for match in practice.matches.values()
        if match.operator in WISH_OPERATORS
    )
    rules = (
        Wish(rule.client[0], rule.clinician[0], frozenset(rule.settings.get("indifferent", ())))
        for rule in practice.constraints.values()
        if rule.rule in BY_LEVEL and rule.client and rule.family not in NEVER_RELAXED
    )
    return tuple(dict.fromkeys((*matches, *rules)))


def levels_asked(
    practice: Practice, wishes: Sequence[Wish], client: Columns
) -> dict[str, frozenset[str]]:
    """The levels that a client asked for, by the clinician's field that may offer them."""
    asked: dict[str, frozenset[str]] = {}
    for wish in wishes:
        named = levels_in(practice.client[wish.client], client[wish.client][0])
        asked[wish.clinician] = asked.get(wish.clinician, frozenset()) | (
            frozenset(named) - wish.indifferent
        )
    return asked


def asked_and_offered(
    practice: Practice,
    fields: CardFields,
    client: Columns,
    columns: Columns,
    screening: Screening,
    asked: Mapping[str, frozenset[str]],
    offered: Offered,
) -> tuple[Fact, ...]:
    """What the client asked for and one clinician offers, in the order of the definition."""
    shown = {*fields.facts, *fields.if_asked, *fields.of_part.values()}
    found = {
        name: Fact(name, practice.clinician[name].heading, values)
        for name, levels in asked.items()
        if name in shown and (values := _met(practice, columns, levels, name, offered))
    }
    facts = [found[name] for name in practice.clinician if name in found]
    for rule in screening.constraints:
        if rule.clinician and rule.clinician[0] in shown:
            facts += _by_rule(practice, fields, rule, client, columns, screening, offered)
    return tuple(dict.fromkeys(facts))


def _met(
    practice: Practice, columns: Columns, levels: frozenset[str], name: str, offered: Offered
) -> tuple[str, ...]:
    field = practice.clinician[name]
    if practice.ways is not None and name == practice.ways.clinician:
        # The ways that suit both are a part of the card.
        return ()
    held = levels_in(field, columns[name][offered.row])
    return tuple(field.label_of(level) for level in held if level in levels)


def _by_rule(
    practice: Practice,
    fields: CardFields,
    rule: Constraint,
    client: Columns,
    columns: Columns,
    screening: Screening,
    offered: Offered,
) -> Iterator[Fact]:
    """What a rule about amounts, flags, hours or distance says of the two, where it is met."""
    name, row = rule.clinician[0], offered.row
    field = practice.clinician[name]
    if rule.family in NEVER_RELAXED or applicability(rule, client, screening.context) != 1:
        return
    if rule.rule == "gap_at_most" and rule.when is not None and rule.value == 0:
        gap = None if offered.cost is None else offered.cost.gap_cents
        if gap == 0:
            yield Fact(name, GAP, (cents_text(practice, 0),))
    if not rule.client or any(_is_missing(client, each) for each in rule.client):
        return
    answer = client[rule.client[0]][0]
    is_met = screening.verdicts[rule.name][row] == 1
    match rule.rule:
        case "if_asked" if answer == 1 and columns[name][row] == 1:
            yield Fact(name, field.heading, (YES,))
        case "at_least" if is_met and field.behaviour.numeric:
            values = values_text(practice, field, columns[name][row])
            yield from (Fact(name, field.heading, (value,)) for value in values)
        case "at_most" if field.kind == "money":
            fee = _cents(columns[name][row])
            if name == fields.of_part.get("cost"):
                # What this client would be charged, where a concession or a scheme decides.
                fee = None if offered.cost is None else offered.cost.fee_cents
            yield from _within(practice, name, field.heading, fee, answer)
        case "gap_at_most":
            gap = None if offered.cost is None else offered.cost.gap_cents
            yield from _within(practice, name, GAP, gap, answer)
        case "within_km" if is_met:
            limit = client[rule.client[1]][0]
            km = [
                each.km
                for each in offered.meeting
                if each.km is not None and (not rule.ways or each.way in rule.ways)
            ]
            if km and min(km) <= limit:
                unit = practice.client[rule.client[1]]
                yield Fact(name, DISTANCE, (f"{min(km):g} km, limit {with_unit(unit, limit)}",))
        case "shares_hours":
            spans = tuple(dict.fromkeys(_span(*each) for each in offered.times))
            if spans:
                yield Fact(name, field.heading, spans[:MAX_TIMES])


def _within(
    practice: Practice, name: str, label: str, cents: int | None, limit: float
) -> Iterator[Fact]:
    if cents is not None and cents <= limit:
        text = f"{cents_text(practice, cents)}, limit {cents_text(practice, round(limit))}"
        yield Fact(name, label, (text,))


def _cents(amount: float) -> int | None:
    return None if np.isnan(amount) else round(float(amount))


def _is_missing(client: Columns, name: str) -> bool:
    answer = client[name][0]
    return bool(answer is None if client[name].dtype == object else np.isnan(answer).all())


def _span(interval: OpenInterval, zone: str) -> str:
    """The day of the week and the hours of an interval, such as `Thursday 5 pm to 8 pm`."""
    begin, end = interval.local(zone)
    if (end - begin).days >= 1:
        return f"{begin:%A}"
    day = "" if end.date() == begin.date() or clock_text(end) == "midnight" else f"{end:%A} "
    return f"{begin:%A} {clock_text(begin)} to {day}{clock_text(end)}"
