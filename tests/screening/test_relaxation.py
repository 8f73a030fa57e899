"""The smallest changes that admit somebody, over whole generated practices and by example."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given

from recommender.practice.rules.catalogue import RULES
from recommender.practice.rules.constraint import NEVER_RELAXED, client_fields
from recommender.screening.changes import Change, ScreenedRequest
from recommender.screening.relaxation import admitted, changed, max_changes, relaxations
from recommender.screening.screen import request_context_of, screen
from recommender.screening.screening import Screening
from tests.support.screening_cases import (
    CASES,
    FEW,
    Case,
    a_client,
    a_constraint,
    a_roster,
    a_rule,
)


def open_to_change(case: Case) -> Case:
    """Every constraint that may be relaxed at all is."""
    lifted = [
        c if c.family in NEVER_RELAXED else replace(c, relaxable="yes") for c in case.constraints
    ]
    return replace(case, constraints=lifted)


def asked_of(case: Case) -> ScreenedRequest:
    practice, roster = case.practice, a_roster(**case.clinicians)
    asking = request_context_of(practice, case.client_id, roster.ids, case.day)
    client = a_client(**case.client)
    return ScreenedRequest(practice, client, asking, roster.columns, case.screen())


def screened_with(case: Case, asked: ScreenedRequest, changes: tuple[Change, ...]) -> Screening:
    practice, roster = case.practice, a_roster(**case.clinicians)
    client = changed(asked, changes)
    return screen(practice, client, case.client_id, roster, case.day, case.modes)


@FEW
@given(CASES)
def test_whom_changes_admit_is_whom_a_whole_screening_admits(case: Case) -> None:
    case = open_to_change(case)
    asked = asked_of(case)
    for each in relaxations(asked, 3):
        whole = screened_with(case, asked, each.changes)
        expected = np.flatnonzero(whole.eligible & ~asked.screening.eligible)
        np.testing.assert_array_equal(admitted(asked, each), expected)


@FEW
@given(CASES)
def test_whoever_one_constraint_alone_keeps_out_is_admitted_by_the_change_found(case: Case) -> None:
    case = open_to_change(case)
    asked = asked_of(case)
    barred = asked.screening.excluding > 0
    alone = np.flatnonzero(barred.sum(axis=0) == 1)
    for each in relaxations(asked, 1):
        (change,) = each.changes
        own = [
            p for p in each.admits.tolist() if p in alone and _bars(asked, p) == change.constraint
        ]
        constraint = asked.practice.constraints[change.constraint]
        if constraint.when is None and constraint.unless is None and not _shared(asked, change):
            assert set(own) <= set(admitted(asked, each).tolist())


def _bars(asked: ScreenedRequest, place: int) -> str:
    row = int(np.flatnonzero(asked.screening.excluding[:, place] > 0)[0])
    return asked.screening.constraints[row].name


def _shared(asked: ScreenedRequest, change: Change) -> bool:
    """Whether another constraint reads the changed answer too, and may bar in its turn."""
    reading = [
        c.name
        for c in asked.screening.constraints
        if change.field in client_fields(c, asked.context.first_session)
    ]
    return len(reading) > 1


@FEW
@given(CASES)
def test_what_protects_somebody_is_never_changed(case: Case) -> None:
    asked = asked_of(open_to_change(case))
    for each in relaxations(asked, 3):
        families = {asked.practice.constraints[c.constraint].family for c in each.changes}
        assert families.isdisjoint(NEVER_RELAXED)


@FEW
@given(CASES)
def test_no_answer_is_changed_twice_and_nobody_eligible_is_admitted(case: Case) -> None:
    asked = asked_of(open_to_change(case))
    eligible = set(np.flatnonzero(asked.screening.eligible).tolist())
    for each in relaxations(asked, 3):
        assert len(each.fields) == len(each.changes) <= 3
        assert eligible.isdisjoint(each.admits.tolist())


def a_case(
    told: dict[str, Any], client: dict[str, Any], **clinicians: dict[str, Any]
) -> ScreenedRequest:
    constraint = a_constraint("it", {**told, "relaxable": True})
    return asked_of(Case([constraint], client, "c1", clinicians))


def answers(asked: ScreenedRequest) -> dict[Any, list[str]]:
    ids = asked.context.clinician_ids
    return {
        each.changes[0].answer: [ids[place] for place in each.admits] for each in relaxations(asked)
    }


Example = tuple[dict[str, Any], dict[str, Any], dict[str, Any], dict[Any, list[str]]]
EASED: dict[str, Example] = {
    "at_most": (
        a_rule("at_most", "size", "low"),
        {"size": 2},
        {"k1": {"low": 2}, "k2": {"low": 3.2}, "k3": {"low": 5}},
        {4.0: ["k2"], 5.0: ["k3"]},
    ),
    "at_least": (
        a_rule("at_least", "size", "high"),
        {"size": 5},
        {"k1": {"high": 5}, "k2": {"high": 3.2}},
        {3.0: ["k2"]},
    ),
    "within": (
        a_rule("within", "size", ["low", "high"]),
        {"size": 5},
        {"k1": {"low": 6, "high": 9}, "k2": {"low": 1, "high": 3}},
        {6.0: ["k1"], 3.0: ["k2"]},
    ),
    "available_within": (
        a_rule("available_within", "days", "until"),
        {"days": 1},
        {"k1": {"until": "2026-11-30"}},
        {7.0: ["k1"]},
    ),
    # A tenth of a degree of latitude is 11.12 km, by road 14.46: fifteen whole kilometres.
    "within_km": (
        a_rule("within_km", ["home", "km"], "rooms", detour=1.3),
        {"home": "-33.8,151.2", "km": 10},
        {"k1": {"rooms": "-33.7,151.2"}},
        {15.0: ["k1"]},
    ),
    "has_any": (
        a_rule("has_any", "tags", "tags"),
        {"tags": "a"},
        {"k1": {"tags": "b"}, "k2": {"tags": "c;b"}, "k3": {"tags": "c"}},
        {("a", "b"): ["k1", "k2"], ("a", "c"): ["k3"]},
    ),
    "has_all": (
        a_rule("has_all", "tags", "tags"),
        {"tags": "a;b"},
        {"k1": {"tags": "a"}, "k2": {"tags": "none"}},
        {("a",): ["k1"], (): ["k2"]},
    ),
    "has_none": (
        a_rule("has_none", "tags", "tags"),
        {"tags": "a;b"},
        {"k1": {"tags": "a"}},
        {("b",): ["k1"]},
    ),
    "one_of": (
        a_rule("one_of", "tags", "level"),
        {"tags": "a"},
        {"k1": {"level": "b"}},
        {("a", "b"): ["k1"]},
    ),
    "if_asked": (
        a_rule("if_asked", "flag", "flag"),
        {"flag": True},
        {"k1": {"flag": False}},
        {False: ["k1"]},
    ),
    "after_hours": (
        a_rule("after_hours", "flag", "hours", session=30),
        {"flag": True},
        {"k1": {"hours": "mon 10:00-12:00"}},
        {False: ["k1"]},
    ),
    "shares_hours": (
        a_rule("shares_hours", "hours", "hours", session=60),
        {"hours": "tue 09:00-12:00"},
        {"k1": {"hours": "sat 09:00-10:00"}, "k2": {"hours": "sat 09:00-09:30"}},
        {("tue 09:00-12:00", "sat 00:00-24:00"): ["k1"]},
    ),
    # 249.05 - 149.05 = 100.00; 200.00 - 149.05 = 50.95, said as 51.
    "gap_at_most": (
        a_rule("gap_at_most", "gap", "fee", funding="scheme", registration="type"),
        {"gap": "10", "scheme": "medicare"},
        {
            "k1": {"fee": "249.05", "type": "clinical"},
            "k2": {"fee": "200", "type": "clinical"},
        },
        {100.0: ["k1"], 51.0: ["k2"]},
    ),
    "enough_sessions": (
        a_rule("enough_sessions", "size", ["fee", "high"], funding="scheme", registration="type"),
        {"size": 6, "scheme": "private"},
        {"k1": {"fee": "100", "high": 4, "type": "clinical"}},
        {4.0: ["k1"]},
    ),
}


@pytest.mark.parametrize("rule", EASED)
def test_the_smallest_answer_that_is_enough_is_found(rule: str) -> None:
    told, client, clinicians, expected = EASED[rule]
    assert answers(a_case(told, client, **clinicians)) == expected


def test_every_rule_that_can_be_eased_has_a_worked_example() -> None:
    assert set(EASED) == {name for name, rule in RULES.items() if rule.ease is not None}


def test_a_silent_clinician_is_admitted_only_once_nothing_is_required() -> None:
    told = a_rule("has_all", "tags", "tags", unknown="fail")
    asked = a_case(told, {"tags": "a;b"}, k1={"tags": None})
    (found,) = relaxations(asked)
    assert found.changes[0].answer == ()
    assert admitted(asked, found).tolist() == [0]


def test_a_waiting_list_is_offered_where_it_would_lift_the_constraint() -> None:
    told = a_rule(
        "at_least", None, "high", value=3, unless={"client": "flag", "has": True}, family="capacity"
    )
    asked = a_case(told, {}, k1={"high": 1})
    (found,) = relaxations(asked)
    assert found.changes == (Change("it", "flag", True),)
    assert admitted(asked, found).tolist() == [0]


def test_while_somebody_fits_no_more_than_two_answers_change_at_once() -> None:
    constraint = a_constraint("it", a_rule("at_most", "size", "low", relaxable=True))
    case = Case([constraint], {"size": 2}, "c1", {"k1": {"low": 1}, "k2": {"low": 9}})
    assert max_changes(case.screen()) == 2
    assert max_changes(replace(case, clinicians={"k2": {"low": 9}}).screen()) == 1
