from dataclasses import replace
from typing import Any

import pytest

from recommender.definition.rules import When, funding_problems, problems, read_constraint
from tests.definition.test_rules import GAP, a_row, a_world, fields_of


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
    assert problems(sound.constraint, sound.client, sound.clinician) == []
    wrong = replace(sound.constraint, rule="roughly")
    assert [f.where for f in problems(wrong, sound.client, sound.clinician)] == [
        "constraints.it.rule"
    ]
    odd = replace(sound.constraint, settings={"detour": 2}, when=When("x"))
    assert len(problems(odd, sound.client, sound.clinician)) == 2


def test_a_constraint_without_any_field_is_a_fault() -> None:
    told = {"rule": "not_listed", "family": "conflict", "say": "no"}
    _, faults = read_constraint("it", told, {}, {})
    assert [fault.problem for fault in faults] == ["names no field"]


def test_a_flag_condition_takes_no_level() -> None:
    told = {"rule": "is_true", "clinician": "y", "family": "wish", "say": "no"}
    ours, theirs = fields_of("client", w="flag"), fields_of("clinician", y="flag")
    when = {"when": {"client": "w", "has": "a"}}
    _, faults = read_constraint("it", {**told, **when}, ours, theirs)
    assert [fault.problem for fault in faults] == ["asks a flag for a level"]


def test_a_misspelt_scheme_is_a_fault_rather_than_no_rebate() -> None:
    rows = (a_row(), a_row(scheme="medicarre"), a_row(provider="clinicall"))
    faults = funding_problems(GAP.constraint, rows, GAP.client, GAP.clinician)
    assert [fault.where for fault in faults] == ["funding.scheme", "funding.provider"]
    other = a_world("at_most", "number", "number")
    assert funding_problems(other.constraint, rows, other.client, other.clinician) == []


def test_a_constant_cannot_stand_for_a_list_of_times() -> None:
    theirs = fields_of("clinician", y="weekly_hours")
    told = {"rule": "shares_hours", "clinician": "y", "value": "x", "session": 50}
    _, faults = read_constraint("it", {**told, "family": "time", "say": "no"}, {}, theirs)
    assert [fault.where for fault in faults] == ["constraints.it.value"]


def test_a_condition_on_a_level_nobody_declared_is_a_fault() -> None:
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
