"""Identities at an OpenID provider that an owner has linked to accounts of staff.

An identity is an issuer and a subject. Only a digest of both is stored, so that the store does not
say who somebody is at the provider; its code is what a person who is not linked is shown.
"""

import base64
import binascii
import hashlib
from datetime import datetime

from sqlalchemy import Connection, delete, insert, select

from recommender.errors import ConflictError, NotFoundError, RecommenderError
from recommender.journal.audit_log import AuditEntry, append
from recommender.security.accounts import Account, account_of, end_sessions, present_account
from recommender.store.database import advisory_lock
from recommender.store.schema import staff_accounts, staff_identities

DIGEST_BYTES = 20
"""160 bits: 32 letters and digits of base32 without padding."""
GROUP = 4
"""Characters of a code written together."""


def identity_code(issuer: str, subject: str) -> str:
    """The code of an identity, in groups of four.

    Examples
    --------
    >>> identity_code("https://login.example.org", "8c1f")
    'RQFC-YS42-AFCH-4N6X-RNAI-RHOA-2VMZ-YWYB'
    """
    digest = hashlib.sha256(f"{issuer}\0{subject}".encode()).digest()[:DIGEST_BYTES]
    text = base64.b32encode(digest).decode()
    return "-".join(text[at : at + GROUP] for at in range(0, len(text), GROUP))


def link_identity(
    connection: Connection, name: str, code: str, *, now: datetime, actor: str
) -> Account:
    """Lets an identity sign in to an account; one account may have several.

    Raises
    ------
    NotFoundError
        When there is no such account.
    ConflictError
        When the identity is linked already.
    RecommenderError
        When the code is none.
    """
    digest = _digest(code)
    account = present_account(connection, name)
    advisory_lock(connection, "staff_identities")
    known = select(staff_identities).where(staff_identities.c.identity_hash == digest)
    if connection.execute(known).first() is not None:
        remedy = "run `recommender staff unlink NAME` with that account first"
        raise ConflictError("code", "is of an identity that is linked to an account", remedy)
    values = {"identity_hash": digest, "staff_id": account.staff_id, "linked_at": now}
    connection.execute(insert(staff_identities).values(values))
    append(connection, AuditEntry(actor, "account.linked", {"staff_id": account.staff_id}))
    return account


def unlink_identities(connection: Connection, name: str, *, actor: str) -> Account:
    """Removes every link of an account and ends its sessions.

    Raises
    ------
    NotFoundError
        When there is no such account, or nothing is linked to it.
    """
    account = present_account(connection, name)
    linked = staff_identities.c.staff_id == account.staff_id
    if not connection.execute(delete(staff_identities).where(linked)).rowcount:
        raise NotFoundError("name", "has no linked identity", "see `recommender staff list`")
    end_sessions(connection, account.staff_id)
    append(connection, AuditEntry(actor, "account.unlinked", {"staff_id": account.staff_id}))
    return account


def account_of_identity(connection: Connection, code: str) -> Account | None:
    """The account that an identity is linked to; None when there is none, or it was removed.

    A lock after wrong passwords does not apply: somebody else may have caused it.
    """
    asked = (
        select(staff_accounts)
        .join(staff_identities, staff_identities.c.staff_id == staff_accounts.c.staff_id)
        .where(staff_identities.c.identity_hash == _digest(code))
    )
    row = connection.execute(asked).first()
    return None if row is None or row.removed_at is not None else account_of(row)


def linked_staff(connection: Connection) -> frozenset[str]:
    """Ids of the accounts that an identity is linked to."""
    rows = connection.execute(select(staff_identities.c.staff_id))
    return frozenset(row.staff_id for row in rows)


def _digest(code: str) -> bytes:
    try:
        digest = base64.b32decode("".join(code.upper().replace("-", " ").split()))
    except (binascii.Error, ValueError):
        digest = b""
    if len(digest) != DIGEST_BYTES:
        remedy = "give the 32 letters and digits of the page that the person is shown"
        raise RecommenderError("code", "is not the code of an identity", remedy)
    return digest
