"""Compares responses with the contract of the role that receives them."""

import copy
import json
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import jsonschema_rs

from recommender.serving.role_contract import operations_of

Document = Mapping[str, Any]


def with_refusals(whole: Document, own: Document) -> dict[str, Any]:
    """The contract of a role, with the operations it may not call, which are always refused."""
    document = copy.deepcopy(dict(own))
    called = dict(operations_of(own))
    for path, methods in whole["paths"].items():
        for method, operation in methods.items():
            if f"{method.upper()} {path}" not in called:
                refused = copy.deepcopy(operation)
                for status in [each for each in refused["responses"] if each.startswith("2")]:
                    del refused["responses"][status]
                document["paths"].setdefault(path, {})[method] = refused
    missing = whole["components"]["schemas"].keys() - own["components"]["schemas"].keys()
    for name in missing:
        document["components"]["schemas"][name] = whole["components"]["schemas"][name]
    document["components"]["securitySchemes"] = whole["components"]["securitySchemes"]
    return document


def closed(document: Document) -> dict[str, Any]:
    """The contract with every object closed: a member that it does not declare is a violation.

    The contract itself leaves objects open, so that a later version may add members.
    """
    strict = copy.deepcopy(dict(document))
    for schema in strict["components"]["schemas"].values():
        if "properties" in schema:
            schema.setdefault("additionalProperties", False)
    return strict


class RoleContract:
    """Compares responses to a role with its contract.

    Parameters
    ----------
    document
        The contract of the role, closed.
    """

    def __init__(self, document: Document) -> None:
        self._document = document
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
