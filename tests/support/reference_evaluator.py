"""Every rule said again, slowly: one clinician at a time, on values as people wrote them.

It shares no arrays with the package, so that the two can only agree by meaning the same.
"""

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import cache
from typing import Any
from zoneinfo import ZoneInfo

from recommender.practice.conditions import Condition
from recommender.practice.fields import Field
from recommender.practice.funding import FundingRow
from recommender.practice.rules.constraint import Constraint
from recommender.practice.rules.first_session import FirstSession

TICK = timedelta(minutes=5)
"""Every window, session and change of a clock in these tests begins on such a step."""
Values = Mapping[str, Any]
Verdict = bool | None
Window = tuple[int, int, int]


NO_DAYS = FirstSession()


@dataclass(frozen=True, slots=True)
class Meeting:
    """One client and one clinician on one day."""

    client: Values
    clinician: Values
    client_id: str | None
    clinician_id: str
    day: date
    timezone: str
    funding: tuple[FundingRow, ...]
    clinician_fields: Mapping[str, Field]
    first_session: FirstSession = NO_DAYS
    hard: tuple[Constraint, ...] = ()
    ways: tuple[str, str] | None = None
    some_terms: bool = False

    @property
    def earliest(self) -> date:
        """The day asked, or the client's wished day where it is later."""
        return max(self.day, _of(self.client, self.first_session.client) or self.day)

    @property
    def first_day(self) -> date:
        """The first possible session, one day at a time."""
        day = max(self.earliest, _of(self.clinician, self.first_session.clinician) or self.earliest)
        absences = _of(self.clinician, self.first_session.absences) or ()
        while any(first <= day <= last for first, last in absences):
            day += timedelta(days=1)
        return day


def _of(values: Values, name: str | None) -> Any:
    return None if name is None else values[name]


# Who may be shown: modes and ways of meeting.


@dataclass(frozen=True, slots=True)
class Outcome:
    """What keeps two people apart, and what is only to be mentioned: constraint to verdict."""

    bars: Mapping[str, Verdict]
    mentions: Mapping[str, Verdict]


def outcome(
    constraints: Sequence[Constraint], modes: Mapping[str, str], meeting: Meeting
) -> Outcome:
    """What comes of a meeting, given the modes of a request."""
    shared = None if meeting.ways is None else _shared_ways(meeting.ways, meeting)
    bars: dict[str, Verdict] = {}
    mentions: dict[str, Verdict] = {}
    by_way: dict[str, tuple[dict[str, Verdict], dict[str, Verdict]]] = {}
    for each in constraints:
        mode = modes.get(each.name, each.mode)
        if shared is not None and each.ways:
            about = sorted(shared & set(each.ways))
            found = {way: _effect(each, mode, meeting, way) for way in about}
            by_way[each.name] = (
                {way: v for way, (kind, v) in found.items() if kind == "bar"},
                {way: v for way, (kind, v) in found.items() if kind == "mention"},
            )
            continue
        kind, found_verdict = _effect(each, mode, meeting, None)
        if kind:
            (bars if kind == "bar" else mentions)[each.name] = found_verdict
    closed = {way for barred, _ in by_way.values() for way in barred}
    free = (shared or set()) - closed
    for each in constraints:
        barred, mentioned = by_way.get(each.name, ({}, {}))
        if barred and not free:
            bars[each.name] = False if False in barred.values() else None
        about_here = set(each.ways) & (shared or set())
        left = (free & about_here) or about_here
        if left and not free - about_here and left <= set(mentioned):
            left_verdicts = [mentioned[way] for way in left]
            mentions[each.name] = False if False in left_verdicts else None
    return Outcome(bars, mentions)


def _effect(
    constraint: Constraint, mode: str, meeting: Meeting, way: str | None
) -> tuple[str, Verdict]:
    """Whether a constraint bars, is to be mentioned, or has no effect, and with which verdict."""
    found = verdict(constraint, meeting) if way is None else _in_way(constraint, meeting, way)
    if mode != "off" and found is True:
        times_end = _ends_with_the_clocks(constraint, meeting, way)
        times_far = mode == "soft" and _only_far_rooms(constraint, meeting)
        return ("mention", False) if times_end or times_far else ("", True)
    if mode == "off" or (found is None and constraint.unknown == "met"):
        return "", found
    excused = found is None and constraint.unknown == "pass"
    return ("bar" if mode == "hard" and not excused else "mention"), found


