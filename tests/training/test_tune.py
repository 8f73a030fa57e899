"""Tuning: nobody tested was learned from, stopped runs go on, noise wins nothing."""

import json
import sqlite3
from collections.abc import Mapping
from contextlib import closing
from dataclasses import replace
from functools import cache
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from optuna.distributions import FloatDistribution, IntDistribution

from recommender.errors import RecommenderError
from recommender.features.pipeline import Pairs
from recommender.training.baselines import encode_clinicians
from recommender.training.dataset import Dataset
from recommender.training.fit import FitResult, finish, fit
from recommender.training.fit_preparation import PreparedFit
from recommender.training.folds import Fold, forward, new_client_folds
from recommender.training.tree_fitting import FitSettings, TreeSettings
from recommender.training.tune import SearchSettings, tune, tuned_settings
from recommender.training.tuning_trials import (
    FINISHED,
    PRUNED,
    SPACE,
    Space,
    TrialResult,
    TuningResult,
    decide,
    effective_space,
    nearest,
    params_of,
    settings_with,
)
from tests.support.builders import a_dataset

FEW = TreeSettings(
    num_leaves=4, num_trees=20, min_data_in_leaf=20, bagging_fraction=0.7, lambda_l2=5.0
)
QUICK = FitSettings(
    folds=2,
    fewest_for_trees=50,
    pairing=FEW,
    client=TreeSettings(num_leaves=4, num_trees=10, min_data_in_leaf=20),
)
NARROW: Space = {
    "pairing.num_trees": IntDistribution(10, 40, step=10),
    "pairing.learning_rate": FloatDistribution(0.02, 0.1, log=True),
    "client.num_trees": IntDistribution(10, 30, step=10),
}


@cache
def folds() -> tuple[Fold, ...]:
    return new_client_folds(a_dataset(), number=2)


def tuned(
    trials: int,
    storage: Path | None = None,
    *,
    start: FitSettings = QUICK,
    space: Space = NARROW,
    said: list[tuple[str, float]] | None = None,
) -> TuningResult:
    steps = [] if said is None else said
    search = SearchSettings(trials, storage, space, draws=20)
    return tune(a_dataset(), folds(), start, search, lambda step, done: steps.append((step, done)))


def what_was_tried(found: TuningResult) -> list[tuple[Mapping[str, float], tuple[float, ...], str]]:
    return [(tried.params, tried.by_fold, tried.state) for tried in found.trials]


def a_trial(number: int, value: float, draws: list[float], state: str = FINISHED) -> TrialResult:
    return TrialResult(
        number, {"pairing.num_leaves": 3 + number}, (value,), np.array([draws]), 1.0, state
    )


# What is compared


@st.composite
def any_dataset(draw: st.DrawFn) -> Dataset:
    """The builders' pairings with other clients, days and delays."""
    dataset, seed = a_dataset(), draw(st.integers(0, 2**32 - 1))
    rng, clients = np.random.default_rng(seed), draw(st.integers(40, 400))
    rated, left = len(dataset), len(dataset.dropouts_started)
    started = np.sort(rng.integers(20_000, 20_000 + draw(st.integers(30, 900)), rated))
    return replace(
        dataset,
        pairs=Pairs(rng.integers(0, clients, rated), dataset.pairs.clinician),
        dropouts=Pairs(rng.integers(0, clients, left), dataset.dropouts.clinician),
        started=started,
        known=started + rng.integers(1, draw(st.integers(2, 90)), rated),
        dropouts_started=rng.integers(20_000, started.max() + 1, left),
    )


def folds_or_none(dataset: Dataset, before: int | None) -> tuple[Fold, ...]:
    try:
        return new_client_folds(dataset, before)
    except RecommenderError:
        return ()


@given(any_dataset(), st.none() | st.integers(20_000, 20_900))
@settings(max_examples=60, deadline=None)
def test_no_client_is_both_learned_from_and_tested(dataset: Dataset, before: int | None) -> None:
    for fold in folds_or_none(dataset, before):
        learned = set(dataset.pairs.client[fold.train])
        tested = dataset.pairs.client[fold.test], dataset.dropouts.client[fold.dropouts]
        assert learned.isdisjoint(np.concatenate(tested))


@given(any_dataset(), st.none() | st.integers(20_000, 20_900))
@settings(max_examples=60, deadline=None)
def test_every_tested_pairing_began_after_all_that_was_learned_was_known(
    dataset: Dataset, before: int | None
) -> None:
    for fold in folds_or_none(dataset, before):
        began = np.concatenate(
            [dataset.started[fold.test], dataset.dropouts_started[fold.dropouts]]
        )
        assert dataset.known[fold.train].max() < began.min()


