"""Runs independent tasks: in this process, or on the workers of a Dask cluster.

Dask is imported when a cluster is used; one machine does not need it.
"""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from itertools import islice
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from recommender.errors import RecommenderError

if TYPE_CHECKING:
    from distributed import Client

Shared = TypeVar("Shared")
Part = TypeVar("Part")
Result = TypeVar("Result")


class TaskRunner(Protocol):
    """Runs one function on every part, and yields the results by the names of the parts."""

    def __call__(
        self,
        work: Callable[[Shared, Part], Result],
        shared: Shared,
        parts: Iterable[tuple[str, Part]],
        /,
    ) -> Iterator[tuple[str, Result]]:
        """The results, in any order.

        Parameters
        ----------
        work
            Computes the result of one part; it must be pure, because a lost part runs again.
        shared
            Argument common to all parts.
        parts
            Names and parts, consumed as workers become free.
        """


def run_serially(
    work: Callable[[Shared, Part], Result], shared: Shared, parts: Iterable[tuple[str, Part]], /
) -> Iterator[tuple[str, Result]]:
    """Runs all parts in this process, in their order."""
    for name, part in parts:
        yield name, work(shared, part)


Progress = Callable[[str, float], None]
"""Called with the current step and the share done, 0 to 1."""


PARTS_PER_THREAD = 2
"""Parts queued per thread: no thread is idle, and few results wait to be written."""
CONNECT_SECONDS = 10.0
PINNED_PACKAGES = ("recommender", "lightgbm", "numpy", "scipy")
"""Packages that determine the numbers: their versions must be equal here and on every worker."""
SETTINGS = {
    # Parts are sent inside the task: scattered data would be lost with its worker.
    "distributed.admin.large-graph-warning-threshold": "1GB",
}


@contextmanager
def connected(address: str) -> "Iterator[Client]":
    """A client of the cluster whose scheduler has this address, such as `tcp://10.0.0.5:8786`.

    Raises
    ------
    RecommenderError
        When the extra is not installed, or the scheduler does not answer.
    """
    try:
        import dask
        from distributed import Client
    except ImportError:
        remedy = "install it with its extra, in a clone of it: pip install -e '.[cluster]'"
        raise RecommenderError("cluster", "needs Dask, which is not installed", remedy) from None
    with dask.config.set(SETTINGS):
        try:
            client = Client(address, timeout=CONNECT_SECONDS)
        except (OSError, ValueError):
            remedy = "start `dask scheduler` and `dask worker`, and give the scheduler's address"
            raise RecommenderError("cluster", "does not answer", remedy) from None
        with client:
            yield client


def addresses_of(client: "Client") -> frozenset[str]:
    """Addresses of the present workers."""
    return frozenset(client.nthreads())


def workers_of(client: "Client") -> int:
    """Number of threads of all workers.

    Raises
    ------
    RecommenderError
        When there are no workers, for which a task would wait for ever, or when some have other
        versions of `PINNED_PACKAGES`.
    """
    threads = sum(map(int, client.nthreads().values()))
    if not threads:
        raise RecommenderError("cluster", "has no workers", "start some with `dask worker`")
    _check_versions(client)
    return threads


def _check_versions(client: "Client") -> None:
    versions: Any = client.get_versions(packages=list(PINNED_PACKAGES))
    here = versions["client"]["packages"]
    workers = [worker["packages"] for worker in versions["workers"].values()]
    unlike = [
        name for name in PINNED_PACKAGES if any(each.get(name) != here[name] for each in workers)
    ]
    if unlike:
        problem = f"has workers without {', '.join(unlike)} as it is here"
        raise RecommenderError("cluster", problem, "install the same versions on all of them")


def runner_on(address: str) -> TaskRunner:
    """A task runner on the workers of a cluster.

    The shared argument is sent to each worker once, and again to the replacement of a lost worker.
    The runner raises what `connected` and `workers_of` raise, and a RecommenderError when the
    scheduler gives up a part after the loss of several workers.
    """

    def run(
        work: Callable[[Shared, Part], Result], shared: Shared, parts: Iterable[tuple[str, Part]], /
    ) -> Iterator[tuple[str, Result]]:
        with connected(address) as client:
            yield from _spread(client, work, shared, parts)

    return run


def _spread(
    client: "Client",
    work: Callable[[Shared, Part], Result],
    shared: Shared,
    parts: Iterable[tuple[str, Part]],
) -> Iterator[tuple[str, Result]]:
    from distributed import KilledWorker, as_completed

    waiting, names = iter(parts), dict[Any, str]()
    # Shared as the result of a task, which the cluster computes again after the loss of a worker.
    everywhere = client.submit(_identity, shared, pure=False)

    def submitted(count: int) -> list[Any]:
        some = list(islice(waiting, count))
        futures = [client.submit(work, everywhere, part, pure=False) for _, part in some]
        names.update((future.key, name) for future, (name, _) in zip(futures, some, strict=True))
        return futures

    completed = as_completed(submitted(PARTS_PER_THREAD * workers_of(client)))
    for future in completed:
        try:
            result = future.result()
        except KilledWorker:
            problem, remedy = "lost worker after worker over one part", "see why its workers end"
            raise RecommenderError("cluster", problem, remedy) from None
        yield names.pop(future.key), result
        completed.update(submitted(1))


def _identity(shared: Shared) -> Shared:
    return shared
