"""Compares whatever an application in this process answers with the contract of the caller.

The innermost middleware of the application sees each response together with the route and the
scopes of the caller, and compares the two with the contract as a caller with these scopes gets it.
"""

from functools import lru_cache
from typing import Any

from fastapi import FastAPI
from starlette.middleware import Middleware
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from experiments.trust.contract import RoleContract, closed, with_refusals
from recommender.security.scopes import Scope as Permission
from recommender.serving.dependencies import app_state
from recommender.serving.http.request_context import request_info, route_of
from recommender.serving.openapi import complete_document
from recommender.serving.role_contract import contract_for, operations_of, whole_contract

_documents: dict[str, Any] = {}
"""By digest of a definition: all applications have the same routes."""


def check_contract(app: Any) -> list[str]:
    """How responses of an application differ from its contract, as they come."""
    if not isinstance(app, FastAPI) or not hasattr(app.state, "context"):
        return []
    if not hasattr(app.state, "violations"):
        app.state.violations = []
        app.user_middleware.append(Middleware(_ContractCheck, application=app))
    violations: list[str] = app.state.violations
    return violations


class _ContractCheck:
    def __init__(self, app: ASGIApp, *, application: FastAPI) -> None:
        self.app = app
        self._application = application

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        status, media, body = 0, "", b""

        async def look(message: Message) -> None:
            nonlocal status, media, body
            if message["type"] == "http.response.start":
                status = message["status"]
                named = {name.lower(): value for name, value in message["headers"]}
                media = named.get(b"content-type", b"").decode()
            elif message["type"] == "http.response.body":
                body += message.get("body", b"")
            await send(message)

        await self.app(scope, receive, look)
        snapshot = app_state(self._application).snapshots.current
        if scope["type"] != "http" or snapshot is None or "json" not in media:
            return
        digest, principal = snapshot.practice.digest, request_info(scope).principal
        if digest not in _documents:
            _documents[digest] = complete_document(
                self._application, snapshot.form, snapshot.clinicians
            )
        scopes = frozenset(Permission) if principal is None else principal.scopes
        contract, operations = _contract(digest, scopes)
        label = f"{scope['method']} {route_of(scope)}"
        if label in operations:
            found = contract.violations(label, status, media, body)
            self._application.state.violations += found


@lru_cache(maxsize=64)
def _contract(digest: str, scopes: frozenset[Permission]) -> tuple[RoleContract, frozenset[str]]:
    """The contract of callers with these scopes, and its operations."""
    complete = _documents[digest]
    own = contract_for(complete, scopes, sessions=True)
    document = closed(with_refusals(whole_contract(complete), own))
    return RoleContract(document), frozenset(label for label, _ in operations_of(document))
