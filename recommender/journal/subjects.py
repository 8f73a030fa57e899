"""Subjects: a random id in place of each client's pseudonym, and an encryption key of its own.

Personal content is encrypted with the key (AES-256-GCM), so that destroying the key erases every
copy.
"""

import secrets
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from sqlalchemy import Connection, bindparam, insert, select

from recommender.journal.validation import canonical_json
from recommender.store.database import advisory_lock, database_time
from recommender.store.driver_statement import DriverStatement
from recommender.store.schema import recommendations, subjects

_KEY_BITS = 256
_NONCE_BYTES = 12
"""96 bits, as NIST SP 800-38D recommends for random nonces."""
_MIN_COMPRESSED = 1024
"""Bytes from which content is compressed first: responses are long and repetitive."""
_LEVEL = 3
"""Of compression; higher levels take twice the time and save 5 % more."""
_ZLIB_HEADER = b"\x78"
"""First byte of compressed content (RFC 1950, 2.2); JSON never begins with it."""


@dataclass(frozen=True, slots=True)
class Subject:
    """One client in the journal, with the key that encrypts personal content.

    The id is random, and anonymous once the row that ties it to a pseudonym is deleted.
    """

    subject_id: str
    key: bytes = field(repr=False)

    def encrypt(self, purpose: str, content: bytes) -> bytes:
        """Content encrypted with this subject's key and bound to a purpose."""
        return self.encrypt_packed(purpose, packed(content))

    def encrypt_packed(self, purpose: str, content: bytes) -> bytes:
        """Like `encrypt`, for what `packed` gives."""
        nonce = secrets.token_bytes(_NONCE_BYTES)
        return nonce + AESGCM(self.key).encrypt(nonce, content, self._bound(purpose))

    def encrypt_json(self, purpose: str, value: Any) -> bytes:
        """The canonical JSON of a value, encrypted."""
        return self.encrypt(purpose, canonical_json(value).encode())

    def decrypt(self, purpose: str, content: bytes) -> bytes:
        """The content that `encrypt` was given.

        Raises
        ------
        cryptography.exceptions.InvalidTag
            When it was encrypted with another key or for another purpose, or was changed since.
        """
        nonce, encrypted = content[:_NONCE_BYTES], content[_NONCE_BYTES:]
        opened = AESGCM(self.key).decrypt(nonce, encrypted, self._bound(purpose))
        return zlib.decompress(opened) if opened.startswith(_ZLIB_HEADER) else opened

    def _bound(self, purpose: str) -> bytes:
        return f"{self.subject_id}/{purpose}".encode()


def packed(content: bytes) -> bytes:
    """Content as it is encrypted: compressed if it is long. It needs neither key nor database."""
    # Also whenever it begins like compressed content, so that the first byte decides.
    if len(content) >= _MIN_COMPRESSED or content.startswith(_ZLIB_HEADER):
        return zlib.compress(content, _LEVEL)
    return content


def find_subject(connection: Connection, client_id: str) -> Subject | None:
    """The subject with this pseudonym, None when it is unknown or was erased."""
    return _of(_OF_CLIENT.first(connection, name=client_id))


def subject_with(connection: Connection, subject_id: str) -> Subject | None:
    """The subject with this id, None once erased."""
    return _of(_WITH_ID.first(connection, name=subject_id))


def subject_of_recommendation(connection: Connection, recommendation_id: str) -> Subject | None:
    """The subject of a recommendation; None if it is not recorded or the subject was erased."""
    about = select(recommendations.c.subject_id).where(
        recommendations.c.recommendation_id == recommendation_id
    )
    subject_id = connection.execute(about).scalar()
    return subject_with(connection, subject_id) if subject_id else None


def subject_for(connection: Connection, client_id: str | None) -> Subject:
    """The subject with this pseudonym, created when new; a new one for a client without any."""
    if client_id is None:
        return _create(connection, None)
    # Two first requests about one client must agree on the key.
    advisory_lock(connection, f"subject/{client_id}")
    return find_subject(connection, client_id) or _create(connection, client_id)


_SELECT = select(subjects.c.subject_id, subjects.c.key)
_OF_CLIENT, _WITH_ID = (
    DriverStatement(_SELECT.where(column == bindparam("name")))
    for column in (subjects.c.client_id, subjects.c.subject_id)
)
_INSERT = DriverStatement(insert(subjects))


def _of(row: Mapping[str, Any] | None) -> Subject | None:
    return None if row is None else Subject(row["subject_id"], bytes(row["key"]))


def _create(connection: Connection, client_id: str | None) -> Subject:
    subject = Subject(secrets.token_hex(16), AESGCM.generate_key(_KEY_BITS))
    values = {
        "subject_id": subject.subject_id,
        "client_id": client_id,
        "key": subject.key,
        "created_at": database_time(connection),
    }
    _INSERT.execute(connection, values)
    return subject
