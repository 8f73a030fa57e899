"""The catalogue of rules that constraints may name.

A rule is data: the kinds of field it compares, the settings it has, and its verdict function.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from recommender.practice.fields import Side
from recommender.practice.rules import fee_rules, functions, minimal_changes, time_rules
from recommender.practice.rules.minimal_changes import FindChange
from recommender.practice.rules.rule_input import Array, RuleInput

LEVELLED = frozenset({"category", "ordinal"})
SIZED = frozenset({"number", "scale", "money", "ordinal", "date"})
TAGS = frozenset({"tags"})
CATEGORY = frozenset({"category"})
FLAG = frozenset({"flag"})
NUMBER = frozenset({"number", "scale"})
PLACE = frozenset({"place"})
HOURS = frozenset({"weekly_hours"})
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


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule.

    Attributes
    ----------
    name, meaning
        As declared, and as explained to authors of a definition.
    client, clinician
        Kinds accepted at each position of each side.
    judge
        Returns the verdict on every clinician of a roster: 1 pass, 0 fail, NaN unknown.
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
    units
        Unit required at each position of the client's side, or None.
    needs, allows
        Settings that must, and may, be declared.
    ease
        Returns the smallest changes of the wish that would meet the rule; None if there are none.
    """

    name: str
    meaning: str
    client: Kinds
    clinician: Kinds
    judge: Callable[[RuleInput], Array]
    optional: frozenset[str] = frozenset()
    constant: str | None = None
    compares: bool = False
    ordered: bool = False
    wish: int | None = 0
    units: tuple[str | None, ...] = ()
    needs: frozenset[str] = frozenset()
    allows: frozenset[str] = frozenset()
    ease: FindChange | None = None


def _levels(
    name: str,
    meaning: str,
    client: frozenset[str],
    clinician: frozenset[str],
    judge: Callable[[RuleInput], Array],
    constant: str,
    ease: FindChange | None = None,
) -> Rule:
    """A rule that compares levels by name."""
    return Rule(
        name,
        meaning,
        (client,),
        (clinician,),
        judge,
        constant=constant,
        compares=True,
        allows=frozenset({"indifferent"}),
        ease=ease,
    )


def _flagged(
    name: str, meaning: str, clinician: Kinds, judge: Callable[[RuleInput], Array]
) -> Rule:
    """A rule about the clinician alone."""
    return Rule(name, meaning, (), clinician, judge, wish=None)


def _sizes(
    name: str, meaning: str, clinician: Kinds, judge: Callable[[RuleInput], Array], ease: FindChange
) -> Rule:
    """A rule that compares sizes; bounds are inclusive."""
    return Rule(
        name,
        meaning,
        (SIZED,),
        clinician,
        judge,
        constant="same" if len(clinician) == 1 else None,
        compares=True,
        ordered=True,
        allows=frozenset({"indifferent"}),
        ease=ease,
    )


_BY_LEVEL = (
    _levels(
        "has_all",
        "the clinician has every tag the client named",
        TAGS,
        TAGS,
        functions.has_all,
        "tags",
        minimal_changes.without_what_they_lack,
    ),
    _levels(
        "has_any",
        "the clinician has at least one of the tags the client named",
        TAGS,
        TAGS,
        functions.has_any,
        "tags",
        minimal_changes.one_more_level,
    ),
    _levels(
        "has_none",
        "the clinician has none of the tags the client named",
        TAGS,
        TAGS,
        functions.has_none,
        "tags",
        minimal_changes.despite_what_they_have,
    ),
    _levels(
        "member",
        "the client's level is among the clinician's tags",
        LEVELLED,
        TAGS,
        functions.member,
        "category",
    ),
    _levels(
        "one_of",
        "the clinician's level is the one, or among those, the client named",
        LEVELLED | TAGS,
        LEVELLED,
        functions.one_of,
        "tags",
        minimal_changes.one_more_level,
    ),
    _levels(
        "equal",
        "both are the same",
        LEVELLED | NUMBER | FLAG,
        LEVELLED | NUMBER | FLAG,
        functions.equal,
        "same",
    ),
)

_BY_SIZE = (
    _sizes(
        "at_most",
        "the clinician's value is at most the client's",
        (SIZED,),
        functions.at_most,
        minimal_changes.up_to_theirs,
    ),
    _sizes(
        "at_least",
        "the clinician's value is at least the client's",
        (SIZED,),
        functions.at_least,
        minimal_changes.down_to_theirs,
    ),
    _sizes(
        "within",
        "the client's value is between the clinician's two",
        (SIZED, SIZED),
        functions.within,
        minimal_changes.into_their_range,
    ),
)

