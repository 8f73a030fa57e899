"""The path at which a reverse proxy shows this server, such as /match.

It is a setting and never read from a header: a caller could write one into every link of a page.
"""

import structlog
from starlette.types import ASGIApp, Receive, Scope, Send

from recommender.serving.http.request_context import request_info

FORWARDED = frozenset({b"x-forwarded-for", b"x-forwarded-proto", b"forwarded"})
"""Headers by which a proxy says whom it forwards."""

log = structlog.get_logger()


class RootPathMiddleware:
    """ASGI middleware: makes the path of each request begin with the root path (ASGI's form).

    Proxies that remove the path before they forward a request, and proxies that do not, are both
    served.

    Parameters
    ----------
    root_path
        Empty, or a path without a slash at its end.
    declared_proxies
        Whether any proxy is trusted; if not, the first request of a proxy is reported in the log.
    """

    def __init__(self, app: ASGIApp, root_path: str, *, declared_proxies: bool) -> None:
        self.app = app
        self.root_path = root_path
        self._reported = declared_proxies

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Forwards a request."""
        if scope["type"] == "http":
            if not self._reported and is_forwarded(scope):
                self._reported = True
                log.warning("proxy_not_declared")
            if self.root_path:
                self._prefix(scope)
        await self.app(scope, receive, send)

    def _prefix(self, scope: Scope) -> None:
        root, path = self.root_path, scope["path"]
        request_info(scope).root_path = scope["root_path"] = root
        if path == root:
            scope["path"] = f"{root}/"
        elif not path.startswith(f"{root}/"):
            scope["path"] = root + path


def is_forwarded(scope: Scope) -> bool:
    """Whether a proxy has forwarded a request."""
    return any(name in FORWARDED for name, _ in scope["headers"])


def path_within(scope: Scope) -> str:
    """The path of a request as the contract has it, without the root path."""
    path: str = scope["path"]
    return path.removeprefix(request_info(scope).root_path)
