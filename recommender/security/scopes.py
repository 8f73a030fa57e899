"""What may be done here, and which role may do it: two closed lists and the table between them.

Imported by the rest of `access`, by `serving` and `commands`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from recommender.errors import RecommenderError


class Scope(StrEnum):
    """One thing that may be done, `noun:verb`."""

    MATCH_CREATE = "match:create"
    """Ask for a recommendation or for predictions of named pairings."""
    LIST_ALLOCATE = "list:allocate"
    """Ask who on a waiting list should see whom."""
    MATCH_READ = "match:read"
    """Read a recommendation again; whoever may not explain reads only what it asked for itself."""
    EXPLAIN_READ = "explain:read"
    """See contributions, comparisons, and everybody's recommendations."""
    DECIDE_WRITE = "decide:write"
    """Record who was chosen, and why."""
    RATING_WRITE = "rating:write"
    """Record, correct or withdraw a rating, and what became of a pairing."""
    CONSENT_WRITE = "consent:write"
    """Record what a client agrees to, or takes back."""
    ROSTER_READ = "roster:read"
    AVAILABILITY_WRITE = "availability:write"
    """Change who has room and when, and nothing else of a clinician."""
    ROSTER_WRITE = "roster:write"
    RECORD_READ = "record:read"
    """See how single clinicians were rated."""
    MODEL_READ = "model:read"
    MODEL_PROMOTE = "model:promote"
    DATASET_READ = "dataset:read"
    """Take out training tables: pseudonyms of their own, no names."""
    PRIVACY_MANAGE = "privacy:manage"
    """Export or erase everything kept of one client."""
    AUDIT_READ = "audit:read"
    ACCESS_MANAGE = "access:manage"
    METRICS_READ = "metrics:read"


class Role(StrEnum):
    """Who somebody is here."""

    TOOL = "tool"
    STAFF = "staff"
    SCIENTIST = "scientist"
    ADMIN = "admin"


ROLES: Mapping[Role, frozenset[Scope]] = {
    Role.TOOL: frozenset({Scope.MATCH_CREATE, Scope.MATCH_READ}),
    Role.STAFF: frozenset(
        {
            Scope.MATCH_CREATE,
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
"""Nobody has every scope: who sees clients does not manage keys, who learns sees no identities."""


@dataclass(frozen=True, slots=True)
class Principal:
    """Whoever asks, known for who it is.

    Attributes
    ----------
    actor
        Whom the journal names: `key:` and the key's name, which lasts through rotations, or the id
        of an account; never a person's name.
    credential
        The one key or account that was shown, for the log.
    """

    actor: str
    credential: str
    role: Role
    scopes: frozenset[Scope]

    def may(self, scope: Scope) -> bool:
        """Whether it may do this."""
        return scope in self.scopes

    def sees(self, actor: str) -> bool:
        """Whether it may see a recommendation somebody asked for."""
        return self.may(Scope.EXPLAIN_READ) or actor == self.actor


ANYBODY = Principal("open", "open", Role.STAFF, frozenset(Scope))
"""Whoever asks a server without keys, which listens to its own machine only."""


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
    """What a role may do, narrowed to the scopes named in `only` (a space between two).

    Raises
    ------
    RecommenderError
        When `only` names what the role may not do: narrowing never adds.

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
        raise RecommenderError("only", f"names what {role} may not do", f"choose among {allowed}")
    return frozenset(map(Scope, named))
