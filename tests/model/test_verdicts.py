import json
from functools import partial

import pytest

from recommender.model.evaluation_report import EvaluationReport
from recommender.model.share_intervals import Share, ratings_for_share, share_of
from recommender.model.verdicts import (
    Answer,
    GroupMeasure,
    range_verdict,
    spread_verdict,
    verdicts_of,
    worse_verdict,
)
from tests.support.reports import (
    a_report,
    concentrated,
    crossed,
    exposed,
    group,
    held,
    report_facts,
    report_from,
)

LEVEL = 0.9
EVERYBODY = share_of(1800, 2000)


@pytest.mark.parametrize(
    ("inside", "count", "answer"),
    [
        (1350, 1500, Answer.YES),
        (158, 161, Answer.NO),
        (70, 100, Answer.NO),
        (90, 100, Answer.OPEN),
        (10, 10, Answer.OPEN),
    ],
)
def test_the_range_is_honest_only_where_the_whole_interval_is_close_to_what_is_stated(
    inside: int, count: int, answer: Answer
) -> None:
    verdict = range_verdict(share_of(inside, count), LEVEL)
    assert verdict.answer is answer
    assert f"of {count:,} ratings" in verdict.figure
    assert bool(verdict.needs) == (answer is Answer.OPEN)


def test_the_number_of_ratings_that_would_settle_it_settles_it() -> None:
    needed = ratings_for_share(LEVEL, 0.05)
    assert needed == 139
    assert range_verdict(share_of(round(LEVEL * 2 * needed), 2 * needed), LEVEL).answer is (
        Answer.YES
    )


def test_a_group_is_worse_off_only_beyond_the_noise_of_as_many_groups() -> None:
    clear, vague = Share(0.6, 0.5, 0.7, 100), Share(0.82, 0.73, 0.89, 100)
    fine = Share(0.9, 0.88, 0.92, 900)
    worse = worse_verdict([GroupMeasure("Women", clear)], LEVEL, everybody=EVERYBODY)
    assert worse.answer is Answer.YES
    assert "Women: 60% of 100 ratings" in worse.figure
    many = [GroupMeasure(f"group {n}", vague) for n in range(20)]
    assert worse_verdict(many, LEVEL, everybody=EVERYBODY).answer is Answer.OPEN
    ordered = [GroupMeasure("Women", fine, (0.1, 0.2, 0.3))]
    judge = partial(worse_verdict, level=LEVEL, everybody=EVERYBODY)
    assert judge(ordered, overall=0.2).answer is Answer.NO
    assert judge(ordered, overall=0.2, too_few=1).answer is Answer.OPEN
    assert judge([GroupMeasure("Women", fine)]).answer is Answer.OPEN
    assert judge([]).answer is Answer.OPEN


def groups_inside(**inside: int) -> list[GroupMeasure]:
    """Groups of 300 ratings each, so many of them in the range, with an order above chance."""
    ordered = (0.1, 0.2, 0.3)
    return [GroupMeasure(name, share_of(each, 300), ordered) for name, each in inside.items()]


def test_nobody_is_worse_off_where_the_range_is_too_narrow_for_everybody() -> None:
    groups = groups_inside(women=66, men=69, others=72)
    verdict = worse_verdict(groups, LEVEL, everybody=share_of(207, 900), overall=0.2)
    assert verdict.answer is not Answer.YES
    assert verdict.figure.endswith(
        "The range is too narrow for everybody: 23% of 900 ratings fell in it; 90% should."
    )
    many = [GroupMeasure(each, share_of(2300, 10_000), (0.1, 0.2, 0.3)) for each in "ab"]
    settled = worse_verdict(many, LEVEL, everybody=share_of(4600, 20_000), overall=0.2)
    assert settled.answer is Answer.NO
    assert "the range holds as many ratings as for the others" in settled.figure


def test_a_group_is_called_worse_off_by_what_the_other_clients_have() -> None:
    verdict = worse_verdict(
        groups_inside(women=30, men=120), LEVEL, everybody=share_of(150, 600), overall=0.2
    )
    assert verdict.answer is Answer.YES
    assert "women: 10% of 300 ratings fell in the range, of the other clients' 40%" in (
        verdict.figure
    )
    assert "men: 40%" not in verdict.figure
    assert "too narrow for everybody" in verdict.figure
    one = worse_verdict(
        groups_inside(women=150, men=270), LEVEL, everybody=share_of(420, 600), overall=0.2
    )
    assert one.answer is Answer.YES
    assert "too narrow for everybody" not in one.figure


