"""Trees that the workers of a cluster grow are those one machine would have grown, or as good."""

import threading
from collections.abc import Iterator

import numpy as np
import pytest

from experiments.bench.workers import Cluster, started
from recommender.errors import RecommenderError
from recommender.training.clustered import grower_on
from recommender.training.growth import Ground, Growth, grown_here
from recommender.trees.ensemble import Trees

ROWS, COLUMNS, NOISE = 6_000, 12, 0.5
GROWTH = Growth(num_leaves=4, num_trees=60, bagging_fraction=0.7, lambda_l2=5.0)


def a_ground(growth: Growth = GROWTH) -> tuple[Ground, np.ndarray]:
    """Rows with answers left out, and what the label is without its noise."""
    rng = np.random.default_rng(4)
    cells = rng.normal(size=(ROWS, COLUMNS))
    truth = np.where(cells[:, 0] > 0, 1.0, 0.0) + 0.5 * cells[:, 1] * (cells[:, 2] > 0)
    cells[rng.random(cells.shape) < 0.1] = np.nan
    label = truth + rng.normal(scale=NOISE, size=ROWS)
    weight = rng.uniform(0.5, 1.5, ROWS)
    return Ground(cells, label, weight, growth.parameters(0, cells.size)), truth


@pytest.fixture(scope="module")
def workers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    with started(tmp_path_factory.mktemp("cluster"), 2) as cluster:
        yield cluster


@pytest.mark.slow
def test_they_are_as_right_as_those_grown_here(workers: Cluster) -> None:
    ground, truth = a_ground()
    half = np.arange(0, ROWS, 2)
    errors = []
    for grower in (grown_here, grower_on(workers.address)):
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
    (text,) = grower_on(workers.address)(a_ground()[0], [None])
    assert "127.0.0.1" not in text


@pytest.mark.slow
def test_a_worker_killed_while_trees_grow_costs_time_and_not_the_training(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    ground, truth = a_ground(Growth(num_leaves=31, num_trees=3_000, min_data_in_leaf=5))
    with started(tmp_path_factory.mktemp("cluster"), 2) as cluster:
        killer = threading.Timer(2.0, cluster.kill_one)
        killer.start()
        (text,) = grower_on(cluster.address)(ground, [None])
        assert not killer.is_alive()
        assert cluster.workers[0].poll() is not None
    assert (
        np.corrcoef(Trees(text).score(np.asarray(ground.cells, dtype=np.float64)), truth)[0, 1]
        > 0.5
    )


@pytest.mark.slow
def test_without_workers_it_says_so(tmp_path_factory: pytest.TempPathFactory) -> None:
    with (
        started(tmp_path_factory.mktemp("cluster"), 0) as cluster,
        pytest.raises(RecommenderError, match="no workers"),
    ):
        list(grower_on(cluster.address)(a_ground()[0], [None]))
