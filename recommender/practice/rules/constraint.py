"""A declared constraint, and its verdict on a whole roster.

A constraint is a rule with its fields, a family, a mode and the reason staff give.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from dataclasses import field as attribute
from datetime import date
from math import isnan, nan
from typing import Annotated, Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import BeforeValidator
from pydantic_core import PydanticCustomError

from recommender.practice.columns import Columns, answered_in
from recommender.practice.conditions import Condition, OneTest
from recommender.practice.fields import Field
from recommender.practice.match_operators import aligned
from recommender.practice.rules.catalogue import FIELD_SETTINGS, FIRST_SESSION, RULES, Rule
from recommender.practice.rules.first_session import FirstSession
from recommender.practice.rules.rule_input import Array, RequestContext, RuleInput, either
from recommender.practice.rules.time_rules import fits_in_rooms, fits_in_ways
from recommender.values.toml_settings import (
    FieldNames,
    FilledText,
    Text,
    Texts,
    one_of,
    toml_table,
)

Mode = Literal["hard", "soft", "off"]
Silence = Literal["fail", "pass", "met", "unknown"]
Lifting = Literal["no", "yes", "ask"]
MODES: tuple[Mode, ...] = ("hard", "soft", "off")

NEVER_RELAXED = ("safety", "legal", "registration", "funding", "consent", "conflict")
"""Families that no one is offered to relax, and in which unknown fails unless declared."""
FAMILIES: tuple[str, ...] = (
    *NEVER_RELAXED,
    "capacity",
    "service",
    "mode",
    "place",
    "time",
    "language",
    "wish",
)

USUAL_MINUTES = 50.0
"""Minutes of a session if the definition does not state them: Medicare's standard consultation is
50 minutes or more."""


@toml_table
@dataclass(frozen=True, slots=True)
class Alternative:
    """A flag of each side; if both are true, the constraint is met whatever its rule says.

    A client who did not answer has not accepted the alternative.
    """

    client: Text
    clinician: Text


def _constant_of(value: object) -> object:
    """A constant as a cell of the clinician's field: a list is joined, a date written out."""
    if isinstance(value, list) and all(isinstance(part, str) for part in value):
        return ";".join(value)
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, bool | int | float | str):
        return value
    raise PydanticCustomError("constant", "is not a constant")


def _lifting_of(relaxable: object) -> object:
    if isinstance(relaxable, bool):
        return "yes" if relaxable else "no"
    if relaxable == "ask":
        return relaxable
    raise PydanticCustomError("lifting", "is not known")


Constant = Annotated[Any, BeforeValidator(_constant_of)]


@toml_table
@dataclass(frozen=True, slots=True)
class Constraint:
    """A declared constraint.

    Attributes
    ----------
    name, rule
        Its name, and one of `recommender.practice.rules.catalogue.RULES`.
    family
        What it protects; see `FAMILIES`.
    say
        The reason, as staff say it after the clinician's name.
    unknown
        What an unknown verdict does: `fail` excludes if the constraint is hard, `pass` only
        mentions it, `met` counts as passed.
    client, clinician
        Names of the fields compared, in the order the rule expects.
    value
        A constant in place of the client's field, written as a cell of the clinician's field.
    mode
        `hard` excludes, `soft` raises a caution, `off` is not evaluated.
    unasked
        What a client's silence means: `pass`, or `unknown`.
    may_be
        Modes that a request may choose instead.
    relaxable
        Whether staff are offered a change of the client's answer: `yes`; `ask`, if they are only
        told that the client could be asked; or `no`.
    offer
        How a change is offered, with `{value}` and `{stated}` for the answers; if empty, the
        field's own phrase.
    figures
        The reason with figures, as staff say it after the clinician's name, with `{theirs}` and
        `{asked}`; if empty, the rule's own words follow the reason.
    when, unless
        The answer without which, and the one with which, it does not apply; or None.
    instead
        An alternative way to meet it, or None.
    ways
        Ways of meeting it is about; empty for all.
    settings
        Settings of its rule.
    """

    name: str
    rule: Annotated[str, one_of(RULES)]
    family: Annotated[str, one_of(FAMILIES)]
    say: FilledText
    unknown: Annotated[Silence, one_of(("fail", "pass", "met"))]
    client: FieldNames = ()
    clinician: FieldNames = ()
    value: Constant | None = None
    mode: Annotated[Mode, one_of(MODES)] = "hard"
    unasked: Annotated[Silence, one_of(("pass", "unknown"))] = "pass"
    may_be: tuple[Annotated[Mode, one_of(MODES)], ...] = ()
    relaxable: Annotated[Lifting, BeforeValidator(_lifting_of)] = "no"
    offer: Text = ""
    figures: Text = ""
    when: OneTest = None
    unless: OneTest = None
    instead: Alternative | None = None
    ways: Texts = ()
    settings: Mapping[str, Any] = attribute(default_factory=dict)

    @property
    def excludes_on_silence(self) -> bool:
        """Whether nobody can be offered, where it applies, until the client has answered."""
        return self.mode == "hard" and self.unasked == "unknown" and self.unknown == "fail"


