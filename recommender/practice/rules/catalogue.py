"""The catalogue of rules that constraints may name.

A rule is data: the kinds of field it compares, the settings it has, and its verdict function.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from recommender.practice.fields import Side
from recommender.practice.match_operators import (
    CATEGORY,
    HOURS,
    LEVELLED,
    OPEN_HOURS,
    PLACE,
    TAGS,
    summary_of,
)
from recommender.practice.rules import functions, time_rules
from recommender.practice.rules import minimal_changes as changes
from recommender.practice.rules.minimal_changes import FindChange
from recommender.practice.rules.rule_input import Array, RuleInput

SIZED = frozenset({"number", "scale", "money", "ordinal", "date"})
FLAG = frozenset({"flag"})
NUMBER = frozenset({"number", "scale"})
DATE = frozenset({"date"})
MONEY = frozenset({"money"})
IDS = frozenset({"ids"})

Kinds = tuple[frozenset[str], ...]

FIELD_SETTINGS: Mapping[str, tuple[Side, frozenset[str]]] = {
    "funding": ("client", CATEGORY),
    "left": ("client", NUMBER),
    "budget": ("client", MONEY),
    "concession": ("client", FLAG),
    "client_zone": ("client", CATEGORY),
    "registration": ("clinician", CATEGORY),
    "concession_fee": ("clinician", MONEY),
    "bulk_bills": ("clinician", FLAG),
    "clinician_zone": ("clinician", CATEGORY),
}
"""Settings that name a field: of which side, and of which kinds."""
ZONES = ("client_zone", "clinician_zone")
"""Of these, the fields whose levels are IANA zones."""
_PRICE = frozenset(
    {"session", "usual_minutes", "left", "concession", "concession_fee", "bulk_bills"}
)
_WHERE = frozenset({"usual_minutes", *ZONES})


ASKED, FIRST_SESSION = "asked", "first session"
"""The days that a rule may be judged for."""


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule.

    Attributes
    ----------
    client, clinician
        Kinds accepted at each position of each side.
    judge
        Returns the verdict on every clinician of a roster: 1 pass, 0 fail, NaN unknown. The first
        line of its docstring is the `meaning`.
    optional
        Sides that may name no field; a constraint names at least one in all.
    constant
        The kind a declared `value` is parsed as, against the clinician's first field; `same` is
        that field's own kind, None means that the rule takes no constant.
    compares
        Whether the client's first field is compared with the clinician's fields, so that levels are
        aligned by name, and units and kinds must agree.
    ordered
        Whether the order of levels matters.
    wish
        Position of the client's field that states the wish; if it is empty, the client has not
        asked. None if the rule itself decides what a missing answer means.
    no_asks_nothing
        Whether a client who answers no, or with an empty list, asks nothing: everyone passes.
    units
        Unit required at each position of the client's side, or None.
    needs, allows
        Settings that must, and may, be declared.
    ease
        Returns the smallest changes of the wish that would meet the rule; None if there are none.
    day
        The day it is judged for: `asked`, or that of the `first session` possible.
    """

    name: str
    client: Kinds
    clinician: Kinds
    judge: Callable[[RuleInput], Array]
    optional: frozenset[str] = frozenset()
    constant: str | None = None
    compares: bool = False
    ordered: bool = False
    wish: int | None = 0
    no_asks_nothing: bool = False
    units: tuple[str | None, ...] = ()
    needs: frozenset[str] = frozenset()
    allows: frozenset[str] = frozenset()
    ease: FindChange | None = None
    day: str = ASKED

    @property
    def meaning(self) -> str:
        """When a clinician passes, as explained to authors of a definition."""
        return summary_of(self.judge)


def _levels(
    name: str,
    client: frozenset[str],
    clinician: frozenset[str],
    judge: Callable[[RuleInput], Array],
    constant: str,
    ease: FindChange | None = None,
) -> Rule:
    """A rule that compares levels by name; a client who names none of several asks nothing."""
    return Rule(
        name,
        (client,),
        (clinician,),
        judge,
        no_asks_nothing="tags" in client,
        constant=constant,
        compares=True,
        allows=frozenset({"indifferent"}),
        ease=ease,
    )


def _sizes(
    name: str, clinician: Kinds, judge: Callable[[RuleInput], Array], ease: FindChange
) -> Rule:
    """A rule that compares sizes; bounds are inclusive."""
    return Rule(
        name,
        (SIZED,),
        clinician,
        judge,
        constant="same" if len(clinician) == 1 else None,
        compares=True,
        ordered=True,
        allows=frozenset({"indifferent"}),
        ease=ease,
    )


