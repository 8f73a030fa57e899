"""What cannot match anybody must score nothing, and what can must score something.

On simulated practices read as a practice's own; decoys are learners among the others, measured on
the same pairings and the same draws.
"""

from functools import cache

import lightgbm as lgb
import numpy as np
import pytest

from experiments.null_world.measure import simulated_dataset
from experiments.within_client_ranking import spearman
from recommender.features.pipeline import Pairs
from recommender.model.evaluation_report import COMPOSITE, DYAD, PARTIAL
from recommender.practice.definition import shipped_practice
from recommender.training.baselines import LEARNERS, OURS, POPULARITY, FoldTask, LearnerScores, ours
from recommender.training.evaluate import Evaluation, evaluate
from recommender.training.folds import forward
from tests.support.builders import a_dataset, a_fit

CLIENT_ONLY, SHUFFLED = "client only", "shuffled matches"
RATINGS, CLINICIANS = 1_500, 30


def client_only(trial: FoldTask) -> LearnerScores:
    """Everything a client's answers say of their rating, and nothing of the clinician."""
    learner = lgb.LGBMRegressor(n_estimators=100, num_leaves=6, verbosity=-1, n_jobs=1)
    learner.fit(trial.rows(trial.train_pairs).client, trial.label)
    said = np.asarray(learner.predict(trial.prepared.rows.client), dtype=np.float64)
    return LearnerScores(said, said)


def shuffled_matches(trial: FoldTask) -> LearnerScores:
    """Our model asked about the right clinicians with somebody else's answers."""
    other = np.random.default_rng(trial.seed).permutation(trial.pairs.client)
    moved = Pairs(other, trial.pairs.clinician)
    scores = trial.fitted.model.score(trial.dataset.clients, trial.encoding, moved)
    return LearnerScores(scores.pairing, trial.expected + scores.pairing)


@cache
def measured(world: str) -> Evaluation:
    dataset = simulated_dataset(
        world, shipped_practice(), ratings=RATINGS, clinicians=CLINICIANS, seed=0
    )
    learners = {name: LEARNERS[name] for name in (OURS, POPULARITY)}
    learners |= {CLIENT_ONLY: client_only, SHUFFLED: shuffled_matches}
    return evaluate(dataset, forward(dataset, 0.4), learners=learners)


def ends(world: str, learner: str, metric: str) -> tuple[float, float]:
    row = measured(world).table.query("learner == @learner and metric == @metric").iloc[0]
    return float(row["low"]), float(row["high"])


def check_covers_nothing(world: str, learner: str, metric: str) -> None:
    low, high = ends(world, learner, metric)
    assert low <= 0 <= high


@pytest.mark.parametrize("metric", [PARTIAL, DYAD, COMPOSITE])
def test_where_matches_matter_ours_scores_clearly_more_than_nothing(metric: str) -> None:
    assert ends("high_signal", OURS, metric)[0] > 0.1
    with pytest.raises(AssertionError):
        check_covers_nothing("high_signal", OURS, metric)


@pytest.mark.parametrize("metric", [PARTIAL, DYAD, COMPOSITE])
def test_a_model_of_the_client_alone_scores_nothing(metric: str) -> None:
    check_covers_nothing("high_signal", CLIENT_ONLY, metric)


def test_a_model_of_the_client_alone_looks_good_where_ratings_are_pooled() -> None:
    # Why figures are net of the client: this decoy orders ratings, and no clinician.
    tested, by_learner = measured("high_signal").held_out, measured("high_signal").scores
    rows = tested.is_rated
    pooled = np.corrcoef(by_learner[CLIENT_ONLY].pairing[rows], tested.label[rows])[0, 1]

    assert pooled > 0.1


def test_a_model_of_the_client_alone_puts_no_clinician_before_another() -> None:
    trial = a_trial_of_everybody(clients=12)
    own, decoy = ours(trial).pairing, client_only(trial).pairing

    assert spearman(decoy, own, trial.pairs.client.astype(np.int64)).value.tolist() == [0.0] * 12
    assert spearman(own, own, trial.pairs.client.astype(np.int64)).mean() == pytest.approx(1)


@cache
def a_trial_of_everybody(clients: int) -> FoldTask:
    """Some clients of the small practice of the tests, each asked about every clinician."""
    dataset, fitted = a_dataset(), a_fit()
    staff = np.arange(len(dataset.clinician_ids))
    asked = Pairs(np.repeat(np.arange(clients), len(staff)), np.tile(staff, clients))
    return FoldTask(dataset, np.arange(len(dataset)), asked, fitted, seed=0)


def test_matches_of_somebody_else_do_not_order_a_clinician_s_clients() -> None:
    check_covers_nothing("high_signal", SHUFFLED, DYAD)


def test_only_the_dyad_partial_sees_that_popularity_is_no_matching() -> None:
    assert ends("high_signal", POPULARITY, PARTIAL)[0] > 0
    assert ends("high_signal", POPULARITY, DYAD) == pytest.approx((0, 0), abs=1e-9)


@pytest.mark.parametrize("metric", [PARTIAL, DYAD, COMPOSITE])
def test_in_a_world_without_anything_to_gain_no_gain_is_claimed(metric: str) -> None:
    check_covers_nothing("null", OURS, metric)
