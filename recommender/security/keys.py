"""API keys: `rk_<id>_<secret>` of programs, `pk_<id>_<...>` of public web pages (publishable keys).

A key is shown once and stored as a keyed hash.

A secret has 256 random bits, so a fast hash keyed with the pepper is enough.
"""

import hashlib
import hmac
import re
import secrets
import string
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, bindparam, insert, select, update

from recommender.errors import ConflictError, NotFoundError, RecommenderError, UnavailableError
from recommender.journal.audit_log import AuditEntry, append
from recommender.security.origins import read_origins
from recommender.security.scopes import Principal, Role, Scope, granted
from recommender.store.database import Store, advisory_lock
from recommender.store.driver_statement import DriverStatement
from recommender.store.schema import access_keys

LIFETIME = timedelta(days=365)
OVERLAP = timedelta(days=7)
"""How long the old key of a rotation lasts by default."""
LIVE = 2
"""Keys of one name at a time: the one in use and the one that replaces it."""
PEPPER_LENGTH = 32

_ID_LETTERS = string.ascii_lowercase + string.digits
_SHAPE = re.compile(r"[rp]k_([a-z0-9]{8})_[A-Za-z0-9_-]{43}", re.ASCII)
_SANDBOXED = (Role.TOOL, Role.BROWSER, Role.STAFF)
"""Roles of which a sandbox key can be made: the others look after the server itself."""
_NAME = re.compile(r"[a-z0-9][a-z0-9-]{1,39}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Pepper:
    """The secret outside the database that keys its hashes."""

    secret: bytes = field(repr=False)

    @classmethod
    def of(cls, text: str) -> "Pepper":
        """A pepper from the settings.

        Raises
        ------
        RecommenderError
            When it is too short.
        """
        if len(text) < PEPPER_LENGTH:
            remedy = "set RECOMMENDER_PEPPER to the output of `openssl rand -base64 32`"
            raise RecommenderError("pepper", f"is shorter than {PEPPER_LENGTH} characters", remedy)
        return cls(text.encode())

    @property
    def mark(self) -> str:
        """Identifies the pepper, so that a changed one can be detected."""
        return self.hash("pepper").hex()[:8]

    def hash(self, text: str) -> bytes:
        """The keyed hash of a text."""
        return hmac.digest(self.secret, text.encode(), hashlib.sha256)


@dataclass(frozen=True, slots=True)
class KeyFacts:
    """A key without its secret; `origins` has none unless its role is `browser`."""

    key_id: str
    name: str
    role: Role
    only: str | None
    pepper_mark: str
    created_at: datetime
    expires_at: datetime
    revoked_at: datetime | None
    last_used_on: date | None
    origins: tuple[str, ...]
    sandbox: bool

    def live(self, now: datetime) -> bool:
        """Whether it is valid at this time."""
        return self.revoked_at is None and now < self.expires_at


@dataclass(frozen=True, slots=True)
class NewKey:
    """A new key with its secret, which is not stored."""

    facts: KeyFacts
    text: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class KeyRequest:
    """The name, role and lifetime of a key to create.

    Attributes
    ----------
    only
        Scopes of the role, separated by spaces, if the key gets some of them only.
    origins
        Origins of the pages that hold a key of role `browser`; empty for other roles.
    sandbox
        Whether nothing that is sent with the key is stored.
    """

    name: str
    role: Role
    only: str | None = None
    lifetime: timedelta = LIFETIME
    origins: tuple[str, ...] = ()
    sandbox: bool = False


def create_key(
    connection: Connection, wanted: KeyRequest, pepper: Pepper, *, now: datetime, actor: str
) -> NewKey:
    """Creates the first key of a name.

    Raises
    ------
    ConflictError
        When the name has a live key, which `rotate_key` replaces.
    RecommenderError
        When the name, the lifetime, `only`, an origin or `sandbox` cannot be used.
    """
    advisory_lock(connection, "access_keys")
    if _live(connection, wanted.name, now):
        remedy = f"run `recommender keys rotate {wanted.name}`, or choose another name"
        raise ConflictError("name", "has a live key already", remedy)
    return _create(connection, wanted, pepper, now=now, actor=actor)


def rotate_key(
    connection: Connection,
    name: str,
    pepper: Pepper,
    *,
    now: datetime,
    actor: str,
    overlap: timedelta = OVERLAP,
    lifetime: timedelta = LIFETIME,
) -> NewKey:
    """Creates the key that replaces the live one of a name, which expires after `overlap`.

    Raises
    ------
    NotFoundError
        When the name has no live key.
    ConflictError
        When it has two already.
    """
    advisory_lock(connection, "access_keys")
    live = _live(connection, name, now)
    if not live:
        raise NotFoundError("name", "has no live key", "see `recommender keys list`")
    if len(live) >= LIVE:
        remedy = f"revoke the older first: `recommender keys revoke {live[0].key_id}`"
        raise ConflictError("name", f"has {LIVE} live keys already", remedy)
    (old,) = live
    ends = min(old.expires_at, now + overlap)
    connection.execute(
        update(access_keys).where(access_keys.c.key_id == old.key_id).values(expires_at=ends)
    )
    wanted = KeyRequest(name, old.role, old.only, lifetime, old.origins, old.sandbox)
    return _create(connection, wanted, pepper, now=now, actor=actor)


def revoke_key(connection: Connection, key: str, *, now: datetime, actor: str) -> KeyFacts:
    """Ends a key at once, by its id, or by its name where one live key has it.

    Raises
    ------
    NotFoundError
        When there is no such key, or it is not live.
    ConflictError
        When several live keys have the name.
    """
    advisory_lock(connection, "access_keys")
    row = connection.execute(select(access_keys).where(access_keys.c.key_id == key)).first()
    found = [_facts(row._mapping)] if row is not None else list(_live(connection, key, now))
    live = [each for each in found if each.live(now)]
    if not live:
        raise NotFoundError("key", "is no live key", "see `recommender keys list`")
    if len(live) > 1:
        ids = ", ".join(f"{each.key_id} (of {each.created_at:%Y-%m-%d})" for each in live)
        remedy = f"give the id of the one to end, the oldest first: {ids}"
        raise ConflictError("key", f"is the name of {len(live)} live keys", remedy)
    (ended,) = live
    with_id = access_keys.c.key_id == ended.key_id
    connection.execute(update(access_keys).where(with_id).values(revoked_at=now))
    entry = {"key_id": ended.key_id, "name": ended.name}
    append(connection, AuditEntry(actor, "key.revoked", entry))
    return ended


def list_keys(connection: Connection) -> tuple[KeyFacts, ...]:
    """Every key, ended ones too, by name, then the oldest first."""
    order = (access_keys.c.name, access_keys.c.created_at, access_keys.c.key_id)
    rows = connection.execute(select(access_keys).order_by(*order)).mappings()
    return tuple(_facts(row) for row in rows)


def live_origins(connection: Connection, *, now: datetime) -> frozenset[str]:
    """The origins that live keys declare."""
    columns = access_keys.c
    usable = and_(columns.origins.is_not(None), _usable(now))
    declared = connection.execute(select(columns.origins).where(usable)).scalars()
    return frozenset(origin for origins in declared for origin in origins.split())


_WITH_ID = DriverStatement(select(access_keys).where(access_keys.c.key_id == bindparam("name")))


@dataclass(frozen=True, slots=True)
class AuthenticatedKey:
    """Whose key it is, and the day of its last use before this one; None before the first."""

    principal: Principal
    last_used_on: date | None


def authenticate_key(
    store: Store, secret: str, pepper: Pepper, *, now: datetime
) -> AuthenticatedKey | None:
    """The owner of a live key; None for anything else, without a reason. It only reads."""
    shape = _SHAPE.fullmatch(secret)
    if shape is None:
        return None
    with store.single_read() as connection:
        row = _WITH_ID.first(connection, name=shape[1])
    # Compares also where there is no such key, so that an unknown id takes as long.
    stored = bytes(row["secret_hash"]) if row else bytes(hashlib.sha256().digest_size)
    same = hmac.compare_digest(stored, pepper.hash(secret))
    if row is None or not same:
        return None
    facts = _facts(row)
    if not facts.live(now):
        return None
    scopes: frozenset[Scope] = granted(facts.role, facts.only)
    origins = frozenset(facts.origins) if facts.role is Role.BROWSER else None
    actor = f"key:{facts.name}"
    principal = Principal(actor, facts.key_id, facts.role, scopes, origins, facts.sandbox)
    return AuthenticatedKey(principal, facts.last_used_on)


def record_use(store: Store, key_id: str, day: date) -> None:
    """Records the day of the last use of a key; if the database is busy, the next call does."""
    used = update(access_keys).where(access_keys.c.key_id == key_id).values(last_used_on=day)
    with suppress(UnavailableError), store.writing() as connection:
        connection.execute(used)


def _create(
    connection: Connection, wanted: KeyRequest, pepper: Pepper, *, now: datetime, actor: str
) -> NewKey:
    if _NAME.fullmatch(wanted.name) is None:
        remedy = "give 2 to 40 of a-z, 0-9 and -, such as website"
        raise RecommenderError("name", "cannot name a key", remedy)
    if not timedelta(0) < wanted.lifetime <= 2 * LIFETIME:
        raise RecommenderError("days", "key lifetime must be 1 to 730 days", "such as 365")
    granted(wanted.role, wanted.only)
    origins = _declared_origins(wanted)
    if wanted.sandbox and wanted.role not in _SANDBOXED:
        remedy = f"create it without, or choose among {', '.join(_SANDBOXED)}"
        raise RecommenderError("sandbox", f"is not possible for {wanted.role}", remedy)
    key_id = "".join(secrets.choice(_ID_LETTERS) for _ in range(8))
    prefix = "pk" if wanted.role is Role.BROWSER else "rk"
    text = f"{prefix}_{key_id}_{secrets.token_urlsafe(32)}"
    values: dict[str, Any] = {
        "key_id": key_id,
        "name": wanted.name,
        "role": wanted.role.value,
        "only": wanted.only,
        "pepper_mark": pepper.mark,
        "created_at": now,
        "expires_at": now + wanted.lifetime,
        "revoked_at": None,
        "last_used_on": None,
        "origins": " ".join(origins) or None,
        "sandbox": wanted.sandbox,
    }
    connection.execute(insert(access_keys).values(**values, secret_hash=pepper.hash(text)))
    named = ("key_id", "name", "role", "only", "origins", "sandbox")
    append(connection, AuditEntry(actor, "key.created", {name: values[name] for name in named}))
    return NewKey(KeyFacts(**values | {"role": wanted.role, "origins": origins}), text)


def _declared_origins(wanted: KeyRequest) -> tuple[str, ...]:
    if wanted.role is Role.BROWSER:
        return read_origins(wanted.origins)
    if wanted.origins:
        remedy = "leave it out, or create a key with --role browser"
        raise RecommenderError("origin", f"is not possible for {wanted.role}", remedy)
    return ()


def _live(connection: Connection, name: str, now: datetime) -> Sequence[KeyFacts]:
    columns = access_keys.c
    usable = select(access_keys).where(columns.name == name, _usable(now))
    rows = connection.execute(usable.order_by(columns.created_at)).mappings()
    return [_facts(row) for row in rows]


def _usable(now: datetime) -> ColumnElement[bool]:
    return and_(access_keys.c.revoked_at.is_(None), access_keys.c.expires_at > now)


def _facts(row: Mapping[Any, Any]) -> KeyFacts:
    facts = {name: value for name, value in row.items() if name != "secret_hash"}
    facts["role"], facts["sandbox"] = Role(row["role"]), bool(row["sandbox"])
    return KeyFacts(**facts | {"origins": tuple((row["origins"] or "").split())})
