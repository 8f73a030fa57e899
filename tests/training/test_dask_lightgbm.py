"""What the workers of a cluster learn is what one machine would have learned, or as good."""

import threading
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from experiments.bench.workers import Cluster, started
from recommender.cli.main import app
from recommender.compute.runner import Part, Result, Shared, run_serially, runner_on
from recommender.errors import RecommenderError
from recommender.model.bundle.io import load_bundle
from recommender.model.trees.ensemble import Trees
from recommender.registry.registry import Registry
from recommender.training.dask_lightgbm import settings_on, tree_fitter_on
from recommender.training.fit import fit
from recommender.training.fit_preparation import prepare
from recommender.training.tree_fitting import (
    TreeInput,
    TreeSettings,
    fit_trees_locally,
)
from tests.support.builders import DEFINITION, QUICK, a_dataset, write_tables

ROWS, COLUMNS, NOISE = 6_000, 12, 0.5
GROWTH = TreeSettings(num_leaves=4, num_trees=60, bagging_fraction=0.7, lambda_l2=5.0)


def a_ground(growth: TreeSettings = GROWTH) -> tuple[TreeInput, np.ndarray]:
    """Rows with answers left out, and what the label is without its noise."""
    rng = np.random.default_rng(4)
    cells = rng.normal(size=(ROWS, COLUMNS))
    truth = np.where(cells[:, 0] > 0, 1.0, 0.0) + 0.5 * cells[:, 1] * (cells[:, 2] > 0)
    cells[rng.random(cells.shape) < 0.1] = np.nan
    label = truth + rng.normal(scale=NOISE, size=ROWS)
    weight = rng.uniform(0.5, 1.5, ROWS)
    return TreeInput(cells, label, weight, growth.parameters(0, cells.size)), truth


@pytest.mark.slow
def test_they_are_as_right_as_those_grown_here(workers: Cluster) -> None:
    ground, truth = a_ground()
    half = np.arange(0, ROWS, 2)
    errors = []
    for grower in (fit_trees_locally, tree_fitter_on(workers.address)):
        whole, part = (Trees(text) for text in grower(ground, [None, half]))
        errors.append(
            [
                np.sqrt(
                    np.mean((trees.score(np.asarray(ground.cells, dtype=np.float64)) - truth) ** 2)
                )
                for trees in (whole, part)
            ]
        )
    np.testing.assert_allclose(errors[0], errors[1], rtol=0.05)
    assert max(errors[1]) < NOISE


@pytest.mark.slow
def test_a_model_does_not_say_where_it_was_grown(workers: Cluster) -> None:
    (text,) = tree_fitter_on(workers.address)(a_ground()[0], [None])
    assert "127.0.0.1" not in text


@pytest.mark.long
def test_a_worker_killed_while_trees_grow_costs_time_and_not_the_training(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    ground, truth = a_ground(TreeSettings(num_leaves=31, num_trees=3_000, min_data_in_leaf=5))
    with started(tmp_path_factory.mktemp("cluster"), 2) as cluster:
        killer = threading.Timer(2.0, cluster.kill_one)
        killer.start()
        (text,) = tree_fitter_on(cluster.address)(ground, [None])
        assert not killer.is_alive()
        assert cluster.workers[0].poll() is not None
    assert (
        np.corrcoef(Trees(text).score(np.asarray(ground.cells, dtype=np.float64)), truth)[0, 1]
        > 0.5
    )


@pytest.mark.slow
def test_what_is_prepared_on_a_cluster_is_what_is_prepared_here(
    workers: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("recommender.training.fit_preparation.CHUNK_ROWS", 50)
    dataset = a_dataset()
    everyone = np.arange(len(dataset))
    here, there = (
        prepare(dataset, everyone, replace(QUICK, runner=runner))
        for runner in (run_serially, runner_on(workers.address))
    )
    np.testing.assert_array_equal(
        here.learned.rows.model_columns(), there.learned.rows.model_columns()
    )
    np.testing.assert_array_equal(here.target, there.target)


@pytest.mark.long
def test_a_worker_killed_while_a_model_is_learned_costs_time_and_not_the_model(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("recommender.training.fit_preparation.CHUNK_ROWS", 20)
    with started(tmp_path, 2) as cluster:
        runner = runner_on(cluster.address)

        def killing(
            work: Callable[[Shared, Part], Result],
            shared: Shared,
            parts: Iterable[tuple[str, Part]],
            /,
        ) -> Iterator[tuple[str, Result]]:
            for number, done in enumerate(runner(work, shared, parts)):
                yield done
                if number == 2:
                    cluster.kill_one()

        settings = replace(settings_on(cluster.address, QUICK), runner=killing)
        fitted = fit(a_dataset(), settings=settings)
        assert cluster.workers[0].poll() is not None
    here = fit(a_dataset(), settings=QUICK)
    assert np.corrcoef(fitted.out_of_fold, here.out_of_fold)[0, 1] > 0.9


@pytest.mark.long
def test_train_on_a_cluster_publishes_what_train_publishes_here(
    workers: Cluster, tmp_path: Path
) -> None:
    (tmp_path / "tables").mkdir()
    write_tables(tmp_path / "tables", pairings=400)
    registry = f"sqlite:///{tmp_path}/registry.db"
    line = ["train", tmp_path / "tables", "--practice", DEFINITION, "--registry", registry]
    for more in ([], ["--cluster", workers.address]):
        done = CliRunner().invoke(app, [str(word) for word in [*line, *more]])
        assert done.exit_code == 0, done.output
    first, second = (
        load_bundle(Registry(registry).fetch(number, tmp_path / "bundles")) for number in (1, 2)
    )
    assert first.manifest.features == second.manifest.features
    assert first.manifest.data_digest == second.manifest.data_digest


@pytest.mark.slow
def test_without_workers_it_says_so(tmp_path_factory: pytest.TempPathFactory) -> None:
    with (
        started(tmp_path_factory.mktemp("cluster"), 0) as cluster,
        pytest.raises(RecommenderError, match="no workers"),
    ):
        list(tree_fitter_on(cluster.address)(a_ground()[0], [None]))
