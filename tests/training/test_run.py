"""A whole retraining against a real SQLite registry: what is measured, published and kept."""

from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest

from recommender.bundle import load_bundle
from recommender.publishing.registry import Registry
from recommender.publishing.versions import CHALLENGER
from recommender.training.growth import FitSettings
from recommender.training.promotion import promote
from recommender.training.run import FEWEST_RATED, Search, Trained, train
from tests.builders import a_practice, write_tables

pytestmark = pytest.mark.slow
NOW = datetime(2026, 11, 23, 1, 0, tzinfo=UTC)
QUICK = FitSettings(fewest_for_trees=100, folds=3)


class Twice(NamedTuple):
    """A practice that trained, promoted, went on and trained again."""

    registry: Registry
    first: Trained
    second: Trained


def a_training(
    registry: Registry, tables: Path, pairings: int, search: Search | None = None
) -> Trained:
    tables.mkdir(exist_ok=True)
    write_tables(tables, pairings=pairings)
    return train(tables, a_practice(), registry, now=NOW, settings=QUICK, search=search)


@pytest.fixture(scope="module")
def twice(tmp_path_factory: pytest.TempPathFactory) -> Twice:
    home = tmp_path_factory.mktemp("home")
    registry = Registry(f"sqlite:///{home}/mlflow.db", "alliance", home / "artifacts")
    first = a_training(registry, home / "tables", 200)
    promote(registry, None, by="j.lee", at=NOW, reason="first", force=True)
    return Twice(registry, first, a_training(registry, home / "tables", 300, Search(2)))


def kept(registry: Registry, trained: Trained, under: str = "") -> set[str]:
    with registry.client() as client:
        return {file.path for file in client.list_artifacts(trained.version.run_id, under)}


def test_the_first_training_has_no_champion_beside_it(twice: Twice) -> None:
    report = twice.first.model.report
    assert "champion" not in report
    assert "champion" not in {row["learner"] for row in report["figures"]}


def test_the_second_training_measures_the_champion_beside_the_challenger(twice: Twice) -> None:
    report, champion = twice.second.model.report, twice.first.version
    assert report["champion"] == {"version": 1, "digest": champion.digest, "mode": "model"}
    beside = {row["baseline"]: row for row in report["ours_minus"] if row["metric"] == "composite"}
    assert set(beside) >= {"champion", "random", "plain LightGBM"}
    assert beside["champion"]["rated"] <= beside["random"]["rated"] == report["rated"]


def test_what_is_published_is_what_was_measured(twice: Twice, tmp_path: Path) -> None:
    model = load_bundle(twice.registry.fetch(CHALLENGER, tmp_path))
    assert model.report["champion"] == twice.second.model.report["champion"]
    assert model.manifest == twice.second.model.manifest
    assert twice.registry.alias(CHALLENGER) == twice.second.version


def test_a_run_keeps_figures_overall_and_by_fold(twice: Twice) -> None:
    with twice.registry.client() as client:
        run = client.get_run(twice.second.version.run_id).data
    evaluation = twice.second.evaluation
    assert evaluation is not None
    for name in ("composite/ours", "fold/forward/composite/ours"):
        assert np.isclose(run.metrics[name], evaluation.value("ours", "composite"))
    assert run.metrics["range/all rated/rated"] == twice.second.model.report["rated"]
    assert run.params["known_until"] == twice.second.model.manifest.known_until
    assert run.params["pairing.num_leaves"] == "4"


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


def test_every_trial_of_a_search_is_a_run_below_the_training(twice: Twice) -> None:
    run_id, tuned = twice.second.version.run_id, twice.second.tuned
    assert tuned is not None
    with twice.registry.client() as client:
        experiment = client.get_run(run_id).info.experiment_id
        below = client.search_runs([experiment], f"tags.mlflow.parentRunId = '{run_id}'")
    assert {run.info.run_name for run in below} == {"trial 0", "trial 1"}
    for run in below:
        assert run.data.params.keys() == tuned.trials[0].params.keys()


def test_with_hardly_a_rating_the_declared_sizes_are_published_and_say_so(tmp_path: Path) -> None:
    registry = Registry(f"sqlite:///{tmp_path}/mlflow.db", "alliance", tmp_path / "artifacts")
    trained = a_training(registry, tmp_path / "tables", FEWEST_RATED // 2)

    assert trained.evaluation is None
    assert trained.model.report == {"mode": "evidence_prior"}
    assert "so nothing was measured" in registry.text(trained.version, "card.md")
