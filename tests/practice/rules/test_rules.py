from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from recommender.errors import Fault
from recommender.practice.rules.catalogue import RULES
from recommender.practice.rules.constraint import NEVER_RELAXED, rule_input_of
from recommender.practice.rules.declaration import read_constraint
from recommender.practice.rules.functions import (
    room_km,
    room_km_of,
    session_cost,
    session_costs_in_ways,
)
from recommender.practice.rules.time_rules import fits_on_day
from tests.support.rule_examples import (
    DAY,
    FUNDED,
    GAP,
    SESSIONS,
    Cells,
    World,
    a_row,
    a_world,
    fields_of,
)


def reading(**declared: Any) -> list[Fault]:
    world = a_world("at_most", "number", "number")
    told = {**world.declared, "family": "wish", "say": "does not fit", **declared}
    constraint, faults = read_constraint("it", told, world.client, world.clinician)
    assert (constraint is None) == bool(faults)
    return faults


HOURS = "mon 09:00-12:00; tue 17:00-18:00"
WITHIN = World(
    {"rule": "within", "client": "x", "clinician": ["low", "high"]},
    fields_of("client", x="number"),
    fields_of("clinician", low="number", high="number"),
)
NEAR = World(
    {"rule": "within_km", "client": ["home", "most"], "clinician": "rooms", "detour": 1.3},
    fields_of("client", home="place", most={"kind": "number", "unit": "km"}),
    fields_of("clinician", rooms="place"),
)
ASKED_GAP = {"gap": "100", "scheme": "medicare", "length": 50}
HOPES = {"n": 6, "scheme": "medicare"}
CLINICAL = {"fee": "249.05", "type": "clinical"}
PRICE = World(
    {key: told for key, told in SESSIONS.declared.items() if key != "budget"}
    | {"rule": "gap_at_most", "client": "gap", "clinician": "fee"},
    SESSIONS.client,
    SESSIONS.clinician,
    funding=SESSIONS.funding,
)
BETWEEN = World(
    {"rule": "valid_between", "clinician": ["since", "until"]},
    fields_of("client", start="date"),
    fields_of("clinician", since="date", until="date"),
)


@dataclass(frozen=True)
class Example:
    """A rule with answers that pass, that fail, and that leave either side silent."""

    world: World
    client: Cells
    passes: Cells
    fails: Cells
    unknown: Cells = field(default_factory=lambda: {"y": None})
    unasked: Cells | None = field(default_factory=lambda: {"x": None})
    silent: float = float("nan")
    """The verdict on the clinician of whom nothing is known."""


