"""What is estimated from lots is what would be, had each client seen everyone of theirs alike."""

from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np
import pytest

from recommender.cli.evaluation_tables import randomised_note
from recommender.model.evaluation_report import PARTIAL
from recommender.training import held_out
from recommender.training.baselines import OURS, learners_for
from recommender.training.dataset import Dataset, dataset_of
from recommender.training.evaluate import Evaluation, evaluate
from recommender.training.figures import ends_of, mean_rated
from recommender.training.folds import forward
from recommender.training.held_out import CLIP, effective_size, inverse_chance
from recommender.training.metrics import Floats, client_adjusted_partial
from recommender.training.report import report_of
from recommender.training.tree_fitting import FitSettings
from tests.support.builders import a_practice, some_rows, tables_of

QUICK = FitSettings(fewest_for_trees=10_000, folds=3)
CLIENTS, CLINICIANS = 400, 40


def rows_of(label: Floats, clinician: Any, chance: Floats) -> held_out.HeldOut:
    """Rated rows of as many clients, each with one clinician."""
    n, nothing = len(label), np.zeros(len(label))
    codes = np.arange(n)
    return held_out.HeldOut(
        label=label,
        expected=nothing,
        client=codes,
        clinician=np.asarray(clinician, dtype=np.int64),
        fold=np.zeros(n, dtype=np.int64),
        began=codes,
        clinician_ratings=codes,
        rank_share=nothing,
        low=nothing,
        high=nothing,
        chance=chance,
        lowest=1.0,
    )


def a_draw(rng: np.random.Generator) -> tuple[held_out.HeldOut, float]:
    """Ratings of a practice that draws lots, and what everyone of every lot would have got.

    The larger a client's lot, the less each of it suits: a mean that does not know the lots is too
    high.
    """
    quality = rng.normal(0, 0.2, CLINICIANS)
    sizes = rng.integers(1, 6, CLIENTS)
    label, chosen, everyone = np.zeros(CLIENTS), np.zeros(CLIENTS, dtype=np.int64), []
    for client, size in enumerate(sizes.tolist()):
        lot = rng.choice(CLINICIANS, size, replace=False)
        true = 4.2 - 0.15 * size + quality[lot]
        everyone.append(true)
        drawn = int(rng.integers(size))
        chosen[client], label[client] = lot[drawn], true[drawn] + rng.normal(0, 0.3)
    return rows_of(label, chosen, 1 / sizes), float(np.concatenate(everyone).mean())


def test_the_mean_over_lots_is_unbiased_where_the_plain_one_is_not() -> None:
    rng = np.random.default_rng(7)
    apart, plain = [], []
    for _ in range(150):
        tested, truth = a_draw(rng)
        apart.append(float(np.average(tested.label, weights=tested.weights)) - truth)
        plain.append(float(tested.label.mean()) - truth)
    error = np.std(apart) / np.sqrt(len(apart))

    assert abs(np.mean(apart)) < 4 * error
    assert error < 0.005
    assert np.mean(plain) > 0.05


def test_its_interval_covers_the_truth() -> None:
    rng, covered = np.random.default_rng(8), []
    for number in range(40):
        tested, truth = a_draw(rng)
        _, low, high = ends_of(mean_rated(tested, seed=number, draws=100))
        covered.append(low <= truth <= high)

    # 38 of 40 are expected of an interval of 95 %; 33 or fewer come up once in a hundred times.
    assert sum(covered) >= 34


def test_a_lot_of_three_counts_three_times_and_no_lot_once() -> None:
    weights = inverse_chance(np.array([1 / 3, 1.0, np.nan, 0.001]))

    assert weights.mean() == pytest.approx(1.0)
    assert (weights / weights[1]).tolist() == pytest.approx([3, 1, 1, 1 / CLIP])
    assert (inverse_chance(np.full(5, np.nan)) == 1.0).all()
    assert inverse_chance(np.zeros(0)).size == 0


def test_unequal_weights_say_less_than_as_many_equal_ones() -> None:
    assert effective_size(np.ones(7)) == pytest.approx(7)
    # (3 + 1)^2 / (9 + 1)
    assert effective_size(np.array([3.0, 1.0])) == pytest.approx(1.6)
    assert effective_size(np.zeros(0)) == 0.0


@cache
def a_world(lots: bool) -> Dataset:
    rows = some_rows(pairings=500, seed=5)
    if not lots:
        return dataset_of(tables_of(rows), a_practice())
    drawn = [
        row | {"propensity": ("", "1", "0.5", "0.25")[place % 4]}
        for place, row in enumerate(rows["pairings"])
    ]
    return dataset_of(tables_of({**rows, "pairings": drawn}), a_practice())


@cache
def an_evaluation(lots: bool) -> Evaluation:
    dataset = a_world(lots)
    learners = {OURS: learners_for(dataset, None)[OURS]}
    return evaluate(dataset, forward(dataset, 0.4), QUICK, draws=20, learners=learners)


def test_figures_weigh_by_the_lots_that_are_known_and_learning_does_not() -> None:
    evaluation, plain = an_evaluation(True), an_evaluation(False)
    tested, learner_scores = evaluation.held_out, evaluation.scores[OURS]
    rated = tested.is_rated
    found = client_adjusted_partial(
        learner_scores.pairing[rated],
        tested.label[rated],
        tested.expected[rated],
        tested.weights[rated],
    )

    assert np.array_equal(learner_scores.pairing, plain.scores[OURS].pairing)
    assert len(np.unique(tested.weights)) == 3
    assert evaluation.value(OURS, PARTIAL) == pytest.approx(found)
    assert evaluation.value(OURS, PARTIAL) != pytest.approx(plain.value(OURS, PARTIAL))


def test_a_report_says_what_came_of_lots_only_where_there_were_any() -> None:
    evaluation = an_evaluation(True)
    report, plain = (
        report_of(evaluation, a_practice()),
        report_of(an_evaluation(False), a_practice()),
    )
    randomised = report.randomised

    drawn = evaluation.held_out.is_rated & (evaluation.held_out.chance < 1)
    assert set(report.to_dict()) - set(plain.to_dict()) == {"by_lot"}
    assert randomised is not None
    assert randomised.rated == drawn.sum()
    assert (randomised.effective or 0) < (report.rated or 0)
    assert (randomised.low or 0) < (randomised.mean or 0) < (randomised.high or 0)
    assert randomised_note(plain) == ()
    assert f"{randomised.rated} of the ratings" in str(randomised_note(report)[0])


def test_of_too_few_people_nothing_is_said() -> None:
    evaluation = an_evaluation(True)
    chance = evaluation.held_out.chance.copy()
    chance[np.flatnonzero(chance < 1)[5:]] = np.nan
    few = replace(evaluation, held_out=replace(evaluation.held_out, chance=chance))

    assert report_of(few, a_practice()).randomised is None
