"""The figures of a constraint that a clinician does not meet: theirs, and those asked for.

They are computed for one clinician when somebody asks why, and never for a whole roster.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from recommender.practice.columns import Columns
from recommender.practice.definition import Practice
from recommender.practice.fields import Field, listed
from recommender.practice.rules.constraint import Constraint, rule_input_of
from recommender.practice.rules.functions import gap_cents, max_sessions, road_km
from recommender.practice.rules.rule_input import RequestContext, RuleInput
from recommender.practice.rules.time_rules import waits, windows_of
from recommender.recommendation.fact_text import (
    cents_text,
    date_of,
    day_text,
    levels_in,
    values_text,
    week_text,
    with_unit,
)

NONE = "none"


@dataclass(frozen=True, slots=True)
class Figures:
    """In words: what a clinician has, and what was asked for; "" where a rule has only one."""

    theirs: str
    asked: str


FiguresOf = Callable[[Practice, RuleInput, int], Figures | None]
"""The figures of the clinician of one row; None where something is not known."""


def reason_text(
    practice: Practice,
    constraint: Constraint,
    client: Columns,
    columns: Columns,
    context: RequestContext,
    row: int,
) -> str:
    """Why a constraint excludes the clinician of one row, with figures where the rule has any.

    The words are the constraint's own `figures`, or else its reason followed by the figures. What
    the definition itself requires of everybody, such as one open place, its own words say.
    """
    rule = FIGURES[constraint.rule]
    if rule is None or (constraint.value is not None and not constraint.figures):
        return constraint.say
    words, figures_of = rule
    figures = figures_of(practice, rule_input_of(constraint, client, columns, context), row)
    if figures is None:
        return constraint.say
    template = constraint.figures or f"{constraint.say}: {words}"
    return template.replace("{theirs}", figures.theirs).replace("{asked}", figures.asked)


def _lacked(practice: Practice, inputs: RuleInput, row: int) -> Figures | None:
    held, asked = _held(inputs, row), _asked_levels(inputs)
    if held is None:
        return None
    return _of_levels(inputs, held, [each for each in asked if each not in held])


def _declined(practice: Practice, inputs: RuleInput, row: int) -> Figures | None:
    held, asked = _held(inputs, row), _asked_levels(inputs)
    if held is None:
        return None
    both = [each for each in held if each in asked]
    return _of_levels(inputs, both, both)


def _levels(practice: Practice, inputs: RuleInput, row: int) -> Figures | None:
    held = _held(inputs, row)
    return None if held is None else _of_levels(inputs, held, _asked_levels(inputs))


def _values(practice: Practice, inputs: RuleInput, row: int) -> Figures | None:
    """A value beside the one asked for; levels of both are in the clinician's order."""
    field = inputs.clinician_fields[0]
    theirs = _value(practice, field, inputs.clinician[0][row])
    asked = _value(practice, field, inputs.client[0][0])
    return Figures(theirs, asked) if theirs and asked else None


def _range(practice: Practice, inputs: RuleInput, row: int) -> Figures | None:
    fields = inputs.clinician_fields
    asked = _value(practice, fields[0], inputs.client[0][0])
    low, high = (
        _value(practice, field, column[row])
        for field, column in zip(fields, inputs.clinician, strict=True)
    )
    if not (low and high and asked):
        return None
    # A unit that both ends have is written once.
    unit = high.partition(" ")[2]
    return Figures(f"{low.removesuffix(unit).strip()} to {high}", asked)


def _two_numbers(practice: Practice, inputs: RuleInput, row: int) -> Figures | None:
    one, other = (float(column[row]) for column in inputs.clinician)
    return None if np.isnan(one + other) else Figures(f"{one:g}", f"{other:g}")


def _least(practice: Practice, inputs: RuleInput, row: int) -> Figures | None:
    own = float(inputs.client[0][0])
    field, least = inputs.client_fields[0], float(inputs.settings["least"])
    return None if np.isnan(own) else Figures(with_unit(field, own), with_unit(field, least))


def _distance(practice: Practice, inputs: RuleInput, row: int) -> Figures | None:
    km, limit = float(road_km(inputs)[row]), float(inputs.client[1][0])
    if np.isnan(km):
        return None
    # Rounded to whole kilometres only where this leaves it beyond the limit.
    far = f"{km:.0f}" if round(km) > limit else f"{km:.1f}"
    return Figures(f"{far} km", with_unit(inputs.client_fields[1], limit))


