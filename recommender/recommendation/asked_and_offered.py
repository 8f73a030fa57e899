"""What a client asked for and a clinician offers, with exactly the levels that both name."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from recommender.practice.columns import Columns, answered_in
from recommender.practice.definition import Practice
from recommender.practice.rules.constraint import NEVER_RELAXED, Constraint, applicability
from recommender.recommendation.card_parts import Cost, Fact, Meeting
from recommender.recommendation.clinician_facts import ClinicianFacts
from recommender.recommendation.fact_text import (
    YES,
    cents_of,
    cents_text,
    clock_text,
    levels_in,
    values_text,
    with_unit,
)
from recommender.recommendation.open_intervals import OpenInterval
from recommender.recommendation.wishes import Wish
from recommender.screening.screening import Screening
from recommender.values.kinds import DAY_NAMES

BY_RULE = frozenset({"if_asked", "at_least", "at_most", "gap_at_most", "within_km", "shares_hours"})
"""Rules about flags, amounts, distance and hours of which a card says that they are met."""
GAP, DISTANCE = "Gap", "Distance"
WEEKDAYS = tuple(DAY_NAMES.values())


Times = tuple[tuple[OpenInterval, str, str | None], ...]
"""Next times with the zone they are shown in and their way of meeting."""


@dataclass(frozen=True, slots=True)
class Offered:
    """What the clinician at one place of a shortlist offers, as other parts of the card say."""

    place: int
    meeting: tuple[Meeting, ...]
    cost: Cost | None
    times: Times


class Asked:
    """What one client asked for, beside what each clinician of a shortlist offers.

    Parameters
    ----------
    rows
        The clinicians, as places in the roster, (k,).

    Attributes
    ----------
    levels
        The levels that the client asked for, by the clinician's field that may offer them.
    """

    def __init__(
        self,
        facts: ClinicianFacts,
        client: Columns,
        screening: Screening,
        rows: NDArray[np.intp],
    ) -> None:
        self.practice, self.client, self.columns = facts.practice, client, facts.columns
        self.screening, self._rows = screening, rows.tolist()
        self._fee = facts.fields.of_part.get("cost")
        answered = answered_in(client)
        self.levels = _levels_asked(self.practice, facts.wishes, client, answered)
        self._by_level = self._levels_offered(facts, rows)
        self._rules = tuple(
            rule
            for rule in screening.constraints
            if rule.rule in BY_RULE
            and rule.clinician[0] in facts.shown
            and rule.family not in NEVER_RELAXED
            and answered.issuperset(rule.client)
            and applicability(rule, client, screening.context) == 1
        )

    def _levels_offered(
        self, facts: ClinicianFacts, rows: NDArray[np.intp]
    ) -> list[dict[str, list[str]]]:
        """The labels of the levels asked for that each clinician holds, by field."""
        ways = self.practice.ways
        # The ways that suit both are a part of the card.
        left = {n: asked for n, asked in self.levels.items() if ways is None or n != ways.clinician}
        columns = sorted(facts.levels.columns_with(left))
        found: list[dict[str, list[str]]] = [{} for _ in self._rows]
        for place, column in np.argwhere(facts.levels.held[rows][:, columns]).tolist():
            name, level = facts.levels.levels[columns[column]]
            label = self.practice.clinician[name].label_of(level)
            found[place].setdefault(name, []).append(label)
        return found

    def and_offered(self, offered: Offered) -> tuple[Fact, ...]:
        """What the client asked for and one clinician offers, in the order of the definition."""
        facts = [
            Fact(name, self.practice.clinician[name].heading, tuple(labels))
            for name, labels in self._by_level[offered.place].items()
        ]
        for rule in self._rules:
            facts += self._by_rule(rule, offered)
        return tuple(dict.fromkeys(facts))

    def _by_rule(self, rule: Constraint, offered: Offered) -> Iterator[Fact]:
        """What a rule about amounts, flags, hours or distance says of the two, where it is met."""
        name, row = rule.clinician[0], self._rows[offered.place]
        field = self.practice.clinician[name]
        if not rule.client:
            yield from self._without_gap(rule, offered)
            return
        answer = self.client[rule.client[0]][0]
        is_met = self.screening.verdict_of(rule.name)[row] == 1
        match rule.rule:
            case "if_asked" if answer == 1 and self.columns[name][row] == 1:
                yield Fact(name, field.heading, (YES,))
            case "at_least" if is_met and field.behaviour.numeric:
                values = values_text(self.practice, field, self.columns[name][row])
                yield from (Fact(name, field.heading, (value,)) for value in values)
            case "at_most" if field.kind == "money":
                fee = cents_of(self.columns[name][row])
                if name == self._fee:
                    # What this client would be charged, where a concession or a scheme decides.
                    fee = None if offered.cost is None else offered.cost.fee_cents
                yield from self._within(name, field.heading, fee, answer)
            case "gap_at_most":
                gap = None if offered.cost is None else offered.cost.gap_cents
                yield from self._within(name, GAP, gap, answer)
            case "within_km" if is_met:
                yield from self._distance(rule, offered)
            case "shares_hours" if offered.times:
                spans = dict.fromkeys(_span(interval, zone) for interval, zone, _ in offered.times)
                yield Fact(name, field.heading, tuple(spans))

    def _without_gap(self, rule: Constraint, offered: Offered) -> Iterator[Fact]:
        """That nothing is left to pay, where a flag of the client's asks for it."""
        nothing = offered.cost is not None and offered.cost.gap_cents == 0
        if rule.rule == "gap_at_most" and rule.when is not None and rule.value == 0 and nothing:
            yield Fact(rule.clinician[0], GAP, (cents_text(self.practice, 0),))

    def _within(self, name: str, label: str, cents: int | None, limit: float) -> Iterator[Fact]:
        if cents is not None and cents <= limit:
            most = cents_text(self.practice, round(limit))
            yield Fact(name, label, (f"{cents_text(self.practice, cents)}, limit {most}",))

    def _distance(self, rule: Constraint, offered: Offered) -> Iterator[Fact]:
        limit = self.client[rule.client[1]][0]
        km = [
            each.km
            for each in offered.meeting
            if each.km is not None and (not rule.ways or each.way in rule.ways)
        ]
        if km and min(km) <= limit:
            most = with_unit(self.practice.client[rule.client[1]], limit)
            yield Fact(rule.clinician[0], DISTANCE, (f"{min(km):g} km, limit {most}",))


def _levels_asked(
    practice: Practice, wishes: Sequence[Wish], client: Columns, answered: frozenset[str]
) -> dict[str, frozenset[str]]:
    asked: dict[str, frozenset[str]] = {}
    for wish in wishes:
        if wish.client in answered:
            named = levels_in(practice.client[wish.client], client[wish.client][0])
            wished = frozenset(named) - wish.indifferent
            asked[wish.clinician] = asked.get(wish.clinician, frozenset()) | wished
    return asked


@lru_cache(maxsize=4096)
def _span(interval: OpenInterval, zone: str) -> str:
    """The day of the week and the hours of an interval, such as `Thursday 5 pm to 8 pm`."""
    begin, end = interval.local(zone)
    if (end - begin).days >= 1:
        return WEEKDAYS[begin.weekday()]
    until = clock_text(end)
    is_same = end.date() == begin.date() or until == "midnight"
    day = "" if is_same else f"{WEEKDAYS[end.weekday()]} "
    return f"{WEEKDAYS[begin.weekday()]} {clock_text(begin)} to {day}{until}"