_OF_ONE_SIDE = (
    _flagged("is_true", "the clinician's flag is true", (FLAG,), functions.is_true),
    _flagged(
        "below",
        "the first of the clinician's two numbers is below the second",
        (NUMBER, NUMBER),
        functions.below,
    ),
    Rule("client_true", "the client's own flag is true", (FLAG,), (), functions.client_true),
    Rule(
        "client_at_least",
        "the client's own number is at least `least`",
        (NUMBER,),
        (),
        functions.client_at_least,
        needs=frozenset({"least"}),
    ),
)

_BY_FLAG = (
    Rule(
        "if_asked",
        "the clinician's flag is true where the client's is",
        (FLAG,),
        (FLAG,),
        functions.if_asked,
        ease=minimal_changes.not_asked_for,
    ),
)

_BY_PLACE_AND_TIME = (
    Rule(
        "within_km",
        "the clinician's nearest place is within the client's kilometres, times `detour`",
        (PLACE, NUMBER),
        (PLACE,),
        functions.within_km,
        ease=minimal_changes.further,
        wish=1,
        units=(None, "km"),
        allows=frozenset({"detour"}),
    ),
    Rule(
        "shares_hours",
        "some time of the week that suits both is long enough for one session",
        (HOURS,),
        (HOURS,),
        time_rules.shares_hours,
        ease=minimal_changes.one_more_day,
        needs=frozenset({"session"}),
        allows=_WHERE,
    ),
    Rule(
        "after_hours",
        "a session fits from `evening`, until `morning` or at a weekend, where the client asks",
        (FLAG,),
        (HOURS,),
        time_rules.after_hours,
        ease=minimal_changes.not_asked_for,
        needs=frozenset({"session"}),
        allows=_WHERE | {"evening", "morning"},
    ),
    Rule(
        "available_within",
        "the clinician's date is no later than the day asked plus the days the client can wait",
        (NUMBER,),
        (DATE,),
        time_rules.available_within,
        ease=minimal_changes.longer,
        units=("days",),
    ),
    Rule(
        "valid_on",
        "the clinician's date is not before the client's start date, or else the day asked",
        (DATE,),
        (DATE,),
        time_rules.valid_on,
        optional=frozenset({"client"}),
        wish=None,
    ),
    Rule(
        "valid_between",
        "the client's start date, or else the day asked, is between the clinician's two dates",
        (DATE,),
        (DATE, DATE),
        time_rules.valid_between,
        optional=frozenset({"client"}),
        wish=None,
    ),
)

_BY_MONEY_AND_NAME = (
    Rule(
        "gap_at_most",
        "the clinician's fee less the rebate of the client's funding is at most the client's gap",
        (MONEY,),
        (MONEY,),
        fee_rules.gap_at_most,
        ease=minimal_changes.dearer,
        constant="same",
        needs=frozenset({"funding", "registration"}),
        allows=_PRICE,
    ),
    Rule(
        "enough_sessions",
        "rebates left, budget and the clinician's limit allow the sessions the client wants",
        (NUMBER,),
        (MONEY, NUMBER),
        fee_rules.enough_sessions,
        ease=minimal_changes.fewer_sessions,
        needs=frozenset({"funding", "registration"}),
        allows=_PRICE | {"budget"},
    ),
    Rule(
        "funded",
        "the client's scheme has a rate in force for the clinician's registration",
        (CATEGORY,),
        (CATEGORY,),
        fee_rules.funded,
    ),
    Rule(
        "not_listed",
        "neither the client's list names the clinician nor the clinician's list the client",
        (IDS,),
        (IDS,),
        functions.not_listed,
        optional=frozenset({"client", "clinician"}),
        wish=None,
    ),
    Rule(
        "listed",
        "the client's list names the clinician",
        (IDS,),
        (),
        functions.listed,
        wish=None,
    ),
)

RULES: Mapping[str, Rule] = {
    rule.name: rule
    for rule in (
        *_BY_LEVEL,
        *_BY_SIZE,
        *_OF_ONE_SIDE,
        *_BY_FLAG,
        *_BY_PLACE_AND_TIME,
        *_BY_MONEY_AND_NAME,
    )
}
"""Every rule a constraint may name."""
