"""Every rule of the gate passes, fails, says when it cannot tell, and never breaks."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recommender.errors import Fault
from recommender.model.verdicts import ENOUGH_IN_GROUP
from recommender.registry.versions import ROLLED_BACK, Promotion, Version
from recommender.training.baselines import ADDITIVE, AVERAGE, CHAMPION, OURS, PLAIN, RANDOM
from recommender.training.promotion_gate import (
    DYAD_MARGIN,
    ENOUGH_RATED,
    FORCE,
    LATER_SHARE,
    MAX_CONCENTRATION,
    RETRAIN,
    Outcome,
    PromotionCase,
    findings,
    objections,
)
from tests.support.reports import Ends, beside, exposed, group, held, report_facts, report_from

NOW = datetime(2026, 11, 23, tzinfo=UTC)
STANDING = Version(1, "aa", "run", NOW)
UNDECIDED = (-0.02, -0.1, 0.06)


def refused(report: Mapping[str, Any], *, first: bool = False) -> tuple[Fault, ...]:
    """What speaks against a challenger with this report, beside a champion unless it is first."""
    return objections(findings(PromotionCase(report_from(report), None if first else STANDING)))


def said(report: Mapping[str, Any], rule: str, *, first: bool = False) -> dict[str, Outcome]:
    found = findings(PromotionCase(report_from(report), None if first else STANDING))
    return {each.text: each.outcome for each in found if each.rule == rule}


def a_challenge(**parts: Any) -> dict[str, Any]:
    """A report of a challenger that was measured beside the standing champion."""
    return report_facts(champion=STANDING.digest, **parts)


def test_a_challenger_above_champion_and_baselines_with_sound_ranges_may_be_promoted() -> None:
    assert refused(a_challenge()) == ()
    assert refused(report_facts(), first=True) == ()


def test_a_model_that_was_never_measured_is_refused() -> None:
    assert [fault.where for fault in refused({}, first=True)] == ["report"]


@pytest.mark.parametrize("baseline", [RANDOM, AVERAGE, ADDITIVE, PLAIN, CHAMPION])
def test_a_challenger_that_is_not_above_each_baseline_is_refused_by_its_name(baseline: str) -> None:
    (fault,) = refused(a_challenge(apart={baseline: UNDECIDED}))
    assert fault.where == "composite"
    assert baseline in fault.problem


def test_a_difference_of_exactly_nothing_is_not_above() -> None:
    (fault,) = refused(a_challenge(apart={CHAMPION: (0.0, 0.0, 0.0)}))
    assert fault.where == "composite"


def test_a_difference_that_could_not_be_measured_is_said_in_words() -> None:
    (fault,) = refused(a_challenge(apart={PLAIN: (None, None, None)}))
    assert fault.problem == f"could not be measured beside {PLAIN}"


def test_an_interval_that_could_not_be_drawn_is_said_in_words() -> None:
    (fault,) = refused(a_challenge(apart={PLAIN: (-0.1, None, None)}))
    assert "interval not measured" in fault.problem


def test_too_few_later_ratings_refuse_a_change_of_champion() -> None:
    (fault,) = refused(a_challenge(rated=599))
    assert (fault.where, "599" in fault.problem) == ("ratings", True)
    assert refused(a_challenge(rated=600)) == ()


def test_ratings_that_the_champion_learned_from_do_not_count_towards_the_decision() -> None:
    report = a_challenge(rated=2000)
    for row in report["ours_minus"]:
        row["rated"] = 80 if row["baseline"] == CHAMPION else 2000
    (fault,) = refused(report)
    assert "80 later ratings" in fault.problem


def test_a_first_model_on_few_ratings_passes_loudly_unless_it_clearly_loses() -> None:
    clear = (-0.12, -0.2, -0.03)
    report = report_facts(rated=84, apart={PLAIN: UNDECIDED})
    assert refused(report, first=True) == ()
    ((told, outcome),) = said(report, "ratings", first=True).items()
    assert outcome is Outcome.OPEN
    assert told.startswith("decided on 84 later ratings, fewer than 600")
    (fault,) = refused(report_facts(rated=84, apart={PLAIN: clear}), first=True)
    assert PLAIN in fault.problem


def test_a_first_model_on_enough_ratings_is_judged_as_any_other() -> None:
    (fault,) = refused(report_facts(rated=600, apart={PLAIN: UNDECIDED}), first=True)
    assert PLAIN in fault.problem


def test_a_first_model_must_still_be_above_random() -> None:
    (fault,) = refused(report_facts(rated=84, apart={RANDOM: UNDECIDED}), first=True)
    assert RANDOM in fault.problem


def test_the_first_model_after_declared_sizes_waits_no_longer_than_one_after_nothing() -> None:
    told = {"version": 1, "digest": STANDING.digest, "mode": "evidence_prior"}
    report = a_challenge(rated=84, apart={PLAIN: UNDECIDED}) | {"champion": told}
    assert refused(report) == ()
    behind = a_challenge(rated=84, apart={CHAMPION: UNDECIDED}) | {"champion": told}
    (fault,) = refused(behind)
    assert CHAMPION in fault.problem


def test_matching_may_fall_behind_the_champion_by_no_more_than_the_margin() -> None:
    def with_dyad(low: float) -> dict[str, Any]:
        report = a_challenge()
        rows = [row for row in report["ours_minus"] if row["metric"] == "composite"]
        dyad = beside(CHAMPION, (low + 0.03, low, low + 0.06), metric="dyad partial")
        return report | {"ours_minus": [*rows, dyad]}

    assert refused(with_dyad(0.001 - DYAD_MARGIN)) == ()
    (fault,) = refused(with_dyad(-DYAD_MARGIN - 0.001))
    assert fault.where == "dyad partial"
    assert "-0.05" in fault.problem


def test_a_champion_the_challenger_was_not_measured_beside_stops_the_promotion() -> None:
    faults = {fault.where: fault for fault in refused(report_facts())}
    assert "not measured beside version 1" in faults["champion"].problem


def test_a_challenger_measured_beside_an_earlier_champion_is_sent_back() -> None:
    (fault,) = refused(report_facts(champion="other"))
    assert fault.where == "champion"
    assert fault.problem == "it was measured beside version 1, and 1 is champion now"


def test_a_champion_that_could_not_be_compared_is_a_matter_for_a_person() -> None:
    told = {"version": 1, "digest": STANDING.digest, "not_compared": "it cannot be read"}
    fault = next(f for f in refused(report_facts(champion="aa") | {"champion": told}))
    assert "it cannot be read" in fault.problem
    assert "--force" in fault.remedy


def test_a_range_that_holds_less_than_it_says_is_refused() -> None:
    assert refused(a_challenge(coverage=0.86)) == ()
    (fault,) = refused(a_challenge(coverage=0.80))
    assert fault.where == "range"


def test_a_group_for_whom_the_range_does_not_hold_is_named() -> None:
    whole = report_facts()["ranges"]
    short = held("client.gender=man", 0.75, rated=200, high=0.81)
    (fault,) = refused(report_facts(ranges=[*whole, short]), first=True)
    assert "client.gender=man" in fault.problem
    within_noise = held("client.gender=man", 0.84, rated=60, high=0.93)
    assert refused(report_facts(ranges=[*whole, within_noise]), first=True) == ()


def test_of_many_groups_one_that_is_low_by_chance_does_not_refuse() -> None:
    whole = report_facts()["ranges"]
    low = held("client.g=0", 0.84, rated=200, high=0.885)
    others = [held(f"client.g={place}", 0.9) for place in range(1, 20)]
    assert refused(report_facts(ranges=[*whole, low, *others]), first=True) == ()
    (fault,) = refused(report_facts(ranges=[*whole[:1], held("first-ranked", 0.9, 0),
                                        whole[2], low]), first=True)  # fmt: skip
    assert "client.g=0" in fault.problem


def test_a_group_too_small_to_judge_says_so_and_does_not_pass_in_silence() -> None:
    few = held("client.gender=non_binary", 0.5, rated=ENOUGH_IN_GROUP - 1)
    report = report_facts(ranges=[*report_facts()["ranges"], few])
    assert refused(report, first=True) == ()
    told = said(report, "range", first=True)
    (line,) = [line for line in told if "non_binary" in line]
    assert told[line] is Outcome.OPEN
    assert str(Outcome.OPEN) == "too few to say"


def test_a_group_that_gets_clearly_worse_than_under_the_champion_is_named() -> None:
    worse = group("ours minus champion", (-0.2, -0.3, -0.1), among="client.gender=man")
    report = a_challenge()
    (fault,) = refused(report | {"groups": [*report["groups"], worse]})
    assert fault.where == "groups"
    assert "client.gender=man" in fault.problem
    unclear = group("ours minus champion", (-0.1, -0.3, 0.1), among="client.gender=man")
    assert refused(report | {"groups": [*report["groups"], unclear]}) == ()


def test_a_small_group_that_seems_worse_is_told_and_does_not_refuse() -> None:
    few = group("ours minus champion", (-0.5, -0.7, -0.3), among="client.gender=man", rated=12)
    report = a_challenge() | {"groups": [few]}
    assert refused(report) == ()
    assert Outcome.OPEN in said(report, "groups").values()


def test_groups_nobody_looked_at_are_counted_and_do_not_pass_in_silence() -> None:
    told = said(report_facts(groups_too_few=8), "groups", first=True)
    assert told == {"8 groups had fewer than 10 people and were not judged": Outcome.OPEN}


def test_a_model_that_sends_nearly_everyone_to_a_tenth_of_the_clinicians_is_refused() -> None:
    crowded = 0.15 + (1 - 0.15) * (MAX_CONCENTRATION + 0.01)
    (fault,) = refused(report_facts(exposure=[exposed(OURS, crowded), exposed(RANDOM, 0.15)]),
                       first=True)  # fmt: skip
    assert fault.where == "exposure"


def test_a_practice_of_one_clinician_is_not_told_off_for_naming_them_first() -> None:
    alone = [exposed(OURS, 1.0), exposed(RANDOM, 1.0)]
    assert refused(report_facts(exposure=alone), first=True) == ()


def test_a_challenger_that_crowds_clinicians_more_than_the_champion_is_refused() -> None:
    shares = [exposed(OURS, 0.71), exposed(RANDOM, 0.15), exposed(CHAMPION, 0.6)]
    (fault,) = refused(a_challenge(exposure=shares))
    assert "under the champion 60 of 100 clients are" in fault.problem


def test_declared_sizes_may_be_first_or_follow_one_another_but_never_replace_a_model() -> None:
    declared = {"mode": "evidence_prior"}
    assert refused(declared, first=True) == ()
    before = {"version": 1, "digest": "aa", "mode": "evidence_prior"}
    assert refused(declared | {"champion": before}) == ()
    (fault,) = refused(declared | {"champion": before | {"mode": "model"}})
    assert fault.where == "ratings"


def test_a_version_that_was_withdrawn_does_not_come_back_by_itself() -> None:
    back = Promotion(NOW, 1, "aa", "a.ng", "staff complained", 2, ROLLED_BACK)
    (fault,) = objections(findings(PromotionCase(report_from(a_challenge()), STANDING, back)))
    assert fault.problem == "was withdrawn on 2026-11-23: staff complained"


def test_every_objection_is_told_at_once() -> None:
    behind = (-0.2, -0.3, -0.1)
    report = a_challenge(rated=100, coverage=0.5, apart={PLAIN: behind, ADDITIVE: behind})
    assert [fault.where for fault in refused(report)] == [
        "ratings", "composite", "composite", "range"
    ]  # fmt: skip


@pytest.mark.parametrize("first", [True, False])
@pytest.mark.parametrize("part", ["rated", "ours_minus", "ranges", "groups", "exposure"])
def test_whatever_a_report_lacks_speaks_against_it(part: str, first: bool) -> None:
    report = report_facts() if first else a_challenge()
    del report[part]
    assert refused(report, first=first)


@pytest.mark.parametrize("part", ["ours_minus", "ranges", "exposure"])
def test_a_table_without_a_row_speaks_against_a_model(part: str) -> None:
    assert refused(report_facts() | {part: []}, first=True)


# What a small practice is told.


def faults_of(report: Mapping[str, Any], **known: Any) -> dict[str, Fault]:
    case = PromotionCase(report_from(report), STANDING, **known)
    return {fault.where: fault for fault in objections(findings(case))}


def test_a_practice_of_200_a_year_was_told_to_wait_for_what_takes_14_years() -> None:
    remedy = faults_of(a_challenge(rated=0), pairings=200, per_year=200.0)["ratings"].remedy
    assert "There are 200; 2,800 more are needed, about 14 years at the 200 a year so far" in remedy
    assert FORCE in remedy


def test_who_waits_as_long_as_the_remedy_says_has_enough_ratings() -> None:
    remedy = faults_of(a_challenge(rated=120), pairings=900, per_year=3000.0)["ratings"].remedy
    found = re.search(
        r"take ([\d,]+) rated pairings in all.*; ([\d,]+) more are needed, about (\d+) months",
        remedy,
    )
    assert found is not None
    needed, more, months = (int(each.replace(",", "")) for each in found.groups())
    assert 900 + more == needed
    assert 900 + 3000 * months / 12 >= needed
    later = round(LATER_SHARE * needed)
    assert later >= ENOUGH_RATED
    assert "ratings" not in faults_of(a_challenge(rated=later))


def test_where_ratings_come_fast_the_time_is_counted_since_the_champion_learned() -> None:
    remedy = faults_of(a_challenge(rated=0), pairings=50_000, per_year=6000.0)["ratings"].remedy
    assert "600 more are needed, about 2 months" in remedy


def test_without_days_or_a_count_no_time_is_invented() -> None:
    for known in ({}, {"pairings": 300}):
        remedy = faults_of(a_challenge(rated=0), **known)["ratings"].remedy
        assert "a year" not in remedy
        assert FORCE in remedy


def test_training_again_is_no_remedy_where_the_champion_cannot_be_measured() -> None:
    facts = report_facts()
    told = {"version": 1, "digest": STANDING.digest, "not_compared": "it cannot be read"}
    faults = faults_of(facts | {"champion": told})
    assert set(faults) >= {"champion", "ratings", "composite"}
    assert not any(RETRAIN in fault.remedy for fault in faults.values())


def test_training_again_is_no_remedy_where_there_were_too_few_ratings_to_measure() -> None:
    report = a_challenge(rated=0)
    rows = [row for row in report["ours_minus"] if row["metric"] == "composite"]
    dyad = beside(CHAMPION, (None, None, None), metric="dyad partial", rated=0)
    fault = faults_of(report | {"ours_minus": [*rows, dyad]})["dyad partial"]
    assert RETRAIN not in fault.remedy


def test_training_again_measures_what_it_is_said_to_measure() -> None:
    for part in ("rated", "ours_minus", "ranges", "groups", "exposure"):
        report = a_challenge()
        del report[part]
        assert any(RETRAIN in fault.remedy for fault in faults_of(report).values())
    assert not faults_of(a_challenge())


ENDS = st.tuples(
    st.floats(-0.2, 0.2), st.floats(0, 0.3) | st.none(), st.floats(0, 0.3) | st.none()
).map(
    lambda e: (e[0], None if e[1] is None else e[0] - e[1], None if e[2] is None else e[0] + e[2])
)


@given(ENDS, ENDS, ENDS, ENDS)
def test_nothing_passes_beside_an_interval_around_0_as_if_it_were_shown(
    random: Ends, plain: Ends, dyad: Ends, men: Ends
) -> None:
    report = a_challenge(apart={RANDOM: random, PLAIN: plain})
    rows = [row for row in report["ours_minus"] if row["metric"] == "composite"]
    report["ours_minus"] = [*rows, beside(CHAMPION, dyad, metric="dyad partial")]
    report["groups"].append(group("ours minus champion", men, among="client.gender=man"))
    for each in findings(PromotionCase(report_from(report), STANDING)):
        if each.outcome is not Outcome.PASSES:
            continue
        assert ("interval not measured" in each.text) <= ("not shown yet" in each.text)
        for low, high in re.findall(r"\(([+-][\d.]+) to ([+-][\d.]+)\)", each.text):
            if float(low) < 0 < float(high):
                assert "not shown yet" in each.text


def test_how_many_see_the_same_clinicians_first_is_said_in_clients() -> None:
    (text, _), *_ = said(a_challenge(), "exposure").items()
    assert text == (
        "60 of 100 clients are shown one of the same tenth of clinicians first; in a random order "
        "15 of 100 clients would be"
    )


CELLS = st.none() | st.floats() | st.text(max_size=3) | st.just("champion") | st.just("composite")
ROWS = st.lists(
    st.dictionaries(
        st.sampled_from(["baseline", "metric", "value", "high", "rated", "among", "learner"]),
        CELLS,
    )
    | CELLS,
    max_size=3,
)


@given(
    st.dictionaries(
        st.sampled_from(["mode", "rated", "ours_minus", "ranges", "groups", "exposure", CHAMPION]),
        CELLS | ROWS | st.dictionaries(st.sampled_from(["digest", "mode", "version"]), CELLS),
    ),
    st.booleans(),
)
def test_a_report_of_any_shape_is_refused_as_unreadable_or_judged(
    report: dict[str, Any], first: bool
) -> None:
    try:
        read = report_from(report)
    except ValueError:
        return
    verdict = objections(findings(PromotionCase(read, None if first else STANDING)))
    assert verdict or (read.mode == "evidence_prior" and first)
