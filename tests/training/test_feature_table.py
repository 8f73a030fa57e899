"""The table made in parts is the table made at once, whoever makes them and in whatever order."""

from collections.abc import Callable, Iterable, Iterator

import numpy as np
import pytest

from recommender.compute.runner import Part, Result, Shared, TaskRunner, run_serially
from recommender.features.pipeline import Pairs, Rows, fit_pipeline
from recommender.practice.definition import shipped_practice
from recommender.training import fit_preparation as module
from recommender.training.fit_preparation import SideTables, TrainingPair, feature_table
from tests.support.random_tables import invented_people

CLIENTS, CLINICIANS, PAIRINGS, HISTORY = 30, 12, 90, 4


def last_first(
    work: Callable[[Shared, Part], Result], shared: Shared, parts: Iterable[tuple[str, Part]], /
) -> Iterator[tuple[str, Result]]:
    yield from reversed(list(run_serially(work, shared, parts)))


def made(
    pairings: int, runner: TaskRunner | None, clients: int = CLIENTS
) -> tuple[Rows, tuple[int, ...]]:
    """A table in parts, or at once without a runner, and the clients each part was given."""
    rng = np.random.default_rng(7)
    practice = shipped_practice()
    people = invented_people(practice, "client", clients, seed=1)
    clinicians = invented_people(practice, "clinician", CLINICIANS, seed=2)
    pairs = Pairs(rng.integers(0, clients, pairings), rng.integers(0, CLINICIANS, pairings))
    history = rng.normal(size=(pairings, HISTORY))
    pipeline = fit_pipeline(practice, clinicians, np.random.default_rng(0))
    if runner is None:
        return pipeline.rows(people, clinicians, pairs, history), ()
    given: list[int] = []

    def counting(
        work: Callable[[Shared, Part], Result], shared: Shared, parts: Iterable[tuple[str, Part]], /
    ) -> Iterator[tuple[str, Result]]:
        def counted() -> Iterator[tuple[str, Part]]:
            for name, part in parts:
                assert isinstance(part, TrainingPair)
                given.append(part.clients.size)
                yield name, part

        yield from runner(work, shared, counted())

    rows = feature_table(SideTables(pipeline, clinicians), people, pairs, history, counting)
    return rows, tuple(given)


def same(one: Rows, other: Rows) -> bool:
    pairs = zip((one.model_columns(), one.raw), (other.model_columns(), other.raw), strict=True)
    return all(np.array_equal(left, right, equal_nan=True) for left, right in pairs)


@pytest.mark.parametrize("at_once", [1, 7, 45, 90, 10_000])
@pytest.mark.parametrize("runner", [run_serially, last_first])
def test_parts_of_any_size_done_in_any_order_make_the_same_table(
    at_once: int, runner: TaskRunner, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "CHUNK_ROWS", at_once)
    assert same(made(PAIRINGS, runner)[0], made(PAIRINGS, None)[0])


def test_one_client_of_many_pairings_is_told_apart_from_no_others(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "CHUNK_ROWS", 7)
    assert same(made(PAIRINGS, run_serially, 1)[0], made(PAIRINGS, None, 1)[0])


def test_a_part_is_given_its_own_clients_and_nobody_else(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "CHUNK_ROWS", 9)
    _, given = made(PAIRINGS, run_serially, clients=500)
    assert len(given) == PAIRINGS // 9
    assert max(given) <= 9


def test_nobody_to_learn_from_has_a_table_with_every_column() -> None:
    nobody, _ = made(0, run_serially)
    assert same(nobody, made(0, None)[0])
    assert nobody.model_columns().shape == (0, made(1, None)[0].model_columns().shape[1])