def judge(
    constraint: Constraint, client: Columns, roster: Columns, context: RequestContext
) -> Array:
    """The verdict on every clinician, (n,): 1 pass, 0 fail, NaN unknown.

    The constraint is without faults; see `recommender.practice.rules.declaration`. `client` has
    one row, `roster` n rows in the order of `context.clinician_ids`.
    """
    if is_settled(constraint, client, roster, context):
        return everyone_passes(roster)
    if _is_asked(constraint, client):
        inputs = rule_input_of(constraint, client, roster, context)
        verdict = RULES[constraint.rule].judge(inputs)
    else:
        verdict = np.full(roster.size, _unasked(constraint))
    return _as_applied(constraint, verdict, client, roster, context)


def judge_ways(constraint: Constraint, inputs: RuleInput, ways: Sequence[str]) -> Array:
    """`judge` of a rule on hours in some ways of meeting, (ways, n), where it is not settled."""
    client, roster = inputs.intake, inputs.roster
    if _is_asked(constraint, client):
        verdict = fits_in_ways(inputs, ways)
    else:
        verdict = np.full((len(ways), roster.size), _unasked(constraint))
    return _as_applied(constraint, verdict, client, roster, inputs.context)


def judge_rooms(constraint: Constraint, inputs: RuleInput, way: str) -> Array:
    """`judge` of a rule on hours if they meet in each room, (rooms, n), where it is not settled.

    Rooms out of the client's reach are judged as well; (n,) where the room does not matter.
    """
    client, roster = inputs.intake, inputs.roster
    if _is_asked(constraint, client):
        verdict = fits_in_rooms(inputs, way)
    else:
        verdict = np.full(roster.size, _unasked(constraint))
    return _as_applied(constraint, verdict, client, roster, inputs.context)


def _as_applied(
    constraint: Constraint,
    verdict: Array,
    client: Columns,
    roster: Columns,
    context: RequestContext,
) -> Array:
    """The verdict of a rule, (..., n), where the constraint may be met or lifted otherwise."""
    instead = constraint.instead
    if instead is not None and client[instead.client][0] == 1.0:
        verdict = either(verdict, roster[instead.clinician])
    is_unknown = isnan(applicability(constraint, client, context))
    return np.where(verdict == 1, 1.0, np.nan) if is_unknown else verdict


def is_settled(
    constraint: Constraint, client: Columns, roster: Columns, context: RequestContext
) -> bool:
    """Whether the client's answers alone decide that every clinician passes."""
    wish, passes_unasked = _wish(constraint), constraint.unasked != "unknown"
    is_open = wish is not None and wish not in answered_in(client)
    if not roster.size or (is_open and passes_unasked):
        return True
    applies = applicability(constraint, client, context)
    if applies == 0 or (isnan(applies) and passes_unasked):
        return True
    if wish is None or is_open:
        return False
    answer, field = client[wish], context.client[wish]
    if field.kind in ("flag", "tags") and RULES[constraint.rule].no_asks_nothing:
        return not (answer > 0).any()
    return _is_indifferent(constraint, field, answer)


def is_left_to_rule(constraint: Constraint, client: Columns, context: RequestContext) -> bool:
    """Whether the rule alone decides the verdict, of a constraint that is not settled.

    The client stated the wish, it applies, and no alternative is accepted.
    """
    instead = constraint.instead
    has_alternative = instead is not None and client[instead.client][0] == 1.0
    is_asked = _is_asked(constraint, client) and not has_alternative
    return is_asked and applicability(constraint, client, context) == 1


def everyone_passes(roster: Columns) -> Array:
    """The verdict that every clinician passes, (n,): one array for all clients."""
    return roster.view("everyone", lambda: np.broadcast_to(1.0, (roster.size,)))


def _wish(constraint: Constraint) -> str | None:
    """The client's field that states the wish; None where the rule itself decides."""
    place = RULES[constraint.rule].wish
    return None if place is None or not constraint.client else constraint.client[place]


def _is_asked(constraint: Constraint, client: Columns) -> bool:
    """Whether the client answered the field that states the wish, or there is none."""
    wish = _wish(constraint)
    return wish is None or wish in answered_in(client)


def _unasked(constraint: Constraint) -> float:
    """The verdict on everybody where the client did not ask."""
    return nan if constraint.unasked == "unknown" else 1.0


def applicability(constraint: Constraint, client: Columns, context: RequestContext) -> float:
    """1 if a constraint applies to a client, 0 if not, NaN if the client did not answer."""
    # A missing answer does not lift the constraint.
    if constraint.unless is not None and _is_met(constraint.unless, client, context) == 1:
        return 0.0
    return 1.0 if constraint.when is None else _is_met(constraint.when, client, context)


