"""Pseudonyms of people and pairings: a keyed digest of what the source system calls them.

The key is a file that stays with the practice. With it the same person gets the same pseudonym in
every import; without it nobody can compute whose pseudonym it is.
"""

import base64
import hashlib
import hmac
import os
import secrets
import stat
from pathlib import Path
from typing import Literal

from recommender.errors import RecommenderError
from recommender.values.ids import canonical_id

KEY_FILE = Path("var/import/pseudonyms.key")
"""Where the key is, unless another file is named: apart from the tables that are written."""
KEY_BYTES = 32
DIGITS = 10
"""Characters of base32 after the prefix: 50 bits, so that of 100,000 people two have the same
pseudonym once in 200,000 imports. It is detected."""

FINGERPRINTED = b"fingerprint of the key of pseudonyms"
"""What a key signs for its fingerprint; no person and no pairing is called so, for want of a kind
and a slash."""

Kind = Literal["client", "clinician", "pairing"]
PREFIXES: dict[Kind, str] = {"client": "c", "clinician": "k", "pairing": "p"}


class Pseudonyms:
    """Computes pseudonyms under one key, and refuses two people with the same one.

    Examples
    --------
    >>> pseudonyms = Pseudonyms(bytes(32))
    >>> pseudonyms.of("client", "1042")
    'c-diiyreqjjr'
    >>> pseudonyms.of("client", "1042") == pseudonyms.of("pairing", "1042")
    False
    """

    def __init__(self, key: bytes) -> None:
        if len(key) < KEY_BYTES:
            problem = f"has {len(key)} bytes, fewer than {KEY_BYTES}"
            remedy = "restore it from a backup, or name another file; a missing one is created"
            raise RecommenderError("the pseudonym key", problem, remedy)
        self._key = key
        self._sources: dict[str, str] = {}

    @property
    def fingerprint(self) -> str:
        """Tells this key from another, without saying anything of it: 8 hexadecimal digits."""
        return hmac.new(self._key, FINGERPRINTED, hashlib.sha256).hexdigest()[:8]

    def __repr__(self) -> str:
        return f"Pseudonyms(of {len(self._sources)})"

    def of(self, kind: Kind, source_id: str | int) -> str:
        """The pseudonym of a person or pairing that the source system calls `source_id`.

        Ids that differ in Unicode form or in the space around them alone are equal; case counts.

        Raises
        ------
        RecommenderError
            For an empty id, and when two ids get one pseudonym.
        """
        source = canonical_id(str(source_id))
        if not source:
            problem = "is empty"
            raise RecommenderError(f"the {kind}'s id", problem, "give the id of the source system")
        digest = hmac.new(self._key, f"{kind}/{source}".encode(), hashlib.sha256).digest()
        code = base64.b32encode(digest).decode().lower()[:DIGITS]
        pseudonym = f"{PREFIXES[kind]}-{code}"
        if self._sources.setdefault(pseudonym, source) != source:
            problem = f"gives two ids of a {kind} the same pseudonym"
            remedy = "name a new key file: all pseudonyms change, so import everything again"
            raise RecommenderError("the pseudonym key", problem, remedy)
        return pseudonym


def read_pseudonyms(path: Path) -> Pseudonyms:
    """Pseudonyms under the key in a file; the file is created where there is none.

    Raises
    ------
    RecommenderError
        When others than the owner may read the file, or it holds no key.
    """
    try:
        return Pseudonyms(_read_key(path))
    except FileNotFoundError:
        return Pseudonyms(_create_key(path))
    except OSError as error:
        problem = f"cannot be opened ({error.strerror})"
        raise RecommenderError(str(path), problem, "check the path and rights") from None


def preview_pseudonyms(path: Path) -> Pseudonyms:
    """Pseudonyms as `read_pseudonyms` gives them; under a random key where there is no file.

    For a preview, which writes nothing.
    """
    if path.exists():
        return read_pseudonyms(path)
    return Pseudonyms(secrets.token_bytes(KEY_BYTES))


def _read_key(path: Path) -> bytes:
    with path.open("rb") as file:
        mode = stat.S_IMODE(os.fstat(file.fileno()).st_mode)
        if mode & 0o077:
            problem = f"may be read by other accounts (mode {mode:o})"
            remedy = f"run `chmod 600 {path}`; if somebody may have copied it, use a new key"
            raise RecommenderError(str(path), problem, remedy)
        text = file.read(4 * KEY_BYTES)
    try:
        key = bytes.fromhex(text.decode("ascii"))
    except ValueError:
        key = b""
    if len(key) != KEY_BYTES:
        remedy = "restore it from a backup; with another key all pseudonyms change"
        problem = f"is not a key of {KEY_BYTES} bytes in hexadecimal digits"
        raise RecommenderError(str(path), problem, remedy)
    return key


def _create_key(path: Path) -> bytes:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    key = secrets.token_bytes(KEY_BYTES)
    # Created with its mode: at no moment can another account read it.
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(key.hex().encode() + b"\n")
        file.flush()
        os.fsync(file.fileno())
    return key
