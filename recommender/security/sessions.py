"""Sessions of staff: a random token in a cookie, its hash in the database, with expiry.

The CSRF token is derived from the session's token, so nothing else is stored.
"""

import hashlib
import hmac
import secrets
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sqlalchemy import Connection, delete, insert, or_, select, update

from recommender.errors import UnavailableError
from recommender.journal.audit_log import AuditEntry, append
from recommender.security.passwords import Account, account_of
from recommender.security.scopes import Principal
from recommender.store.database import Store
from recommender.store.schema import staff_accounts, staff_sessions

MAX_IDLE, MAX_AGE = timedelta(minutes=30), timedelta(hours=12)
USE_NOTED_EVERY = timedelta(minutes=1)
"""Resolution of the stored last use, so that not every request writes."""
LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1", "[::1]"})


@dataclass(frozen=True, slots=True)
class Cookie:
    """The name and security of a session cookie."""

    name: str
    secure: bool

    def setting(self, token: str) -> str:
        """The Set-Cookie header that sets a token."""
        return f"{self.name}={token}; {self._rules()}"

    def clearing(self) -> str:
        """The Set-Cookie header that deletes the cookie."""
        return f"{self.name}=; Max-Age=0; {self._rules()}"

    def _rules(self) -> str:
        return "Path=/; HttpOnly; SameSite=Lax" + ("; Secure" if self.secure else "")


@dataclass(frozen=True, slots=True)
class Session:
    """One open session."""

    account: Account
    opened_at: datetime
    seen_at: datetime
    token: str = field(repr=False)

    @property
    def principal(self) -> Principal:
        """The principal of the account."""
        return self.account.principal

    @property
    def csrf(self) -> str:
        """The CSRF token, which every form and every changing call must send."""
        return hmac.new(self.token.encode(), b"csrf", hashlib.sha256).hexdigest()

    def repeats(self, given: str) -> bool:
        """Whether a token is the session's CSRF token."""
        return hmac.compare_digest(self.csrf.encode(), given.encode())


def cookie_for(hosts: Iterable[str]) -> Cookie:
    """The cookie of a server with these host names.

    `__Host-` binds it to one host over TLS, without which browsers would refuse such a cookie; a
    server of this machine alone has a plain one.
    """
    if LOOPBACK.issuperset(hosts):
        return Cookie("recommender", secure=False)
    return Cookie("__Host-recommender", secure=True)


def open_session(connection: Connection, account: Account, *, now: datetime) -> Session:
    """A new session; deletes expired ones."""
    _remove_ended(connection, now)
    token = secrets.token_urlsafe(32)
    connection.execute(
        insert(staff_sessions).values(
            token_hash=_hash(token), staff_id=account.staff_id, opened_at=now, seen_at=now
        )
    )
    append(connection, AuditEntry(account.staff_id, "session.opened"))
    return Session(account, now, now, token)


def find_session(store: Store, token: str, *, now: datetime) -> Session | None:
    """The session of a token; None when it has expired, was closed or is unknown."""
    asked = (
        select(staff_sessions.c.opened_at, staff_sessions.c.seen_at, staff_accounts)
        .join(staff_accounts, staff_accounts.c.staff_id == staff_sessions.c.staff_id)
        .where(staff_sessions.c.token_hash == _hash(token))
    )
    with store.reading() as connection:
        row = connection.execute(asked).first()
    if row is None or row.removed_at is not None:
        return None
    if now >= min(row.opened_at + MAX_AGE, row.seen_at + MAX_IDLE):
        return None
    if now - row.seen_at >= USE_NOTED_EVERY:
        _note_use(store, token, now)
    return Session(account_of(row), row.opened_at, row.seen_at, token)


def close_session(connection: Connection, session: Session) -> None:
    """Ends a session at once."""
    ended = staff_sessions.c.token_hash == _hash(session.token)
    connection.execute(delete(staff_sessions).where(ended))
    append(connection, AuditEntry(session.account.staff_id, "session.closed"))


def _remove_ended(connection: Connection, now: datetime) -> None:
    columns = staff_sessions.c
    ended = or_(columns.opened_at <= now - MAX_AGE, columns.seen_at <= now - MAX_IDLE)
    connection.execute(delete(staff_sessions).where(ended))


def _note_use(store: Store, token: str, now: datetime) -> None:
    used = update(staff_sessions).where(staff_sessions.c.token_hash == _hash(token))
    # If the database is busy, the next request records it.
    with suppress(UnavailableError), store.writing() as connection:
        connection.execute(used.values(seen_at=now))


def _hash(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()
