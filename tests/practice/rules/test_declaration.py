from dataclasses import replace
from typing import Any

import pytest

from recommender.practice.conditions import Condition
from recommender.practice.fields import Field
from recommender.practice.rules.declaration import (
    constraint_problems,
    funding_problems,
    read_constraint,
    ways_problems,
)
from tests.support.rule_examples import (
    FUNDED,
    GAP,
    SESSIONS,
    World,
    a_field,
    a_row,
    a_world,
    fields_of,
)


@pytest.mark.parametrize(
    ("rule", "client", "clinician", "problem"),
    [
        ("has_any", {"kind": "tags", "levels": ["a", "z"]}, "tags", "exist only for the client"),
        ("has_any", "category", "tags", "is of kind category"),
        ("equal", "flag", "number", "of kind number"),
        ("at_most", "money", "number", "of kind number"),
        ("at_most", "number", {"kind": "number", "unit": "weeks"}, "different units"),
        (
            "at_most",
            "ordinal",
            {"kind": "ordinal", "levels": ["high", "middle", "low"]},
            "order their levels differently",
        ),
        ("available_within", "number", "date", "is not in days"),
        ("has_any", {"kind": "tags", "use": "audit"}, "tags", "is for audit"),
        ("not_listed", {"kind": "ids", "refers_to": "clients"}, "ids", "x names clients"),
        ("not_listed", "ids", {"kind": "ids", "refers_to": "clinicians"}, "y names clinicians"),
    ],
)
def test_fields_that_do_not_fit_their_rule_are_faults(
    rule: str, client: Any, clinician: Any, problem: str
) -> None:
    ours, theirs = fields_of("client", x=client), fields_of("clinician", y=clinician)
    told = {"rule": rule, "client": "x", "clinician": "y", "family": "wish", "say": "no"}
    _, faults = read_constraint("it", told, ours, theirs)
    assert any(problem in fault.problem for fault in faults)


@pytest.mark.parametrize(
    "setting",
    [
        {"session": 0},
        {"session": "home"},
        {"session": "weeks"},
        {"usual_minutes": "fifty"},
        {},
    ],
)
def test_a_session_that_is_no_length_is_a_fault(setting: dict[str, Any]) -> None:
    ours = fields_of(
        "client", x="weekly_hours", home="place", weeks={"kind": "number", "unit": "weeks"}
    )
    told = {"rule": "shares_hours", "client": "x", "clinician": "y", "family": "time", "say": "no"}
    theirs = fields_of("clinician", y="weekly_hours")
    _, faults = read_constraint("it", {**told, **setting}, ours, theirs)
    assert {f.where for f in faults} <= {"constraints.it.session", "constraints.it.usual_minutes"}
    assert faults


def test_a_constant_that_cannot_be_read_is_a_fault() -> None:
    theirs = fields_of("clinician", y="category")
    told = {"clinician": "y", "family": "wish", "say": "no"}
    for rule, value in (("equal", "z"), ("one_of", "a;z")):
        _, faults = read_constraint("it", {**told, "rule": rule, "value": value}, {}, theirs)
        assert [fault.where for fault in faults] == ["constraints.it.value"]
        assert "z" not in faults[0].problem.split()


def test_bounds_of_different_levels_are_a_fault() -> None:
    theirs = fields_of(
        "clinician",
        low="ordinal",
        high={"kind": "ordinal", "levels": ["low", "middle", "high", "top"]},
    )
    ours = fields_of("client", x="ordinal")
    told = {"rule": "within", "client": "x", "clinician": ["low", "high"]}
    _, faults = read_constraint("it", {**told, "family": "wish", "say": "no"}, ours, theirs)
    assert ["different levels" in fault.problem for fault in faults] == [True]