EXAMPLES: Mapping[str, Example] = {
    "has_all": Example(
        a_world("has_all", "tags", "tags"), {"x": "a;b"}, {"y": "c;b;a"}, {"y": "a"}
    ),
    "has_any": Example(a_world("has_any", "tags", "tags"), {"x": "a;b"}, {"y": "b"}, {"y": "none"}),
    "has_none": Example(
        a_world("has_none", "tags", "tags"), {"x": "a;b"}, {"y": "c"}, {"y": "b;c"}
    ),
    "member": Example(a_world("member", "category", "tags"), {"x": "b"}, {"y": "a;b"}, {"y": "a"}),
    "one_of": Example(a_world("one_of", "tags", "category"), {"x": "a;b"}, {"y": "a"}, {"y": "c"}),
    "equal": Example(a_world("equal", "category", "category"), {"x": "b"}, {"y": "b"}, {"y": "a"}),
    "at_most": Example(a_world("at_most", "number", "number"), {"x": 5}, {"y": 5}, {"y": 5.01}),
    "at_least": Example(a_world("at_least", "number", "number"), {"x": 5}, {"y": 5}, {"y": 4.99}),
    "within": Example(
        WITHIN, {"x": 17}, {"low": 17, "high": 17}, {"low": 18, "high": 99}, {"low": 5}
    ),
    "is_true": Example(
        a_world("is_true", None, "flag"), {}, {"y": True}, {"y": False}, unasked=None
    ),
    "if_asked": Example(
        a_world("if_asked", "flag", "flag"), {"x": True}, {"y": True}, {"y": False}
    ),
    # A tenth of a degree of latitude is 6371.0088 x pi / 1800 = 11.12 km, by road 14.46.
    "within_km": Example(
        NEAR,
        {"home": "-33.8,151.2", "most": 14.5},
        {"rooms": "-35.0,151.2; -33.7,151.2"},
        {"rooms": "-33.69,151.2"},
        {"rooms": None},
        {"home": "-33.8,151.2"},
    ),
    "shares_hours": Example(
        a_world("shares_hours", "weekly_hours", "weekly_hours", session=60),
        {"x": HOURS},
        {"y": "mon 11:00-15:00"},
        {"y": "mon 11:01-15:00; wed 09:00-12:00"},
    ),
    "after_hours": Example(
        a_world("after_hours", "flag", "weekly_hours", session=60),
        {"x": True},
        {"y": "fri 16:00-18:00"},
        {"y": "fri 08:01-17:59"},
    ),
    "available_within": Example(
        a_world("available_within", {"kind": "number", "unit": "days"}, "date"),
        {"x": 7},
        {"y": "2026-11-30"},
        {"y": "2026-12-01"},
    ),
    "valid_on": Example(
        a_world("valid_on", None, "date"),
        {},
        {"y": "2026-11-23"},
        {"y": "2026-11-22"},
        unasked=None,
    ),
    # 249.05 - 149.05 = 100.00 exactly.
    "gap_at_most": Example(
        GAP,
        ASKED_GAP,
        {"fee": "249.05", "type": "clinical"},
        {"fee": "249.06", "type": "clinical"},
        {"fee": "249.05"},
        {"scheme": "medicare"},
    ),
    # A list left empty is not unknown: it names nobody.
    "not_listed": Example(
        a_world("not_listed", "ids", "ids"),
        {"x": "k7"},
        {"y": "c2"},
        {"y": "c2;c1"},
        unasked=None,
        silent=1.0,
    ),
    # Whom a client names is the client's to know, whatever the clinician left out.
    "listed": Example(
        World({"rule": "listed", "client": "x"}, fields_of("client", x="ids")),
        {"x": "k7;k8"},
        {"id": "k7"},
        {"id": "k6"},
        {"id": "k9"},
        silent=0.0,
    ),
    "below": Example(
        World(
            {"rule": "below", "clinician": ["low", "high"]},
            clinician=fields_of("clinician", low="number", high="number"),
        ),
        {},
        {"low": 29, "high": 30},
        {"low": 30, "high": 30},
        {"low": 29},
        unasked=None,
    ),
    "valid_between": Example(
        BETWEEN,
        {},
        {"since": "2026-11-23", "until": "2026-11-23"},
        {"since": "2026-11-24", "until": "2027-11-23"},
        {"since": "2026-11-23"},
        unasked=None,
    ),
    # 600.00 pays six gaps of 100.00, and five of 100.01.
    "enough_sessions": Example(
        SESSIONS,
        {**HOPES, "budget": "600"},
        CLINICAL,
        {**CLINICAL, "fee": "249.06"},
        {"type": "clinical"},
        {"scheme": "medicare", "budget": "600"},
    ),
    "funded": Example(
        FUNDED, {"scheme": "medicare"}, {"type": "clinical"}, {"type": "provisional"}, {}, {}
    ),
}


@dataclass(frozen=True)
class Own:
    """A rule about the client alone, with a client who passes and one who does not."""

    world: World
    passes: Cells
    fails: Cells


OWN: Mapping[str, Own] = {
    "client_true": Own(
        World({"rule": "client_true", "client": "x"}, fields_of("client", x="flag")),
        {"x": True},
        {"x": False},
    ),
    "client_at_least": Own(
        World(
            {"rule": "client_at_least", "client": "x", "least": 1}, fields_of("client", x="number")
        ),
        {"x": 1},
        {"x": 0.99},
    ),
}


def test_every_rule_has_a_worked_example() -> None:
    assert sorted([*EXAMPLES, *OWN]) == sorted(RULES)


def test_every_rule_says_what_it_means_in_one_line() -> None:
    assert all(name == rule.name and 10 < len(rule.meaning) < 100 for name, rule in RULES.items())


@pytest.mark.parametrize("rule", EXAMPLES)
def test_a_rule_passes_fails_and_does_not_know(rule: str) -> None:
    told = EXAMPLES[rule]
    verdict = told.world.judge(told.client, told.passes, told.fails, told.unknown)
    np.testing.assert_array_equal(verdict, [1, 0, told.silent])


@pytest.mark.parametrize("rule", OWN)
def test_what_a_client_alone_decides_is_one_verdict_for_everyone(rule: str) -> None:
    world, told = OWN[rule].world, OWN[rule]
    assert [world.judge(client, {}, {}) for client in (told.passes, told.fails)] == [[1, 1], [0, 0]]


@pytest.mark.parametrize("rule", OWN)
def test_a_client_silent_about_themselves_passes_unless_silence_is_unknown(rule: str) -> None:
    assert OWN[rule].world.judge({}, {}) == [1]
    assert np.isnan(OWN[rule].world.but(unasked="unknown").judge({}, {})).all()


