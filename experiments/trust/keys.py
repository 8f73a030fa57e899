"""Keys to a server that keeps what it is told, for programs that ask it."""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime

from recommender.security.keys import KeyRequest, Pepper, create_key
from recommender.security.scopes import Role
from recommender.store.database import open_store

PAGE_ORIGIN = "https://www.practice.example"
"""Origin of the page that a publishable key is for; its requests carry it as `Origin`."""
PEPPER = "a pepper of more than thirty-two letters"


def keys_to(url: str, roles: Iterable[Role] = Role) -> Mapping[Role, str]:
    """A new key for each role, in the store of this address, made where it is not there yet."""
    store, now = open_store(url), datetime.now(UTC)
    with store.writing() as connection:
        keys = {
            role: create_key(
                connection, _request(role), Pepper.of(PEPPER), now=now, actor="trust"
            ).text
            for role in roles
        }
    store.close()
    return keys


def headers_of(role: Role, key: str) -> dict[str, str]:
    """The headers with which a key of a role is sent."""
    origin = {"Origin": PAGE_ORIGIN} if role is Role.BROWSER else {}
    return {"Authorization": f"Bearer {key}", **origin}


def _request(role: Role) -> KeyRequest:
    origins = (PAGE_ORIGIN,) if role is Role.BROWSER else ()
    return KeyRequest(role.value, role, origins=origins)
