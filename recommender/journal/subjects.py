"""Whom a row is about: a random id in place of the pseudonym, and a key of their own.

What is personal is sealed with the key (AES-256-GCM); without it the rest is noise, so destroying
the key erases every copy. Imported within `journal`.
"""

import secrets
import zlib
from dataclasses import dataclass, field
from typing import Any

from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from sqlalchemy import Connection, Row, insert, select

from recommender.journal.canonical_json import canonical_json
from recommender.store.database import advisory_lock, database_time
from recommender.store.schema import subjects

_KEY_BITS = 256
_NONCE_BYTES = 12
"""96 bits, as NIST SP 800-38D recommends for random nonces."""
_MIN_COMPRESSED = 1024
"""Bytes from which content is packed before it is sealed: a response names every clinician with
what left them out, most of it over and over."""
_LEVEL = 3
"""Of packing; higher ones take twice the time for a twentieth less."""
_ZLIB_HEADER = b"\x78"
"""What packed content begins with (RFC 1950, 2.2), and JSON never does."""


@dataclass(frozen=True, slots=True)
class Subject:
    """One client as the journal knows them.

    Attributes
    ----------
    subject_id
        Random; says nothing once the row that ties it to a pseudonym is gone.
    key
        Seals what is personal; never shown.
    """

    subject_id: str
    key: bytes = field(repr=False)

    def encrypt(self, purpose: str, content: bytes) -> bytes:
        """Content that only this subject's key opens, and only as what it was sealed for."""
        nonce = secrets.token_bytes(_NONCE_BYTES)
        return nonce + AESGCM(self.key).encrypt(nonce, _compressed(content), self._bound(purpose))

    def encrypt_json(self, purpose: str, value: Any) -> bytes:
        """The canonical text of a value, sealed."""
        return self.encrypt(purpose, canonical_json(value).encode())

    def decrypt(self, purpose: str, content: bytes) -> bytes:
        """What was sealed.

        Raises
        ------
        cryptography.exceptions.InvalidTag
            When it was sealed with another key, for another purpose, or was changed since.
        """
        nonce, encrypted = content[:_NONCE_BYTES], content[_NONCE_BYTES:]
        return _decompressed(AESGCM(self.key).decrypt(nonce, encrypted, self._bound(purpose)))

    def _bound(self, purpose: str) -> bytes:
        return f"{self.subject_id}/{purpose}".encode()


def _compressed(content: bytes) -> bytes:
    # Packed whenever it could be taken for packed, so that its first byte always tells.
    must = len(content) >= _MIN_COMPRESSED or content.startswith(_ZLIB_HEADER)
    return zlib.compress(content, _LEVEL) if must else content


def _decompressed(content: bytes) -> bytes:
    return zlib.decompress(content) if content.startswith(_ZLIB_HEADER) else content


def find_subject(connection: Connection, client_id: str) -> Subject | None:
    """The subject with this pseudonym, None when nothing was ever kept or it was erased."""
    return _of(connection.execute(_SELECT.where(subjects.c.client_id == client_id)).first())


def subject_with(connection: Connection, subject_id: str) -> Subject | None:
    """The subject with this id, None once erased."""
    return _of(connection.execute(_SELECT.where(subjects.c.subject_id == subject_id)).first())


def subject_for(connection: Connection, client_id: str | None) -> Subject:
    """The subject with this pseudonym, made when new; one of its own for a client without any."""
    if client_id is None:
        return _create(connection, None)
    # Two first requests about one client must agree on the key.
    advisory_lock(connection, f"subject/{client_id}")
    return find_subject(connection, client_id) or _create(connection, client_id)


_SELECT = select(subjects.c.subject_id, subjects.c.key)


def _of(row: "Row[Any, Any] | None") -> Subject | None:
    return None if row is None else Subject(row.subject_id, bytes(row.key))


def _create(connection: Connection, client_id: str | None) -> Subject:
    subject = Subject(secrets.token_hex(16), AESGCM.generate_key(_KEY_BITS))
    connection.execute(
        insert(subjects).values(
            subject_id=subject.subject_id,
            client_id=client_id,
            key=subject.key,
            created_at=database_time(connection),
        )
    )
    return subject
