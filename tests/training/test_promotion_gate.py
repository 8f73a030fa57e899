"""Every rule of the gate passes, fails, says when it cannot tell, and never breaks."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recommender.errors import Fault
from recommender.model.evaluation_report import RANDOM_ORDER, EvaluationReport
from recommender.model.verdicts import ENOUGH_IN_GROUP
from recommender.registry.versions import ROLLED_BACK, Promotion, Version
from recommender.training.baselines import CHAMPION, PRIOR
from recommender.training.gain_rules import LEAST_AGREEMENT, LEAST_RETAINED
from recommender.training.population_rules import MAX_CONCENTRATION, MORE_THAN_CHAMPION
from recommender.training.promotion_case import (
    ENOUGH_RATED,
    Outcome,
    PromotionCase,
)
from recommender.training.promotion_gate import findings, objections
from tests.support.reports import (
    Ends,
    concentrated,
    crossed,
    group,
    held,
    incumbent,
    report_facts,
    report_from,
)

NOW = datetime(2026, 11, 23, tzinfo=UTC)
ACTIVE = Version(1, "aa", "run", NOW)
ANY = PromotionCase(EvaluationReport())
FORCE, RETRAIN = ANY.force, ANY.retrain
UNDECIDED = (-0.02, -0.1, 0.06)
UNSHOWN = (0.01, -0.02, 0.04)


def refused(report: Mapping[str, Any], *, first: bool = False) -> tuple[Fault, ...]:
    """What fails of a challenger with this report, beside a champion unless it is first."""
    return objections(findings(PromotionCase(report_from(report), None if first else ACTIVE)))


def found(report: Mapping[str, Any], rule: str, *, first: bool = False) -> dict[str, Outcome]:
    case = PromotionCase(report_from(report), None if first else ACTIVE)
    return {each.text: each.outcome for each in findings(case) if each.rule == rule}


def a_challenge(**parts: Any) -> dict[str, Any]:
    """A report of a challenger that was measured beside the active champion."""
    return report_facts(champion=ACTIVE.digest, **parts)


def test_a_challenger_with_a_gain_and_sound_intervals_may_be_promoted() -> None:
    assert refused(a_challenge()) == ()
    assert refused(report_facts(), first=True) == ()


def test_a_model_that_was_never_measured_is_refused() -> None:
    assert [fault.where for fault in refused({}, first=True)] == ["report"]


# The gain over what serves now.


def test_a_challenger_whose_expected_gain_is_not_above_0_is_refused() -> None:
    (fault,) = refused(a_challenge(incumbent=incumbent(gain=(-0.03, -0.05, -0.01))))
    assert fault.where == "gain"
    assert "measured -0.030 (-0.050 to -0.010)" in fault.problem


def test_a_small_practice_that_measures_nothing_is_decided_by_the_learning_curve() -> None:
    few = incumbent(PRIOR, (-0.02, -0.2, 0.16), rated=84)
    report = report_facts(rated=20, incumbent=few)
    assert refused(report, first=True) == ()
    ((text, outcome),) = found(report, "gain", first=True).items()
    assert outcome is Outcome.ALLOWED
    assert "not shown yet, since the interval includes 0" in text
    ((text, outcome),) = found(report, "ratings", first=True).items()
    assert outcome is Outcome.ALLOWED
    assert text.startswith("decided on 84 ratings, too few to measure")


def test_a_clear_loss_outweighs_the_learning_curve_on_few_ratings_too() -> None:
    (fault,) = refused(report_facts(incumbent=incumbent(PRIOR, (-0.2, -0.3, -0.1), rated=84)),
                       first=True)  # fmt: skip
    assert fault.where == "gain"


def test_from_600_new_ratings_on_a_comparison_is_called_measured() -> None:
    for rated, outcome in ((599, Outcome.ALLOWED), (600, Outcome.PASSES)):
        report = a_challenge(incumbent=incumbent(rated=rated))
        ((text, seen),) = found(report, "ratings").items()
        assert seen is outcome
        assert ("too few to measure" in text) == (outcome is Outcome.ALLOWED)
        assert "since version 1 learned" in text
        assert refused(report) == ()


def test_where_nothing_is_new_there_is_nothing_to_decide_on() -> None:
    nothing = incumbent(rated=0, differences=[])
    faults = refused(a_challenge(incumbent=nothing))
    assert [fault.where for fault in faults] == ["ratings", "gain"]
    assert all(FORCE in fault.remedy for fault in faults)


def test_a_gain_that_could_not_be_measured_refuses_and_names_the_ratings() -> None:
    unmeasured = incumbent(gain=(0.1, None, None), rated=12)
    (fault,) = refused(a_challenge(incumbent=unmeasured))
    assert fault.problem == "the gain could not be measured beside version 1 on 12 ratings"


def test_the_champion_is_named_by_its_version_and_what_serves_without_one_by_its_name() -> None:
    for name, words in ((PRIOR, "the evidence prior"), (RANDOM_ORDER, "a random order")):
        report = report_facts(incumbent=incumbent(name, UNSHOWN))
        (text,) = found(report, "gain", first=True)
        assert f"is expected over {words}" in text
    (text,) = found(a_challenge(), "gain")
    assert "is expected over version 1" in text


def test_a_loss_is_looked_at_where_the_champion_is_measured_too() -> None:
    (fault,) = refused(a_challenge(incumbent=incumbent(gain=(-0.03, -0.05, -0.01))))
    command = "recommender evaluate FOLDER --registry sqlite:///var/mlflow.db"
    assert f"`{command}`" in fault.remedy


def test_tables_that_end_with_the_champions_or_before_are_said_to() -> None:
    nothing = incumbent(rated=0, differences=[])
    report = report_from(a_challenge(incumbent=nothing))
    assert report.champion is not None
    compared = report.champion.model_copy(update={"known_until": "2026-03-01"})
    report = report.model_copy(update={"champion": compared})
    for until, end in (
        ("2026-02-01", "and version 1 knew ratings until 2026-03-01: these tables are older"),
        ("2026-03-01", "the last rating of these tables is of 2026-03-01, as version 1 knew it"),
        ("2026-04-01", "there is nothing to decide on"),
        (None, "there is nothing to decide on"),
    ):
        case = PromotionCase(report, ACTIVE, known_until=until)
        (text,) = [each.text for each in findings(case) if each.rule == "ratings"]
        assert text.startswith("no rating is new since version 1 learned")
        assert text.endswith(end)


# Agreement.


def test_a_challenger_that_orders_otherwise_than_the_incumbent_is_refused() -> None:
    apart = incumbent(gain=UNSHOWN, agreement=LEAST_AGREEMENT - 0.01)
    unshown = crossed(dyad=(0.1, -0.1, 0.3), rated=100)
    (fault,) = refused(a_challenge(incumbent=apart, cross_fitted=unshown))
    assert fault.where == "agreement"
    assert "recommender check" in fault.remedy
    assert fault.remedy.startswith("check the tables for exchanged ids and reversed scales")
    assert "with `recommender check FOLDER`" in fault.remedy
    assert fault.remedy.endswith("are both shown: about 400 ratings in all")
    agreeing = incumbent(gain=UNSHOWN, agreement=LEAST_AGREEMENT)
    assert refused(a_challenge(incumbent=agreeing, cross_fitted=unshown)) == ()


def test_an_order_that_is_shown_better_than_chance_may_differ() -> None:
    apart = incumbent(PRIOR, UNSHOWN, agreement=0.4)
    assert refused(report_facts(incumbent=apart), first=True) == ()
    for unshown in (crossed(dyad=(0.1, -0.1, 0.3)), crossed(composite=(0.1, -0.1, 0.3))):
        (fault,) = refused(report_facts(incumbent=apart, cross_fitted=unshown), first=True)
        assert fault.where == "agreement"


def test_reversed_ratings_do_not_pass_because_they_are_too_few_to_turn_the_order() -> None:
    unshown = crossed(dyad=(0.1, -0.1, 0.3), rated=50)
    for retained, refusals in ((LEAST_RETAINED - 0.01, ["agreement"]), (LEAST_RETAINED, [])):
        shrunken = incumbent(PRIOR, UNSHOWN, agreement=0.8, retained=retained, rated=50)
        faults = refused(report_facts(incumbent=shrunken, cross_fitted=unshown), first=True)
        assert [fault.where for fault in faults] == refusals
        assert not any("wait" in fault.remedy for fault in faults)
    ((text, outcome),) = found(report_facts(incumbent=shrunken), "agreement", first=True).items()
    assert outcome is Outcome.PASSES
    assert "retain 0.75 of its differences between clinicians, where 1 is as large and 0.75" in text


def test_a_table_of_reversed_ratings_is_refused_although_its_order_is_shown() -> None:
    for agreement, refusals in ((-0.01, ["agreement"]), (0.0, [])):
        turned = incumbent(gain=(0.4, 0.3, 0.5), agreement=agreement, retained=agreement)
        faults = refused(a_challenge(incumbent=turned))
        assert [fault.where for fault in faults] == refusals
    turned = incumbent(gain=(0.4, 0.3, 0.5), agreement=-0.5, retained=-0.5)
    (fault,) = refused(a_challenge(incumbent=turned))
    assert "turns the order of version 1 round" in fault.problem
    assert "wait" not in fault.remedy
    assert FORCE in fault.remedy


def test_a_report_that_has_no_slope_waits_for_an_order_that_is_shown() -> None:
    earlier = incumbent(gain=UNSHOWN, retained=None)
    assert refused(a_challenge(incumbent=earlier)) == ()
    unshown = crossed(dyad=(0.1, -0.1, 0.3))
    (fault,) = refused(a_challenge(incumbent=earlier, cross_fitted=unshown))
    assert "retain not measured" in fault.problem


def test_an_agreement_that_was_not_measured_refuses_unless_there_is_no_order() -> None:
    unshown = crossed(dyad=(0.1, -0.1, 0.3))
    unmeasured = incumbent(gain=UNSHOWN, agreement=None)
    (fault,) = refused(a_challenge(incumbent=unmeasured, cross_fitted=unshown))
    assert "correlate not measured" in fault.problem
    nobody = incumbent(RANDOM_ORDER, UNSHOWN, agreement=None)
    assert refused(report_facts(incumbent=nobody), first=True) == ()


# Matching beside the incumbent.


def test_matching_must_not_be_clearly_worse_than_under_the_incumbent() -> None:
    (fault,) = refused(a_challenge(incumbent=incumbent(dyad=(-0.1, -0.2, -0.01))))
    assert fault.where == "dyad partial"
    report = a_challenge(incumbent=incumbent(dyad=UNDECIDED))
    assert list(found(report, "dyad partial").values()) == [Outcome.ALLOWED]
    better = a_challenge(incumbent=incumbent(dyad=(0.1, 0.02, 0.2)))
    assert list(found(better, "dyad partial").values()) == [Outcome.PASSES]


# The champion.


def test_a_champion_the_challenger_was_not_measured_beside_stops_the_promotion() -> None:
    faults = {fault.where: fault for fault in refused(report_facts())}
    assert "not measured beside version 1" in faults["champion"].problem
    assert set(faults) >= {"champion", "ratings", "gain"}


def test_a_challenger_measured_beside_an_earlier_champion_is_sent_back() -> None:
    fault, *others = refused(report_facts(champion="other"))
    assert fault.where == "champion"
    assert fault.problem == "this version was measured beside version 1, and 1 is champion now"
    assert {each.where for each in others} == {"ratings", "gain"}


def test_a_champion_that_could_not_be_compared_is_a_matter_for_a_person() -> None:
    facts = report_facts(champion="aa")
    compared = {"version": 1, "digest": ACTIVE.digest, "not_compared": "it cannot be read"}
    del facts["incumbent"]
    faults = refused(facts | {"champion": compared})
    assert {fault.where for fault in faults} >= {"champion", "ratings", "gain"}
    assert "it cannot be read" in faults[0].problem
    assert not any(RETRAIN in fault.remedy for fault in faults)
    assert all(FORCE in fault.remedy for fault in faults)


def test_declared_sizes_may_be_first_or_follow_one_another_but_never_replace_a_model() -> None:
    declared = {"mode": "evidence_prior"}
    assert refused(declared, first=True) == ()
    before = {"version": 1, "digest": "aa", "mode": "evidence_prior"}
    assert refused(declared | {"champion": before}) == ()
    (fault,) = refused(declared | {"champion": before | {"mode": "model"}})
    assert fault.where == "ratings"


def test_a_version_that_was_withdrawn_does_not_come_back_by_itself() -> None:
    back = Promotion(NOW, 1, "aa", "a.ng", "staff complained", 2, ROLLED_BACK)
    (fault,) = objections(findings(PromotionCase(report_from(a_challenge()), ACTIVE, back)))
    assert fault.problem == "this version was withdrawn on 2026-11-23: staff complained"


# The interval, groups, exposure.


def test_an_interval_that_holds_less_than_it_says_is_refused() -> None:
    assert refused(a_challenge(coverage=0.86)) == ()
    (fault,) = refused(a_challenge(coverage=0.80))
    assert fault.where == "interval"


def test_on_few_ratings_a_low_coverage_within_noise_does_not_refuse() -> None:
    whole = report_facts()["ranges"]
    few = held("all rated", 0.8, rated=20, high=0.95)
    report = report_facts(ranges=[few, *whole[1:]])
    assert refused(report, first=True) == ()
    assert Outcome.OPEN in found(report, "interval", first=True).values()


def test_a_group_for_whom_the_interval_does_not_hold_is_named() -> None:
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
    texts = found(report, "interval", first=True)
    (line,) = [line for line in texts if "non_binary" in line]
    assert texts[line] is Outcome.OPEN
    assert str(Outcome.OPEN) == "too few to say"


def test_a_group_that_gets_clearly_worse_than_under_the_champion_is_named() -> None:
    worse = group("ours minus champion", (-0.2, -0.3, -0.1), among="client.gender=man")
    report = a_challenge()
    (fault,) = refused(report | {"groups": [*report["groups"], worse]})
    assert fault.where == "groups"
    assert "client.gender=man" in fault.problem
    unclear = group("ours minus champion", (-0.1, -0.3, 0.1), among="client.gender=man")
    assert refused(report | {"groups": [*report["groups"], unclear]}) == ()


def test_a_small_group_that_seems_worse_is_stated_and_does_not_refuse() -> None:
    few = group("ours minus champion", (-0.5, -0.7, -0.3), among="client.gender=man", rated=12)
    report = a_challenge() | {"groups": [few]}
    assert refused(report) == ()
    assert Outcome.OPEN in found(report, "groups").values()


def test_groups_nobody_looked_at_are_counted_and_do_not_pass_in_silence() -> None:
    texts = found(report_facts(groups_too_few=8), "groups", first=True)
    assert texts == {"8 groups had fewer than 10 people and were not judged": Outcome.OPEN}


def test_an_order_that_names_the_same_few_for_all_kinds_of_client_is_refused() -> None:
    concentration = 0.15 + (1 - 0.15) * (MAX_CONCENTRATION + 0.01)
    (fault,) = refused(report_facts(concentration=concentrated(concentration)), first=True)
    assert fault.where == "exposure"


def test_what_few_kinds_of_client_force_is_not_held_against_an_order() -> None:
    forced = concentrated(0.7, by_kind=0.5, kinds=8)
    assert refused(report_facts(concentration=forced), first=True) == ()
    popular = concentrated(1.0, by_kind=0.5, kinds=8)
    assert [f.where for f in refused(report_facts(concentration=popular), first=True)] == [
        "exposure"
    ]


def test_clients_who_are_all_alike_cannot_be_judged() -> None:
    alike = report_facts(concentration=concentrated(1.0, by_kind=1.0, kinds=1))
    assert refused(alike, first=True) == ()
    assert list(found(alike, "exposure", first=True).values()) == [Outcome.OPEN]


def test_a_challenger_that_names_the_same_more_often_than_the_champion_is_refused() -> None:
    shares = concentrated(0.6 + MORE_THAN_CHAMPION + 0.01, champion=0.6)
    (fault,) = refused(a_challenge(concentration=shares))
    assert "under the champion 60 of 100 clients are" in fault.problem


def test_an_order_that_fails_is_mended_before_its_first_ranks() -> None:
    crowded = concentrated(0.9, champion=0.6)
    behind = incumbent(gain=(-0.2, -0.3, -0.1))
    *_, fault = refused(a_challenge(concentration=crowded, incumbent=behind))
    assert fault.where == "exposure"
    assert fault.remedy.startswith("correct first what fails under gain; then declare fields")
    (alone,) = refused(a_challenge(concentration=crowded))
    assert alone.remedy.startswith("declare fields")


def test_how_many_see_the_same_clinicians_first_is_said_in_clients() -> None:
    (text, _), *_ = found(a_challenge(), "exposure").items()
    assert text == (
        "60 of 100 clients are shown one of the same 4 clinicians of 40 first; in a random order "
        "for each of 150 kinds of client 15 of 100 clients would be"
    )


# Reports.


def test_every_objection_is_listed_at_once() -> None:
    behind = incumbent(gain=(-0.2, -0.3, -0.1), agreement=0.1)
    unshown = crossed(dyad=(0.1, -0.1, 0.3))
    report = a_challenge(coverage=0.5, incumbent=behind, cross_fitted=unshown)
    assert [fault.where for fault in refused(report)] == ["gain", "agreement", "interval"]


@pytest.mark.parametrize("first", [True, False])
@pytest.mark.parametrize("part", ["incumbent", "ranges", "groups", "concentration"])
def test_whatever_a_report_lacks_speaks_against_it(part: str, first: bool) -> None:
    report = report_facts() if first else a_challenge()
    del report[part]
    faults = refused(report, first=first)
    assert any(RETRAIN in fault.remedy for fault in faults)


def test_the_report_of_an_earlier_release_is_judged_and_sent_to_training() -> None:
    report = a_challenge()
    for part in ("incumbent", "cross_fitted", "concentration"):
        del report[part]
    assert {fault.where for fault in refused(report)} == {"ratings", "gain", "exposure"}


def test_a_table_without_a_row_speaks_against_a_model() -> None:
    assert refused(report_facts() | {"ranges": []}, first=True)


def until_measured(rated: int, per_year: float | None) -> str:
    report = report_from(a_challenge(incumbent=incumbent(gain=UNSHOWN, rated=rated)))
    case = PromotionCase(report, ACTIVE, per_year=per_year)
    (text,) = [each.text for each in findings(case) if each.rule == "ratings"]
    return text


def test_who_waits_as_long_as_the_text_says_has_measured() -> None:
    text = until_measured(120, 300.0)
    read = re.search(
        r"([\d,]+) more are needed, in about (\d+) months at the rate so far, 300", text
    )
    assert read is not None
    more, months = (int(each.replace(",", "")) for each in read.groups())
    assert 120 + more == ENOUGH_RATED
    assert 300 * months / 12 >= more


def test_years_are_named_where_it_takes_years_and_nothing_where_the_rate_is_unknown() -> None:
    years = "500 more are needed, in about 5 years at the rate so far, 100 a year"
    assert until_measured(100, 100.0).endswith(years)
    assert until_measured(100, None).endswith("500 more are needed")


def test_one_rating_and_one_month_are_named_in_the_singular() -> None:
    last = "1 more is needed, in about 1 month at the rate so far, 201 a year"
    assert until_measured(ENOUGH_RATED - 1, 201.0).endswith(last)


ENDS = st.tuples(
    st.floats(-0.2, 0.2), st.floats(0, 0.3) | st.none(), st.floats(0, 0.3) | st.none()
).map(
    lambda e: (e[0], None if e[1] is None else e[0] - e[1], None if e[2] is None else e[0] + e[2])
)


@given(ENDS, ENDS, ENDS)
def test_nothing_passes_beside_an_interval_that_covers_0(gain: Ends, dyad: Ends, men: Ends) -> None:
    report = a_challenge(incumbent=incumbent(gain=gain, dyad=dyad))
    report["groups"].append(group("ours minus champion", men, among="client.gender=man"))
    for each in findings(PromotionCase(report_from(report), ACTIVE)):
        if each.outcome is not Outcome.PASSES:
            continue
        assert "not measured" not in each.text
        assert "too few to measure" not in each.text
        for low, high in re.findall(r"\(([+-][\d.]+) to ([+-][\d.]+)\)", each.text):
            assert not float(low) < 0 < float(high)


CELLS = st.none() | st.floats() | st.text(max_size=3) | st.just(CHAMPION) | st.just("composite")
ROWS = st.lists(
    st.dictionaries(
        st.sampled_from(["baseline", "metric", "value", "high", "rated", "among", "learner"]),
        CELLS,
    )
    | CELLS,
    max_size=3,
)
COMPARED = st.dictionaries(
    st.sampled_from(["name", "rated", "learned", "differences", "agreement", "retained"]),
    CELLS | ROWS,
)


@given(
    st.dictionaries(
        st.sampled_from(["mode", "incumbent", "ranges", "groups", "concentration", CHAMPION]),
        CELLS
        | ROWS
        | COMPARED
        | st.dictionaries(st.sampled_from(["digest", "mode", "version"]), CELLS),
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
    verdict = objections(findings(PromotionCase(read, None if first else ACTIVE)))
    assert verdict or (read.mode == "evidence_prior" and first)