def test_a_constraint_built_by_hand_is_checked_like_one_declared() -> None:
    sound = a_world("at_most", "number", "number")
    assert constraint_problems(sound.constraint, sound.client, sound.clinician) == []
    wrong = replace(sound.constraint, rule="roughly")
    assert [f.where for f in constraint_problems(wrong, sound.client, sound.clinician)] == [
        "constraints.it.rule"
    ]
    odd = replace(sound.constraint, settings={"detour": 2}, when=Condition("x"))
    assert len(constraint_problems(odd, sound.client, sound.clinician)) == 2


def test_a_constraint_without_any_field_is_a_fault() -> None:
    told = {"rule": "not_listed", "family": "conflict", "say": "no"}
    _, faults = read_constraint("it", told, {}, {})
    assert [fault.problem for fault in faults] == ["names no field"]


def test_a_flag_condition_takes_no_level() -> None:
    told = {"rule": "is_true", "clinician": "y", "family": "wish", "say": "no"}
    ours, theirs = fields_of("client", w="flag"), fields_of("clinician", y="flag")
    when = {"when": {"client": "w", "has": "a"}}
    _, faults = read_constraint("it", {**told, **when}, ours, theirs)
    assert [fault.problem for fault in faults] == ["compares a flag with a level"]


def test_a_misspelt_scheme_is_a_fault_rather_than_no_rebate() -> None:
    rows = (a_row(), a_row(scheme="medicarre"), a_row(provider="clinicall"))
    faults = funding_problems(GAP.constraint, rows, GAP.client, GAP.clinician)
    assert [fault.where for fault in faults] == ["funding.scheme", "funding.provider"]
    other = a_world("at_most", "number", "number")
    assert funding_problems(other.constraint, rows, other.client, other.clinician) == []


@pytest.mark.parametrize("world", [FUNDED, SESSIONS])
def test_every_rule_that_reads_funding_rows_finds_a_misspelt_scheme(world: World) -> None:
    faults = funding_problems(
        world.constraint, (a_row(scheme="medicarre"),), world.client, world.clinician
    )
    assert [fault.where for fault in faults] == ["funding.scheme"]


def test_a_constant_cannot_stand_for_a_list_of_times() -> None:
    theirs = fields_of("clinician", y="weekly_hours")
    told = {"rule": "shares_hours", "clinician": "y", "value": "x", "session": 50}
    _, faults = read_constraint("it", {**told, "family": "time", "say": "no"}, {}, theirs)
    assert [fault.where for fault in faults] == ["constraints.it.value"]


def test_a_condition_on_an_undeclared_level_is_a_fault() -> None:
    ours, theirs = fields_of("client", w="tags", z="number"), fields_of("clinician", y="flag")
    told = {"rule": "is_true", "clinician": "y", "family": "wish", "say": "no"}
    for when in ({"client": "w", "has": "q"}, {"client": "z"}, {"client": "w"}):
        _, faults = read_constraint("it", {**told, "when": when}, ours, theirs)
        assert [fault.where for fault in faults] == ["constraints.it.when"]


def test_a_family_must_be_named() -> None:
    theirs = fields_of("clinician", y="flag")
    _, faults = read_constraint(
        "it", {"rule": "is_true", "clinician": "y", "say": "no"}, {}, theirs
    )
    assert [fault.where for fault in faults] == ["constraints.it.family"]


OURS = fields_of(
    "client",
    zone={"kind": "category", "levels": ["Australia/Sydney", "Australia/Perth"]},
    town={"kind": "category", "levels": ["Australia/Sydney", "Australia/Woop_Woop"]},
    hours="weekly_hours",
    number="number",
    flag="flag",
    tags="tags",
    category="category",
    gap="money",
    secret={"kind": "flag", "use": "audit"},
)
THEIRS = fields_of(
    "clinician",
    zone={"kind": "category", "levels": ["Australia/Sydney"]},
    town={"kind": "category", "levels": ["Australia"]},
    hours="weekly_hours",
    number="number",
    other="number",
    flag="flag",
    fee="money",
    type="category",
)
SOUND: dict[str, dict[str, Any]] = {
    "shares_hours": {"client": "hours", "clinician": "hours", "session": 50},
    "after_hours": {"client": "flag", "clinician": "hours", "session": 50},
    "gap_at_most": {
        "client": "gap",
        "clinician": "fee",
        "funding": "category",
        "registration": "type",
    },
    "enough_sessions": {
        "client": "number",
        "clinician": ["fee", "number"],
        "funding": "category",
        "registration": "type",
    },
    "client_at_least": {"client": "number", "least": 1},
    "client_true": {"client": "flag"},
    "is_true": {"clinician": "flag"},
    "below": {"clinician": ["number", "other"]},
}


