"""Several processes write what one writes; one that ends by itself ends the work with a fault."""

import os
from pathlib import Path

import pytest

from recommender.compute.processes import runner_in
from recommender.compute.runner import TaskRunner, run_serially
from recommender.errors import RecommenderError
from recommender.recommendation.batch_scoring import score_clients
from recommender.recommendation.score_tables import JobSettings
from tests.support.builders import DAY, a_model, an_encoding, some_people

pytestmark = pytest.mark.slow


def scored(out: Path, runner: TaskRunner) -> dict[str, bytes]:
    asked = JobSettings(an_encoding(), a_model(), DAY, 4)
    score_clients(some_people(40), asked, "digest", out, lambda *_: None, runner)
    return {path.name: path.read_bytes() for path in out.iterdir()}


def test_two_processes_write_the_bytes_of_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("recommender.recommendation.batch_scoring.batch_size", lambda clinicians: 2)
    monkeypatch.setattr("recommender.recommendation.batch_scoring.MIN_CHUNK_CLIENTS", 10)
    assert scored(tmp_path / "two", runner_in(2)) == scored(tmp_path / "one", run_serially)


def refuse_or_end(shared: str, part: int) -> int:
    if part:
        raise RecommenderError(shared, "cannot be ranked", "correct them")
    os._exit(1)


def test_a_fault_of_the_work_and_the_end_of_a_process_are_reported() -> None:
    with pytest.raises(RecommenderError, match="correct them"):
        list(runner_in(1)(refuse_or_end, "clients", [("one", 1)]))
    with pytest.raises(RecommenderError, match="lost a process"):
        list(runner_in(1)(refuse_or_end, "clients", [("one", 0)]))
