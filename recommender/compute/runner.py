"""Work cut into parts that do not need each other, and who does it.

Imported by `batch` and `training`; `cluster` has the other way to do it.
"""

from collections.abc import Callable, Iterable, Iterator
from typing import Protocol, TypeVar

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
