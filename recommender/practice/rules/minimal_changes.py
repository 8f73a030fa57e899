"""The smallest changes of one answer that would meet a rule, for a whole roster at once.

An easing only says what would be enough; whether it is ever offered is the definition's word.
Imported by `rulebook` and `relaxation`.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from recommender.practice.fields import Field
from recommender.practice.rules.fee_rules import gap_cents, most_sessions
from recommender.practice.rules.functions import road_km
from recommender.practice.rules.rule_input import Array, Flags, RuleInput, today_of
from recommender.practice.rules.time_rules import fits_on_day, windows_of
from recommender.values.kinds import DAYS, RawValue

CENTS = 100
EXACT = 1e-9
"""What is above a whole number by less than this is it: distances are sums of rounded parts."""


@dataclass(frozen=True, slots=True, eq=False)
class MinimalChange:
    """Answers a client could give instead, from the least asked to the most.

    Attributes
    ----------
    answers
        Each as a cell its field reads; None withdraws the answer.
    admits : (answers, n)
        Whom the rule would let pass then.
    ordered
        Whether each answer asks more of the client than the one before and admits no fewer.
    """

    answers: tuple[RawValue, ...]
    admits: Flags
    ordered: bool = False


FindChange = Callable[[RuleInput], MinimalChange]


def up_to_theirs(question: RuleInput) -> MinimalChange:
    """The client takes as much as the clinician has."""
    return _upwards(question.client_fields[0], _own_levels(question, question.clinician[0]))


def down_to_theirs(question: RuleInput) -> MinimalChange:
    """The client makes do with as little as the clinician has."""
    return _downwards(question.client_fields[0], _own_levels(question, question.clinician[0]))


def into_their_range(question: RuleInput) -> MinimalChange:
    """The client moves to the nearer of the clinician's two bounds."""
    low, high = question.clinician
    stated = question.client[0][0]
    raised = _upwards(question.client_fields[0], np.where(stated < low, low, np.nan))
    lowered = _downwards(question.client_fields[0], np.where(stated > high, high, np.nan))
    return MinimalChange(
        raised.answers + lowered.answers, np.concatenate([raised.admits, lowered.admits])
    )


def further(question: RuleInput) -> MinimalChange:
    """The client travels as far as the nearest of the clinician's places."""
    return _upwards(question.client_fields[1], road_km(question))


def longer(question: RuleInput) -> MinimalChange:
    """The client waits until the clinician's first free day."""
    return _upwards(question.client_fields[0], question.clinician[0] - today_of(question))


def dearer(question: RuleInput) -> MinimalChange:
    """The client pays the clinician's gap."""
    return _upwards(question.client_fields[0], gap_cents(question))


def fewer_sessions(question: RuleInput) -> MinimalChange:
    """The client hopes for as many sessions as there can be."""
    return _downwards(question.client_fields[0], most_sessions(question))


def one_more_level(question: RuleInput) -> MinimalChange:
    """The client names one more level, of those the clinician has; a single level is withdrawn."""
    ours, theirs = question.client_fields[0], question.clinician_fields[0]
    held = question.clinician[0]
    if ours.kind != "tags":
        return MinimalChange((None,), np.ones((1, len(held)), dtype=np.bool_))
    named = _named(question)
    added = [level for level in ours.levels if level not in named and level in theirs.levels]
    places = [theirs.levels.index(level) for level in added]
    admits = [held[:, place] == 1 if held.ndim == 2 else held == place for place in places]
    answers = tuple([lv for lv in ours.levels if lv in named or lv == level] for level in added)
    return MinimalChange(answers, _stacked(admits, len(held)))


def without_what_they_lack(question: RuleInput) -> MinimalChange:
    """The client no longer requires what the clinician has not got."""
    return _dropping(question, question.clinician[0] != 1)


def despite_what_they_have(question: RuleInput) -> MinimalChange:
    """The client no longer declines what the clinician has."""
    return _dropping(question, question.clinician[0] != 0)


