"""Sessions of signed-in staff: their cookie, opening, finding and ending them."""

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
from recommender.security.accounts import Account, account_of, end_sessions
from recommender.security.scopes import Principal
from recommender.store.database import Store
from recommender.store.schema import staff_accounts, staff_sessions

MAX_IDLE, MAX_AGE = timedelta(minutes=30), timedelta(hours=12)
USE_NOTED_EVERY = timedelta(minutes=1)
"""Resolution of the stored last use, so that not every request writes."""
LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1", "[::1]"})


@dataclass(frozen=True, slots=True)
class Cookie:
    """The name and security of a session cookie, and the path it is sent to."""

    name: str
    secure: bool
    path: str = "/"

    def setting(self, token: str, *, seconds: int | None = None) -> str:
        """The Set-Cookie header that sets a token, for some seconds or until the browser ends."""
        age = "" if seconds is None else f"Max-Age={seconds}; "
        return f"{self.name}={token}; {age}{self._rules()}"

    def clearing(self) -> str:
        """The Set-Cookie header that deletes the cookie."""
        return f"{self.name}=; Max-Age=0; {self._rules()}"

    def _rules(self) -> str:
        return f"Path={self.path}; HttpOnly; SameSite=Lax" + ("; Secure" if self.secure else "")


@dataclass(frozen=True, slots=True)
class Session:
    """One open session; a restricted one only lets its person choose a password."""

    account: Account
    opened_at: datetime
    seen_at: datetime
    token: str = field(repr=False)
    restricted: bool = False

    @property
    def principal(self) -> Principal:
        """The principal of the account."""
        return self.account.principal

    @property
    def csrf(self) -> str:
        """The CSRF token, which every form and every changing call must send."""
        return self._derived(b"csrf")

    @property
    def linking(self) -> str:
        """What an attempt to link an identity carries, so that it ends in the same session."""
        return self._derived(b"link")

    def repeats(self, given: str) -> bool:
        """Whether a token is the session's CSRF token."""
        return hmac.compare_digest(self.csrf.encode(), given.encode())

    def _derived(self, purpose: bytes) -> str:
        return hmac.new(self.token.encode(), purpose, hashlib.sha256).hexdigest()


@dataclass(frozen=True, slots=True)
class SessionTimes:
    """When a session was opened and last used, and whether it is the one that asks."""

    opened_at: datetime
    seen_at: datetime
    own: bool


def cookie_for(hosts: Iterable[str], *, https: bool = False, root_path: str = "") -> Cookie:
    """The cookie of a server with these host names, behind a path.

    `__Host-` binds it to one host over TLS, without which browsers would refuse such a cookie; a
    server of this machine alone has a plain one, unless the caller is known to use TLS. Behind a
    path the cookie is sent to that path alone, which `__Host-` does not allow, so that other
    programs behind the same host name do not receive it.
    """
    path = root_path or "/"
    if LOOPBACK.issuperset(hosts) and not https:
        return Cookie("recommender", secure=False, path=path)
    prefix = "__Secure-" if root_path else "__Host-"
    return Cookie(f"{prefix}recommender", secure=True, path=path)


def open_session(
    connection: Connection, account: Account, *, now: datetime, restricted: bool = False
) -> Session:
    """A new session; deletes expired ones."""
    columns = staff_sessions.c
    ended = or_(columns.opened_at <= now - MAX_AGE, columns.seen_at <= now - MAX_IDLE)
    connection.execute(delete(staff_sessions).where(ended))
    token = secrets.token_urlsafe(32)
    connection.execute(
        insert(staff_sessions).values(
            token_hash=_hash(token),
            staff_id=account.staff_id,
            opened_at=now,
            seen_at=now,
            restricted=restricted,
        )
    )
    append(connection, AuditEntry(account.staff_id, "session.opened"))
    return Session(account, now, now, token, restricted)


def find_session(store: Store, token: str, *, now: datetime) -> Session | None:
    """The session of a token; None when it has expired, was closed or is unknown."""
    columns = staff_sessions.c
    asked = (
        select(columns.opened_at, columns.seen_at, columns.restricted, staff_accounts)
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
        used = update(staff_sessions).where(staff_sessions.c.token_hash == _hash(token))
        # If the database is busy, the next request records it.
        with suppress(UnavailableError), store.writing() as connection:
            connection.execute(used.values(seen_at=now))
    return Session(account_of(row), row.opened_at, row.seen_at, token, bool(row.restricted))


def open_sessions(
    connection: Connection, session: Session, *, now: datetime
) -> tuple[SessionTimes, ...]:
    """Every session of the account that one belongs to, the newest first."""
    columns = staff_sessions.c
    asked = (
        select(columns.opened_at, columns.seen_at, columns.token_hash)
        .where(columns.staff_id == session.account.staff_id)
        .where(columns.opened_at > now - MAX_AGE, columns.seen_at > now - MAX_IDLE)
        .order_by(columns.opened_at.desc())
    )
    own = _hash(session.token)
    return tuple(
        SessionTimes(row.opened_at, row.seen_at, bytes(row.token_hash) == own)
        for row in connection.execute(asked)
    )


def close_every_session(connection: Connection, session: Session) -> None:
    """Ends every session of the account that one belongs to."""
    staff_id = session.account.staff_id
    end_sessions(connection, staff_id)
    append(connection, AuditEntry(staff_id, "session.closed_everywhere"))


def close_session(connection: Connection, session: Session) -> None:
    """Ends a session at once."""
    ended = staff_sessions.c.token_hash == _hash(session.token)
    connection.execute(delete(staff_sessions).where(ended))
    append(connection, AuditEntry(session.account.staff_id, "session.closed"))


def _hash(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()
