"""Signed JSON files: canonical bytes, the practice's own key, and its fingerprint (Ed25519)."""

import base64
import hashlib
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from recommender.errors import RecommenderError

KEY_FILE = "signing-key.pem"
SIGNATURE = "signature"
FINGERPRINT_DIGITS = 16
"""Hexadecimal digits that two people can compare by telephone: 64 bits, so that nobody finds a
second key with the same ones."""


def canonical(content: Mapping[str, Any]) -> bytes:
    """The one way to write an object: keys in order, no blanks, ASCII, numbers as Python's."""
    text = json.dumps(content, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return text.encode()


def digest_of(content: Mapping[str, Any]) -> str:
    """SHA-256 of an object's canonical bytes without its signature."""
    unsigned = {name: value for name, value in content.items() if name != SIGNATURE}
    return hashlib.sha256(canonical(unsigned)).hexdigest()


def signing_key(folder: Path) -> Ed25519PrivateKey:
    """The practice's own key; made, readable by its owner alone, where there is none.

    Raises
    ------
    RecommenderError
        When the file holds anything else.
    """
    path = folder / KEY_FILE
    if not path.exists():
        folder.mkdir(parents=True, exist_ok=True)
        private = Ed25519PrivateKey.generate()
        content = private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        # Created with its mode: at no moment can another account read it.
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(content)
        return private
    try:
        private_key = load_pem_private_key(path.read_bytes(), None)
    except (ValueError, TypeError):
        private_key = None
    if not isinstance(private_key, Ed25519PrivateKey):
        remedy = "restore it from a backup; without it earlier contributions cannot be withdrawn"
        raise RecommenderError(str(path), "is not a signing key", remedy)
    return private_key


def public_text(private: Ed25519PrivateKey) -> str:
    """The public half of a key, as a contribution states it."""
    return base64.b64encode(private.public_key().public_bytes_raw()).decode()


def fingerprint(key: str) -> str:
    """A short digest of a public key, for people to compare."""
    return hashlib.sha256(key.encode()).hexdigest()[:FINGERPRINT_DIGITS]


def signed(content: Mapping[str, Any], private: Ed25519PrivateKey) -> dict[str, Any]:
    """The object with a signature over its canonical bytes."""
    signature = base64.b64encode(private.sign(canonical(content))).decode()
    return {**content, SIGNATURE: signature}


def is_signed(content: Mapping[str, Any]) -> bool:
    """Whether an object carries the signature of the key it states."""
    unsigned = {name: value for name, value in content.items() if name != SIGNATURE}
    try:
        key = Ed25519PublicKey.from_public_bytes(base64.b64decode(content["key"], validate=True))
        key.verify(base64.b64decode(content[SIGNATURE], validate=True), canonical(unsigned))
    except (InvalidSignature, KeyError, TypeError, ValueError):
        return False
    return True