RULES: Mapping[str, Rule] = {
    rule.name: rule
    for rule in (
        _levels("has_all", TAGS, TAGS, functions.has_all, "tags", changes.without_what_they_lack),
        _levels("has_any", TAGS, TAGS, functions.has_any, "tags", changes.one_more_level),
        _levels("has_none", TAGS, TAGS, functions.has_none, "tags", changes.despite_what_they_have),
        _levels("member", LEVELLED, TAGS, functions.member, "category"),
        _levels(
            "one_of", LEVELLED | TAGS, LEVELLED, functions.one_of, "tags", changes.one_more_level
        ),
        _levels(
            "equal", LEVELLED | NUMBER | FLAG, LEVELLED | NUMBER | FLAG, functions.equal, "same"
        ),
        _sizes("at_most", (SIZED,), functions.at_most, changes.up_to_theirs),
        _sizes("at_least", (SIZED,), functions.at_least, changes.down_to_theirs),
        _sizes("within", (SIZED, SIZED), functions.within, changes.into_their_range),
        Rule("is_true", (), (FLAG,), functions.is_true, wish=None),
        Rule("below", (), (NUMBER, NUMBER), functions.below, wish=None),
        Rule("client_true", (FLAG,), (), functions.client_true),
        Rule(
            "client_at_least", (NUMBER,), (), functions.client_at_least, needs=frozenset({"least"})
        ),
        Rule(
            "if_asked",
            (FLAG,),
            (FLAG,),
            functions.if_asked,
            no_asks_nothing=True,
            ease=changes.not_asked_for,
        ),
        Rule(
            "within_km",
            (PLACE, NUMBER),
            (PLACE,),
            functions.within_km,
            ease=changes.further,
            wish=1,
            units=(None, "km"),
            allows=frozenset({"detour"}),
        ),
        Rule(
            "shares_hours",
            (HOURS,),
            (OPEN_HOURS,),
            time_rules.shares_hours,
            ease=changes.one_more_day,
            needs=frozenset({"session"}),
            allows=_WHERE,
            day=FIRST_SESSION,
        ),
        Rule(
            "after_hours",
            (FLAG,),
            (OPEN_HOURS,),
            time_rules.after_hours,
            no_asks_nothing=True,
            ease=changes.not_asked_for,
            needs=frozenset({"session"}),
            allows=_WHERE | {"evening", "morning"},
            day=FIRST_SESSION,
        ),
        Rule(
            "available_within",
            (NUMBER,),
            (DATE,),
            time_rules.available_within,
            ease=changes.longer,
            units=("days",),
            day=FIRST_SESSION,
        ),
        Rule(
            "valid_on",
            (DATE,),
            (DATE,),
            time_rules.valid_on,
            optional=frozenset({"client"}),
            wish=None,
            day=FIRST_SESSION,
        ),
        Rule(
            "valid_between",
            (DATE,),
            (DATE, DATE),
            time_rules.valid_between,
            optional=frozenset({"client"}),
            wish=None,
            day=FIRST_SESSION,
        ),
        Rule(
            "gap_at_most",
            (MONEY,),
            (MONEY,),
            functions.gap_at_most,
            ease=changes.dearer,
            constant="same",
            needs=frozenset({"funding", "registration"}),
            allows=_PRICE,
            day=FIRST_SESSION,
        ),
        Rule(
            "enough_sessions",
            (NUMBER,),
            (MONEY, NUMBER),
            functions.enough_sessions,
            ease=changes.fewer_sessions,
            needs=frozenset({"funding", "registration"}),
            allows=_PRICE | {"budget"},
            day=FIRST_SESSION,
        ),
        Rule("funded", (CATEGORY,), (CATEGORY,), functions.funded, day=FIRST_SESSION),
        Rule(
            "not_listed",
            (IDS,),
            (IDS,),
            functions.not_listed,
            optional=frozenset({"client", "clinician"}),
            wish=None,
        ),
        Rule("listed", (IDS,), (), functions.listed, wish=None),
    )
}
"""Every rule a constraint may name."""

ON_HOURS = frozenset({"shares_hours", "after_hours"})
"""Rules about open hours, whose verdict depends on the way of meeting and on the rooms in reach."""
