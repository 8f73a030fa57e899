"""Baselines: each says what it claims to say, from training rows alone."""

from dataclasses import replace

import numpy as np
import pytest

from recommender.training.baselines import (
    ADDITIVE,
    LEARNERS,
    OURS,
    PRIOR,
    FoldTask,
    as_it_serves,
    at_random,
    clinician_average,
    encode_clinicians,
    evidence_prior,
    learners_for,
    ours,
    shrunken_popularity,
)
from recommender.training.dataset import Dataset, dataset_of
from recommender.training.fit import fit
from recommender.training.tree_fitting import FitSettings
from tests.support.builders import QUICK, a_dataset, a_practice, some_rows, tables_of

TRAIN, TEST = np.arange(200), np.arange(200, 290)


def a_trial(dataset: Dataset | None = None) -> FoldTask:
    dataset = dataset or a_dataset()
    return FoldTask(dataset, TRAIN, dataset.pairs.take(TEST), fit(dataset, TRAIN, QUICK), seed=0)


def with_other_test_ratings(dataset: Dataset) -> Dataset:
    rows = dataset.early.rows.copy()
    rows.loc[dataset.rated_rows(TEST), "pomp"] = 0.0
    return replace(dataset, early=replace(dataset.early, rows=rows))


@pytest.mark.parametrize("name", LEARNERS)
def test_a_learner_says_a_number_of_every_pairing_asked(name: str) -> None:
    learner_scores = LEARNERS[name](a_trial())

    assert learner_scores.pairing.shape == learner_scores.alliance.shape == TEST.shape
    assert np.isfinite(learner_scores.pairing).all()
    assert np.isfinite(learner_scores.alliance).all()


@pytest.mark.parametrize("name", LEARNERS)
def test_a_learner_says_the_same_again_whatever_the_test_ratings_are(name: str) -> None:
    before = LEARNERS[name](a_trial())
    after = LEARNERS[name](a_trial(with_other_test_ratings(a_dataset())))

    assert np.array_equal(before.pairing, after.pairing)
    assert np.array_equal(before.alliance, after.alliance)


def test_ours_is_what_serves() -> None:
    trial = a_trial()
    scores = trial.fitted.model.score(
        trial.dataset.clients, encode_clinicians(trial.dataset), trial.pairs
    )

    assert np.array_equal(ours(trial).pairing, scores.pairing)


def test_the_clinician_average_orders_by_the_clinician_alone() -> None:
    trial = a_trial()
    learner_scores = clinician_average(trial)
    by_clinician = {
        int(clinician): set(learner_scores.pairing[trial.pairs.clinician == clinician].tolist())
        for clinician in np.unique(trial.pairs.clinician)
    }

    assert all(len(said) == 1 for said in by_clinician.values())


def test_the_clinician_average_is_the_mean_rating_as_it_is() -> None:
    trial = a_trial()
    learner_scores = clinician_average(trial)
    other = trial.pairs.clinician[4]

    own = trial.label[trial.train_pairs.clinician == other]
    assert learner_scores.pairing[4] == learner_scores.alliance[4] == pytest.approx(own.mean())


def test_a_clinician_without_ratings_has_the_average_of_all() -> None:
    trial = a_trial()
    alone = replace(trial, train=TRAIN[a_dataset().pairs.clinician[TRAIN] != 3])
    learner_scores = clinician_average(alone)

    asked = alone.pairs.clinician == 3
    assert asked.any()
    assert learner_scores.pairing[asked] == pytest.approx(alone.label.mean())


def test_shrunken_popularity_is_nearer_to_none_than_the_mean_net_of_the_client() -> None:
    trial = a_trial()
    learner_scores = shrunken_popularity(trial)

    assert learner_scores.alliance - trial.expected == pytest.approx(learner_scores.pairing)
    assert (
        np.abs(learner_scores.pairing).max() < np.abs(clinician_average(trial).pairing - 3.5).max()
    )
    one = trial.pairs.clinician == trial.pairs.clinician[0]
    assert len(set(learner_scores.pairing[one].tolist())) == 1


# The champion


