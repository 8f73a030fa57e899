"""Runs independent parts of a computation on the cores of this machine, in threads.

For work inside numpy, scipy and LightGBM, which release the interpreter's lock.
"""

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

from recommender.compute.runner import PARTS_PER_THREAD, Part, Result, Shared

Argument = TypeVar("Argument")
CELLS_FOR_THREADS = 200_000
"""Cells of a matrix below which threads take longer to start than they save of its product."""


def cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def side_by_side(
    work: Callable[[Argument], Result], arguments: Iterable[Argument]
) -> Iterator[Result]:
    """The results of one function in the order of its arguments, computed one a core.

    Arguments are taken as results are read, so that few of both are in memory.
    """
    submitted = deque[Future[Result]]()
    if cores() == 1:
        yield from map(work, arguments)
        return
    with ThreadPoolExecutor(cores()) as pool:
        for argument in arguments:
            submitted.append(pool.submit(work, argument))
            if len(submitted) == PARTS_PER_THREAD * cores():
                yield submitted.popleft().result()
        while submitted:
            yield submitted.popleft().result()


def over_spans(work: Callable[[slice], None], rows: int, most: int) -> None:
    """Calls a function that computes some rows of an array with spans of at most so many rows.

    The spans are the same on every machine, so that the digits of matrix products are.
    """
    spans = [slice(start, min(start + most, rows)) for start in range(0, rows, most)]
    run = side_by_side if len(spans) > 1 else map
    for _ in run(work, spans):
        pass


def run_in_threads(
    work: Callable[[Shared, Part], Result], shared: Shared, parts: Iterable[tuple[str, Part]], /
) -> Iterator[tuple[str, Result]]:
    """Runs parts in this process, one a core, and gives the results in their order."""
    return side_by_side(lambda part: (part[0], work(shared, part[1])), parts)
