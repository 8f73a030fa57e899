"""Figures that cannot be fooled: decoys score what they are worth."""

from dataclasses import replace
from functools import cache, partial

import numpy as np
import pytest

from recommender.features.pipeline import Pairs
from recommender.model.alliance_model import AllianceModel
from recommender.model.evidence_prior import evidence_model
from recommender.training import metrics
from recommender.training.baselines import (
    ADDITIVE,
    AVERAGE,
    CHAMPION,
    LEARNERS,
    OURS,
    POPULARITY,
    PRIOR,
    RANDOM,
    LearnerScores,
    encode_clinicians,
    learners_for,
)
from recommender.training.bootstrap import bootstrap
from recommender.training.dataset import EPOCH, Dataset, dataset_of
from recommender.training.evaluate import (
    Evaluation,
    evaluate,
    ours_minus,
)
from recommender.training.figures import figure_of
from recommender.training.fit import fit
from recommender.training.folds import clients_left_out, forward
from tests.support.builders import QUICK, a_practice, some_rows, tables_of

PARTIALS = ("client-adjusted partial", "dyad partial", "composite")


@cache
def a_world() -> Dataset:
    return dataset_of(tables_of(some_rows(pairings=1200, seed=5)), a_practice())


@cache
def an_evaluation() -> Evaluation:
    return evaluate(a_world(), forward(a_world(), 0.4), QUICK, draws=40)


def measured(pairing: np.ndarray, metric: str) -> float:
    tested = an_evaluation().held_out
    learner_scores = LearnerScores(pairing, tested.expected + pairing)
    return figure_of(metric, tested, learner_scores)


@pytest.mark.parametrize("metric", PARTIALS)
def test_a_model_that_only_knows_the_client_orders_nobody(metric: str) -> None:
    assert measured(an_evaluation().held_out.expected, metric) == pytest.approx(0, abs=1e-9)
    assert measured(3 - 2 * an_evaluation().held_out.expected, metric) == pytest.approx(0, abs=1e-9)


@pytest.mark.parametrize("metric", PARTIALS)
def test_a_constant_orders_nobody(metric: str) -> None:
    assert measured(np.full(len(an_evaluation().held_out.label), 4.2), metric) == 0


def test_a_model_that_only_knows_who_is_popular_has_no_dyad_partial() -> None:
    evaluation = an_evaluation()

    assert measured(evaluation.scores[AVERAGE].pairing, "dyad partial") == pytest.approx(
        0, abs=1e-9
    )
    assert evaluation.value(AVERAGE, "client-adjusted partial") != 0


def test_the_ratings_themselves_as_a_score_have_every_partial_of_one() -> None:
    tested = an_evaluation().held_out
    label = np.where(np.isnan(tested.label), 0, tested.label)

    assert measured(label, "client-adjusted partial") == pytest.approx(1)
    assert measured(label, "dyad partial") == pytest.approx(1)


@pytest.mark.parametrize("metric", PARTIALS)
def test_adding_what_the_client_says_to_a_score_changes_nothing(metric: str) -> None:
    own = an_evaluation().scores[OURS].pairing

    moved = own + 5 * an_evaluation().held_out.expected
    assert measured(moved, metric) == pytest.approx(measured(own, metric), abs=1e-9)


@pytest.mark.parametrize("metric", PARTIALS)
def test_where_there_is_something_to_learn_ours_finds_it(metric: str) -> None:
    evaluation = an_evaluation()
    row = evaluation.table.query("learner == @OURS and metric == @metric").iloc[0]

    assert row["low"] > 0
    assert evaluation.value(OURS, metric) > evaluation.value(RANDOM, metric) + 0.2
    assert evaluation.value(OURS, metric) > evaluation.value(AVERAGE, metric)


def test_where_ratings_are_shuffled_there_is_nothing_to_find() -> None:
    dataset, rng = a_world(), np.random.default_rng(1)
    rows = dataset.early.rows.copy()
    rows["pomp"] = rng.permutation(rows["pomp"].to_numpy())
    shuffled = replace(dataset, early=replace(dataset.early, rows=rows))
    null = evaluate(shuffled, forward(shuffled, 0.4), QUICK, draws=2)
    own, tested = null.scores[OURS], null.held_out

    interval = bootstrap(
        lambda weights: figure_of("dyad partial", tested, own, weights),
        tested.client,
        tested.clinician,
        seed=0,
    )
    assert np.isnan(interval.value) or interval.low <= 0 <= interval.high


