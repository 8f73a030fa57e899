"""One requirement as a practice declared it, and its verdict on a whole roster.

A constraint is a rule with fields, a family, a mode and the reason staff say aloud.
Imported by `misfits`, `rules` and `constraints`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from recommender.definition.columns import Columns
from recommender.definition.fields import Field
from recommender.definition.kinds import KINDS
from recommender.definition.operators import aligned
from recommender.definition.rulebook import RULES, Rule
from recommender.definition.verdicts import Array, Asking, Question

Mode = Literal["hard", "soft", "off"]
Silence = Literal["fail", "pass", "unknown"]

NEVER_RELAXED = ("safety", "legal", "registration", "funding", "consent", "conflict")
"""Families nobody is ever offered to lift, and in which unknown means no unless declared."""
FAMILIES = (*NEVER_RELAXED, "capacity", "service", "mode", "place", "time", "language", "wish")

USUAL_MINUTES = 50.0
"""A session whose length the definition leaves open: Medicare's standard consultation, 50 minutes
or more."""


@dataclass(frozen=True, slots=True)
class When:
    """The client's answer without which a constraint does not apply.

    Attributes
    ----------
    client
        A category, an ordinal, tags or a flag of the client.
    has
        The level it must equal or contain; None for a flag, which must be true.
    """

    client: str
    has: str | None = None


@dataclass(frozen=True, slots=True)
class Constraint:
    """A declared constraint.

    Attributes
    ----------
    name, rule
        Its name, and one of `recommender.definition.rulebook.RULES`.
    client, clinician
        Names of the fields compared, in the order the rule takes them.
    value
        A constant in place of the client's field, written as a cell of the clinician's field.
    family
        What it protects; see `FAMILIES`.
    mode
        `hard` excludes, `soft` raises a concern, `off` is not evaluated.
    unknown
        What a hard constraint makes of an unknown verdict: `fail` or `pass`.
    unasked
        What a client's silence means: `pass`, or `unknown`.
    relaxable
        Whether staff may ever be offered to lift it.
    say
        The reason, said after the clinician's name.
    when
        The answer without which it does not apply, or None.
    settings
        Settings of its rule.
    """

    name: str
    rule: str
    client: tuple[str, ...]
    clinician: tuple[str, ...]
    value: float | str | bool | None
    family: str
    mode: Mode
    unknown: Silence
    unasked: Silence
    relaxable: bool
    say: str
    when: When | None
    settings: Mapping[str, Any]


def judge(constraint: Constraint, client: Columns, roster: Columns, asking: Asking) -> Array:
    """The verdict on every clinician, (n,): 1 pass, 0 fail, NaN unknown.

    Parameters
    ----------
    constraint
        A constraint without `recommender.definition.misfits.problems`.
    client
        The client's fields, one row.
    roster
        The clinicians' fields, n rows in the order of `asking.clinician_ids`.
    asking
        The circumstances, and the declarations of the fields.
    """
    everyone = np.ones(roster.size)
    applies = _applies(constraint.when, client, asking)
    open_verdict = np.nan if constraint.unasked == "unknown" else 1.0
    if not roster.size or applies == 0 or (np.isnan(applies) and open_verdict == 1):
        return everyone
    rule = RULES[constraint.rule]
    wish = None if rule.wish is None or not constraint.client else constraint.client[rule.wish]
    if wish is not None and _is_silent(client[wish]):
        return everyone * open_verdict
    if wish is not None and _is_indifferent(constraint, asking.client[wish], client[wish]):
        return everyone
    verdict = np.broadcast_to(
        rule.judge(_question(constraint, client, roster, asking)), (roster.size,)
    )
    return np.where(verdict == 1, 1.0, np.nan) if np.isnan(applies) else np.asarray(verdict)


def field_names(constraint: Constraint) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Fields read of the client and of the clinician, those named in settings included."""
    client, clinician = constraint.client, constraint.clinician
    if "funding" in constraint.settings:
        client = (*client, constraint.settings["funding"])
    if "registration" in constraint.settings:
        clinician = (*clinician, constraint.settings["registration"])
    return client, clinician


def constant_field(rule: Rule, target: Field) -> Field:
    """The declaration a constant is read by: the clinician's, in the kind the rule compares."""
    kind = target.kind if rule.constant == "same" else str(rule.constant)
    return Field(
        target.name,
        target.side,
        kind,
        target.phrase,
        target.purpose,
        target.missing,
        target.use,
        min=target.min,
        max=target.max,
        levels=target.levels,
    )


def _applies(when: When | None, client: Columns, asking: Asking) -> float:
    """1 where the condition is met, 0 where not, NaN where the client did not say."""
    if when is None:
        return 1.0
    answer, field = client[when.client], asking.client[when.client]
    if field.kind == "flag":
        return float(answer[0])
    place = field.levels.index(str(when.has))
    if field.kind == "tags":
        return float(answer[0, place])
    return float("nan") if np.isnan(answer[0]) else float(answer[0] == place)


def _is_silent(answer: NDArray[Any]) -> bool:
    return bool(np.isnan(answer).all())


def _is_indifferent(constraint: Constraint, field: Field, answer: NDArray[Any]) -> bool:
    indifferent = constraint.settings.get("indifferent", ())
    return field.kind in ("category", "ordinal") and field.levels[int(answer[0])] in indifferent


def _question(constraint: Constraint, client: Columns, roster: Columns, asking: Asking) -> Question:
    asked_of, held_by = field_names(constraint)
    theirs = tuple(asking.clinician[name] for name in held_by)
    if constraint.value is None:
        ours = tuple(asking.client[name] for name in asked_of)
        answers = tuple(
            _in_their_order(constraint, place, ours, theirs, client) for place in range(len(ours))
        )
    else:
        ours = (constant_field(RULES[constraint.rule], theirs[0]),)
        parsed = KINDS[ours[0].kind].parse(ours[0], constraint.value)
        answers = (KINDS[ours[0].kind].encode(ours[0], [parsed]),)
    return Question(
        client=answers,
        clinician=tuple(roster[name] for name in held_by),
        client_fields=ours,
        clinician_fields=theirs,
        session=_session(constraint.settings, client),
        settings=constraint.settings,
        unasked=constraint.unasked,
        asking=asking,
    )


def _in_their_order(
    constraint: Constraint,
    place: int,
    ours: tuple[Field, ...],
    theirs: tuple[Field, ...],
    client: Columns,
) -> NDArray[Any]:
    """The client's answer, its levels in the order of the clinician's where they are compared."""
    field, answer = ours[place], client[ours[place].name]
    if place or not field.levels or not RULES[constraint.rule].compares:
        return answer
    return aligned(field, answer, theirs[0], tuple(constraint.settings.get("indifferent", ())))


def _session(settings: Mapping[str, Any], client: Columns) -> float:
    usual = float(settings.get("usual_minutes", np.nan))
    session = settings.get("session", USUAL_MINUTES if np.isnan(usual) else usual)
    minutes = float(client[session][0]) if isinstance(session, str) else float(session)
    return usual if np.isnan(minutes) else minutes