def test_a_model_learned_earlier_says_what_it_would_serve() -> None:
    trial = a_trial()
    earlier = fit(trial.dataset, TRAIN[:120], QUICK).model
    learner_scores = as_it_serves(earlier, trial)
    scores = earlier.score(trial.dataset.clients, trial.encoding, trial.pairs)

    new = np.isnan(trial.fitted.known_client[trial.pairs.client])
    assert np.array_equal(learner_scores.pairing, scores.pairing)
    assert learner_scores.alliance[new] == pytest.approx(scores.alliance[new])


def test_a_champion_that_never_met_a_clinician_still_says_something() -> None:
    trial = a_trial()
    model = fit(trial.dataset, TRAIN, QUICK).model
    renamed = replace(model, clinician_ids=tuple(f"gone {c}" for c in model.clinician_ids))

    learner_scores = as_it_serves(renamed, trial)
    assert np.isfinite(learner_scores.pairing).all()
    assert not np.array_equal(learner_scores.pairing, as_it_serves(model, trial).pairing)


def test_a_champion_that_cannot_read_the_fields_of_today_says_nothing() -> None:
    trial = a_trial()
    earlier = a_practice()
    levels = {"concern": replace(earlier.client["concern"], levels=("other", "levels"))}
    other = replace(earlier, client={**earlier.client, **levels})
    model = fit(trial.dataset, TRAIN, QUICK).model
    changed = replace(model, pipeline=replace(model.pipeline, practice=other))

    assert np.isnan(as_it_serves(changed, trial).pairing).all()
    assert np.isfinite(as_it_serves(model, trial).pairing).all()


def test_the_evidence_prior_is_the_declared_sizes_in_points() -> None:
    trial = a_trial()
    match = np.nan_to_num(trial.rows(trial.pairs).match)

    expected = trial.label.std() * (0.2 * match[:, 0] - 0.1 * match[:, 1])
    assert evidence_prior(trial).pairing == pytest.approx(expected)


def test_a_random_order_follows_its_seed() -> None:
    trial = a_trial()

    assert np.array_equal(at_random(trial).pairing, at_random(trial).pairing)
    assert not np.array_equal(at_random(replace(trial, seed=1)).pairing, at_random(trial).pairing)


def test_a_practice_that_declares_no_sizes_is_not_measured_against_them() -> None:
    practice = a_practice()
    none = {name: replace(match, prior=0.0) for name, match in practice.matches.items()}
    dataset = replace(a_dataset(), practice=replace(practice, matches=none))

    assert PRIOR in learners_for(a_dataset())
    assert PRIOR not in learners_for(dataset)
    assert next(iter(learners_for(dataset))) == OURS


def test_a_snapshot_of_a_data_set_knows_its_day_in_utc() -> None:
    taken_at = encode_clinicians(a_dataset()).roster.taken_at

    assert taken_at.utcoffset() is not None


def test_what_a_known_client_usually_rates_is_counted_once() -> None:
    rng = np.random.default_rng(0)
    usual = dict(enumerate(rng.normal(0, 8, 60)))
    rows = some_rows(pairings=480, seed=8)
    client_of = {}
    for place, pairing in enumerate(rows["pairings"]):
        pairing["client_id"] = f"c{place % 60:04d}"
        client_of[pairing["pairing_id"]] = place % 60
    for rating in rows["ratings"]:
        moved = float(rating["score"]) + usual[client_of[rating["pairing_id"]]]
        rating["score"] = str(float(np.clip(round(moved), 12, 60)))
    dataset = dataset_of(tables_of(rows), a_practice())
    half = np.arange(len(dataset)) % 2 == 0
    train, test = np.flatnonzero(half), np.flatnonzero(~half)
    fitted = fit(dataset, train, FitSettings(folds=3))
    trial = FoldTask(dataset, train, dataset.pairs.take(test), fitted, seed=0)
    label = fitted.labels.alliance[test]
    error = {name: np.std(label - LEARNERS[name](trial).alliance) for name in (OURS, ADDITIVE)}

    assert error[OURS] < 1.05 * error[ADDITIVE]
