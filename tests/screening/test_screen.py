from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from random import Random
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recommender.errors import IntakeError
from recommender.practice.columns import read_cell
from recommender.practice.definition import Practice
from recommender.practice.fields import Field
from recommender.practice.rules.catalogue import RULES
from recommender.practice.rules.constraint import Constraint, Mode
from recommender.screening.layout import Modes
from recommender.screening.reasons import Caution, ConstraintCount, Exclusion, Reason
from recommender.screening.screen import check_modes, screen
from recommender.screening.screening import Screening
from recommender.tables.roster import Roster
from tests.support.examples import examples
from tests.support.reference_evaluator import Meeting, Outcome, outcome, verdict
from tests.support.rule_examples import DAY
from tests.support.screening_cases import (
    ALL_DAYS,
    BASE,
    CASES,
    CHOICES,
    CLIENT,
    CLINICIAN,
    CONDITIONS,
    DAYS,
    FEW,
    FUNDING,
    IN_PERSON,
    INSTEADS,
    NO_DAYS,
    POOL,
    SETTINGS,
    TELEHEALTH,
    Case,
    a_client,
    a_constraint,
    a_roster,
    a_rule,
    consistent,
    of_constraints,
    without_nothing,
)


def a_practice(*declared: Mapping[str, Any]) -> Practice:
    named = {f"rule_{place}": told for place, told in enumerate(declared)}
    return of_constraints([a_constraint(name, told) for name, told in named.items()])


def screened(
    practice: Practice, roster: Roster, modes: Modes | None = None, **answers: Any
) -> Screening:
    return screen(practice, a_client(**answers), "c1", roster, DAY, modes or {})


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
    assert found.constraint_counts == (
        ConstraintCount("rule_0", 2, 1),
        ConstraintCount("rule_1", 1, 0),
    )


def test_a_soft_failure_excludes_nobody_and_is_mentioned() -> None:
    practice = a_practice(a_rule("at_most", "size", "low", mode="soft"))
    found = screened(practice, a_roster(k1={"low": 9}, k2={"low": 1}, k3={}), size=3)
    assert found.eligible.all()
    told = {concern.clinician_id: concern.reasons[0].unknown for concern in found.cautions}
    assert told == {"k1": False, "k3": True}


def test_an_unknown_is_decided_by_the_constraint_and_mentioned_where_it_passes() -> None:
    roster = a_roster(k1={})
    kind = screened(a_practice(a_rule("at_most", "size", "low", unknown="pass")), roster, size=3)
    strict = screened(a_practice(a_rule("at_most", "size", "low", unknown="fail")), roster, size=3)
    assert (list(kind.eligible), list(strict.eligible)) == ([True], [False])
    assert [concern.reasons[0].unknown for concern in kind.cautions] == [True]
    assert strict.exclusions[0].reasons[0].unknown
    assert strict.cautions == ()


def test_a_constraint_that_is_off_is_not_evaluated() -> None:
    found = screened(a_practice(a_rule("is_true", None, "flag", mode="off")), a_roster(k1={}))
    assert found.eligible.all()
    assert (found.constraint_counts, found.constraints) == ((), ())


def test_a_practice_without_constraints_shows_everyone() -> None:
    assert screened(a_practice(), a_roster(k1={}, k2={})).eligible.all()


def test_an_empty_roster_is_screened_to_nobody() -> None:
    found = screened(a_practice(*POOL), a_roster(), size=3)
    assert found.eligible.shape == (0,)
    assert (found.exclusions, found.cautions) == ((), ())


def test_a_request_may_say_how_a_constraint_counts_for_it() -> None:
    practice = a_practice(a_rule("at_most", "size", "low"), a_rule("is_true", None, "flag"))
    roster = a_roster(k1={"low": 9, "flag": True})
    hard = screened(practice, roster, size=3)
    soft = screened(practice, roster, {"rule_0": "soft"}, size=3)
    off = screened(practice, roster, {"rule_0": "off"}, size=3)
    said = (Reason("rule_0", "wish", "does not fit", unknown=False),)
    assert (hard.exclusions, hard.cautions) == ((Exclusion("k1", said),), ())
    assert (soft.exclusions, soft.cautions) == ((), (Caution("k1", said),))
    assert (off.exclusions, off.cautions) == ((), ())


