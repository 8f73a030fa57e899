"""The contract as one role meets it: what a response to it may hold, and what it may call."""

import copy
import json
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any

import jsonschema_rs

from recommender.security.scopes import ROLES, Role
from recommender.serving.schemas.required_scope import EXTENSION

Document = Mapping[str, Any]
NEVER: Mapping[str, Any] = {"not": {}}
"""The schema of a member that must be absent."""


def contract_for(document: Document, role: Role) -> dict[str, Any]:
    """The contract of a role.

    Members that need a scope the role lacks must be absent, and an operation that needs one never
    succeeds.
    """
    own, scopes = copy.deepcopy(dict(document)), ROLES[role]
    for schema in own["components"]["schemas"].values():
        for name, member in schema.get("properties", {}).items():
            if member.get(EXTENSION) not in (None, *scopes):
                schema["properties"][name] = NEVER
    for _, operation in operations_of(own):
        needed = [scope for each in operation["security"] for scope in each.get("key", ())]
        if not scopes.issuperset(needed):
            for status in [each for each in operation["responses"] if each.startswith("2")]:
                del operation["responses"][status]
    return own


def operations_of(document: Document) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every operation, with its method and path, such as `GET /livez`."""
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            yield f"{method.upper()} {path}", operation


class RoleContract:
    """Compares responses to a role with its contract.

    Parameters
    ----------
    document
        The contract of the server.
    """

    def __init__(self, document: Document, role: Role) -> None:
        self._document = contract_for(document, role)
        self._operations = dict(operations_of(self._document))
        self._validator = lru_cache(maxsize=None)(self._compiled)

    def violations(self, operation: str, status: int, media: str, body: bytes) -> list[str]:
        """How a response differs from the contract; empty when it does not.

        Parameters
        ----------
        operation
            Method and declared path.
        """
        responses = self._operations[operation]["responses"]
        if str(status) not in responses:
            return [f"{operation}: status {status} is not in the contract of this role"]
        content = responses[str(status)].get("content", {})
        media = media.partition(";")[0]
        if not content:
            return [f"{operation}: {status} has a body"] if body else []
        if media not in content:
            return [f"{operation}: {status} has the undeclared media type {media}"]
        errors = self._validator(operation, str(status), media).iter_errors(json.loads(body))
        return [
            f"{operation}: {status} at /{'/'.join(map(str, each.instance_path))}: {each.kind.name}"
            for each in errors
        ]

    def _compiled(self, operation: str, status: str, media: str) -> Any:
        schema = self._operations[operation]["responses"][status]["content"][media]["schema"]
        # References in it begin at the root of the document.
        return jsonschema_rs.Draft202012Validator(
            {**schema, "components": self._document["components"]}
        )
