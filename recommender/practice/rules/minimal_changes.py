"""The smallest changes of one answer that would meet a rule, for a whole roster at once.

Whether a change is offered is declared in the definition (`relaxable`).
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from recommender.practice.fields import Field
from recommender.practice.match_operators import by_level
from recommender.practice.rules.functions import gap_cents, max_sessions, road_km, room_km
from recommender.practice.rules.rule_input import Array, Flags, RuleInput
from recommender.practice.rules.time_rules import fits_on_day, waits, windows_of
from recommender.values.kinds import DAYS, RawValue, clock

TOLERANCE = 1e-9
"""A number this close to a whole number counts as whole: distances are sums of rounded parts."""


@dataclass(frozen=True, slots=True, eq=False)
class MinimalChange:
    """Answers a client could give instead, from the smallest change to the largest.

    Attributes
    ----------
    answer_at
        An answer by its number, as a cell that its field parses; None withdraws the answer.
    smallest : (n,) int
        The number of the smallest answer with which each clinician would pass the rule; -1 where
        none suffices.
    ordered
        Whether each answer is a larger change than the one before and admits no fewer clinicians.
    """

    answer_at: Callable[[int], RawValue]
    smallest: NDArray[np.intp]
    ordered: bool = False


FindChange = Callable[[RuleInput], MinimalChange]


def up_to_theirs(inputs: RuleInput) -> MinimalChange:
    """The client accepts as much as the clinician has."""
    return stepwise(inputs.client_fields[0], _own_levels(inputs, inputs.clinician[0]), up=True)


def down_to_theirs(inputs: RuleInput) -> MinimalChange:
    """The client accepts as little as the clinician has."""
    return stepwise(inputs.client_fields[0], _own_levels(inputs, inputs.clinician[0]), up=False)


def into_their_range(inputs: RuleInput) -> MinimalChange:
    """The client moves to the nearer of the clinician's two bounds."""
    low, high = inputs.clinician
    stated = inputs.client[0][0]
    raised = stepwise(inputs.client_fields[0], np.where(stated < low, low, np.nan), up=True)
    lowered = stepwise(inputs.client_fields[0], np.where(stated > high, high, np.nan), up=False)
    count = int(raised.smallest.max(initial=-1)) + 1
    further = np.where(lowered.smallest < 0, -1, lowered.smallest + count)
    return MinimalChange(
        lambda number: (
            raised.answer_at(number) if number < count else lowered.answer_at(number - count)
        ),
        np.where(raised.smallest < 0, further, raised.smallest),
    )


def further(inputs: RuleInput) -> MinimalChange:
    """The client travels to the nearest of the clinician's rooms in which there is a time."""
    nearest = road_km(inputs)
    if inputs.open_rooms is not None:
        nearest = np.where(inputs.open_rooms.any(axis=1), open_km(inputs), nearest)
    return stepwise(inputs.client_fields[1], nearest, up=True)


def open_km(inputs: RuleInput) -> Array:
    """Kilometres by road to the nearest room in which there is a time, (n,); NaN without one."""
    assert inputs.open_rooms is not None
    km = np.where(inputs.open_rooms, room_km(inputs), np.inf)
    nearest = np.nanmin(np.where(np.isnan(km), np.inf, km), axis=1)
    return np.where(np.isinf(nearest), np.nan, nearest)


def longer(inputs: RuleInput) -> MinimalChange:
    """The client waits until the first possible session."""
    return stepwise(inputs.client_fields[0], waits(inputs), up=True)


def dearer(inputs: RuleInput) -> MinimalChange:
    """The client pays the clinician's gap."""
    return stepwise(inputs.client_fields[0], gap_cents(inputs), up=True)


def fewer_sessions(inputs: RuleInput) -> MinimalChange:
    """The client wants only as many sessions as are possible."""
    return stepwise(inputs.client_fields[0], max_sessions(inputs), up=False)


def one_more_level(inputs: RuleInput) -> MinimalChange:
    """The client names one more level, of those the clinician has; a single level is withdrawn."""
    ours, theirs = inputs.client_fields[0], inputs.clinician_fields[0]
    held = inputs.clinician[0]
    if ours.kind != "tags":
        return the_same_for_all(None, len(held))
    named = _named(inputs)
    added = [level for level in ours.levels if level not in named and level in theirs.levels]
    places = [theirs.levels.index(level) for level in added]
    admits = held[:, places].T == 1 if held.ndim == 2 else held == np.array(places)[:, None]
    return _first_of(
        lambda number: [lv for lv in ours.levels if lv in named or lv == added[number]], admits
    )


