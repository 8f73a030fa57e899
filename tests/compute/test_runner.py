"""The workers of a cluster write what one machine writes, and one that is lost costs time alone."""

import os
import threading
import time
from pathlib import Path

import pytest

from experiments.bench.workers import Cluster, started
from recommender.compute.runner import TaskRunner, connected, run_serially, runner_on, workers_of
from recommender.errors import RecommenderError
from recommender.recommendation.batch_scoring import JobResult, score_clients
from recommender.recommendation.score_tables import JobSettings
from tests.support.builders import DAY, a_model, an_encoding, some_people

SIZE = 40


@pytest.fixture(autouse=True)
def small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("recommender.recommendation.batch_scoring.batch_size", lambda clinicians: 2)
    monkeypatch.setattr("recommender.recommendation.batch_scoring.MIN_CHUNK_CLIENTS", 1)


def scored(out: Path, runner: TaskRunner = run_serially) -> JobResult:
    asked = JobSettings(an_encoding(), a_model(), DAY, 4)
    return score_clients(some_people(SIZE), asked, "digest", out, lambda *_: None, runner)


def files(out: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in out.iterdir()}


@pytest.mark.long
def test_a_cluster_writes_the_bytes_one_machine_writes(tmp_path: Path, workers: Cluster) -> None:
    with connected(workers.address) as client:
        assert workers_of(client) == 2
    there = scored(tmp_path / "there", runner_on(workers.address))
    assert there == scored(tmp_path / "here")
    assert files(tmp_path / "there") == files(tmp_path / "here")


def slowly(start: int, number: int) -> int:
    time.sleep(0.05)
    return start + number


@pytest.mark.long
def test_a_worker_that_is_killed_costs_time_and_not_the_job(tmp_path: Path) -> None:
    with started(tmp_path, 2) as cluster:
        killer = threading.Timer(0.7, cluster.kill_one)
        killer.start()
        numbers = ((str(number), number) for number in range(60))
        found = dict(runner_on(cluster.address)(slowly, 100, numbers))
        killer.join()
        with connected(cluster.address) as client:
            assert workers_of(client) == 1
    assert found == {str(number): 100 + number for number in range(60)}


def takes_the_worker_with_it(shared: None, number: int) -> int:
    os._exit(1)


@pytest.mark.long
def test_a_part_that_takes_worker_after_worker_with_it_ends_the_job_and_says_so(
    tmp_path: Path,
) -> None:
    with started(tmp_path, 4) as cluster, pytest.raises(RecommenderError, match="worker after"):
        list(runner_on(cluster.address)(takes_the_worker_with_it, None, [("one", 1)]))


def refuses(shared: None, number: int) -> int:
    raise RecommenderError("clients", "cannot be ranked", "mend them")


@pytest.mark.slow
def test_what_is_wrong_with_the_work_is_said_as_it_would_be_here(workers: Cluster) -> None:
    with pytest.raises(RecommenderError, match="mend them"):
        list(runner_on(workers.address)(refuses, None, [("one", 1)]))


@pytest.mark.slow
def test_workers_with_another_version_of_what_decides_the_numbers_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    older = tmp_path / "older" / "lightgbm-0.0.1.dist-info"
    older.mkdir(parents=True)
    (older / "METADATA").write_text("Metadata-Version: 2.1\nName: lightgbm\nVersion: 0.0.1\n")
    monkeypatch.setenv("PYTHONPATH", str(older.parent))
    with (
        pytest.raises(RecommenderError, match="without lightgbm as it is here"),
        started(tmp_path / "cluster", 1) as cluster,
    ):
        list(runner_on(cluster.address)(slowly, 100, [("one", 1)]))


@pytest.mark.slow
def test_where_nobody_answers_the_address_is_to_blame(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("recommender.compute.runner.CONNECT_SECONDS", 0.5)
    with pytest.raises(RecommenderError, match="does not answer"), connected("tcp://127.0.0.1:1"):
        pass