def test_a_request_may_make_a_preference_a_requirement() -> None:
    practice = a_practice(a_rule("at_most", "size", "low", mode="soft", may_be=["hard"]))
    found = screened(practice, a_roster(k1={"low": 9}), {"rule_0": "hard"}, size=3)
    assert (list(found.eligible), found.constraint_counts) == (
        [False],
        (ConstraintCount("rule_0", 1, 1),),
    )


CHOOSABLE = a_practice(
    a_rule("at_most", "size", "low", may_be=["soft"]), a_rule("is_true", None, "flag", mode="soft")
)


@pytest.mark.parametrize(
    "modes",
    [{}, {"rule_0": "soft"}, {"rule_0": "hard"}, {"rule_1": "soft"}],
    ids=["none", "allowed", "as declared", "soft as declared"],
)
def test_a_mode_that_is_declared_or_allowed_may_be_asked_for(modes: Modes) -> None:
    check_modes(CHOOSABLE, modes)


@pytest.mark.parametrize(
    ("modes", "place"),
    [
        ({"rule_0": "off"}, "modes.rule_0"),
        ({"rule_1": "hard"}, "modes.rule_1"),
        ({"rule_9": "soft"}, "modes"),
    ],
)
def test_a_mode_that_is_not_allowed_is_refused(modes: Modes, place: str) -> None:
    with pytest.raises(IntakeError) as told:
        check_modes(CHOOSABLE, modes)
    assert [fault.where for fault in told.value.faults] == [place]


def test_every_mode_that_is_not_allowed_is_refused_at_once() -> None:
    with pytest.raises(IntakeError) as told:
        check_modes(CHOOSABLE, {"rule_0": "off", "rule_1": "off", "rule_9": "off"})
    assert len(told.value.faults) == 3


def test_a_constraint_nobody_declared_is_not_repeated() -> None:
    with pytest.raises(IntakeError) as told:
        check_modes(CHOOSABLE, {"a secret": "off"})
    fault = told.value.faults[0]
    assert "secret" not in f"{fault.where} {fault.problem} {fault.remedy}"
    assert fault.remedy == "choose from rule_0"


NEAR: Mapping[str, Any] = a_rule(
    "at_most", "size", "low", ways=["in_person"], say="is too far away"
)
ONLINE: Mapping[str, Any] = a_rule("is_true", None, "flag", ways=["video"], say="has no time")
FAR: Mapping[str, Any] = {"low": 9, "flag": True}
"""Fails NEAR for a client of size 3, and meets ONLINE."""


def barred_by(found: Screening) -> dict[str, list[str]]:
    return {one.clinician_id: [why.constraint for why in one.reasons] for one in found.exclusions}


def test_a_long_trip_keeps_nobody_from_meeting_by_video() -> None:
    roster = a_roster(
        k1={**FAR, "ways": "in_person;video"}, k2={**FAR, "ways": "in_person"}, k3={**FAR}
    )
    found = screened(a_practice(NEAR, ONLINE), roster, size=3, ways="in_person;video")
    assert barred_by(found) == {"k2": ["rule_0"]}


def test_a_client_who_wants_to_meet_in_person_only_is_held_by_the_trip() -> None:
    roster = a_roster(k1={**FAR, "ways": "in_person;video"})
    found = screened(a_practice(NEAR, ONLINE), roster, size=3, ways="in_person")
    assert barred_by(found) == {"k1": ["rule_0"]}


def test_a_client_who_named_no_way_takes_any() -> None:
    roster = a_roster(k1={**FAR, "ways": "in_person;video"})
    for ways in (None, "none"):
        assert screened(a_practice(NEAR, ONLINE), roster, size=3, ways=ways).eligible.all()


