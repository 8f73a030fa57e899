"""What can be wrong, said so that a person can mend it.

Everyone may import this module; it imports nothing of ours and knows no HTTP.
"""

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, order=True)
class Fault:
    """One thing that is wrong: where it stands, what it is, and how to mend it.

    A fault about a person names the field and the kind of value, never the value.
    """

    where: str
    problem: str
    remedy: str

    def __str__(self) -> str:
        return f"{self.where}: {self.problem}; {self.remedy}"


class RecommenderError(Exception):
    """Something we refuse to do, with the field, the problem and the remedy.

    >>> print(RecommenderError("top_k", "is below 1", "ask for at least one clinician"))
    top_k: is below 1; ask for at least one clinician
    """

    def __init__(self, field: str, problem: str, remedy: str) -> None:
        super().__init__(field, problem, remedy)
        self.field = field
        self.problem = problem
        self.remedy = remedy

    def __str__(self) -> str:
        return f"{self.field}: {self.problem}; {self.remedy}"


class FaultsError(RecommenderError):
    """Several faults found in one pass, all of them told at once."""

    def __init__(self, faults: Iterable[Fault]) -> None:
        self.faults = tuple(faults)
        first = self.faults[0]
        super().__init__(first.where, first.problem, first.remedy)
        # Exceptions are rebuilt from `args` when they cross a process border.
        self.args = (self.faults,)

    def __str__(self) -> str:
        return "\n".join(str(fault) for fault in self.faults)


class DefinitionError(FaultsError):
    """A practice definition that cannot be used."""


class TablesError(FaultsError):
    """Tables of a practice that cannot be read without losing something."""


class IntakeError(FaultsError):
    """An intake that does not fit the practice definition."""


class BundleError(RecommenderError):
    """A model bundle that must not be loaded."""


class RegistryError(RecommenderError):
    """The model registry cannot give or take what was asked."""


class RefusedError(FaultsError):
    """A promotion that the gate refuses, with every reason."""


class StoreError(RecommenderError):
    """The database cannot be used as it is; somebody has to mend it first."""


class UnavailableError(StoreError):
    """The database is away or busy; nothing was written, and the same call may succeed later."""


class NotFoundError(RecommenderError):
    """What was asked for is not kept here."""


class ConflictError(RecommenderError):
    """What was asked can no longer be done: somebody else was first."""


class StaleError(ConflictError):
    """A change made to a version that is no longer the newest."""


class KeyReusedError(RecommenderError):
    """An idempotency key that came before with another request."""


class InFlightError(RecommenderError):
    """A request whose first sending is still being worked on."""


class FeedbackError(FaultsError):
    """A decision, an event or a rating that cannot be kept without losing its meaning."""