@pytest.mark.parametrize("rule", [rule for rule in EXAMPLES if EXAMPLES[rule].unasked is not None])
def test_a_silent_client_passes_unless_silence_is_declared_unknown(rule: str) -> None:
    told = EXAMPLES[rule]
    assert told.unasked is not None
    strict = told.world.but(unasked="unknown")
    everyone = (told.passes, told.fails, told.unknown)
    assert told.world.judge(told.unasked, *everyone) == [1, 1, 1]
    assert np.isnan(strict.judge(told.unasked, *everyone)).all()


@pytest.mark.parametrize("rule", EXAMPLES)
def test_a_rule_judges_an_empty_roster(rule: str) -> None:
    assert EXAMPLES[rule].world.judge(EXAMPLES[rule].client) == []


@pytest.mark.parametrize("rule", EXAMPLES)
def test_a_clinician_is_judged_alike_alone_and_in_a_crowd(rule: str) -> None:
    told = EXAMPLES[rule]
    batch = [told.passes, told.fails, told.unknown] * 2
    together = told.world.judge(told.client, *batch)
    alone = [told.world.judge(told.client, clinician)[0] for clinician in batch]
    np.testing.assert_array_equal(together, alone)


def test_levels_meet_by_name_and_not_by_place() -> None:
    turned = {"kind": "tags", "levels": ["c", "b", "a"]}
    world = a_world("has_all", "tags", turned)
    assert world.judge({"x": "a"}, {"y": "a"}, {"y": "c"}) == [1, 0]


def test_a_wish_for_no_tag_asks_nothing_even_of_a_silent_clinician() -> None:
    for rule in ("has_all", "has_any", "has_none"):
        assert a_world(rule, "tags", "tags").judge({"x": "none"}, {"y": None}, {"y": "a"}) == [1, 1]
    assert a_world("one_of", "tags", "category").judge({"x": "none"}, {"y": None}) == [1]


def test_an_indifferent_level_asks_nothing() -> None:
    either = {"kind": "category", "levels": ["either", "a", "b"]}
    theirs = {"kind": "category", "levels": ["b", "a"]}
    world = a_world("equal", either, theirs, indifferent=["either"], unasked="unknown")
    assert world.judge({"x": "either"}, {"y": "a"}, {"y": None}) == [1, 1]
    assert world.judge({"x": "a"}, {"y": "a"}, {"y": "b"}) == [1, 0]


def test_one_of_takes_a_single_level_too() -> None:
    world = a_world("one_of", "category", "category")
    np.testing.assert_array_equal(
        world.judge({"x": "a"}, {"y": "a"}, {"y": "b"}, {"y": None}), [1, 0, np.nan]
    )


def test_a_constant_replaces_the_clients_field() -> None:
    assert a_world("at_least", None, "number", value=1).judge({}, {"y": 1}, {"y": 0}) == [1, 0]
    assert a_world("at_most", None, "money", value=220).judge(
        {}, {"y": "220"}, {"y": "220.01"}
    ) == [
        1,
        0,
    ]
    assert a_world("has_any", None, "tags", value=["a", "b"]).judge({}, {"y": "b"}) == [1]
    assert a_world("one_of", None, "category", value="a;b").judge({}, {"y": "c"}) == [0]
    assert a_world("member", None, "tags", value="c").judge({}, {"y": "c"}, {"y": "a"}) == [1, 0]
    assert a_world("equal", None, "flag", value=False).judge({}, {"y": False}) == [1]
    assert a_world("at_least", None, "date", value=DAY).judge({}, {"y": DAY}) == [1]


def test_ordinals_are_compared_by_their_order() -> None:
    world = a_world("at_least", "ordinal", "ordinal")
    assert world.judge({"x": "middle"}, {"y": "high"}, {"y": "middle"}, {"y": "low"}) == [1, 1, 0]


def test_one_bound_alone_can_exclude() -> None:
    assert WITHIN.judge({"x": 12}, {"low": 18}, {"high": 11}) == [0, 0]


def test_a_distance_without_a_place_is_unknown_and_not_passed() -> None:
    assert np.isnan(NEAR.judge({"most": 10}, {"rooms": "-33.8,151.2"})).all()


def test_a_session_may_cross_the_seam_of_two_windows() -> None:
    world = a_world("shares_hours", "weekly_hours", "weekly_hours", session=90)
    parted = {"y": "mon 10:00-11:00; tue 09:00-09:30; mon 09:00-10:00"}
    assert world.judge({"x": "mon 09:00-12:00"}, parted) == [1]


