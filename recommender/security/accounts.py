"""Accounts of staff, with argon2id password hashes and lockout after failures."""

import re
import secrets
from base64 import b64encode
from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from sqlalchemy import Connection, Row, delete, insert, select, update

from recommender.errors import ConflictError, NotFoundError, RecommenderError
from recommender.journal.audit_log import AuditEntry, append
from recommender.journal.drafts import drop_drafts_of
from recommender.security.scopes import Principal, Role, Scope, granted
from recommender.store.database import Store, advisory_lock
from recommender.store.schema import staff_accounts, staff_identities, staff_sessions

MIN_LENGTH, MAX_LENGTH = 12, 256
FREE_FAILURES = 5
"""Wrong passwords in a row before an account is locked."""
FIRST_WAIT, MAX_WAIT = timedelta(minutes=1), timedelta(hours=1)
PEOPLE = (Role.STAFF, Role.SCIENTIST, Role.ADMIN)

_NAME = re.compile(r"[a-z0-9][a-z0-9._@-]{1,63}", re.ASCII)
_MIN_DISTINCT = 5
# argon2id with the parameters of RFC 9106's low-memory recommendation: 64 MiB, 3 passes.
_hasher = PasswordHasher()


def _hash_of_nothing(hasher: PasswordHasher) -> str:
    """A hash that takes as long to compare as a real one and that no password is known to have."""
    costs = f"m={hasher.memory_cost},t={hasher.time_cost},p={hasher.parallelism}"
    parts = (secrets.token_bytes(hasher.salt_len), secrets.token_bytes(hasher.hash_len))
    salt, digest = (b64encode(part).decode().rstrip("=") for part in parts)
    return f"$argon2id$v=19${costs}${salt}${digest}"


_NOBODY = _hash_of_nothing(_hasher)


@dataclass(frozen=True, slots=True)
class Account:
    """An account without its password; its roles in the order of `PEOPLE`, one at least.

    Its password is temporary while somebody else has set it.
    """

    staff_id: str
    name: str
    roles: tuple[Role, ...]
    created_at: datetime
    locked_until: datetime | None
    removed_at: datetime | None
    password_temporary: bool = False

    @property
    def principal(self) -> Principal:
        """The principal of a login with it, with the scopes of all of its roles."""
        scopes = frozenset[Scope]().union(*map(granted, self.roles))
        return Principal(self.staff_id, self.staff_id, self.roles[0], scopes)


def add_account(
    connection: Connection,
    name: str,
    roles: Role | Collection[Role],
    password: str | None,
    *,
    now: datetime,
    actor: str,
    temporary: bool = False,
) -> Account:
    """Creates an account with one role or several.

    Without a password it is for signing in with a linked identity alone. A person who signs in
    with a temporary password has to choose another first.

    Raises
    ------
    ConflictError
        When the name is or was in use: one name in the audit log is one person.
    RecommenderError
        When name, roles or password cannot be used.
    """
    if _NAME.fullmatch(name) is None:
        remedy = "give 2 to 64 of a-z, 0-9 and . _ @ -"
        raise RecommenderError("name", "cannot name an account", remedy)
    own = _checked((roles,) if isinstance(roles, Role) else roles)
    if password is not None:
        _check_password(name, password)
    advisory_lock(connection, "staff_accounts")
    if _row(connection, name) is not None:
        raise ConflictError("name", "is or was in use", "choose another name")
    values: dict[str, Any] = {"staff_id": secrets.token_hex(8), "name": name, "created_at": now}
    values["password_temporary"] = temporary
    # A password that nobody knows, so that every account is verified alike.
    hashed = {"password_hash": _hasher.hash(password or secrets.token_urlsafe()), "failures": 0}
    stored = _stored(own)
    connection.execute(insert(staff_accounts).values(**values, **stored, **hashed))
    facts = {"staff_id": values["staff_id"], **stored}
    append(connection, AuditEntry(actor, "account.added", facts))
    return Account(**values, roles=own, locked_until=None, removed_at=None)


def change_roles(
    connection: Connection, name: str, roles: Collection[Role], *, actor: str
) -> Account:
    """Gives an account these roles in place of those it had; open sessions have them at once.

    Raises
    ------
    NotFoundError
        When there is no such account.
    RecommenderError
        When no role is given, or one that is for programs.
    """
    own = _checked(roles)
    account = present_account(connection, name)
    _set(connection, account.staff_id, _stored(own))
    facts = {"staff_id": account.staff_id, **_stored(own)}
    append(connection, AuditEntry(actor, "account.roles", facts))
    return replace(account, roles=own)


def change_password(
    connection: Connection, name: str, password: str, *, actor: str, temporary: bool = False
) -> Account:
    """Sets a new password, unlocks the account and ends its sessions; see `add_account`.

    Raises
    ------
    NotFoundError
        When there is no such account.
    RecommenderError
        When the password cannot be used.
    """
    _check_password(name, password)
    account = present_account(connection, name)
    hashed, unlocked = _hasher.hash(password), {"failures": 0, "locked_until": None}
    changed = {"password_hash": hashed, "password_temporary": temporary}
    _set(connection, account.staff_id, changed | unlocked)
    end_sessions(connection, account.staff_id)
    append(connection, AuditEntry(actor, "account.password", {"staff_id": account.staff_id}))
    return replace(account, password_temporary=temporary, locked_until=None)