def places_of(rule: str, **settings: Any) -> list[str]:
    """Where a sound constraint is at fault once some of its settings are changed."""
    told = {"rule": rule, "family": "wish", "say": "no", **SOUND[rule], **settings}
    _, faults = read_constraint("it", told, OURS, THEIRS)
    assert all(fault.remedy for fault in faults)
    return [fault.where.removeprefix("constraints.it").removeprefix(".") for fault in faults]


@pytest.mark.parametrize("rule", SOUND)
def test_what_the_misfits_below_are_made_of_is_sound(rule: str) -> None:
    assert places_of(rule) == []


@pytest.mark.parametrize("rule", ["shares_hours", "after_hours"])
def test_both_sides_may_name_their_zone(rule: str) -> None:
    assert places_of(rule, client_zone="zone", clinician_zone="zone") == []


@pytest.mark.parametrize("rule", ["gap_at_most", "enough_sessions"])
def test_a_price_may_name_everything_it_depends_on(rule: str) -> None:
    settings = {"left": "number", "concession": "flag", "concession_fee": "fee"}
    assert places_of(rule, **settings, bulk_bills="flag", session=30, usual_minutes=50) == []


@pytest.mark.parametrize(
    ("rule", "setting", "told"),
    [
        ("shares_hours", "client_zone", "hours"),
        ("shares_hours", "client_zone", "nowhere"),
        ("shares_hours", "client_zone", 3),
        ("shares_hours", "clinician_zone", "fee"),
        ("shares_hours", "evening", "17:00"),
        ("after_hours", "evening", "5 pm"),
        ("after_hours", "evening", 17),
        ("after_hours", "morning", "24:00"),
        ("after_hours", "morning", "9:00"),
        ("gap_at_most", "left", "flag"),
        ("gap_at_most", "budget", "gap"),
        ("gap_at_most", "concession", "number"),
        ("gap_at_most", "concession_fee", "number"),
        ("gap_at_most", "bulk_bills", "fee"),
        ("gap_at_most", "concession", "secret"),
        ("enough_sessions", "budget", "number"),
        ("enough_sessions", "left", "gone"),
        ("client_at_least", "least", "one"),
        ("client_at_least", "least", -1),
        ("client_at_least", "least", True),
        ("client_true", "least", 1),
    ],
)
def test_a_setting_that_does_not_fit_is_a_fault(rule: str, setting: str, told: Any) -> None:
    assert places_of(rule, **{setting: told}) == [setting]


@pytest.mark.parametrize("side", ["client", "clinician"])
def test_a_level_that_is_no_zone_is_a_fault(side: str) -> None:
    assert places_of("shares_hours", **{f"{side}_zone": "town"}) == [f"{side}_zone"]


def test_the_smallest_number_must_be_given() -> None:
    told = {"rule": "client_at_least", "client": "number", "family": "wish", "say": "no"}
    _, faults = read_constraint("it", told, OURS, THEIRS)
    assert [fault.where for fault in faults] == ["constraints.it.least"]


@pytest.mark.parametrize("rule", ["client_true", "client_at_least"])
def test_what_the_client_alone_decides_takes_no_field_of_the_clinician(rule: str) -> None:
    assert places_of(rule, clinician="flag") == ["clinician"]


def test_one_number_is_not_below_nothing() -> None:
    assert places_of("below", clinician=["number"]) == ["clinician"]


def test_a_constant_gap_beside_the_clients_is_a_fault() -> None:
    assert places_of("gap_at_most", value=80) == ["value"]


