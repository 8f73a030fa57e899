from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from random import Random
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recommender.constraints import Reason, Removal, Screening, screen
from recommender.definition.columns import Columns, read_cell, read_rows
from recommender.definition.fields import Field
from recommender.definition.rules import RULES, Constraint, read_constraint
from recommender.practice import Practice, read_practice
from recommender.roster import Roster, snapshot
from tests.definition.test_rules import DAY, a_row, fields_of
from tests.one_clinician import Meeting, verdict

BASE = read_practice("""
[practice]
id = "small"
version = "1"
title = "A small practice"
timezone = "Australia/Sydney"
currency = "AUD"
[alliance]
instruments = ["wai_sr"]
reference = "wai_sr"
metric = "mean"
rater = "client"
early_sessions = [2, 5]
within_days = 90
[groups]
style = "How you like to work together"
""")

CLIENT = fields_of(
    "client",
    tags="tags",
    level="category",
    step="ordinal",
    size="number",
    days={"kind": "number", "unit": "days"},
    km={"kind": "number", "unit": "km"},
    minutes={"kind": "number", "unit": "minutes"},
    flag="flag",
    home="place",
    hours="weekly_hours",
    start="date",
    gap="money",
    scheme={"kind": "category", "levels": ["private", "medicare"]},
    refused="ids",
)
CLINICIAN = fields_of(
    "clinician",
    tags={"kind": "tags", "levels": ["c", "a", "b"]},
    level={"kind": "category", "levels": ["b", "c", "a"]},
    step="ordinal",
    low="number",
    high="number",
    flag="flag",
    rooms="place",
    hours="weekly_hours",
    until="date",
    fee="money",
    type={"kind": "category", "levels": ["clinical", "provisional"]},
    blocked="ids",
)
FUNDING = (
    a_row(),
    a_row(minutes=30, rebate_cents=10000),
    a_row(provider="provisional", until=DAY - timedelta(days=1)),
)


def a_rule(rule: str, client: Any = None, clinician: Any = None, **declared: Any) -> dict[str, Any]:
    sides = {"client": client, "clinician": clinician}
    return {"rule": rule, **{k: v for k, v in sides.items() if v is not None}, **declared}


POOL: Sequence[Mapping[str, Any]] = (
    a_rule("has_all", "tags", "tags"),
    a_rule("has_any", "tags", "tags", indifferent=["a"]),
    a_rule("has_none", "tags", "tags"),
    a_rule("has_all", None, "tags", value="a;b"),
    a_rule("member", "level", "tags"),
    a_rule("one_of", "tags", "level"),
    a_rule("one_of", "level", "level"),
    a_rule("equal", "level", "level", indifferent=["a"]),
    a_rule("equal", "flag", "flag"),
    a_rule("at_most", "size", "low"),
    a_rule("at_most", "gap", "fee"),
    a_rule("at_least", None, "high", value=3),
    a_rule("at_least", "step", "step"),
    a_rule("within", "size", ["low", "high"]),
    a_rule("is_true", None, "flag"),
    a_rule("if_asked", "flag", "flag"),
    a_rule("within_km", ["home", "km"], "rooms", detour=1.3),
    a_rule("shares_hours", "hours", "hours", session="minutes"),
    a_rule("shares_hours", "hours", "hours", session="minutes", usual_minutes=60),
    a_rule("after_hours", "flag", "hours", session=30),
    a_rule("available_within", "days", "until"),
    a_rule("valid_on", "start", "until"),
    a_rule("valid_on", None, "until"),
    a_rule("gap_at_most", "gap", "fee", funding="scheme", registration="type", session="minutes"),
    a_rule("gap_at_most", "gap", "fee", funding="scheme", registration="type"),
    a_rule("not_listed", "refused", "blocked"),
    a_rule("not_listed", None, "blocked"),
)
WHENS = (
    None,
    {"client": "tags", "has": "a"},
    {"client": "level", "has": "b"},
    {"client": "flag", "has": True},
)


def a_constraint(name: str, declared: Mapping[str, Any]) -> Constraint:
    told = {"family": "wish", "say": "does not fit", **declared}
    made, faults = read_constraint(name, told, CLIENT, CLINICIAN)
    assert made, faults
    return made


