"""The contract of one role: the operations it may call, and responses with what it receives.

Both are derived from one document with everything, in which each member of a response that not
every role receives has `x-required-scope` (`serving.schemas.required_scope`) and each operation
names its scope in `security`.
"""

import copy
import json
from collections.abc import Iterator, Mapping
from typing import Any

from recommender.security.accounts import PEOPLE
from recommender.security.scopes import ROLES, Role, Scope
from recommender.serving.schemas.required_scope import (
    EXTENSION,
    INCLUDE_EXTENSION,
    SCOPES_EXTENSION,
)

Document = Mapping[str, Any]
SESSIONS = "sessions"
"""Tag of the operations on sessions, which accounts of people have."""
ROLE = "x-role"
"""Name of the role in the contract's `info`."""
REF = "#/components/schemas/{model}"


def operations_of(document: Document) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every operation, with its method and path, such as `GET /livez`."""
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            yield f"{method.upper()} {path}", operation


def whole_contract(document: Document) -> dict[str, Any]:
    """The contract of all roles together.

    A member that needs a scope, or is sent on request, is never required.
    """
    whole = copy.deepcopy(dict(document))
    for schema in whole["components"]["schemas"].values():
        for name, member in schema.get("properties", {}).items():
            if EXTENSION in member or INCLUDE_EXTENSION in member:
                _forget_required(schema, name)
            if EXTENSION in member:
                member["description"] = " ".join(
                    (
                        *_texts(member),
                        f"Absent for callers without the scope `{member[EXTENSION]}`.",
                    )
                )
    return whole


def role_contract(document: Document, role: Role) -> dict[str, Any]:
    """The contract of one role."""
    own = contract_for(document, ROLES[role], sessions=role in PEOPLE)
    title = f"{document['info']['title']}, for the role {role}"
    return {**own, "info": {**own["info"], "title": title, ROLE: role.value}}


def contract_for(document: Document, scopes: frozenset[Scope], *, sessions: bool) -> dict[str, Any]:
    """The contract of callers with these scopes, who may open `sessions` or have keys only.

    Messages of webhooks are those about what they may read. Members of responses that they never
    receive are absent, and those they always receive are required. What none of their operations
    and messages refers to is left out.
    """
    own = copy.deepcopy(dict(document))
    own["paths"] = _own_paths(own["paths"], scopes, sessions=sessions)
    messages = own.pop("webhooks").items()
    if readable := {
        kind: message for kind, message in messages if message["post"].pop(EXTENSION) in scopes
    }:
        own["webhooks"] = readable
    if not sessions:
        del own["components"]["securitySchemes"]["session"]
    for schema in own["components"]["schemas"].values():
        for name, member in list(schema.get("properties", {}).items()):
            needed = member.pop(EXTENSION, None)
            if needed is not None and needed not in scopes:
                _forget_required(schema, name)
                del schema["properties"][name]
            elif INCLUDE_EXTENSION in member:
                _forget_required(schema, name)
    own["components"]["schemas"] = _referenced(own)
    return own


def _forget_required(schema: dict[str, Any], name: str) -> None:
    if name in schema.get("required", ()):
        schema["required"].remove(name)


def _texts(member: Mapping[str, Any]) -> tuple[str, ...]:
    return (member["description"],) if member.get("description") else ()


def _own_paths(paths: Document, scopes: frozenset[Scope], *, sessions: bool) -> dict[str, Any]:
    """The operations that a caller may use, with links to such operations only."""
    own: dict[str, dict[str, Any]] = {}
    for path, methods in paths.items():
        for method, operation in methods.items():
            if _may_call(operation, scopes, sessions=sessions):
                own.setdefault(path, {})[method] = operation
                _keep_own_values(operation, scopes)
    named = {each["operationId"] for methods in own.values() for each in methods.values()}
    for methods in own.values():
        for operation in methods.values():
            if not sessions:
                operation["security"] = [each for each in operation["security"] if "key" in each]
            for response in operation["responses"].values():
                links = response.get("links", {})
                for name in [each for each in links if links[each]["operationId"] not in named]:
                    del links[name]
    return own


def _keep_own_values(operation: dict[str, Any], scopes: frozenset[Scope]) -> None:
    """Removes from parameters the values that need a scope the role lacks."""
    for parameter in operation.get("parameters", ()):
        schema = parameter["schema"]
        # The values are those of the parameter, of one of its members, or of what is not null.
        for part in (schema, schema.get("items", {}), *schema.get("anyOf", ())):
            needed = part.pop(SCOPES_EXTENSION, {})
            if needed:
                part["enum"] = [
                    each for each in part["enum"] if needed.get(each) in (None, *scopes)
                ]


def _may_call(operation: Document, scopes: frozenset[Scope], *, sessions: bool) -> bool:
    if SESSIONS in operation.get("tags", ()):
        return sessions
    needed = {Scope(name) for each in operation["security"] for name in each.get("key", ())}
    return scopes >= needed


def _referenced(document: Document) -> dict[str, Any]:
    """The schemas that operations refer to, and those that these refer to."""
    schemas = document["components"]["schemas"]
    prefix = REF.format(model="")
    wanted, looked_at = [document["paths"], document.get("webhooks", {})], set[str]()
    while wanted:
        # Names of schemas are words: no other text of the document begins like a reference.
        text = json.dumps(wanted.pop())
        for part in text.split(f'"{prefix}')[1:]:
            name = part.partition('"')[0]
            if name not in looked_at:
                looked_at.add(name)
                wanted.append(schemas[name])
    return {name: schema for name, schema in schemas.items() if name in looked_at}