def test_a_short_window_inside_a_long_one_shortens_nothing() -> None:
    world = a_world("shares_hours", "weekly_hours", "weekly_hours", session=180)
    nested = {"y": "mon 09:00-11:00; mon 09:30-10:00; mon 10:30-12:00"}
    assert world.judge({"x": "mon 08:00-13:00"}, nested) == [1]


def test_the_length_of_a_session_is_the_clients_or_the_usual_one() -> None:
    ours = fields_of("client", x="weekly_hours", n={"kind": "number", "unit": "minutes"})
    told = {"rule": "shares_hours", "client": "x", "clinician": "y", "session": "n"}
    world = World(told, ours, fields_of("clinician", y="weekly_hours"))
    usual = world.but(usual_minutes=60)
    clinician = {"y": "mon 09:00-10:00"}
    assert world.judge({"x": HOURS, "n": 60}, clinician) == [1]
    assert world.judge({"x": HOURS, "n": 61}, clinician) == [0]
    assert np.isnan(world.judge({"x": HOURS}, clinician)).all()
    assert usual.judge({"x": HOURS}, clinician) == [1]


def test_mornings_and_weekends_are_after_hours() -> None:
    world = EXAMPLES["after_hours"].world
    windows = ("mon 07:00-09:00", "sat 12:00-13:00", "sun 12:00-12:59", "mon 12:00-13:00")
    assert world.judge({"x": True}, *[{"y": window} for window in windows]) == [1, 1, 0, 0]
    assert world.judge({"x": False}, {"y": "mon 12:00-13:00"}, {"y": None}) == [1, 1]


def test_a_flag_not_asked_for_needs_no_answer() -> None:
    assert EXAMPLES["if_asked"].world.judge({"x": False}, {"y": None}, {"y": False}) == [1, 1]


def test_a_registration_must_cover_the_start_the_client_gave() -> None:
    world = a_world("valid_on", "date", "date")
    clinician = {"y": "2026-12-01"}
    assert world.judge({"x": "2026-12-01"}, clinician) == [1]
    assert world.judge({"x": "2026-12-02"}, clinician) == [0]
    assert world.judge({}, clinician, {"y": "2026-11-22"}) == [1, 0]


def test_a_gap_uses_the_longest_row_the_session_reaches() -> None:
    fee = {"fee": "200.00", "type": "clinical"}
    assert GAP.judge({**ASKED_GAP, "gap": "100"}, fee) == [1]
    assert GAP.judge({**ASKED_GAP, "gap": "99.99", "length": 49}, fee) == [0]
    assert GAP.judge({**ASKED_GAP, "gap": "100", "length": 49}, fee) == [1]
    assert GAP.judge({**ASKED_GAP, "gap": "199.99", "length": 29}, fee) == [0]


def test_a_scheme_that_never_pays_a_provider_pays_nothing_back() -> None:
    provisional, private = {"fee": "100", "type": "provisional"}, {**ASKED_GAP, "scheme": "private"}
    assert GAP.judge(ASKED_GAP, provisional, {"fee": "100.01", "type": "provisional"}) == [1, 0]
    assert GAP.judge(private, {"fee": "100.01", "type": "clinical"}) == [0]


def test_an_outdated_rebate_is_unknown_and_not_nothing() -> None:
    world = replace(GAP, funding=(a_row(until=date(2026, 11, 22)),))
    assert np.isnan(world.judge(ASKED_GAP, {"fee": "90", "type": "clinical"})).all()


def test_a_gap_without_a_scheme_or_a_length_is_unknown() -> None:
    clinician = {"fee": "90", "type": "clinical"}
    assert np.isnan(GAP.judge({"gap": "100", "length": 50}, clinician)).all()
    assert np.isnan(GAP.judge({"gap": "100", "scheme": "medicare"}, clinician)).all()


def test_a_list_of_either_side_excludes() -> None:
    world = EXAMPLES["not_listed"].world
    assert world.judge({"x": "k1"}, {"y": "none"}, {"y": "none"}) == [1, 0]
    assert world.judge({"x": None}, {"y": "c1"}, {"y": "none"}) == [0, 1]


def test_a_person_without_an_id_may_be_anyone_on_a_list() -> None:
    world = replace(EXAMPLES["not_listed"].world, client_id=None)
    np.testing.assert_array_equal(world.judge({}, {"y": "c2"}, {"y": "none"}), [np.nan, 1])


def test_a_list_of_one_side_alone_may_be_declared() -> None:
    world = World({"rule": "not_listed", "client": "x"}, fields_of("client", x="ids"))
    assert world.judge({"x": "k0"}, {}, {}) == [0, 1]


