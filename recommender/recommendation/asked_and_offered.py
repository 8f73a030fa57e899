"""What a client asked for and a clinician offers, with exactly the levels that both name."""

from collections.abc import Sequence
from datetime import UTC, datetime
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from recommender.practice.columns import Columns, answered_in
from recommender.practice.rules.constraint import Constraint, applicability
from recommender.recommendation.card_parts import Cost, Fact, Meeting
from recommender.recommendation.clinician_facts import ClinicianFacts
from recommender.recommendation.fact_text import (
    YES,
    cents_of,
    cents_text,
    clock_text,
    values_text,
    with_unit,
)
from recommender.recommendation.open_intervals import OpenInterval
from recommender.recommendation.openings import OpenTime
from recommender.screening.screening import Screening
from recommender.values.kinds import DAY_NAMES

GAP, DISTANCE = "Gap", "Distance"
WEEKDAYS = tuple(DAY_NAMES.values())


class Offered(NamedTuple):
    """What a clinician of a shortlist offers, as other parts of the card say."""

    meeting: tuple[Meeting, ...]
    cost: Cost | None
    times: tuple[OpenTime, ...]


class Asked:
    """What one client asked for, beside what each clinician of a shortlist offers.

    Parameters
    ----------
    rows
        The clinicians, as places in the roster, (k,).
    origin
        The midnight UTC that times are counted from.

    Attributes
    ----------
    levels
        The levels that the client asked for, as bits of the facts' levels.
    """

    def __init__(
        self,
        facts: ClinicianFacts,
        client: Columns,
        screening: Screening,
        rows: NDArray[np.intp],
        origin: datetime,
    ) -> None:
        self.practice, self.client, self.columns = facts.practice, client, facts.columns
        self.screening, self._facts, self._rows = screening, facts, rows
        self._midnight, self._times = origin.toordinal(), dict[str, Sequence[Fact | None]]()
        answered = answered_in(client)
        self.levels = facts.asked_of(client)
        self._rules = [
            rule
            for rule in facts.met_rules
            if answered.issuperset(rule.client)
            and screening.modes[rule.name] != "off"
            and applicability(rule, client, screening.context) == 1
        ]

    def and_offered(self, offered: Sequence[Offered]) -> list[tuple[Fact, ...]]:
        """What the client asked for and each clinician offers, in the order of the definition."""
        table, ways, asked = self._facts.levels, self.practice.ways, self.levels
        if ways is not None:
            # The ways that suit both are a part of the card.
            asked &= ~table.of_field.get(ways.clinician, 0)
        found = [list(self._facts.offered(table.held[row] & asked)) for row in self._rows.tolist()]
        for rule in self._rules:
            for facts, fact in zip(found, self._by_rule(rule, offered), strict=True):
                if fact is not None and fact not in facts:
                    facts.append(fact)
        return list(map(tuple, found))

    def _fact(self, name: str, *values: str) -> Fact:
        return Fact(name, self._facts.headings[name], values)

    def _by_rule(self, rule: Constraint, offered: Sequence[Offered]) -> Sequence[Fact | None]:
        """What a rule about amounts, flags, hours or distance says of each, where it is met."""
        name = rule.clinician[0]
        field = self.practice.clinician[name]
        answer = self.client[rule.client[0]][0] if rule.client else 0.0
        match rule.rule:
            case "gap_at_most" if not rule.client:
                free = Fact(name, GAP, (cents_text(self.practice, 0),))
                return [free if gap == 0 else None for gap in _gaps(offered)]
            case "gap_at_most":
                return self._within(name, GAP, _gaps(offered), answer)
            case "if_asked" if answer == 1:
                has, yes = self.columns[name][self._rows].tolist(), self._fact(name, YES)
                return [yes if each == 1 else None for each in has]
            case "at_least" if field.behaviour.numeric:
                values = self.columns[name][self._rows].tolist()
                return [
                    self._fact(name, *values_text(self.practice, field, value))
                    if is_met and value == value
                    else None
                    for value, is_met in zip(values, self._is_met(rule), strict=True)
                ]
            case "at_most" if field.kind == "money":
                if name == self._facts.fields.of_part.get("cost"):
                    # What this client would be charged, where a concession or a scheme decides.
                    fees = [None if each.cost is None else each.cost.fee_cents for each in offered]
                else:
                    fees = [cents_of(fee) for fee in self.columns[name][self._rows].tolist()]
                return self._within(name, self._facts.headings[name], fees, answer)
            case "within_km":
                return [
                    self._distance(rule, each.meeting) if is_met else None
                    for each, is_met in zip(offered, self._is_met(rule), strict=True)
                ]
            case "shares_hours":
                if name not in self._times:
                    self._times[name] = [self._open_times(name, each.times) for each in offered]
                return self._times[name]
        return [None] * len(offered)

    def _is_met(self, rule: Constraint) -> list[bool]:
        is_met: list[bool] = (self.screening.verdict_of(rule.name)[self._rows] == 1).tolist()
        return is_met

    def _within(
        self, name: str, label: str, cents: Sequence[int | None], limit: float
    ) -> list[Fact | None]:
        most = cents_text(self.practice, round(limit))
        return [
            Fact(name, label, (f"{cents_text(self.practice, each)}, limit {most}",))
            if each is not None and each <= limit
            else None
            for each in cents
        ]

    def _open_times(self, name: str, times: Sequence[OpenTime]) -> Fact | None:
        """The hours of some times; rules for other ways of meeting have the same."""
        if not times:
            return None
        spans = [_span(self._midnight, at.begin, at.end, at.zone) for at in times]
        return self._fact(name, *dict.fromkeys(spans))

    def _distance(self, rule: Constraint, meeting: Sequence[Meeting]) -> Fact | None:
        limit = self.client[rule.client[1]][0]
        km = [
            each.km
            for each in meeting
            if each.km is not None and (not rule.ways or each.way in rule.ways)
        ]
        if not km or min(km) > limit:
            return None
        most = with_unit(self.practice.client[rule.client[1]], limit)
        return Fact(rule.clinician[0], DISTANCE, (f"{min(km):g} km, limit {most}",))


def _gaps(offered: Sequence[Offered]) -> list[int | None]:
    return [None if each.cost is None else each.cost.gap_cents for each in offered]


@lru_cache(maxsize=4096)
def _span(day: int, first: float, last: float, zone: str) -> str:
    """The day of the week and the hours of an interval, such as `Thursday 5 pm to 8 pm`.

    `first` and `last` are minutes from the midnight UTC of a day, as an ordinal.
    """
    midnight = datetime.fromordinal(day).replace(tzinfo=UTC)
    begin, end = OpenInterval.between(midnight, first, last).local(zone)
    if (end - begin).days >= 1:
        return WEEKDAYS[begin.weekday()]
    until = clock_text(end)
    ends_today = end.date() == begin.date() or until == "midnight"
    last_day = "" if ends_today else f"{WEEKDAYS[end.weekday()]} "
    return f"{WEEKDAYS[begin.weekday()]} {clock_text(begin)} to {last_day}{until}"