def a_practice(*declared: Mapping[str, Any]) -> Practice:
    named = {f"rule_{place}": told for place, told in enumerate(declared)}
    return of_constraints([a_constraint(name, told) for name, told in named.items()])


def of_constraints(constraints: Sequence[Constraint]) -> Practice:
    named = {constraint.name: constraint for constraint in constraints}
    return replace(BASE, client=CLIENT, clinician=CLINICIAN, constraints=named, funding=FUNDING)


def a_roster(**clinicians: Mapping[str, Any]) -> Roster:
    rows = read_rows(CLINICIAN, list(clinicians.values()))
    names = [None] * len(clinicians)
    return snapshot(list(clinicians), names, rows, datetime(2026, 11, 23, tzinfo=UTC))


def a_client(**answers: Any) -> Columns:
    return read_rows(CLIENT, [answers])


def screened(practice: Practice, roster: Roster, **answers: Any) -> Screening:
    return screen(practice, a_client(**answers), "c1", roster, DAY)


def test_an_exclusion_carries_every_reason_in_the_declared_order() -> None:
    practice = a_practice(
        a_rule("at_most", "size", "low", say="is too large"),
        a_rule("is_true", None, "flag", family="legal", say="may not work"),
        a_rule("has_any", "tags", "tags"),
    )
    roster = a_roster(k1={"low": 9, "tags": "a"}, k2={"low": 1, "flag": True, "tags": "a"})
    found = screened(practice, roster, size=3, tags="a")
    assert [exclusion.clinician_id for exclusion in found.exclusions] == ["k1"]
    assert found.exclusions[0].reasons == (
        Reason("rule_0", "wish", "is too large", unknown=False),
        Reason("rule_1", "legal", "may not work", unknown=True),
    )
    assert list(found.eligible) == [False, True]


def test_the_ledger_counts_who_was_removed_and_who_by_one_alone() -> None:
    practice = a_practice(
        a_rule("at_most", "size", "low"),
        a_rule("is_true", None, "flag"),
        a_rule("at_least", "size", "high", mode="soft"),
    )
    roster = a_roster(
        k1={"low": 9, "flag": False}, k2={"low": 9, "flag": True}, k3={"low": 1, "flag": True}
    )
    found = screened(practice, roster, size=3)
    assert found.ledger == (Removal("rule_0", 2, 1), Removal("rule_1", 1, 0))


def test_a_soft_failure_excludes_nobody_and_is_mentioned() -> None:
    practice = a_practice(a_rule("at_most", "size", "low", mode="soft"))
    found = screened(practice, a_roster(k1={"low": 9}, k2={"low": 1}, k3={}), size=3)
    assert found.eligible.all()
    told = {concern.clinician_id: concern.reasons[0].unknown for concern in found.concerns}
    assert told == {"k1": False, "k3": True}


def test_an_unknown_is_decided_by_the_constraint_and_mentioned_where_it_passes() -> None:
    roster = a_roster(k1={})
    kind = screened(a_practice(a_rule("at_most", "size", "low", unknown="pass")), roster, size=3)
    strict = screened(a_practice(a_rule("at_most", "size", "low", unknown="fail")), roster, size=3)
    assert (list(kind.eligible), list(strict.eligible)) == ([True], [False])
    assert [concern.reasons[0].unknown for concern in kind.concerns] == [True]
    assert strict.exclusions[0].reasons[0].unknown
    assert strict.concerns == ()


def test_a_constraint_that_is_off_is_not_evaluated() -> None:
    found = screened(a_practice(a_rule("is_true", None, "flag", mode="off")), a_roster(k1={}))
    assert found.eligible.all()
    assert (found.ledger, dict(found.verdicts)) == ((), {})


def test_a_practice_without_constraints_shows_everyone() -> None:
    assert screened(a_practice(), a_roster(k1={}, k2={})).eligible.all()


def test_an_empty_roster_is_screened_to_nobody() -> None:
    found = screened(a_practice(*POOL), a_roster(), size=3)
    assert found.eligible.shape == (0,)
    assert (found.exclusions, found.concerns) == ((), ())


