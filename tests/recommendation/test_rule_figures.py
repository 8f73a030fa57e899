"""Every rule says with figures why it excludes somebody, or needs none."""

from typing import Any

import pytest

from recommender.practice.definition import shipped_practice
from recommender.practice.rules.catalogue import RULES
from recommender.recommendation.rule_figures import FIGURES, reason_text
from tests.support.rule_examples import FUNDED, GAP, SESSIONS, Cells, World, a_world, fields_of

DAYS = {"kind": "number", "unit": "days"}
NEAR = World(
    {"rule": "within_km", "client": ["home", "most"], "clinician": "rooms", "detour": 1.3},
    fields_of("client", home="place", most={"kind": "number", "unit": "km"}),
    fields_of("clinician", rooms="place"),
)
WITHIN = World(
    {"rule": "within", "client": "x", "clinician": ["low", "high"]},
    fields_of("client", x="number"),
    fields_of("clinician", low="number", high="number"),
)
BELOW = World(
    {"rule": "below", "clinician": ["has", "most"]},
    {},
    fields_of("clinician", has="number", most="number"),
)
LEAST = World(
    {"rule": "client_at_least", "client": "x", "least": 1}, fields_of("client", x="number"), {}
)
BETWEEN = World(
    {"rule": "valid_between", "clinician": ["since", "until"]},
    fields_of("client", start="date"),
    fields_of("clinician", since="date", until="date"),
)
MEDICARE = {"scheme": "medicare"}
CLINICAL = {"fee": "249.06", "type": "clinical"}

EXAMPLES: dict[str, tuple[World, Cells, Cells, str]] = {
    "has_all": (a_world("has_all", "tags", "tags"), {"x": "a;b"}, {"y": "a;c"}, "lacks b"),
    "has_any": (
        a_world("has_any", "tags", "tags"),
        {"x": "a;b"},
        {"y": "c"},
        "has c; the client asked for a and b",
    ),
    "has_none": (a_world("has_none", "tags", "tags"), {"x": "a;b"}, {"y": "b;c"}, "b"),
    "member": (
        a_world("member", "category", "tags"),
        {"x": "b"},
        {"y": "none"},
        "has none; the client asked for b",
    ),
    "one_of": (
        a_world("one_of", "tags", "category"),
        {"x": "a;b"},
        {"y": "c"},
        "has c; the client asked for a and b",
    ),
    "equal": (
        a_world("equal", "flag", "flag"),
        {"x": True},
        {"y": False},
        "no; the client asked for yes",
    ),
    "at_most": (a_world("at_most", "money", "money"), {"x": 220}, {"y": 245}, "$245, limit $220"),
    "at_least": (
        a_world("at_least", "ordinal", "ordinal"),
        {"x": "high"},
        {"y": "middle"},
        "middle, at least high",
    ),
    "within": (
        WITHIN,
        {"x": 15},
        {"low": 18, "high": 65},
        "18 to 65 years; the client asked for 15 years",
    ),
    "below": (BELOW, {}, {"has": 32, "most": 32}, "32 of 32"),
    "client_at_least": (LEAST, {"x": 0}, {}, "0 years, at least 1 year"),
    # 0.11 degrees of latitude are 12.23 km, by road 15.9.
    "within_km": (
        NEAR,
        {"home": "-33.8,151.2", "most": 15},
        {"rooms": "-33.69,151.2"},
        "16 km, limit 15 km",
    ),
    "shares_hours": (
        a_world("shares_hours", "weekly_hours", "weekly_hours", session=60),
        {"x": "thu 17:00-20:00"},
        {"y": "mon 09:00-12:00; wed 13:30-17:00"},
        "works Mondays 9 am to noon and Wednesdays 1:30 pm to 5 pm; "
        "the client can come Thursdays 5 pm to 8 pm",
    ),
    "after_hours": (
        a_world("after_hours", "flag", "weekly_hours", session=60),
        {"x": True},
        {"y": "fri 09:00-17:00"},
        "works Fridays 9 am to 5 pm",
    ),
    "available_within": (
        a_world("available_within", DAYS, "date"),
        {"x": 7},
        {"y": "2026-12-01"},
        "8 days (1 December 2026), limit 7 days",
    ),
    "valid_on": (
        a_world("valid_on", None, "date"),
        {},
        {"y": "2026-11-22"},
        "until 22 November 2026; the first session would be 23 November 2026",
    ),
    "valid_between": (
        BETWEEN,
        {},
        {"since": "2020-01-01", "until": "2026-11-01"},
        "1 January 2020 to 1 November 2026; the first session would be 23 November 2026",
    ),
    "gap_at_most": (
        GAP,
        {"gap": "60", "length": 50, **MEDICARE},
        CLINICAL,
        "$100.01, limit $60",
    ),
    "enough_sessions": (
        SESSIONS,
        {"n": 6, "budget": 200, **MEDICARE},
        {"most": 20, **CLINICAL},
        "1; the client asked for 6",
    ),
    "funded": (FUNDED, MEDICARE, {"type": "provisional"}, "provisional"),
}


def text_of(world: World, client: Cells, clinician: Cells, **declared: Any) -> str:
    constraint = world.but(**declared).constraint
    return reason_text(shipped_practice(), constraint, *world.encoded(client, clinician), 0)


def test_every_rule_has_figures_or_is_declared_to_need_none() -> None:
    assert set(FIGURES) == set(RULES)
    assert {name for name, rule in FIGURES.items() if rule is not None} == set(EXAMPLES)


@pytest.mark.parametrize("rule", EXAMPLES)
def test_a_reason_has_the_figures_of_both_sides(rule: str) -> None:
    world, client, clinician, words = EXAMPLES[rule]
    assert world.judge(client, clinician) == [0.0]
    assert text_of(world, client, clinician) == f"does not fit: {words}"


@pytest.mark.parametrize("rule", [name for name in EXAMPLES if name != "client_at_least"])
def test_what_is_not_recorded_of_a_clinician_has_no_figures(rule: str) -> None:
    world, client, _, _ = EXAMPLES[rule]
    assert text_of(world, client, {}) == "does not fit"


def test_a_definition_may_say_the_figures_in_its_own_words() -> None:
    world, client, clinician, _ = EXAMPLES["at_most"]
    words = "charges {theirs}, limit {asked}"
    assert text_of(world, client, clinician, figures=words) == "charges $245, limit $220"


def test_a_flag_or_a_list_needs_no_figures() -> None:
    world = a_world("is_true", None, "flag")
    assert text_of(world, {}, {"y": False}, figures="{theirs}") == "does not fit"


def test_a_distance_just_beyond_the_limit_is_not_rounded_to_the_limit() -> None:
    world, client, _, _ = EXAMPLES["within_km"]
    # 0.105 degrees of latitude are 11.68 km, by road 15.18.
    text = text_of(world, client, {"rooms": "-33.695,151.2"})
    assert text == "does not fit: 15.2 km, limit 15 km"


def test_what_the_definition_requires_of_everybody_is_said_by_its_own_words() -> None:
    world = a_world("at_least", None, "number", value=1)
    assert text_of(world, {}, {"y": 0}) == "does not fit"
    assert text_of(world, {}, {"y": 0}, figures="has {theirs}") == "has 0 years"
