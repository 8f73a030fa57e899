"""The report: plain values, nothing unsaid written as a number, nobody told of alone."""

import json
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from recommender.model.evaluation_report import (
    ALL_RATED,
    COMPOSITE,
    FIRST_RANKED,
    NEW_CLINICIANS,
    PARTIAL,
)
from recommender.training.artifacts import write_evaluation
from recommender.training.baselines import (
    CHAMPION,
    LEARNERS,
    OURS,
    RANDOM,
    LearnerScores,
)
from recommender.training.evaluate import Evaluation, evaluate, groups_of
from recommender.training.figures import figure_of
from recommender.training.folds import clients_left_out, forward
from recommender.training.plots import draw
from recommender.training.report import (
    FIRST_TENTH,
    MIN_GROUP_SIZE,
    OURS_MINUS_CHAMPION,
    optimism,
    report_of,
)
from tests.support.builders import a_practice
from tests.support.evaluations import QUICK, a_world, an_evaluation

KEYS = {
    "mode", "folds", "rated", "left_unrated", "figures", "by_fold", "ours_minus", "ranges",
    "first_ranked", "groups", "groups_too_few", "exposure", "concentration",
    "optimism", "dropout_sensitivity", "gains_by_part",
}  # fmt: skip


@cache
def a_report() -> dict[str, Any]:
    return facts_of(an_evaluation())


def facts_of(evaluation: Evaluation) -> dict[str, Any]:
    """The JSON of its report."""
    return report_of(evaluation, a_practice()).to_dict()


def row(part: str, **named: str) -> dict[str, Any]:
    (found,) = (
        row for row in a_report()[part] if all(row[key] == told for key, told in named.items())
    )
    return dict(found)


def test_a_report_is_plain_json_with_every_part() -> None:
    assert set(a_report()) == KEYS
    assert json.loads(json.dumps(a_report(), allow_nan=False)) == a_report()
    assert a_report()["rated"] == an_evaluation().held_out.is_rated.sum()
    assert a_report()["left_unrated"] == np.isnan(an_evaluation().held_out.label).sum()


def test_what_cannot_be_said_is_none_and_never_nan() -> None:
    evaluation = an_evaluation()
    nothing = {metric: dict.fromkeys(by, np.full(21, np.nan)) for metric, by in
               evaluation.beside_champion.items()}  # fmt: skip
    report = facts_of(replace(evaluation, beside_champion=nothing))
    (found,) = (
        row for row in report["ours_minus"]
        if row["baseline"] == CHAMPION and row["metric"] == COMPOSITE
    )  # fmt: skip

    assert [found[end] for end in ("value", "low", "high")] == [None, None, None]
    json.dumps(report, allow_nan=False)


def test_ours_is_told_beside_each_baseline_in_four_figures() -> None:
    told = {(row["baseline"], row["metric"]) for row in a_report()["ours_minus"]}

    assert len(told) == len(a_report()["ours_minus"]) == 4 * 2
    own, other = (an_evaluation().value(name, COMPOSITE) for name in (OURS, RANDOM))
    assert row("ours_minus", baseline=RANDOM, metric=COMPOSITE)["value"] == pytest.approx(
        own - other
    )


def test_coverage_is_counted_among_those_first_ranked() -> None:
    tested = an_evaluation().held_out
    chosen = tested.is_rated & (tested.rank_share < FIRST_TENTH)
    inside = (tested.low <= tested.label) & (tested.label <= tested.high)
    said = an_evaluation().scores[OURS].alliance
    told = row("ranges", among=FIRST_RANKED)

    assert 0 < told["rated"] == chosen.sum() < tested.is_rated.sum()
    assert told["coverage"] == pytest.approx(inside[chosen].mean())
    assert told["bias"] == pytest.approx((said - tested.label)[chosen].mean())
    assert told["low"] <= told["coverage"] <= told["high"]


def test_among_nobody_the_coverage_cannot_be_said() -> None:
    assert (an_evaluation().held_out.clinician_ratings > 0).all()
    told = row("ranges", among=NEW_CLINICIANS)

    assert told["rated"] == 0
    ends = ("coverage", "low", "high", "width", "bias")
    assert [told[end] for end in ends] == [None] * len(ends)


def test_every_audited_answer_is_a_group_and_nothing_else_is() -> None:
    dataset = a_world()
    groups = groups_of(dataset.practice, dataset.clients)

    audited = [name for name, f in dataset.practice.client.items() if f.use == "audit"]
    assert audited
    assert {name.split(".")[1].split("=")[0] for name in groups} <= set(audited)