@given(any_dataset(), st.integers(20_100, 20_900))
@settings(max_examples=60, deadline=None)
def test_nothing_known_later_than_asked_is_in_a_fold(dataset: Dataset, before: int) -> None:
    for fold in folds_or_none(dataset, before):
        assert dataset.known[np.concatenate([fold.train, fold.test])].max() < before
        assert (dataset.dropouts_started[fold.dropouts] < before).all()


def test_three_spans_follow_one_another_and_no_pairing_is_tested_twice() -> None:
    found = new_client_folds(a_dataset())

    assert len(found) == 3
    ends = [(a_dataset().started[f.test].min(), a_dataset().started[f.test].max()) for f in found]
    assert ends[0][1] < ends[1][0] <= ends[1][1] < ends[2][0]
    assert all(set(a.train) < set(b.train) for a, b in pairwise(found))


def test_clients_who_left_before_a_span_are_not_tested_in_it() -> None:
    dataset = a_dataset()
    last = new_client_folds(dataset)[-1]
    returned = dataset.pairs.client.copy()
    returned[last.test[0]] = dataset.dropouts.client[0]

    again = replace(dataset, pairs=Pairs(returned, dataset.pairs.clinician))

    assert last.test[0] not in new_client_folds(again)[-1].test


def test_too_few_ratings_are_said_to_be_too_few() -> None:
    with pytest.raises(RecommenderError, match="are too few to tune on: a span would have 0"):
        new_client_folds(a_dataset(), before=int(a_dataset().known.min()))


def test_the_pairings_that_judge_afterwards_play_no_part(monkeypatch: pytest.MonkeyPatch) -> None:
    dataset, seen = a_dataset(), []
    monkeypatch.setattr(
        "recommender.training.tune.tune", lambda data, chosen, *rest: seen.extend(chosen)
    )

    tuned_settings(dataset, QUICK, SearchSettings(1))

    judged = dataset.started[forward(dataset)[0].test].min()
    assert seen
    assert all(dataset.known[np.concatenate([f.train, f.test])].max() < judged for f in seen)


# What is measured


def test_a_value_is_the_composite_worked_out_by_hand() -> None:
    fold = folds()[0]
    fitted = fit(a_dataset(), fold.train, QUICK)
    rated, left = a_dataset().pairs.take(fold.test), a_dataset().dropouts.take(fold.dropouts)
    asked = Pairs(
        np.concatenate([rated.client, left.client]),
        np.concatenate([rated.clinician, left.clinician]),
    )
    scores = fitted.model.score(a_dataset().clients, encode_clinicians(a_dataset()), asked)
    residual = fitted.labels.alliance[fold.test] - scores.client[: len(fold.test)]
    low = np.sort(residual)[int(np.ceil(0.15 * len(residual))) - 1]
    label = scores.client + np.concatenate([residual, np.full(len(fold.dropouts), low)])
    known = np.stack([np.ones(len(label)), scores.client], axis=1)
    own, other = (
        column - known @ np.linalg.lstsq(known, column, rcond=None)[0]
        for column in (scores.pairing, label)
    )

    assert len(fold.dropouts) > 5
    assert tuned(1).trials[0].by_fold[0] == pytest.approx(np.corrcoef(own, other)[0, 1], abs=1e-9)


def test_trial_0_is_the_given_settings_also_where_the_space_does_not_hold_them() -> None:
    start = replace(QUICK, pairing=replace(FEW, num_trees=7))

    first = tuned(1, start=start).trials[0]

    assert first.params["pairing.num_trees"] == 7
    assert first.params == params_of(start, NARROW)


@pytest.mark.slow
def test_a_worse_client_part_alone_changes_no_value(monkeypatch: pytest.MonkeyPatch) -> None:
    def learned(prepared: PreparedFit, chosen: FitSettings) -> FitResult:
        fitted = fit(prepared.dataset, prepared.train, QUICK)
        # All but the given settings expect the same of every client; the order is as before.
        dull = replace(fitted.model, client_trees=None, client_mean=0.0)
        return fitted if chosen == QUICK else replace(fitted, model=dull)

    monkeypatch.setattr("recommender.training.tune.finish", learned)

    found = tuned(2)

    assert found.trials[1].by_fold == found.trials[0].by_fold


# Reproducible, resumable


class StoppedError(Exception):
    pass


@cache
def five() -> TuningResult:
    """Five trials in one run, kept nowhere."""
    return tuned(5)