CHOICES: Mapping[str, Sequence[Any]] = {
    "number": range(7),
    "km": (0, 10, 20, 60),
    "minutes": (20, 30, 50, 60, 90),
    "flag": (True, False),
    "tags": ("none", "a", "b", "c", "a;b", "b;c", "a;c", "a;b;c"),
    "category": ("a", "b", "c"),
    "scheme": ("private", "medicare", "medicare"),
    "type": ("clinical", "clinical", "provisional"),
    "ordinal": ("low", "middle", "high"),
    "place": ("-33.8,151.2", "-33.7,151.2", "-33.7,151.2; -33.8,151.5", "-33.8,151.5"),
    "weekly_hours": (
        "none",
        "mon 08:00-10:00",
        "mon 09:30-10:00; mon 08:30-09:30; sat 08:00-10:00",
        "mon 08:00-09:00; mon 08:30-10:30; fri 16:30-18:00",
        "fri 16:00-17:30; fri 17:30-18:00; mon 08:30-09:00",
    ),
    "date": [DAY + timedelta(days=days) for days in range(-4, 7)],
    "money": ("0", "50.95", "99.99", "100", "200", "249.05"),
    "ids": ("none", "c1", "c2;c1", "k1;k02", "k2;k03;c2"),
}
"""Cells of each kind, or of one field where its own matter, chosen so that limits are met."""


def a_cell(name: str, kind: str) -> st.SearchStrategy[Any]:
    known = st.sampled_from(CHOICES.get(name, CHOICES[kind]))
    return known | known | known | st.none()


def answers(fields: Mapping[str, Field]) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries({name: a_cell(name, field.kind) for name, field in fields.items()})


@st.composite
def small_constraints(draw: st.DrawFn) -> list[Constraint]:
    declared = draw(st.lists(st.sampled_from(POOL), min_size=1, max_size=5))
    made = []
    for place, told in enumerate(declared):
        choices = {
            "mode": draw(st.sampled_from(["hard", "hard", "soft", "off"])),
            "unknown": draw(st.sampled_from(["fail", "pass"])),
            "unasked": draw(st.sampled_from(["pass", "unknown"])),
        }
        when = draw(st.sampled_from(WHENS))
        extra = {} if when is None else {"when": when}
        made.append(a_constraint(f"rule_{place}", {**told, **choices, **extra}))
    return made


@dataclass(frozen=True)
class Case:
    """A small practice, one client and a few clinicians, all generated."""

    constraints: list[Constraint]
    client: dict[str, Any]
    client_id: str | None
    clinicians: dict[str, dict[str, Any]]

    def screen(self) -> Screening:
        practice, roster = of_constraints(self.constraints), a_roster(**self.clinicians)
        return screen(practice, a_client(**self.client), self.client_id, roster, DAY)


CASES = st.builds(
    Case,
    small_constraints(),
    answers(CLIENT),
    st.sampled_from(["c1", "c2", None]),
    st.dictionaries(
        st.sampled_from(["k1", "k2", "k3", "k4"]), answers(CLINICIAN), min_size=1, max_size=4
    ),
)
FEW = settings(max_examples=60, deadline=None, derandomize=True)


def shown(case: Case, found: Screening) -> set[str]:
    return {cid for cid, keep in zip(sorted(case.clinicians), found.eligible, strict=True) if keep}


def reasons(found: Screening) -> dict[str, set[Reason]]:
    return {excluded.clinician_id: set(excluded.reasons) for excluded in found.exclusions}


def parsed(fields: Mapping[str, Field], cells: Mapping[str, Any]) -> dict[str, Any]:
    return {name: read_cell(field, cells[name])[0] for name, field in fields.items()}


def slowly(case: Case, constraint: Constraint, clinician_id: str) -> float:
    meeting = Meeting(
        client=parsed(CLIENT, case.client),
        clinician=parsed(CLINICIAN, case.clinicians[clinician_id]),
        client_id=case.client_id,
        clinician_id=clinician_id,
        day=DAY,
        funding=FUNDING,
        clinician_fields=CLINICIAN,
    )
    found = verdict(constraint, meeting)
    return float("nan") if found is None else float(found)


