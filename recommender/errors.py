"""Errors of the package. Each names the field, the problem and the remedy; none knows HTTP."""

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, order=True)
class Fault:
    """One thing that is wrong: where it is, what it is, and how to fix it.

    A fault about a person names the field and the kind of value, never the value.
    """

    where: str
    problem: str
    remedy: str

    def __str__(self) -> str:
        return f"{self.where}: {self.problem}; {self.remedy}"


class RecommenderError(Exception):
    """An operation that is refused, with the field, the problem and the remedy.

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
    """Several faults found in one pass, reported together."""

    def __init__(self, faults: Iterable[Fault]) -> None:
        self.faults = tuple(faults)
        first = self.faults[0]
        super().__init__(first.where, first.problem, first.remedy)
        # Exceptions are rebuilt from `args` when they are passed between processes.
        self.args = (self.faults,)

    def __str__(self) -> str:
        return "\n".join(str(fault) for fault in self.faults)


class DefinitionError(FaultsError):
    """A practice definition that cannot be used."""


class TablesError(FaultsError):
    """Tables of a practice that cannot be read without loss."""


class IntakeError(FaultsError):
    """An intake that does not fit the practice definition."""


class BundleError(RecommenderError):
    """A model bundle that must not be loaded."""


class RegistryError(RecommenderError):
    """The model registry cannot read or write what was requested."""


class BackupError(FaultsError):
    """A backup that cannot be written, or that must not be restored, with every reason."""


class RefusedError(FaultsError):
    """A promotion that the gate refuses, with every reason."""


class SystemLibraryError(RecommenderError):
    """A shared library of the operating system that a package needs is not installed."""


class StoreError(RecommenderError):
    """The database cannot be used in its present state."""


class UnavailableError(StoreError):
    """The database is unreachable or busy; nothing was written, and a retry may succeed."""


class NotFoundError(RecommenderError):
    """The requested record does not exist."""


class ConflictError(RecommenderError):
    """The operation conflicts with an earlier one."""


class StaleError(ConflictError):
    """A change to a version that is not the newest."""


class KeyReusedError(RecommenderError):
    """An idempotency key that was used before with a different request."""


class InFlightError(RecommenderError):
    """A repeated request while the first one is still being processed."""


class FeedbackError(FaultsError):
    """A decision, an event or a rating that is inconsistent and was not stored."""
