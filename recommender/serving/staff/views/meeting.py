"""In which ways a client and those of a shortlist can meet, and whose hours count for each.

Imported by `staff.free`.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from recommender.journal.recommendations import ShownRecommendation
from recommender.practice.columns import Columns
from recommender.practice.definition import Practice
from recommender.practice.rules.constraint import Constraint, session_minutes
from recommender.practice.rules.time_rules import late_windows, windows_of
from recommender.recommendation.recommend import read_intake
from recommender.screening.screen import request_context_of, screen_columns, shared_modes
from recommender.serving.staff.views.open_intervals import WeeklyHours
from recommender.tables.roster import Roster
from recommender.values.kinds import EPOCH

HOURS, LATE, FREE_DAY = "shares_hours", "after_hours", "available_within"
START = frozenset({"valid_on", "valid_between"})


@dataclass(frozen=True, slots=True)
class Meeting:
    """Ways of meeting that go by the same clocks.

    Attributes
    ----------
    ways
        Empty where the practice tells no ways apart.
    client_zone
        None where they meet in the rooms, on the clinician's clock.
    open
        The clinician's hours.
    wishes
        Hours the client named, and hours after office where they need them.
    minutes
        Of one session.
    """

    ways: tuple[str, ...]
    client_zone: str | None
    open: WeeklyHours
    wishes: tuple[WeeklyHours, ...]
    minutes: float


class MeetingContext:
    """One request beside those of its shortlist who are on the roster, a row each."""

    def __init__(self, shown: ShownRecommendation, practice: Practice, roster: Roster) -> None:
        places = {each: place for place, each in enumerate(roster.ids)}
        self.practice, self.shown = practice, shown
        self.ids = tuple(s.clinician_id for s in shown.shortlist if s.clinician_id in places)
        self.columns = roster.columns.take(np.array([places[e] for e in self.ids], dtype=np.intp))
        self.client: Columns = read_intake(practice, shown.answers).client
        self._ways = self._open_ways()

    @property
    def free_day(self) -> str | None:
        """The clinicians' field of a first free day; None where the practice keeps none."""
        kept = [r.clinician[0] for r in self._of_rule(FREE_DAY)]
        return next((name for name in kept if self.practice.clinician[name].kind == "date"), None)

    @property
    def knows_hours(self) -> bool:
        """Whether the practice compares hours at all."""
        return any(self._of_rule(HOURS))

    def first_day(self, row: int) -> int | None:
        """The clinician's first free day as an ordinal, where it is known."""
        return None if self.free_day is None else _ordinal(self.columns[self.free_day][row])

    def wished_day(self) -> int | None:
        """The day the client asked to start on, as an ordinal."""
        rules = (each for rule in START for each in self._of_rule(rule) if each.client)
        return next((_ordinal(self.client[rule.client[0]][0]) for rule in rules), None)

    def zone(self, name: str | None, side: Columns, row: int, fields: Mapping[str, Any]) -> str:
        """The zone a field names, the practice's where it names none."""
        if name is None or np.isnan(side[name][row]):
            return self.practice.timezone
        return str(fields[name].levels[int(side[name][row])])

    def meetings(self, row: int) -> Iterator[Meeting]:
        """Ways in which the client and one clinician can meet; none where no hours are known."""
        for rule in self._of_rule(HOURS):
            ways = tuple(way for way in rule.ways if way in self._ways and self._ways[way][row])
            hours = self.columns[rule.clinician[0]][row]
            if np.isnan(hours).all() or (self._ways and rule.ways and not ways):
                continue
            yield Meeting(
                ways,
                self._client_zone(rule),
                WeeklyHours(self._clinician_zone(rule, row), tuple(windows_of(hours[None]))),
                tuple(self._wishes(rule, row)),
                _session(rule, self.client),
            )

    def _wishes(self, rule: Constraint, row: int) -> Iterator[WeeklyHours]:
        there = self._clinician_zone(rule, row)
        if self._counts(rule) and not np.isnan(self.client[rule.client[0]][0]).all():
            windows = windows_of(self.client[rule.client[0]])
            yield WeeklyHours(self._client_zone(rule) or there, tuple(windows))
        for late in self._of_rule(LATE):
            if late.ways == rule.ways and self._counts(late) and self.client[late.client[0]][0] > 0:
                windows = late_windows(late.settings)
                yield WeeklyHours(self._client_zone(late) or there, tuple(windows))

    def _client_zone(self, rule: Constraint) -> str | None:
        name = rule.settings.get("client_zone")
        return name and self.zone(name, self.client, 0, self.practice.client)

    def _clinician_zone(self, rule: Constraint, row: int) -> str:
        name = rule.settings.get("clinician_zone")
        return self.zone(name, self.columns, row, self.practice.clinician)

    def _counts(self, rule: Constraint) -> bool:
        return self.shown.modes.get(rule.name, rule.mode) != "off"

    def _of_rule(self, name: str) -> Iterator[Constraint]:
        return (each for each in self.practice.constraints.values() if each.rule == name)

    def _open_ways(self) -> dict[str, Any]:
        """By way, who can meet so as far as every rule but those about hours goes, (n,)."""
        practice, shown = self.practice, self.shown
        if practice.ways is None:
            return {}
        asking = request_context_of(practice, shown.client_id, self.ids, shown.asked_on)
        modes: Any = shown.modes
        found = screen_columns(practice, self.client, self.columns, asking, modes, {})
        open_ways = shared_modes(practice, self.client, self.columns)
        for rule in found.constraints:
            if found.modes[rule.name] != "hard" or rule.rule in (HOURS, LATE):
                continue
            verdict = found.verdicts[rule.name]
            barred = (verdict == 0) | (np.isnan(verdict) & (rule.unknown == "fail"))
            for way in rule.ways:
                if way in open_ways:
                    open_ways[way] = open_ways[way] & ~barred
        return open_ways


def _session(rule: Constraint, client: Columns) -> float:
    minutes = session_minutes(rule.settings, client)
    return 0.0 if np.isnan(minutes) else minutes


def _ordinal(day: float) -> int | None:
    return None if np.isnan(day) else int(day) + EPOCH