def test_a_constant_gap_must_be_an_amount() -> None:
    assert places_of("gap_at_most", client=[], value="eighty") == ["value"]


def test_a_scheme_cannot_be_a_constant() -> None:
    told = {"rule": "funded", "clinician": "type", "value": "a", "family": "wish", "say": "no"}
    _, faults = read_constraint("it", told, OURS, THEIRS)
    assert [fault.where for fault in faults] == ["constraints.it.value"]


@pytest.mark.parametrize("key", ["when", "unless"])
@pytest.mark.parametrize(
    "condition",
    [
        {"client": "nowhere"},
        {"client": "secret"},
        {"client": "gap", "below": 18},
        {"client": "flag", "below": 1},
        {"client": "number"},
        {"client": "number", "has": "18"},
        {"client": "category", "has": "z"},
        {"client": "category"},
        {"client": "flag", "has": False},
        {"client": "hours", "has": "mon"},
    ],
)
def test_a_condition_that_does_not_fit_its_field_is_a_fault(
    key: str, condition: dict[str, Any]
) -> None:
    assert places_of("is_true", **{key: condition}) == [key]


@pytest.mark.parametrize("key", ["when", "unless"])
@pytest.mark.parametrize(
    "condition",
    [
        {"client": "number", "below": 18},
        {"client": "category", "has": "a"},
        {"client": "tags", "has": "b"},
        {"client": "flag"},
    ],
)
def test_a_condition_may_ask_a_level_a_flag_or_a_number(
    key: str, condition: dict[str, Any]
) -> None:
    assert places_of("is_true", **{key: condition}) == []


@pytest.mark.parametrize(
    ("client", "clinician"),
    [("tags", "flag"), ("flag", "fee"), ("nobody", "flag"), ("flag", "nobody"), ("secret", "flag")],
)
def test_another_way_takes_a_flag_of_each_side(client: str, clinician: str) -> None:
    assert places_of("is_true", instead={"client": client, "clinician": clinician}) == ["instead"]


def test_a_flag_of_each_side_is_another_way() -> None:
    assert places_of("is_true", instead={"client": "flag", "clinician": "flag"}) == []


WAYS = a_field("ways", "tags", levels=["in_person", "video"])


@pytest.mark.parametrize(
    ("named", "wanted", "problem"),
    [
        (["video"], WAYS, None),
        ([], None, None),
        (["video"], None, "is given without [ways]"),
        (["video", "letter"], WAYS, "has no way called letter"),
    ],
)
def test_a_constraint_is_about_ways_a_client_can_choose(
    named: list[str], wanted: Field | None, problem: str | None
) -> None:
    constraint = a_world("is_true", None, "flag", ways=named).constraint
    faults = ways_problems(constraint, wanted)
    assert [fault.problem for fault in faults] == ([] if problem is None else [problem])


@pytest.mark.parametrize("relaxable", [True, "ask"])
def test_what_no_answer_could_lift_is_not_relaxable(relaxable: bool | str) -> None:
    told = {"rule": "is_true", "clinician": "y", "family": "wish", "say": "no"}
    flag, theirs = fields_of("client", x="flag"), fields_of("clinician", y="flag")
    _, faults = read_constraint("it", {**told, "relaxable": relaxable}, flag, theirs)
    assert [fault.where for fault in faults] == ["constraints.it.relaxable"]
    spared = {**told, "relaxable": relaxable, "unless": {"client": "x", "has": True}}
    _, faults = read_constraint("it", spared, flag, theirs)
    assert faults == []


def test_unknown_never_counts_as_passed_in_a_protected_family() -> None:
    told = {"rule": "is_true", "clinician": "y", "say": "no", "unknown": "met"}
    theirs = fields_of("clinician", y="flag")
    _, faults = read_constraint("it", {**told, "family": "safety"}, {}, theirs)
    assert [fault.where for fault in faults] == ["constraints.it.unknown"]
    assert read_constraint("it", {**told, "family": "capacity"}, {}, theirs)[1] == []