def remove_account(connection: Connection, name: str, *, now: datetime, actor: str) -> Account:
    """Removes an account for good, ends its sessions and deletes its drafts.

    Its name stays for the audit log.

    Raises
    ------
    NotFoundError
        When there is no such account.
    """
    account = present_account(connection, name)
    _set(connection, account.staff_id, {"removed_at": now})
    linked = staff_identities.c.staff_id == account.staff_id
    connection.execute(delete(staff_identities).where(linked))
    end_sessions(connection, account.staff_id)
    drop_drafts_of(connection, account.staff_id)
    append(connection, AuditEntry(actor, "account.removed", {"staff_id": account.staff_id}))
    return account


def list_accounts(connection: Connection) -> tuple[Account, ...]:
    """Every account, removed ones too, by name."""
    rows = connection.execute(select(staff_accounts).order_by(staff_accounts.c.name))
    return tuple(account_of(row) for row in rows)


def account_names(connection: Connection) -> dict[str, str]:
    """Names of accounts by the id the journal stores for who did something."""
    return {account.staff_id: account.name for account in list_accounts(connection)}


def account_with_password(
    store: Store, name: str, password: str, *, now: datetime
) -> Account | None:
    """The account of a name and password; None if either is wrong, without a reason.

    The hash, which takes nearly all of the time, is computed in every case.
    """
    with store.reading() as connection:
        row = _row(connection, name)
    right = _verified(row.password_hash if row else _NOBODY, password)
    if row is None or row.removed_at is not None:
        return None
    with store.writing() as connection:
        # Read again under a lock, so that concurrent guesses are all counted.
        advisory_lock(connection, f"account/{row.staff_id}")
        row = _row(connection, name)
        if row is None or row.removed_at is not None:
            return None
        if row.locked_until is not None and now < row.locked_until:
            return None
        if not right:
            failures = row.failures + 1
            values: dict[str, Any] = {"failures": failures}
            if failures >= FREE_FAILURES:
                # Ten doublings exceed the maximum.
                doubled = FIRST_WAIT * 2 ** min(failures - FREE_FAILURES, 10)
                values["locked_until"] = now + min(doubled, MAX_WAIT)
            _set(connection, row.staff_id, values)
            return None
        _set(connection, row.staff_id, {"failures": 0, "locked_until": None})
        if _hasher.check_needs_rehash(row.password_hash):
            _set(connection, row.staff_id, {"password_hash": _hasher.hash(password)})
        return account_of(row)


def account_of(row: "Row[Any]") -> Account:
    """An account from its row."""
    return Account(
        staff_id=row.staff_id,
        name=row.name,
        roles=tuple(map(Role, (row.roles or row.role).split())),
        created_at=row.created_at,
        locked_until=row.locked_until,
        removed_at=row.removed_at,
        password_temporary=bool(row.password_temporary),
    )


def _checked(roles: Collection[Role]) -> tuple[Role, ...]:
    """Roles of people, each once and in one order."""
    if any(role not in PEOPLE for role in roles):
        raise RecommenderError("role", "is for programs", f"give one of {', '.join(PEOPLE)}")
    if not roles:
        raise RecommenderError("role", "is missing", f"give one at least of {', '.join(PEOPLE)}")
    return tuple(role for role in PEOPLE if role in roles)


def _stored(roles: tuple[Role, ...]) -> dict[str, str]:
    """The columns of roles: the first alone, as servers of before read it, and all of them."""
    return {"role": roles[0].value, "roles": " ".join(roles)}


def _check_password(name: str, password: str) -> None:
    length = f"{MIN_LENGTH} to {MAX_LENGTH} characters"
    remedy = f"give {length}; four words that do not belong together are enough"
    if not MIN_LENGTH <= len(password) <= MAX_LENGTH:
        raise RecommenderError("password", f"is not {length}", remedy)
    if name in password.lower() or len(set(password)) < _MIN_DISTINCT:
        raise RecommenderError("password", "can be guessed", remedy)


def _verified(password_hash: str, password: str) -> bool:
    try:
        return _hasher.verify(password_hash, password[:MAX_LENGTH]) and len(password) <= MAX_LENGTH
    except (VerificationError, InvalidHashError):
        return False


def _row(connection: Connection, name: str) -> "Row[Any] | None":
    return connection.execute(select(staff_accounts).where(staff_accounts.c.name == name)).first()


def present_account(connection: Connection, name: str) -> Account:
    """The account of a name; raises `NotFoundError` when there is none or it was removed."""
    row = _row(connection, name)
    if row is None or row.removed_at is not None:
        raise NotFoundError("name", "has no account", "see `recommender staff list`")
    return account_of(row)


def _set(connection: Connection, staff_id: str, values: dict[str, Any]) -> None:
    changed = update(staff_accounts).where(staff_accounts.c.staff_id == staff_id)
    connection.execute(changed.values(values))


def end_sessions(connection: Connection, staff_id: str) -> None:
    """Ends every session of an account at once."""
    connection.execute(delete(staff_sessions).where(staff_sessions.c.staff_id == staff_id))