def one_more_day(question: RuleInput) -> MinimalChange:
    """The client is free all of one more day of the week."""
    stated = [
        f"{DAYS[day]} {begin // 60:02}:{begin % 60:02}-{end // 60:02}:{end % 60:02}"
        for day, begin, end in windows_of(question.client[0])
        if end > begin
    ]
    answers = tuple([*stated, f"{day} 00:00-24:00"] for day in DAYS)
    return MinimalChange(answers, fits_on_day(question, question.clinician[0]))


def not_asked_for(question: RuleInput) -> MinimalChange:
    """The client no longer asks for it."""
    return MinimalChange((False,), np.ones((1, question.roster.size), dtype=np.bool_))


def _dropping(question: RuleInput, stands_in_the_way: Flags) -> MinimalChange:
    ours, theirs = question.client_fields[0], question.clinician_fields[0]
    named = [level for level in ours.levels if level in _named(question)]
    places = [theirs.levels.index(level) for level in named if level in theirs.levels]
    known = [level for level in named if level in theirs.levels]
    barring = stands_in_the_way[:, places]
    patterns = np.unique(barring[barring.any(axis=1)], axis=0)
    # The fewer are given up the less is asked.
    patterns = patterns[np.argsort(patterns.sum(axis=1), kind="stable")]
    answers = tuple(
        [lv for lv in named if lv not in {known[p] for p in np.flatnonzero(pattern)}]
        for pattern in patterns
    )
    admits = [~(barring & ~pattern).any(axis=1) for pattern in patterns]
    return MinimalChange(answers, _stacked(admits, len(barring)))


def _named(question: RuleInput) -> set[str]:
    field = question.client_fields[0]
    named = question.intake[field.name][0]
    return {level for level, asked in zip(field.levels, named.tolist(), strict=True) if asked == 1}


def _upwards(field: Field, needed: Array) -> MinimalChange:
    steps = _whole(field, needed, math.inf)
    values = np.unique(steps[~np.isnan(steps)])
    return MinimalChange(_cells(field, values), np.asarray(steps[None, :] <= values[:, None]), True)


def _downwards(field: Field, needed: Array) -> MinimalChange:
    steps = _whole(field, needed, -math.inf)
    values = np.unique(steps[~np.isnan(steps)])[::-1]
    return MinimalChange(_cells(field, values), np.asarray(steps[None, :] >= values[:, None]), True)


def _whole(field: Field, needed: Array, towards: float) -> Array:
    """Values a person would say, no smaller a change than needed; NaN beyond the field's bounds."""
    scale = float(CENTS) if field.kind == "money" else 1.0
    said = needed / scale
    if field.kind in ("number", "scale", "money"):
        said = np.ceil(said - EXACT) if towards > 0 else np.floor(said + EXACT)
    low = -math.inf if field.min is None else field.min
    high = math.inf if field.max is None else field.max
    if field.levels:
        low, high = 0.0, len(field.levels) - 1.0
    with np.errstate(invalid="ignore"):
        within = (said >= low) & (said <= high) & np.isfinite(said)
    return np.where(within, said * scale, np.nan)


def _cells(field: Field, values: Array) -> tuple[RawValue, ...]:
    return tuple(_cell(field, value) for value in values.tolist())


def _cell(field: Field, value: float) -> RawValue:
    if field.levels:
        return field.levels[int(value)]
    if field.kind == "date":
        return np.datetime64(int(value), "D").astype(object)
    if field.kind == "money":
        return value / CENTS
    return value


def _own_levels(question: RuleInput, values: Array) -> Array:
    """The clinicians' levels by the client's order of them; other values as they are."""
    ours, theirs = question.client_fields[0], question.clinician_fields[0]
    if not ours.levels:
        return values
    order = [ours.levels.index(lv) if lv in ours.levels else np.nan for lv in theirs.levels]
    lookup = np.array([*order, np.nan])
    return np.asarray(lookup[np.where(np.isnan(values), len(order), values).astype(int)])


def _stacked(rows: Sequence[NDArray[np.bool_]], size: int) -> Flags:
    return np.stack(rows) if rows else np.zeros((0, size), dtype=np.bool_)
