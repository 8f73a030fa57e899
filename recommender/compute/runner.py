"""Work cut into parts that do not need each other, and who does it.

Imported by `batch` and `training`; `cluster` has the other way to do it.
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
    """Does the work of all parts, and gives back each by its name as it is done."""

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
            Of one part; it must not matter where it is done, or how often.
        shared
            What every part needs.
        parts
            Names and parts; drawn as fast as they are worked on.
        """


def run_serially(
    work: Callable[[Shared, Part], Result], shared: Shared, parts: Iterable[tuple[str, Part]], /
) -> Iterator[tuple[str, Result]]:
    """The work of all parts in this process, in their order."""
    for name, part in parts:
        yield name, work(shared, part)


Progress = Callable[[str, float], None]
"""Told the step and how much of the whole is done, 0 to 1."""


PARTS_PER_THREAD = 2
"""Parts each thread has waiting: none is idle, and what is not written yet stays small."""
CONNECT_SECONDS = 10.0
PINNED_PACKAGES = ("recommender", "lightgbm", "numpy", "scipy")
"""What decides the numbers: of the same version here and on every worker, or nothing is begun."""
SETTINGS = {
    # A part is sent with its work: laid out beforehand it would be lost with its worker.
    "distributed.admin.large-graph-warning-threshold": "1GB",
}


@contextmanager
def connected(address: str) -> "Iterator[Client]":
    """A cluster by the address of its scheduler, such as `tcp://10.0.0.5:8786`.

    Raises
    ------
    RecommenderError
        When the extra is not installed, or nobody answers.
    """
    try:
        import dask
        from distributed import Client
    except ImportError:
        remedy = "install it with its extra, in a clone of it: pip install '.[cluster]'"
        raise RecommenderError("cluster", "needs Dask, which is not here", remedy) from None
    with dask.config.set(SETTINGS):
        try:
            client = Client(address, timeout=CONNECT_SECONDS)
        except (OSError, ValueError):
            remedy = "start `dask scheduler` and `dask worker`, and give the scheduler's address"
            raise RecommenderError("cluster", "does not answer", remedy) from None
        with client:
            yield client


def addresses_of(client: "Client") -> frozenset[str]:
    """Where the workers are that there are now."""
    return frozenset(client.nthreads())


def workers_of(client: "Client") -> int:
    """Threads of all workers.

    Raises
    ------
    RecommenderError
        When there are none, as the work would wait for ever; or when some have other versions of
        what decides the numbers.
    """
    threads = sum(map(int, client.nthreads().values()))
    if not threads:
        raise RecommenderError("cluster", "has no workers", "start some with `dask worker`")
    _check_versions(client)
    return threads


def _check_versions(client: "Client") -> None:
    found: Any = client.get_versions(packages=list(PINNED_PACKAGES))
    here = found["client"]["packages"]
    workers = [worker["packages"] for worker in found["workers"].values()]
    unlike = [
        name for name in PINNED_PACKAGES if any(each.get(name) != here[name] for each in workers)
    ]
    if unlike:
        problem = f"has workers without {', '.join(unlike)} as it is here"
        raise RecommenderError("cluster", problem, "install the same versions on all of them")


def runner_on(address: str) -> TaskRunner:
    """The workers of a cluster as those who do the work of all parts.

    What every part needs is sent to a worker once, and again to whoever takes a lost one's place.
    Called upon, it raises what `connected` and `workers_of` raise, and a RecommenderError when the
    scheduler gives a part up because worker after worker was lost over it.
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
    # Handed out as a result of the cluster's own: one that was lost with its worker is made again.
    everywhere = client.submit(_identity, shared, pure=False)

    def begun(count: int) -> list[Any]:
        some = list(islice(waiting, count))
        futures = [client.submit(work, everywhere, part, pure=False) for _, part in some]
        names.update((future.key, name) for future, (name, _) in zip(futures, some, strict=True))
        return futures

    completed = as_completed(begun(PARTS_PER_THREAD * workers_of(client)))
    for future in completed:
        try:
            result = future.result()
        except KilledWorker:
            problem, remedy = "lost worker after worker over one part", "see why its workers end"
            raise RecommenderError("cluster", problem, remedy) from None
        yield names.pop(future.key), result
        completed.update(begun(1))


def _identity(shared: Shared) -> Shared:
    return shared
