"""A whole retraining against a real SQLite registry: what is measured, published and kept."""

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest

from recommender.model.bundle.io import load_bundle
from recommender.model.evaluation_report import ComparedChampion
from recommender.model.match_sizes import NO_RATING, match_sizes
from recommender.registry.registry import Registry
from recommender.registry.versions import CHALLENGER
from recommender.training.enough_ratings import (
    LATER,
    MIN_LATER,
    MIN_RATED,
    OUT_OF_FOLD,
    with_interval,
)
from recommender.training.promotion import promote
from recommender.training.report import report_of
from recommender.training.run import TrainingResult, train
from recommender.training.tree_fitting import FitSettings
from recommender.training.tune import SearchSettings
from tests.support.builders import a_model, a_practice, write_tables
from tests.support.evaluations import an_evaluation
from tests.support.registries import empty_registry

NOW = datetime(2026, 11, 23, 1, 0, tzinfo=UTC)
QUICK = FitSettings(fewest_for_trees=100, folds=3)


class Twice(NamedTuple):
    """A practice that trained, promoted, went on and trained again."""

    registry: Registry
    first: TrainingResult
    second: TrainingResult


def a_training(
    registry: Registry, tables: Path, pairings: int, search: SearchSettings | None = None
) -> TrainingResult:
    tables.mkdir(exist_ok=True)
    write_tables(tables, pairings=pairings)
    return train(tables, a_practice(), registry, now=NOW, settings=QUICK, search=search)


@pytest.fixture(scope="module")
def twice(tmp_path_factory: pytest.TempPathFactory) -> Twice:
    home = tmp_path_factory.mktemp("home")
    registry = Registry(empty_registry(home), "alliance", home / "artifacts")
    first = a_training(registry, home / "tables", 200)
    promote(registry, None, by="j.lee", at=NOW, reason="first", force=True)
    return Twice(registry, first, a_training(registry, home / "tables", 300, SearchSettings(2)))


def kept(registry: Registry, trained: TrainingResult, under: str = "") -> set[str]:
    with registry.client() as client:
        return {file.path for file in client.list_artifacts(trained.version.run_id, under)}


def test_enough_later_ratings_give_the_range_that_is_published() -> None:
    evaluation = an_evaluation()
    rated = evaluation.held_out.is_rated
    assert rated.sum() >= MIN_LATER
    model, source = with_interval(a_model(), evaluation)
    error = (evaluation.held_out.label - evaluation.scores["ours"].alliance)[rated]
    inside = (model.interval.low <= error) & (error <= model.interval.high)

    assert source == LATER
    assert model.interval != a_model().interval
    # The ends are ratings themselves, one rank further out than 5 and 95 %.
    assert {model.interval.low, model.interval.high} <= set(error)
    assert 0.9 <= inside.mean() <= 0.9 + 3 / len(error)
    assert replace(model, interval=a_model().interval) == a_model()


def test_of_too_few_later_ratings_the_range_stays_that_of_held_out_ones() -> None:
    evaluation = an_evaluation()
    label = evaluation.held_out.label.copy()
    label[np.flatnonzero(evaluation.held_out.is_rated)[MIN_LATER - 1 :]] = np.nan
    few = replace(evaluation, held_out=replace(evaluation.held_out, label=label))

    assert with_interval(a_model(), few) == (a_model(), OUT_OF_FOLD)


def test_the_coverage_that_is_told_is_of_ranges_stated_before() -> None:
    evaluation = an_evaluation()
    tested, said = evaluation.held_out, evaluation.scores["ours"].alliance
    error = (tested.label - said)[tested.is_rated]
    interval = with_interval(a_model(), evaluation)[0].interval
    told = report_of(evaluation, a_practice()).ranges[0]
    stated = (tested.low <= tested.label) & (tested.label <= tested.high)

    assert told.coverage == pytest.approx(stated[tested.is_rated].mean())
    assert told.coverage != pytest.approx(
        ((interval.low <= error) & (error <= interval.high)).mean()
    )