def without_what_they_lack(inputs: RuleInput) -> MinimalChange:
    """The client no longer requires what the clinician lacks."""
    return _dropping(inputs, inputs.clinician[0] != 1)


def despite_what_they_have(inputs: RuleInput) -> MinimalChange:
    """The client no longer declines what the clinician has."""
    return _dropping(inputs, inputs.clinician[0] != 0)


def one_more_day(inputs: RuleInput) -> MinimalChange:
    """The client is free all of one more day of the week."""
    stated = [
        f"{DAYS[day]} {clock(begin)}-{clock(end)}"
        for day, begin, end in windows_of(inputs.client[0])
        if end > begin
    ]
    return _first_of(
        lambda day: [
            *(window for window in stated if not window.startswith(DAYS[day])),
            f"{DAYS[day]} 00:00-24:00",
        ],
        fits_on_day(inputs),
    )


def not_asked_for(inputs: RuleInput) -> MinimalChange:
    """The client no longer asks for it."""
    return the_same_for_all(False, inputs.roster.size)


def the_same_for_all(answer: RawValue, size: int) -> MinimalChange:
    """One answer that suffices for every clinician."""
    return MinimalChange(lambda _: answer, np.zeros(size, dtype=np.intp))


def _first_of(answer_at: Callable[[int], RawValue], admits: Flags) -> MinimalChange:
    """Of answers in order the first that admits each clinician, by (answers, n)."""
    if not len(admits):
        return MinimalChange(answer_at, np.full(admits.shape[1], -1))
    return MinimalChange(answer_at, np.where(admits.any(axis=0), admits.argmax(axis=0), -1))


def _dropping(inputs: RuleInput, excludes: Flags) -> MinimalChange:
    ours, theirs = inputs.client_fields[0], inputs.clinician_fields[0]
    named = [level for level in ours.levels if level in _named(inputs)]
    places = [theirs.levels.index(level) for level in named if level in theirs.levels]
    known = [level for level in named if level in theirs.levels]
    barring = excludes[:, places]
    patterns = np.unique(barring[barring.any(axis=1)], axis=0)
    # The fewer levels are dropped, the smaller the change.
    patterns = patterns[np.argsort(patterns.sum(axis=1), kind="stable")]
    dropped = [{known[place] for place in np.flatnonzero(pattern)} for pattern in patterns]
    admits = np.asarray(~(barring & ~patterns[:, None]).any(axis=2))
    return _first_of(lambda number: [lv for lv in named if lv not in dropped[number]], admits)


def _named(inputs: RuleInput) -> set[str]:
    field = inputs.client_fields[0]
    named = inputs.intake[field.name][0]
    return {level for level, asked in zip(field.levels, named.tolist(), strict=True) if asked == 1}


def stepwise(field: Field, needed: Array, *, up: bool) -> MinimalChange:
    """The values needed, rounded away from the stated one, as answers within the field's bounds."""
    kind = field.behaviour
    rounded = needed / kind.units
    if kind.whole:
        rounded = np.ceil(rounded - TOLERANCE) if up else np.floor(rounded + TOLERANCE)
    low = -math.inf if field.min is None else field.min
    high = math.inf if field.max is None else field.max
    if field.levels:
        low, high = 0.0, len(field.levels) - 1.0
    with np.errstate(invalid="ignore"):
        within = (rounded >= low) & (rounded <= high) & np.isfinite(rounded)
    steps = np.where(within, rounded * kind.units, np.nan)
    known = ~np.isnan(steps)
    values, number = np.unique(steps[known], return_inverse=True)
    if not up:
        values, number = values[::-1], len(values) - 1 - number
    smallest = np.full(len(steps), -1)
    smallest[known] = number
    return MinimalChange(lambda number: kind.decode(field, float(values[number])), smallest, True)


def _own_levels(inputs: RuleInput, values: Array) -> Array:
    """The clinicians' levels by the client's order of them; other values as they are."""
    ours, theirs = inputs.client_fields[0], inputs.clinician_fields[0]
    if not ours.levels:
        return values
    order = [ours.levels.index(lv) if lv in ours.levels else np.nan for lv in theirs.levels]
    return by_level(order, values)