@pytest.mark.parametrize(
    ("kind", "has", "met", "unmet"),
    [
        ("category", "a", "a", "b"),
        ("category", ["a", "c"], "c", "b"),
        ("tags", "a", "b;a", "b"),
        ("tags", ["a", "c"], "c", "b"),
        ("flag", True, True, False),
    ],
)
def test_a_condition_not_met_passes(kind: str, has: Any, met: Any, unmet: Any) -> None:
    told = {"rule": "is_true", "clinician": "y", "when": {"client": "w", "has": has}}
    world = World(told, fields_of("client", w=kind), fields_of("clinician", y="flag"))
    strict = world.but(unasked="unknown")
    clinicians = ({"y": False}, {"y": True})
    assert world.judge({"w": met}, *clinicians) == [0, 1]
    assert world.judge({"w": unmet}, *clinicians) == [1, 1]
    assert world.judge({}, *clinicians) == [1, 1]
    np.testing.assert_array_equal(strict.judge({}, *clinicians), [np.nan, 1])


ADULT = World(
    {"rule": "is_true", "clinician": "y", "when": {"client": "age", "below": 18}},
    fields_of("client", age="number"),
    fields_of("clinician", y="flag"),
)


def test_a_condition_on_a_number_is_met_below_it_and_not_at_it() -> None:
    clinicians = ({"y": False}, {"y": True})
    assert ADULT.judge({"age": 17.9}, *clinicians) == [0, 1]
    assert ADULT.judge({"age": 18}, *clinicians) == [1, 1]


def test_a_condition_on_a_missing_number_is_unknown() -> None:
    assert ADULT.judge({}, {"y": False}) == [1]
    strict = ADULT.but(unasked="unknown").judge({}, {"y": False}, {"y": True})
    np.testing.assert_array_equal(strict, [np.nan, 1])


WAITING = World(
    {"rule": "is_true", "clinician": "y", "unless": {"client": "waits"}},
    fields_of("client", waits="flag", ways="tags"),
    fields_of("clinician", y="flag"),
)


def test_a_client_who_lets_go_of_a_constraint_is_not_held_by_it() -> None:
    assert WAITING.judge({"waits": True}, {"y": False}, {"y": None}) == [1, 1]


@pytest.mark.parametrize("waits", [False, None])
def test_a_constraint_applies_unless_the_client_lifted_it(waits: bool | None) -> None:
    verdict = WAITING.judge({"waits": waits}, {"y": False}, {"y": True}, {"y": None})
    np.testing.assert_array_equal(verdict, [0, 1, np.nan])


def test_letting_go_outweighs_the_condition_that_is_met() -> None:
    world = WAITING.but(when={"client": "ways", "has": "a"})
    assert world.judge({"ways": "a", "waits": False}, {"y": False}) == [0]
    assert world.judge({"ways": "a", "waits": True}, {"y": False}) == [1]
    assert world.judge({"ways": "b", "waits": False}, {"y": False}) == [1]


INTERPRETED = World(
    {
        "rule": "member",
        "client": "x",
        "clinician": "y",
        "instead": {"client": "agrees", "clinician": "interpreted"},
    },
    fields_of("client", x="category", agrees="flag"),
    fields_of("clinician", y="tags", interpreted="flag"),
)


def test_both_flags_together_meet_a_constraint_in_another_way() -> None:
    agreed = {"x": "a", "agrees": True}
    clinicians = ({"y": "b", "interpreted": True}, {"y": "b", "interpreted": False})
    assert INTERPRETED.judge(agreed, *clinicians) == [1, 0]


def test_an_alternative_does_not_exclude_those_who_meet_the_constraint_itself() -> None:
    agreed = {"x": "a", "agrees": True}
    assert INTERPRETED.judge(agreed, {"y": "a", "interpreted": False}, {"y": "a"}) == [1, 1]


@pytest.mark.parametrize("agrees", [False, None])
def test_the_alternative_needs_the_clients_consent(agrees: bool | None) -> None:
    assert INTERPRETED.judge({"x": "a", "agrees": agrees}, {"y": "b", "interpreted": True}) == [0]


def test_an_unknown_other_way_leaves_a_failure_open_and_an_unknown_may_be_met_by_it() -> None:
    agreed = {"x": "a", "agrees": True}
    clinicians: tuple[Cells, ...] = ({"y": "b"}, {"interpreted": False}, {"interpreted": True}, {})
    np.testing.assert_array_equal(
        INTERPRETED.judge(agreed, *clinicians), [np.nan, np.nan, 1, np.nan]
    )


def test_the_other_way_meets_what_a_silent_client_left_open() -> None:
    world = INTERPRETED.but(unasked="unknown")
    verdict = world.judge({"agrees": True}, {"interpreted": True}, {"interpreted": False})
    np.testing.assert_array_equal(verdict, [1, np.nan])