@FEW
@given(CASES)
def test_the_whole_roster_at_once_is_judged_like_one_clinician_at_a_time(case: Case) -> None:
    verdicts = case.screen().verdicts
    for constraint in case.constraints:
        if constraint.mode != "off":
            expected = [slowly(case, constraint, cid) for cid in sorted(case.clinicians)]
            np.testing.assert_array_equal(verdicts[constraint.name], expected, constraint.rule)


def a_crowd(rng: Random, told: Mapping[str, Any]) -> Case:
    """Sixty clinicians of whom, and a client who, said most things."""
    constraint = a_constraint("it", told)
    clinicians = {f"k{place:02}": drawn(rng, CLINICIAN) for place in range(60)}
    return Case([constraint], drawn(rng, CLIENT), rng.choice(["c1", "c2", None]), clinicians)


def drawn(rng: Random, fields: Mapping[str, Field]) -> dict[str, Any]:
    return {
        name: None if rng.random() < 0.15 else rng.choice(CHOICES.get(name, CHOICES[field.kind]))
        for name, field in fields.items()
    }


@pytest.mark.parametrize("told", POOL, ids=lambda told: told["rule"])
def test_every_verdict_of_a_rule_is_met_and_agrees_with_the_slow_one(told: dict[str, Any]) -> None:
    rng = Random(20261123)
    met: set[str] = set()
    for _ in range(12):
        when = rng.choice(WHENS)
        extra = {} if when is None else {"when": when}
        case = a_crowd(rng, {**told, **extra, "unasked": rng.choice(["pass", "unknown"])})
        found = case.screen().verdicts["it"]
        expected = [slowly(case, case.constraints[0], cid) for cid in case.clinicians]
        np.testing.assert_array_equal(found, expected)
        met |= {str(one) for one in found}
    assert met == {"1.0", "0.0", "nan"}


@FEW
@given(CASES)
def test_eligible_and_excluded_are_the_whole_roster_and_nobody_is_both(case: Case) -> None:
    found = case.screen()
    assert shown(case, found).isdisjoint(reasons(found))
    assert shown(case, found) | set(reasons(found)) == set(case.clinicians)


@FEW
@given(CASES)
def test_everyone_excluded_is_told_why_by_hard_constraints_only(case: Case) -> None:
    hard = {constraint.name for constraint in case.constraints if constraint.mode == "hard"}
    for why in reasons(case.screen()).values():
        assert why
        assert {reason.constraint for reason in why} <= hard


@FEW
@given(CASES, st.sampled_from(POOL))
def test_one_more_constraint_never_admits_anyone(case: Case, told: Mapping[str, Any]) -> None:
    more = replace(case, constraints=[*case.constraints, a_constraint("more", told)])
    assert shown(case, more.screen()) <= shown(case, case.screen())


@FEW
@given(CASES, st.randoms(use_true_random=False))
def test_the_order_of_constraints_and_of_clinicians_changes_nothing(case: Case, rng: Any) -> None:
    constraints, clinicians = list(case.constraints), list(case.clinicians.items())
    rng.shuffle(constraints)
    rng.shuffle(clinicians)
    turned = replace(case, constraints=constraints, clinicians=dict(clinicians))
    one, other = case.screen(), turned.screen()
    assert shown(case, one) == shown(turned, other)
    assert reasons(one) == reasons(other)
    assert set(one.ledger) == set(other.ledger)


@FEW
@given(CASES)
def test_the_ledger_agrees_with_the_exclusions(case: Case) -> None:
    found = case.screen()
    why = reasons(found)
    for line in found.ledger:
        named = [{r.constraint for r in told} for told in why.values()]
        assert line.removed == sum(line.constraint in told for told in named)
        assert line.removed_only_by_it == sum(told == {line.constraint} for told in named)


def test_the_pool_names_every_rule() -> None:
    assert {told["rule"] for told in POOL} == set(RULES)


def test_screening_asks_for_the_day_it_is_given() -> None:
    practice = a_practice(a_rule("valid_on", None, "until", unknown="fail"))
    roster = a_roster(k1={"until": "2027-01-01"})
    days = (date(2027, 1, 1), date(2027, 1, 2))
    found = [screen(practice, a_client(), "c1", roster, day).eligible[0] for day in days]
    assert found == [True, False]
