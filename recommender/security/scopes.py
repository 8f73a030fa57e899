"""Scopes, roles, and which role has which scopes."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from recommender.errors import RecommenderError


class Scope(StrEnum):
    """A permission, `noun:verb`."""

    MATCH_CREATE = "match:create"
    """Read the questions and ask for a recommendation."""
    SCORE_READ = "score:read"
    """See predicted alliances, and ask for predictions of named pairings."""
    LIST_ALLOCATE = "list:allocate"
    """Ask who on a waiting list should see whom."""
    MATCH_READ = "match:read"
    """Read a recommendation again; without `explain:read` only one's own."""
    EXPLAIN_READ = "explain:read"
    """See contributions, comparisons, and everybody's recommendations."""
    DECIDE_WRITE = "decide:write"
    """Record decisions."""
    RATING_WRITE = "rating:write"
    """Record, correct or withdraw ratings, and record events of pairings."""
    CONSENT_WRITE = "consent:write"
    """Record consents and their withdrawal."""
    ROSTER_READ = "roster:read"
    AVAILABILITY_WRITE = "availability:write"
    """Change the open places and hours of a clinician, and nothing else."""
    ROSTER_WRITE = "roster:write"
    RECORD_READ = "record:read"
    """See how single clinicians were rated."""
    MODEL_READ = "model:read"
    MODEL_PROMOTE = "model:promote"
    DATASET_READ = "dataset:read"
    """Export training tables, which have their own pseudonyms and no names."""
    PRIVACY_MANAGE = "privacy:manage"
    """Export or erase all that is stored of one client."""
    AUDIT_READ = "audit:read"
    ACCESS_MANAGE = "access:manage"
    METRICS_READ = "metrics:read"


class Role(StrEnum):
    """The role of a key or an account."""

    TOOL = "tool"
    BROWSER = "browser"
    """A publishable key in a public web page, which everybody who opens the page can read."""
    STAFF = "staff"
    SCIENTIST = "scientist"
    ADMIN = "admin"


ROLES: Mapping[Role, frozenset[Scope]] = {
    Role.TOOL: frozenset({Scope.MATCH_CREATE, Scope.SCORE_READ, Scope.MATCH_READ}),
    Role.BROWSER: frozenset({Scope.MATCH_CREATE}),
    Role.STAFF: frozenset(
        {
            Scope.MATCH_CREATE,
            Scope.SCORE_READ,
            Scope.LIST_ALLOCATE,
            Scope.MATCH_READ,
            Scope.EXPLAIN_READ,
            Scope.DECIDE_WRITE,
            Scope.RATING_WRITE,
            Scope.CONSENT_WRITE,
            Scope.ROSTER_READ,
            Scope.AVAILABILITY_WRITE,
            Scope.MODEL_READ,
        }
    ),
    Role.SCIENTIST: frozenset(
        {
            Scope.RECORD_READ,
            Scope.MODEL_READ,
            Scope.MODEL_PROMOTE,
            Scope.DATASET_READ,
            Scope.METRICS_READ,
        }
    ),
    Role.ADMIN: frozenset(
        {
            Scope.LIST_ALLOCATE,
            Scope.ROSTER_READ,
            Scope.AVAILABILITY_WRITE,
            Scope.ROSTER_WRITE,
            Scope.RECORD_READ,
            Scope.MODEL_READ,
            Scope.CONSENT_WRITE,
            Scope.PRIVACY_MANAGE,
            Scope.AUDIT_READ,
            Scope.ACCESS_MANAGE,
            Scope.METRICS_READ,
        }
    ),
}
"""No role has every scope: staff do not manage keys, data scientists see no clients."""


@dataclass(frozen=True, slots=True)
class Principal:
    """An authenticated caller; `credential` is the id of the key or account, for the server log.

    `actor` is the name in the audit log: `key:` and the key's name, which rotations do not change,
    or the id of an account; never a person's name. `origins` are those of the pages that a
    publishable key answers, None for other callers. What a `sandbox` caller sends is not stored.
    """

    actor: str
    credential: str
    role: Role
    scopes: frozenset[Scope]
    origins: frozenset[str] | None = None
    sandbox: bool = False

    def may(self, scope: Scope) -> bool:
        """Whether it has the scope."""
        return scope in self.scopes

    def sees(self, actor: str) -> bool:
        """Whether it may see a recommendation that `actor` requested."""
        return actor == self.actor or (self.may(Scope.EXPLAIN_READ) and not self.sandbox)


ANYBODY = Principal("open", "open", Role.STAFF, frozenset(Scope))
"""The caller of a server without keys, which listens on its own machine only."""


def role_named(name: str) -> Role:
    """The role of this name.

    Raises
    ------
    RecommenderError
        When there is none.
    """
    if name not in tuple(Role):
        raise RecommenderError("role", "is unknown", f"give one of {', '.join(Role)}")
    return Role(name)


def granted(role: Role, only: str | None = None) -> frozenset[Scope]:
    """The scopes of a role, or those of them named in `only` (separated by spaces).

    Raises
    ------
    RecommenderError
        When `only` names a scope that the role does not have.

    Examples
    --------
    >>> sorted(granted(Role.ADMIN, "metrics:read"))
    [<Scope.METRICS_READ: 'metrics:read'>]
    """
    if only is None:
        return ROLES[role]
    named = only.split()
    if not named or not ROLES[role].issuperset(named):
        allowed = ", ".join(sorted(ROLES[role]))
        raise RecommenderError(
            "only", f"names scopes that {role} does not have", f"choose among {allowed}"
        )
    return frozenset(map(Scope, named))
