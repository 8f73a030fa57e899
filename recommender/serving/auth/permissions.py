"""The scope each operation requires, in one table; operations without an entry are refused."""

from collections.abc import Mapping
from enum import Enum

from recommender.security.scopes import Scope


class Unrestricted(Enum):
    """Requirements of operations that need no scope."""

    ANYBODY = "anybody"
    KNOWN = "known"
    """Any valid key or session."""


Need = Scope | Unrestricted

NEEDS: Mapping[str, Need] = {
    "GET /livez": Unrestricted.ANYBODY,
    "GET /readyz": Unrestricted.ANYBODY,
    "GET /openapi.json": Unrestricted.ANYBODY,
    "GET /problems/{slug}": Unrestricted.ANYBODY,
    "GET /metrics": Scope.METRICS_READ,
    "POST /v1/session": Unrestricted.ANYBODY,
    "GET /v1/session": Unrestricted.KNOWN,
    "DELETE /v1/session": Unrestricted.KNOWN,
    "POST /v1/recommendations": Scope.MATCH_CREATE,
    "GET /v1/recommendations/{recommendation_id}": Scope.MATCH_READ,
    "GET /v1/recommendations/{recommendation_id}/explanations": Scope.EXPLAIN_READ,
    "GET /v1/recommendations/{recommendation_id}/explanations/{clinician_id}": Scope.EXPLAIN_READ,
    "POST /v1/recommendations/{recommendation_id}/decisions": Scope.DECIDE_WRITE,
    "GET /v1/recommendations/{recommendation_id}/decisions": Scope.EXPLAIN_READ,
    "POST /v1/predictions": Scope.MATCH_CREATE,
    "POST /v1/allocations": Scope.LIST_ALLOCATE,
    "POST /v1/pairings": Scope.RATING_WRITE,
    "GET /v1/pairings/{pairing_id}": Scope.RATING_WRITE,
    "POST /v1/pairings/{pairing_id}/events": Scope.RATING_WRITE,
    "GET /v1/pairings/{pairing_id}/events": Scope.RATING_WRITE,
    "POST /v1/ratings": Scope.RATING_WRITE,
    "GET /v1/ratings/{rating_id}": Scope.RATING_WRITE,
    "POST /v1/ratings/{rating_id}/corrections": Scope.RATING_WRITE,
    "GET /v1/models/current": Scope.MODEL_READ,
    "GET /v1/models": Scope.MODEL_READ,
    "GET /v1/roster": Scope.ROSTER_READ,
    "PUT /v1/roster": Scope.ROSTER_WRITE,
    "GET /v1/clinicians": Scope.ROSTER_READ,
    "GET /v1/clinicians/{clinician_id}": Scope.ROSTER_READ,
    "PUT /v1/clinicians/{clinician_id}": Scope.ROSTER_WRITE,
    "PATCH /v1/clinicians/{clinician_id}": Scope.ROSTER_WRITE,
    "DELETE /v1/clinicians/{clinician_id}": Scope.ROSTER_WRITE,
    "PUT /v1/clinicians/{clinician_id}/availability": Scope.AVAILABILITY_WRITE,
    "POST /v1/clinicians/{clinician_id}/places/take": Scope.AVAILABILITY_WRITE,
    "POST /v1/clinicians/{clinician_id}/places/give": Scope.AVAILABILITY_WRITE,
    "POST /v1/subjects/{pseudonym}/consents": Scope.CONSENT_WRITE,
    "GET /v1/subjects/{pseudonym}/export": Scope.PRIVACY_MANAGE,
    "DELETE /v1/subjects/{pseudonym}": Scope.PRIVACY_MANAGE,
    "GET /v1/audit-events/verification": Scope.AUDIT_READ,
    "GET /staff/session": Unrestricted.ANYBODY,
    "POST /staff/session": Unrestricted.ANYBODY,
    "POST /staff/session/end": Unrestricted.KNOWN,
    "GET /staff": Unrestricted.KNOWN,
    "GET /staff/model": Scope.MODEL_READ,
    "GET /staff/model/card": Scope.MODEL_READ,
    "GET /staff/model/history": Scope.MODEL_READ,
    "GET /staff/clinicians": Scope.ROSTER_READ,
    "GET /staff/clinicians/records": Scope.RECORD_READ,
    "POST /staff/search": Scope.EXPLAIN_READ,
    "GET /staff/requests/new": Scope.MATCH_CREATE,
    "POST /staff/requests": Scope.MATCH_CREATE,
    "GET /staff/requests/{recommendation_id}": Scope.EXPLAIN_READ,
    "GET /staff/requests/{recommendation_id}/again": Scope.MATCH_CREATE,
    "POST /staff/requests/{recommendation_id}/changes": Scope.MATCH_CREATE,
    "POST /staff/requests/{recommendation_id}/decisions": Scope.DECIDE_WRITE,
    "POST /staff/requests/{recommendation_id}/pairings": Scope.RATING_WRITE,
    "GET /staff/pairings/{pairing_id}": Scope.RATING_WRITE,
    "POST /staff/pairings/{pairing_id}/events": Scope.RATING_WRITE,
    "POST /staff/pairings/{pairing_id}/ratings": Scope.RATING_WRITE,
    "POST /staff/ratings/{rating_id}/corrections": Scope.RATING_WRITE,
}
"""By method and declared path of the route."""
PAGES = "/staff"


def is_page(path: str) -> bool:
    """Whether a declared path is that of a staff page; pages require a session, not a key."""
    return path == PAGES or path.startswith(f"{PAGES}/")
