import shutil
from datetime import UTC, datetime
from pathlib import Path

import pytest

from recommender.model.alliance_model import NAME
from recommender.registry.locations import follow_move
from recommender.rollout.registry_cache import registry_cache
from recommender.security.scopes import Role
from recommender.store.database import open_store
from tests.support.journal_rows import pair, put_roster, rate, recommend
from tests.support.server import new_key


@pytest.fixture
def store_url(a_store_url: str) -> str:
    """The address of a store with rows about two clients, a roster and a key."""
    store = open_store(a_store_url)
    put_roster(store)
    for number in (1, 2):
        recommend(store, f"r{number}", f"c{number:04d}")
        pair(store, f"p{number}", f"c{number:04d}", recommendation_id=f"r{number}")
        rate(store, f"p{number}")
    new_key(store, "website", Role.TOOL, now=datetime.now(UTC))
    store.close()
    return a_store_url


@pytest.fixture
def registry_folder(published_registry: Path, tmp_path: Path) -> Path:
    """A registry at home in its folder, with a bundle cache in it that has answered."""
    # Late: mlflow warns while it is imported, which only a test is allowed to ignore.
    from recommender.registry.registry import Registry
    from tests.support.registries import address

    folder = tmp_path / "live"
    shutil.copytree(published_registry, folder)
    follow_move(folder / "mlflow.db", folder / "mlartifacts", NAME)
    cache = registry_cache(folder / "bundles", address(folder))
    champion = Registry(address(folder)).fetch("champion", cache.directory)
    cache.store_last_good(champion.name)
    return folder
