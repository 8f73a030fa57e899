import pytest
from argon2 import PasswordHasher

from recommender.security import passwords
from tests.support.postgres import a_store, a_store_url, cluster, empty_url, migrated_file

__all__ = ["a_store", "a_store_url", "cluster", "empty_url", "migrated_file"]


@pytest.fixture(autouse=True)
def a_light_hash(monkeypatch: pytest.MonkeyPatch) -> None:
    hasher = PasswordHasher(time_cost=1, memory_cost=64, parallelism=1)
    monkeypatch.setattr(passwords, "_hasher", hasher)
    monkeypatch.setattr(passwords, "_NOBODY", hasher.hash("nobody"))