def _shared_ways(ways: tuple[str, str], meeting: Meeting) -> set[str]:
    """Ways both take; whoever said nothing may take any."""
    levels = set(meeting.clinician_fields[ways[1]].levels)
    wanted, offered = meeting.client[ways[0]], meeting.clinician[ways[1]]
    return set(wanted or levels) & (levels if offered is None else set(offered))


# One constraint.


def verdict(constraint: Constraint, meeting: Meeting) -> Verdict:
    """True, False, or None when it cannot be known: of all ways of meeting together."""
    if meeting.ways is None or constraint.rule not in ("shares_hours", "after_hours"):
        return _in_way(constraint, meeting, None)
    shared = _shared_ways(meeting.ways, meeting)
    about = shared & set(constraint.ways or shared)
    if not about:
        return _in_way(constraint, meeting, None)
    return _any(_in_way(constraint, meeting, way) for way in sorted(about))


def _in_way(
    constraint: Constraint, meeting: Meeting, way: str | None, room: int | None = None
) -> Verdict:
    """The verdict where they meet in one way, in one room; in any, if None."""
    applies = _condition(constraint.when, meeting.client)
    if constraint.unless is not None and _condition(constraint.unless, meeting.client) is True:
        applies = False
    if applies is False or (applies is None and constraint.unasked == "pass"):
        return True
    found = _unconditional(constraint, meeting, way, room)
    instead = constraint.instead
    if instead is not None and meeting.client[instead.client] is True:
        found = _any([found, meeting.clinician[instead.clinician]])
    if applies is None:
        return True if found is True else None
    return found


def _condition(condition: Condition | None, client: Values) -> Verdict:
    if condition is None:
        return True
    answer, levels = client[condition.client], condition.has
    if answer is None or isinstance(answer, bool):
        return answer
    if condition.below is not None:
        return bool(answer < condition.below)
    return any(level in (answer if isinstance(answer, tuple) else (answer,)) for level in levels)


def _all(parts: Iterable[Verdict]) -> Verdict:
    parts = list(parts)
    return False if False in parts else None if None in parts else True


def _any(parts: Iterable[Verdict]) -> Verdict:
    parts = list(parts)
    return True if True in parts else None if None in parts else False


def _unconditional(
    constraint: Constraint, meeting: Meeting, way: str | None, room: int | None
) -> Verdict:
    if constraint.rule in ("not_listed", "listed"):
        return _lists(constraint, meeting)
    held = [meeting.clinician[name] for name in constraint.clinician]
    if constraint.rule in ("is_true", "below", "valid_on", "valid_between"):
        return _without_a_wish(constraint, held, meeting)
    asked = [meeting.client[name] for name in constraint.client]
    if constraint.value is not None:
        asked = [constraint.value]
    wish = asked[1] if constraint.rule == "within_km" else asked[0]
    if wish is None:
        return _unsaid(constraint)
    indifferent = constraint.settings.get("indifferent", ())
    if isinstance(wish, str) and wish in indifferent:
        return True
    if constraint.rule in ("has_all", "has_any", "has_none"):
        return _tags(constraint.rule, _texts(wish, indifferent), held[0])
    if constraint.rule in ("at_most", "at_least", "within"):
        return _sizes(constraint, wish, held, meeting)
    if constraint.rule in ("shares_hours", "after_hours"):
        return _by_hours(constraint, wish, held[0], meeting, way, room)
    return _by_wish(constraint, wish, held, meeting)


def _unsaid(constraint: Constraint) -> Verdict:
    return True if constraint.unasked == "pass" else None


def _lists(constraint: Constraint, meeting: Meeting) -> Verdict:
    parts: list[Verdict] = []
    if constraint.client:
        named = meeting.client[constraint.client[0]]
        if named is None:
            parts.append(_unsaid(constraint))
        elif constraint.rule == "listed":
            parts.append(not named or meeting.clinician_id in named)
        else:
            parts.append(meeting.clinician_id not in named)
    if constraint.clinician:
        # A list left empty names nobody.
        listed = meeting.clinician[constraint.clinician[0]] or ()
        doubtful = listed and meeting.client_id is None
        parts.append(None if doubtful else meeting.client_id not in listed)
    return _all(parts)