def test_a_group_whose_order_is_clearly_below_that_of_all_is_worse_off() -> None:
    share = Share(0.9, 0.88, 0.92, 900)
    below = GroupMeasure("Women", share, (-0.1, 0.0, 0.05))
    judge = partial(worse_verdict, level=LEVEL, everybody=EVERYBODY, overall=0.2)
    assert judge([below]).answer is Answer.YES
    like_all = GroupMeasure("Women", share, (0.1, 0.2, 0.3))
    assert judge([like_all]).answer is Answer.NO


def test_work_is_spread_where_no_tenth_takes_most_first_places() -> None:
    assert spread_verdict(share_of(200, 1000), 0.15).answer is Answer.YES
    assert spread_verdict(share_of(800, 1000), 0.15).answer is Answer.NO
    assert spread_verdict(share_of(6, 10), 0.15).answer is Answer.OPEN
    assert spread_verdict(None, None).answer is Answer.OPEN


@pytest.mark.parametrize(
    ("clinicians", "whom"),
    [
        (None, "one of the most-recommended tenth of clinicians came first"),
        (8, "the most-recommended clinician of 8 came first"),
        (40, "one of the most-recommended 4 clinicians of 40 came first"),
    ],
)
def test_who_takes_first_places_is_counted_in_clinicians(clinicians: int | None, whom: str) -> None:
    verdict = spread_verdict(share_of(1, 1), 0.1, clinicians)
    assert f"of 1 request {whom}" in verdict.figure
    assert "of 1 client" in spread_verdict(share_of(1, 1), 0.1, clinicians, of="client").figure
    assert "About 5 requests would settle it" in verdict.needs
    assert spread_verdict(share_of(5, 5), 0.1, clinicians).answer is Answer.NO


def test_every_question_is_answered_from_a_report() -> None:
    report = a_report(
        ranges=[held("all rated", 0.7, rated=900, high=0.75), held("client.gender=woman", 0.9)],
        groups=[group("ours", (0.2, 0.1, 0.3))],
        concentration=concentrated(0.95),
    )
    answers = [each.answer for each in verdicts_of(report, LEVEL)]
    assert answers == [Answer.NO, Answer.SHOWN, Answer.SHOWN, Answer.OPEN, Answer.NO]


def test_a_claim_is_answered_with_shown_or_not_shown_yet_and_what_it_would_take() -> None:
    report = a_report(cross_fitted=crossed(dyad=(0.1, -0.1, 0.3), rated=100))
    _, matching, order, *_ = verdicts_of(report, LEVEL)
    assert matching.answer is order.answer is Answer.NOT_SHOWN
    assert "About 400 ratings in all would show it" in matching.needs


def test_the_spread_of_an_earlier_report_is_beside_a_random_order() -> None:
    report = report_facts(exposure=[exposed("ours", 0.95), exposed("random", 0.15)])
    del report["concentration"]
    spread = verdicts_of(report_from(report), LEVEL)[-1]
    assert spread.answer is Answer.NO
    assert "with an even spread it would be 15%" in spread.figure
    spread = verdicts_of(a_report(concentration=concentrated(0.95)), LEVEL)[-1]
    assert "one of the most-recommended 4 clinicians of 40 came first; in a random order" in (
        spread.figure
    )


def test_clients_of_a_training_are_not_called_requests() -> None:
    report = a_report(concentration=concentrated(0.95))
    spread = verdicts_of(report, LEVEL)[-1]
    assert "of 200 clients one of the most-recommended" in spread.figure
    facts = report_facts(exposure=[exposed("ours", 0.95), exposed("random", 0.15)])
    del facts["concentration"]
    for each in (report, report_from(facts), EvaluationReport()):
        spread = verdicts_of(each, LEVEL)[-1]
        assert "request" not in f"{spread.figure} {spread.needs}"


def test_a_model_that_was_not_measured_is_not_yet_known_in_everything() -> None:
    report = EvaluationReport.from_json(json.dumps({"mode": "evidence_prior"}))
    verdicts = verdicts_of(report, LEVEL)
    assert {each.answer for each in verdicts} == {Answer.OPEN, Answer.NOT_SHOWN}
    assert all(each.needs for each in verdicts)