@pytest.mark.slow
def test_a_report_says_where_the_range_comes_from(twice: Twice) -> None:
    assert (twice.second.model.report.rated or 0) < MIN_LATER
    assert twice.second.model.report.ranges_from == OUT_OF_FOLD
    card = twice.registry.text(twice.second.version, "card.md")
    assert "the interval that is served: out of fold." in card


@pytest.mark.slow
def test_the_first_training_has_no_champion_beside_it(twice: Twice) -> None:
    report = twice.first.model.report
    assert report.champion is None
    assert "champion" not in {figure.learner for figure in report.figures}


@pytest.mark.slow
def test_the_second_training_measures_the_champion_beside_the_challenger(twice: Twice) -> None:
    report, champion = twice.second.model.report, twice.first.version
    assert report.champion == ComparedChampion(version=1, digest=champion.digest, mode="model")
    beside = {row.baseline: row for row in report.differences if row.metric == "composite"}
    assert set(beside) >= {"champion", "random", "plain LightGBM"}
    assert (beside["champion"].rated or 0) <= (beside["random"].rated or 0) == report.rated


@pytest.mark.slow
def test_what_is_published_is_what_was_measured(twice: Twice, tmp_path: Path) -> None:
    model = load_bundle(twice.registry.fetch(CHALLENGER, tmp_path))
    assert model.report == twice.second.model.report
    assert model.manifest == twice.second.model.manifest
    assert twice.registry.alias(CHALLENGER) == twice.second.version


@pytest.mark.slow
def test_a_run_keeps_figures_overall_and_by_fold(twice: Twice) -> None:
    with twice.registry.client() as client:
        run = client.get_run(twice.second.version.run_id).data
    evaluation = twice.second.evaluation
    assert evaluation is not None
    for name in ("composite/ours", "fold/forward/composite/ours"):
        assert np.isclose(run.metrics[name], evaluation.value("ours", "composite"))
    assert run.metrics["range/all rated/rated"] == twice.second.model.report.rated
    assert run.params["known_until"] == twice.second.model.manifest.known_until
    assert run.params["pairing.num_leaves"] == "4"
    # Of what is implausible about the tables only counts are logged.
    assert {name: n for name, n in run.metrics.items() if name.startswith("plausibility")} == {
        "plausibility/warnings": 0
    }


@pytest.mark.slow
def test_a_run_keeps_its_card_definition_tables_and_pictures(twice: Twice) -> None:
    assert kept(twice.registry, twice.second) >= {"card.md", "practice.toml", "tables", "figures"}
    assert kept(twice.registry, twice.second, "figures") >= {
        f"figures/{name}.svg" for name in ("calibration", "gain", "importance", "features")
    }
    assert kept(twice.registry, twice.second, "tables") >= {
        f"tables/{name}.csv" for name in ("ranges", "groups", "ours_minus", "exposure", "trials")
    }
    card = twice.registry.text(twice.second.version, "card.md")
    assert twice.second.model.manifest.data_digest in card
    assert "*Empty" not in card


@pytest.mark.slow
def test_every_trial_of_a_search_is_a_run_below_the_training(twice: Twice) -> None:
    run_id, tuned = twice.second.version.run_id, twice.second.tuned
    assert tuned is not None
    with twice.registry.client() as client:
        experiment = client.get_run(run_id).info.experiment_id
        below = client.search_runs([experiment], f"tags.mlflow.parentRunId = '{run_id}'")
    assert {run.info.run_name for run in below} == {"trial 0", "trial 1"}
    for run in below:
        assert run.data.params.keys() == tuned.trials[0].params.keys()


@pytest.mark.slow
def test_with_hardly_a_rating_the_declared_sizes_are_published_and_say_so(tmp_path: Path) -> None:
    registry = Registry(empty_registry(tmp_path), "alliance", tmp_path / "artifacts")
    trained = a_training(registry, tmp_path / "tables", MIN_RATED // 2)

    assert trained.evaluation is None
    report = trained.model.report
    facts = report.to_dict()
    assert (facts["mode"], set(facts)) == ("evidence_prior", {"mode", "matches"})
    assert {each.status for each in match_sizes(report, trained.model.practice)} == {NO_RATING}
    assert "so nothing was measured" in registry.text(trained.version, "card.md")