def _without_a_wish(constraint: Constraint, held: list[Any], meeting: Meeting) -> Verdict:
    if constraint.rule == "is_true":
        return None if held[0] is None else bool(held[0])
    if constraint.rule == "below":
        return None if None in held else bool(held[0] < held[1])
    start = meeting.client[constraint.client[0]] if constraint.client else None
    start = max(start or meeting.day, meeting.first_day)
    *since, until = held
    return _all(
        [*(None if low is None else low <= start for low in since), _at_least(until, start)]
    )


def _at_least(value: Any, least: Any) -> Verdict:
    return None if value is None else bool(value >= least)


def _texts(wish: Any, indifferent: Iterable[str]) -> set[str]:
    named = wish.split(";") if isinstance(wish, str) else wish
    return set(named) - set(indifferent)


def _tags(rule: str, asked: set[str], held: tuple[str, ...] | None) -> Verdict:
    if not asked:
        return True
    if held is None:
        return None
    if rule == "has_all":
        return asked <= set(held)
    return bool(asked & set(held)) is (rule == "has_any")


def _sizes(constraint: Constraint, wish: Any, held: list[Any], meeting: Meeting) -> Verdict:
    levels = meeting.clinician_fields[constraint.clinician[0]].levels

    def size(value: Any) -> Any:
        return levels.index(value) if levels and value is not None else value

    mine, bounds = size(wish), [size(value) for value in held]
    if constraint.rule == "within":
        low, high = bounds
        above = None if low is None else low <= mine
        return _all([above, None if high is None else mine <= high])
    if bounds[0] is None:
        return None
    return bool(bounds[0] <= mine if constraint.rule == "at_most" else bounds[0] >= mine)


def _by_wish(constraint: Constraint, wish: Any, held: list[Any], meeting: Meeting) -> Verdict:
    rule, known = constraint.rule, bool(held) and held[0] is not None
    if rule == "client_true":
        return bool(wish)
    if rule == "client_at_least":
        return bool(wish >= constraint.settings["least"])
    if rule == "member":
        return bool(wish in held[0]) if known else None
    if rule == "one_of":
        among = _texts(wish, constraint.settings.get("indifferent", ()))
        return True if not among else bool(held[0] in among) if known else None
    if rule == "equal":
        return bool(wish == held[0]) if known else None
    if rule == "if_asked":
        return bool(held[0]) if wish and known else None if wish else True
    if rule == "within_km":
        return _within_km(constraint, meeting.client[constraint.client[0]], wish, held[0])
    if rule == "available_within":
        last = meeting.earliest + timedelta(days=wish)
        return max(held[0], meeting.first_day) <= last if known else None
    return _by_money(constraint, wish, held, meeting)


def _within_km(constraint: Constraint, place: Any, most: float, rooms: Any) -> Verdict:
    if place is None or rooms is None:
        return None
    nearest = min(_kilometres(one, other) for one in place for other in rooms)
    return nearest * float(constraint.settings.get("detour", 1.0)) <= most


def _kilometres(one: tuple[float, float], other: tuple[float, float]) -> float:
    (lat, lon), (lat2, lon2) = (map(math.radians, point) for point in (one, other))
    chord = math.sin((lat2 - lat) / 2) ** 2
    chord += math.cos(lat) * math.cos(lat2) * math.sin((lon2 - lon) / 2) ** 2
    return 2 * 6371.0088 * math.asin(math.sqrt(chord))


def _session(constraint: Constraint, client: Values) -> float | None:
    usual: float | None = constraint.settings.get("usual_minutes")
    session = constraint.settings.get("session", usual or 50)
    minutes: float | None = client[session] if isinstance(session, str) else session
    return usual if minutes is None else minutes


# Hours: the real time on either side of each window is walked in small steps.


