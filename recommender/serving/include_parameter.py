"""The query parameter `include`: which parts of a recommendation a caller asks to be sent."""

from collections.abc import Mapping, Sequence
from typing import Annotated

from fastapi import Query, Request

from recommender.security.scopes import Scope
from recommender.serving.authorization import caller, lacks_scope
from recommender.serving.http.field_names import similar_name
from recommender.serving.http.problems import BAD_REQUEST, FieldError, ProblemError
from recommender.serving.schemas.required_scope import SCOPES_EXTENSION, Included

NEEDED: Mapping[Included, Scope] = {
    Included.EXCLUSIONS: Scope.MATCH_READ,
    Included.CONTRIBUTIONS: Scope.EXPLAIN_READ,
}
"""Parts that need a scope as a whole."""
DESCRIPTION = (
    "Parts to send that are otherwise absent: separated by commas, or the parameter repeated. "
    "`facts`: everything else on each `card`, and `tie_text`; `exclusions`: `excluded`, everybody "
    "who is not eligible, with every reason; `relaxations`; `unanswered`; `contributions` (needs "
    "`explain:read`): `in_favour`, `against` and `groups` of each clinician shown."
)


Include = Annotated[
    Sequence[str],
    Query(
        description=DESCRIPTION,
        json_schema_extra={
            "items": {"type": "string", "enum": list(Included), SCOPES_EXTENSION: {**NEEDED}}
        },
    ),
]
"""The parameter `include` of a route, which `included_parts` reads."""


def included_parts(request: Request, include: Sequence[str]) -> frozenset[Included]:
    """The parts a request asks for.

    Raises
    ------
    ProblemError
        400 for a name that is not known; 403 for a part that needs a scope the caller lacks.
    """
    names = [name.strip() for text in include for name in text.split(",")]
    unknown = [name for name in names if name and name not in tuple(Included)]
    if unknown:
        errors = dict.fromkeys(map(_unknown, unknown))
        raise ProblemError(BAD_REQUEST, errors)
    included = frozenset(Included(name) for name in names if name)
    for name in sorted(included & NEEDED.keys()):
        if not caller(request).may(NEEDED[name]):
            message = (
                f"the query parameter `include` names {name}, which needs the scope "
                f"{NEEDED[name]}; leave it out"
            )
            error = FieldError(pointer="", code="scope_missing", message=message)
            raise lacks_scope(NEEDED[name], [error])
    return included


def _unknown(name: str) -> FieldError:
    near = similar_name(name, Included)
    remedy = f"did you mean `{near}`?" if near else f"choose among {', '.join(Included)}"
    message = f"the query parameter `include` has a name that is not known; {remedy}"
    return FieldError(pointer="", code="unknown_include", message=message)
