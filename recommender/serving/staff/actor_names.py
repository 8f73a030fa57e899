"""Whoever did something, by the name of their account: the journal itself knows ids only.

Imported by the routes of `staff`.
"""

from collections.abc import Mapping

from recommender.security.passwords import list_accounts
from recommender.store.database import Connection


def names_of_actors(connection: Connection) -> Mapping[str, str]:
    """What accounts are called, by the id the journal has; keys go by their own name."""
    return {account.staff_id: account.name for account in list_accounts(connection)}