def _by_hours(
    constraint: Constraint,
    wish: Any,
    hours: Any,
    meeting: Meeting,
    way: str | None,
    room: int | None,
) -> Verdict:
    late = constraint.rule == "after_hours"
    if late and not wish:
        return True
    session = _session(constraint, meeting.client)
    if hours is None or session is None:
        return None
    settings = constraint.settings
    theirs = _zone(settings.get("clinician_zone"), meeting.clinician, meeting)
    # Without a zone of the client's they meet where the clinician is.
    ours = theirs
    if "client_zone" in settings:
        ours = _zone(settings["client_zone"], meeting.client, meeting)
    rooms = _rooms_that_count(meeting.clinician_fields[constraint.clinician[0]], meeting, way)
    rooms = rooms if room is None else {room}
    alike: dict[tuple[Any, ...], list[tuple[Window, date]]] = {}
    for weekday, start, end, *terms in hours:
        if _counts(terms, rooms, way):
            day = _first_opening(weekday, terms, meeting.first_day)
            alike.setdefault(tuple(terms), []).append(((weekday, start, end), day))
    return any(
        _fits(windows, _late(settings) if late else wish, theirs, ours, session)
        for windows in alike.values()
    )


def _ends_with_the_clocks(constraint: Constraint, meeting: Meeting, way: str | None) -> bool:
    """Whether no time of the client's week suits before and after some change of clocks ahead."""
    settings = constraint.settings
    if constraint.rule not in ("shares_hours", "after_hours") or "client_zone" not in settings:
        return False
    spared = constraint.unless and _condition(constraint.unless, meeting.client) is True
    wish = meeting.client[constraint.client[0]]
    if spared or _condition(constraint.when, meeting.client) is not True or wish in (None, False):
        return False
    session = _session(constraint, meeting.client)
    hours = meeting.clinician[constraint.clinician[0]]
    if session is None or hours is None:
        return False
    theirs = _zone(settings.get("clinician_zone"), meeting.clinician, meeting)
    ours = _zone(settings["client_zone"], meeting.client, meeting)
    rooms = _rooms_that_count(meeting.clinician_fields[constraint.clinician[0]], meeting, way)
    alike: dict[tuple[Any, ...], set[int]] = {}
    for weekday, start, end, *terms in hours:
        if _counts(terms, rooms, way):
            steps = range(weekday * 1440 + start, weekday * 1440 + end, 5)
            alike.setdefault(tuple(terms), set()).update(steps)
    windows = _late(settings) if constraint.rule == "after_hours" else wish
    free = {m for day, a, b in windows for m in range(day * 1440 + a, day * 1440 + b, 5)}
    weeks = meeting.first_session.course_weeks
    days = [meeting.first_day + timedelta(days=ahead) for ahead in range(7 * weeks + 2)]
    gaps = [_offset(ours, day) - _offset(theirs, day) for day in days]
    before = [_moved(each, gaps[0]) & free for each in alike.values()]
    if not any(_has_long_run(each, session) for each in before):
        return False
    return any(
        not any(
            _has_long_run(one & _moved(other, gap), session)
            for one in before
            for other in alike.values()
        )
        for gap in set(gaps[1:]) - {gaps[0]}
    )


def _offset(zone: str, day: date) -> int:
    offset = datetime(day.year, day.month, day.day, tzinfo=ZoneInfo(zone)).utcoffset()
    return int((offset or timedelta()) / timedelta(minutes=1))


def _moved(minutes: set[int], ahead: int) -> set[int]:
    return {(minute + ahead) % (7 * 1440) for minute in minutes}


def _has_long_run(minutes: set[int], session: float) -> bool:
    """Whether steps of five minutes hold a session that does not pass the end of Sunday."""
    needed = math.ceil(session / 5)
    return any(all(start + 5 * step in minutes for step in range(needed)) for start in minutes)


