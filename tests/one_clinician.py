"""Every rule said again, slowly: one clinician at a time, on values as people wrote them.

It shares no arrays with the package, so that the two can only agree by meaning the same.
"""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from recommender.definition.constraint import Constraint
from recommender.definition.fields import Field
from recommender.definition.funding import FundingRow

SLOT = 30
Values = Mapping[str, Any]
Verdict = bool | None


@dataclass(frozen=True, slots=True)
class Meeting:
    """One client and one clinician on one day."""

    client: Values
    clinician: Values
    client_id: str | None
    clinician_id: str
    day: date
    funding: tuple[FundingRow, ...]
    clinician_fields: Mapping[str, Field]


def verdict(constraint: Constraint, meeting: Meeting) -> Verdict:
    """True, False, or None when it cannot be known."""
    met = _condition(constraint, meeting.client)
    if met is False or (met is None and constraint.unasked == "pass"):
        return True
    found = _unconditional(constraint, meeting)
    if met is None:
        return True if found is True else None
    return found


def _condition(constraint: Constraint, client: Values) -> Verdict:
    if constraint.when is None:
        return True
    answer, level = client[constraint.when.client], constraint.when.has
    if answer is None or isinstance(answer, bool):
        return answer
    return level in answer if isinstance(answer, tuple) else answer == level


def _unconditional(constraint: Constraint, meeting: Meeting) -> Verdict:
    if constraint.rule in ("not_listed", "valid_on", "is_true"):
        return _without_a_wish(constraint, meeting)
    asked = [meeting.client[name] for name in constraint.client]
    if constraint.value is not None:
        asked = [constraint.value]
    wish = asked[1] if constraint.rule == "within_km" else asked[0]
    if wish is None:
        return True if constraint.unasked == "pass" else None
    indifferent = constraint.settings.get("indifferent", ())
    if isinstance(wish, str) and wish in indifferent:
        return True
    held = [meeting.clinician[name] for name in constraint.clinician]
    if constraint.rule in ("has_all", "has_any", "has_none"):
        return _tags(constraint.rule, _texts(wish, indifferent), held[0])
    if constraint.rule in ("at_most", "at_least", "within"):
        return _sizes(constraint, wish, held, meeting)
    return _by_wish(constraint, wish, held, meeting)


def _without_a_wish(constraint: Constraint, meeting: Meeting) -> Verdict:
    held = [meeting.clinician[name] for name in constraint.clinician]
    if constraint.rule == "is_true":
        return None if held[0] is None else bool(held[0])
    if constraint.rule == "valid_on":
        start = meeting.client[constraint.client[0]] if constraint.client else None
        return None if held[0] is None else held[0] >= (start or meeting.day)
    parts: list[Verdict] = []
    if constraint.client:
        named = meeting.client[constraint.client[0]]
        silent = True if constraint.unasked == "pass" else None
        parts.append(silent if named is None else meeting.clinician_id not in named)
    if constraint.clinician:
        # A list left empty names nobody.
        listed = held[0] or ()
        doubtful = listed and meeting.client_id is None
        parts.append(None if doubtful else meeting.client_id not in listed)
    return _all(parts)


def _all(parts: Iterable[Verdict]) -> Verdict:
    parts = list(parts)
    return False if False in parts else None if None in parts else True


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
    rule, known = constraint.rule, held[0] is not None
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
        return bool(held[0] <= meeting.day + timedelta(days=wish)) if known else None
    if rule == "gap_at_most":
        return _gap_at_most(constraint, wish, held[0], meeting)
    session = _session(constraint, meeting.client)
    if rule == "shares_hours":
        return _fits(_slots(wish) & _slots(held[0]) if known else None, session)
    return _fits(_late(_slots(held[0])) if known else None, session) if wish else True


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


def _slots(windows: Iterable[tuple[int, int, int]]) -> set[tuple[int, int]]:
    """Half hours of the week, for windows that begin and end on one."""
    return {(day, start) for day, begin, end in windows for start in range(begin, end, SLOT)}


def _late(slots: set[tuple[int, int]]) -> set[tuple[int, int]]:
    return {(d, s) for d, s in slots if d >= 5 or s >= 17 * 60 or s + SLOT <= 9 * 60}


def _fits(slots: set[tuple[int, int]] | None, session: float | None) -> Verdict:
    if slots is None or session is None:
        return None
    needed = math.ceil(session / SLOT)
    return any(
        all((day, start + step * SLOT) in slots for step in range(needed)) for day, start in slots
    )


def _gap_at_most(constraint: Constraint, most: int, fee: Any, meeting: Meeting) -> Verdict:
    scheme = meeting.client[constraint.settings["funding"]]
    provider = meeting.clinician[constraint.settings["registration"]]
    session = _session(constraint, meeting.client)
    if session is None or None in (fee, scheme, provider):
        return None
    rows = [r for r in meeting.funding if (r.scheme, r.provider) == (scheme, provider)]
    dated = [r for r in rows if r.start <= meeting.day <= (r.until or date.max)]
    if rows and not dated:
        return None
    paid = {r.minutes: r.rebate_cents for r in dated if r.minutes <= session}
    return bool(fee - (paid[max(paid)] if paid else 0) <= most)