def test_two_ways_each_barred_leave_none() -> None:
    roster = a_roster(k1={"low": 9, "flag": False, "ways": "in_person;video"})
    found = screened(a_practice(NEAR, ONLINE), roster, size=3, ways="in_person;video")
    assert barred_by(found) == {"k1": ["rule_0", "rule_1"]}


def test_a_way_the_two_do_not_share_bars_and_troubles_nobody() -> None:
    practice = a_practice(NEAR, {**ONLINE, "mode": "soft"})
    roster = a_roster(k1={"low": 9, "flag": False, "ways": "phone"})
    found = screened(practice, roster, size=3, ways="phone")
    assert (found.exclusions, found.cautions) == ((), ())


def test_a_constraint_about_several_ways_leaves_the_others_open() -> None:
    practice = a_practice({**NEAR, "ways": ["in_person", "video"]})
    roster = a_roster(k1={**FAR, "ways": "in_person;video"}, k2={**FAR, "ways": "phone;video"})
    found = screened(practice, roster, size=3, ways="in_person;phone;video")
    assert barred_by(found) == {"k1": ["rule_0"]}


def test_a_constraint_about_no_way_in_particular_holds_in_every_one() -> None:
    roster = a_roster(k1={**FAR, "ways": "video"})
    found = screened(a_practice(a_rule("at_most", "size", "low")), roster, size=3, ways="video")
    assert barred_by(found) == {"k1": ["rule_0"]}


def test_a_soft_constraint_closes_no_way() -> None:
    practice = a_practice(NEAR, {**ONLINE, "mode": "soft"})
    roster = a_roster(k1={"low": 9, "flag": False, "ways": "in_person;video"})
    found = screened(practice, roster, size=3, ways="in_person;video")
    assert list(found.eligible) == [True]
    assert [why.constraint for why in found.cautions[0].reasons] == ["rule_1"]


def test_a_concern_about_one_way_is_not_told_while_another_is_open() -> None:
    practice = a_practice({**NEAR, "mode": "soft"})
    roster = a_roster(k1={**FAR, "ways": "in_person;video"}, k2={**FAR, "ways": "in_person"})
    found = screened(practice, roster, size=3, ways="in_person;video")
    assert [concern.clinician_id for concern in found.cautions] == ["k2"]


def test_an_unknown_that_passes_closes_no_way() -> None:
    practice = a_practice(NEAR, {**ONLINE, "unknown": "pass"})
    roster = a_roster(k1={"low": 9, "ways": "in_person;video"})
    assert screened(practice, roster, size=3, ways="in_person;video").eligible.all()


def test_an_unknown_that_fails_closes_its_way() -> None:
    practice = a_practice(NEAR, {**ONLINE, "unknown": "fail"})
    roster = a_roster(k1={"low": 9, "ways": "in_person;video"})
    found = screened(practice, roster, size=3, ways="in_person;video")
    assert barred_by(found) == {"k1": ["rule_0", "rule_1"]}


def test_telehealth_is_in_the_clients_zone_and_in_person_in_the_clinics() -> None:
    # In November 12:00 in Sydney is 09:00 in Perth.
    practice = a_practice(
        a_rule("shares_hours", "hours", "hours", session=60, ways=["in_person"], **IN_PERSON),
        a_rule("shares_hours", "hours", "hours", session=60, ways=["video"], **TELEHEALTH),
    )
    clinic = {"hours": "mon 09:00-10:00", "zone": "Australia/Perth"}
    roster = a_roster(k1={**clinic, "ways": "in_person"}, k2={**clinic, "ways": "video"})
    ask: dict[str, Any] = {"zone": "Australia/Sydney", "ways": "in_person;video"}
    assert barred_by(screened(practice, roster, hours="mon 09:00-10:00", **ask)) == {
        "k2": ["rule_1"]
    }
    assert barred_by(screened(practice, roster, hours="mon 12:00-13:00", **ask)) == {
        "k1": ["rule_0"]
    }


def shown(case: Case, found: Screening) -> set[str]:
    return {cid for cid, keep in zip(sorted(case.clinicians), found.eligible, strict=True) if keep}


def reasons(found: Screening) -> dict[str, set[Reason]]:
    return {excluded.clinician_id: set(excluded.reasons) for excluded in found.exclusions}