def _only_far_rooms(constraint: Constraint, meeting: Meeting) -> bool:
    """Whether the hard rules on hours are met in rooms out of reach only."""
    if constraint.rule != "within_km" or meeting.ways is None:
        return False
    place, most = (meeting.client[name] for name in constraint.client)
    field, instead = constraint.clinician[0], constraint.instead
    spared = constraint.unless and _condition(constraint.unless, meeting.client) is True
    accepted = instead is not None and (
        meeting.client[instead.client] and meeting.clinician[instead.clinician]
    )
    applies = _condition(constraint.when, meeting.client) is True and not spared
    if not applies or accepted or None in (place, most):
        return False
    shared = _shared_ways(meeting.ways, meeting)
    accepted_ways = set(meeting.client[meeting.ways[0]] or shared_levels(meeting))
    hours = [
        (each, sorted(accepted_ways & set(each.ways or accepted_ways) & ours))
        for each in meeting.hard
        if each.rule in ("shares_hours", "after_hours")
        and meeting.clinician_fields[each.clinician[0]].rooms == field
        for ours in [set(constraint.ways or accepted_ways)]
        if accepted_ways & set(each.ways or accepted_ways) & ours
    ]
    rooms = meeting.clinician[field] or ()
    timely = {
        number
        for number in range(1, len(rooms) + 1)
        if all(
            any(
                way in shared and not _bars(each, _in_way(each, meeting, way, number))
                for way in ways
            )
            for each, ways in hours
        )
    }
    near = {
        number for number in timely if _within_km(constraint, place, most, (rooms[number - 1],))
    }
    return bool(hours and meeting.some_terms and timely and not near)


def shared_levels(meeting: Meeting) -> tuple[str, ...]:
    assert meeting.ways is not None
    return meeting.clinician_fields[meeting.ways[1]].levels


def _bars(constraint: Constraint, found: Verdict) -> bool:
    return found is False or (found is None and constraint.unknown == "fail")


def _fits(
    windows: Sequence[tuple[Window, date]],
    wish: Iterable[Window],
    theirs: str,
    ours: str,
    session: float,
) -> bool:
    """Whether a session fits into windows of one kind, each open on one day."""
    open_steps = {
        step
        for (_, start, end), day in windows
        for step in _steps(_moment(theirs, day, start), _moment(theirs, day, end))
    }
    near = sorted({day + timedelta(days=away) for _, day in windows for away in range(-2, 3)})
    return _has_run(open_steps & _open(wish, ours, near), session)


def _counts(terms: Sequence[Any], rooms: set[int] | None, way: str | None) -> bool:
    """Whether a window counts in a way of meeting, in rooms near enough."""
    if not terms:
        return True
    room, ways = terms[:2]
    if way is None:
        return True
    in_room = rooms is None or not room or int(room) in rooms
    return in_room and (not ways or way in ways)


def _first_opening(weekday: int, terms: Sequence[Any], first: date) -> date:
    """The first day from a day on which a window opens, one day at a time."""
    every, anchor = terms[2:] if terms else (1, 0)
    day = first
    while day.weekday() != weekday or _weeks_from(anchor, day) % every:
        day += timedelta(days=1)
    return day


def _weeks_from(anchor: int, day: date) -> int:
    if not anchor:
        return 0
    mondays = [each - timedelta(days=each.weekday()) for each in (day, date.fromordinal(anchor))]
    return (mondays[0] - mondays[1]).days // 7


def _rooms_that_count(hours: Field, meeting: Meeting, way: str | None) -> set[int] | None:
    """Numbers of the rooms within reach by every hard rule on distance; None for all."""
    near: set[int] | None = None
    for each in meeting.hard:
        about_it = each.rule == "within_km" and each.clinician == (hours.rooms,)
        if way is None or not about_it or (each.ways and way not in each.ways):
            continue
        spared = each.unless is not None and _condition(each.unless, meeting.client) is True
        place, most = (meeting.client[name] for name in each.client)
        if spared or _condition(each.when, meeting.client) is not True or None in (place, most):
            continue
        accepted = each.instead is not None and (
            meeting.client[each.instead.client] and meeting.clinician[each.instead.clinician]
        )
        within = {
            number
            for number, room in enumerate(meeting.clinician[str(hours.rooms)] or (), 1)
            if _within_km(each, place, most, (room,))
        }
        if within and not accepted:
            near = within if near is None else near & within
    return near or None


def _zone(name: str | None, values: Values, meeting: Meeting) -> str:
    told = None if name is None else values[name]
    return str(told or meeting.timezone)