def _gap(practice: Practice, inputs: RuleInput, row: int) -> Figures | None:
    gap = float(gap_cents(inputs)[row])
    if np.isnan(gap):
        return None
    limit = float(inputs.client[0][0])
    return Figures(cents_text(practice, round(gap)), cents_text(practice, round(limit)))


def _sessions(practice: Practice, inputs: RuleInput, row: int) -> Figures | None:
    possible = float(max_sessions(inputs)[row])
    if not np.isfinite(possible):
        return None
    return Figures(f"{possible:g}", f"{float(inputs.client[0][0]):g}")


def _wait(practice: Practice, inputs: RuleInput, row: int) -> Figures | None:
    wait = float(waits(inputs)[row])
    if np.isnan(wait):
        return None
    field = inputs.client_fields[0]
    first, limit = day_text(date_of(inputs.earliest + wait)), float(inputs.client[0][0])
    return Figures(f"{with_unit(field, wait)} ({first})", with_unit(field, limit))


def _dates(practice: Practice, inputs: RuleInput, row: int) -> Figures | None:
    days = [float(column[row]) for column in inputs.clinician]
    if np.isnan(days).any():
        return None
    own = float(inputs.client[0][0]) if inputs.client else np.nan
    start = float(np.fmax(inputs.first_sessions[row], own))
    return Figures(" to ".join(day_text(date_of(day)) for day in days), day_text(date_of(start)))


def _hours(practice: Practice, inputs: RuleInput, row: int) -> Figures | None:
    windows = inputs.clinician[0][row : row + 1, :, :3]
    if np.isnan(windows).all():
        return None
    flag = inputs.client_fields[0].kind == "flag"
    asked = "" if flag else week_text(windows_of(inputs.client[0]))
    return Figures(week_text(windows_of(windows)), asked)


def _scheme(practice: Practice, inputs: RuleInput, row: int) -> Figures | None:
    theirs = _value(practice, inputs.clinician_fields[0], inputs.clinician[0][row])
    asked = _value(practice, inputs.client_fields[0], inputs.client[0][0])
    return Figures(theirs, asked) if theirs and asked else None


def _held(inputs: RuleInput, row: int) -> tuple[str, ...] | None:
    """The levels that a clinician has; None where they are not known."""
    encoded = inputs.clinician[0][row]
    return None if np.isnan(encoded).any() else levels_in(inputs.clinician_fields[0], encoded)


def _asked_levels(inputs: RuleInput) -> tuple[str, ...]:
    return levels_in(inputs.clinician_fields[0], inputs.client[0][0])


def _of_levels(inputs: RuleInput, theirs: Sequence[str], asked: Sequence[str]) -> Figures:
    label = inputs.clinician_fields[0].label_of
    return Figures(*(listed([*map(label, each)]) or NONE for each in (theirs, asked)))


def _value(practice: Practice, field: Field, encoded: NDArray[np.float64]) -> str:
    if field.kind == "flag":
        return "" if np.isnan(encoded) else "yes" if encoded else "no"
    return ", ".join(values_text(practice, field, encoded))


FIGURES: Mapping[str, tuple[str, FiguresOf] | None] = {
    "has_all": ("lacks {asked}", _lacked),
    "has_any": ("has {theirs}; the client asked for {asked}", _levels),
    "has_none": ("{theirs}", _declined),
    "member": ("has {theirs}; the client asked for {asked}", _levels),
    "one_of": ("has {theirs}; the client asked for {asked}", _levels),
    "equal": ("{theirs}; the client asked for {asked}", _values),
    "at_most": ("{theirs}, limit {asked}", _values),
    "at_least": ("{theirs}, at least {asked}", _values),
    "within": ("{theirs}; the client asked for {asked}", _range),
    "is_true": None,
    "below": ("{theirs} of {asked}", _two_numbers),
    "client_true": None,
    "client_at_least": ("{theirs}, at least {asked}", _least),
    "if_asked": None,
    "within_km": ("{theirs}, limit {asked}", _distance),
    "shares_hours": ("works {theirs}; the client can come {asked}", _hours),
    "after_hours": ("works {theirs}", _hours),
    "available_within": ("{theirs}, limit {asked}", _wait),
    "valid_on": ("until {theirs}; the first session would be {asked}", _dates),
    "valid_between": ("{theirs}; the first session would be {asked}", _dates),
    "gap_at_most": ("{theirs}, limit {asked}", _gap),
    "enough_sessions": ("{theirs}; the client asked for {asked}", _sessions),
    "funded": ("{theirs}", _scheme),
    "not_listed": None,
    "listed": None,
}
"""By rule, the words after a reason and what gives the figures; None for a reason that says all:
a flag that is not true, a list that names or does not name somebody."""