def test_a_registration_must_have_begun_by_the_start_the_client_gave() -> None:
    world = BETWEEN.but(client="start")
    clinician = {"since": "2026-12-01", "until": "2027-01-31"}
    starts = ("2026-11-30", "2026-12-01", "2027-01-31", "2027-02-01")
    assert [world.judge({"start": start}, clinician)[0] for start in starts] == [0, 1, 1, 0]


def test_one_date_alone_can_exclude() -> None:
    assert BETWEEN.judge({}, {"since": "2026-11-24"}, {"until": "2026-11-22"}) == [0, 0]


def test_a_client_who_chose_no_clinician_may_see_any() -> None:
    assert EXAMPLES["listed"].world.judge({"x": "none"}, {}, {}) == [1, 1]


def test_a_scheme_that_claims_nothing_lacks_nothing() -> None:
    verdict = FUNDED.judge({"scheme": "private"}, {"type": "provisional"}, {"type": None})
    assert verdict == [1, 1]


def test_a_scheme_is_not_known_to_pay_on_a_day_its_table_does_not_reach() -> None:
    world = replace(FUNDED, funding=(a_row(until=date(2026, 11, 22)),))
    verdict = world.judge({"scheme": "medicare"}, {"type": "clinical"}, {"type": "provisional"})
    np.testing.assert_array_equal(verdict, [np.nan, 0])


def test_a_constant_gap_asks_for_no_amount_of_the_client() -> None:
    world = PRICE.but(value=100, client=[])
    dearer = {**CLINICAL, "fee": "249.06"}
    assert world.judge({"scheme": "medicare"}, CLINICAL, dearer) == [1, 0]


def test_a_rebate_that_is_used_up_pays_nothing_back() -> None:
    asked = {"gap": "100", "scheme": "medicare"}
    assert PRICE.judge({**asked, "left": 1}, CLINICAL) == [1]
    assert PRICE.judge({**asked, "left": 0}, CLINICAL, {**CLINICAL, "fee": "100"}) == [0, 1]


def test_without_a_rebate_left_the_scheme_need_not_be_known() -> None:
    assert PRICE.judge({"gap": "100", "left": 0}, CLINICAL, {"fee": "100"}) == [0, 1]


# 229.05 - 149.05 = 80.00.
REDUCED = {**CLINICAL, "reduced": "229.05"}


def test_a_concession_is_charged_the_reduced_fee_where_there_is_one() -> None:
    asked = {"gap": "80", "scheme": "medicare", "concession": True}
    assert PRICE.judge(asked, REDUCED, {**REDUCED, "reduced": "229.06"}, CLINICAL) == [1, 0, 0]


@pytest.mark.parametrize("concession", [False, None])
def test_without_a_concession_the_whole_fee_is_charged(concession: bool | None) -> None:
    asked = {"gap": "80", "scheme": "medicare", "concession": concession}
    assert PRICE.judge(asked, REDUCED) == [0]


def test_a_reduced_fee_above_the_usual_one_makes_nothing_dearer() -> None:
    asked = {"gap": "100", "scheme": "medicare", "concession": True}
    assert PRICE.judge(asked, {**CLINICAL, "reduced": "300"}) == [1]


def test_bulk_billing_leaves_no_gap_where_the_scheme_pays() -> None:
    asked = {"gap": "0", "scheme": "medicare"}
    clinicians = [{**CLINICAL, "bulk": bulk} for bulk in (True, False, None)]
    assert PRICE.judge(asked, *clinicians) == [1, 0, 0]


def test_bulk_billing_needs_a_scheme_that_pays() -> None:
    bulk_bills = {**CLINICAL, "bulk": True}
    assert PRICE.judge({"gap": "0", "scheme": "private"}, bulk_bills) == [0]
    assert PRICE.judge({"gap": "0", "scheme": "medicare", "left": 0}, bulk_bills) == [0]


def test_bulk_billing_is_not_known_of_a_clinician_whose_registration_is_not() -> None:
    asked = {"gap": "0", "scheme": "medicare"}
    assert np.isnan(PRICE.judge(asked, {"fee": "100", "bulk": True})).all()


def test_a_rebate_above_the_fee_is_no_gap_and_not_money_back() -> None:
    asked = {"gap": "0", "scheme": "medicare"}
    assert PRICE.judge(asked, {**CLINICAL, "fee": "100"}, {**CLINICAL, "fee": "149.06"}) == [1, 0]


