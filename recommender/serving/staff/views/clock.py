"""A stretch of time as people say it, on every clock that matters. Imported by `staff.free`."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from zoneinfo import ZoneInfo

from recommender.serving.staff import wording
from recommender.serving.staff.views.open_intervals import OpenInterval


@dataclass(frozen=True, slots=True)
class Clocks:
    """The zone a time is said in, whether it is the client's own, and other zones it matters in."""

    zone: str
    is_client: bool
    others: tuple[str, ...]

    def telling_apart(self, stretches: Sequence[OpenInterval]) -> "Clocks":
        """Without zones that show the same as another for every one of some stretches."""
        seen = {_shown(stretches, self.zone)}
        others = []
        for zone in self.others:
            if (shown := _shown(stretches, zone)) not in seen:
                seen.add(shown)
                others.append(zone)
        return replace(self, others=tuple(others))


def said(stretch: OpenInterval, clocks: Clocks) -> str:
    """On the first clock, then on the others."""
    begin, end = _local(stretch, clocks.zone)
    plain = wording.stretch(begin, end)
    if not clocks.others:
        return plain
    told = [_beside(stretch, zone, begin) for zone in clocks.others]
    return wording.on_clocks(plain, wording.whose(clocks.zone, clocks.is_client), told)


def aloud(stretch: OpenInterval, clocks: Clocks) -> str:
    """On the client's clock alone, or on that of the rooms."""
    whose = wording.whose_aloud(clocks.zone, clocks.is_client) if clocks.others else ""
    return wording.time_aloud(*_local(stretch, clocks.zone), whose)


def _beside(stretch: OpenInterval, zone: str, first: datetime) -> str:
    begin, end = _local(stretch, zone)
    hours = wording.stretch(begin, end, with_day=begin.date() != first.date())
    return wording.on_clock(hours, zone)


def _shown(stretches: Sequence[OpenInterval], zone: str) -> tuple[datetime, ...]:
    return tuple(moment.replace(tzinfo=None) for s in stretches for moment in _local(s, zone))


def _local(stretch: OpenInterval, zone: str) -> tuple[datetime, datetime]:
    there = ZoneInfo(zone)
    return stretch.begin.astimezone(there), stretch.end.astimezone(there)
