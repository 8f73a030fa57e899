"""The door of one server: what opens it, and how often. It looks; `serving.callers` decides.

Imported by `serving.callers`, `serving.sessions` and `serving.app`.
"""

import ipaddress
import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TypeVar

from anyio import CapacityLimiter, to_thread
from limits import RateLimitItemPerMinute
from limits.storage import MemoryStorage
from limits.strategies import MovingWindowRateLimiter

from recommender.errors import RecommenderError
from recommender.security.keys import Pepper, authenticate_key
from recommender.security.passwords import Account, account_with_password
from recommender.security.scopes import Principal
from recommender.security.sessions import (
    LOOPBACK,
    Cookie,
    Session,
    close_session,
    cookie_for,
    find_session,
    open_session,
)
from recommender.serving.http.problems import BUSY, RETRY_SOON, ProblemError
from recommender.settings import Settings
from recommender.store.database import POOL, Store
from recommender.store.migration import open_store

SECONDS = 60


@dataclass(frozen=True, slots=True)
class RateLimitState:
    """One call counted: whether it was allowed, and the headers that say what is left."""

    allowed: bool
    headers: Mapping[str, str]


class RateLimiter:
    """One limit, for any number of callers.

    Parameters
    ----------
    calls
        How many a caller may make in any minute.
    """

    def __init__(self, calls: int) -> None:
        self._calls = calls
        self._limit = RateLimitItemPerMinute(calls)
        self._window = MovingWindowRateLimiter(MemoryStorage())

    def spend(self, caller: str) -> RateLimitState:
        """Counts one call; the headers are those of draft-ietf-httpapi-ratelimit-headers-10."""
        allowed = self._window.hit(self._limit, caller)
        left = self._window.get_window_stats(self._limit, caller)
        wait = max(1, math.ceil(left.reset_time - time.time()))
        headers = {
            "RateLimit-Policy": f'"calls";q={self._calls};w={SECONDS}',
            "RateLimit": f'"calls";r={left.remaining};t={wait}',
        }
        return RateLimitState(allowed, headers if allowed else headers | {"Retry-After": str(wait)})


LOGINS = 10
"""Times a minute one address may try a password."""
HASHES = 2
"""Passwords checked at a time: each takes 64 MiB for a moment."""

Found = TypeVar("Found")


@dataclass(frozen=True, slots=True)
class CredentialStore:
    """Where keys, accounts and sessions are kept, and what their hashes need."""

    store: Store
    pepper: Pepper


class AuthBackend:
    """Who stands at the door.

    Attributes
    ----------
    locks
        None for a server without a store: it is open, to its own machine alone.
    cookie
        How a session's cookie is called and kept.
    calls, logins
        How often a caller may call, and an address may try a password.
    clock
        What time it is, UTC.
    """

    def __init__(self, locks: CredentialStore | None, settings: Settings) -> None:
        self.locks = locks
        self.cookie: Cookie = cookie_for(settings.allowed_hosts)
        self.calls = RateLimiter(settings.calls_per_minute)
        self.logins = RateLimiter(LOGINS)
        self.clock: Callable[[], datetime] = lambda: datetime.now(UTC)
        self._waiting = settings.queue_limit
        self._lookups, self._hashes = CapacityLimiter(POOL), CapacityLimiter(HASHES)

    async def principal_of_key(self, given: str) -> Principal | None:
        """Whose key this is, if anybody's."""
        locks = self._locked()
        return await self._in_turn(
            self._lookups,
            lambda: authenticate_key(locks.store, given, locks.pepper, now=self.clock()),
        )

    async def session(self, token: str) -> Session | None:
        """The session of a token, if it lasts."""
        store = self._locked().store
        return await self._in_turn(
            self._lookups, lambda: find_session(store, token, now=self.clock())
        )

    async def log_in(self, name: str, password: str) -> Session | None:
        """A new session for whoever knows an account's password."""
        store = self._locked().store

        def opened() -> Session | None:
            now = self.clock()
            account: Account | None = account_with_password(store, name, password, now=now)
            if account is None:
                return None
            with store.writing() as connection:
                return open_session(connection, account, now=now)

        return await self._in_turn(self._hashes, opened)

    async def log_out(self, session: Session) -> None:
        """Ends a session at once."""
        store = self._locked().store

        def close() -> None:
            with store.writing() as connection:
                close_session(connection, session)

        await self._in_turn(self._lookups, close)

    def close(self) -> None:
        """Gives the store back."""
        if self.locks is not None:
            self.locks.store.close()

    def _locked(self) -> CredentialStore:
        if self.locks is None:
            remedy = "set RECOMMENDER_STORE, or ask without a key"
            raise RecommenderError("store", "is not configured", remedy)
        return self.locks

    async def _in_turn(self, limiter: CapacityLimiter, work: Callable[[], Found]) -> Found:
        full = limiter.statistics().tasks_waiting >= self._waiting
        if full and not limiter.available_tokens:
            raise ProblemError(BUSY, headers=RETRY_SOON)
        return await to_thread.run_sync(work, limiter=limiter)


def open_auth_backend(settings: Settings) -> AuthBackend:
    """The door as configured: with a store keys are needed, without one only this machine enters.

    Raises
    ------
    RecommenderError
        When a server without a store would listen to other machines, or a store has no pepper.
    StoreError
        When the store cannot be opened.
    """
    if settings.store is None:
        if settings.host not in LOOPBACK:
            problem = "is not configured, so that anybody on the network could ask"
            remedy = "set RECOMMENDER_STORE and RECOMMENDER_PEPPER, or listen on 127.0.0.1"
            raise RecommenderError("store", problem, remedy)
        return AuthBackend(None, settings)
    pepper = Pepper.of(settings.pepper.get_secret_value() if settings.pepper else "")
    return AuthBackend(
        CredentialStore(open_store(settings.store.get_secret_value()), pepper), settings
    )


def from_this_machine(address: str | None) -> bool:
    """Whether a caller's address is this machine's own; a socket without addresses is."""
    if address is None:
        return True
    try:
        return ipaddress.ip_address(address).is_loopback
    except ValueError:
        return False
