"""An account at Cliniko: its key, the address that the key belongs to, and how requests name us.

Source: Cliniko API documentation, *Authentication*, *Identifying your application* and *Base URL
and shards*.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from recommender.errors import RecommenderError

KEY_VARIABLE = "CLINIKO_API_KEY"
ADDRESS_VARIABLE = "CLINIKO_ADDRESS"
"""A server of this machine in place of Cliniko, to try a mapping and for tests."""
DOCUMENTED_LIMIT = 200
"""Requests a minute and user that Cliniko answers; *Rate limits* of its documentation."""
DEFAULT_SHARD = "au1"
"""The shard of keys that name none."""
LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})
_SHARD = re.compile(r"[A-Za-z]{2}[0-9]{1,2}")
_KEY = re.compile(r"[A-Za-z0-9+/=_.~-]{8,512}")
_CONTACT = re.compile(r"[^()<>\r\n]{2,80} \([^@\s()]+@[^@\s()]+\.[^@\s()]+\)")


@dataclass(frozen=True, slots=True)
class ClinikoAccount:
    """What a request needs: the address, the key and who asks.

    Attributes
    ----------
    key
        The API key, which no representation of an account shows.
    address
        Base of every request, such as `https://api.au1.cliniko.com/v1`.
    contact
        The User-Agent: name and contact e-mail of who runs the synchronisation.
    """

    key: str = field(repr=False)
    address: str
    contact: str


def account_of(environment: Mapping[str, str], contact: str) -> ClinikoAccount:
    """The account of the key in the environment.

    Parameters
    ----------
    environment
        Environment variables, of which `CLINIKO_API_KEY` and `CLINIKO_ADDRESS` are read.
    contact
        `NAME (E-MAIL)`.

    Raises
    ------
    RecommenderError
        When there is no key, or a part of it or of the contact is not as Cliniko documents it.
    """
    key = environment.get(KEY_VARIABLE, "").strip()
    if not key:
        remedy = "in Cliniko: My Info, Manage API keys; put the key into the environment"
        raise RecommenderError(KEY_VARIABLE, "is not set", remedy)
    if not _KEY.fullmatch(key):
        remedy = "copy the whole key, without quotes and spaces"
        raise RecommenderError(KEY_VARIABLE, "is not written as Cliniko writes keys", remedy)
    check_contact(contact)
    address = environment.get(ADDRESS_VARIABLE, "").strip()
    return ClinikoAccount(key, _own_address(address) if address else _address_of(key), contact)


def checked_rate(account: ClinikoAccount, per_minute: int) -> int:
    """The requests a minute of a mapping, where Cliniko answers that many.

    Raises
    ------
    RecommenderError
        When Cliniko would refuse them; a server of this machine may be asked faster.
    """
    here = urlsplit(account.address).hostname in LOOPBACK
    if per_minute < 1 or (per_minute > DOCUMENTED_LIMIT and not here):
        remedy = f"write 1 to {DOCUMENTED_LIMIT}: Cliniko answers no more"
        raise RecommenderError("cliniko.requests_per_minute", "is out of range", remedy)
    return per_minute


def check_contact(contact: str) -> None:
    """Refuses a contact that Cliniko may block.

    Raises
    ------
    RecommenderError
        When it is not `NAME (E-MAIL)`.
    """
    if not _CONTACT.fullmatch(contact):
        remedy = 'write name and e-mail, such as "Two Rivers Psychology (it@tworivers.example)"'
        raise RecommenderError("cliniko.contact", "is not NAME (E-MAIL)", remedy)


def _address_of(key: str) -> str:
    """The base address of the shard at the end of a key.

    >>> _address_of("MS0xLWl4SzYYYYdtR3V2HNOTAREALKEY-uk1")
    'https://api.uk1.cliniko.com/v1'
    """
    _, dash, ending = key.rpartition("-")
    shard = ending if dash and _SHARD.fullmatch(ending) else DEFAULT_SHARD
    return f"https://api.{shard.lower()}.cliniko.com/v1"


def _own_address(address: str) -> str:
    parts = urlsplit(address)
    if parts.scheme not in ("http", "https") or parts.hostname not in LOOPBACK:
        problem = "is not an address of this machine"
        remedy = "remove it: the key names Cliniko's address"
        raise RecommenderError(ADDRESS_VARIABLE, problem, remedy)
    return address.rstrip("/")
