"""Looks up the principal of an API key and the session of a cookie; signs people in and out."""

import math
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, TypeVar

from anyio import CapacityLimiter, to_thread

from recommender.errors import RecommenderError, UnavailableError
from recommender.security.accounts import Account, account_with_password
from recommender.security.keys import Pepper, authenticate_key, live_origins, record_use
from recommender.security.linked_identities import account_of_identity
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
from recommender.serving.http.problems import BUSY, NOT_FOUND, RETRY_SOON, ProblemError
from recommender.serving.http.rate_limiter import RateLimiter
from recommender.serving.oidc.attempt import SignInAttempt
from recommender.serving.oidc.opening import open_provider
from recommender.settings import Settings
from recommender.store.database import POOL, Store, open_store

if TYPE_CHECKING:
    from recommender.serving.oidc.provider import OidcProvider

HTTPS = "https"


LOGINS_PER_MINUTE = 10
"""Password attempts per minute and network address."""
ORIGINS_SECONDS = 5.0
"""How long the declared origins are held in memory; each call with a key looks it up anew."""
CONCURRENT_HASHES = 2
"""Passwords verified concurrently: each takes 64 MiB of memory."""

CONCURRENT_PROVIDER_CALLS = 4
"""Sign-ins with a provider that wait for it concurrently, each in a thread."""

Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class UnlinkedIdentity:
    """Somebody whom the provider knows and nobody has linked to an account; their code."""

    code: str


@dataclass(frozen=True, slots=True)
class CredentialStore:
    """The store of keys, accounts and sessions, and the secret of their hashes."""

    store: Store
    pepper: Pepper