def test_a_practice_that_audits_nothing_is_told_of_by_what_it_asks() -> None:
    dataset = a_world()
    kept = {name: f for name, f in dataset.practice.client.items() if f.use != "audit"}
    groups = groups_of(replace(dataset.practice, client=kept), dataset.clients)

    anxious = groups["client.concern=anxiety"]
    place = dataset.practice.client["concern"].levels.index("anxiety")
    assert np.array_equal(anxious, dataset.clients["concern"] == place)
    # Of the tags a client named, each is a group.
    assert groups["client.wanted=cbt"].any()


def test_a_group_in_which_a_person_could_be_found_is_counted_and_not_told_of() -> None:
    few = np.zeros(len(an_evaluation().held_out), bool)
    few[: MIN_GROUP_SIZE - 1] = True
    enough = few.copy()
    enough[MIN_GROUP_SIZE - 1] = True
    evaluation = replace(an_evaluation(), groups={"few": few, "enough": enough})
    report = facts_of(evaluation)

    assert report["groups_too_few"] == 1
    for part in ("ranges", "groups"):
        names = {row["among"] for row in report[part]}
        assert "enough" in names
        assert "few" not in names


def test_a_group_of_many_ratings_by_few_people_is_not_told_of() -> None:
    evaluation = an_evaluation()
    tested = evaluation.held_out
    client = np.where(np.arange(len(tested)) < 60, 0, tested.client)
    one = (client == 0) & tested.is_rated
    assert one.sum() >= MIN_GROUP_SIZE
    report = facts_of(
        replace(evaluation, held_out=replace(tested, client=client), groups={"one": one})
    )

    assert report["groups_too_few"] == 1
    assert "one" not in {row["among"] for row in report["ranges"]}


def new_to_the_practice(count: int) -> Evaluation:
    """The evaluation, in which so many rated pairings are with clinicians nobody had rated."""
    tested = an_evaluation().held_out
    known = tested.clinician_ratings.copy()
    known[np.flatnonzero(tested.is_rated)[:count]] = 0
    return replace(an_evaluation(), held_out=replace(tested, clinician_ratings=known))


@pytest.mark.parametrize("count", [1, MIN_GROUP_SIZE - 1])
def test_ratings_of_few_people_for_new_clinicians_are_told_of_as_none(count: int) -> None:
    (found,) = (
        row for row in facts_of(new_to_the_practice(count))["ranges"]
        if row["among"] == NEW_CLINICIANS
    )  # fmt: skip

    assert found["rated"] == 0
    ends = ("coverage", "low", "high", "width", "bias")
    assert {found[end] for end in ends} == {None}


def test_ratings_of_enough_people_for_new_clinicians_are_told_of() -> None:
    (found,) = (
        row for row in facts_of(new_to_the_practice(MIN_GROUP_SIZE))["ranges"]
        if row["among"] == NEW_CLINICIANS
    )  # fmt: skip

    assert found["rated"] == MIN_GROUP_SIZE
    assert 0 <= found["coverage"] <= 1


def judged_on(count: int) -> Evaluation:
    """The evaluation, in which so many rated pairings began after the champion was made."""
    evaluation = an_evaluation()
    rated = np.flatnonzero(evaluation.held_out.is_rated)[:count]
    nothing = np.full(len(evaluation.held_out), np.nan)
    learner_scores = LearnerScores(nothing.copy(), nothing.copy())
    learner_scores.pairing[rated] = evaluation.scores[OURS].pairing[rated]
    learner_scores.alliance[rated] = evaluation.scores[OURS].alliance[rated]
    return replace(evaluation, scores={**evaluation.scores, CHAMPION: learner_scores})


@pytest.mark.parametrize("count", [0, 1, MIN_GROUP_SIZE - 1])
def test_a_champion_that_few_people_can_judge_is_told_without_figures(count: int) -> None:
    report = facts_of(judged_on(count))

    for part in ("figures", "by_fold"):
        assert CHAMPION not in {row["learner"] for row in report[part]}
    beside = [row for row in report["ours_minus"] if row["baseline"] == CHAMPION]
    beside += [row for row in report["groups"] if row["learner"] == OURS_MINUS_CHAMPION]
    # The gate looks for these rows, and says of each that it rests on too little.
    assert {row["metric"] for row in beside} == {COMPOSITE, "dyad partial", PARTIAL, "RMSE"}
    assert {(row["value"], row["low"], row["high"], row["rated"]) for row in beside} == {
        (None, None, None, 0)
    }
    json.dumps(report, allow_nan=False)