def parsed(fields: Mapping[str, Field], cells: Mapping[str, Any]) -> dict[str, Any]:
    return {name: read_cell(told, cells[name])[0] for name, told in fields.items()}


def meetings(case: Case) -> dict[str, Meeting]:
    """The client's meeting with each clinician, by id in ascending order."""
    client = parsed(CLIENT, case.client)
    some_terms = any(
        word in (cells["open"] or "")
        for cells in case.clinicians.values()
        for word in ("room", " by ", "every")
    )
    return {
        clinician_id: Meeting(
            client=client,
            clinician=parsed(CLINICIAN, cells),
            client_id=case.client_id,
            clinician_id=clinician_id,
            day=case.day,
            timezone=BASE.timezone,
            funding=FUNDING,
            clinician_fields=CLINICIAN,
            first_session=case.first_session,
            hard=tuple(each for each in case.constraints if case.mode_of(each) == "hard"),
            ways=("ways", "ways"),
            some_terms=some_terms,
        )
        for clinician_id, cells in sorted(case.clinicians.items())
    }


def slowly(constraint: Constraint, with_each: Mapping[str, Meeting]) -> list[float]:
    """The verdict of a constraint on each meeting; NaN where it is unknown."""
    found = [verdict(constraint, meeting) for meeting in with_each.values()]
    return [float("nan") if each is None else float(each) for each in found]


def outcomes(case: Case) -> dict[str, Outcome]:
    """What comes of each meeting, one clinician at a time."""
    return {
        clinician_id: outcome(case.constraints, case.modes, meeting)
        for clinician_id, meeting in meetings(case).items()
    }


@FEW
@given(CASES)
def test_the_whole_roster_at_once_is_judged_like_one_clinician_at_a_time(case: Case) -> None:
    screening, with_each = case.screen(), meetings(case)
    for constraint in case.constraints:
        if case.mode_of(constraint) != "off":
            found = screening.verdict_of(constraint.name)
            expected = slowly(constraint, with_each)
            np.testing.assert_array_equal(found, expected, constraint.rule)


MANY = settings(FEW, max_examples=examples(60, 150))


@MANY
@given(CASES)
def test_who_may_be_shown_is_who_may_be_shown_one_at_a_time(case: Case) -> None:
    alone = {cid for cid, found in outcomes(case).items() if not found.bars}
    assert shown(case, case.screen()) == alone


@MANY
@given(CASES)
def test_the_reasons_of_everyone_are_those_found_one_at_a_time(case: Case) -> None:
    found = case.screen()
    told = {
        one.clinician_id: {why.constraint: None if why.unknown else False for why in one.reasons}
        for one in found.exclusions
    }
    assert told == {cid: one.bars for cid, one in outcomes(case).items() if one.bars}


@MANY
@given(CASES)
def test_the_concerns_of_everyone_are_those_found_one_at_a_time(case: Case) -> None:
    found = case.screen()
    told = {
        one.clinician_id: {why.constraint: None if why.unknown else False for why in one.reasons}
        for one in found.cautions
    }
    assert told == {cid: one.mentions for cid, one in outcomes(case).items() if one.mentions}
    for place, cid in enumerate(sorted(case.clinicians)):
        assert {why.constraint for why in found.cautions_of([place])[0]} == set(told.get(cid, {}))


def many_clients_case(rng: Random, told: Mapping[str, Any]) -> Case:
    """Thirty clinicians of whom, and a client who, said most things."""
    constraint = a_constraint("it", told)
    clinicians = {f"k{place:02}": consistent(drawn(rng, CLINICIAN)) for place in range(30)}
    client, client_id = drawn(rng, CLIENT), rng.choice(["c1", "c2", None])
    days = rng.choice((NO_DAYS, ALL_DAYS))
    return Case([constraint], client, client_id, clinicians, rng.choice(DAYS), first_session=days)


def drawn(rng: Random, fields: Mapping[str, Field]) -> dict[str, Any]:
    return {
        name: None if rng.random() < 0.15 else rng.choice(CHOICES.get(name, CHOICES[told.kind]))
        for name, told in fields.items()
    }