@pytest.fixture(scope="module")
def stopped(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """What a run that was to be of five trials left behind when it was stopped in the fourth."""

    def stop(step: str, done: float) -> None:
        if step == "trial 4 of 5, fold 2 of 2":
            raise StoppedError

    path = tmp_path_factory.mktemp("tuning") / "made" / "trials.db"
    with pytest.raises(StoppedError):
        tune(a_dataset(), folds(), QUICK, SearchSettings(5, path, NARROW, draws=20), stop)
    return path.read_bytes()


@pytest.fixture
def path(stopped: bytes, tmp_path: Path) -> Path:
    """The file of the run that was stopped, to go on with."""
    (tmp_path / "trials.db").write_bytes(stopped)
    return tmp_path / "trials.db"


@pytest.mark.slow
def test_the_same_seed_tries_the_same_and_comes_to_the_same() -> None:
    again = tuned(5)

    assert what_was_tried(again) == what_was_tried(five())
    assert (again.settings, again.lead, again.margin) == (
        five().settings,
        five().lead,
        five().margin,
    )


def test_another_seed_tries_something_else() -> None:
    assert tuned(2, start=replace(QUICK, seed=1)).trials[1].params != five().trials[1].params


@pytest.mark.slow
def test_a_run_that_was_stopped_ends_as_if_it_had_not_been(path: Path) -> None:
    said: list[tuple[str, float]] = []

    gone_on = tuned(5, path, said=said)

    assert gone_on.already == 3
    assert said[0] == ("3 of 5 trials were there already; the defaults again, fold 1 of 2", 3 / 5)
    assert [trial.number for trial in gone_on.trials] == [0, 1, 2, 3, 4]
    assert what_was_tried(gone_on) == what_was_tried(five())
    assert (gone_on.settings, gone_on.margin) == (five().settings, five().margin)


def test_trials_that_are_all_there_are_not_measured_again(path: Path) -> None:
    said: list[tuple[str, float]] = []

    again = tuned(3, path, said=said)

    assert again.already == 3
    assert said == [(again.verdict, 1.0)]
    assert what_was_tried(again) == what_was_tried(five())[:3]


def test_other_settings_begin_a_search_of_their_own_in_the_same_file(path: Path) -> None:
    assert tuned(1, path, start=replace(QUICK, seed=1)).already == 0
    assert tuned(3, path).already == 3


def test_trials_that_would_be_measured_differently_by_now_are_refused(path: Path) -> None:
    with closing(sqlite3.connect(path)) as file:
        file.execute("UPDATE trial_user_attributes SET value_json='[0.9, 0.9]' WHERE key='by_fold'")
        file.commit()

    with pytest.raises(RecommenderError, match="measured differently by now"):
        tuned(4, path)


def test_a_file_that_is_no_database_is_refused_and_left_as_it_is(path: Path) -> None:
    path.write_text("notes on tuning, not a database, and long enough to be read as a header" * 20)
    before = path.read_bytes()

    with pytest.raises(RecommenderError, match=r"tuning file: .* cannot be opened"):
        tuned(1, path)

    assert path.read_bytes() == before


def test_the_file_holds_nothing_about_a_person(stopped: bytes) -> None:
    kept = stopped.decode("latin-1")

    assert "pairing.learning_rate" in kept
    assert not any(str(pairing) in kept for pairing in a_dataset().pairing_ids)
    assert not any(f"c{place:04d}" in kept for place in range(400))
    assert not any(f"k{place:02d}" in kept for place in range(12))


def test_what_is_kept_of_a_trial_is_as_long_as_there_are_draws_not_pairings(path: Path) -> None:
    with closing(sqlite3.connect(path)) as file:
        rows = file.execute("SELECT key, value_json FROM trial_user_attributes").fetchall()

    lists = {key: np.shape(json.loads(kept)) for key, kept in rows}
    assert lists == {"params": (), "by_fold": (2,), "draws": (2, 20), "seconds": ()}


# What is told


def test_each_trial_has_its_figures_and_progress_never_falls() -> None:
    said: list[tuple[str, float]] = []

    found = tuned(3, said=said)

    assert [trial.number for trial in found.trials] == [0, 1, 2]
    assert all(trial.seconds > 0 and set(trial.params) == set(NARROW) for trial in found.trials)
    assert said[:3] == [
        ("trial 1 of 3, fold 1 of 2", 0.0),
        ("trial 1 of 3, fold 2 of 2", 1 / 6),
        ("trial 2 of 3, fold 1 of 2", 2 / 6),
    ]
    shares = [done for _, done in said]
    assert shares == sorted(shares)
    assert said[-1] == (found.verdict, 1.0)


def test_no_trials_at_all_are_refused() -> None:
    with pytest.raises(RecommenderError, match="trials: are 0; ask for 1 or more"):
        tuned(0)


# What it comes to


def test_a_lead_that_chance_can_give_leaves_the_defaults() -> None:
    trials = [a_trial(0, 0.30, [0.30, 0.31, 0.29]), a_trial(1, 0.31, [0.33, 0.28, 0.32])]

    found = decide(trials, FitSettings(), 0)

    assert found.keeps_defaults
    assert found.settings == FitSettings()
    assert found.value == 0.30
    assert found.verdict.startswith("the defaults stay: the highest trial is 0.010 above")


def test_a_lead_that_chance_cannot_give_is_taken() -> None:
    trials = [a_trial(0, 0.30, [0.30, 0.31, 0.29]), a_trial(1, 0.40, [0.40, 0.41, 0.40])]

    found = decide(trials, FitSettings(), 0)

    # Leads of .10, .10 and .11 are -1/300, -1/300 and 2/300 from their mean; the quantile .95 of
    # three values lies nine tenths of the way from the second to the third.
    assert found.margin == pytest.approx(0.1 * -1 / 300 + 0.9 * 2 / 300)
    assert not found.keeps_defaults
    assert found.settings.pairing.num_leaves == 4
    assert (found.value, found.highest.number) == (0.40, 1)
    assert found.verdict.startswith("trial 1 is used: it is 0.100 above the defaults' 0.300")


def test_the_more_is_tried_the_more_chance_can_give() -> None:
    rng = np.random.default_rng(0)
    draws = 0.3 + 0.02 * rng.standard_normal((40, 200))
    trials = [a_trial(n, float(row.mean()), row.tolist()) for n, row in enumerate(draws)]

    few, many = decide(trials[:2], FitSettings(), 0), decide(trials, FitSettings(), 0)

    assert many.margin > 1.3 * few.margin


def test_where_nothing_differs_but_noise_the_defaults_stand_nineteen_times_in_twenty() -> None:
    rng, beaten = np.random.default_rng(1), 0
    for _ in range(200):
        # One sampling error for each trial, and bootstrap draws that scatter as widely.
        values = 0.3 + 0.02 * rng.standard_normal(20)
        draws = values[:, None] + 0.02 * rng.standard_normal((20, 200))
        trials = [
            a_trial(n, float(v), row.tolist())
            for n, (v, row) in enumerate(zip(values, draws, strict=True))
        ]
        beaten += not decide(trials, FitSettings(), 0).keeps_defaults

    assert beaten <= 200 * 0.1


def test_the_defaults_alone_stand() -> None:
    found = decide([a_trial(0, 0.30, [0.3, 0.3])], FitSettings(), 0)

    assert found.keeps_defaults
    assert found.verdict == "the defaults stay: none of 1 trials is above their 0.300"


def test_a_pruned_trial_is_never_the_highest() -> None:
    trials = [a_trial(0, 0.30, [0.3, 0.3]), a_trial(1, 0.9, [0.9, 0.9], state=PRUNED)]

    assert decide(trials, FitSettings(), 0).highest.number == 0


def test_a_trial_clearly_behind_after_the_first_fold_is_given_up(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def learned(prepared: PreparedFit, chosen: FitSettings) -> FitResult:
        fitted = finish(prepared, chosen)
        # All but the given settings order at random: no trees, and they have the whole say.
        silent = replace(fitted.model, tree_weight=1.0, trees=None)
        return fitted if chosen == QUICK else replace(fitted, model=silent)

    monkeypatch.setattr("recommender.training.tune.finish", learned)

    found = tuned(2)

    assert found.trials[1].state == PRUNED
    assert len(found.trials[1].by_fold) == 1
    assert np.isnan(found.trials[1].value)
    assert found.highest.number == 0


# The space


def test_the_space_holds_the_defaults_as_they_are() -> None:
    given = params_of(FitSettings(), SPACE)

    assert nearest(given, SPACE) == pytest.approx(given)


def test_every_name_of_the_space_is_a_setting_and_changes_it_alone() -> None:
    for name, known in SPACE.items():
        changed = settings_with(FitSettings(), {name: known.high})
        given, other = params_of(FitSettings(), SPACE), params_of(changed, SPACE)
        assert {key for key in SPACE if given[key] != other[key]} == {name}


def test_trees_that_cannot_grow_are_not_sought() -> None:
    assert all(name.startswith("client.") for name in effective_space(SPACE, FitSettings(), 999))
    assert effective_space(SPACE, FitSettings(), 1000) == SPACE


def test_what_is_tried_lies_in_the_space() -> None:
    for trial in five().trials[1:]:
        assert nearest(trial.params, NARROW) == pytest.approx(trial.params)


def test_a_trial_during_which_a_run_was_killed_is_run_again(path: Path) -> None:
    with closing(sqlite3.connect(path)) as file:
        file.execute("UPDATE trials SET state = 'RUNNING' WHERE state = 'FAIL'")
        file.commit()

    assert what_was_tried(tuned(5, path)) == what_was_tried(five())