def test_every_learner_is_measured_on_the_same_rows() -> None:
    evaluation = an_evaluation()

    assert set(evaluation.scores) == set(LEARNERS)
    for learner_scores in evaluation.scores.values():
        assert len(learner_scores.pairing) == len(evaluation.held_out.label)


def test_clients_who_left_before_rating_are_asked_too() -> None:
    (fold,) = forward(a_world(), 0.4)
    tested = an_evaluation().held_out

    assert len(fold.dropouts)
    assert np.isnan(tested.label).sum() == len(fold.dropouts)
    assert tested.rated.sum() == len(fold.test)


def test_values_lie_within_their_intervals() -> None:
    table = an_evaluation().table

    assert (table["low"] <= table["high"]).all()
    assert ((table["low"] - 0.1 <= table["value"]) & (table["value"] <= table["high"] + 0.1)).all()


def test_orders_within_clients_are_not_reported_where_each_rated_once() -> None:
    evaluation = an_evaluation()

    assert not set(evaluation.table["metric"]) & {"Spearman", "NDCG@5", "pairs in order"}
    assert np.isnan(evaluation.value(OURS, "NDCG@5"))


def test_folds_by_client_measure_every_rating_once() -> None:
    dataset = a_world()
    evaluation = evaluate(dataset, clients_left_out(dataset, 3), QUICK, draws=2)

    assert evaluation.folds == ("clients 1", "clients 2", "clients 3")
    assert len(evaluation.held_out.label) == len(dataset)


def test_the_stated_range_holds_about_as_many_later_ratings_as_it_says() -> None:
    tested = an_evaluation().held_out
    inside = (tested.low <= tested.label) & (tested.label <= tested.high)

    assert inside[tested.is_rated].mean() == pytest.approx(0.9, abs=0.07)


def test_ours_is_compared_with_each_baseline_on_the_same_draws() -> None:
    evaluation = an_evaluation()
    told = ours_minus(evaluation, "composite").set_index("baseline")

    assert OURS not in told.index
    own = evaluation.value(OURS, "composite")
    for name in (RANDOM, AVERAGE):
        expected = own - evaluation.value(name, "composite")
        assert told["value"].to_dict()[name] == pytest.approx(expected)
    assert told["low"].to_dict()[RANDOM] > 0


def test_lists_of_one_client_in_two_folds_are_never_ranked_together() -> None:
    tested = replace(
        an_evaluation().held_out,
        client=np.zeros(4, dtype=np.int64),
        fold=np.array([0, 0, 1, 1]),
    )

    assert (
        tested.client_in_fold[0]
        == tested.client_in_fold[1]
        != tested.client_in_fold[2]
        == tested.client_in_fold[3]
    )


def test_popularity_measured_over_folds_is_never_mistaken_for_matching() -> None:
    evaluation = evaluate(a_world(), clients_left_out(a_world(), 3), QUICK, draws=20)

    assert evaluation.value(ADDITIVE, "dyad partial") == pytest.approx(0, abs=1e-9)
    assert evaluation.value(AVERAGE, "dyad partial") == pytest.approx(0, abs=1e-9)


# The champion