def test_a_group_few_of_whom_can_judge_the_champion_is_told_without_it() -> None:
    evaluation = judged_on(3 * MIN_GROUP_SIZE)
    rated = np.flatnonzero(evaluation.held_out.is_rated)
    among = np.zeros(len(evaluation.held_out), bool)
    among[rated[2 * MIN_GROUP_SIZE + 1 :]] = True
    report = facts_of(replace(evaluation, groups={"some": among}))
    told = {row["learner"]: row for row in report["groups"] if row["rated"] == 0}

    assert told[OURS_MINUS_CHAMPION]["value"] is None
    assert told[CHAMPION]["value"] is None
    assert max(row["rated"] for row in report["groups"]) == among.sum()


def test_a_fold_in_which_few_people_rated_is_not_told_of() -> None:
    evaluation = an_evaluation()
    fold = np.zeros(len(evaluation.held_out), dtype=np.int64)
    fold[: MIN_GROUP_SIZE - 1] = 1
    by_fold = evaluation.by_fold
    two = pd.concat([by_fold, by_fold.assign(fold="few")], ignore_index=True)
    parted = replace(
        evaluation, held_out=replace(evaluation.held_out, fold=fold), by_fold=two,
        folds=("forward", "few"),
    )  # fmt: skip

    assert {row["fold"] for row in facts_of(parted)["by_fold"]} == {"forward"}


def test_a_group_is_told_beside_the_champion_on_what_judges_both() -> None:
    evaluation = an_evaluation()
    half = np.arange(len(evaluation.held_out)) % 2 == 0
    report = facts_of(replace(evaluation, groups={"half": half}))
    told = {row["learner"]: row for row in report["groups"]}
    judged = half & evaluation.counted(CHAMPION)
    own, other = (
        figure_of(PARTIAL, evaluation.held_out.take(judged), evaluation.scores[n].take(judged))
        for n in (OURS, CHAMPION)
    )

    assert set(told) == {OURS, CHAMPION, OURS_MINUS_CHAMPION}
    assert told[CHAMPION]["value"] == pytest.approx(other)
    assert told[OURS_MINUS_CHAMPION]["value"] == pytest.approx(own - other)
    assert told[OURS]["rated"] == (half & evaluation.held_out.is_rated).sum()


def test_predictions_promise_more_once_those_who_left_are_counted_low() -> None:
    told = a_report()["optimism"]
    tested, said = an_evaluation().held_out, an_evaluation().scores[OURS].alliance
    rated = tested.is_rated

    assert told["rated"] == pytest.approx((said - tested.label)[rated].mean())
    # Half a point higher for everybody is half a point more optimistic.
    by_learner = an_evaluation().scores
    moved = {**by_learner, OURS: replace(by_learner[OURS], alliance=said + 0.5)}
    higher = optimism(replace(an_evaluation(), scores=moved))
    assert higher.with_left == pytest.approx(told["with_left"] + 0.5)
    assert told["with_left"] > told["rated"]


def test_the_composite_is_told_for_three_ways_to_count_those_who_left() -> None:
    told = {row["quantile"]: row["composite"] for row in a_report()["dropout_sensitivity"]
            if row["learner"] == OURS}  # fmt: skip

    assert sorted(told) == [0.05, 0.15, 0.30]
    assert told[0.15] == pytest.approx(an_evaluation().value(OURS, COMPOSITE))
    assert len(set(told.values())) == 3


def test_without_dropouts_nothing_is_reported_of_how_they_are_imputed(tmp_path: Path) -> None:
    learners = {name: LEARNERS[name] for name in (OURS, RANDOM)}
    folds = clients_left_out(a_world(), 2)
    evaluation = evaluate(a_world(), folds, QUICK, draws=2, learners=learners)
    report = report_of(evaluation, a_practice())

    assert evaluation.value(OURS, COMPOSITE) == evaluation.value(OURS, PARTIAL)
    assert report.dropout_sensitivity == ()
    drawn = draw(evaluation, a_practice())
    assert COMPOSITE not in set(drawn["baselines"].numbers["metric"])
    write_evaluation(tmp_path, report, drawn)
    for name in ("evaluation.csv", "report.json", "baselines.csv"):
        text = (tmp_path / name).read_text()
        assert PARTIAL in text
        assert COMPOSITE not in text


def test_without_a_champion_nothing_is_said_of_one() -> None:
    learners = {OURS: LEARNERS[OURS]}
    evaluation = evaluate(a_world(), forward(a_world(), 0.4), QUICK, draws=2, learners=learners)
    report = facts_of(evaluation)

    assert report["ours_minus"] == []
    assert {row["learner"] for row in report["groups"]} <= {OURS}
    assert {row["among"] for row in report["ranges"]} >= {ALL_RATED, FIRST_RANKED}