def _late(settings: Mapping[str, Any]) -> tuple[Window, ...]:
    evening, morning = settings.get("evening", "17:00"), settings.get("morning", "09:00")
    dusk, dawn = (60 * int(text[:2]) + int(text[3:]) for text in (evening, morning))
    weekdays = [window for day in range(5) for window in ((day, 0, dawn), (day, dusk, 1440))]
    return (*weekdays, (5, 0, 1440), (6, 0, 1440))


def _open(windows: Iterable[Window], zone: str, days: Iterable[date]) -> set[datetime]:
    """Steps of real time in a weekly window on the given days, in a zone."""
    steps: set[datetime] = set()
    for day in days:
        for weekday, start, end in windows:
            if weekday == day.weekday():
                steps |= set(_steps(_moment(zone, day, start), _moment(zone, day, end)))
    return steps


def _steps(start: datetime, end: datetime) -> Iterator[datetime]:
    while start < end:
        yield start
        start += TICK


@cache
def _moment(zone: str, day: date, minute: int) -> datetime:
    """The first step of real time at which a wall clock shows a local time, or a later one."""
    local = datetime(day.year, day.month, day.day) + timedelta(minutes=minute)  # noqa: DTZ001
    # No zone is farther than this from UTC.
    step = datetime(day.year, day.month, day.day, tzinfo=UTC) - timedelta(hours=15)
    step += timedelta(minutes=minute)
    while step.astimezone(ZoneInfo(zone)).replace(tzinfo=None) < local:
        step += TICK
    return step


def _has_run(steps: set[datetime], minutes: float) -> bool:
    needed = math.ceil(minutes / 5)
    return any(all(start + step * TICK in steps for step in range(needed)) for start in steps)


# Money, in cents.


def _by_money(constraint: Constraint, wish: Any, held: list[Any], meeting: Meeting) -> Verdict:
    if constraint.rule == "funded":
        return _is_funded(wish, held[0], meeting)
    gap = _gap(constraint, held[0], meeting)
    if constraint.rule == "gap_at_most":
        most = wish if constraint.client else round(100 * wish)
        return None if gap is None else gap <= most
    left, budget = (_said(constraint, key, meeting.client) for key in ("left", "budget"))
    parts: list[Verdict] = [limit >= wish for limit in (left, held[1]) if limit is not None]
    if budget is not None:
        parts.append(None if gap is None else gap == 0 or budget // gap >= wish)
    return _all(parts)


def _said(constraint: Constraint, setting: str, values: Values) -> Any:
    name = constraint.settings.get(setting)
    return None if name is None else values[name]


def _gap(constraint: Constraint, fee: int | None, meeting: Meeting) -> int | None:
    rebate = _rebate(constraint, meeting)
    if rebate and _said(constraint, "bulk_bills", meeting.clinician):
        return 0
    if fee is None or rebate is None:
        return None
    reduced = _said(constraint, "concession_fee", meeting.clinician)
    if _said(constraint, "concession", meeting.client) and reduced is not None:
        fee = min(fee, reduced)
    return max(fee - rebate, 0)


def _rebate(constraint: Constraint, meeting: Meeting) -> int | None:
    if _said(constraint, "left", meeting.client) == 0:
        return 0
    scheme = meeting.client[constraint.settings["funding"]]
    provider = meeting.clinician[constraint.settings["registration"]]
    session = _session(constraint, meeting.client)
    if session is None or scheme is None or provider is None:
        return None
    rows = [r for r in meeting.funding if (r.scheme, r.provider) == (scheme, provider)]
    dated = [r for r in rows if _holds(r, meeting.first_day)]
    if rows and not dated:
        return None
    paid = {r.minutes: r.rebate_cents for r in dated if r.minutes <= session}
    return paid[max(paid)] if paid else 0


def _is_funded(scheme: str, provider: str | None, meeting: Meeting) -> Verdict:
    rows = [row for row in meeting.funding if row.scheme == scheme]
    if not rows:
        return True
    if provider is None:
        return None
    named = [row for row in rows if row.provider == provider]
    if not named:
        return False
    return True if any(_holds(row, meeting.first_day) for row in named) else None


def _holds(row: FundingRow, day: date) -> bool:
    return row.start <= day <= (row.until or date.max)
