"""Parts computed in threads give what one after another would, in the same order."""

import threading
import time

import numpy as np
import pytest

from recommender.compute import threads
from recommender.compute.runner import run_serially
from recommender.compute.threads import over_spans, run_in_threads, side_by_side


@pytest.fixture(params=[1, 2, 5])
def some_cores(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> int:
    monkeypatch.setattr(threads, "cores", lambda: request.param)
    return int(request.param)


def test_results_come_in_the_order_of_their_arguments(some_cores: int) -> None:
    def slower_first(number: int) -> int:
        time.sleep(0.002 * (10 - number))
        return number**2

    assert list(side_by_side(slower_first, range(10))) == [number**2 for number in range(10)]


def test_as_many_parts_are_computed_at_once_as_there_are_cores(some_cores: int) -> None:
    together = threading.Barrier(some_cores, timeout=10)
    assert (
        len(list(side_by_side(lambda _: together.wait(), range(2 * some_cores)))) == 2 * some_cores
    )


def test_arguments_are_taken_as_results_are_read(some_cores: int) -> None:
    numbers = iter(range(100))
    next(side_by_side(lambda number: number, numbers))
    assert next(numbers) <= 2 * some_cores


def test_an_error_of_a_part_is_raised_where_its_result_is_read(some_cores: int) -> None:
    def inverse(number: int) -> float:
        return 1 / number

    with pytest.raises(ZeroDivisionError):
        list(side_by_side(inverse, [1, 0, 2]))


@pytest.mark.parametrize("rows", [0, 1, 6, 7, 20])
def test_spans_cover_every_row_once(some_cores: int, rows: int) -> None:
    seen = np.zeros(rows, dtype=int)

    def count(some: slice) -> None:
        assert some.stop - some.start <= 7
        seen[some] += 1

    over_spans(count, rows, 7)
    assert (seen == 1).all()


def test_a_runner_in_threads_gives_the_results_of_one_after_another(some_cores: int) -> None:
    parts = [(str(number), number) for number in range(8)]

    def add(shared: int, part: int) -> int:
        return shared + part

    assert list(run_in_threads(add, 3, parts)) == list(run_serially(add, 3, parts))