def client_fields(constraint: Constraint, first_session: FirstSession) -> frozenset[str]:
    """Every field of the client whose answer can change the verdict."""
    conditions = (constraint.when, constraint.unless, constraint.instead)
    named = [each.client for each in conditions if each is not None]
    session = constraint.settings.get("session")
    named += [session] if isinstance(session, str) else []
    if RULES[constraint.rule].day == FIRST_SESSION and first_session.client is not None:
        named.append(first_session.client)
    return frozenset((*field_names(constraint)[0], *named))


def deciding_fields(constraint: Constraint, first_session: FirstSession) -> frozenset[str]:
    """The client's fields of which none is answered where the verdict is that on silence.

    A wish that nobody stated decides nothing, whatever else was answered.
    """
    if constraint.unasked != "unknown":
        wish = _wish(constraint)
        if wish is not None:
            return frozenset((wish,))
        if constraint.when is not None:
            return frozenset((constraint.when.client,))
    return client_fields(constraint, first_session)


def eased_field(constraint: Constraint, client: Mapping[str, Field]) -> str | None:
    """The client's field by whose answer a constraint can be lifted; None where there is none.

    A flag that spares the client comes first, then the wish its rule can ease, then the flag
    without which it does not apply.
    """
    if constraint.unless is not None and client[constraint.unless.client].kind == "flag":
        return constraint.unless.client
    rule = RULES[constraint.rule]
    if constraint.client and rule.ease is not None:
        return constraint.client[rule.wish or 0]
    if constraint.when is not None and client[constraint.when.client].kind == "flag":
        return constraint.when.client
    return None


def field_names(constraint: Constraint) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Fields read of the client and of the clinician, those named in settings included."""
    sides = {"client": list(constraint.client), "clinician": list(constraint.clinician)}
    for key, (side, _) in FIELD_SETTINGS.items():
        if key in constraint.settings:
            sides[side].append(constraint.settings[key])
    return tuple(sides["client"]), tuple(sides["clinician"])


def constant_field(rule: Rule, target: Field) -> Field:
    """The declaration that parses a constant: the clinician's, in the kind the rule compares."""
    kind = target.kind if rule.constant == "same" else str(rule.constant)
    return replace(target, kind=kind)


def _is_met(when: Condition, client: Columns, context: RequestContext) -> float:
    """1 if the condition is met, 0 if not, NaN if the client did not answer."""
    answer, field = client[when.client], context.client[when.client]
    if when.below is not None:
        return float("nan") if np.isnan(answer[0]) else float(answer[0] < when.below)
    if field.kind == "flag":
        return float(answer[0])
    places = [field.levels.index(level) for level in when.has]
    if field.kind == "tags":
        return float(answer[0, places].max())
    return float("nan") if np.isnan(answer[0]) else float(answer[0] in places)


def _is_indifferent(constraint: Constraint, field: Field, answer: NDArray[Any]) -> bool:
    indifferent = constraint.settings.get("indifferent", ())
    return field.kind in ("category", "ordinal") and field.levels[int(answer[0])] in indifferent


def rule_input_of(
    constraint: Constraint,
    client: Columns,
    roster: Columns,
    context: RequestContext,
) -> RuleInput:
    """The input of a constraint's rule, with the client's levels in the clinician's order."""
    theirs = tuple([context.clinician[name] for name in constraint.clinician])
    if constraint.value is None:
        ours = tuple([context.client[name] for name in constraint.client])
        answers = tuple([client.values[name] for name in constraint.client])
        if ours and ours[0].levels and RULES[constraint.rule].compares:
            indifferent = tuple(constraint.settings.get("indifferent", ()))
            first = aligned(ours[0], answers[0], theirs[0], indifferent)
            answers = (first, *answers[1:])
    else:
        ours = (constant_field(RULES[constraint.rule], theirs[0]),)
        parsed = ours[0].behaviour.parse(ours[0], constraint.value)
        answers = (ours[0].behaviour.encode(ours[0], [parsed]),)
    return RuleInput(
        client=answers,
        clinician=tuple([roster.values[name] for name in constraint.clinician]),
        client_fields=ours,
        clinician_fields=theirs,
        intake=client,
        roster=roster,
        session=session_minutes(constraint.settings, client),
        settings=constraint.settings,
        unasked=constraint.unasked,
        context=context,
        about=constraint.ways,
    )


def session_minutes(settings: Mapping[str, Any], client: Columns) -> float:
    """Minutes of one session as the client or a rule's settings state; NaN if neither does."""
    usual = float(settings.get("usual_minutes", nan))
    session = settings.get("session", USUAL_MINUTES if isnan(usual) else usual)
    minutes = float(client[session][0]) if isinstance(session, str) else float(session)
    return usual if isnan(minutes) else minutes