def test_a_rebate_above_the_fee_meets_no_wish_for_money_back() -> None:
    assert PRICE.judge({"gap": "-1", "scheme": "medicare"}, {**CLINICAL, "fee": "100"}) == [0]


def test_kilometres_of_a_few_clinicians_are_those_of_the_roster() -> None:
    rooms = ["-33.9,151.2;-33.8,151.1", "-33.7,151.0", None, "-37.8,145.0"]
    told, roster, asking = NEAR.encoded(
        {"home": "-33.87,151.21", "most": 10}, *({"rooms": each} for each in rooms)
    )
    inputs, rows = rule_input_of(NEAR.constraint, told, roster, asking), np.array([3, 0, 2])
    alone = room_km_of(inputs, rows)
    np.testing.assert_array_equal(alone, room_km(inputs)[rows])
    # Now those of the roster are stored.
    np.testing.assert_array_equal(alone, room_km_of(inputs, rows))


FEES = st.none() | st.sampled_from(["90", "149.05", "200"])


@given(
    client=st.fixed_dictionaries(
        {
            "gap": st.just("100"),
            "scheme": st.sampled_from([None, "private", "medicare"]),
            "left": st.sampled_from([None, 0, 2]),
            "concession": st.sampled_from([None, False, True]),
        }
    ),
    clinicians=st.lists(
        st.fixed_dictionaries(
            {
                "fee": FEES,
                "reduced": FEES,
                "bulk": st.sampled_from([None, False, True]),
                "type": st.sampled_from([None, "provisional", "clinical"]),
            }
        ),
        min_size=1,
    ),
)
def test_a_cost_computed_alone_is_that_computed_for_a_roster(
    client: dict[str, Any], clinicians: list[dict[str, Any]]
) -> None:
    told, roster, asking = PRICE.encoded(client, *clinicians)
    inputs = rule_input_of(PRICE.constraint, told, roster, asking)
    cost, rows = session_cost(inputs), np.arange(len(clinicians))
    alone = session_costs_in_ways(inputs, rows, [()] * len(clinicians))
    np.testing.assert_array_equal(np.array(alone).T, [cost.fee, cost.rebate, cost.gap])


@pytest.mark.parametrize("left", [5, 6])
def test_sessions_are_limited_by_the_rebates_left(left: int) -> None:
    assert SESSIONS.judge({**HOPES, "left": left}, CLINICAL) == [left >= 6]


def test_sessions_are_limited_by_what_the_clinician_gives_at_most() -> None:
    clinicians = [{**CLINICAL, "most": most} for most in (5, 6, None)]
    assert SESSIONS.judge(HOPES, *clinicians) == [0, 1, 1]


def test_a_budget_lasts_for_ever_where_there_is_no_gap() -> None:
    assert SESSIONS.judge({**HOPES, "budget": "0"}, {**CLINICAL, "fee": "149.05"}) == [1]


def test_an_unknown_price_limits_nothing_without_a_budget() -> None:
    assert SESSIONS.judge(HOPES, {"type": "clinical"}) == [1]


def test_too_few_sessions_are_too_few_at_any_price() -> None:
    assert SESSIONS.judge({**HOPES, "budget": "600", "left": 5}, {"type": "clinical"}) == [0]


def test_a_session_may_last_over_midnight() -> None:
    world = a_world("shares_hours", "weekly_hours", "weekly_hours", session=60)
    night = {"y": "tue 23:30-24:00; wed 00:00-00:30"}
    assert world.judge({"x": "tue 20:00-24:00; wed 00:00-02:00"}, night) == [1]
    assert world.but(session=61).judge({"x": "tue 20:00-24:00; wed 00:00-02:00"}, night) == [0]


def test_what_counts_as_after_hours_may_be_declared() -> None:
    world = EXAMPLES["after_hours"].world.but(evening="18:00", morning="07:30")
    windows = ("mon 18:00-19:00", "mon 17:59-18:59", "mon 06:30-07:30", "mon 06:31-07:31")
    assert world.judge({"x": True}, *[{"y": window} for window in windows]) == [1, 0, 1, 0]


def test_families_of_protection_take_unknown_for_no() -> None:
    for family in NEVER_RELAXED:
        assert a_world("is_true", None, "flag", family=family).constraint.unknown == "fail"
    constraint = a_world("is_true", None, "flag", family="place").constraint
    assert (constraint.unknown, constraint.unasked, constraint.mode) == ("pass", "pass", "hard")
    assert (constraint.relaxable, constraint.may_be) == ("no", ())


@pytest.mark.parametrize(("told", "lifting"), [(True, "yes"), (False, "no"), ("ask", "ask")])
def test_relaxable_says_whether_a_change_is_offered_or_only_asked_for(
    told: bool | str, lifting: str
) -> None:
    assert a_world("if_asked", "flag", "flag", relaxable=told).constraint.relaxable == lifting