class AuthBackend:
    """Looks up principals and sessions.

    Attributes
    ----------
    credentials
        None for a server without a store, which accepts every request from its own machine.
    provider, passwords
        The OpenID provider that staff may sign in with, if any; whether passwords are accepted.
    hashes, provider_calls
        Threads that compute passwords, and those that ask the provider.
    calls, logins, provider_starts
        Rate limits of callers; per network address, of passwords and returns from the provider,
        and of ways to it.
    browser_calls, browser_addresses
        Rate limits of publishable keys, and of the network addresses that send them.
    clock, elapsed
        The current time, UTC; seconds that only increase.
    """

    def __init__(self, credentials: CredentialStore | None, settings: Settings) -> None:
        self.credentials = credentials
        self.provider, self.passwords = open_provider(settings), settings.passwords
        self._cookies = {
            scheme: cookie_for(
                settings.allowed_hosts, https=scheme == HTTPS, root_path=settings.root_path
            )
            for scheme in ("http", HTTPS)
        }
        self.calls = RateLimiter(settings.calls_per_minute)
        self.logins = RateLimiter(LOGINS_PER_MINUTE)
        self.provider_starts = RateLimiter(LOGINS_PER_MINUTE)
        self.browser_calls = RateLimiter(settings.browser_calls_per_minute)
        self.browser_addresses = RateLimiter(settings.browser_calls_per_address)
        self._origins: tuple[float, frozenset[str]] = (-math.inf, frozenset())
        self.clock: Callable[[], datetime] = lambda: datetime.now(UTC)
        self.elapsed: Callable[[], float] = time.monotonic
        self._waiting = settings.queue_limit
        self._lookups, self.hashes = CapacityLimiter(POOL), CapacityLimiter(CONCURRENT_HASHES)
        self.provider_calls = CapacityLimiter(CONCURRENT_PROVIDER_CALLS)

    def cookie(self, scheme: str) -> Cookie:
        """The session cookie of a request; trusted proxies say its scheme."""
        return self._cookies[HTTPS if scheme == HTTPS else "http"]

    async def principal_of_key(self, key: str) -> Principal | None:
        """The principal of a valid key."""
        credentials, now = self.required_credentials(), self.clock()
        store = credentials.store
        look = partial(authenticate_key, store, key, credentials.pepper, now=now)
        # From a file it is read sooner than a thread has begun.
        found = look() if store.is_local else await self.run(self._lookups, look)
        if found is None:
            return None
        if found.last_used_on != now.date():
            used = partial(record_use, store, found.principal.credential, now.date())
            await self.run(self._lookups, used)
        return found.principal

    async def declared_origins(self) -> frozenset[str]:
        """The origins of live publishable keys, at most `ORIGINS_SECONDS` old.

        While the store is unreachable they are those of before: calls are refused then anyway.
        """
        if self.credentials is None:
            return frozenset()
        store, (read_at, origins) = self.credentials.store, self._origins
        if self.elapsed() - read_at < ORIGINS_SECONDS:
            return origins

        def look() -> frozenset[str]:
            with store.reading() as connection:
                return live_origins(connection, now=self.clock())

        # Set first, so that requests that arrive meanwhile do not look as well.
        self._origins = self.elapsed(), origins
        with suppress(UnavailableError, ProblemError):
            origins = await self.run(self._lookups, look)
            self._origins = self.elapsed(), origins
        return origins

    async def session(self, token: str) -> Session | None:
        """The session of a valid token."""
        store = self.required_credentials().store
        return await self.run(self._lookups, lambda: find_session(store, token, now=self.clock()))

    async def log_in(self, name: str, password: str) -> Session | None:
        """A new session if the password is that of the account, and passwords are accepted."""
        if not self.passwords:
            return None
        store = self.required_credentials().store

        def opened() -> Session | None:
            now = self.clock()
            account: Account | None = account_with_password(store, name, password, now=now)
            if account is None:
                return None
            with store.writing() as connection:
                restricted = account.password_temporary
                return open_session(connection, account, now=now, restricted=restricted)

        return await self.run(self.hashes, opened)

    async def provider_address(self, attempt: SignInAttempt, return_to: str) -> str:
        """Where a browser goes to sign in with the provider; raises `SignInError`."""
        provider = self.required_provider()
        return await self.run(self.provider_calls, lambda: provider.address(attempt, return_to))

    async def log_in_linked(
        self, attempt: SignInAttempt, code: str, return_to: str
    ) -> Session | UnlinkedIdentity:
        """A new session if the identity is linked to an account; raises `SignInError`."""
        store, provider = self.required_credentials().store, self.required_provider()

        def opened() -> Session | UnlinkedIdentity:
            identity = provider.identity(attempt, code, return_to)
            with store.writing() as connection:
                account = account_of_identity(connection, identity)
                if account is None:
                    return UnlinkedIdentity(identity)
                return open_session(connection, account, now=self.clock())

        return await self.run(self.provider_calls, opened)

    async def log_out(self, session: Session) -> None:
        """Deletes a session."""
        store = self.required_credentials().store

        def close() -> None:
            with store.writing() as connection:
                close_session(connection, session)

        await self.run(self._lookups, close)

    def close(self) -> None:
        """Closes the connections of the store."""
        if self.credentials is not None:
            self.credentials.store.close()

    def required_credentials(self) -> CredentialStore:
        """The store of accounts and keys; raises `RecommenderError` without one."""
        if self.credentials is None:
            remedy = "set RECOMMENDER_STORE, or send requests without a key"
            raise RecommenderError("store", "is not configured", remedy)
        return self.credentials

    def required_provider(self) -> "OidcProvider":
        """The provider people sign in with; raises `ProblemError` (404) without one."""
        if self.provider is None:
            raise ProblemError(NOT_FOUND)
        return self.provider

    async def run(self, limiter: CapacityLimiter, work: Callable[[], Result]) -> Result:
        """The result of work in a thread; refused (503) where too much waits for it."""
        full = limiter.statistics().tasks_waiting >= self._waiting
        if full and not limiter.available_tokens:
            raise ProblemError(BUSY, headers=RETRY_SOON)
        return await to_thread.run_sync(work, limiter=limiter)


def open_auth_backend(settings: Settings) -> AuthBackend:
    """The backend for the settings: with a store, keys are required.

    Raises
    ------
    RecommenderError
        When a server without a store listens to other machines, or a store has no pepper.
    StoreError
        When the store cannot be opened.
    """
    if settings.store is None:
        if settings.host not in LOOPBACK:
            problem = "is not configured, so that anyone on the network could send requests"
            remedy = "set RECOMMENDER_STORE and RECOMMENDER_PEPPER, or listen on 127.0.0.1"
            raise RecommenderError("store", problem, remedy)
        return AuthBackend(None, settings)
    pepper = Pepper.of(settings.pepper.get_secret_value() if settings.pepper else "")
    return AuthBackend(
        CredentialStore(open_store(settings.store.get_secret_value()), pepper), settings
    )