@pytest.mark.parametrize("told", POOL, ids=lambda told: told["rule"])
def test_every_verdict_of_a_rule_is_met_and_agrees_with_the_slow_one(told: dict[str, Any]) -> None:
    rng = Random(20261123)
    met: set[str] = set()
    for _ in range(32):
        extra = {
            "when": rng.choice((None, None, *CONDITIONS)),
            "unless": rng.choice((None, None, None, *CONDITIONS)),
            "instead": rng.choice(INSTEADS),
            "unasked": rng.choice(["pass", "unknown"]),
        }
        case = many_clients_case(rng, {**told, **without_nothing(extra)})
        found = case.screen().verdict_of("it")
        np.testing.assert_array_equal(found, slowly(case.constraints[0], meetings(case)))
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
    hard = {each.name for each in case.constraints if case.mode_of(each) == "hard"}
    for why in reasons(case.screen()).values():
        assert why
        assert {reason.constraint for reason in why} <= hard


@FEW
@given(CASES, st.sampled_from(POOL), SETTINGS)
def test_one_more_constraint_never_admits_anyone(
    case: Case, told: Mapping[str, Any], settings: Mapping[str, Any]
) -> None:
    extra = a_constraint("more", {**told, **settings})
    more = replace(case, constraints=[*case.constraints, extra])
    assert shown(case, more.screen()) <= shown(case, case.screen())


@FEW
@given(CASES, st.sampled_from(["soft", "off"]), st.data())
def test_relaxing_a_constraint_never_removes_anyone(
    case: Case, weaker: Mode, data: st.DataObject
) -> None:
    place = data.draw(st.integers(0, len(case.constraints) - 1))
    name = case.constraints[place].name
    relaxed = list(case.constraints)
    relaxed[place] = replace(relaxed[place], mode=weaker)
    modes = {key: mode for key, mode in case.modes.items() if key != name}
    less = replace(case, constraints=relaxed, modes=modes)
    assert shown(case, case.screen()) <= shown(case, less.screen())


@FEW
@given(CASES)
def test_what_a_request_asks_for_counts_as_if_it_were_declared(case: Case) -> None:
    declared = [replace(each, mode=case.mode_of(each)) for each in case.constraints]
    one, other = case.screen(), replace(case, constraints=declared, modes={}).screen()
    assert (one.exclusions, one.cautions, one.constraint_counts) == (
        other.exclusions,
        other.cautions,
        other.constraint_counts,
    )


@FEW
@given(CASES, st.data())
def test_a_part_of_the_roster_is_screened_like_the_whole(case: Case, data: st.DataObject) -> None:
    chosen = data.draw(st.sets(st.sampled_from(sorted(case.clinicians))))
    part = replace(case, clinicians={cid: case.clinicians[cid] for cid in chosen})
    one, whole = part.screen(), case.screen()
    assert shown(part, one) == shown(case, whole) & chosen
    assert one.exclusions == tuple(e for e in whole.exclusions if e.clinician_id in chosen)
    assert one.cautions == tuple(c for c in whole.cautions if c.clinician_id in chosen)


@FEW
@given(CASES)
def test_everyone_at_once_is_screened_like_everyone_by_themselves(case: Case) -> None:
    alone = [replace(case, clinicians={cid: case.clinicians[cid]}) for cid in case.clinicians]
    found = [one.screen() for one in alone]
    kept = [shown(*pair) for pair in zip(alone, found, strict=True)]
    assert set().union(*kept) == shown(case, case.screen())
    assert {key: why for one in found for key, why in reasons(one).items()} == reasons(
        case.screen()
    )


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
    assert set(one.constraint_counts) == set(other.constraint_counts)


@FEW
@given(CASES)
def test_the_ledger_agrees_with_the_exclusions(case: Case) -> None:
    found = case.screen()
    why = reasons(found)
    counted = {line.constraint for line in found.constraint_counts}
    assert counted == {r.constraint for told in why.values() for r in told}
    for line in found.constraint_counts:
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
