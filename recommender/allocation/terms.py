"""The waiting list and the terms of its allocation: places, limits, floor, longest wait."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from difflib import get_close_matches

import numpy as np

from recommender.allocation.solver import Flags, Places
from recommender.errors import Fault, IntakeError, RecommenderError
from recommender.practice.columns import Columns
from recommender.practice.definition import Practice
from recommender.practice.rules.constraint import Constraint
from recommender.tables.roster import Roster
from recommender.values.ids import MAX_SUGGESTIONS, suggestions_for, with_question

STAY_BONUS = 0.005
"""Points by which an earlier allocation is preferred: half of what a prediction is rounded to, so
that nobody is moved for a difference that no page shows."""
MARGINAL_PLACES = 3
MAX_WEIGHT = 100
"""A larger weight amounts to a class, which `priority` expresses."""
PROMISED_COLUMN = "told"
"""Column of a list with the clinician already promised to the client."""
LIMIT_FORMAT = "`field=level:number`, or `field=level:number@clinician_id` for one clinician"


@dataclass(frozen=True, slots=True)
class Limit:
    """The most clients with one level of one field that a clinician is assigned now.

    `clinician_id` is None for a limit on every clinician.
    """

    field: str
    level: str
    max_clients: int
    clinician_id: str | None = None


@dataclass(frozen=True, slots=True)
class Floor:
    """The lowest predicted alliance of an assigned pair.

    Attributes
    ----------
    within
        Points below the client's own first choice; None for no such floor.
    level
        Points of the reference scale; None for no such floor.
    """

    within: float | None = None
    level: float | None = None


@dataclass(frozen=True, slots=True)
class Terms:
    """The terms of one allocation.

    Attributes
    ----------
    places
        Places by clinician; None for those on the roster.
    limits, floor
        Limits of the mix, and the lowest predicted alliance.
    longest_wait_days
        Clients who have waited this long come before every class.
    stay_bonus
        Points by which an earlier allocation is preferred.
    marginal_value_for
        Number of clinicians for whom the value of one more place is computed.
    """

    places: Mapping[str, int] | None = None
    limits: tuple[Limit, ...] = ()
    floor: Floor = field(default_factory=Floor)
    longest_wait_days: int | None = None
    stay_bonus: float = STAY_BONUS
    marginal_value_for: int = MARGINAL_PLACES


def places_of(roster: Roster, practice: Practice, terms: Terms) -> Places:
    """How many clients each clinician can take, (clinicians,); 0 where that is not recorded.

    See `unknown_places`: who can take how many nobody knows is assigned nobody, and it is said.
    A practice whose capacity constraint asks for at least 2 open places keeps one of them free.

    Raises
    ------
    RecommenderError
        When neither the terms nor the definition give places, or a clinician named is not on the
        roster.
    """
    if terms.places is not None:
        return _stated(roster, terms.places)
    if practice.capacity is None:
        problem = "are not declared by any rule of family capacity"
        raise RecommenderError("places", problem, "give them for each clinician")
    recorded = np.nan_to_num(roster.columns[practice.capacity.clinician[0]], nan=0.0)
    left = recorded - (min_places(practice.capacity) - 1)
    return np.asarray(np.maximum(left, 0), dtype=np.intp)


def unknown_places(roster: Roster, practice: Practice, terms: Terms) -> Flags:
    """Whether the places of each clinician are not recorded, (clinicians,)."""
    if terms.places is not None or practice.capacity is None:
        return np.zeros(len(roster), dtype=np.bool_)
    return np.asarray(np.isnan(roster.columns[practice.capacity.clinician[0]]))


def min_places(capacity: Constraint) -> float:
    """Open places a clinician needs to be shown, 1 at least."""
    return max(capacity.value, 1.0) if isinstance(capacity.value, float | int) else 1.0


def _stated(roster: Roster, places: Mapping[str, int]) -> Places:
    lost = sorted(set(places) - set(roster.ids))
    if lost:
        proposed = suggestions_for(roster.near_misses(lost), lost)
        remedy = with_question(proposed, "fix the ids, or take them off")
        raise RecommenderError("places", f"name {len(lost)} not on the roster", remedy)
    if min(places.values(), default=0) < 0:
        raise RecommenderError("places", "are below 0", "give 0 or more")
    return np.array([places.get(name, 0) for name in roster.ids], dtype=np.intp)


def read_limit(text: str) -> Limit:
    """Parses a limit.

    >>> read_limit("concern=grief:2@k01")
    Limit(field='concern', level='grief', max_clients=2, clinician_id='k01')
    """
    what, _, clinician_id = text.partition("@")
    named, _, most = what.rpartition(":")
    field, _, level = named.partition("=")
    if not field or not level or not most.isdecimal():
        raise RecommenderError("limit", "cannot be read", f"write it like {LIMIT_FORMAT}")
    return Limit(field, level, int(most), clinician_id or None)


def members(practice: Practice, clients: Columns, limit: Limit) -> Flags:
    """Whether a limit is on each client, (clients,); the levels of a flag are `yes` and `no`.

    Raises
    ------
    RecommenderError
        When the field may not be used, or has no such level.
    """
    declared = practice.fields("client", "score", "filter").get(limit.field)
    if declared is None:
        usable = practice.fields("client", "score", "filter")
        named = [n for n, each in usable.items() if each.levels or each.kind == "flag"]
        near = [each for each in named if limit.field and each.startswith(f"{limit.field}_")]
        near = near or get_close_matches(limit.field, named, n=1)
        remedy = with_question(near[:MAX_SUGGESTIONS], f"choose from {', '.join(named)}")
        # What is not declared may be an answer in the place of a name.
        where = f"limit on {limit.field}" if limit.field in practice.client else "limit"
        raise RecommenderError(where, "is on a field that matching may not use", remedy)
    values = clients[limit.field]
    if declared.kind == "flag" and limit.level in ("yes", "no"):
        return np.asarray(values == float(limit.level == "yes"))
    if limit.level not in declared.levels:
        remedy = f"choose from {', '.join(declared.levels) or 'yes, no'}"
        raise RecommenderError(f"limit on {limit.field}", "has no such level", remedy)
    place = declared.levels.index(limit.level)
    return np.asarray(values[:, place] == 1 if declared.kind == "tags" else values == place)


@dataclass(frozen=True, slots=True)
class WaitingClient:
    """One client on the list.

    Attributes
    ----------
    client_id
        Pseudonym, as in the clients table.
    priority
        Class from 1: clients of an earlier class get a place before those of a later one.
    weight
        Weight of a point of this client's alliance.
    waiting_since
        First day of the wait; None when unknown.
    promised_clinician_id
        Clinician already promised to the client, which the allocation never changes.
    former_clinician_id
        Clinician that an earlier allocation assigned without a promise; preferred by
        `Terms.stay_bonus`.
    """

    client_id: str
    priority: int = 1
    weight: float = 1.0
    waiting_since: date | None = None
    promised_clinician_id: str | None = None
    former_clinician_id: str | None = None


def check_list(waiting: Sequence[WaitingClient], limits: Sequence[Limit], roster: Roster) -> None:
    """Checks a list and its limits against the roster.

    Raises
    ------
    IntakeError
        With every fault: a client twice, a promised clinician, or one with a limit, who is not on
        the roster, a priority or a weight out of range.
    """
    faults: list[Fault] = []
    seen: set[str] = set()
    lost = unknown_clinicians(waiting, limits, roster)
    for limit in limits:
        if limit.clinician_id in lost:
            remedy = with_question(lost[limit.clinician_id], "fix the id after @")
            faults.append(Fault(f"limit on {limit.field}", "names nobody on the roster", remedy))
    for number, each in enumerate(waiting, start=1):
        where = f"row {number}, "
        if each.client_id in seen:
            faults.append(Fault(f"{where}client_id", "is there twice", "keep one row a client"))
        seen.add(each.client_id)
        if each.promised_clinician_id in lost:
            remedy = "fix it, or leave it empty so that another clinician is assigned"
            remedy = with_question(lost[each.promised_clinician_id], remedy)
            faults.append(Fault(where + PROMISED_COLUMN, "is not on the roster", remedy))
        if each.priority < 1:
            faults.append(Fault(f"{where}priority", "is below 1", "number classes from 1"))
        if not 0 < each.weight <= MAX_WEIGHT:
            remedy = f"give a weight above 0, at most {MAX_WEIGHT}"
            faults.append(Fault(f"{where}weight", "is out of bounds", remedy))
    if faults:
        raise IntakeError(faults)


def unknown_clinicians(
    waiting: Sequence[WaitingClient], limits: Sequence[Limit], roster: Roster
) -> Mapping[str | None, tuple[str, ...]]:
    """Promised clinicians and those with a limit who are not on the roster: whom each id may mean.

    Former clinicians may have left: see `forgotten_clinicians`.
    """
    named = {each.promised_clinician_id for each in waiting}
    named |= {limit.clinician_id for limit in limits}
    return _whom_they_mean(named, roster)


def forgotten_clinicians(waiting: Sequence[WaitingClient], roster: Roster) -> tuple[Fault, ...]:
    """A warning if clinicians of an earlier allocation are not on the roster."""
    lost = _whom_they_mean({each.former_clinician_id for each in waiting}, roster)
    if not lost:
        return ()
    clients = sum(each.former_clinician_id in lost for each in waiting)
    problem = f"names {len(lost)} not on the roster; {clients} clients are assigned anew"
    proposed = dict.fromkeys(each for meant in lost.values() for each in meant)
    remedy = "nothing needs to be done for clinicians who left"
    return (
        Fault(
            "earlier allocation", problem, with_question(list(proposed)[:MAX_SUGGESTIONS], remedy)
        ),
    )


def _whom_they_mean(named: set[str | None], roster: Roster) -> Mapping[str | None, tuple[str, ...]]:
    lost = {name for name in named if name is not None} - set(roster.ids)
    near = roster.near_misses(lost)
    return {name: near.get(name, ()) for name in sorted(lost)}


def ranks_of(waiting: Sequence[WaitingClient], longest_wait_days: int | None, day: date) -> Places:
    """Rank of each client, from 0: long waits first, then class by class, (clients,)."""
    long_wait = [
        longest_wait_days is not None
        and each.waiting_since is not None
        and (day - each.waiting_since).days >= longest_wait_days
        for each in waiting
    ]
    classes = [
        0 if is_long else each.priority for is_long, each in zip(long_wait, waiting, strict=True)
    ]
    return np.unique(np.array(classes, dtype=np.intp), return_inverse=True)[1].reshape(-1)