def test_naming_a_flag_and_writing_that_it_is_true_are_one_condition() -> None:
    told = [{"client": "waits"}, {"client": "waits", "has": True}]
    assert WAITING.but(unless=told[0]).constraint == WAITING.but(unless=told[1]).constraint


def test_ways_modes_and_an_offer_are_read_as_declared() -> None:
    told = a_world(
        "is_true", None, "flag", ways=["a"], may_be=["soft", "off"], offer="within {value}"
    ).constraint
    assert (told.ways, told.may_be, told.offer) == (("a",), ("soft", "off"), "within {value}")


@pytest.mark.parametrize("family", NEVER_RELAXED)
@pytest.mark.parametrize("told", [True, "ask"])
def test_protection_may_never_be_relaxed(family: str, told: bool | str) -> None:
    assert [f.where for f in reading(family=family, relaxable=told)] == ["constraints.it.relaxable"]


@pytest.mark.parametrize("family", NEVER_RELAXED)
@pytest.mark.parametrize("mode", ["soft", "off"])
def test_no_request_may_weaken_protection(family: str, mode: str) -> None:
    faults = reading(family=family, may_be=["hard", mode])
    assert [fault.where for fault in faults] == ["constraints.it.may_be"]


@pytest.mark.parametrize("family", NEVER_RELAXED)
def test_a_request_may_make_protection_firmer(family: str) -> None:
    assert reading(family=family, mode="soft", may_be=["hard"]) == []


@pytest.mark.parametrize(
    ("declared", "where"),
    [
        ({"rule": "roughly"}, "rule"),
        ({"family": "taste"}, "family"),
        ({"mode": "firm"}, "mode"),
        ({"unknown": "maybe"}, "unknown"),
        ({"unasked": "fail"}, "unasked"),
        ({"say": " "}, "say"),
        ({"relaxable": "yes"}, "relaxable"),
        ({"relaxable": 1}, "relaxable"),
        ({"offer": 3}, "offer"),
        ({"may_be": "soft"}, "may_be"),
        ({"may_be": ["firm"]}, "may_be"),
        ({"ways": "video"}, "ways"),
        ({"ways": [1]}, "ways"),
        ({"unless": "x"}, "unless"),
        ({"unless": {"client": "z"}}, "unless"),
        ({"instead": "x"}, "instead"),
        ({"instead": {"client": "x"}}, "instead"),
        ({"instead": {"client": "x", "clinician": 3}}, "instead"),
        ({"instead": {"client": "x", "clinician": "y"}}, "instead"),
        ({"when": {"client": "x", "below": "18"}}, "when"),
        ({"when": {"client": "x", "below": True}}, "when"),
        ({"when": {"client": "x", "below": 18, "has": "a"}}, "when"),
        ({"detour": 1.3}, "detour"),
        ({"client": 3}, "client"),
        ({"client": "z"}, "client"),
        ({"client": ["x", "x"]}, "client"),
        ({"clinician": []}, "clinician"),
        ({"value": 3}, "value"),
        ({"value": {}}, "value"),
        ({"when": "x"}, "when"),
        ({"when": {"client": "x"}}, "when"),
        ({"when": {"client": "x", "is": "a"}}, "when"),
        ({"indifferent": ["a"]}, "indifferent"),
    ],
)
def test_a_fault_names_its_place(declared: dict[str, Any], where: str) -> None:
    assert f"constraints.it.{where}" in {fault.where for fault in reading(**declared)}


def test_every_fault_is_reported_at_once() -> None:
    faults = reading(family="taste", say="", client="z", detour=2)
    assert {fault.where.removeprefix("constraints.it.") for fault in faults} == {
        "family",
        "say",
        "client",
        "detour",
    }


def test_nobody_is_offered_one_more_day_for_a_session_of_unknown_length() -> None:
    hours = World(
        {"rule": "shares_hours", "client": "x", "clinician": "y", "session": "length"},
        fields_of("client", x="weekly_hours", length={"kind": "number", "unit": "minutes"}),
        fields_of("clinician", y="weekly_hours"),
    )
    told = {"x": "mon 09:00-10:00"}
    for length, days in ((None, set()), ("60", {1}), ("0", set(range(7)))):
        answers = told if length is None else told | {"length": length}
        inputs = rule_input_of(hours.constraint, *hours.encoded(answers, {"y": "tue 09:00-12:00"}))
        found = fits_on_day(inputs)
        assert {day for day in range(7) if found[day, 0]} == days