@cache
def a_champion() -> AllianceModel:
    """Learned from the first half; most of the tested pairings began later."""
    dataset = a_world()
    return fit(dataset, np.arange(len(dataset) // 2), QUICK).model


@cache
def beside_a_champion() -> Evaluation:
    learners = {OURS: LEARNERS[OURS], RANDOM: LEARNERS[RANDOM]}
    champion = replace(a_champion(), manifest=replace(a_champion().manifest, known_until=day(0.7)))
    everyone = learners_for(a_world(), champion)
    chosen = learners | {CHAMPION: everyone[CHAMPION]}
    folds = forward(a_world(), 0.4)
    return evaluate(a_world(), folds, QUICK, draws=40, champion=champion, learners=chosen)


def day(share: float) -> str:
    """The day by which this share of the pairings had begun."""
    return str(EPOCH + int(np.quantile(a_world().started, share, method="higher")))


def test_a_champion_is_judged_only_on_pairings_that_began_after_it_last_learned() -> None:
    evaluation = beside_a_champion()
    until = int((np.datetime64(day(0.7), "D") - EPOCH).astype(int))
    judged = evaluation.counted(CHAMPION)

    assert 0 < judged.sum() < len(judged)
    assert np.array_equal(judged, evaluation.held_out.began > until)
    assert evaluation.counted(OURS).all()


def test_ours_is_compared_with_the_champion_only_where_both_are_judged() -> None:
    evaluation = beside_a_champion()
    told = ours_minus(evaluation, "composite").set_index("baseline")
    rows = evaluation.counted(CHAMPION)
    tested = evaluation.held_out.take(rows)
    own, other = (
        figure_of("composite", tested, evaluation.scores[name].take(rows))
        for name in (OURS, CHAMPION)
    )

    assert told["value"].to_dict()[CHAMPION] == pytest.approx(own - other)
    assert told["rated"].to_dict() == {
        RANDOM: int(evaluation.held_out.is_rated.sum()), CHAMPION: int(tested.is_rated.sum())
    }  # fmt: skip
    assert evaluation.value(CHAMPION, "composite") == pytest.approx(other)


def test_a_champion_beside_itself_is_no_better_than_itself() -> None:
    (fold,) = forward(a_world(), 0.4)
    same = fit(a_world(), fold.train, QUICK).model
    learners = {OURS: LEARNERS[OURS], CHAMPION: learners_for(a_world(), same)[CHAMPION]}
    evaluation = evaluate(a_world(), (fold,), QUICK, draws=10, champion=same, learners=learners)

    for metric in ("composite", "dyad partial", "RMSE"):
        (row,) = ours_minus(evaluation, metric).to_dict("records")
        assert (row["value"], row["low"], row["high"]) == pytest.approx((0, 0, 0), abs=1e-12)


def test_a_champion_that_never_learned_is_judged_on_every_pairing() -> None:
    dataset = a_world()
    champion = evidence_model(
        dataset.practice, dataset.clinicians, dataset.clinician_ids, data_digest="", created_at=""
    )
    learners = learners_for(dataset, champion)
    chosen = {name: learners[name] for name in (OURS, PRIOR, CHAMPION)}
    folds = forward(dataset, 0.4)
    evaluation = evaluate(dataset, folds, QUICK, draws=10, champion=champion, learners=chosen)

    assert evaluation.counted(CHAMPION).all()
    # Its order is that of the declared sizes, in another unit.
    assert evaluation.value(CHAMPION, "composite") == pytest.approx(
        evaluation.value(PRIOR, "composite"), abs=0.02
    )


@pytest.mark.parametrize("metric", PARTIALS)
def test_a_champion_no_tested_pairing_is_later_than_cannot_be_compared(metric: str) -> None:
    champion = replace(a_champion(), manifest=replace(a_champion().manifest, known_until=day(1)))
    learners = {OURS: LEARNERS[OURS], CHAMPION: learners_for(a_world(), champion)[CHAMPION]}
    folds = forward(a_world(), 0.4)
    evaluation = evaluate(a_world(), folds, QUICK, draws=2, champion=champion, learners=learners)
    (row,) = ours_minus(evaluation, metric).to_dict("records")

    assert row["rated"] == 0
    assert np.isnan([row["value"], row["low"], row["high"]]).all()
    assert np.isnan(evaluation.value(CHAMPION, metric))


# Figures by draw


def test_figures_by_draw_are_those_of_one_draw_after_another() -> None:
    evaluation = an_evaluation()
    tested = evaluation.held_out
    for learner, metric in ((OURS, "composite"), (RANDOM, "dyad partial"), (OURS, "RMSE")):
        learner_scores = evaluation.scores[learner]
        interval = bootstrap(
            partial(figure_of, metric, tested, learner_scores),
            tested.client, tested.clinician, seed=evaluation.seed, draws=evaluation.draws,
        )  # fmt: skip
        row = evaluation.table.query("learner == @learner and metric == @metric").iloc[0]
        assert (row["value"], row["low"], row["high"]) == pytest.approx(
            (interval.value, interval.low, interval.high)
        )


def test_the_figures_say_what_the_plain_metrics_say() -> None:
    evaluation = an_evaluation()
    tested, learner_scores = evaluation.held_out, evaluation.scores[OURS]
    weights = np.random.default_rng(3).integers(0, 4, len(tested)).astype(float)
    rated = weights * tested.rated
    label, part, said = tested.label, tested.expected, learner_scores.pairing
    plain = {
        "client-adjusted partial": metrics.client_adjusted_partial(said, label, part, rated),
        "dyad partial": metrics.dyad_partial(said, label, part, tested.clinician_in_fold, rated),
        "composite": metrics.composite(said, label, part, weights),
    }
    rows = tested.is_rated
    error = (learner_scores.alliance - label)[rows]
    plain["RMSE"] = np.sqrt(np.average(error**2, weights=rated[rows]))
    plain["calibration slope"] = np.polyfit(
        said[rows], (label - part)[rows], 1, w=np.sqrt(rated[rows])
    )[0]

    for metric, expected in plain.items():
        assert figure_of(metric, tested, learner_scores, weights) == pytest.approx(expected)


def test_a_pairing_that_was_not_rated_takes_no_part_where_only_ratings_count() -> None:
    tested, learner_scores = an_evaluation().held_out, an_evaluation().scores[OURS]
    moved = replace(learner_scores, pairing=np.where(tested.is_rated, learner_scores.pairing, 99.0))

    for metric in ("client-adjusted partial", "dyad partial", "calibration slope"):
        assert figure_of(metric, tested, moved) == figure_of(metric, tested, learner_scores)
    assert figure_of("composite", tested, moved) != figure_of("composite", tested, learner_scores)


def test_every_fold_has_its_own_figures() -> None:
    evaluation = evaluate(
        a_world(), clients_left_out(a_world(), 3), QUICK, draws=2, learners={OURS: LEARNERS[OURS]}
    )
    table = evaluation.by_fold.query("metric == 'RMSE'").set_index("fold")["value"]
    sizes = np.bincount(evaluation.held_out.fold)

    assert tuple(table.index) == evaluation.folds
    # Squared errors of all rows are those of the folds together.
    whole = np.sqrt((table.to_numpy() ** 2 * sizes).sum() / sizes.sum())
    assert evaluation.value(OURS, "RMSE") == pytest.approx(whole)


# Who would stand first


def test_popularity_names_one_clinician_first_for_everybody_and_chance_does_not() -> None:
    shares = an_evaluation().exposure.set_index("learner")

    assert shares["top_share"].to_dict()[POPULARITY] == 1
    clinicians = len(np.unique(an_evaluation().held_out.clinician))
    assert shares["gini"].to_dict()[POPULARITY] == pytest.approx((clinicians - 1) / clinicians)
    assert shares["top_share"].to_dict()[RANDOM] < 0.3
    assert shares["gini"].to_dict()[RANDOM] < shares["gini"].to_dict()[OURS] < 1


def test_the_place_of_a_pairing_is_the_share_of_clinicians_our_score_puts_before_it() -> None:
    dataset = a_world()
    (fold,) = forward(dataset, 0.4)
    model, tested = fit(dataset, fold.train, QUICK).model, an_evaluation().held_out
    encoding, books = encode_clinicians(dataset), np.unique(tested.clinician)
    for row in (0, 7, 101):
        pairs = Pairs(np.repeat(tested.client[row], len(books)), books)
        scores = model.score(dataset.clients, encoding, pairs).pairing
        own = scores[books == tested.clinician[row]]
        assert tested.rank_share[row] == pytest.approx((scores > own).mean())
    assert np.isnan(tested.rank_share[~tested.is_rated]).all()


def test_the_ratings_a_clinician_was_learned_from_are_counted() -> None:
    dataset = a_world()
    (fold,) = forward(dataset, 0.4)
    tested = an_evaluation().held_out

    met = dataset.pairs.clinician[fold.train]
    assert tested.clinician_ratings[5] == (met == tested.clinician[5]).sum()
